package main

import (
	"time"

	"shirase/internal/incident"
)

// What the breaker promises a provider that answers nothing. The shortest rest is
// enough to see that there is one; it grows with each probe that fails.
const (
	failuresInARow = 5
	shortestRest   = 5 * time.Second
	probeLasts     = 60 * time.Second
)

// A gate is what is known of the calls to a channel's provider: how many ended
// without an answer in a row, until when it is left alone, and when the last probe
// was let through.
type gate struct {
	failed        int
	until, probed time.Time
}

// reported takes note of what became of calls, when that was kept.
func (w *world) reported(c incident.Channel, answered, unavailable int, now time.Time) {
	g := w.gates[c]
	switch {
	case answered > 0:
		g = gate{}
	case unavailable > 0 && !now.Before(g.until):
		g.failed += unavailable
		if g.failed >= failuresInARow || !g.until.IsZero() {
			w.rare("breaker open")
			g.until, g.probed = now.Add(shortestRest), time.Time{}
		}
	}
	w.gates[c] = g
}

// admitted judges calls that were let through.
func (w *world) admitted(c incident.Channel, n int, now time.Time) {
	g := w.gates[c]
	if g.until.IsZero() {
		return
	}
	switch {
	case now.Before(g.until):
		w.fault("I9", "%d calls to %s, %s before its rest is over", n, c, g.until.Sub(now))
	case n > 1:
		w.fault("I9", "%d calls to %s as a probe, want one", n, c)
	case !g.probed.IsZero() && now.Before(g.probed.Add(probeLasts)):
		w.fault("I9", "a second probe of %s %s after the first, of which nothing is known yet", c, now.Sub(g.probed))
	default:
		w.rare("breaker probed")
	}
	g.probed = now
	w.gates[c] = g
}
