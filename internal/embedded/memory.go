package embedded

import (
	"bytes"
	"slices"
	"strings"
	"sync"
)

// Memory is a [KV] that lives as long as the process.
type Memory struct {
	mu     sync.RWMutex
	tables map[Table]*sorted
	closed bool
}

// NewMemory makes an empty store in memory.
func NewMemory() *Memory {
	m := &Memory{tables: map[Table]*sorted{}}
	for _, t := range tables() {
		m.tables[t] = &sorted{}
	}
	return m
}

// View implements [KV].
func (m *Memory) View(fn func(Tx) error) error {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if m.closed {
		return errClosed
	}
	return fn(&memoryTx{m: m})
}

// Update implements [KV].
func (m *Memory) Update(fn func(Tx) error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return errClosed
	}
	u := &undo{tx: &memoryTx{m: m, write: true}}
	return u.run(fn)
}

// Close implements [KV].
func (m *Memory) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	return nil
}

type memoryTx struct {
	m     *Memory
	write bool
}

func (x *memoryTx) Get(t Table, key string) []byte { return x.m.tables[t].get(key) }

func (x *memoryTx) Put(t Table, key string, value []byte) error {
	switch {
	case !x.write:
		return errReadOnly
	case key == "" || len(value) == 0:
		return errEmpty
	}
	x.m.tables[t].put(key, bytes.Clone(value))
	return nil
}

func (x *memoryTx) Delete(t Table, key string) error {
	if !x.write {
		return errReadOnly
	}
	x.m.tables[t].delete(key)
	return nil
}

func (x *memoryTx) Scan(t Table, from, to string, fn func(string, []byte) bool) {
	x.m.tables[t].scan(from, to, fn)
}

// sorted is an ordered map: a list of short sorted blocks, so that an insert
// moves little whatever the size.
type sorted struct{ blocks [][]pair }

type pair struct {
	key   string
	value []byte
}

// blockSize bounds a block; one that grows over it is cut in two.
const blockSize = 256

// find answers where a key is or belongs: the block, the place in it, and
// whether it is there.
func (s *sorted) find(key string) (b, n int, ok bool) {
	b, _ = slices.BinarySearchFunc(s.blocks, key, func(block []pair, key string) int {
		return strings.Compare(block[len(block)-1].key, key)
	})
	if b == len(s.blocks) {
		return b, 0, false
	}
	n, ok = slices.BinarySearchFunc(s.blocks[b], key, func(p pair, key string) int {
		return strings.Compare(p.key, key)
	})
	return b, n, ok
}

func (s *sorted) get(key string) []byte {
	b, n, ok := s.find(key)
	if !ok {
		return nil
	}
	return s.blocks[b][n].value
}

func (s *sorted) put(key string, value []byte) {
	b, n, ok := s.find(key)
	switch {
	case ok:
		s.blocks[b][n].value = value
		return
	case b == len(s.blocks) && b > 0:
		b-- // past the end: into the last block
		n = len(s.blocks[b])
	case b == len(s.blocks):
		s.blocks = append(s.blocks, nil)
	}
	s.blocks[b] = slices.Insert(s.blocks[b], n, pair{key, value})
	if block := s.blocks[b]; len(block) > blockSize {
		half := slices.Clone(block[blockSize/2:])
		clear(block[blockSize/2:])
		s.blocks[b] = block[:blockSize/2]
		s.blocks = slices.Insert(s.blocks, b+1, half)
	}
}

func (s *sorted) delete(key string) {
	b, n, ok := s.find(key)
	if !ok {
		return
	}
	s.blocks[b] = slices.Delete(s.blocks[b], n, n+1)
	if len(s.blocks[b]) == 0 {
		s.blocks = slices.Delete(s.blocks, b, b+1)
	}
}

func (s *sorted) scan(from, to string, fn func(string, []byte) bool) {
	for b, n, _ := s.find(from); b < len(s.blocks); b, n = b+1, 0 {
		for _, p := range s.blocks[b][n:] {
			if to != "" && p.key >= to || !fn(p.key, p.value) {
				return
			}
		}
	}
}
