package deliver

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strconv"
	"strings"
	"time"
)

// adversary is how often each thing may still go wrong.
type adversary struct {
	crash  uint8 // a sender dies
	repeat uint8 // the queue delivers a message twice
	zombie uint8 // a sender stands still while time passes
	unsure uint8 // the provider gives no answer, with or without effect
	refuse uint8 // the provider takes nothing: throttled, unavailable, rejected
	fault  uint8 // a port answers an error, before or after its effect
	leave  uint8 // the reader unsubscribes
	// skew is by how much the clock of the second sender is ahead.
	skew time.Duration
}

// world is one state of the model. Times count from noon, by a clock that is
// right.
type world struct {
	now    time.Duration
	head   int   // how many updates are accepted
	fanned uint8 // those fanned out, one bit each
	item   *Item // the reader's line of the ledger, never changed in place
	left   bool  // an unsubscribe is accepted
	shown  []showing
	doubt  uint8 // texts that may have been shown without our knowing, one bit each
	handed uint8 // texts a provider was given
	queue  []time.Duration
	hands  [2]hand
	may    adversary
}

// showing is a text as the reader came to see it.
type showing struct {
	text  uint8
	plain bool
	key   string // what the provider knows a repeat by
}

// hand is a sender at work on a message.
type hand struct {
	busy   bool
	paused bool
	flight bool          // the provider was called and has not answered
	node   int32         // see sender
	began  time.Duration // by its own clock
	clock  time.Duration // as it looked at it last
	back   time.Duration // when the queue shows the message again
	// first and meta are what it read of the incident first and last, claim what
	// there was when it claimed.
	first, meta, claim uint8
	// active is what it read of the subscription first; gone says that the
	// reader had left before the check.
	active, gone bool
	// text was handed to the provider and is not settled.
	text uint8
}

// doubtful reports whether a text may have been shown without our knowing.
func (w *world) doubtful(text uint8) bool { return w.doubt>>text&1 == 1 }

// rest ends the work of a hand. Whatever lease it held is nobody's now.
func (w *world) rest(i int) {
	if ownerOf(w.item.Lease) == i {
		it := *w.item
		it.Lease = "lost"
		w.item = &it
	}
	if w.hands[i].text != 0 {
		w.doubt |= 1 << w.hands[i].text
	}
	w.hands[i] = hand{}
}

// enqueue puts a message on the queue.
func (w *world) enqueue(visible time.Duration) {
	w.queue = append(slices.Clone(w.queue), visible)
	slices.Sort(w.queue)
}

// leaseOf names a lease in the ledger by its owner, so that it is told from all others.
func leaseOf(i int, id string) string { return strconv.Itoa(i) + ":" + id }

func ownerOf(lease string) int {
	if i, _, ok := strings.Cut(lease, ":"); ok {
		return int(i[0] - '0')
	}
	return -1
}

// moved answers an item by another clock's beginning. What is long ago stays so.
func (it Item) moved(by time.Duration) Item {
	shift := func(t time.Time) time.Time {
		if t.IsZero() {
			return t
		}
		return t.Add(by)
	}
	it = it.clone()
	it.LeaseUntil, it.NotBefore, it.RetryAt = shift(it.LeaseUntil), shift(it.NotBefore), shift(it.RetryAt)
	for n := range it.Marks {
		it.Marks[n].At = shift(it.Marks[n].At)
	}
	return it
}

// forget makes long ago what no clock can tell from long ago any more, so that
// states which differ in nothing else are one.
func (w *world) forget(slowest time.Duration) {
	floor := w.now + slowest
	for _, h := range w.hands {
		if h.busy {
			floor = min(floor, h.clock)
		}
	}
	at := noon.Add(floor)
	past := func(t time.Time) bool { return !t.IsZero() && !t.After(at) }
	if w.item.forgets(past) {
		it := w.item.clone()
		it.forget(past)
		w.item = &it
	}
	for n, v := range w.queue {
		if v < w.now {
			w.queue = slices.Clone(w.queue)
			w.queue[n] = w.now
		}
	}
}

