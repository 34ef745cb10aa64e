package main

import (
	"context"

	"shirase/internal/announce"
	"shirase/internal/incident"
	"shirase/internal/message"
	"shirase/internal/plan"
)

// cache keeps what was read from the store until it is written again. Decoding
// would take most of a seed's time, and what is kept cannot be changed by who
// reads it: incidents are values, updates and texts are never written twice.
type cache struct {
	incidents map[incident.ID]incident.Incident
	updates   map[updateKey]incident.Update
	texts     map[textKey]message.Message
	newest    *plan.Plan
}

type updateKey struct {
	id  incident.ID
	seq int
}

type textKey struct {
	updateKey
	audience incident.Audience
	locale   incident.Locale
}

func newCache() cache {
	return cache{
		incidents: map[incident.ID]incident.Incident{}, updates: map[updateKey]incident.Update{}, texts: map[textKey]message.Message{},
	}
}

// remembered answers what a cache holds, or reads and keeps it.
func remembered[K comparable, V any](kept map[K]V, k K, read func() (V, error)) (V, error) {
	if v, ok := kept[k]; ok {
		return v, nil
	}
	v, err := read()
	if err == nil {
		kept[k] = v
	}
	return v, err
}

func (w *world) incident(ctx context.Context, id incident.ID) (incident.Incident, error) {
	return remembered(w.incidents, id, func() (incident.Incident, error) { return w.store.Incident(ctx, id) })
}

func (w *world) update(ctx context.Context, id incident.ID, seq int) (incident.Update, error) {
	return remembered(w.updates, updateKey{id, seq}, func() (incident.Update, error) { return w.store.Update(ctx, id, seq) })
}

func (w *world) text(ctx context.Context, id incident.ID, seq int, a incident.Audience, l incident.Locale) (message.Message, error) {
	return remembered(w.texts, textKey{updateKey{id, seq}, a, l}, func() (message.Message, error) { return w.store.Message(ctx, id, seq, a, l) })
}

func (w *world) currentPlan(ctx context.Context) (p *plan.Plan, err error) {
	if w.newest == nil {
		w.newest, err = w.store.Current(ctx)
	}
	return w.newest, err
}

// forget drops what a change writes.
func (w *world) forget(c announce.Change) {
	for _, v := range c.Incidents {
		delete(w.incidents, v.Incident.ID())
	}
}
