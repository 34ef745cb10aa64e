package handler

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"shirase/internal/deliver"
	"shirase/internal/incident"
)

// Queue is what the handlers of our own queues share.
type Queue struct {
	Visibility Visibility
	Parking    Parking
	// Budget is how long an invocation may work if its context has no deadline;
	// 0 means 30 seconds.
	Budget time.Duration
	// Jitter varies a backoff; nil leaves it as it is.
	Jitter func(time.Duration) time.Duration
	Now    func() time.Time
	Log    *slog.Logger

	kinds map[string]int // see tally
}

// A FanOut handles a queue of pointers.
type FanOut struct {
	Queue
	Pointers Pointers
}

// Handle takes a batch and answers an [events.SQSEventResponse].
func (h FanOut) Handle(ctx context.Context, raw json.RawMessage) (any, error) {
	return h.run(ctx, "fanout", raw, func(m events.SQSMessage, end time.Time) (verdict, error) {
		p, err := decodePointer([]byte(m.Body))
		if err != nil {
			return verdict{}, err
		}
		more, err := h.Pointers.Pointer(ctx, p, end)
		return verdict{again: more}, err
	})
}

// A Delivery handles a queue of chunks.
type Delivery struct {
	Queue
	Chunks Chunks
}

// Handle takes a batch and answers an [events.SQSEventResponse].
func (h Delivery) Handle(ctx context.Context, raw json.RawMessage) (any, error) {
	return h.run(ctx, "delivery", raw, func(m events.SQSMessage, end time.Time) (verdict, error) {
		c, err := decodeChunk([]byte(m.Body))
		if err != nil {
			return verdict{}, err
		}
		again, err := h.Chunks.Chunk(ctx, c, end)
		if err != nil || again.IsZero() {
			return verdict{}, err
		}
		return verdict{again: true, wait: max(again.Sub(h.Now()), Patience(attempts(m)))}, nil
	})
}

var errQueue = fmt.Errorf("decode the event: no batch of a queue: %w", incident.ErrInvalid)

// run handles a batch. A message that can never be handled is parked at first
// sight and is then done with; what the time does not suffice for goes back at
// once.
func (q Queue) run(
	ctx context.Context, function string, raw []byte,
	handle func(m events.SQSMessage, end time.Time) (verdict, error),
) (any, error) {
	b := newBatch(function, q.Visibility, q.Jitter, q.Now, q.Log)
	b.tally.kinds = q.kinds
	records, ok := queueRecords(raw)
	if !ok {
		b.summary(ctx, errQueue)
		return nil, errQueue
	}
	end := deadline(ctx, b.began, q.Budget)
	park := func(body []byte, queue, id string, why error) error {
		if err := q.Parking.Park(ctx, queue, body, why.Error()); err != nil {
			return fmt.Errorf("park a message: %w", err)
		}
		b.tally.parked++
		b.log.ErrorContext(ctx, msgParked, keyMessage, id, keyReason, why.Error())
		return nil
	}
	answer, err := b.run(ctx, records, func(m events.SQSMessage) (verdict, error) {
		if !q.Now().Before(end) {
			return verdict{again: true}, nil
		}
		v, err := handle(m, end)
		if err != nil && !Leave(err) {
			return verdict{}, park([]byte(m.Body), m.EventSourceARN, m.MessageId, err)
		}
		return v, err
	}, func(record []byte, queue string) error { return park(record, queue, "", errType) })
	b.summary(ctx, err)
	if err != nil {
		return nil, err
	}
	return answer, nil
}

// The sizes of what our own queues carry.
const (
	maxMessage    = 64 << 10
	maxID         = 256
	maxRecipients = 100
)

// decodePointer reads a pointer, raw or in the envelope that SNS adds where raw
// delivery was forgotten. Unknown fields are let through: during a deployment
// the sender may be newer than we are.
func decodePointer(body []byte) (deliver.Pointer, error) {
	var env struct {
		Type    string `json:"Type"`
		Message string `json:"Message"`
	}
	if json.Unmarshal(body, &env) == nil && env.Type == "Notification" && env.Message != "" {
		body = []byte(env.Message)
	}
	var p deliver.Pointer
	if err := decodeOwn(body, &p); err != nil {
		return p, err
	}
	switch {
	case !shortID(string(p.Incident)):
		return p, invalid("a pointer without an incident")
	case p.Seq < 0, (p.Seq > 0) == (p.Slot != ""):
		return p, invalid("a pointer names an update or a memo, not both and not neither")
	case len(p.Slot) > maxID, len(p.Late) > maxID, len(p.Channel) > maxID:
		return p, invalid("a pointer with an id that is too long")
	case p.Late != "" && p.Channel == "":
		return p, invalid("a pointer to one subscriber without a channel")
	}
	return p, nil
}

func decodeChunk(body []byte) (deliver.Chunk, error) {
	var c deliver.Chunk
	if err := decodeOwn(body, &c); err != nil {
		return c, err
	}
	switch {
	case !shortID(string(c.Incident)):
		return c, invalid("a chunk without an incident")
	case !shortID(string(c.Channel)):
		return c, invalid("a chunk without a channel")
	case c.FromSeq < 0, (c.FromSeq > 0) == (c.Slot != ""):
		return c, invalid("a chunk names an update or a memo, not both and not neither")
	case len(c.Slot) > maxID:
		return c, invalid("a chunk with an id that is too long")
	case len(c.Recipients) == 0, len(c.Recipients) > maxRecipients:
		return c, invalid("a chunk of no recipients, or too many")
	}
	for _, r := range c.Recipients {
		if !shortID(string(r)) {
			return c, invalid("a chunk with a recipient that has no id")
		}
	}
	return c, nil
}

func decodeOwn(body []byte, into any) error {
	if len(body) > maxMessage {
		return invalid("longer than 64 KiB")
	}
	if err := unmarshal(body, into); err != nil {
		return fmt.Errorf("%w: %w", err, incident.ErrInvalid)
	}
	return nil
}

func shortID(s string) bool { return s != "" && len(s) <= maxID }

func invalid(what string) error { return fmt.Errorf("%s: %w", what, incident.ErrInvalid) }
