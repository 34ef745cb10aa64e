package deliver

import (
	"cmp"
	"time"
)

// Verdict is the answer to a claim.
type Verdict string

// The verdicts, in the order in which they are considered.
const (
	// Older: a newer sequence was claimed before; the ask is superseded.
	Older Verdict = "older"
	// Final: this very text is done.
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
	// Seq is claimed; Text is the update whose text is to be sent, usually the
	// same; 0 says so.
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
// place that knows the rule; stores run it inside a conditional write, and write
// the item it answers wherever it is changed. A claim that takes over an expired
// lease records that lease's sequence as unknown, since nobody can tell whether
// it was sent, and counts it as an attempt, so that what kills its sender is
// given up in the end.
//
// What is final is a text, not its number: an owed text whose own number was
// spent on another that never went out is claimed under that number again.
func Decide(it Item, a Ask) Decision {
	text := cmp.Or(a.Text, a.Seq)
	same := a.Seq == it.Seq && text == it.Text
	since, unsure := it.unsure(text)
	repeat := unsure && !a.Keyed
	switch {
	case a.Seq < it.Seq:
		return Decision{Verdict: Older, Item: it}
	case same && it.State == Done, it.over(text):
		return Decision{Verdict: Final, Item: it}
	case it.State == Claimed && a.Now.Before(it.LeaseUntil):
		return Decision{Verdict: Busy, Item: it, Wait: it.LeaseUntil}
	case a.Now.Before(it.NotBefore):
		return Decision{Verdict: Later, Item: it, Wait: it.NotBefore}
	case same && a.Now.Before(it.RetryAt):
		return Decision{Verdict: Later, Item: it, Wait: it.RetryAt}
	case repeat && a.Now.Before(since.Add(repeatAfter)):
		return Decision{Verdict: Later, Item: it, Wait: since.Add(repeatAfter)}
	}
	out := it.clone()
	out.leave(same, a)
	if !same {
		out.Attempts, out.Repeats, out.RetryAt = 0, 0, time.Time{}
	} else if repeat && it.Repeats >= maxRepeats {
		out.mark(Mark{Seq: it.Seq, Result: Failed, Reason: Exhausted, Text: text, At: a.Now}) // stays unknown
		out.State, out.Lease = Done, ""
		return Decision{Verdict: Final, Item: out, Changed: true}
	}
	if repeat {
		out.Repeats++
	}
	out.Seq, out.Text, out.State, out.Lease, out.LeaseUntil = a.Seq, text, Claimed, a.Lease, a.Until
	return Decision{Verdict: Granted, Item: out, Repeat: repeat, Changed: true}
}

// leave records how the newest claim was left, before an ask takes over.
func (it *Item) leave(same bool, a Ask) {
	if it.State == Claimed { // and its lease has ended
		it.mark(Mark{Seq: it.Seq, Result: Unknown, Text: it.Text, At: it.LeaseUntil})
		it.Attempts++
	}
	switch {
	case same:
	case it.Repeats >= maxRepeats:
		it.mark(Mark{Seq: it.Seq, Result: Failed, Reason: Exhausted, Text: it.Text, At: a.Now})
	case it.State == Waiting:
		it.mark(Mark{Seq: it.Seq, Result: Superseded, Text: it.Text, Winner: a.Seq, At: a.Now})
	}
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
		out.mark(Mark{Seq: it.Seq, Result: s.Result, Reason: s.Reason, Text: it.Text, Winner: s.Winner, At: s.Now})
	}
	return out, true
}
