package channel

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"shirase/internal/deliver"
)

// Wave hands over envelopes in parallel, at most limit at once, and answers
// their outcomes in the same order. It turns the deadline into a context by
// what is left of it on the clock it is given, so that a clock that runs apart
// from the machine's does no harm. Nothing is begun once that context has
// ended, and send must return soon after.
func Wave(
	ctx context.Context, es []deliver.Envelope, deadline time.Time, now func() time.Time, limit int,
	send func(context.Context, deliver.Envelope) deliver.Outcome,
) []deliver.Outcome {
	out := make([]deliver.Outcome, len(es))
	ctx, cancel := context.WithTimeout(ctx, deadline.Sub(now()))
	defer cancel()
	var g errgroup.Group
	g.SetLimit(limit)
	for i, e := range es {
		g.Go(func() error {
			out[i] = one(ctx, e, send)
			return nil
		})
	}
	_ = g.Wait() // the functions return no errors
	return out
}

// one sends a single envelope unless it is too late to begin. A panic is a bug;
// it fails this envelope alone, as one that may have been sent.
func one(
	ctx context.Context, e deliver.Envelope, send func(context.Context, deliver.Envelope) deliver.Outcome,
) (o deliver.Outcome) {
	if ctx.Err() != nil {
		return deliver.Outcome{Failure: &deliver.Failure{Reason: deliver.NotBegun}}
	}
	defer func() {
		if p := recover(); p != nil {
			o = Fail(deliver.TimedOut, fmt.Errorf("panic of type %T while sending", p))
		}
	}()
	return send(ctx, e)
}

// Fail makes the outcome of an envelope that was not accepted.
func Fail(r deliver.Reason, err error) deliver.Outcome {
	return deliver.Outcome{Failure: &deliver.Failure{Reason: r, Err: err}}
}

// Refuse makes the outcome of an envelope that can never be sent as it is.
func Refuse(why string) deliver.Outcome { return Fail(deliver.Rejected, errors.New(why)) }
