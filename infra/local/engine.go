package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"golang.org/x/sync/errgroup"

	"shirase/internal/embedded"
)

// engine is what AWS does around the handlers: it hands queued messages to
// them, calls the schedule, and moves what failed to later.
type engine struct {
	clock    *clock
	store    *embedded.Store
	queues   *embedded.Queues
	handlers map[string]lambda.Handler
	// visibility is how long a message is hidden while a handler has it.
	visibility time.Duration
	log        *slog.Logger

	mu    sync.Mutex
	moved *sync.Cond
	busy  int // workers that are looking or working
	kicks int // rises when there may be something to do
	looks int // rises when a worker has looked
	woken chan struct{}
	over  bool

	// swept is when the sweeper, which is one worker, swept last.
	swept time.Time

	advancing sync.Mutex
}

func newEngine(e *engine) *engine {
	e.moved = sync.NewCond(&e.mu)
	e.woken = make(chan struct{}, 1)
	return e
}

// lanes says which handler a queue's messages go to, and how many at once. A
// receiver that hangs holds up one lane of its own queue and nothing else.
var lanes = []struct {
	queue    embedded.QueueName
	function string
	workers  int
}{
	{embedded.AlarmQueue, "alarm", 2},
	{embedded.FanOutQueue, "fanout", 2},
	{embedded.DrillFanOutQueue, "fanout", 1},
	{embedded.EmailQueue, "delivery", 4},
	{embedded.EmailTwinQueue, "delivery", 1},
	{embedded.SMSQueue, "delivery", 2},
	{embedded.SMSTwinQueue, "delivery", 1},
	{embedded.WebhookQueue, "delivery", 16},
	{embedded.WebhookTwinQueue, "delivery", 1},
	{embedded.PostQueue, "delivery", 8},
	{embedded.DrillSendQueue, "delivery", 2},
}

// grace is how long work that is under way may go on once the program stops.
// What it does not finish is as if the process had been killed: nothing is lost.
const grace = 10 * time.Second

// run works until the context ends, and lets what is under way come to its end.
func (e *engine) run(ctx context.Context) error {
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(grace, cancel) })()
	var g errgroup.Group
	for _, l := range lanes {
		for range l.workers {
			g.Go(func() error {
				e.worker(ctx, func() bool { return ctx.Err() == nil && e.drain(work, l.queue, l.function) })
				return nil
			})
		}
	}
	g.Go(func() error {
		e.worker(ctx, func() bool { return ctx.Err() == nil && e.sweepDue(work) })
		return nil
	})
	g.Go(func() error { e.pump(ctx); return nil })
	return g.Wait()
}

// worker looks for something to do whenever there may be something.
func (e *engine) worker(ctx context.Context, look func() bool) {
	for {
		e.mu.Lock()
		seen := e.kicks
		e.busy++
		e.mu.Unlock()
		did := look()
		e.mu.Lock()
		e.busy--
		e.looks++
		e.moved.Broadcast()
		for !did && e.kicks == seen && !e.over {
			e.moved.Wait()
		}
		over := e.over
		e.mu.Unlock()
		if over || ctx.Err() != nil {
			return
		}
	}
}

// kick wakes every worker.
func (e *engine) kick() {
	e.mu.Lock()
	e.kicks++
	e.moved.Broadcast()
	e.mu.Unlock()
}

// pump wakes the workers when a message arrives, when the next moment comes at
// which something is due or visible, and at least each minute.
func (e *engine) pump(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			e.mu.Lock()
			e.over = true
			e.moved.Broadcast()
			e.mu.Unlock()
			return
		case <-e.queues.Arrivals():
		case <-timer.C:
		case <-e.woken: // something may be due now that was not
			timer.Reset(e.pause(ctx))
			continue
		}
		e.kick()
		timer.Reset(e.pause(ctx))
	}
}

// pause is how long nothing can happen by itself.
func (e *engine) pause(ctx context.Context) time.Duration {
	now := e.clock.now()
	wait := time.Minute
	if next, ok := e.next(ctx, now); ok && !e.clock.stands() && next.Sub(now) < wait {
		wait = max(next.Sub(now), time.Millisecond)
	}
	return wait
}

// next answers the next moment after now at which something happens by itself.
func (e *engine) next(ctx context.Context, now time.Time) (at time.Time, ok bool) {
	if due, has, err := e.store.NextDue(ctx); err == nil && has {
		at, ok = due, true
	}
	if seen, has, err := e.queues.NextVisible(ctx, now); err == nil && has && (!ok || seen.Before(at)) {
		at, ok = seen, true
	}
	return at, ok
}

// sweepDue sweeps if something is due or a minute has passed, as the nudges and
// the schedule do on AWS.
func (e *engine) sweepDue(ctx context.Context) bool {
	now := e.clock.now()
	due, ok, err := e.store.NextDue(ctx)
	if err != nil || (!ok || due.After(now)) && now.Sub(e.swept) < time.Minute {
		return false
	}
	e.swept = now
	if err := e.sweep(ctx); err != nil {
		if ctx.Err() == nil {
			e.log.Warn("sweep failed", "error", err)
		}
		return false
	}
	return true
}

