package announce

import (
	"time"

	"shirase/internal/incident"
)

// Actor is who asks for a change, and how.
type Actor struct {
	// Name is the key's or member's name; it is recorded.
	Name string
	// Once makes a repeat of the same request answer the same; nil where the
	// caller gave no idempotency key.
	Once *Once
	// IfMatch is the version the caller has seen; 0 where it did not say.
	IfMatch int
}

// Once is an idempotency key and what it was used for, both digested.
type Once struct{ Key, Body string }

// OpenInput is what it takes to open an incident: components, severity and
// effect; everything else may come later.
type OpenInput struct {
	Kind       incident.Kind          `json:"kind,omitempty"`
	Components []incident.ComponentID `json:"components"`
	Severity   incident.Severity      `json:"severity"`
	Stage      incident.Stage         `json:"stage,omitempty"`
	Facts      incident.Facts         `json:"facts,omitzero"`
	Text       incident.Text          `json:"text,omitempty"`
	Next       time.Time              `json:"next,omitzero"`
	Window     incident.Window        `json:"window,omitzero"`
	// Drill opens a rehearsal.
	Drill bool `json:"drill,omitempty"`
	// Hash is the digest of the texts that were seen; empty publishes unseen.
	Hash string `json:"hash,omitempty"`
}

// UpdateInput is what it takes to publish an update: nothing at all is a
// progress update of the current stage.
type UpdateInput struct {
	Kind       incident.UpdateKind    `json:"kind,omitempty"`
	Stage      incident.Stage         `json:"stage,omitempty"`
	Severity   incident.Severity      `json:"severity,omitempty"`
	Components []incident.ComponentID `json:"components,omitempty"`
	Of         int                    `json:"of,omitempty"`
	Facts      incident.Facts         `json:"facts,omitzero"`
	Text       incident.Text          `json:"text,omitempty"`
	Next       time.Time              `json:"next,omitzero"`
	Window     incident.Window        `json:"window,omitzero"`
	Hash       string                 `json:"hash,omitempty"`
}
