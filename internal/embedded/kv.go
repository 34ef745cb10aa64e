package embedded

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// A Table is a named, ordered set of keys. The tables mirror those of the AWS
// store, plus what AWS keeps in services of their own.
type Table string

// The tables.
const (
	tableIncidents   Table = "incidents"
	tableWork        Table = "work" // index: what is to be done, by time
	tableList        Table = "list" // index: what operators list, newest first
	tableSubscribers Table = "subscribers"
	tableDeliveries  Table = "deliveries"
	tableQueues      Table = "queues"
	tableInbox       Table = "inbox"
)

func tables() []Table {
	return []Table{tableIncidents, tableWork, tableList, tableSubscribers, tableDeliveries, tableQueues, tableInbox}
}

// KV is an ordered key-value store with transactions. Transactions that write
// are strictly one after the other; those that read see one moment.
type KV interface {
	// View runs fn on one moment of the store. Writing in it is an error.
	View(fn func(Tx) error) error
	// Update runs fn once. When it answers nil, all that fn wrote is kept for
	// good; when fn answers an error or panics, nothing of it is, and the error or
	// panic comes out of Update. A transaction must not be begun within another.
	Update(fn func(Tx) error) error
	// Close gives the store up. Calls after it answer an error.
	Close() error
}

// Tx is a transaction. It is good until the function it was given to returns.
type Tx interface {
	// Get answers the value of a key, nil where there is none. The bytes are
	// good until the transaction ends or writes, and must not be changed.
	Get(t Table, key string) []byte
	// Put sets the value of a key. Neither may be empty.
	Put(t Table, key string, value []byte) error
	// Delete deletes a key, whether it exists or not.
	Delete(t Table, key string) error
	// Scan calls fn with each key k for which from <= k < to, in order, until fn
	// answers false. An empty to means the end of the table. Fn must not write.
	Scan(t Table, from, to string, fn func(key string, value []byte) bool)
}

var (
	errReadOnly = errors.New("write in a read-only transaction")
	errEmpty    = errors.New("empty key or value")
	errClosed   = errors.New("store is closed")
)

// get decodes the record of a key; ok is false where there is none.
func get[T any](tx Tx, t Table, key string) (v T, ok bool, err error) {
	b := tx.Get(t, key)
	if b == nil {
		return v, false, nil
	}
	v, err = decode[T](key, b)
	return v, err == nil, err
}

// put encodes a record under a key.
func put(tx Tx, t Table, key string, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode record: %w", err)
	}
	return tx.Put(t, key, b)
}

func decode[T any](key string, b []byte) (v T, err error) {
	if err := json.Unmarshal(b, &v); err != nil {
		kind, _, _ := strings.Cut(key, "#")
		return v, fmt.Errorf("decode %s record: %w", kind, err)
	}
	return v, nil
}

// page decodes up to limit records whose keys begin with prefix and come after
// the cursor, and answers the cursor of the next page; empty at the end. A limit
// under 1 means all. Records that keep refuses are passed over; nil keeps all.
func page[T any](tx Tx, t Table, prefix, cursor string, limit int, keep func(key string, v T) bool) (vs []T, next string, err error) {
	from := prefix
	if cursor != "" {
		from = prefix + cursor + "\x00"
	}
	var last string
	tx.Scan(t, from, after(prefix), func(k string, b []byte) bool {
		var v T
		if v, err = decode[T](k, b); err != nil {
			return false
		}
		if keep != nil && !keep(k, v) {
			return true
		}
		if limit > 0 && len(vs) == limit {
			next = strings.TrimPrefix(last, prefix)
			return false
		}
		vs, last = append(vs, v), k
		return true
	})
	return vs, next, err
}

// after answers the first key that comes after all that begin with prefix.
func after(prefix string) string {
	b := []byte(prefix)
	for n := len(b) - 1; n >= 0; n-- {
		if b[n] < 0xff {
			b[n]++
			return string(b[:n+1])
		}
	}
	return ""
}