// forgets reports whether forget changes anything.
func (it *Item) forgets(past func(time.Time) bool) bool {
	if past(it.NotBefore) || past(it.RetryAt) || !it.LeaseUntil.IsZero() && (it.State != Claimed || past(it.LeaseUntil.Add(repeatAfter))) {
		return true
	}
	for n := range it.Marks {
		if m := &it.Marks[n]; !m.At.IsZero() && (m.Result != Unknown || past(m.At.Add(repeatAfter))) {
			return true
		}
	}
	return false
}

func (it *Item) forget(past func(time.Time) bool) {
	if past(it.NotBefore) {
		it.NotBefore = time.Time{}
	}
	if past(it.RetryAt) {
		it.RetryAt = time.Time{}
	}
	if it.State != Claimed || past(it.LeaseUntil.Add(repeatAfter)) {
		it.LeaseUntil = time.Time{}
	}
	for n, m := range it.Marks {
		if m.Result != Unknown || past(m.At.Add(repeatAfter)) {
			it.Marks[n].At = time.Time{}
		}
	}
}

// encode answers the state in bytes, the same for states that differ only in
// when they are, or in which of the two senders is which.
func (w *world) encode(b []byte, alike bool) []byte {
	may := w.may
	b = append(
		b[:0], byte(w.head), w.fanned, flags(w.left), w.doubt, w.handed,
		may.crash, may.repeat, may.zombie, may.unsure, may.refuse, may.fault, may.leave, byte(len(w.shown)), byte(len(w.queue)),
	)
	for _, s := range w.shown {
		b = append(append(b, s.text, flags(s.plain)), s.key...)
	}
	for _, v := range w.queue {
		b = binary.AppendVarint(b, int64(v-w.now))
	}
	it := *w.item
	it.Lease = "" // told with its owner
	b = it.encode(b, noon.Add(w.now))
	var hs [2][64]byte
	one, two := w.encodeHand(0, hs[0][:0]), w.encodeHand(1, hs[1][:0])
	if alike && bytes.Compare(one, two) > 0 {
		one, two = two, one
	}
	return append(append(b, one...), two...)
}

func (w *world) encodeHand(i int, b []byte) []byte {
	h := w.hands[i]
	if !h.busy {
		return append(b, 0)
	}
	b = append(b, 1, flags(h.paused, h.flight, h.active, h.gone), h.first, h.meta, h.claim, h.text)
	b = binary.AppendUvarint(b, uint64(h.node))
	for _, t := range [...]time.Duration{h.began, h.clock, h.back} {
		b = binary.AppendVarint(b, int64(t-w.now))
	}
	if ownerOf(w.item.Lease) == i {
		b = append(b, w.item.Lease[1:]...)
	}
	return b
}

func (it *Item) encode(b []byte, from time.Time) []byte {
	b = append(b, byte(it.Seq), byte(it.Text), byte(it.Attempts), byte(it.Repeats), byte(len(it.Marks)))
	b = append(append(append(b, it.State...), 0), it.Lease...)
	b = append(append(b, 0), flags(it.Root != "", it.Last != ""))
	for _, t := range [...]time.Time{it.LeaseUntil, it.NotBefore, it.RetryAt} {
		b = instant(b, t, from)
	}
	for _, m := range it.Marks {
		b = append(append(b, byte(m.Seq), byte(m.Text), byte(m.Winner)), m.Result...)
		b = append(append(append(b, 0), m.Reason...), 0)
		b = instant(b, m.At, from)
	}
	return b
}

// instant encodes a time by how far it lies from another; zero is long ago.
func instant(b []byte, t, from time.Time) []byte {
	if t.IsZero() {
		return append(b, 0xff, 0xff, 0xff)
	}
	if from.IsZero() {
		from = noon
	}
	return binary.AppendVarint(b, int64(t.Sub(from)))
}

func flags(bs ...bool) (out byte) {
	for n, b := range bs {
		if b {
			out |= 1 << n
		}
	}
	return out
}
