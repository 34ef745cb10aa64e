package deliver

import (
	"strings"
	"time"
)

// lend answers an item as a sender reads it: by its own beginning, and its own
// leases by the names it gave them.
func (w *world) lend(i int, it Item) Item {
	it = it.moved(-w.hands[i].began)
	switch {
	case ownerOf(it.Lease) == i:
		it.Lease = it.Lease[2:]
	case it.Lease != "":
		it.Lease = "other"
	}
	return it
}

// time answers a sender's instant by the clock that is right for all.
func (h *hand) time(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return t.Add(h.began)
}

func (m *model) readIncident(w *world, h *hand) int {
	if h.first == 0 {
		h.first = uint8(w.head)
	}
	if h.meta = uint8(w.head); m.variant.checkFirst {
		return int(h.first)
	}
	return w.head
}

func (m *model) readConsent(w *world, h *hand) bool {
	h.gone = w.left
	return !w.left || m.variant.consentOnce
}

func (m *model) claim(w *world, i int, a Ask) Decision {
	h := &w.hands[i]
	a.Now, a.Until, a.Lease = h.time(a.Now), h.time(a.Until), leaseOf(i, a.Lease)
	h.claim = uint8(w.head)
	before := *w.item
	d := m.variant.decide(before, a)
	if d.Changed && !m.variant.claimDropped {
		it := d.Item
		w.item = &it
	}
	m.note(string(d.Verdict))
	if d.Verdict == Granted {
		if before.State == Claimed {
			m.note("takeover after the lease")
			w.doubt |= 1 << before.Text
		}
		if d.Repeat {
			m.note("repeat after unknown")
		}
		if a.Text < a.Seq {
			m.note("claimed under another number")
		}
	}
	if d.Verdict == Final && d.Changed {
		m.note("given up")
	}
	d.Item = w.lend(i, d.Item)
	if !d.Wait.IsZero() {
		d.Wait = d.Wait.Add(-h.began)
	}
	return d
}

func (m *model) settle(w *world, i int, s Settlement) bool {
	h := &w.hands[i]
	s.Now, s.RetryAt, s.NotBefore, s.Lease = h.time(s.Now), h.time(s.RetryAt), h.time(s.NotBefore), leaseOf(i, s.Lease)
	it, taken := m.variant.apply(s, *w.item)
	if taken {
		w.item = &it
		h.text = 0
		m.note(string(s.Result))
	} else {
		m.note("settle refused")
		w.doubt |= 1 << h.text &^ 1
	}
	return taken
}

// send calls the provider. Its effect comes at some moment before the deadline,
// or not at all; the answer may be lost.
func (m *model) send(w *world, i int, q *question, step func(string, uint8, func(*world, *hand))) {
	h := w.hands[i]
	text, plain := written(q.envelope)
	sendBy := m.sendBy(h, i)
	if !h.flight {
		if w.now >= sendBy && !m.variant.late {
			step("too late to send", text, func(w *world, _ *hand) {
				m.note("not begun")
				m.reply(w, i, answer{outcome: Outcome{Failure: &Failure{Reason: NotBegun}}})
			})
			return
		}
		step("call the provider with", text, func(w *world, h *hand) {
			h.flight, h.text = true, text
			w.handed |= 1 << text
			if m.variant.sentFirst {
				m.settle(w, i, Settlement{Lease: w.lend(i, *w.item).Lease, Result: Sent, Done: true})
			}
		})
		return
	}
	ends := func(does string, effect bool, f *Failure, cost func(*adversary)) {
		step(does, text, func(w *world, h *hand) {
			cost(&w.may)
			if effect {
				m.show(w, h, showing{text, plain, m.variant.key(q.envelope, h)})
			}
			h.flight = false
			if f != nil {
				m.note(string(f.Reason))
			}
			if f != nil && f.Reason == TimedOut {
				w.doubt |= 1 << text
			}
			m.reply(w, i, answer{outcome: Outcome{ID: "post", Failure: f}})
		})
	}
	free := func(*adversary) {}
	unsure := func(a *adversary) { a.unsure-- }
	refuse := func(a *adversary) { a.refuse-- }
	lost := &Failure{Reason: TimedOut}
	inTime := m.inTime(w, i)
	switch {
	case w.now >= sendBy:
		ends("no answer in time, no effect of", false, lost, free)
	case w.may.unsure > 0:
		ends("no answer, no effect of", false, lost, unsure)
	}
	if !inTime {
		return
	}
	ends("the provider takes", true, nil, free)
	if w.may.unsure > 0 {
		ends("the answer is lost, the provider takes", true, lost, unsure)
	}
	if w.may.refuse > 0 {
		ends("throttled with", false, &Failure{Reason: Throttled, RetryAfter: 20 * time.Second, Recipient: true}, refuse)
		ends("unavailable with", false, &Failure{Reason: Unavailable}, refuse)
		ends("rejects", false, &Failure{Reason: Rejected}, refuse)
	}
}

// written answers the number of the text in an envelope, and whether it is the
// plain one.
func written(e Envelope) (text uint8, plain bool) {
	return uint8(textOfEnvelope(e)), strings.HasSuffix(e.Content.Text, " plain")
}
