package public

import (
	"context"

	"shirase/internal/incident"
	"shirase/internal/message"
	"shirase/internal/plan"
)

// Incidents reads incidents.
type Incidents interface {
	// Incident answers an incident, strongly consistent, or ErrNotFound.
	Incident(ctx context.Context, id incident.ID) (incident.Incident, error)
}

// History reads what was announced.
type History interface {
	// Updates lists the updates of an incident, oldest first.
	Updates(ctx context.Context, id incident.ID) ([]incident.Update, error)
	// Messages lists the stored texts of one update, by audience and locale.
	Messages(ctx context.Context, id incident.ID, seq int) ([]message.Message, error)
}

// Plans reads the communication plan.
type Plans interface {
	// Current answers the newest plan, which says where readers turn.
	Current(ctx context.Context) (*plan.Plan, error)
	// Version answers the plan whose words an incident keeps.
	Version(ctx context.Context, version int) (*plan.Plan, error)
}
