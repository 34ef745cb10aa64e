package main

import (
	"context"
	"fmt"
	"time"

	"shirase/internal/deliver"
	"shirase/internal/incident"
)

// A provider is where the envelopes of one channel go. It keeps what it has
// shown to each recipient.
type provider struct {
	w       *world
	channel incident.Channel
	keyed   bool
	// down and revoked are when it answers nobody, and refuses our credential.
	down, revoked span
	// seen are the keys it has taken, where it takes them.
	seen map[string]string
	// gone are the endpoints that answer 410 from now on.
	gone map[incident.RecipientID]bool
	ids  int
}

// span is a stretch of time.
type span struct{ from, to time.Time }

func (s span) holds(t time.Time) bool { return !t.Before(s.from) && t.Before(s.to) }

// Keyed implements deliver.Sender.
func (p *provider) Keyed() bool { return p.keyed }

// Send implements deliver.Sender. No call outlives the deadline, as the real
// adapters see to by their contexts; the clock they go by is the caller's own.
func (p *provider) Send(_ context.Context, es []deliver.Envelope, deadline time.Time) []deliver.Outcome {
	w := p.w
	outs := make([]deliver.Outcome, len(es))
	for n, e := range es {
		w.pause(w.latency())
		outs[n] = p.one(e, deadline)
	}
	return outs
}

// one is one call. What it may run into is drawn here, and not in port, since
// the answers of a provider are no errors.
func (p *provider) one(e deliver.Envelope, deadline time.Time) deliver.Outcome {
	w := p.w
	if !w.clock().Before(deadline) {
		w.rare("not begun")
		return deliver.Outcome{Failure: &deliver.Failure{Reason: deliver.NotBegun}}
	}
	w.calls++
	w.sends[e.Channel]++
	w.handing(e)
	left := deadline.Sub(w.clock())
	op := string(p.channel)
	fail := func(r deliver.Reason, after time.Duration, one bool) deliver.Outcome {
		w.failing(e, r, after, one)
		return deliver.Outcome{Failure: &deliver.Failure{Reason: r, RetryAfter: after, Recipient: one}}
	}
	switch {
	case p.down.holds(w.now):
		return fail(deliver.Unavailable, 0, false)
	case p.revoked.holds(w.now):
		return fail(deliver.Unauthorised, 0, false)
	case p.gone[e.Recipient]:
		return fail(deliver.Gone, 0, false)
	}
	switch w.draw(atProvider, op, w.calls) { //nolint:exhaustive // the others are no faults of a call
	case crashBefore:
		w.die()
	case crashAfter:
		p.take(e)
		w.die()
	case zombieBefore:
		// It falls asleep within the call. The deadline is the adapter's own, so
		// nothing is handed over once it is past.
		w.current.zombie = true
		w.pause(w.span(65*time.Second, 3*time.Hour))
		return fail(deliver.TimedOut, 0, false)
	case zombieAfter:
		out := p.take(e)
		w.current.zombie = true
		w.pause(w.span(65*time.Second, 3*time.Hour))
		return out
	case timeoutLost:
		w.pause(w.span(0, left))
		return fail(deliver.TimedOut, 0, false)
	case timeoutKept:
		w.pause(w.span(0, left))
		if w.clock().Before(deadline) {
			p.take(e)
		}
		w.pause(max(0, deadline.Sub(w.clock())))
		return fail(deliver.TimedOut, 0, false)
	case throttled:
		return fail(deliver.Throttled, w.span(0, 3*time.Minute).Truncate(time.Second), w.luck.IntN(2) == 0)
	case serverError:
		return fail(deliver.Unavailable, 0, false)
	}
	if w.chance(atProvider, poison, op) {
		if p.channel == incident.Webhook && w.luck.IntN(2) == 0 {
			p.gone[e.Recipient] = true
			w.rare("gone")
			return fail(deliver.Gone, 0, false)
		}
		return fail(deliver.Rejected, 0, false)
	}
	return p.take(e)
}

// take accepts an envelope and shows it, once for each key it knows.
func (p *provider) take(e deliver.Envelope) deliver.Outcome {
	if id, ok := p.seen[e.Key]; ok && p.keyed {
		p.w.rare("absorbed by key")
		return deliver.Outcome{ID: id}
	}
	p.ids++
	id := fmt.Sprintf("%s-%d", p.channel, p.ids)
	p.seen[e.Key] = id
	p.w.show(p, e)
	return deliver.Outcome{ID: id}
}
