package incident

import (
	"errors"
	"slices"
	"time"
)

// UpdateKind says what an update is for.
type UpdateKind string

// The kinds of update.
const (
	// Notice announces a stage.
	Notice UpdateKind = "notice"
	// ScopeUpdate says who is affected.
	ScopeUpdate UpdateKind = "scope"
	// Progress says what changed within a stage.
	Progress UpdateKind = "progress"
	// Automatic is a first notice that nobody has confirmed.
	Automatic UpdateKind = "automatic"
	// Holding stands in for an update that was promised and is not ready.
	Holding UpdateKind = "holding"
	// Correction puts right an earlier update that was wrong.
	Correction UpdateKind = "correction"
	// Retraction takes back an earlier update.
	Retraction UpdateKind = "retraction"
	// Report is the result report.
	Report UpdateKind = "report"
	// FollowUp tells how the countermeasures go.
	FollowUp UpdateKind = "follow_up"
)

// UpdateKinds lists the kinds.
func UpdateKinds() []UpdateKind {
	return []UpdateKind{Notice, ScopeUpdate, Progress, Automatic, Holding, Correction, Retraction, Report, FollowUp}
}

// Valid reports whether k is one of the kinds.
func (k UpdateKind) Valid() bool { return slices.Contains(UpdateKinds(), k) }

// Mends reports whether k speaks of an earlier update, and so is owed to
// everyone who was told that one.
func (k UpdateKind) Mends() bool { return k == Correction || k == Retraction }

// An Update is one announcement of an incident. It is numbered when it is
// accepted and never changes afterwards.
type Update struct {
	Incident ID         `json:"incident"`
	Seq      int        `json:"seq"`
	Kind     UpdateKind `json:"kind"`
	Stage    Stage      `json:"stage"`
	Severity Severity   `json:"severity"`
	// Of is the update that a correction or retraction speaks of.
	Of int `json:"of,omitempty"`
	// At is when it was accepted.
	At time.Time `json:"at"`
	// By is who published it: a key's name, a member, or "shirase" for the automatic.
	By string `json:"by"`
	// Components are the ones it names.
	Components []ComponentID `json:"components"`
	// Facts are the incident's facts at acceptance.
	Facts Facts `json:"facts"`
	// Text is what the author added, in whole sentences.
	Text Text `json:"text,omitempty"`
	// Next is when readers are promised the next update; zero if the update is final.
	Next time.Time `json:"next,omitzero"`
	// Missed is the promise that this update comes too late for; zero if it is in time.
	Missed time.Time `json:"missed,omitzero"`
	// MergedInto is set on the one update that ends a merged incident.
	MergedInto ID `json:"merged_into,omitempty"`
	// Window is the planned window of maintenance at acceptance.
	Window Window `json:"window,omitzero"`
	// Routes are the audiences and channels on which this update starts
	// deliveries, in plan order. Other routes get it only if late or new.
	Routes []Route `json:"routes"`
}

// Final reports whether the update promises nothing further.
func (u Update) Final() bool { return u.Next.IsZero() }

// A Line is an update in short: what the timeline and the sender need of it.
type Line struct {
	Seq   int        `json:"seq"`
	Stage Stage      `json:"stage"`
	Kind  UpdateKind `json:"kind"`
	At    time.Time  `json:"at"`
	Of    int        `json:"of,omitempty"`
	// WithdrawnAt is when the update was retracted; zero while it stands.
	WithdrawnAt time.Time `json:"withdrawn_at,omitzero"`
}

// Withdrawn reports whether the update has been retracted.
func (l Line) Withdrawn() bool { return !l.WithdrawnAt.IsZero() }

// Window is when planned work takes place.
type Window struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

// IsZero reports whether there is no window.
func (w Window) IsZero() bool { return w.From.IsZero() && w.To.IsZero() }

// A Promise is "next update by", as it was given and as it was kept. There is
// one time for every audience and channel.
type Promise struct {
	// By is the promised time.
	By time.Time `json:"by"`
	// Seq is the update that gave it.
	Seq int `json:"seq"`
	// Kept is the update that settled it, 0 while it is open.
	Kept int `json:"settled_by,omitempty"`
	// SettledAt is when that update was accepted.
	SettledAt time.Time `json:"settled_at,omitzero"`
	// Results tells for each route on which that update went out whether the
	// promise was kept there.
	Results []PromiseResult `json:"results,omitempty"`
}

// PromiseResult is what became of a promise on one route.
type PromiseResult struct {
	Route
	Met bool `json:"met"`
}

// Open reports whether the promise is still to be kept.
func (p Promise) Open() bool { return p.Kept == 0 }

// Met reports whether the promise was kept in time.
func (p Promise) Met() bool { return p.Kept != 0 && !p.SettledAt.After(p.By) }

func join(faults []error) error { return errors.Join(faults...) }
