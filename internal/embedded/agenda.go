package embedded

import (
	"context"
	"time"

	"shirase/internal/announce"
	"shirase/internal/deliver"
)

// outboxItem is a pointer that is to be published.
type outboxItem struct {
	Pointer deliver.Pointer `json:"pointer"`
	At      time.Time       `json:"at"`
}

// putOutbox adds an outbox item. One that is there already stays as it is, so
// that it does not get younger.
func putOutbox(tx Tx, p deliver.Pointer, now time.Time) error {
	if tx.Get(tableIncidents, keyOutbox(p)) != nil {
		return nil
	}
	if err := put(tx, tableIncidents, keyOutbox(p), outboxItem{p, now}); err != nil {
		return err
	}
	return put(tx, tableWork, keyWorkOutbox(now, p), p)
}

// redateOutbox dates as of now what is dated later.
func redateOutbox(tx Tx, now time.Time) error {
	var keys []string
	tx.Scan(tableWork, workOutbox+keyTime(now.Add(1)), after(workOutbox), func(key string, _ []byte) bool {
		keys = append(keys, key)
		return true
	})
	for _, key := range keys {
		p, _, err := get[deliver.Pointer](tx, tableWork, key)
		if err != nil {
			return err
		}
		for _, gone := range []struct {
			table Table
			key   string
		}{{tableWork, key}, {tableIncidents, keyOutbox(p)}} {
			if err := tx.Delete(gone.table, gone.key); err != nil {
				return err
			}
		}
		if err := putOutbox(tx, p, now); err != nil {
			return err
		}
	}
	return nil
}

// Due implements announce.Agenda.
func (s *Store) Due(ctx context.Context, now time.Time, limit int) (ds []announce.Due, err error) {
	err = view(ctx, s.kv, func(tx Tx) error {
		ids, err := until[announce.DueID](tx, workDue, now.Add(1), limit)
		if err != nil {
			return err
		}
		for _, id := range ids {
			d, _, err := get[announce.Due](tx, tableIncidents, keyDue(id))
			if err != nil {
				return err
			}
			ds = append(ds, d)
		}
		return nil
	})
	return ds, err
}

// Awaits implements announce.Agenda.
func (s *Store) Awaits(ctx context.Context, id announce.DueID) (yes bool, err error) {
	err = view(ctx, s.kv, func(tx Tx) error {
		yes = tx.Get(tableIncidents, keyDue(id)) != nil
		return nil
	})
	return yes, err
}

// NextDue answers when the earliest item falls due, and whether there is any.
func (s *Store) NextDue(ctx context.Context) (at time.Time, ok bool, err error) {
	return first(ctx, s.kv, workDue)
}

// first answers the time of the first entry of a part of the work index.
func first(ctx context.Context, kv KV, prefix string) (at time.Time, ok bool, err error) {
	err = view(ctx, kv, func(tx Tx) error {
		tx.Scan(tableWork, prefix, after(prefix), func(key string, _ []byte) bool {
			at, ok = timeOfKey(prefix, key)
			return false
		})
		return nil
	})
	return at, ok, err
}

// Outbox implements announce.Agenda.
func (s *Store) Outbox(ctx context.Context, before time.Time, limit int) (ps []deliver.Pointer, err error) {
	err = view(ctx, s.kv, func(tx Tx) error {
		ps, err = until[deliver.Pointer](tx, workOutbox, before, limit)
		return err
	})
	return ps, err
}

// Published implements announce.Agenda.
func (s *Store) Published(ctx context.Context, p deliver.Pointer) error {
	return update(ctx, s.kv, func(tx Tx) error {
		it, ok, err := get[outboxItem](tx, tableIncidents, keyOutbox(p))
		if err != nil || !ok {
			return err
		}
		if err := tx.Delete(tableWork, keyWorkOutbox(it.At, p)); err != nil {
			return err
		}
		return tx.Delete(tableIncidents, keyOutbox(p))
	})
}

// until reads up to limit entries of the work index from before a time, oldest first.
func until[T any](tx Tx, prefix string, before time.Time, limit int) (vs []T, err error) {
	tx.Scan(tableWork, prefix, prefix+keyTime(before), func(key string, b []byte) bool {
		if limit > 0 && len(vs) == limit {
			return false
		}
		var v T
		if v, err = decode[T](key, b); err != nil {
			return false
		}
		vs = append(vs, v)
		return true
	})
	return vs, err
}
