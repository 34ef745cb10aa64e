package dynamo

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"shirase/internal/announce"
	"shirase/internal/deliver"
	"shirase/internal/incident"
	"shirase/internal/message"
)

// Incident implements announce.Reader and deliver.Incidents.
func (s *Store) Incident(ctx context.Context, id incident.ID) (incident.Incident, error) {
	snap, err := one[incident.Snapshot](ctx, s, keyMeta(id), fmt.Sprintf("incident %s", id))
	if err != nil {
		return incident.Incident{}, err
	}
	return incident.Restore(snap)
}

// Update implements announce.Reader and deliver.Incidents.
func (s *Store) Update(ctx context.Context, id incident.ID, seq int) (incident.Update, error) {
	return one[incident.Update](ctx, s, keyUpdate(id, seq), fmt.Sprintf("update %s/%d", id, seq))
}

// Live implements announce.Reader and deliver.Incidents. One that ends while it
// reads may be left out.
func (s *Store) Live(ctx context.Context) ([]incident.Incident, error) {
	var metas []key
	for _, pk := range pkLives() {
		its, _, err := s.db.list(ctx, s.table, pk, "", "", 0, nil)
		if err != nil {
			return nil, err
		}
		for _, it := range its {
			metas = append(metas, keyMeta(incident.ID(keyOf(it).sk)))
		}
	}
	is, err := s.restore(ctx, metas)
	if err != nil {
		return nil, err
	}
	is = slices.DeleteFunc(is, func(i incident.Incident) bool { return !i.Live() })
	slices.SortFunc(is, func(a, b incident.Incident) int { return cmp.Compare(a.ID(), b.ID()) })
	return is, nil
}

// restore reads the incidents of keys, in order.
func (s *Store) restore(ctx context.Context, metas []key) ([]incident.Incident, error) {
	snaps, err := each[incident.Snapshot](ctx, s.db, s.table, metas)
	if err != nil {
		return nil, err
	}
	is := make([]incident.Incident, len(snaps))
	for n, snap := range snaps {
		if is[n], err = incident.Restore(snap); err != nil {
			return nil, err
		}
	}
	return is, nil
}

// Incidents implements announce.History. The list is eventually consistent, the
// incidents in it are not.
func (s *Store) Incidents(ctx context.Context, cursor string, limit int) ([]incident.Incident, string, error) {
	metas, next, err := s.db.index(ctx, s.table, indexIncidents, cursor, "", limit)
	if err != nil {
		return nil, "", err
	}
	is, err := s.restore(ctx, metas)
	return is, next, err
}

// Updates implements announce.History.
func (s *Store) Updates(ctx context.Context, id incident.ID) ([]incident.Update, error) {
	return all[incident.Update](ctx, s, pkIncident(id), skUpdates)
}

// Messages implements announce.History.
func (s *Store) Messages(ctx context.Context, id incident.ID, seq int) ([]message.Message, error) {
	return all[message.Message](ctx, s, pkIncident(id), skMessages(seq))
}

// Message implements deliver.Messages.
func (s *Store) Message(ctx context.Context, id incident.ID, seq int, a incident.Audience, l incident.Locale) (message.Message, error) {
	return one[message.Message](ctx, s, keyMessage(id, seq, a, l), fmt.Sprintf("message %s/%d for %s in %s", id, seq, a, l))
}

// Memo implements deliver.Messages.
func (s *Store) Memo(ctx context.Context, id incident.ID, slot string) (deliver.Memo, error) {
	m, err := one[deliver.Memo](ctx, s, keyMemo(id, slot), fmt.Sprintf("memo of %s", id))
	if err == nil && gone(m, s.now()) {
		return deliver.Memo{}, fmt.Errorf("memo of %s: %w", id, incident.ErrNotFound)
	}
	return m, err
}

// Notes implements announce.History.
func (s *Store) Notes(ctx context.Context, id incident.ID) ([]announce.Note, error) {
	return all[announce.Note](ctx, s, pkIncident(id), skNotes)
}

