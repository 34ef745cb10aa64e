package embedded

import (
	"sync"
	"time"

	"shirase/internal/plan"
)

// Store keeps everything but subscribers and queues. It implements the store
// ports of announce and deliver.
type Store struct {
	kv  KV
	now func() time.Time

	mu    sync.Mutex
	plans map[int]*plan.Plan // decoded, by version
}

// New makes a store. Now dates outbox items.
func New(kv KV, now func() time.Time) *Store {
	return &Store{kv: kv, now: now, plans: map[int]*plan.Plan{}}
}
