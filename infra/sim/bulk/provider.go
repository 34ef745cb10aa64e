package bulk

import (
	"context"
	"strconv"
	"time"

	"shirase/internal/deliver"
)

// A Span is a stretch of a run, from its beginning on.
type Span struct{ From, To time.Duration }

func (s Span) holds(d time.Duration) bool { return d >= s.From && d < s.To }

// callTime is how long the provider takes for a wave; its calls run in parallel.
const callTime = 200 * time.Millisecond

// A provider takes mail, knows what each reader has seen, and how fast it came.
type provider struct {
	people register
	loop   *loop
	rate   float64
	down   []Span
	// newest answers the number of the newest update.
	newest func() int
	// before runs before a wave is taken.
	before func()

	// seen is the text each reader saw last.
	seen []uint8
	// current is how many have seen the newest, of the update it was counted for.
	current, of int
	// fresh is when the last of all readers had the newest update.
	fresh time.Time
	// sends and refused count calls; older and again are what must not be.
	sends, refused, older, again int
	// level is how full the bucket is that leaks at the rate; peak is its highest.
	level, peak float64
	at          time.Time
	minute      counter
}

// Keyed implements deliver.Sender: mail has no key.
func (p *provider) Keyed() bool { return false }

// Send implements deliver.Sender.
func (p *provider) Send(_ context.Context, es []deliver.Envelope, deadline time.Time) []deliver.Outcome {
	p.before()
	out := make([]deliver.Outcome, len(es))
	now := p.loop.now()
	for n, e := range es {
		out[n] = p.take(e, now, deadline)
	}
	p.loop.sleep(callTime)
	return out
}

func (p *provider) take(e deliver.Envelope, now, deadline time.Time) deliver.Outcome {
	if !now.Before(deadline) {
		return deliver.Outcome{Failure: &deliver.Failure{Reason: deliver.NotBegun}}
	}
	p.arrives(now)
	for _, s := range p.down {
		if s.holds(now.Sub(begin)) {
			p.refused++
			return deliver.Outcome{Failure: &deliver.Failure{Reason: deliver.Unavailable}}
		}
	}
	p.sends++
	n, _ := p.people.number(e.Recipient)
	text := uint8(e.Seq)
	switch {
	case text < p.seen[n]:
		p.older++
	case text == p.seen[n]:
		p.again++
	}
	if newest := p.newest(); newest != p.of {
		p.of, p.current = newest, 0
	}
	if int(text) == p.of && text > p.seen[n] {
		if p.current++; p.current == len(p.seen) {
			p.fresh = now
		}
	}
	p.seen[n] = max(p.seen[n], text)
	return deliver.Outcome{ID: "m" + strconv.Itoa(p.sends)}
}

// arrives measures how fast calls come: a bucket that leaks at the provider's
// rate tells for every stretch of time at once how far they were above it.
func (p *provider) arrives(now time.Time) {
	if d := now.Sub(p.at); d > 0 {
		p.level = max(0, p.level-p.rate*d.Seconds())
		p.at = now
	}
	p.level++
	p.peak = max(p.peak, p.level)
	p.minute.add(now)
}

// A counter counts by minute.
type counter struct {
	minute int64
	in     int
	most   int
}

func (c *counter) add(now time.Time) {
	if m := now.Unix() / 60; m != c.minute {
		c.minute, c.in = m, 0
	}
	c.in++
	c.most = max(c.most, c.in)
}
