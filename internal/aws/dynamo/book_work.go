package dynamo

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"shirase/internal/deliver"
	records "shirase/internal/record"
	"shirase/internal/subscribe"
)

// work adds an item of work; one that is there already stays as it is.
func (b *Book) work(w *writes, v subscribe.Work) {
	it := w.make(keyWork(v.ID), records.NewWork(v))
	if it == nil {
		return
	}
	indexed(it, indexWork, sortWork(v.Due, v.ID))
	w.fill(b.tables.Subscribers, it)
}

// memoItem adds a memo without an outbox item. One that belongs to no incident
// dies by itself. The table is that of incidents.
func (w *writes) memoItem(table string, m deliver.Memo) {
	it := w.make(keyMemo(m.Incident, m.Slot), m)
	if it == nil {
		return
	}
	if m.Incident == deliver.NoIncident {
		it[TTL] = seconds(m.At.Add(memoLife))
	}
	w.put(table, it, condition{})
}

// Due implements [subscribe.Agenda]. The index shows new work a moment late, and
// done work a moment longer, which is passed over.
func (b *Book) Due(ctx context.Context, now time.Time, limit int) ([]subscribe.Work, error) {
	var ws []subscribe.Work
	after := ""
	for {
		ask := limit
		if limit > 0 {
			ask = limit - len(ws)
		}
		ks, next, err := b.db.index(ctx, b.tables.Subscribers, indexWork, after, keyTime(now.Add(1)), ask)
		if err != nil {
			return nil, err
		}
		its, err := b.db.batch(ctx, b.tables.Subscribers, ks)
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
func (b *Book) Done(ctx context.Context, w subscribe.Work) error {
	_, err := b.db.api.DeleteItem(ctx, &dynamodb.DeleteItemInput{
		TableName: aws.String(b.tables.Subscribers), Key: keyWork(w.ID).item(),
	})
	return mapped("remove work", err)
}
