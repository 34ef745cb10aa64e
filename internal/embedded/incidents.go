package embedded

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"shirase/internal/announce"
	"shirase/internal/deliver"
	"shirase/internal/incident"
	"shirase/internal/message"
)

// view runs fn on one moment of the store, unless the caller has given up.
func view(ctx context.Context, kv KV, fn func(Tx) error) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("read store: %w", err)
	}
	return kv.View(fn)
}

// update runs fn as one transaction, unless the caller has given up.
func update(ctx context.Context, kv KV, fn func(Tx) error) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("write store: %w", err)
	}
	return kv.Update(fn)
}

// one reads a single record, or answers ErrNotFound naming what.
func one[T any](ctx context.Context, kv KV, t Table, key, what string) (v T, err error) {
	err = view(ctx, kv, func(tx Tx) error {
		var ok bool
		if v, ok, err = get[T](tx, t, key); err == nil && !ok {
			err = fmt.Errorf("%s: %w", what, incident.ErrNotFound)
		}
		return err
	})
	return v, err
}

// all reads every record under a prefix, in order of their keys.
func all[T any](ctx context.Context, kv KV, t Table, prefix string) (vs []T, err error) {
	err = view(ctx, kv, func(tx Tx) error {
		vs, _, err = page[T](tx, t, prefix, "", 0, nil)
		return err
	})
	return vs, err
}

// meta reads an incident in a transaction.
func meta(tx Tx, id incident.ID) (i incident.Incident, ok bool, err error) {
	s, ok, err := get[incident.Snapshot](tx, tableIncidents, keyMeta(id))
	if err != nil || !ok {
		return incident.Incident{}, false, err
	}
	i, err = incident.Restore(s)
	return i, err == nil, err
}

// Incident implements announce.Reader and deliver.Incidents.
func (s *Store) Incident(ctx context.Context, id incident.ID) (i incident.Incident, err error) {
	err = view(ctx, s.kv, func(tx Tx) error {
		var ok bool
		if i, ok, err = meta(tx, id); err == nil && !ok {
			err = fmt.Errorf("incident %s: %w", id, incident.ErrNotFound)
		}
		return err
	})
	return i, err
}

// Update implements announce.Reader and deliver.Incidents.
func (s *Store) Update(ctx context.Context, id incident.ID, seq int) (incident.Update, error) {
	return one[incident.Update](ctx, s.kv, tableIncidents, keyUpdate(id, seq), fmt.Sprintf("update %s/%d", id, seq))
}

// Live implements announce.Reader and deliver.Incidents.
func (s *Store) Live(ctx context.Context) (is []incident.Incident, err error) {
	err = view(ctx, s.kv, func(tx Tx) error {
		is, err = live(tx)
		return err
	})
	return is, err
}

