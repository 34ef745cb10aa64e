package bulk

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"shirase/internal/deliver"
	"shirase/internal/handler"
)

var errLeft = errors.New("a queue handler answered no batch")

// point hands one pointer over.
func (d *drain) point(p deliver.Pointer) (more bool, err error) {
	if !d.Wire {
		return d.fanout.Pointer(d.ctx, p, d.loop.now().Add(budget))
	}
	body, err := json.Marshal(p)
	if err != nil {
		return false, fmt.Errorf("encode pointer: %w", err)
	}
	shown := visibility(func(string, time.Duration) {})
	return d.hand(handler.FanOut{Queue: d.handlers(shown), Pointers: d.fanout}.Handle, "pointer", body, 1)
}

// bring hands one chunk over, and deletes it or puts it off.
func (d *drain) bring(n int32) error {
	c := d.queue.chunk(n)
	if !d.Wire {
		again, err := d.send.Chunk(d.ctx, c, d.loop.now().Add(budget))
		switch {
		case err != nil:
			return err
		case again.IsZero():
			d.queue.remove(n)
		default:
			patience := handler.Patience(int(d.queue.parcels[n].received))
			d.queue.postpone(n, max(again.Sub(d.loop.now()), patience))
		}
		return nil
	}
	body, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("encode chunk: %w", err)
	}
	kept, err := d.hand(handler.Delivery{Queue: d.handlers(d.queue), Chunks: d.send}.Handle, strconv.Itoa(int(n)), body, int(d.queue.parcels[n].received))
	if err == nil && !kept {
		d.queue.remove(n)
	}
	return err
}

func (d *drain) handlers(v handler.Visibility) handler.Queue {
	return handler.Queue{Visibility: v, Parking: d, Budget: budget, Now: d.loop.now}
}

// hand gives a handler an event of one message and answers whether the message
// is to be kept.
func (d *drain) hand(handle func(context.Context, json.RawMessage) (any, error), id string, body []byte, received int) (kept bool, err error) {
	event, err := json.Marshal(events.SQSEvent{Records: []events.SQSMessage{{
		MessageId: id, ReceiptHandle: id, Body: string(body), EventSource: "aws:sqs",
		EventSourceARN: "arn:aws:sqs:ap-northeast-1:111122223333:email", AWSRegion: "ap-northeast-1",
		Attributes: map[string]string{"ApproximateReceiveCount": strconv.Itoa(received)},
	}}})
	if err != nil {
		return false, fmt.Errorf("encode event: %w", err)
	}
	answer, err := handle(d.ctx, event)
	if err != nil {
		return false, err
	}
	batch, ok := answer.(events.SQSEventResponse)
	if !ok {
		return false, errLeft
	}
	return len(batch.BatchItemFailures) > 0, nil
}

// visibility is a handler.Visibility that is a function.
type visibility func(receipt string, wait time.Duration)

// Postpone implements handler.Visibility.
func (v visibility) Postpone(_ context.Context, receipt string, wait time.Duration) error {
	v(receipt, wait)
	return nil
}
