package handler

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/events"
)

// verdict is what is to become of a record that did not fail: done, or shown
// again after wait.
type verdict struct {
	again bool
	wait  time.Duration
}

// tally counts what one invocation did, for its summary line.
type tally struct {
	records, failed, later, parked, signals, unreadable int
	// waited is how long the oldest record that stays has been on its queue.
	waited time.Duration
	// kinds counts what is of one function only, by words of a closed list.
	kinds map[string]int
}

// batch handles the records of one queue invocation, each alone and in order:
// an error or a panic in one leaves the others as they are.
type batch struct {
	function   string
	visibility Visibility
	jitter     func(time.Duration) time.Duration
	now        func() time.Time
	log        *slog.Logger
	began      time.Time
	tally      tally
}

func newBatch(function string, v Visibility, jitter func(time.Duration) time.Duration, now func() time.Time, log *slog.Logger) *batch {
	return &batch{
		function: function, visibility: v, jitter: jitter, now: now, began: now(),
		log: logger(log).With(keyFunction, function),
	}
}

func logger(l *slog.Logger) *slog.Logger {
	if l == nil {
		return slog.New(slog.DiscardHandler)
	}
	return l
}

// queueRecords answers the records of a batch, not yet decoded, and whether the
// event is a batch of a queue at all.
func queueRecords(raw []byte) ([]json.RawMessage, bool) {
	var e struct {
		Records []json.RawMessage `json:"Records"`
	}
	if json.Unmarshal(raw, &e) != nil || e.Records == nil {
		return nil, false
	}
	for _, r := range e.Records {
		if !bytes.Contains(r, []byte(`aws:sns`)) {
			continue // which spares decoding most of them twice
		}
		// The key is eventSource in SQS and EventSource in SNS; case does not matter.
		var s struct {
			EventSource json.RawMessage `json:"eventSource"`
		}
		if json.Unmarshal(r, &s) == nil && string(s.EventSource) == `"aws:sns"` {
			return nil, false
		}
	}
	return e.Records, true
}

// errNoID says that a record failed that has no id to report. Reporting an
// empty one would fail the batch as well, but without a word why.
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
var errNoID = errors.New("a record that failed has no message id")

// run handles the records and answers exactly those that are to stay on the
// queue. A record that is no SQS message goes to odd.
func (b *batch) run(
	ctx context.Context, records []json.RawMessage,
	handle func(events.SQSMessage) (verdict, error), odd func(record []byte, queue string) error,
) (events.SQSEventResponse, error) {
	answer := events.SQSEventResponse{BatchItemFailures: []events.SQSBatchItemFailure{}}
	b.tally.records = len(records)
	var nameless error
	for _, raw := range records {
		var m events.SQSMessage
		f := func() (verdict, error) { return handle(m) }
		if err := json.Unmarshal(raw, &m); err != nil {
			m = identity(raw)
			f = func() (verdict, error) { return verdict{}, odd(raw, m.EventSourceARN) }
		}
		if b.guard(ctx, m, f) == nil {
			continue
		}
		if m.MessageId == "" {
			nameless = errNoID // the others are handled first; they may come twice
			continue
		}
		item := events.SQSBatchItemFailure{ItemIdentifier: m.MessageId}
		if !slices.Contains(answer.BatchItemFailures, item) {
			answer.BatchItemFailures = append(answer.BatchItemFailures, item)
		}
	}
	return answer, nameless
}

// identity reads what a record that is no SQS message still tells of itself.
func identity(raw []byte) events.SQSMessage {
	var r map[string]json.RawMessage
	var m events.SQSMessage
	if json.Unmarshal(raw, &r) != nil {
		return m
	}
	for key, to := range map[string]*string{
		"messageId": &m.MessageId, "receiptHandle": &m.ReceiptHandle, "eventSourceARN": &m.EventSourceARN,
	} {
		if json.Unmarshal(r[key], to) != nil {
			*to = ""
		}
	}
	return m
}

// errAgain says that a record is not finished, which is no fault.
var errAgain = errors.New("not finished")

// guard handles one record. It answers an error if the record is to stay, and
// has then moved its visibility and logged why.
func (b *batch) guard(ctx context.Context, m events.SQSMessage, f func() (verdict, error)) error {
	v, err := b.recovered(ctx, m, f)
	if err == nil && !v.again {
		return nil
	}
	if m.MessageId == "" {
		return err // of no queue: the error is the invocation's answer
	}
	attempt := attempts(m)
	b.tally.waited = max(b.tally.waited, b.age(m))
	wait := min(max(v.wait, 0), maxBackoff)
	if err != nil {
		wait = backoff(attempt, b.jitter)
		b.tally.failed++
		b.log.WarnContext(ctx, msgKept, keyMessage, m.MessageId, keyAttempt, attempt,
			keyWait, wait.Milliseconds(), keyError, err.Error())
	} else {
		b.tally.later++
		err = errAgain
	}
	_, perr := b.recovered(ctx, m, func() (verdict, error) {
		return verdict{}, b.visibility.Postpone(ctx, m.ReceiptHandle, wait)
	})
	if perr != nil {
		b.log.WarnContext(ctx, msgPostpone, keyMessage, m.MessageId, keyError, perr.Error())
	}
	return err
}

// errPanic stands for a panic, whose value may hold anything.
var errPanic = errors.New("panic")

func (b *batch) recovered(ctx context.Context, m events.SQSMessage, f func() (verdict, error)) (v verdict, err error) {
	defer func() {
		if r := recover(); r != nil {
			b.log.ErrorContext(ctx, msgPanic, keyMessage, m.MessageId, keyPanic, panicKind(r), keyStack, string(debug.Stack()))
			v, err = verdict{}, errPanic
		}
	}()
	return f()
}

// panicKind tells what a panic is about without its value, unless the value is
// the runtime's own.
func panicKind(r any) string {
	if e, ok := r.(runtime.Error); ok {
		return e.Error()
	}
	return fmt.Sprintf("%T", r)
}

// summary logs the one line of an invocation.
func (b *batch) summary(ctx context.Context, err error) {
	level := slog.LevelInfo
	attrs := []slog.Attr{
		slog.Int(keyRecords, b.tally.records), slog.Int(keyFailed, b.tally.failed), slog.Int(keyLater, b.tally.later), slog.Int(keyParked, b.tally.parked),
		slog.Int(keySignals, b.tally.signals), slog.Int(keyUnreadable, b.tally.unreadable),
		slog.Int64(keyTook, b.now().Sub(b.began).Milliseconds()), slog.Int64(keyWaited, b.tally.waited.Milliseconds()),
	}
	for _, kind := range slices.Sorted(maps.Keys(b.tally.kinds)) {
		attrs = append(attrs, slog.Int(kind, b.tally.kinds[kind]))
	}
	if b.tally.failed > 0 || err != nil {
		level = slog.LevelWarn
	}
	b.log.LogAttrs(ctx, level, msgDone, attrs...)
}

// age answers how long ago a message was sent; 0 where it does not say. SQS leaves
// out of its own metric what was received three times, so whoever watches a queue
// needs it from here.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
func (b *batch) age(m events.SQSMessage) time.Duration {
	ms, err := strconv.ParseInt(m.Attributes["SentTimestamp"], 10, 64)
	if err != nil {
		return 0
	}
	return max(0, b.now().Sub(time.UnixMilli(ms)))
}

// attempts answers how often a message has been received, this time included.
func attempts(m events.SQSMessage) int {
	n, err := strconv.Atoi(m.Attributes["ApproximateReceiveCount"])
	if err != nil || n < 1 {
		return 1
	}
	return n
}