// live reads every incident that goes on, by id.
func live(tx Tx) ([]incident.Incident, error) {
	var ids []incident.ID
	for _, prefix := range keyLives() {
		tx.Scan(tableIncidents, prefix, after(prefix), func(key string, _ []byte) bool {
			ids = append(ids, incident.ID(key[strings.LastIndex(key, sep)+len(sep):]))
			return true
		})
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	is := make([]incident.Incident, 0, len(ids))
	for _, id := range ids {
		i, ok, err := meta(tx, id)
		if err != nil {
			return nil, err
		}
		if ok {
			is = append(is, i)
		}
	}
	return is, nil
}

// Incidents implements announce.History.
func (s *Store) Incidents(ctx context.Context, cursor string, limit int) (is []incident.Incident, next string, err error) {
	err = view(ctx, s.kv, func(tx Tx) error {
		var ids []incident.ID
		ids, next, err = page[incident.ID](tx, tableList, listIncidents, cursor, limit, nil)
		if err != nil {
			return err
		}
		for _, id := range ids {
			i, ok, err := meta(tx, id)
			if err != nil {
				return err
			}
			if ok {
				is = append(is, i)
			}
		}
		return nil
	})
	return is, next, err
}

// Updates implements announce.History.
func (s *Store) Updates(ctx context.Context, id incident.ID) ([]incident.Update, error) {
	return all[incident.Update](ctx, s.kv, tableIncidents, keyUpdates(id))
}

// Messages implements announce.History.
func (s *Store) Messages(ctx context.Context, id incident.ID, seq int) ([]message.Message, error) {
	return all[message.Message](ctx, s.kv, tableIncidents, keyMessages(id, seq))
}

// Message implements deliver.Messages.
func (s *Store) Message(ctx context.Context, id incident.ID, seq int, a incident.Audience, l incident.Locale) (message.Message, error) {
	return one[message.Message](ctx, s.kv, tableIncidents, keyMessage(id, seq, a, l),
		fmt.Sprintf("message %s/%d for %s in %s", id, seq, a, l))
}

// Memo implements deliver.Messages.
func (s *Store) Memo(ctx context.Context, id incident.ID, slot string) (deliver.Memo, error) {
	return one[deliver.Memo](ctx, s.kv, tableIncidents, keyMemo(id, slot), fmt.Sprintf("memo %s/%s", id, slot))
}

// Notes implements announce.History.
func (s *Store) Notes(ctx context.Context, id incident.ID) ([]announce.Note, error) {
	return all[announce.Note](ctx, s.kv, tableIncidents, keyNotes(id))
}

// Signals implements announce.History.
func (s *Store) Signals(ctx context.Context, id incident.ID, cursor string, limit int) (es []announce.Evidence, next string, err error) {
	err = view(ctx, s.kv, func(tx Tx) error {
		if id != "" {
			es, next, err = page[announce.Evidence](tx, tableIncidents, keyEvidences(id), cursor, limit, nil)
			return err
		}
		var keys []string
		keys, next, err = page[string](tx, tableList, listSignals, cursor, limit, nil)
		if err != nil {
			return err
		}
		for _, key := range keys {
			e, _, err := get[announce.Evidence](tx, tableIncidents, key)
			if err != nil {
				return err
			}
			es = append(es, e)
		}
		return nil
	})
	return es, next, err
}

// Draft implements announce.Drafts.
func (s *Store) Draft(ctx context.Context, id announce.DraftID) (announce.Draft, error) {
	return one[announce.Draft](ctx, s.kv, tableIncidents, keyDraft(id), fmt.Sprintf("draft %s", id))
}

// Drafts implements announce.Drafts.
func (s *Store) Drafts(ctx context.Context, id incident.ID) ([]announce.Draft, error) {
	return s.draftsUnder(ctx, keyDraftsOf(id))
}

// OpenDrafts implements announce.Drafts.
func (s *Store) OpenDrafts(ctx context.Context, id incident.ID) ([]announce.Draft, error) {
	return s.draftsUnder(ctx, keyOpenDraftsOf(id))
}

// draftsUnder reads the drafts whose ids stand under a prefix.
func (s *Store) draftsUnder(ctx context.Context, prefix string) (ds []announce.Draft, err error) {
	err = view(ctx, s.kv, func(tx Tx) error {
		ids, _, err := page[announce.DraftID](tx, tableIncidents, prefix, "", 0, nil)
		if err != nil {
			return err
		}
		for _, id := range ids {
			d, _, err := get[announce.Draft](tx, tableIncidents, keyDraft(id))
			if err != nil {
				return err
			}
			ds = append(ds, d)
		}
		return nil
	})
	return ds, err
}

// Alarm implements announce.Watch.
func (s *Store) Alarm(ctx context.Context, fingerprint string) (a announce.Alarm, err error) {
	err = view(ctx, s.kv, func(tx Tx) error {
		a, _, err = get[announce.Alarm](tx, tableIncidents, keyAlarm(fingerprint))
		return err
	})
	return a, err
}

// Alarms implements announce.Watch.
func (s *Store) Alarms(ctx context.Context, id incident.ID) (as []announce.Alarm, err error) {
	err = view(ctx, s.kv, func(tx Tx) error {
		fs, _, err := page[string](tx, tableIncidents, keyJoins(id), "", 0, nil)
		if err != nil {
			return err
		}
		for _, f := range fs {
			a, _, err := get[announce.Alarm](tx, tableIncidents, keyAlarm(f))
			if err != nil {
				return err
			}
			as = append(as, a)
		}
		return nil
	})
	return as, err
}

// Group implements announce.Watch.
func (s *Store) Group(ctx context.Context, group string) (id incident.ID, err error) {
	err = view(ctx, s.kv, func(tx Tx) error {
		id, _, err = get[incident.ID](tx, tableIncidents, keyGroup(group))
		return err
	})
	return id, err
}

// ComponentStatus implements announce.Components.
func (s *Store) ComponentStatus(ctx context.Context, id incident.ComponentID) (st incident.ComponentStatus, err error) {
	err = view(ctx, s.kv, func(tx Tx) error {
		st, _, err = get[incident.ComponentStatus](tx, tableIncidents, keyStatus(id))
		return err
	})
	return st, err
}

// SetComponentStatus implements announce.Components.
func (s *Store) SetComponentStatus(ctx context.Context, id incident.ComponentID, st incident.ComponentStatus) error {
	return update(ctx, s.kv, func(tx Tx) error {
		if st == "" {
			return tx.Delete(tableIncidents, keyStatus(id))
		}
		return put(tx, tableIncidents, keyStatus(id), st)
	})
}
