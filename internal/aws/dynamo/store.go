package dynamo

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"shirase/internal/incident"
	"shirase/internal/plan"
)

// Store keeps everything but subscribers and the ledger. It implements the store
// ports of announce but for its agenda, which is [Agenda]'s, and of deliver those
// that read texts and keep jobs.
type Store struct {
	db    db
	put   putItem
	table string // of incidents
	now   func() time.Time

	mu    sync.Mutex
	plans map[int]*plan.Plan // decoded, by version
}

// New makes a store over the tables of [Schema], which must exist. The client's
// retries must be on. Now dates outbox items and says what is kept no longer.
func New(api *dynamodb.Client, tables Tables, now func() time.Time) *Store {
	return &Store{db: newDB(api), put: api.PutItem, table: tables.Incidents, now: now, plans: map[int]*plan.Plan{}}
}

// read reads one record strongly; ok is false where there is none.
func read[T any](ctx context.Context, s *Store, k key) (v T, ok bool, err error) {
	it, err := s.db.get(ctx, s.table, k)
	if err != nil {
		return v, false, err
	}
	return decode[T](it)
}

// one reads a single record, or answers ErrNotFound naming what.
func one[T any](ctx context.Context, s *Store, k key, what string) (T, error) {
	v, ok, err := read[T](ctx, s, k)
	if err == nil && !ok {
		err = fmt.Errorf("%s: %w", what, incident.ErrNotFound)
	}
	return v, err
}

// all reads the records of a partition under a prefix, in order of their keys.
func all[T any](ctx context.Context, s *Store, pk, prefix string) ([]T, error) {
	its, _, err := s.db.list(ctx, s.table, pk, prefix, "", 0, nil)
	if err != nil {
		return nil, err
	}
	return decodeAll[T](its)
}

// each reads the records of keys strongly, in order, and passes over those that
// are gone.
func each[T any](ctx context.Context, d db, table string, ks []key) ([]T, error) {
	its, err := d.batch(ctx, table, ks)
	if err != nil {
		return nil, err
	}
	return decodeAll[T](its)
}
