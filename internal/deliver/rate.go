package deliver

import (
	"context"
	"time"

	"shirase/internal/incident"
)

// ChangePace runs fn on the pace of a channel and keeps what fn answers, on the
// condition that the pace is still as fn was given it. What fn leaves as it is
// need not be written. Fn may run more than once; what it answered last counts.
type ChangePace func(ctx context.Context, c incident.Channel, fn func(Pace) Pace) error

// A Pacer is what all stores of paces have in common: it says what becomes of a
// [Pace], and leaves it to the store to load and keep it. It implements [Rates],
// and of [Switches] all that concerns one channel.
type Pacer struct {
	change ChangePace
	kept   float64
}

// NewPacer makes the pacer of a store, for updates: they leave
// [KeptForConfirmations] of each rate.
func NewPacer(change ChangePace) Pacer {
	return Pacer{change: change, kept: KeptForConfirmations}
}

// ForConfirmations answers a pacer over the same paces, for those who may use
// all of each rate.
func (p Pacer) ForConfirmations() Pacer { return Pacer{change: p.change} }

// Reserve implements [Rates]. An error of the store may leave the slots taken:
// they come back with time.
func (p Pacer) Reserve(ctx context.Context, c incident.Channel, n int, now time.Time) (time.Duration, error) {
	var wait time.Duration
	var closed error
	err := p.change(ctx, c, func(was Pace) (is Pace) {
		is, wait, closed = was.Reserve(n, p.kept, now)
		return is
	})
	if err != nil {
		return 0, err
	}
	return wait, closed
}

// Report implements [Rates].
func (p Pacer) Report(ctx context.Context, c incident.Channel, answered, unavailable int, now time.Time) error {
	return p.change(ctx, c, func(was Pace) Pace { return was.Report(answered, unavailable, now) })
}

// Set implements [Switches].
func (p Pacer) Set(ctx context.Context, c incident.Channel, off bool) error {
	return p.change(ctx, c, func(was Pace) Pace {
		was.Off = off
		return was
	})
}

// Released answers the pace without what only a clock that was ahead can have
// written: slots that were taken later than now, and a breaker that is open or
// probed for longer than the longest time that one may wait.
func (p Pace) Released(now time.Time, longest time.Duration) Pace {
	if p.At.After(now) {
		p.At = now
	}
	if end := now.Add(longest); p.Breaker.Until.After(end) || p.Breaker.Probe.After(end) {
		p.Breaker = Breaker{}
	}
	return p
}
