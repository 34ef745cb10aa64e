package embedded

import (
	"bytes"
	"context"
	"time"

	"shirase/internal/deliver"
	"shirase/internal/incident"
)

// Items implements deliver.Ledger.
func (s *Store) Items(ctx context.Context, keys []deliver.Key) ([]deliver.Item, error) {
	items := make([]deliver.Item, len(keys))
	err := view(ctx, s.kv, func(tx Tx) (err error) {
		for n, k := range keys {
			if items[n], _, err = get[deliver.Item](tx, tableDeliveries, keyLine(k)); err != nil {
				return err
			}
		}
		return nil
	})
	return items, err
}

// Claim implements deliver.Ledger. All asks are decided in one transaction, so
// that a chunk costs one write to the disk.
func (s *Store) Claim(ctx context.Context, asks []deliver.Ask) ([]deliver.Decision, error) {
	ds := make([]deliver.Decision, len(asks))
	err := update(ctx, s.kv, func(tx Tx) error {
		for n, a := range asks {
			it, _, err := get[deliver.Item](tx, tableDeliveries, keyLine(a.Key))
			if err != nil {
				return err
			}
			ds[n] = deliver.Decide(it, a)
			if !ds[n].Changed {
				continue
			}
			if err := put(tx, tableDeliveries, keyLine(a.Key), ds[n].Item); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return ds, nil
}

// Settle implements deliver.Ledger, likewise in one transaction.
func (s *Store) Settle(ctx context.Context, ss []deliver.Settlement) ([]bool, error) {
	taken := make([]bool, len(ss))
	err := update(ctx, s.kv, func(tx Tx) error {
		for n, st := range ss {
			it, _, err := get[deliver.Item](tx, tableDeliveries, keyLine(st.Key))
			if err != nil {
				return err
			}
			if it, taken[n] = st.Apply(it); !taken[n] {
				continue
			}
			if err := put(tx, tableDeliveries, keyLine(st.Key), it); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return taken, nil
}

// Told implements deliver.Listing.
func (s *Store) Told(ctx context.Context, id incident.ID, c incident.Channel, cursor string, limit int) (rs []incident.RecipientID, next string, err error) {
	ds, next, err := s.lines(ctx, id, keyLedger(id)+string(c)+"#", cursor, limit, func(k deliver.Key) bool { return k.Slot == "" })
	for _, d := range ds {
		rs = append(rs, d.Key.Recipient)
	}
	return rs, next, err
}

// Deliveries implements deliver.Listing.
func (s *Store) Deliveries(ctx context.Context, id incident.ID, cursor string, limit int) ([]deliver.Delivery, string, error) {
	return s.lines(ctx, id, keyLedger(id), cursor, limit, func(deliver.Key) bool { return true })
}

// lines lists the ledger of an incident under a prefix.
func (s *Store) lines(ctx context.Context, id incident.ID, prefix, cursor string, limit int, keep func(deliver.Key) bool) (ds []deliver.Delivery, next string, err error) {
	err = view(ctx, s.kv, func(tx Tx) error {
		_, next, err = page(tx, tableDeliveries, prefix, cursor, limit, func(key string, it deliver.Item) bool {
			k := parseLine(id, key)
			if !keep(k) {
				return false
			}
			ds = append(ds, deliver.Delivery{Key: k, Item: it})
			return true
		})
		return err
	})
	if limit > 0 && len(ds) > limit {
		ds = ds[:limit] // the one that showed that there are more
	}
	return ds, next, err
}

// Release ends, as of now, every lease that a process left behind. It is for
// the start, when nobody else can hold one: the next claim then records that
// sequence as unknown and goes on, instead of waiting for the lease's end. What
// was to be published by a clock that was ahead is to be now.
func (s *Store) Release(ctx context.Context, now time.Time) error {
	const batch = 500
	from := "D#"
	for from != "" {
		err := update(ctx, s.kv, func(tx Tx) error {
			var err error
			from, err = release(tx, from, now, batch)
			return err
		})
		if err != nil {
			return err
		}
	}
	return update(ctx, s.kv, func(tx Tx) error { return redateOutbox(tx, now) })
}

// claimed stands in every line that may be held.
var claimed = []byte(`"` + deliver.Claimed + `"`)

// release frees up to a batch of lines and answers where to go on; empty at the end.
func release(tx Tx, from string, now time.Time, batch int) (string, error) {
	held := map[string]deliver.Item{}
	var keys []string
	var err error
	next := ""
	tx.Scan(tableDeliveries, from, after("D#"), func(key string, b []byte) bool {
		if !bytes.Contains(b, claimed) {
			return true // most are done: not worth decoding
		}
		var it deliver.Item
		if it, err = decode[deliver.Item](key, b); err != nil {
			return false
		}
		if it.State != deliver.Claimed || !it.LeaseUntil.After(now) {
			return true
		}
		if len(keys) == batch {
			next = key
			return false
		}
		it.LeaseUntil = now
		keys, held[key] = append(keys, key), it
		return true
	})
	if err != nil {
		return "", err
	}
	for _, key := range keys {
		if err := put(tx, tableDeliveries, key, held[key]); err != nil {
			return "", err
		}
	}
	return next, nil
}

// SaveJob implements deliver.Jobs.
func (s *Store) SaveJob(ctx context.Context, id incident.ID, seq int, c incident.Channel, cur deliver.Cursor) error {
	return update(ctx, s.kv, func(tx Tx) error { return put(tx, tableIncidents, keyJob(id, seq, c), cur) })
}

// Job implements deliver.Jobs.
func (s *Store) Job(ctx context.Context, id incident.ID, seq int, c incident.Channel) (cur deliver.Cursor, err error) {
	err = view(ctx, s.kv, func(tx Tx) error {
		cur, _, err = get[deliver.Cursor](tx, tableIncidents, keyJob(id, seq, c))
		return err
	})
	return cur, err
}
