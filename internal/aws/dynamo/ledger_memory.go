package dynamo

import (
	"slices"
	"sync"

	"shirase/internal/deliver"
)

// memorySize is how many lines are remembered: all that one call of a sender is
// about, ten chunks of 50, and as many again. A line is some 300 bytes.
const memorySize = 1024

// A memory holds the lines that this process has read or written last. Another
// process may have changed any of them since.
type memory struct {
	mu    sync.Mutex
	lines map[deliver.Key]revision[deliver.Item]
	ring  []deliver.Key // what was put, oldest at next
	next  int
}

func newMemory(size int) *memory {
	return &memory{lines: map[deliver.Key]revision[deliver.Item]{}, ring: make([]deliver.Key, size)}
}

// put remembers a line, and forgets the oldest where there are too many.
func (m *memory) put(k deliver.Key, r revision[deliver.Item]) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.lines[k]; !ok {
		delete(m.lines, m.ring[m.next])
		m.ring[m.next] = k
		m.next = (m.next + 1) % len(m.ring)
	}
	m.lines[k] = clone(r)
}

func (m *memory) get(k deliver.Key) (revision[deliver.Item], bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r, ok := m.lines[k]
	return clone(r), ok
}

// forget drops a line of which nobody knows how it stands.
func (m *memory) forget(k deliver.Key) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.lines, k)
}

// clone answers a copy that shares nothing with r.
func clone(r revision[deliver.Item]) revision[deliver.Item] {
	r.value.Marks = slices.Clone(r.value.Marks)
	return r
}
