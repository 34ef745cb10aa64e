package bulk

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"shirase/internal/announce"
	"shirase/internal/embedded"
	"shirase/internal/handler"
	"shirase/internal/incident"
	"shirase/internal/plan"
)

// StormOptions say how hard it blows.
type StormOptions struct {
	Seed uint64
	// Alarms is how many messages there are in all, spread over Length.
	Alarms int
	Length time.Duration
	// Plan replaces the plan of the storm; nil keeps it.
	Plan []byte
}

// FullStorm is the storm of the promise: 10,000 alarms a minute for 10 minutes.
func FullStorm() StormOptions {
	return StormOptions{Seed: 1, Alarms: 100_000, Length: 10 * time.Minute}
}

// What the machinery around the handlers does.
const (
	// batchSize is how many alarms a poller takes, pollers how many there are.
	batchSize = 10
	pollers   = 2
	// signalTime is how long one signal takes.
	signalTime = 2 * time.Millisecond
	// look is how often the queues and the next due item are looked at: the
	// engine of one machine wakes at the very moment.
	look = 100 * time.Millisecond
	// calm is how long the run goes on after the last alarm.
	calm = 5 * time.Minute
	// hidden is how long a message in work is not shown.
	hidden = 3 * time.Minute
)

// storm is a run under way.
type storm struct {
	StormOptions
	ctx    context.Context
	loop   *loop
	drops  []drop
	queue  ready
	turns  int64
	store  *embedded.Store
	queues *embedded.Queues
	plan   *plan.Plan

	announce *announce.Service
	alarm    handler.Alarm
	due      handler.Due
	fanout   handler.FanOut
	delivery handler.Delivery

	ids    int
	ends   time.Time
	tally  tally
	closed bool
	err    error
}

// Storm lets it blow over and answers what it came to.
func Storm(ctx context.Context, o StormOptions) (Weather, error) {
	if o.Alarms < 1 || o.Length <= 0 {
		return Weather{}, incident.Invalid("options", "must name alarms and a length")
	}
	return rain(ctx, o, weather(o.Seed, o.Alarms, o.Length))
}

// rain is a storm of given drops, in the order in which they become visible.
func rain(ctx context.Context, o StormOptions, drops []drop) (Weather, error) {
	s := &storm{StormOptions: o, ctx: ctx, loop: newLoop(), tally: newTally(), drops: drops}
	if err := s.wire(); err != nil {
		return Weather{}, err
	}
	for n, d := range s.drops {
		s.queue = append(s.queue, visible{d.visible.UnixNano(), int64(n), int32(n)}) // sorted, so a heap
	}
	s.turns = int64(len(s.drops))
	s.ends = begin.Add(o.Length + calm)
	for range pollers {
		s.loop.spawn(begin, s.poll)
	}
	s.loop.spawn(begin, s.sweep)
	for _, name := range embedded.QueueNames() {
		switch name {
		case embedded.AlarmQueue:
		case embedded.FanOutQueue, embedded.DrillFanOutQueue:
			s.loop.spawn(begin, func() { s.serve(name, s.fanout.Handle) })
		default:
			s.loop.spawn(begin, func() { s.serve(name, s.delivery.Handle) })
		}
	}
	s.loop.run(s.ends)
	if s.err != nil {
		return Weather{}, s.err
	}
	return s.weather()
}

// intake takes signals in, each in its own time, and counts them.
type intake struct{ *storm }

// Signal implements handler.AlarmIntake.
func (in intake) Signal(ctx context.Context, sig incident.Signal) error {
	in.loop.sleep(signalTime)
	err := in.announce.Signal(ctx, sig)
	if err == nil {
		in.tally.signal(sig)
	}
	return err
}

// Unreadable implements handler.AlarmIntake.
func (in intake) Unreadable(ctx context.Context, raw []byte, why string) error {
	in.tally.unreadable++
	return in.announce.Unreadable(ctx, raw, why)
}

