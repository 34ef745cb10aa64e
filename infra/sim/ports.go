package main

import (
	"context"
	"time"

	"shirase/internal/announce"
	"shirase/internal/deliver"
	"shirase/internal/incident"
	"shirase/internal/message"
	"shirase/internal/plan"
)

// store stands between the use cases and the store in memory, and lets every
// call meet what a call to DynamoDB may meet. It implements the store ports of
// announce and deliver.
type store struct{ r *rig }

// through makes a call that answers something.
func through[T any](r *rig, op string, call func() (T, error)) (out T, err error) {
	w := r.w
	at := atAPI
	if w.current != nil {
		at = boundaryOf[w.current.function]
	}
	err = w.port(at, op, func() (err error) {
		out, err = call()
		return err
	})
	if err != nil {
		var none T
		return none, err
	}
	return out, nil
}

// paged is a page of a list.
type paged[T any] struct {
	of   []T
	next string
}

func page[T any](r *rig, op string, call func() ([]T, string, error)) ([]T, string, error) {
	p, err := through(r, op, func() (p paged[T], err error) {
		p.of, p.next, err = call()
		return p, err
	})
	return p.of, p.next, err
}

func done(r *rig, op string, call func() error) error {
	_, err := through(r, op, func() (struct{}, error) { return struct{}{}, call() })
	return err
}

func (s store) Incident(ctx context.Context, id incident.ID) (incident.Incident, error) {
	return through(s.r, "read incident", func() (incident.Incident, error) {
		inc, err := s.r.w.incident(ctx, id)
		if err == nil {
			s.r.w.noteIncident(inc)
		}
		return inc, err
	})
}

func (s store) Update(ctx context.Context, id incident.ID, seq int) (incident.Update, error) {
	return through(s.r, "read update", func() (incident.Update, error) { return s.r.w.update(ctx, id, seq) })
}

func (s store) Live(ctx context.Context) ([]incident.Incident, error) {
	return through(s.r, "read live incidents", func() ([]incident.Incident, error) { return s.r.w.store.Live(ctx) })
}

func (s store) Incidents(ctx context.Context, cursor string, limit int) ([]incident.Incident, string, error) {
	return page(s.r, "list incidents", func() ([]incident.Incident, string, error) { return s.r.w.store.Incidents(ctx, cursor, limit) })
}

func (s store) Updates(ctx context.Context, id incident.ID) ([]incident.Update, error) {
	return through(s.r, "list updates", func() ([]incident.Update, error) { return s.r.w.store.Updates(ctx, id) })
}

func (s store) Messages(ctx context.Context, id incident.ID, seq int) ([]message.Message, error) {
	return through(s.r, "list messages", func() ([]message.Message, error) { return s.r.w.store.Messages(ctx, id, seq) })
}

func (s store) Notes(ctx context.Context, id incident.ID) ([]announce.Note, error) {
	return through(s.r, "list notes", func() ([]announce.Note, error) { return s.r.w.store.Notes(ctx, id) })
}

func (s store) Signals(ctx context.Context, id incident.ID, cursor string, limit int) ([]announce.Evidence, string, error) {
	return page(s.r, "list signals", func() ([]announce.Evidence, string, error) { return s.r.w.store.Signals(ctx, id, cursor, limit) })
}

func (s store) Alarm(ctx context.Context, fingerprint string) (announce.Alarm, error) {
	return through(s.r, "read alarm", func() (announce.Alarm, error) { return s.r.w.store.Alarm(ctx, fingerprint) })
}

func (s store) Alarms(ctx context.Context, id incident.ID) ([]announce.Alarm, error) {
	return through(s.r, "read alarms", func() ([]announce.Alarm, error) { return s.r.w.store.Alarms(ctx, id) })
}

func (s store) Group(ctx context.Context, group string) (incident.ID, error) {
	return through(s.r, "read group", func() (incident.ID, error) { return s.r.w.store.Group(ctx, group) })
}

func (s store) Draft(ctx context.Context, id announce.DraftID) (announce.Draft, error) {
	return through(s.r, "read draft", func() (announce.Draft, error) { return s.r.w.store.Draft(ctx, id) })
}

func (s store) Drafts(ctx context.Context, id incident.ID) ([]announce.Draft, error) {
	return through(s.r, "read drafts", func() ([]announce.Draft, error) { return s.r.w.store.Drafts(ctx, id) })
}

func (s store) OpenDrafts(ctx context.Context, id incident.ID) ([]announce.Draft, error) {
	return through(s.r, "read open drafts", func() ([]announce.Draft, error) { return s.r.w.store.OpenDrafts(ctx, id) })
}

