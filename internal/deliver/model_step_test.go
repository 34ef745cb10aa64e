package deliver

import (
	"fmt"
	"time"

	"shirase/internal/incident"
)

// model is one configuration: what is accepted, on what kind of channel, and
// what may go wrong.
type model struct {
	name    string
	family  incident.Family
	may     adversary
	skew    [2]time.Duration
	snaps   []incident.Snapshot // by how many updates are accepted
	updates []incident.Update
	sender  *sender
	fan     *FanOut
	fanTwin *twin
	variant variant
	rare    map[string]int
	fault   string
	// next is where a move leads, until the one after it.
	next     world
	fanCache map[string]int
}

// move is one atomic action.
type move struct {
	does string
	text uint8 // the update it is about, 0 for none
	hand int8  // -1 for the world itself
}

func (mv move) String() string {
	out := mv.does
	if mv.text > 0 {
		out += fmt.Sprint(" ", mv.text)
	}
	if mv.hand >= 0 {
		out = fmt.Sprintf("sender %d: %s", mv.hand+1, out)
	}
	return out
}

// moves tells every state that may follow.
func (m *model) moves(w *world, yield func(move, *world)) {
	do := func(hand int, does string, text uint8, change func(*world)) {
		next := &m.next
		*next = *w
		change(next)
		next.forget(min(m.skew[0], m.skew[1], 0))
		yield(move{does, text, int8(hand)}, next)
	}
	for i := range w.hands {
		if m.alone(w, i) {
			m.work(w, i, do)
			return
		}
	}
	m.people(w, do)
	for i, h := range w.hands {
		if h.busy {
			m.work(w, i, do)
		} else if len(w.queue) > 0 && w.queue[0] <= w.now && (i == 0 || w.hands[0].busy || !m.alike()) {
			do(i, "receive and read incident", 0, func(w *world) { m.receive(w, i) })
		}
	}
	m.time(w, do)
}

// alone reports whether the next step of a sender neither sees nor changes what
// anybody else sees or changes, so that no other order need be tried.
func (m *model) alone(w *world, i int) bool {
	h := w.hands[i]
	if !h.busy {
		return false
	}
	standstill := w.may.zombie == 0 && !h.paused // no time passes before it
	switch m.sender.nodes[h.node].asks.at {
	case atEnd:
		return true
	case atIncident:
		return standstill && w.head == len(m.updates)
	case atFind:
		return standstill && w.may.leave == 0
	case atSend:
		return standstill && !h.flight
	case atItems, atClaim, atSettle:
	}
	return false
}

// alike reports whether it makes no difference which of the senders is which.
func (m *model) alike() bool { return m.skew[0] == m.skew[1] }

// receive takes a message and makes the first call, before which there is
// nothing to lose.
func (m *model) receive(w *world, i int) {
	clock := w.now + m.skew[i]
	w.hands[i] = hand{busy: true, began: clock, clock: clock, back: w.now + redelivery}
	w.queue = w.queue[1:]
	if m.variant.ackFirst {
		w.hands[i].back = -1
	}
	m.reply(w, i, answer{head: m.readIncident(w, &w.hands[i])})
}

type doing func(hand int, does string, text uint8, change func(*world))

// work is what one sender, and the ports it calls, may do.
func (m *model) work(w *world, i int, do doing) {
	q := m.sender.nodes[w.hands[i].node].asks
	step := func(does string, text uint8, change func(w *world, h *hand)) {
		do(i, does, text, func(w *world) {
			w.hands[i].paused = false
			change(w, &w.hands[i])
		})
	}
	if w.may.crash > 0 {
		step("crash", 0, func(w *world, h *hand) {
			m.note(crashes[q.at])
			w.may.crash--
			back := h.back
			w.rest(i)
			if back >= 0 {
				w.enqueue(back)
			}
		})
	}
	fail := func(effect func(w *world, h *hand)) {
		if w.may.fault == 0 {
			return
		}
		step(failures[q.at], 0, func(w *world, _ *hand) { w.may.fault--; m.reply(w, i, answer{failed: true}) })
		if effect != nil {
			step(halves[q.at], 0, func(w *world, h *hand) {
				w.may.fault--
				effect(w, h)
				m.reply(w, i, answer{failed: true})
			})
		}
	}
	switch q.at {
	case atIncident:
		step("read incident", 0, func(w *world, h *hand) { m.reply(w, i, answer{head: m.readIncident(w, h)}) })
		fail(nil)
	case atItems:
		step("read item", 0, func(w *world, h *hand) { m.reply(w, i, answer{item: w.lend(i, *w.item)}) })
		fail(nil)
	case atFind:
		step("read consent", 0, func(w *world, h *hand) { m.reply(w, i, answer{active: m.readConsent(w, h)}) })
		fail(nil)
	case atClaim:
		step("claim", 0, func(w *world, h *hand) { m.reply(w, i, answer{decision: m.claim(w, i, q.ask)}) })
		fail(func(w *world, _ *hand) { m.claim(w, i, q.ask) })
	case atSettle:
		step("settle", 0, func(w *world, h *hand) { m.reply(w, i, answer{taken: m.settle(w, i, q.settlement)}) })
		fail(func(w *world, _ *hand) { m.settle(w, i, q.settlement) })
	case atSend:
		m.send(w, i, q, step)
	case atEnd:
		step("end", 0, func(w *world, h *hand) { m.end(w, i, q) })
	}
}

// reply lets a sender go on.
func (m *model) reply(w *world, i int, a answer) {
	h := &w.hands[i]
	h.clock = w.now + m.skew[i]
	a.clock = h.clock - h.began
	h.node = m.sender.follow(h.node, &a)
}

// end gives the message back or deletes it.
func (m *model) end(w *world, i int, q *question) {
	h := w.hands[i]
	w.rest(i)
	switch {
	case h.back < 0:
	case q.err != nil:
		w.enqueue(w.now + 5*time.Second)
	case !q.again.IsZero() && m.variant.busyAtOnce:
		w.enqueue(w.now)
	case !q.again.IsZero() && !m.variant.busyDone:
		w.enqueue(max(w.now, h.began+q.again.Sub(noon)-m.skew[i]))
	}
}

func (m *model) note(what string) { m.rare[what]++ }
