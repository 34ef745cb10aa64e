//go:build contract

package dynamo_test

import (
	"context"
	"sync/atomic"
	"testing"

	"shirase/internal/aws/dynamo"
	"shirase/internal/deliver"
	"shirase/internal/incident"
	"shirase/internal/porttest"
)

func TestLedgerKeepsItsContract(t *testing.T) {
	t.Parallel()
	for name, api := range clients(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			porttest.Ledger(t, func(t *testing.T) porttest.LedgerStore {
				t.Helper()
				l, err := dynamo.NewLedger(api, fresh(t, api), 4)
				if err != nil {
					t.Fatal(err)
				}
				return l
			})
		})
	}
}

func TestRatesKeepTheirContract(t *testing.T) {
	t.Parallel()
	for name, api := range clients(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			porttest.Rates(t, func(t *testing.T, rate, burst float64) (updates, confirmations porttest.RatesStore) {
				t.Helper()
				r := dynamo.NewRates(api, fresh(t, api))
				if err := r.SetRate(t.Context(), incident.Email, rate, burst); err != nil {
					t.Fatal(err)
				}
				return r, r.ForConfirmations()
			})
		})
	}
}

// processes are ledgers over the same tables, each with a memory of its own,
// that take turns.
type processes struct {
	ledgers []*dynamo.Ledger
	turn    atomic.Int64
}

func (p *processes) next() *dynamo.Ledger { return p.ledgers[int(p.turn.Add(1))%len(p.ledgers)] }

func (p *processes) Items(ctx context.Context, ks []deliver.Key) ([]deliver.Item, error) {
	return p.next().Items(ctx, ks)
}

func (p *processes) Claim(ctx context.Context, as []deliver.Ask) ([]deliver.Decision, error) {
	return p.next().Claim(ctx, as)
}

func (p *processes) Settle(ctx context.Context, ss []deliver.Settlement) ([]bool, error) {
	return p.next().Settle(ctx, ss)
}

func (p *processes) Told(ctx context.Context, id incident.ID, c incident.Channel, cursor string, limit int) ([]incident.RecipientID, string, error) {
	return p.next().Told(ctx, id, c, cursor, limit)
}

func (p *processes) Deliveries(ctx context.Context, id incident.ID, cursor string, limit int) ([]deliver.Delivery, string, error) {
	return p.next().Deliveries(ctx, id, cursor, limit)
}

// TestLedgersOfManyProcesses runs the suite where what a ledger remembers is
// what others have changed since.
func TestLedgersOfManyProcesses(t *testing.T) {
	t.Parallel()
	for name, api := range clients(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			porttest.Ledger(t, func(t *testing.T) porttest.LedgerStore {
				t.Helper()
				tables := fresh(t, api)
				p := &processes{}
				for range 3 {
					l, err := dynamo.NewLedger(api, tables, 64)
					if err != nil {
						t.Fatal(err)
					}
					p.ledgers = append(p.ledgers, l)
				}
				return p
			})
		})
	}
}
