package dynamo

import (
	"cmp"
	"context"
	"slices"
	"time"

	"shirase/internal/announce"
	"shirase/internal/deliver"
)

// Due implements announce.Agenda. An item that was written this moment may come
// with a later call; one that was handled or moved does not come.
func (s *Store) Due(ctx context.Context, now time.Time, limit int) ([]announce.Due, error) {
	ds, err := work(ctx, s, indexDue, keyTime(now.Add(1)), limit, func(d announce.Due) bool { return !d.At.After(now) })
	slices.SortFunc(ds, func(a, b announce.Due) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.ID, b.ID)) })
	return ds, err
}

// Awaits implements announce.Agenda.
func (s *Store) Awaits(ctx context.Context, id announce.DueID) (bool, error) {
	it, err := s.db.get(ctx, s.table, keyDue(id))
	return it != nil, err
}

// Outbox implements announce.Agenda, with the same reserve as Due.
func (s *Store) Outbox(ctx context.Context, before time.Time, limit int) ([]deliver.Pointer, error) {
	os, err := work(ctx, s, indexOutbox, keyTime(before), limit, func(o outboxItem) bool { return o.At.Before(before) })
	slices.SortFunc(os, func(a, b outboxItem) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(outboxName(a.Pointer), outboxName(b.Pointer)))
	})
	ps := make([]deliver.Pointer, len(os))
	for n, o := range os {
		ps[n] = o.Pointer
	}
	return ps, err
}

// Published implements announce.Agenda.
func (s *Store) Published(ctx context.Context, p deliver.Pointer) error {
	return s.db.remove(ctx, s.table, keyOutbox(p))
}

// work reads up to limit records that the index has before a sort key and that
// keep takes; a limit under 1 means all. The index lags, so that each is read
// anew and judged by what it says itself.
func work[T any](ctx context.Context, s *Store, gpk, before string, limit int, keep func(T) bool) (vs []T, err error) {
	for after := ""; ; {
		ks, next, err := s.db.index(ctx, s.table, gpk, after, before, limit)
		if err != nil {
			return nil, err
		}
		page, err := each[T](ctx, s, ks)
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
