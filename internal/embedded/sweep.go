package embedded

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"
)

// sweepBatch bounds what one transaction of a sweep deletes, so that senders
// need not wait for it.
const sweepBatch = 500

// expiry is what dies at a time: a key, or all that begin with it where it ends
// in sep.
type expiry struct {
	Table Table  `json:"table"`
	Key   string `json:"key"`
}

// expire lets a key die at a time.
func expire(tx Tx, at time.Time, t Table, key string) error {
	return put(tx, tableWork, keyWorkExpiry(at, t, key), expiry{t, key})
}

// keep takes back what expire said.
func keep(tx Tx, at time.Time, t Table, key string) error {
	return tx.Delete(tableWork, keyWorkExpiry(at, t, key))
}

// Sweep deletes what has expired by now: idempotency answers, sign-ups that
// nobody confirmed, old memos, and the ledgers of incidents that ended long ago.
func (s *Store) Sweep(ctx context.Context, now time.Time) error {
	for {
		more := false
		err := update(ctx, s.kv, func(tx Tx) (err error) {
			more, err = sweep(tx, now)
			return err
		})
		if err != nil || !more {
			return err
		}
	}
}

// errNoExpiry says that a record of what is to be deleted names nothing of ours.
var errNoExpiry = errors.New("expiry record names no key of a table")

// sweep deletes up to a batch of keys and reports whether something is left.
func sweep(tx Tx, now time.Time) (more bool, err error) {
	type due struct {
		work string
		expiry
	}
	var dues []due
	tx.Scan(tableWork, workExpiry, workExpiry+keyTime(now.Add(1)), func(key string, b []byte) bool {
		var e expiry
		if e, err = decode[expiry](key, b); err != nil {
			return false
		}
		if !slices.Contains(tables(), e.Table) || e.Key == "" {
			err = errNoExpiry
			return false
		}
		dues = append(dues, due{key, e})
		return len(dues) <= sweepBatch
	})
	if err != nil {
		return false, err
	}
	left := sweepBatch
	for _, d := range dues {
		if left <= 0 {
			return true, nil
		}
		keys := []string{d.Key}
		if strings.HasSuffix(d.Key, sep) {
			keys = keysUnder(tx, d.Table, d.Key, left)
		}
		for _, key := range keys {
			if err := tx.Delete(d.Table, key); err != nil {
				return false, err
			}
		}
		full := len(keys) == left
		left -= len(keys)
		if full && strings.HasSuffix(d.Key, sep) {
			return true, nil // there may be more of them
		}
		if err := tx.Delete(tableWork, d.work); err != nil {
			return false, err
		}
	}
	return false, nil
}

func keysUnder(tx Tx, t Table, prefix string, limit int) (keys []string) {
	tx.Scan(t, prefix, after(prefix), func(key string, _ []byte) bool {
		keys = append(keys, key)
		return len(keys) < limit
	})
	return keys
}