// sweep calls the schedule's handler.
func (e *engine) sweep(ctx context.Context) error {
	event, err := json.Marshal(events.EventBridgeEvent{
		Version: "0", Source: "aws.scheduler", DetailType: "Scheduled Event", Time: e.clock.now(), Detail: json.RawMessage("{}"),
	})
	if err != nil {
		return fmt.Errorf("encode schedule: %w", err)
	}
	_, err = e.invoke(ctx, "due", event)
	return err
}

// invoke calls a handler the way the Lambda runtime does.
func (e *engine) invoke(ctx context.Context, function string, payload []byte) ([]byte, error) {
	h, ok := e.handlers[function]
	if !ok {
		return nil, fmt.Errorf("no function %q", function)
	}
	defer func() {
		select {
		case e.woken <- struct{}{}:
		default:
		}
	}()
	return h.Invoke(ctx, payload)
}

// drain hands one message of a queue to its handler and deletes it if it was
// handled.
func (e *engine) drain(ctx context.Context, queue embedded.QueueName, function string) bool {
	ms, err := e.queues.Receive(ctx, queue, 1, e.visibility)
	if err != nil {
		e.log.Error("queue not read", "queue", string(queue), "error", err)
		return false
	}
	if len(ms) == 0 {
		return false
	}
	failed, err := e.hand(ctx, function, ms)
	for _, m := range ms {
		switch {
		case err != nil:
			e.log.Error("invocation failed", "function", function, "error", err)
			err := e.queues.Postpone(ctx, m.Receipt, retryAfter)
			e.complain(err)
		case !failed[m.ID]:
			e.complain(e.queues.Delete(ctx, m.Receipt))
		}
	}
	return true
}

// retryAfter is how long a message waits whose invocation failed as a whole.
const retryAfter = 5 * time.Second

func (e *engine) complain(err error) {
	if err != nil {
		e.log.Error("queue not written", "error", err)
	}
}

// hand invokes a function with a batch and answers which messages it gave back.
func (e *engine) hand(ctx context.Context, function string, ms []embedded.Message) (failed map[string]bool, err error) {
	var batch events.SQSEvent
	for _, m := range ms {
		batch.Records = append(batch.Records, events.SQSMessage{
			MessageId: m.ID, ReceiptHandle: m.Receipt, Body: string(m.Body),
			EventSource: "aws:sqs", EventSourceARN: "arn:aws:sqs:local:000000000000:" + string(m.Queue), AWSRegion: "local",
			Attributes: map[string]string{
				"ApproximateReceiveCount": fmt.Sprint(m.Received), "SentTimestamp": fmt.Sprint(m.SentAt.UnixMilli()),
				"MessageGroupId": m.Group,
			},
		})
	}
	event, err := json.Marshal(batch)
	if err != nil {
		return nil, fmt.Errorf("encode batch: %w", err)
	}
	out, err := e.invoke(ctx, function, event)
	if err != nil {
		return nil, err
	}
	var answer events.SQSEventResponse
	if err := json.Unmarshal(out, &answer); err != nil {
		return nil, fmt.Errorf("decode answer: %w", err)
	}
	failed = map[string]bool{}
	for _, f := range answer.BatchItemFailures {
		failed[f.ItemIdentifier] = true
	}
	return failed, nil
}

// errStopping says that the program stops before all was done.
var errStopping = errors.New("the program is stopping")

// settle waits until nothing is left to do at the present moment.
func (e *engine) settle(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { e.mu.Lock(); e.moved.Broadcast(); e.mu.Unlock() })
	defer stop()
	for {
		e.mu.Lock()
		for e.busy > 0 && ctx.Err() == nil {
			e.moved.Wait()
		}
		looks := e.looks
		e.mu.Unlock()
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("settle: %w", err)
		}
		open, err := e.open(ctx)
		if err != nil {
			return err
		}
		e.mu.Lock()
		// Whoever began to look meanwhile may have taken what open would have seen.
		still := e.busy == 0 && e.looks == looks
		over := e.over
		e.mu.Unlock()
		switch {
		case !still:
			continue
		case !open:
			return nil
		case over:
			return errStopping // nobody is left who would do it
		}
		e.kick()
		e.mu.Lock()
		for e.looks == looks && ctx.Err() == nil && !e.over {
			e.moved.Wait()
		}
		e.mu.Unlock()
	}
}

// open reports whether something is to be done at the present moment.
func (e *engine) open(ctx context.Context) (bool, error) {
	now := e.clock.now()
	ready, err := e.queues.Ready(ctx, now)
	if err != nil || ready {
		return ready, err
	}
	due, ok, err := e.store.NextDue(ctx)
	return ok && !due.After(now), err
}

// advance moves the clock by hand, through every moment at which something
// happens, and answers the time once all that came due has settled. From the
// first call on the clock stands.
func (e *engine) advance(ctx context.Context, by time.Duration) (time.Time, error) {
	e.advancing.Lock()
	defer e.advancing.Unlock()
	target := e.clock.stand().Add(by)
	for {
		e.kick()
		if err := e.settle(ctx); err != nil {
			return time.Time{}, err
		}
		now := e.clock.now()
		if !now.Before(target) {
			return now, nil
		}
		next, ok := e.next(ctx, now)
		if !ok || next.After(target) {
			next = target
		}
		e.clock.set(next)
	}
}
