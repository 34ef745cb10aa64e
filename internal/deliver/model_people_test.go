package deliver

import (
	"fmt"
	"slices"
	"time"

	"shirase/internal/incident"
)

// people is what operators, readers, fan-out and the queue do.
func (m *model) people(w *world, do doing) {
	if w.head < len(m.updates) {
		do(-1, "accept", uint8(w.head+1), m.accept)
	}
	for n := range w.head {
		if w.fanned>>n&1 == 0 {
			do(-1, "fan out", uint8(n+1), func(w *world) {
				w.fanned |= 1 << n
				if m.variant.retractionLost && m.updates[n].Kind == incident.Retraction {
					return
				}
				for range m.fanOut(w, n) {
					w.enqueue(w.now)
				}
			})
		}
	}
	if w.may.leave > 0 && !w.left {
		do(-1, "unsubscribe", 0, func(w *world) { w.may.leave--; w.left = true })
	}
	if w.may.repeat > 0 && len(w.queue) > 0 {
		do(-1, "deliver the message twice", 0, func(w *world) { w.may.repeat--; w.enqueue(w.queue[0]) })
	}
}

// accept accepts the next update. Where its readers come from the book, it is
// fanned out at once, since nothing in the model changes what the book answers:
// its message may still lie on the queue for as long as it likes.
func (m *model) accept(w *world) {
	if from, _ := sources(m.updates[w.head], modelChannel); slices.Contains(from, fromBook) {
		w.fanned |= 1 << w.head
		w.enqueue(w.now)
	}
	w.head++
}

// time passes to the next moment at which anything may change. Nobody is at
// work then, except who stands still.
func (m *model) time(w *world, do doing) {
	awake := uint8(0)
	for _, h := range w.hands {
		if h.busy && !h.paused {
			awake++
		}
	}
	next, ok := m.wakes(w)
	if !ok || awake > w.may.zombie {
		return
	}
	do(-1, "time passes", 0, func(w *world) {
		w.may.zombie -= awake
		w.now = next
		for i := range w.hands {
			h := &w.hands[i]
			h.paused = h.busy
			if h.busy && h.back >= 0 && h.back <= w.now {
				m.note("a message came back from one who stood still")
				w.rest(i)
				w.enqueue(w.now)
			}
		}
	})
}

// wakes answers the next moment at which anything may change.
func (m *model) wakes(w *world) (next time.Duration, ok bool) {
	may := func(d time.Duration) {
		if d > w.now && (!ok || d < next) {
			next, ok = d, true
		}
	}
	stored := func(t time.Time, by time.Duration) {
		if t.IsZero() {
			return
		}
		for _, s := range m.skew {
			may(t.Add(by).Sub(noon) - s)
		}
	}
	pending := w.head < len(m.updates)
	for _, v := range w.queue {
		may(v)
		pending = true
	}
	for i, h := range w.hands {
		if !h.busy {
			continue
		}
		pending = true
		may(h.back)
		if m.sender.nodes[h.node].asks.at == atSend {
			by := m.sendBy(h, i)
			may(by)
			may(by + m.margin())
		}
	}
	if !pending {
		return 0, false
	}
	it := w.item
	stored(it.LeaseUntil, 0)
	stored(it.NotBefore, 0)
	stored(it.RetryAt, 0)
	if !m.sender.keyed {
		stored(it.LeaseUntil, repeatAfter)
		for _, mk := range it.Marks {
			if mk.Result == Unknown {
				stored(mk.At, repeatAfter)
			}
		}
	}
	return next, ok
}

// sendBy answers the deadline of a call by the clock that is right.
func (m *model) sendBy(h hand, i int) time.Duration {
	return h.began + m.sender.nodes[h.node].asks.sendBy.Sub(noon) - m.skew[i]
}

// margin is how long after its deadline a call may still take effect: by clocks
// that disagree as much as is allowed, not at all.
func (m *model) margin() time.Duration {
	if m.alike() {
		return leaseMargin
	}
	return 0
}

// fanOut runs the real fan-out of an update and answers its chunks.
func (m *model) fanOut(w *world, n int) int {
	key := string(w.item.encode([]byte{byte(n), byte(w.head), flags(w.left)}, noon.Add(w.now)))
	if c, ok := m.fanCache[key]; ok {
		return c
	}
	tw := m.fanTwin
	tw.incidents[theOne] = m.sender.heads[w.head]
	tw.subs[modelChannel] = map[incident.RecipientID][]incident.Subscriber{modelReader: {modelSubscriber(modelChannel, !w.left)}}
	tw.items, tw.jobs, tw.queued = map[Key]Item{}, map[string]Cursor{}, nil
	if w.item.Seq > 0 {
		tw.items[modelKey] = *w.item
	}
	if more, err := m.fan.Pointer(bg, Pointer{Incident: theOne, Seq: n + 1}, noon.Add(time.Hour)); err != nil || more {
		panic(fmt.Sprint("fan-out: ", more, err))
	}
	m.fanCache[key] = len(tw.queued)
	return len(tw.queued)
}

// inTime reports whether a call under way may still take effect.
func (m *model) inTime(w *world, i int) bool {
	return m.variant.late || w.now < m.sendBy(w.hands[i], i)+m.margin()
}
