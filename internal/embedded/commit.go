package embedded

import (
	"context"
	"fmt"
	"slices"
	"time"

	"shirase/internal/announce"
	"shirase/internal/deliver"
	"shirase/internal/incident"
)

// Commit implements announce.Committer. It checks every condition first, then
// writes, all in one transaction.
func (s *Store) Commit(ctx context.Context, c announce.Change) error {
	return update(ctx, s.kv, func(tx Tx) error { return commit(tx, c, s.now()) })
}

func commit(tx Tx, c announce.Change, now time.Time) error {
	w := writer{tx: tx, now: now}
	for _, check := range []func(announce.Change) error{
		w.incidentsHold, w.draftsHold, w.alarmsHold, w.groupsHold, w.dueHold, w.answerHolds,
	} {
		if err := check(c); err != nil {
			return err
		}
	}
	for _, write := range []func(announce.Change) error{
		w.incidents, w.texts, w.drafts, w.records, w.alarms, w.groups, w.due, w.outbox, w.answer,
	} {
		if err := write(c); err != nil {
			return err
		}
	}
	return nil
}

// writer makes one change. It remembers what its conditions found, so that the
// indexes of what was there can be taken away.
type writer struct {
	tx  Tx
	now time.Time

	wasIncident []incident.Snapshot // by place in the change
	wasDraft    []announce.Draft
	wasAnswer   announce.Answer
}

func conflict(format string, args ...any) error {
	return fmt.Errorf(format+": %w", append(args, incident.ErrConflict)...)
}

func (w *writer) incidentsHold(c announce.Change) error {
	for _, v := range c.Incidents {
		s, _, err := get[incident.Snapshot](w.tx, tableIncidents, keyMeta(v.Incident.ID()))
		if err != nil {
			return err
		}
		if s.Version != v.Base {
			return conflict("incident %s is at version %d, not %d", v.Incident.ID(), s.Version, v.Base)
		}
		w.wasIncident = append(w.wasIncident, s)
	}
	for _, u := range c.Updates {
		if w.tx.Get(tableIncidents, keyUpdate(u.Incident, u.Seq)) != nil {
			return conflict("update %s/%d exists", u.Incident, u.Seq)
		}
	}
	return nil
}

func (w *writer) draftsHold(c announce.Change) error {
	for _, d := range c.Drafts {
		was, _, err := get[announce.Draft](w.tx, tableIncidents, keyDraft(d.ID))
		if err != nil {
			return err
		}
		if was.Revision != d.Revision-1 {
			return conflict("draft %s is at revision %d, not %d", d.ID, was.Revision, d.Revision-1)
		}
		w.wasDraft = append(w.wasDraft, was)
	}
	return nil
}

func (w *writer) alarmsHold(c announce.Change) error {
	for _, a := range c.Alarms {
		was, _, err := get[announce.Alarm](w.tx, tableIncidents, keyAlarm(a.Fingerprint))
		if err != nil {
			return err
		}
		if !was.At.Equal(a.Was) {
			return conflict("alarm %s has moved on", a.Name)
		}
	}
	return nil
}

func (w *writer) groupsHold(c announce.Change) error {
	for _, g := range c.Groups {
		was, _, err := get[incident.ID](w.tx, tableIncidents, keyGroup(g.Group))
		if err != nil {
			return err
		}
		if was != g.Was {
			return conflict("group %s is collected by %q, not %q", g.Group, was, g.Was)
		}
	}
	return nil
}

func (w *writer) dueHold(c announce.Change) error {
	for _, id := range c.Drop {
		if w.tx.Get(tableIncidents, keyDue(id)) == nil {
			return conflict("due item %s is handled already", id)
		}
	}
	return nil
}

func (w *writer) answerHolds(c announce.Change) (err error) {
	if c.Answer == nil {
		return nil
	}
	var ok bool
	w.wasAnswer, ok, err = get[announce.Answer](w.tx, tableIncidents, keyAnswer(c.Answer.Key))
	if err == nil && ok && w.wasAnswer.Remembered(c.Answer.At) {
		return conflict("the idempotency key was used already")
	}
	return err
}

func (w *writer) incidents(c announce.Change) error {
	for n, v := range c.Incidents {
		was, is := w.wasIncident[n], v.Incident.Snapshot()
		if err := put(w.tx, tableIncidents, keyMeta(is.ID), is); err != nil {
			return err
		}
		if err := put(w.tx, tableList, keyListIncident(is), is.ID); err != nil {
			return err
		}
		if err := w.lives(was, is); err != nil {
			return err
		}
		if err := w.ledgerEnds(was, is); err != nil {
			return err
		}
	}
	return nil
}

// lives keeps one item per component that a live incident has named.
func (w *writer) lives(was, is incident.Snapshot) error {
	if was.Version > 0 && was.End == "" {
		for _, c := range was.Named {
			if is.End != "" || !slices.Contains(is.Named, c) {
				if err := w.tx.Delete(tableIncidents, keyLive(c, is.ID)); err != nil {
					return err
				}
			}
		}
	}
	if is.End != "" {
		return nil
	}
	for _, c := range is.Named {
		if err := put(w.tx, tableIncidents, keyLive(c, is.ID), is.ID); err != nil {
			return err
		}
	}
	return nil
}

// ledgerEnds says until when the ledger of an incident is kept.
func (w *writer) ledgerEnds(was, is incident.Snapshot) error {
	if was.End == is.End && was.EndedAt.Equal(is.EndedAt) {
		return nil
	}
	if was.End != "" {
		if err := keep(w.tx, was.EndedAt.Add(deliver.LedgerLife), tableDeliveries, keyLedger(is.ID)); err != nil {
			return err
		}
	}
	if is.End == "" {
		return nil
	}
	return expire(w.tx, is.EndedAt.Add(deliver.LedgerLife), tableDeliveries, keyLedger(is.ID))
}

