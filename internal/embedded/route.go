package embedded

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"shirase/internal/deliver"
	"shirase/internal/incident"
)

// Publish implements announce.Bus: the pointer goes on the fan-out queue.
func (q *Queues) Publish(ctx context.Context, p deliver.Pointer, deadline time.Time) error {
	if !q.now().Before(deadline) {
		return fmt.Errorf("publish: %w", context.DeadlineExceeded)
	}
	b, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("encode pointer: %w", err)
	}
	name := FanOutQueue
	if p.Incident.Drill() {
		name = DrillFanOutQueue
	}
	return q.Put(ctx, name, 0, Post{Body: b})
}

// Send implements deliver.Queue: each chunk goes on the queue of its family.
func (q *Queues) Send(ctx context.Context, chunks []deliver.Chunk) error {
	names := make([]QueueName, len(chunks))
	bodies := make([][]byte, len(chunks))
	for n, c := range chunks {
		var err error
		if names[n], err = q.route(ctx, c); err != nil {
			return err
		}
		if bodies[n], err = json.Marshal(c); err != nil {
			return fmt.Errorf("encode chunk: %w", err)
		}
	}
	now := q.now()
	return q.write(ctx, func(tx queueTx) error {
		for n, c := range chunks {
			if err := tx.put(names[n], Post{Body: bodies[n], Group: c.Group}, now, now); err != nil {
				return err
			}
		}
		return nil
	})
}

// route answers the queue of a chunk.
func (q *Queues) route(ctx context.Context, c deliver.Chunk) (QueueName, error) {
	if c.Incident.Drill() {
		return DrillSendQueue, nil
	}
	twin, err := q.twin(ctx, c)
	if err != nil {
		return "", err
	}
	switch q.families[c.Channel] {
	case incident.FamilyEmail:
		return pick(twin, EmailTwinQueue, EmailQueue), nil
	case incident.FamilySMS:
		return pick(twin, SMSTwinQueue, SMSQueue), nil
	case incident.FamilyWebhook:
		return pick(twin, WebhookTwinQueue, WebhookQueue), nil
	case incident.FamilySocial, incident.FamilyChat:
		return PostQueue, nil
	}
	return "", fmt.Errorf("queue for channel %s: %w", c.Channel, incident.ErrNotFound)
}

func pick(twin bool, a, b QueueName) QueueName {
	if twin {
		return a
	}
	return b
}

// twin reports whether a chunk is a confirmation or a reminder. Drafts and
// escalations are as urgent as updates.
func (q *Queues) twin(ctx context.Context, c deliver.Chunk) (bool, error) {
	if c.Slot == "" {
		return false, nil
	}
	m, err := q.memos.Memo(ctx, c.Incident, c.Slot)
	if errors.Is(err, incident.ErrNotFound) {
		return false, nil
	}
	return m.Kind == deliver.KindConfirmation || m.Kind == deliver.KindReminder, err
}

// Parked is a message that can never be handled.
type Parked struct {
	Queue string    `json:"queue"`
	Body  []byte    `json:"body"`
	Why   string    `json:"why"`
	At    time.Time `json:"at"`
}

// Park implements handler.Parking.
func (q *Queues) Park(ctx context.Context, queue string, body []byte, why string) error {
	return update(ctx, q.kv, func(tx Tx) error {
		key := keyPark(queue, body)
		if tx.Get(tableQueues, key) != nil {
			return nil
		}
		return put(tx, tableQueues, key, Parked{queue, body, why, q.now()})
	})
}

// Parked lists what was parked, in a fixed order.
func (q *Queues) Parked(ctx context.Context) ([]Parked, error) {
	return all[Parked](ctx, q.kv, tableQueues, keyParks)
}
