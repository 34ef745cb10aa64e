package deliver

import "time"

// Verdict is the answer to a claim.
type Verdict string

// The verdicts, in the order in which they are considered.
const (
	// Older: a newer sequence was claimed before; the ask is superseded.
	Older Verdict = "older"
	// Final: this very sequence is done.
	Final Verdict = "final"
	// Busy: somebody holds a live lease; ask again when it ends.
	Busy Verdict = "busy"
	// Later: the recipient, or our own backoff, asks to wait.
	Later Verdict = "later"
	// Granted: the asker holds the lease and is the only one to send.
	Granted Verdict = "granted"
)

// An Ask asks to send a sequence to one recipient.
type Ask struct {
	Key Key
	// Seq is claimed; Text is the sequence whose text is to be sent, usually the same.
	Seq, Text int
	// Lease is a fresh id; Until is when it ends.
	Lease string
	Now   time.Time
	Until time.Time
	// Keyed tells that the provider shows a repeat under the same key only once.
	Keyed bool
}

// A Decision answers an ask.
type Decision struct {
	Verdict Verdict
	// Item is the item as it now is: with the lease if granted, otherwise as
	// found, but for what an expired lease left open.
	Item Item
	// Wait is when to ask again, for busy and later.
	Wait time.Time
	// Repeat tells that the grant follows an unknown end of the same sequence,
	// on a channel where the reader may therefore see it twice.
	Repeat bool
	// Changed tells that Item differs from what was found and must be written.
	Changed bool
}

// repeatAfter is how long a channel without keys waits before it tries again
// what may have been sent already.
const repeatAfter = 60 * time.Second

// maxRepeats is how often a channel without keys tries again what may have
// been sent already.
const maxRepeats = 1

// Decide says whether a delivery may start. It is pure, total and the only
// place that knows the rule; stores run it inside a conditional write. A claim
// that takes over an expired lease records that lease's sequence as unknown,
// since nobody can tell whether it was sent.
func Decide(it Item, a Ask) Decision {
	switch {
	case a.Seq < it.Seq:
		return Decision{Verdict: Older, Item: it}
	case a.Seq == it.Seq && it.State == Done:
		return Decision{Verdict: Final, Item: it}
	case it.State == Claimed && a.Now.Before(it.LeaseUntil):
		return Decision{Verdict: Busy, Item: it, Wait: it.LeaseUntil}
	case a.Now.Before(it.NotBefore):
		return Decision{Verdict: Later, Item: it, Wait: it.NotBefore}
	case a.Seq == it.Seq && a.Now.Before(it.RetryAt):
		return Decision{Verdict: Later, Item: it, Wait: it.RetryAt}
	}
	out := it.clone()
	lost := it.State == Claimed // an expired lease
	if lost {
		out.mark(Mark{Seq: it.Seq, Result: Unknown, Text: it.Text, At: it.LeaseUntil})
	}
	var repeat bool
	if a.Seq == it.Seq {
		repeat = !a.Keyed && it.unsure(lost)
		if repeat {
			if wait := it.LeaseUntil.Add(repeatAfter); a.Now.Before(wait) {
				return Decision{Verdict: Later, Item: it, Wait: wait}
			}
			if it.Repeats >= maxRepeats {
				out.State, out.Lease = Done, ""
				return Decision{Verdict: Final, Item: out, Changed: true}
			}
			out.Repeats++
		}
	} else {
		if it.State == Waiting && !it.unsure(false) {
			out.mark(Mark{Seq: it.Seq, Result: Superseded, Winner: a.Seq, At: a.Now})
		}
		out.Attempts, out.Repeats, out.RetryAt = 0, 0, time.Time{}
	}
	out.Seq, out.Text, out.State, out.Lease, out.LeaseUntil = a.Seq, a.Text, Claimed, a.Lease, a.Until
	return Decision{Verdict: Granted, Item: out, Repeat: repeat, Changed: true}
}

// unsure reports whether the item's own sequence may have been sent without
// our knowing.
func (it Item) unsure(lost bool) bool {
	if lost {
		return true
	}
	for _, m := range it.Marks {
		if m.Seq == it.Seq {
			return m.Result == Unknown
		}
	}
	return false
}

// A Settlement says how a granted claim ended. It takes effect only while its
// lease is the newest.
type Settlement struct {
	Key   Key
	Lease string
	Now   time.Time
	// Result is what to record for the sequence; empty records nothing, as for
	// what was not begun.
	Result Result
	Reason Reason
	// Done makes the sequence final; otherwise it is tried again from RetryAt on.
	Done    bool
	RetryAt time.Time
	// NotBefore is the recipient's own Retry-After, for any sequence.
	NotBefore time.Time
	// Attempt counts a try that reached the provider.
	Attempt bool
	// Post is the provider's id of what was sent.
	Post string
	// Winner is the sequence that a superseded one gave way to.
	Winner int
}

// Apply answers the item as the settlement leaves it, and whether it was taken.
// It is pure; stores run it inside a conditional write.
func (s Settlement) Apply(it Item) (Item, bool) {
	if it.State != Claimed || it.Lease != s.Lease {
		return it, false
	}
	out := it.clone()
	out.State, out.Lease = Waiting, ""
	if s.Done {
		out.State = Done
	}
	out.RetryAt = s.RetryAt
	if s.NotBefore.After(out.NotBefore) {
		out.NotBefore = s.NotBefore
	}
	if s.Attempt {
		out.Attempts++
	}
	if s.Post != "" {
		if out.Root == "" {
			out.Root = s.Post
		}
		out.Last = s.Post
	}
	if s.Result != "" {
		m := Mark{Seq: it.Seq, Result: s.Result, Reason: s.Reason, Winner: s.Winner, At: s.Now}
		if s.Result == Sent || s.Result == Unknown {
			m.Text = it.Text
		}
		out.mark(m)
	}
	return out, true
}

func (it Item) clone() Item {
	it.Marks = append([]Mark(nil), it.Marks...)
	return it
}