func (s store) Current(ctx context.Context) (*plan.Plan, error) {
	return through(s.r, "read plan", func() (*plan.Plan, error) { return s.r.w.currentPlan(ctx) })
}

func (s store) Version(ctx context.Context, version int) (*plan.Plan, error) {
	return through(s.r, "read plan version", func() (*plan.Plan, error) { return s.r.w.store.Version(ctx, version) })
}

func (s store) SavePlan(ctx context.Context, base int, p *plan.Plan) (int, error) {
	return through(s.r, "save plan", func() (int, error) { return s.r.w.store.SavePlan(ctx, base, p) })
}

func (s store) Commit(ctx context.Context, c announce.Change) error {
	return done(s.r, "commit", func() error { return s.r.w.commit(ctx, c) })
}

func (s store) Answer(ctx context.Context, key string, now time.Time) (announce.Answer, bool, error) {
	type answer struct {
		announce.Answer
		ok bool
	}
	a, err := through(s.r, "read answer", func() (a answer, err error) {
		a.Answer, a.ok, err = s.r.w.store.Answer(ctx, key, now)
		return a, err
	})
	return a.Answer, a.ok, err
}

func (s store) Due(ctx context.Context, now time.Time, limit int) ([]announce.Due, error) {
	return through(s.r, "read due", func() ([]announce.Due, error) {
		ds, err := s.r.w.store.Due(ctx, now, limit)
		s.r.w.checkDue(ds)
		return ds, err
	})
}

func (s store) Awaits(ctx context.Context, id announce.DueID) (bool, error) {
	return through(s.r, "read due item", func() (bool, error) { return s.r.w.store.Awaits(ctx, id) })
}

func (s store) Outbox(ctx context.Context, before time.Time, limit int) ([]deliver.Pointer, error) {
	return through(s.r, "read outbox", func() ([]deliver.Pointer, error) { return s.r.w.store.Outbox(ctx, before, limit) })
}

func (s store) Published(ctx context.Context, p deliver.Pointer) error {
	return done(s.r, "delete outbox item", func() error { return s.r.w.store.Published(ctx, p) })
}

func (s store) ComponentStatus(ctx context.Context, id incident.ComponentID) (incident.ComponentStatus, error) {
	return s.r.w.store.ComponentStatus(ctx, id)
}

func (s store) SetComponentStatus(ctx context.Context, id incident.ComponentID, st incident.ComponentStatus) error {
	return s.r.w.store.SetComponentStatus(ctx, id, st)
}

func (s store) Message(ctx context.Context, id incident.ID, seq int, a incident.Audience, l incident.Locale) (message.Message, error) {
	return through(s.r, "read message", func() (message.Message, error) { return s.r.w.text(ctx, id, seq, a, l) })
}

func (s store) Memo(ctx context.Context, id incident.ID, slot string) (deliver.Memo, error) {
	return through(s.r, "read memo", func() (deliver.Memo, error) { return s.r.w.store.Memo(ctx, id, slot) })
}

func (s store) Items(ctx context.Context, keys []deliver.Key) ([]deliver.Item, error) {
	return through(s.r, "read ledger", func() ([]deliver.Item, error) { return s.r.w.store.Items(ctx, keys) })
}

func (s store) Claim(ctx context.Context, asks []deliver.Ask) ([]deliver.Decision, error) {
	return through(s.r, "claim", func() ([]deliver.Decision, error) { return s.r.w.claim(ctx, asks) })
}

func (s store) Settle(ctx context.Context, ss []deliver.Settlement) ([]bool, error) {
	return through(s.r, "settle", func() ([]bool, error) { return s.r.w.settle(ctx, ss) })
}

func (s store) Told(ctx context.Context, id incident.ID, c incident.Channel, cursor string, limit int) ([]incident.RecipientID, string, error) {
	return page(s.r, "list told", func() ([]incident.RecipientID, string, error) {
		return s.r.w.store.Told(ctx, id, c, cursor, limit)
	})
}

func (s store) Deliveries(ctx context.Context, id incident.ID, cursor string, limit int) ([]deliver.Delivery, string, error) {
	return page(s.r, "list deliveries", func() ([]deliver.Delivery, string, error) {
		return s.r.w.store.Deliveries(ctx, id, cursor, limit)
	})
}

func (s store) Job(ctx context.Context, id incident.ID, seq int, c incident.Channel) (deliver.Cursor, error) {
	return through(s.r, "read job", func() (deliver.Cursor, error) { return s.r.w.store.Job(ctx, id, seq, c) })
}

func (s store) SaveJob(ctx context.Context, id incident.ID, seq int, c incident.Channel, cur deliver.Cursor) error {
	return done(s.r, "save job", func() error { return s.r.w.store.SaveJob(ctx, id, seq, c, cur) })
}
