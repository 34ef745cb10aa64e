package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"
)

// A letter is a message on a queue.
type letter struct {
	id       string
	body     string
	sent     time.Time
	visible  time.Time
	received int
	gone     bool
}

// A queue is SQS as its documentation has it: standard, at least once, in any
// order, with a visibility timeout and a count of receptions.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/standard-queues-at-least-once-delivery.html
type queue struct {
	name     string
	function string
	batch    int // messages to an invocation, at most
	workers  int // invocations at once, at most
	letters  []*letter
	running  int
	// stalled is until when nobody polls.
	stalled time.Time
}

// maxReceive is the redrive policy of the send and fan-out queues (design §5).
// A message that comes so far would be lost, which the checker calls a fault.
const maxReceive = 1000

const arnPrefix = "arn:aws:sqs:us-east-1:000000000000:"

// put puts a message on a queue, as often and as late as SQS may.
func (w *world) put(q *queue, body string) {
	copies := 1
	if w.chance(atTopic, duplicate, q.name) {
		copies = 2
	}
	for range copies {
		wait := w.latency()
		if w.chance(atTopic, reorder, q.name) {
			wait = w.span(time.Second, 3*time.Minute)
		}
		if w.chance(atTopic, late, q.name) {
			wait = w.span(10*time.Minute, 24*time.Hour)
		}
		w.add(q, body, w.now.Add(wait))
	}
}

func (w *world) add(q *queue, body string, visible time.Time) {
	w.mails++
	l := &letter{id: q.name + "-" + strconv.Itoa(w.mails), body: body, sent: w.now, visible: visible}
	q.letters = append(q.letters, l)
	w.at(visible, func() { w.poll(q) })
}

// poll hands what is visible to an invocation, if a worker is free.
func (w *world) poll(q *queue) {
	if q.running >= q.workers {
		return // whoever ends polls again
	}
	if w.now.Before(q.stalled) {
		w.at(q.stalled, func() { w.poll(q) })
		return
	}
	var ready []*letter
	for _, l := range q.letters {
		if !l.visible.After(w.now) {
			ready = append(ready, l)
		}
	}
	if len(ready) == 0 {
		return
	}
	w.luck.Shuffle(len(ready), func(a, b int) { ready[a], ready[b] = ready[b], ready[a] })
	ready = ready[:min(len(ready), 1+w.luck.IntN(q.batch))]
	w.receive(q, ready)
	w.after(0, func() { w.poll(q) })
}

// receive invokes a queue's function with a batch.
func (w *world) receive(q *queue, batch []*letter) {
	q.running++
	visibility := 6 * w.timeouts[q.function]
	var event events.SQSEvent
	receipts := map[string]*letter{}
	for _, l := range batch {
		l.received++
		l.visible = w.now.Add(visibility)
		if w.chance(atTopic, duplicate, "received twice from "+q.name) {
			l.visible = w.now.Add(w.span(0, 10*time.Second)) // SQS forgot that it is out
		}
		w.at(l.visible, func() { w.poll(q) })
		receipt := l.id + "/" + strconv.Itoa(l.received)
		receipts[l.id] = l
		if l.received > maxReceive {
			w.fault("I11", "a message of %s was received %d times", q.name, l.received)
			l.gone = true
		}
		event.Records = append(event.Records, events.SQSMessage{
			MessageId: l.id, ReceiptHandle: receipt, Body: l.body, EventSource: "aws:sqs", EventSourceARN: arnPrefix + q.name,
			Attributes: map[string]string{"ApproximateReceiveCount": strconv.Itoa(l.received)},
		})
	}
	payload, err := json.Marshal(event)
	if err != nil {
		panic(err)
	}
	w.invoke(q.function, payload, func(out any, err error, died bool) {
		q.running--
		if !died && err == nil {
			w.acknowledge(q, batch, out)
		}
		w.poll(q)
	})
}

// acknowledge deletes what an invocation has not reported as failed.
func (w *world) acknowledge(q *queue, batch []*letter, out any) {
	answer, ok := out.(events.SQSEventResponse)
	if !ok {
		w.fault("I2", "%s answered a batch with %T", q.function, out)
		return
	}
	failed := map[string]bool{}
	for _, f := range answer.BatchItemFailures {
		if !slices.ContainsFunc(batch, func(l *letter) bool { return l.id == f.ItemIdentifier }) {
			w.fault("I2", "%s reported %s, which it was not given", q.function, f.ItemIdentifier)
		}
		failed[f.ItemIdentifier] = true
	}
	if len(failed) > 0 && len(failed) < len(batch) {
		w.cells[boundaryOf[q.function]][partial]++
	}
	for _, l := range batch {
		if !failed[l.id] && !w.chance(atTopic, timeoutLost, "delete from "+q.name) {
			l.gone = true
		}
	}
	q.letters = slices.DeleteFunc(q.letters, func(l *letter) bool { return l.gone })
}

// Postpone implements handler.Visibility.
func (w *world) postpone(receipt string, wait time.Duration) error {
	id, count, _ := strings.Cut(receipt, "/")
	name := id[:strings.LastIndex(id, "-")]
	for _, l := range w.queues[name].letters {
		if l.id == id && strconv.Itoa(l.received) == count {
			l.visible = w.now.Add(wait)
			w.at(l.visible, func() { w.poll(w.queues[name]) })
			return nil
		}
	}
	return fmt.Errorf("message %s is not in flight", id)
}

// invoke runs a function the way Lambda does: in an environment of its own, for
// its timeout at most, and without a word if it dies.
func (w *world) invoke(function string, payload []byte, done func(out any, err error, died bool)) {
	var out any
	var err error
	skew := time.Duration(0)
	if w.chance(boundaryOf[function], skewed, function) {
		skew = w.span(-5*time.Second, 5*time.Second)
	}
	t := w.spawn(function, skew, func() {
		w.pause(w.latency())
		out, err = w.rig.handlers[function](context.Background(), payload)
	})
	w.tasks = append(w.tasks, t)
	answered := false
	t.ended = func(died bool) {
		w.tracef("%s ends: died=%t err=%v", function, died, err)
		if !answered {
			answered = true
			done(out, err, died)
		}
	}
	w.after(w.timeouts[function], func() {
		if t.over || answered {
			return
		}
		w.cells[boundaryOf[function]][timeoutKilled]++
		w.tracef("%s runs out of its time", function)
		if !t.zombie {
			w.kill(t)
			return
		}
		answered = true // nobody listens to it any more
		done(nil, nil, true)
	})
}
