package deliver

import (
	"time"

	"shirase/internal/incident"
	"shirase/internal/message"
	"shirase/internal/plan"
)

// An Envelope is one message to one recipient: there is no way to address two.
type Envelope struct {
	// Key is the same at every try of the same text for the same recipient, and
	// different for any other: see [EnvelopeKey].
	Key string
	// Kind is what the inbox calls it: update, reminder, escalation,
	// confirmation or operator.
	Kind      string
	Incident  incident.ID
	Seq       int
	Stage     incident.Stage
	Audience  incident.Audience
	Locale    incident.Locale
	Channel   incident.Channel
	Recipient incident.RecipientID
	To        incident.Address
	// Target is set for accounts, rooms and endpoints of the plan.
	Target plan.Target
	// Secret signs webhooks of subscribers; empty where the target has a credential.
	Secret  string
	Content message.Content
	// Headers are extra mail headers: List-Unsubscribe and its Post.
	Headers map[string]string
	// Root and Last are the provider's ids of the incident's first and newest
	// post to this recipient: Root is edited or replied under, Last replied to.
	Root, Last string
	// At is when the update was accepted.
	At time.Time
}

// Outcome is what a provider answered for one envelope. The zero Outcome means
// accepted.
type Outcome struct {
	// ID is the provider's id of what was sent, kept to edit or reply to.
	ID string
	// Failure is nil if the provider accepted.
	Failure *Failure
}

// Reason is why something was not sent. The list is closed; it is also the
// metric label.
type Reason string

// The reasons of a failure.
const (
	Throttled    Reason = "throttled"    // slow down; RetryAfter may say how long
	Unavailable  Reason = "unavailable"  // 5xx, refused connection: not taken, try again
	TimedOut     Reason = "timed_out"    // handed over, no answer: may have been sent
	NotBegun     Reason = "not_begun"    // the deadline came first: no attempt
	Rejected     Reason = "rejected"     // this message or recipient, for good
	Gone         Reason = "gone"         // the recipient asks never to be tried again
	Unauthorised Reason = "unauthorised" // our credential: pause the channel, tell an operator
	Exhausted    Reason = "exhausted"    // tried as often as we do
	TooLate      Reason = "too_late"     // no longer worth saying
	Forbidden    Reason = "forbidden"    // an address we refuse to call
)

// Failure is why an envelope was not accepted. It is an error for logs; it
// holds no address and no secret.
type Failure struct {
	Reason Reason
	// RetryAfter is what the provider asked for; 0 if it did not.
	RetryAfter time.Duration
	// Recipient tells that RetryAfter is about this recipient alone, as a
	// webhook's is, not about the whole channel.
	Recipient bool
	Err       error
}

func (f *Failure) Error() string {
	if f.Err == nil {
		return string(f.Reason)
	}
	return string(f.Reason) + ": " + f.Err.Error()
}

// Unwrap answers the error behind the failure.
func (f *Failure) Unwrap() error { return f.Err }

// A Memo is a message to one person that is no update: a draft, a reminder, an
// escalation, a confirmation, word of a fault. It is stored with the change that
// caused it and delivered by the same rule, under its own slot.
type Memo struct {
	// Incident is the one it is about, or [NoIncident].
	Incident incident.ID `json:"incident"`
	// Slot names the occasion and the recipient, so that the same occasion never
	// tells a person twice.
	Slot      string               `json:"slot"`
	Kind      string               `json:"kind"` // as in Envelope
	Channel   incident.Channel     `json:"channel"`
	Recipient incident.RecipientID `json:"recipient"`
	Audience  incident.Audience    `json:"audience,omitempty"`
	Locale    incident.Locale      `json:"locale"`
	Content   message.Content      `json:"content"`
	At        time.Time            `json:"at"`
	// Until is when it is no longer worth sending; zero means never.
	Until time.Time `json:"until,omitzero"`
	// VoidAfter makes the memo void once the incident has a newer update than
	// this or has ended; negative means that it stays worth sending.
	VoidAfter int `json:"void_after"`
}

// NoIncident is the incident of memos that belong to none.
const NoIncident incident.ID = "none"

// The kinds of envelope, as the inbox shows them.
const (
	KindUpdate       = "update"
	KindReminder     = "reminder"
	KindEscalation   = "escalation"
	KindConfirmation = "confirmation"
	KindOperator     = "operator"
)

// A Pointer is what goes out on the bus: it names an update or a memo.
type Pointer struct {
	Incident incident.ID `json:"incident"`
	Seq      int         `json:"seq,omitempty"`
	// Slot names a memo; empty for updates.
	Slot string `json:"slot,omitempty"`
	// Late names a subscriber who confirmed while the incident was on and gets
	// the current state; only Channel is fanned out to, and only to them.
	Late    incident.RecipientID `json:"late,omitempty"`
	Channel incident.Channel     `json:"channel,omitempty"`
}

// A Chunk is a piece of work on a send queue: people, not a text. Exactly one
// of FromSeq and Slot is set.
type Chunk struct {
	Incident   incident.ID            `json:"incident"`
	Channel    incident.Channel       `json:"channel"`
	FromSeq    int                    `json:"from_seq,omitempty"`
	Slot       string                 `json:"slot,omitempty"`
	Recipients []incident.RecipientID `json:"recipients"`
	// Group is the message group: the host of a webhook, the account of a post.
	Group string `json:"group,omitempty"`
}

// Cursor is how far the fan-out of one update on one channel has come.
type Cursor struct {
	// Source is 0 for the plan's contacts, 1 for subscribers, 2 for the ledger.
	Source int `json:"source"`
	// Route is the index of the audience among the update's routes on the channel;
	// of the ledger, the index of the incident: itself, then those merged into it.
	Route int    `json:"route"`
	Shard int    `json:"shard"`
	From  string `json:"from,omitempty"`
	Done  bool   `json:"done"`
}
