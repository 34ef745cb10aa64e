package embedded

import (
	"context"

	"shirase/internal/access"
	"shirase/internal/record"
)

// Access keeps API keys. It implements access.Store.
type Access struct{ kv KV }

// NewAccess makes the keys of a store.
func NewAccess(kv KV) *Access { return &Access{kv} }

// Load implements access.Store.
func (a *Access) Load(ctx context.Context, id string) (access.Key, error) {
	r, err := one[record.Key](ctx, a.kv, tableIncidents, keyAPIKey(id), "key")
	if err != nil {
		return access.Key{}, err
	}
	return r.Key()
}

// Add implements access.Store.
func (a *Access) Add(ctx context.Context, k access.Key) error {
	return update(ctx, a.kv, func(tx Tx) error {
		if tx.Get(tableIncidents, keyAPIKey(k.ID)) != nil {
			return conflict("key %s is there", k.ID)
		}
		return put(tx, tableIncidents, keyAPIKey(k.ID), record.NewKey(k))
	})
}

// List implements access.Store.
func (a *Access) List(ctx context.Context) ([]access.Key, error) {
	rs, err := all[record.Key](ctx, a.kv, tableIncidents, keyAPIKeys)
	if err != nil {
		return nil, err
	}
	return record.Keys(rs)
}

// Delete implements access.Store.
func (a *Access) Delete(ctx context.Context, id string) error {
	return update(ctx, a.kv, func(tx Tx) error { return tx.Delete(tableIncidents, keyAPIKey(id)) })
}
