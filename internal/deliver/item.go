package deliver

import (
	"time"

	"shirase/internal/incident"
)

// A Key names one line of the ledger: one recipient of one incident on one
// channel, or, where Slot is set, of one memo.
type Key struct {
	Incident  incident.ID
	Channel   incident.Channel
	Recipient incident.RecipientID
	// Slot is the memo's slot; empty for updates.
	Slot string
}

// State is where the highest sequence of an item stands.
type State string

// The states of an item.
const (
	// Claimed: somebody holds, or held, a lease to send it.
	Claimed State = "claimed"
	// Waiting: not done, to be tried again.
	Waiting State = "waiting"
	// Done: final for this sequence, whatever the result.
	Done State = "done"
)

// Result is what became of one sequence for one recipient.
type Result string

// The results. Unknown was handed over without an answer and counts as told.
const (
	Sent         Result = "sent"
	Superseded   Result = "superseded"
	Withdrawn    Result = "withdrawn"
	Refused      Result = "refused"
	Failed       Result = "failed"
	Unsubscribed Result = "unsubscribed"
	Unknown      Result = "unknown"
)

// A Mark is the compact record of one sequence in an item.
type Mark struct {
	Seq    int    `json:"seq"`
	Result Result `json:"result"`
	Reason Reason `json:"reason,omitempty"`
	// Text is the sequence whose text was sent; usually Seq itself.
	Text int `json:"text,omitempty"`
	// Winner is the newer sequence that a superseded one gave way to.
	Winner int       `json:"winner,omitempty"`
	At     time.Time `json:"at"`
}

// An Item is one line of the ledger. The zero Item is a recipient who has been
// told nothing.
type Item struct {
	// Seq is the highest sequence ever claimed.
	Seq   int   `json:"seq"`
	State State `json:"state"`
	// Lease is the id of the newest claim, LeaseUntil when it ends.
	Lease      string    `json:"lease,omitempty"`
	LeaseUntil time.Time `json:"lease_until,omitzero"`
	// Text is the sequence whose text the newest claim sends.
	Text int `json:"text,omitempty"`
	// NotBefore is the recipient's own Retry-After and holds for any sequence.
	NotBefore time.Time `json:"not_before,omitzero"`
	// RetryAt is our own backoff and holds for Seq only.
	RetryAt time.Time `json:"retry_at,omitzero"`
	// Attempts counts the tries of Seq that reached a provider.
	Attempts int `json:"attempts,omitempty"`
	// Repeats counts tries after an unknown end on a channel without a key.
	Repeats int `json:"repeats,omitempty"`
	// Root and Last are the provider's ids of the first and newest post.
	Root string `json:"root,omitempty"`
	Last string `json:"last,omitempty"`
	// Marks are the results by sequence, oldest first.
	Marks []Mark `json:"marks,omitempty"`
}

// Told reports whether the recipient was, or may have been, told the text of
// update seq. A live or lost lease counts: it may have been sent.
func (it Item) Told(seq int) bool {
	if it.State == Claimed && it.Text == seq {
		return true
	}
	for _, m := range it.Marks {
		if m.Text == seq && (m.Result == Sent || m.Result == Unknown) {
			return true
		}
	}
	return false
}

// ToldAny reports whether the recipient was, or may have been, told anything.
func (it Item) ToldAny() bool {
	if it.State == Claimed {
		return true
	}
	for _, m := range it.Marks {
		if m.Result == Sent || m.Result == Unknown {
			return true
		}
	}
	return false
}

// mark puts a result in, replacing the one of the same sequence.
func (it *Item) mark(m Mark) {
	for n := range it.Marks {
		if it.Marks[n].Seq == m.Seq {
			it.Marks[n] = m
			return
		}
	}
	it.Marks = append(it.Marks, m)
}
