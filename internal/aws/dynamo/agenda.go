package dynamo

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"shirase/internal/announce"
	"shirase/internal/deliver"
)

// Agenda tells what is to be done: what falls due, and the outbox. It implements
// announce.Agenda over what [Store.Commit] writes.
type Agenda struct {
	db    db
	del   deleteItem
	table string // of incidents
}

// NewAgenda makes the agenda of the tables.
func NewAgenda(api *dynamodb.Client, tables Tables) *Agenda {
	return &Agenda{newDB(api), api.DeleteItem, tables.Incidents}
}

// Due implements announce.Agenda. An item that was written this moment may come
// with a later call; one that was handled or moved does not come.
func (a *Agenda) Due(ctx context.Context, now time.Time, limit int) ([]announce.Due, error) {
	ds, err := work(ctx, a, indexDue, keyTime(now.Add(1)), limit, func(d announce.Due) bool { return !d.At.After(now) })
	slices.SortFunc(ds, func(x, y announce.Due) int { return cmp.Or(x.At.Compare(y.At), cmp.Compare(x.ID, y.ID)) })
	return ds, err
}

// Awaits implements announce.Agenda.
func (a *Agenda) Awaits(ctx context.Context, id announce.DueID) (bool, error) {
	it, err := a.db.get(ctx, a.table, keyDue(id))
	return it != nil, err
}

// Outbox implements announce.Agenda, with the same reserve as Due.
func (a *Agenda) Outbox(ctx context.Context, before time.Time, limit int) ([]deliver.Pointer, error) {
	os, err := work(ctx, a, indexOutbox, keyTime(before), limit, func(o outboxItem) bool { return o.At.Before(before) })
	slices.SortFunc(os, func(x, y outboxItem) int {
		return cmp.Or(x.At.Compare(y.At), cmp.Compare(outboxName(x.Pointer), outboxName(y.Pointer)))
	})
	ps := make([]deliver.Pointer, len(os))
	for n, o := range os {
		ps[n] = o.Pointer
	}
	return ps, err
}

// Published implements announce.Agenda.
func (a *Agenda) Published(ctx context.Context, p deliver.Pointer) error {
	return a.del.remove(ctx, a.table, keyOutbox(p))
}

// work reads up to limit records that the index has before a sort key and that
// keep takes; a limit under 1 means all. The index lags, so that each is read
// anew and judged by what it says itself.
func work[T any](ctx context.Context, a *Agenda, gpk, before string, limit int, keep func(T) bool) (vs []T, err error) {
	for after := ""; ; {
		ks, next, err := a.db.index(ctx, a.table, gpk, after, before, limit)
		if err != nil {
			return nil, err
		}
		page, err := each[T](ctx, a.db, a.table, ks)
		if err != nil {
			return nil, err
		}
		for _, v := range page {
			if keep(v) {
				vs = append(vs, v)
			}
			if limit > 0 && len(vs) == limit {
				return vs, nil
			}
		}
		if next == "" {
			return vs, nil
		}
		after = next
	}
}
