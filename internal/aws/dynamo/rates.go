package dynamo

import (
	"context"
	"math"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"shirase/internal/deliver"
	"shirase/internal/incident"
)

// Rates paces channels and holds their switches, as a [deliver.Pacer] decides:
// one item for each channel in the table incidents. It implements [deliver.Rates]
// and [deliver.Switches]. Nothing is kept in this process: each call reads the
// item strongly, so that a switch holds from the next wave on. What does not
// change is not written, so that a channel without a rate costs no write.
type Rates struct {
	deliver.Pacer
	db     db
	marked marked
	table  string
}

// NewRates makes the rates of a store. A channel goes as fast as it can until
// [Rates.SetRate] says how fast. Updates leave a part of each rate to confirmations.
func NewRates(api *dynamodb.Client, tables Tables) *Rates {
	r := &Rates{db: newDB(api), marked: newMarked(api), table: tables.Incidents}
	r.Pacer = deliver.NewPacer(r.change)
	return r
}

// ForConfirmations answers the same rates for those who may use all of them.
func (r *Rates) ForConfirmations() *Rates {
	return &Rates{Pacer: r.Pacer.ForConfirmations(), db: r.db, marked: r.marked, table: r.table}
}

// change runs fn on the pace of a channel and writes what it answers where that
// differs. Fn may run more than once.
func (r *Rates) change(ctx context.Context, c incident.Channel, fn func(deliver.Pace) deliver.Pace) error {
	it, err := r.db.get(ctx, r.table, keyPace(c))
	if err != nil {
		return err
	}
	was, err := revisionOf[deliver.Pace](it)
	if err != nil {
		return err
	}
	_, err = amend(ctx, r.marked, place{table: r.table, key: keyPace(c)}, was, func(p deliver.Pace) (deliver.Pace, bool) {
		is := fn(p)
		return is, is != p
	})
	return err
}

// SetRate says how fast a provider may be called: rate in calls a second, 0 for
// no limit; burst in calls at once, 0 for those of one second. It may be called
// again at any time, and writes nothing where nothing changes.
func (r *Rates) SetRate(ctx context.Context, c incident.Channel, rate, burst float64) error {
	for _, v := range []float64{rate, burst} {
		if !(v >= 0) || math.IsInf(v, 0) { // not a number either
			return incident.Invalid("rate", "must be a number that is not negative")
		}
	}
	return r.change(ctx, c, func(p deliver.Pace) deliver.Pace {
		p.Rate, p.Burst = rate, burst
		return p
	})
}

// Closed implements [deliver.Switches].
func (r *Rates) Closed(ctx context.Context) (cs []incident.Channel, err error) {
	for _, pk := range pkPaces() {
		its, _, err := r.db.list(ctx, r.table, pk, "", "", 0, nil)
		if err != nil {
			return nil, err
		}
		for _, it := range its {
			p, _, err := decode[deliver.Pace](it)
			if err != nil {
				return nil, err
			}
			if p.Off {
				cs = append(cs, incident.Channel(textOf(it, attrSK)))
			}
		}
	}
	slices.Sort(cs)
	return cs, nil
}
