package announce

import (
	"context"
	"time"

	"shirase/internal/deliver"
	"shirase/internal/incident"
	"shirase/internal/message"
	"shirase/internal/plan"
)

// Reader reads incidents and what hangs on them. Every read is strongly
// consistent.
type Reader interface {
	// Incident answers an incident, or ErrNotFound.
	Incident(ctx context.Context, id incident.ID) (incident.Incident, error)
	// Update answers an accepted update, or ErrNotFound.
	Update(ctx context.Context, id incident.ID, seq int) (incident.Update, error)
	// Live answers every incident that goes on, by id.
	Live(ctx context.Context) ([]incident.Incident, error)
}

// History lists what is kept, for operators. Lists are newest first unless said
// otherwise; next is empty at the end.
type History interface {
	// Incidents lists incidents, newest first.
	Incidents(ctx context.Context, cursor string, limit int) (is []incident.Incident, next string, err error)
	// Updates lists the updates of an incident, oldest first.
	Updates(ctx context.Context, id incident.ID) ([]incident.Update, error)
	// Messages lists the stored texts of one update, by audience and locale.
	Messages(ctx context.Context, id incident.ID, seq int) ([]message.Message, error)
	// Notes lists the notes of an incident, oldest first.
	Notes(ctx context.Context, id incident.ID) ([]Note, error)
	// Signals lists signals with what became of them, newest first; of one
	// incident only, unless id is empty.
	Signals(ctx context.Context, id incident.ID, cursor string, limit int) (es []Evidence, next string, err error)
}

// Watch reads what the alarm path decides by.
type Watch interface {
	// Alarm answers the newest state of a fingerprint; the zero Alarm where
	// there is none.
	Alarm(ctx context.Context, fingerprint string) (Alarm, error)
	// Alarms answers the newest state of every fingerprint that has joined an
	// incident, sorted by fingerprint.
	Alarms(ctx context.Context, id incident.ID) ([]Alarm, error)
	// Group answers the automatic incident that collects a group; empty where
	// there is none.
	Group(ctx context.Context, group string) (incident.ID, error)
}

// Drafts reads drafts.
type Drafts interface {
	// Draft answers a draft, or ErrNotFound.
	Draft(ctx context.Context, id DraftID) (Draft, error)
	// Drafts answers the drafts of an incident, oldest first.
	Drafts(ctx context.Context, id incident.ID) ([]Draft, error)
	// OpenDrafts answers those that nobody has decided on, oldest first. What it
	// reads does not grow with those that were.
	OpenDrafts(ctx context.Context, id incident.ID) ([]Draft, error)
}

// Plans keeps the versions of the plan.
type Plans interface {
	// Current answers the newest plan.
	Current(ctx context.Context) (*plan.Plan, error)
	// Version answers one version, or ErrNotFound.
	Version(ctx context.Context, version int) (*plan.Plan, error)
	// SavePlan keeps a plan as the version after base and answers its number;
	// ErrConflict where base is not the newest. It is kept as it was read, so that
	// whoever reads it back needs no parser.
	SavePlan(ctx context.Context, base int, p *plan.Plan) (int, error)
}

// Components keeps what operators say of a component beside incidents.
type Components interface {
	// ComponentStatus answers the status an operator set; empty where none is.
	ComponentStatus(ctx context.Context, id incident.ComponentID) (incident.ComponentStatus, error)
	// SetComponentStatus keeps one; empty clears it.
	SetComponentStatus(ctx context.Context, id incident.ComponentID, s incident.ComponentStatus) error
}

// Committer makes changes.
type Committer interface {
	// Commit makes the whole change or nothing. ErrConflict means that one of its
	// conditions did not hold: read again and decide anew. A commit whose answer
	// was lost may have been made; the change's guard items make the second try
	// a conflict.
	Commit(ctx context.Context, c Change) error
	// Answer answers what an idempotency key was answered with before; ok is
	// false where it was never seen or is older than 48 hours.
	Answer(ctx context.Context, key string, now time.Time) (a Answer, ok bool, err error)
}

// Agenda reads what is to be done. The store's own items are the truth; nudges
// only make it sooner.
type Agenda interface {
	// Due answers what is due at now, oldest first, up to limit.
	Due(ctx context.Context, now time.Time, limit int) ([]Due, error)
	// Awaits reports whether a due item is still to be handled.
	Awaits(ctx context.Context, id DueID) (bool, error)
	// Outbox answers pointers that were committed before a time and not yet
	// published, oldest first, up to limit.
	Outbox(ctx context.Context, before time.Time, limit int) ([]deliver.Pointer, error)
	// Published deletes an outbox item. It may be called twice.
	Published(ctx context.Context, p deliver.Pointer) error
}

// Bus tells the fan-out of an update or memo.
type Bus interface {
	// Publish sends a pointer, at least once, and gives up at the deadline.
	Publish(ctx context.Context, p deliver.Pointer, deadline time.Time) error
}

// Links makes the links that stand in texts, from the configured public URL.
type Links interface {
	// Incident answers the public page of an incident.
	Incident(id incident.ID) string
	// Draft answers the signed link to a draft's page for one member, good until expires.
	Draft(id DraftID, member plan.MemberID, expires time.Time) string
}
