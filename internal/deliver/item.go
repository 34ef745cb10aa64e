package deliver

import (
	"cmp"
	"slices"
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

// Result is what became of one text for one recipient.
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

// A Mark is the compact record of one text in an item.
type Mark struct {
	// Seq is the sequence under which it was claimed last.
	Seq    int    `json:"seq"`
	Result Result `json:"result"`
	Reason Reason `json:"reason,omitempty"`
	// Text is the update whose text was, or was to be, sent; usually Seq itself.
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
	// Marks are the results, one for each text, oldest first.
	Marks []Mark `json:"marks,omitempty"`
}

// told reports whether the recipient got, or may have got, the text.
func (m Mark) told() bool { return m.Result == Sent || m.Result == Unknown }

// Told reports whether the recipient was, or may have been, told the text of
// update seq. A live or lost lease counts: it may have been sent.
func (it Item) Told(seq int) bool {
	if it.State == Claimed && it.Text == seq {
		return true
	}
	for _, m := range it.Marks {
		if m.Text == seq && m.told() {
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
	return slices.ContainsFunc(it.Marks, Mark.told)
}

// over reports whether nothing more is to be done with the text of update seq:
// it was sent, or given up. What gave way to another text may still come back,
// and what may have been sent is tried again until it is given up, which leaves
// a reason.
func (it Item) over(seq int) bool {
	m, ok := it.find(seq)
	switch m.Result {
	case Superseded, Withdrawn:
		return false
	case Unknown:
		return m.Reason != "" && m.Reason != TimedOut || it.Text == seq && it.State == Done
	case Sent, Refused, Failed, Unsubscribed:
	}
	return ok
}

// working reports whether the newest claim is of this text and not done.
func (it Item) working(text int) bool { return it.Seq > 0 && it.Text == text && it.State != Done }

// unsure reports whether the text of update seq may have been sent without our
// knowing, since a try ended without an answer or its lease was lost, and when
// that was.
func (it Item) unsure(seq int) (since time.Time, ok bool) {
	if it.State == Claimed && it.Text == seq {
		return it.LeaseUntil, true
	}
	m, _ := it.find(seq)
	return m.At, m.Result == Unknown
}

// find answers what became of the text of update seq.
func (it Item) find(seq int) (Mark, bool) {
	n := slices.IndexFunc(it.Marks, func(m Mark) bool { return m.Text == seq })
	if n < 0 {
		return Mark{}, false
	}
	return it.Marks[n], true
}

// mark puts a result in, replacing the one of the same text. What may have been
// told stays told: a later result adds its reason, no more.
func (it *Item) mark(m Mark) {
	n := slices.IndexFunc(it.Marks, func(old Mark) bool { return old.Text == m.Text })
	switch {
	case n < 0:
		it.Marks = append(it.Marks, m)
	case it.Marks[n].told() && !m.told():
		it.Marks[n].Reason = cmp.Or(m.Reason, it.Marks[n].Reason)
	default:
		it.Marks[n] = m
	}
}

func (it Item) clone() Item {
	it.Marks = slices.Clone(it.Marks)
	return it
}
