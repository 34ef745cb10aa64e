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

// Rates paces channels and holds their switches, as a [deliver.Pacer] decides.
// It implements [deliver.Rates] and [deliver.Switches]. What does not change is
// not written, so that a channel without a limit costs no write.
type Rates struct {
	deliver.Pacer
	kv     KV
	limits map[incident.Channel]Limit
}

// NewRates makes the rates of a store. Channels without a limit go as fast as
// they can. Updates leave a part of each rate to confirmations.
func NewRates(kv KV, limits map[incident.Channel]Limit) *Rates {
	r := &Rates{kv: kv, limits: limits}
	r.Pacer = deliver.NewPacer(r.change)
	return r
}

// ForConfirmations answers the same rates for those who may use all of them.
func (r *Rates) ForConfirmations() *Rates {
	return &Rates{Pacer: r.Pacer.ForConfirmations(), kv: r.kv, limits: r.limits}
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

// Release closes the breakers that a clock that was ahead has opened, and frees
// what it has reserved. It is for the start.
func (r *Rates) Release(ctx context.Context, now time.Time) error {
	return update(ctx, r.kv, func(tx Tx) error {
		ahead := map[string]deliver.Pace{}
		for _, prefix := range keyChannels() {
			_, _, err := page(tx, tableIncidents, prefix, "", 0, func(key string, p deliver.Pace) bool {
				if is := p.Released(now, longestWait); is != p {
					ahead[key] = is
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

// Closed implements [deliver.Switches].
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
