package dynamo

import (
	"context"
	"fmt"
	"time"

	"shirase/internal/announce"
	"shirase/internal/deliver"
)

// The attributes that conditions look at.
const (
	attrVersion  = "version"  // of an incident, and of the newest plan
	attrRevision = "revision" // of a draft
	attrAt       = "at"       // of an alarm's state and of an answer, as a key writes it
	attrHolder   = "holder"   // of a group
)

// Commit implements announce.Committer: one transaction, whose conditions are
// those of the change. A commit whose answer was lost may have been made; the
// second try then finds its conditions broken and is a conflict. A change of more
// writes than DynamoDB makes at once, or with a record too large for an item, is
// ErrInvalid, and nothing of it is written.
func (s *Store) Commit(ctx context.Context, c announce.Change) error {
	w := committing{table: s.table, now: s.now()}
	w.incidents(c.Incidents)
	w.texts(c)
	w.drafts(c.Drafts)
	w.records(c)
	w.alarms(c.Alarms)
	w.groups(c.Groups)
	w.due(c)
	for _, p := range c.Outbox {
		w.outbox(w.table, p, w.now)
	}
	w.answer(c.Answer)
	actions, err := w.actions()
	if err == nil && len(actions) > 0 {
		err = s.db.transact(ctx, actions)
	}
	if err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

// committing makes the writes of one change.
type committing struct {
	writes
	table string
	now   time.Time
}

func (w *committing) incidents(vs []announce.Versioned) {
	for _, v := range vs {
		is := v.Incident.Snapshot()
		it := w.make(keyMeta(is.ID), is)
		if it == nil {
			return
		}
		it[attrVersion] = number(int64(is.Version))
		indexed(it, indexIncidents, sortListedIncident(is))
		cond := absent()
		if v.Base != 0 {
			cond = equals(attrVersion, number(int64(v.Base)))
		}
		w.put(w.table, it, cond)
		// What was before is not read, so this is written anew each time.
		if live := keyLive(is.ID); is.End == "" {
			w.put(w.table, live.item(), condition{})
		} else {
			w.remove(w.table, live, condition{})
		}
	}
}

func (w *committing) texts(c announce.Change) {
	for _, u := range c.Updates {
		w.record(w.table, keyUpdate(u.Incident, u.Seq), u, absent())
	}
	for _, m := range c.Messages {
		w.record(w.table, keyMessage(m.Incident, m.Seq, m.Audience, m.Locale), m, condition{})
	}
	for _, m := range c.Memos {
		w.memo(w.table, m, w.now)
	}
}

// drafts keeps the body under the draft's own key, and its id under the
// incident, which it never leaves.
func (w *committing) drafts(ds []announce.Draft) {
	for _, d := range ds {
		it := w.make(keyDraft(d.ID), d)
		if it == nil {
			return
		}
		it[attrRevision] = number(int64(d.Revision))
		cond := absent()
		if d.Revision != 1 {
			cond = equals(attrRevision, number(int64(d.Revision-1)))
		}
		w.put(w.table, it, cond)
		w.record(w.table, keyDraftOf(d), d.ID, condition{})
		if d.State == announce.DraftOpen {
			w.record(w.table, keyOpenDraftOf(d), d.ID, condition{})
		} else {
			w.remove(w.table, keyOpenDraftOf(d), condition{})
		}
	}
}

// records writes what hangs on nothing.
func (w *committing) records(c announce.Change) {
	for _, e := range c.Evidence {
		it := w.make(keyEvidence(e), e)
		if it == nil {
			return
		}
		indexed(it, indexSignals, sortListedSignal(e))
		w.put(w.table, it, condition{})
	}
	for _, n := range c.Notes {
		w.record(w.table, keyNote(n), n, condition{})
	}
}

func (w *committing) alarms(as []announce.Alarm) {
	for _, a := range as {
		it := w.make(keyAlarm(a.Fingerprint), a)
		if it == nil {
			return
		}
		it[attrAt] = text(keyTime(a.At))
		cond := absent()
		if !a.Was.IsZero() {
			cond = equals(attrAt, text(keyTime(a.Was)))
		}
		w.put(w.table, it, cond)
		if a.Incident != "" {
			w.record(w.table, keyJoin(a.Incident, a.Fingerprint), a.Fingerprint, condition{})
		}
	}
}

func (w *committing) groups(gs []announce.GroupSlot) {
	for _, g := range gs {
		k, cond := keyGroup(g.Group), absent()
		if g.Was != "" {
			cond = equals(attrHolder, text(string(g.Was)))
		}
		if g.Set == "" {
			w.remove(w.table, k, cond)
			continue
		}
		it := k.item()
		it[attrHolder] = text(string(g.Set))
		w.put(w.table, it, cond)
	}
}

func (w *committing) due(c announce.Change) {
	for _, id := range c.Cancel {
		w.remove(w.table, keyDue(id), condition{})
	}
	for _, id := range c.Drop {
		w.remove(w.table, keyDue(id), present())
	}
	for _, d := range c.Due { // under the condition of a drop of the same id
		if it := w.make(keyDue(d.ID), d); it != nil {
			indexed(it, indexDue, sortDue(d))
			w.put(w.table, it, condition{})
		}
	}
}

func (w *committing) answer(a *announce.Answer) {
	if a == nil {
		return
	}
	it := w.make(keyAnswer(a.Key), a)
	if it == nil {
		return
	}
	it[attrAt] = text(keyTime(a.At))
	it[TTL] = seconds(a.At.Add(announce.AnswerLife))
	w.put(w.table, it, absentOrUntil(attrAt, text(keyTime(a.At.Add(-announce.AnswerLife)))))
}

// Answer implements announce.Committer.
func (s *Store) Answer(ctx context.Context, digest string, now time.Time) (announce.Answer, bool, error) {
	a, ok, err := read[announce.Answer](ctx, s, keyAnswer(digest))
	if err != nil || !ok || !a.Remembered(now) {
		return announce.Answer{}, false, err
	}
	return a, true, nil
}

// gone reports whether a memo is kept no longer, though DynamoDB may still have it.
func gone(m deliver.Memo, now time.Time) bool {
	return m.Incident == deliver.NoIncident && !now.Before(m.At.Add(deliver.MemoLife))
}

// memo adds a memo and its outbox item. The table is that of incidents.
func (w *writes) memo(table string, m deliver.Memo, now time.Time) {
	w.memoItem(table, m)
	w.outbox(table, deliver.Pointer{Incident: m.Incident, Slot: m.Slot}, now)
}

// outboxItem is a pointer that is to be published.
type outboxItem struct {
	Pointer deliver.Pointer `json:"pointer"`
	At      time.Time       `json:"at"`
}

// outbox adds an outbox item. One that is there already stays as it is, so that
// it does not get younger. The table is that of incidents.
func (w *writes) outbox(table string, p deliver.Pointer, now time.Time) {
	it := w.make(keyOutbox(p), outboxItem{p, now})
	if it == nil {
		return
	}
	indexed(it, indexOutbox, sortOutbox(now, p))
	w.fill(table, it)
}
