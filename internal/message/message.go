package message

import (
	"time"

	"shirase/internal/incident"
	"shirase/internal/plan"
)

// Content is a text as one family of channel carries it. Subject and HTML are
// empty where the family has none. Until it is resolved for a reader it may
// hold the two places that are only known then; see [Resolve].
type Content struct {
	Subject string `json:"subject,omitempty"`
	Text    string `json:"text"`
	HTML    string `json:"html,omitempty"`
}

// A Message is the text of one update for one audience in one locale, in every
// family. It is rendered once, when the update is accepted, and stored.
type Message struct {
	Incident incident.ID       `json:"incident"`
	Seq      int               `json:"seq"`
	Audience incident.Audience `json:"audience"`
	Locale   incident.Locale   `json:"locale"`
	// Contents holds the text for each family. For a correction or retraction
	// it is the text for those who were told the wrong one.
	Contents map[incident.Family]Content `json:"contents"`
	// Plain is set for corrections only: the text for those who never got the
	// wrong one. It says what is true and mentions no mistake.
	Plain map[incident.Family]Content `json:"plain,omitempty"`
}

// Input is what an update is rendered from.
type Input struct {
	Plan *plan.Plan
	// Incident is the incident after the update was accepted.
	Incident incident.Snapshot
	Update   incident.Update
	// Wrong is the update that a correction or retraction speaks of.
	Wrong *incident.Update
	// Link is the public page of the incident, without a query.
	Link string
	// Into is the public page of the incident that this one was merged into.
	Into string
	// Signals are the alarms behind the incident, newest first; only engineering
	// reads them. Empty leaves them out.
	Signals []incident.Signal
}

// Level says whether a finding blocks.
type Level string

// The levels of a finding.
const (
	Block Level = "block"
	Warn  Level = "warn"
)

// A Finding is something in a text that must, or should, be changed before it
// is sent.
type Finding struct {
	// ID names the rule and is stable, such as "SEC-01".
	ID    string            `json:"rule"`
	Level Level             `json:"level"`
	Field string            `json:"field,omitempty"`
	To    incident.Audience `json:"audience,omitempty"`
	In    incident.Locale   `json:"locale,omitempty"`
	By    incident.Family   `json:"family,omitempty"`
	// Problem says what is wrong and what would be right, in English for the operator.
	Problem string `json:"problem"`
}

// Blocks reports whether any finding blocks.
func Blocks(fs []Finding) bool {
	for _, f := range fs {
		if f.Level == Block {
			return true
		}
	}
	return false
}

// Reader is what is known of a recipient only when a text is sent.
type Reader struct {
	// Unsubscribe is the reader's own link; empty for members and targets.
	Unsubscribe string
	// Manage is the reader's page of preferences; empty for members and targets.
	Manage string
	// Zone is the reader's time zone, an IANA name; empty or the organisation's
	// own adds nothing. It is used in email only.
	Zone string
}

// MemoKind says what a message that is no update is about.
type MemoKind string

// The kinds of memo.
const (
	// MemoDraft hands the on-call member a draft, with exact texts and a signed link.
	MemoDraft MemoKind = "draft"
	// MemoJoined tells the on-call member that an alarm joined while planned work goes on.
	MemoJoined MemoKind = "joined"
	// MemoCleared proposes monitoring, since the alarms have cleared.
	MemoCleared MemoKind = "cleared"
	// MemoEscalation calls the next member, since nobody has acknowledged.
	MemoEscalation MemoKind = "escalation"
	// MemoReminder tells that a promise is about to lapse.
	MemoReminder MemoKind = "reminder"
	// MemoOutlook asks for a new outlook before the old one expires.
	MemoOutlook MemoKind = "outlook"
	// MemoUnreadable tells that an alarm came in a shape we do not know.
	MemoUnreadable MemoKind = "unreadable"
	// MemoUndelivered tells that deliveries were given up.
	MemoUndelivered MemoKind = "undelivered"
	// MemoConfirm asks a new subscriber to confirm.
	MemoConfirm MemoKind = "confirm"
)

// MemoInput is what a memo is rendered from. Which fields matter depends on the kind.
type MemoInput struct {
	Plan   *plan.Plan
	Kind   MemoKind
	Locale incident.Locale
	// Drill marks the memo as a rehearsal.
	Drill bool
	// Incident is nil for memos that belong to none.
	Incident *incident.Snapshot
	// Draft holds the exact texts that are proposed: the customers' messages.
	Draft []Message
	// Signals are the alarms behind a draft.
	Signals []incident.Signal
	// Link is the signed action link, or the confirmation link.
	Link string
	// Code is the confirmation code for SMS.
	Code string
	// Due is the time the memo is about: when a promise or an outlook lapses, a
	// draft publishes itself or a confirmation link dies. Zero where there is none.
	Due time.Time
	// Now is when the memo is written.
	Now time.Time
	// Auto tells that the draft publishes itself at Due.
	Auto bool
	// Reason is what an operator is told of a fault, free of addresses and secrets.
	Reason string
	// Channel and Count say what was not delivered.
	Channel incident.Channel
	Count   int
}
