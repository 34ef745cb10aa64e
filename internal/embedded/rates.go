package embedded

import (
	"context"
	"maps"
	"slices"
	"time"

	"shirase/internal/deliver"
	"shirase/internal/incident"
)

// Limit is how fast a provider may be called. The zero Limit is none.
type Limit struct {
	// Rate is in calls a second; Burst is how many there may be at once.
	Rate, Burst float64
}

// Rates paces channels and holds their switches. What does not change is not
// written, so that a channel without a limit costs no write.
type Rates struct {
	kv     KV
	limits map[incident.Channel]Limit
	kept   float64
}

// NewRates makes the rates of a store. Channels without a limit go as fast as
// they can. Updates leave a part of each rate to confirmations.
func NewRates(kv KV, limits map[incident.Channel]Limit) *Rates {
	return &Rates{kv: kv, limits: limits, kept: deliver.KeptForConfirmations}
}

// ForConfirmations answers the same rates for those who may use all of them.
func (r *Rates) ForConfirmations() *Rates {
	return &Rates{kv: r.kv, limits: r.limits}
}

// pace reads the pace of a channel.
func (r *Rates) pace(tx Tx, c incident.Channel) (deliver.Pace, error) {
	p, _, err := get[deliver.Pace](tx, tableIncidents, keyChannel(c))
	p.Rate, p.Burst = r.limits[c].Rate, r.limits[c].Burst
	return p, err
}

// change runs fn on the pace of a channel and keeps what it answers.
func (r *Rates) change(ctx context.Context, c incident.Channel, fn func(deliver.Pace) deliver.Pace) error {
	changed := false
	try := func(tx Tx) (deliver.Pace, error) {
		was, err := r.pace(tx, c)
		is := fn(was)
		changed = is != was
		return is, err
	}
	err := view(ctx, r.kv, func(tx Tx) error { _, err := try(tx); return err })
	if err != nil || !changed {
		return err
	}
	return update(ctx, r.kv, func(tx Tx) error {
		is, err := try(tx)
		if err != nil || !changed {
			return err
		}
		return put(tx, tableIncidents, keyChannel(c), is)
	})
}

// Reserve implements deliver.Rates.
func (r *Rates) Reserve(ctx context.Context, c incident.Channel, n int, now time.Time) (time.Duration, error) {
	var wait time.Duration
	var closed error
	err := r.change(ctx, c, func(p deliver.Pace) (next deliver.Pace) {
		next, wait, closed = p.Reserve(n, r.kept, now)
		return next
	})
	if err != nil {
		return 0, err
	}
	return wait, closed
}

// Report implements deliver.Rates.
func (r *Rates) Report(ctx context.Context, c incident.Channel, answered, unavailable int, now time.Time) error {
	return r.change(ctx, c, func(p deliver.Pace) deliver.Pace { return p.Report(answered, unavailable, now) })
}

// Set implements deliver.Switches.
func (r *Rates) Set(ctx context.Context, c incident.Channel, off bool) error {
	return r.change(ctx, c, func(p deliver.Pace) deliver.Pace {
		p.Off = off
		return p
	})
}

// Release closes the breakers that a clock that was ahead has opened, and frees
// what it has reserved. It is for the start.
func (r *Rates) Release(ctx context.Context, now time.Time) error {
	return update(ctx, r.kv, func(tx Tx) error {
		ahead := map[string]deliver.Pace{}
		for _, prefix := range keyChannels() {
			_, _, err := page(tx, tableIncidents, prefix, "", 0, func(key string, p deliver.Pace) bool {
				was := p
				if p.At.After(now) {
					p.At = now
				}
				if b := p.Breaker; b.Until.After(now.Add(longestWait)) || b.Probe.After(now.Add(longestWait)) {
					p.Breaker = deliver.Breaker{}
				}
				if p != was {
					ahead[key] = p
				}
				return false
			})
			if err != nil {
				return err
			}
		}
		for _, key := range slices.Sorted(maps.Keys(ahead)) {
			if err := put(tx, tableIncidents, key, ahead[key]); err != nil {
				return err
			}
		}
		return nil
	})
}

// Closed implements deliver.Switches.
func (r *Rates) Closed(ctx context.Context) (cs []incident.Channel, err error) {
	err = view(ctx, r.kv, func(tx Tx) error {
		for _, prefix := range keyChannels() {
			_, _, err := page(tx, tableIncidents, prefix, "", 0, func(key string, p deliver.Pace) bool {
				if p.Off {
					cs = append(cs, incident.Channel(key[len(prefix):]))
				}
				return false
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	slices.Sort(cs)
	return cs, err
}
