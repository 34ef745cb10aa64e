package dynamo

import (
	"context"
	"time"

	"shirase/internal/deliver"
	records "shirase/internal/record"
	"shirase/internal/subscribe"
)

// work adds an item of work; one that is there already stays as it is.
func (sb *Subscriptions) work(w *writes, v subscribe.Work) {
	it := w.make(keyWork(v.ID), records.NewWork(v))
	if it == nil {
		return
	}
	indexed(it, indexWork, sortWork(v.Due, v.ID))
	w.fill(sb.tables.Subscribers, it)
}

// memoItem adds a memo without an outbox item. One that belongs to no incident
// dies by itself. The table is that of incidents.
func (w *writes) memoItem(table string, m deliver.Memo) {
	it := w.make(keyMemo(m.Incident, m.Slot), m)
	if it == nil {
		return
	}
	if m.Incident == deliver.NoIncident {
		it[TTL] = seconds(m.At.Add(deliver.MemoLife))
	}
	w.put(table, it, condition{})
}

// Due implements [subscribe.Agenda]. The index shows new work a moment late, and
// done work a moment longer, which is passed over.
func (sb *Subscriptions) Due(ctx context.Context, now time.Time, limit int) ([]subscribe.Work, error) {
	var ws []subscribe.Work
	after := ""
	for {
		ask := limit
		if limit > 0 {
			ask = limit - len(ws)
		}
		ks, next, err := sb.db.index(ctx, sb.tables.Subscribers, indexWork, after, keyTime(now.Add(1)), ask)
		if err != nil {
			return nil, err
		}
		its, err := sb.db.batch(ctx, sb.tables.Subscribers, ks)
		if err != nil {
			return nil, err
		}
		rs, err := decodeAll[records.Work](its)
		if err != nil {
			return nil, err
		}
		for _, r := range rs {
			ws = append(ws, r.Work())
		}
		if next == "" || limit > 0 && len(ws) >= limit {
			return ws, nil
		}
		after = next
	}
}

// Done implements [subscribe.Agenda].
func (sb *Subscriptions) Done(ctx context.Context, w subscribe.Work) error {
	return sb.del.remove(ctx, sb.tables.Subscribers, keyWork(w.ID))
}
