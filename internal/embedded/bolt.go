package embedded

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// ErrInUse says that another process holds the data folder.
var ErrInUse = errors.New("the data folder is in use by another process")

// fileName is the store's file in the data folder.
const fileName = "shirase.db"

// lockWait is how long to wait for a process that is just ending.
const lockWait = 500 * time.Millisecond

// File is a [KV] in a file. What it has answered yes to survives the end of the
// process at any moment. Updates that come while another is being written to
// the disk share the next write, so that many callers cost few.
type File struct {
	db *bolt.DB

	mu      sync.Mutex
	waiting []*call
	busy    bool // somebody writes, and will wake the first who waits
}

// call is one Update that waits for its turn.
type call struct {
	fn       func(Tx) error
	err      error
	panicked any
	lead     chan struct{} // closed: do the next write
	done     chan struct{} // closed: your answer is here
}

// OpenFile opens the store of a data folder, which is made if need be. Where
// another process holds it, the error is [ErrInUse].
func OpenFile(folder string) (*File, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("make data folder: %w", err)
	}
	path := filepath.Join(folder, fileName)
	db, err := bolt.Open(path, 0o600, &bolt.Options{Timeout: lockWait, FreelistType: bolt.FreelistMapType})
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return nil, fmt.Errorf("open %s: %w", path, ErrInUse)
	case err != nil:
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	err = db.Update(func(tx *bolt.Tx) error {
		for _, t := range tables() {
			if _, err := tx.CreateBucketIfNotExists([]byte(t)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("make tables in %s: %w", path, err), db.Close())
	}
	return &File{db: db}, nil
}

// View implements [KV].
func (f *File) View(fn func(Tx) error) error {
	return f.db.View(func(tx *bolt.Tx) error { return fn(boltTx{tx}) })
}

// Update implements [KV].
func (f *File) Update(fn func(Tx) error) error {
	c := &call{fn: fn, lead: make(chan struct{}), done: make(chan struct{})}
	f.mu.Lock()
	f.waiting = append(f.waiting, c)
	if f.busy {
		f.mu.Unlock()
		select {
		case <-c.lead:
			f.mu.Lock()
		case <-c.done:
			return c.answer()
		}
	}
	f.busy = true
	group := f.waiting // the caller is the first of it
	f.waiting = nil
	f.mu.Unlock()

	f.write(group)

	f.mu.Lock()
	if len(f.waiting) > 0 {
		close(f.waiting[0].lead)
	} else {
		f.busy = false
	}
	f.mu.Unlock()
	for _, other := range group[1:] {
		close(other.done)
	}
	return c.answer()
}

// write runs the calls of a group one after the other and makes them durable
// together. Each is all or nothing by itself.
func (f *File) write(group []*call) {
	err := f.db.Update(func(tx *bolt.Tx) error {
		for _, c := range group {
			c.run(boltTx{tx})
		}
		return nil
	})
	for _, c := range group {
		if err != nil && c.err == nil && c.panicked == nil {
			c.err = fmt.Errorf("write: %w", err)
		}
	}
}

// run runs one call. A panic belongs to its own caller, not to the one who
// happens to write.
func (c *call) run(tx Tx) {
	defer func() { c.panicked = recover() }()
	u := &undo{tx: tx}
	c.err = u.run(c.fn)
}

func (c *call) answer() error {
	if c.panicked != nil {
		panic(c.panicked)
	}
	return c.err
}

// Close implements [KV]. It waits for transactions that run.
func (f *File) Close() error {
	if err := f.db.Close(); err != nil {
		return fmt.Errorf("close store: %w", err)
	}
	return nil
}

type boltTx struct{ tx *bolt.Tx }

func (x boltTx) Get(t Table, key string) []byte { return x.tx.Bucket([]byte(t)).Get([]byte(key)) }

func (x boltTx) Put(t Table, key string, value []byte) error {
	return x.tx.Bucket([]byte(t)).Put([]byte(key), value)
}

func (x boltTx) Delete(t Table, key string) error {
	return x.tx.Bucket([]byte(t)).Delete([]byte(key))
}

func (x boltTx) Scan(t Table, from, to string, fn func(string, []byte) bool) {
	c := x.tx.Bucket([]byte(t)).Cursor()
	for k, v := c.Seek([]byte(from)); k != nil; k, v = c.Next() {
		if to != "" && string(k) >= to || !fn(string(k), v) {
			return
		}
	}
}