// Signals implements announce.History. The list of one incident is strongly
// consistent, that of all is eventually so.
func (s *Store) Signals(ctx context.Context, id incident.ID, cursor string, limit int) ([]announce.Evidence, string, error) {
	if id == "" {
		ks, next, err := s.db.index(ctx, s.table, indexSignals, cursor, "", limit)
		if err != nil {
			return nil, "", err
		}
		es, err := each[announce.Evidence](ctx, s.db, s.table, ks)
		return es, next, err
	}
	its, next, err := s.db.list(ctx, s.table, pkEvidence(id), skEvidence, cursor, limit, nil)
	if err != nil {
		return nil, "", err
	}
	es, err := decodeAll[announce.Evidence](its)
	return es, next, err
}

// Draft implements announce.Drafts.
func (s *Store) Draft(ctx context.Context, id announce.DraftID) (announce.Draft, error) {
	return one[announce.Draft](ctx, s, keyDraft(id), fmt.Sprintf("draft %s", id))
}

// Drafts implements announce.Drafts.
func (s *Store) Drafts(ctx context.Context, id incident.ID) ([]announce.Draft, error) {
	return s.draftsUnder(ctx, id, skDrafts)
}

// OpenDrafts implements announce.Drafts. One that is decided on while it reads
// is left out.
func (s *Store) OpenDrafts(ctx context.Context, id incident.ID) ([]announce.Draft, error) {
	ds, err := s.draftsUnder(ctx, id, skOpenDrafts)
	return slices.DeleteFunc(ds, func(d announce.Draft) bool { return d.State != announce.DraftOpen }), err
}

// draftsUnder reads the drafts whose ids stand under a prefix, oldest first.
func (s *Store) draftsUnder(ctx context.Context, id incident.ID, prefix string) ([]announce.Draft, error) {
	ids, err := all[announce.DraftID](ctx, s, pkIncident(id), prefix)
	if err != nil {
		return nil, err
	}
	ks := make([]key, len(ids))
	for n, id := range ids {
		ks[n] = keyDraft(id)
	}
	ds, err := each[announce.Draft](ctx, s.db, s.table, ks)
	slices.SortFunc(ds, func(a, b announce.Draft) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.ID, b.ID))
	})
	return ds, err
}

// Alarm implements announce.Watch.
func (s *Store) Alarm(ctx context.Context, fingerprint string) (announce.Alarm, error) {
	a, _, err := read[announce.Alarm](ctx, s, keyAlarm(fingerprint))
	return a, err
}

// Alarms implements announce.Watch.
func (s *Store) Alarms(ctx context.Context, id incident.ID) ([]announce.Alarm, error) {
	fs, err := all[string](ctx, s, pkIncident(id), skJoins)
	if err != nil {
		return nil, err
	}
	slices.Sort(fs) // long ones stand under a digest
	ks := make([]key, len(fs))
	for n, f := range fs {
		ks[n] = keyAlarm(f)
	}
	return each[announce.Alarm](ctx, s.db, s.table, ks)
}

// Group implements announce.Watch.
func (s *Store) Group(ctx context.Context, group string) (incident.ID, error) {
	it, err := s.db.get(ctx, s.table, keyGroup(group))
	return incident.ID(textOf(it, attrHolder)), err
}

// ComponentStatus implements announce.Components.
func (s *Store) ComponentStatus(ctx context.Context, id incident.ComponentID) (incident.ComponentStatus, error) {
	st, _, err := read[incident.ComponentStatus](ctx, s, keyStatus(id))
	return st, err
}

// SetComponentStatus implements announce.Components. It may be called twice. One
// that is cleared is kept as empty, so that a store needs no leave to delete.
func (s *Store) SetComponentStatus(ctx context.Context, id incident.ComponentID, st incident.ComponentStatus) error {
	it, err := record(keyStatus(id), st)
	if err != nil {
		return err
	}
	return s.put.whole(ctx, s.table, it)
}

// SaveJob implements deliver.Jobs.
func (s *Store) SaveJob(ctx context.Context, id incident.ID, seq int, c incident.Channel, cur deliver.Cursor) error {
	it, err := record(keyJob(id, seq, c), cur)
	if err != nil {
		return err
	}
	return s.put.whole(ctx, s.table, it)
}

// Job implements deliver.Jobs.
func (s *Store) Job(ctx context.Context, id incident.ID, seq int, c incident.Channel) (deliver.Cursor, error) {
	cur, _, err := read[deliver.Cursor](ctx, s, keyJob(id, seq, c))
	return cur, err
}
