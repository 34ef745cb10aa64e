package embedded

import (
	"bytes"
	"slices"
)

// undo is a transaction that can take back what was written through it. It
// makes single calls all or nothing where the backend has no transaction of its
// own (memory), or shares one between several calls (bbolt).
type undo struct {
	tx  Tx
	log []entry
}

// entry is what a key held before a write.
type entry struct {
	table Table
	key   string
	was   []byte // nil for nothing
}

// run calls fn and takes its writes back when it answers an error or panics.
func (u *undo) run(fn func(Tx) error) (err error) {
	done := false
	defer func() {
		if !done || err != nil {
			u.back()
		}
	}()
	err = fn(u)
	done = true
	return err
}

// back restores what every written key held, newest write first. What was put
// before can be put again, so errors cannot occur that the write did not have.
func (u *undo) back() {
	for _, e := range slices.Backward(u.log) {
		if e.was == nil {
			_ = u.tx.Delete(e.table, e.key)
		} else {
			_ = u.tx.Put(e.table, e.key, e.was)
		}
	}
	u.log = nil
}

func (u *undo) note(t Table, key string) {
	u.log = append(u.log, entry{t, key, bytes.Clone(u.tx.Get(t, key))})
}

func (u *undo) Get(t Table, key string) []byte { return u.tx.Get(t, key) }

func (u *undo) Put(t Table, key string, value []byte) error {
	if key == "" || len(value) == 0 {
		return errEmpty
	}
	u.note(t, key)
	return u.tx.Put(t, key, value)
}

func (u *undo) Delete(t Table, key string) error {
	u.note(t, key)
	return u.tx.Delete(t, key)
}

func (u *undo) Scan(t Table, from, to string, fn func(string, []byte) bool) {
	u.tx.Scan(t, from, to, fn)
}
