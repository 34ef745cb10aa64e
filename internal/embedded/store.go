package embedded

import (
	"sync"
	"time"

	"shirase/internal/plan"
)

// Store keeps everything but subscribers and queues. It implements the store
// ports of announce and deliver.
type Store struct {
	kv    KV
	now   func() time.Time
	parse func(source []byte) (*plan.Plan, error)

	mu    sync.Mutex
	plans map[int]*plan.Plan // parsed, by version
}

// New makes a store. Now dates outbox items; parse reads a plan's source.
func New(kv KV, now func() time.Time, parse func(source []byte) (*plan.Plan, error)) *Store {
	return &Store{kv: kv, now: now, parse: parse, plans: map[int]*plan.Plan{}}
}
