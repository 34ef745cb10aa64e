package announce

import (
	"time"

	"shirase/internal/deliver"
	"shirase/internal/incident"
	"shirase/internal/message"
)

// A Change is one transaction. Everything in it is written, or nothing is.
type Change struct {
	// Incidents are written on condition that their stored version is Base; 0
	// means that there must be none.
	Incidents []Versioned
	Updates   []incident.Update
	Messages  []message.Message
	// Memos are messages to single people. Each has an outbox item of its own,
	// which the store adds, as it does for each update.
	Memos []deliver.Memo
	// Outbox are the pointers of the updates that are to be told.
	Outbox []deliver.Pointer
	// Drafts are written on condition that their stored revision is one less.
	Drafts   []Draft
	Evidence []Evidence
	Notes    []Note
	// Alarms are written on condition that the stored time is Alarm.Was.
	Alarms []Alarm
	// Groups are written on condition that the slot holds Was.
	Groups []GroupSlot
	// Due are put under their id; Drop are deleted on condition that they exist,
	// so that what falls due is handled once.
	Due    []Due
	Drop   []DueID
	Cancel []DueID // deleted whether they exist or not
	// Answer is written on condition that its key is new; nil where none is given.
	Answer *Answer
}

// Versioned is an incident with the version that was read.
type Versioned struct {
	Incident incident.Incident
	Base     int
}

// Evidence is a signal with what became of it. It never touches the incident.
type Evidence struct {
	// Incident is empty for signals that concern none.
	Incident incident.ID      `json:"incident,omitempty"`
	Signal   incident.Signal  `json:"signal"`
	Outcome  incident.Outcome `json:"outcome"`
	// Raw is kept of what could not be read, cut to a bounded size.
	Raw string `json:"raw,omitempty"`
}

// A Note is what an operator wrote down. It reaches nobody outside.
type Note struct {
	ID       string      `json:"id"`
	Incident incident.ID `json:"incident"`
	At       time.Time   `json:"at"`
	By       string      `json:"by"`
	Text     string      `json:"text"`
}

// Alarm is the newest state of one watched thing.
type Alarm struct {
	Fingerprint string               `json:"fingerprint"`
	Name        string               `json:"name"`
	State       incident.SignalState `json:"state"`
	// Quiet tells that the state was suppressed or muted, so nobody was told.
	Quiet bool `json:"quiet,omitempty"`
	// Firing tells that it has fired and not cleared since: INSUFFICIENT_DATA
	// clears nothing. What is quiet does not fire.
	Firing bool      `json:"firing,omitempty"`
	At     time.Time `json:"at"`
	// Was is the time that must be stored for this write to be made; zero for none.
	Was time.Time `json:"-"`
	// Incident is the one it joined last; Component is what the rule said.
	Incident  incident.ID          `json:"incident,omitempty"`
	Component incident.ComponentID `json:"component,omitempty"`
	// Signal is what gave the state. Rules are matched with it: among the signals
	// of an incident it may be too far back to be found.
	Signal incident.Signal `json:"signal,omitzero"`
}

// GroupSlot moves the slot that makes one incident collect a group's alarms.
type GroupSlot struct {
	Group string
	// Was is what the slot must hold; empty for none.
	Was incident.ID
	// Set is what it holds then; empty frees it.
	Set incident.ID
}

// Answer is what a request with an idempotency key was answered with.
type Answer struct {
	// Key is a digest of principal, route and key; Body is a digest of the request's body.
	Key  string    `json:"key"`
	Body string    `json:"body"`
	At   time.Time `json:"at"`
	// Result is the stored [Result].
	Result []byte `json:"result"`
}

// AnswerLife is how long an idempotency key is remembered.
const AnswerLife = 48 * time.Hour

// Remembered reports whether the answer still stands for its key.
func (a Answer) Remembered(now time.Time) bool { return now.Before(a.At.Add(AnswerLife)) }

// DraftID names a draft.
type DraftID string

// DraftState is where a draft stands.
type DraftState string

// The states of a draft.
const (
	DraftOpen      DraftState = "open"
	DraftPublished DraftState = "published"
	DraftDismissed DraftState = "dismissed"
)

// A Draft is an update that waits for a person, or for its time. It has no
// number yet.
type Draft struct {
	ID       DraftID     `json:"id"`
	Incident incident.ID `json:"incident"`
	// Revision rises at each write.
	Revision int `json:"revision"`
	// Base is the incident's version that the texts were rendered for.
	Base  int        `json:"base"`
	State DraftState `json:"state"`
	// Input is what the texts were made from.
	Input UpdateInput `json:"input"`
	// Next is the promise in the texts.
	Next time.Time `json:"next,omitzero"`
	// Messages are the exact texts, and Digest names them.
	Messages []message.Message `json:"messages"`
	Digest   string            `json:"digest"`
	At       time.Time         `json:"at"`
	// Until is when the texts are too old to be published as they are.
	Until time.Time `json:"until"`
	// AutoAt is when it publishes itself unless a person decides; zero for never.
	AutoAt time.Time `json:"auto_at,omitzero"`
	// Called counts the on-call members who were told.
	Called int `json:"called"`
	// Seq is the update it became.
	Seq int    `json:"seq,omitempty"`
	By  string `json:"by,omitempty"`
}

// DueID names something that falls due. It is made from what it is about, so
// that the same occasion has one.
type DueID string

// DueKind is what falls due.
type DueKind string

// The kinds of due item.
const (
	DueHold     DueKind = "hold"     // the hold of an automatic incident is over
	DueAuto     DueKind = "auto"     // a draft publishes itself
	DueEscalate DueKind = "escalate" // nobody has acknowledged
	DueRemind   DueKind = "remind"   // a promise is about to lapse
	DueLapse    DueKind = "lapse"    // a promise has lapsed
	DueOutlook  DueKind = "outlook"  // an outlook is about to expire
	DueReminder DueKind = "reminder" // planned work is near
	DueStart    DueKind = "start"    // planned work begins
	DueEnd      DueKind = "end"      // planned work was to be over
	DueAfter    DueKind = "after"    // planned work is over: do its alarms still fire?
)

// A Due is something that happens by itself at a time, unless it has become
// pointless by then.
type Due struct {
	ID       DueID       `json:"id"`
	Kind     DueKind     `json:"kind"`
	At       time.Time   `json:"at"`
	Incident incident.ID `json:"incident"`
	// Seq is the update it hangs on, Draft the draft; whichever matters.
	Seq   int     `json:"seq,omitempty"`
	Draft DraftID `json:"draft,omitempty"`
	// Lead is how long before planned work a reminder is.
	Lead time.Duration `json:"lead,omitempty"`
}