// fail ends the run.
func (s *storm) fail(err error) bool {
	if err != nil && s.err == nil {
		s.err, s.closed = err, true
	}
	return err != nil
}

// poll hands batches of the alarm queue to the handler.
func (s *storm) poll() {
	for !s.closed {
		var batch events.SQSEvent
		taken := map[string]bool{}
		for len(batch.Records) < batchSize && len(s.queue) > 0 && s.queue[0].at <= s.loop.now().UnixNano() {
			n := s.queue.take().n
			id := strconv.Itoa(int(n))
			taken[id] = true
			batch.Records = append(batch.Records, record(id, id, embedded.AlarmQueue, s.drops[n].body(), 1))
		}
		if len(taken) > 0 {
			if _, err := s.hand(s.alarm.Handle, batch); s.fail(err) {
				return
			}
		}
		if !s.loop.sleep(overhead) {
			return
		}
	}
}

// again shows an alarm once more.
func (s *storm) again(receipt string, wait time.Duration) {
	n, err := strconv.ParseInt(receipt, 10, 32)
	if s.fail(err) {
		return
	}
	s.turns++
	s.tally.kept++
	s.queue.add(visible{s.loop.now().Add(wait).UnixNano(), s.turns, int32(n)})
}

// record is a message as a queue hands it over.
func record(id, receipt string, queue embedded.QueueName, body string, received int) events.SQSMessage {
	return events.SQSMessage{
		MessageId: id, ReceiptHandle: receipt, Body: body, EventSource: "aws:sqs",
		EventSourceARN: "arn:aws:sqs:ap-northeast-1:111122223333:" + string(queue), AWSRegion: "ap-northeast-1",
		Attributes: map[string]string{"ApproximateReceiveCount": strconv.Itoa(received)},
	}
}

// hand gives a handler a batch and answers which messages it gave back.
func (s *storm) hand(handle func(context.Context, json.RawMessage) (any, error), batch events.SQSEvent) (map[string]bool, error) {
	event, err := json.Marshal(batch)
	if err != nil {
		return nil, fmt.Errorf("encode event: %w", err)
	}
	answer, err := handle(s.ctx, event)
	if err != nil {
		return nil, err
	}
	response, ok := answer.(events.SQSEventResponse)
	if !ok {
		return nil, errLeft
	}
	back := map[string]bool{}
	for _, f := range response.BatchItemFailures {
		back[f.ItemIdentifier] = true
	}
	return back, nil
}

// serve hands the messages of one of our own queues to its handler.
func (s *storm) serve(name embedded.QueueName, handle func(context.Context, json.RawMessage) (any, error)) {
	for !s.closed {
		ms, err := s.queues.Receive(s.ctx, name, 1, hidden)
		if s.fail(err) {
			return
		}
		for _, m := range ms {
			batch := events.SQSEvent{Records: []events.SQSMessage{record(m.ID, m.Receipt, name, string(m.Body), m.Received)}}
			back, err := s.hand(handle, batch)
			if s.fail(err) {
				return
			}
			if !back[m.ID] && s.fail(s.queues.Delete(s.ctx, m.Receipt)) {
				return
			}
		}
		if len(ms) == 0 && !s.loop.sleep(look) {
			return
		}
	}
}

// sweep does what is due: when something is, as the nudges do, and each minute.
func (s *storm) sweep() {
	event := json.RawMessage(`{"version":"0","source":"aws.scheduler","detail-type":"Scheduled Event","detail":{}}`)
	var last time.Time
	for !s.closed {
		now := s.loop.now()
		at, ok, err := s.store.NextDue(s.ctx)
		if s.fail(err) {
			return
		}
		if ok && !at.After(now) || now.Sub(last) >= time.Minute {
			last = now
			if _, err := s.due.Handle(s.ctx, event); s.fail(err) {
				return
			}
		}
		if !s.loop.sleep(look) {
			return
		}
	}
}
