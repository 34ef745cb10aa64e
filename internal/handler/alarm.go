package handler

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"shirase/internal/incident"
)

// An Alarm handles what CloudWatch says: batches of a queue, events of SNS and
// EventBridge, and an alarm's direct action. What no decoder understands is kept
// raw and is then done with; a signal that cannot be taken now stays on the
// queue, or fails the invocation, which Lambda repeats.
type Alarm struct {
	Intake     AlarmIntake
	Visibility Visibility
	// Accounts are those that alarms are taken from; empty takes all. The
	// policies of queue and topic are the first wall, this is the second.
	Accounts []string
	// Jitter varies a backoff; nil leaves it as it is.
	Jitter func(time.Duration) time.Duration
	Now    func() time.Time
	Log    *slog.Logger
}

// Handle takes one invocation. It answers an [events.SQSEventResponse] for a
// batch of a queue and nil for anything else.
func (h Alarm) Handle(ctx context.Context, raw json.RawMessage) (any, error) {
	b := newBatch("alarm", h.Visibility, h.Jitter, h.Now, h.Log)
	records, ok := queueRecords(raw)
	if !ok {
		err := b.guard(ctx, events.SQSMessage{}, func() (verdict, error) { return verdict{}, h.take(ctx, &b.tally, raw) })
		b.summary(ctx, err)
		return nil, err
	}
	answer, err := b.run(ctx, records, func(m events.SQSMessage) (verdict, error) {
		return verdict{}, h.take(ctx, &b.tally, []byte(m.Body))
	}, func(record []byte, _ string) error {
		return h.unreadable(ctx, &b.tally, record, errType)
	})
	b.summary(ctx, err)
	return answer, err
}

// take hands over every alarm of a body. Where one fails the others are still
// taken, and all come again: taking one twice is harmless.
func (h Alarm) take(ctx context.Context, t *tally, body []byte) error {
	var failed []error
	for _, r := range readAlarms(body, h.Now()) {
		if r.why == nil && len(h.Accounts) > 0 && !slices.Contains(h.Accounts, r.signal.Account) {
			r.why = errAccount
		}
		if r.why != nil {
			failed = append(failed, h.unreadable(ctx, t, r.raw, r.why))
			continue
		}
		t.signals++
		err := h.Intake.Signal(ctx, r.signal)
		switch {
		case errors.Is(err, incident.ErrInvalid):
			failed = append(failed, h.unreadable(ctx, t, r.raw, errRefused))
		case err != nil:
			failed = append(failed, fmt.Errorf("take signal %s: %w", r.signal.ID, err))
		}
	}
	return errors.Join(failed...)
}

func (h Alarm) unreadable(ctx context.Context, t *tally, raw []byte, why error) error {
	if err := h.Intake.Unreadable(ctx, cutBytes(raw, MaxBody), why.Error()); err != nil {
		return fmt.Errorf("keep an unreadable alarm: %w", err)
	}
	t.unreadable++
	logger(h.Log).WarnContext(ctx, msgUnread, keyReason, why.Error())
	return nil
}