func (w *writer) texts(c announce.Change) error {
	for _, u := range c.Updates {
		if err := put(w.tx, tableIncidents, keyUpdate(u.Incident, u.Seq), u); err != nil {
			return err
		}
	}
	for _, m := range c.Messages {
		if err := put(w.tx, tableIncidents, keyMessage(m.Incident, m.Seq, m.Audience, m.Locale), m); err != nil {
			return err
		}
	}
	for _, m := range c.Memos {
		if err := putMemo(w.tx, m); err != nil {
			return err
		}
	}
	return nil
}

// putMemo keeps a memo. One that belongs to no incident dies by itself, with
// its line in the ledger.
func putMemo(tx Tx, m deliver.Memo) error {
	if err := put(tx, tableIncidents, keyMemo(m.Incident, m.Slot), m); err != nil {
		return err
	}
	if m.Incident != deliver.NoIncident {
		return nil
	}
	at := m.At.Add(deliver.MemoLife)
	line := keyLine(deliver.Key{Incident: m.Incident, Channel: m.Channel, Recipient: m.Recipient, Slot: m.Slot})
	if err := expire(tx, at, tableDeliveries, line); err != nil {
		return err
	}
	return expire(tx, at, tableIncidents, keyMemo(m.Incident, m.Slot))
}

func (w *writer) drafts(c announce.Change) error {
	for n, d := range c.Drafts {
		if was := w.wasDraft[n]; was.Revision > 0 {
			for _, key := range []string{keyDraftOf(was), keyOpenDraftOf(was)} {
				if err := w.tx.Delete(tableIncidents, key); err != nil {
					return err
				}
			}
		}
		if err := put(w.tx, tableIncidents, keyDraft(d.ID), d); err != nil {
			return err
		}
		if err := put(w.tx, tableIncidents, keyDraftOf(d), d.ID); err != nil {
			return err
		}
		if d.State != announce.DraftOpen {
			continue
		}
		if err := put(w.tx, tableIncidents, keyOpenDraftOf(d), d.ID); err != nil {
			return err
		}
	}
	return nil
}

// records writes what hangs on nothing.
func (w *writer) records(c announce.Change) error {
	for _, e := range c.Evidence {
		if err := put(w.tx, tableIncidents, keyEvidence(e), e); err != nil {
			return err
		}
		if err := put(w.tx, tableList, keyListSignal(e), keyEvidence(e)); err != nil {
			return err
		}
	}
	for _, n := range c.Notes {
		if err := put(w.tx, tableIncidents, keyNote(n), n); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) alarms(c announce.Change) error {
	for _, a := range c.Alarms {
		if err := put(w.tx, tableIncidents, keyAlarm(a.Fingerprint), a); err != nil {
			return err
		}
		if a.Incident == "" {
			continue
		}
		if err := put(w.tx, tableIncidents, keyJoin(a.Incident, a.Fingerprint), a.Fingerprint); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) groups(c announce.Change) error {
	for _, g := range c.Groups {
		var err error
		if g.Set == "" {
			err = w.tx.Delete(tableIncidents, keyGroup(g.Group))
		} else {
			err = put(w.tx, tableIncidents, keyGroup(g.Group), g.Set)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) due(c announce.Change) error {
	for _, ids := range [][]announce.DueID{c.Drop, c.Cancel} {
		for _, id := range ids {
			if err := w.undue(id); err != nil {
				return err
			}
		}
	}
	for _, d := range c.Due {
		if err := w.undue(d.ID); err != nil {
			return err
		}
		if err := put(w.tx, tableIncidents, keyDue(d.ID), d); err != nil {
			return err
		}
		if err := put(w.tx, tableWork, keyWorkDue(d), d.ID); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) undue(id announce.DueID) error {
	was, ok, err := get[announce.Due](w.tx, tableIncidents, keyDue(id))
	if err != nil || !ok {
		return err
	}
	if err := w.tx.Delete(tableWork, keyWorkDue(was)); err != nil {
		return err
	}
	return w.tx.Delete(tableIncidents, keyDue(id))
}

func (w *writer) outbox(c announce.Change) error {
	for _, p := range c.Outbox {
		if err := putOutbox(w.tx, p, w.now); err != nil {
			return err
		}
	}
	for _, m := range c.Memos {
		if err := putOutbox(w.tx, deliver.Pointer{Incident: m.Incident, Slot: m.Slot}, w.now); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) answer(c announce.Change) error {
	if c.Answer == nil {
		return nil
	}
	key := keyAnswer(c.Answer.Key)
	if w.wasAnswer.Key != "" {
		if err := keep(w.tx, w.wasAnswer.At.Add(announce.AnswerLife), tableIncidents, key); err != nil {
			return err
		}
	}
	if err := put(w.tx, tableIncidents, key, c.Answer); err != nil {
		return err
	}
	return expire(w.tx, c.Answer.At.Add(announce.AnswerLife), tableIncidents, key)
}

// Answer implements announce.Committer.
func (s *Store) Answer(ctx context.Context, key string, now time.Time) (a announce.Answer, ok bool, err error) {
	err = view(ctx, s.kv, func(tx Tx) error {
		a, ok, err = get[announce.Answer](tx, tableIncidents, keyAnswer(key))
		return err
	})
	if err != nil || !ok || !a.Remembered(now) {
		return announce.Answer{}, false, err
	}
	return a, true, nil
}
