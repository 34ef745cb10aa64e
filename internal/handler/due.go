package handler

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"github.com/aws/aws-lambda-go/events"
)

// A Due handles the minute's schedule and the nudges that come in between. Both
// say the same: look what is due. So what they carry is not read, and a batch
// of nudges is one sweep.
type Due struct {
	Sweep      Sweep
	Visibility Visibility
	// Jitter varies a backoff; nil leaves it as it is.
	Jitter func(time.Duration) time.Duration
	Now    func() time.Time
	Log    *slog.Logger
}

// Handle sweeps once. It answers an [events.SQSEventResponse] for nudges and
// nil for the schedule.
func (h Due) Handle(ctx context.Context, raw json.RawMessage) (any, error) {
	b := newBatch("due", h.Visibility, h.Jitter, h.Now, h.Log)
	sweep := func() (verdict, error) {
		if err := h.Sweep.Sweep(ctx, b.began); err != nil {
			return verdict{}, fmt.Errorf("sweep: %w", err)
		}
		return verdict{}, nil
	}
	records, ok := queueRecords(raw)
	if !ok || len(records) == 0 {
		err := b.guard(ctx, events.SQSMessage{}, sweep)
		b.summary(ctx, err)
		return nil, err
	}
	_, swept := b.recovered(ctx, events.SQSMessage{}, sweep)
	answer, err := b.run(ctx, records,
		func(events.SQSMessage) (verdict, error) { return verdict{}, swept },
		func([]byte, string) error { return swept })
	b.summary(ctx, err)
	if err != nil {
		return nil, err
	}
	return answer, nil
}
