package channel_test

import (
	"context"
	"errors"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"shirase/internal/channel"
	"shirase/internal/deliver"
)

func envelopes(n int) []deliver.Envelope {
	es := make([]deliver.Envelope, n)
	for i := range es {
		es[i].Key = strconv.Itoa(i)
	}
	return es
}

func TestWaveKeepsOrder(t *testing.T) {
	t.Parallel()
	now := func() time.Time { return noon }
	var most, running atomic.Int32
	out := channel.Wave(t.Context(), envelopes(100), noon.Add(time.Minute), now, 7,
		func(_ context.Context, e deliver.Envelope) deliver.Outcome {
			n := running.Add(1)
			for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
			}
			defer running.Add(-1)
			return deliver.Outcome{ID: e.Key}
		})
	for i, o := range out {
		if o.ID != strconv.Itoa(i) {
			t.Errorf("outcome %d is of envelope %s", i, o.ID)
		}
	}
	if most.Load() > 7 {
		t.Errorf("%d were sent at once, want at most 7", most.Load())
	}
}

func TestWaveDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now() // the bubble's own clock
		// The clock we are given is years behind the machine's; only what is left matters.
		now := func() time.Time { return noon }
		out := channel.Wave(t.Context(), envelopes(3), noon.Add(3*time.Second), now, 1,
			func(ctx context.Context, _ deliver.Envelope) deliver.Outcome {
				<-ctx.Done()
				return channel.Fail(deliver.TimedOut, ctx.Err())
			})
		if got := time.Since(start); got != 3*time.Second {
			t.Errorf("the wave took %v, want 3s", got)
		}
		if f := out[0].Failure; f == nil || f.Reason != deliver.TimedOut || !errors.Is(f, context.DeadlineExceeded) {
			t.Errorf("what had begun = %v, want timed_out by the deadline", f)
		}
		for _, o := range out[1:] {
			if o.Failure == nil || o.Failure.Reason != deliver.NotBegun {
				t.Errorf("what had not begun = %v, want not_begun", o.Failure)
			}
		}
	})
}

func TestWaveTooLate(t *testing.T) {
	t.Parallel()
	now := func() time.Time { return noon }
	out := channel.Wave(t.Context(), envelopes(2), noon, now, 4, func(context.Context, deliver.Envelope) deliver.Outcome {
		t.Error("begun after the deadline")
		return deliver.Outcome{}
	})
	for _, o := range out {
		if o.Failure == nil || o.Failure.Reason != deliver.NotBegun {
			t.Errorf("outcome = %v, want not_begun", o.Failure)
		}
	}
}

func TestWavePanicFailsOneAlone(t *testing.T) {
	t.Parallel()
	now := func() time.Time { return noon }
	out := channel.Wave(t.Context(), envelopes(3), noon.Add(time.Minute), now, 4,
		func(_ context.Context, e deliver.Envelope) deliver.Outcome {
			if e.Key == "1" {
				panic("bug")
			}
			return deliver.Outcome{}
		})
	if out[0].Failure != nil || out[2].Failure != nil {
		t.Errorf("others = %v, %v, want accepted", out[0].Failure, out[2].Failure)
	}
	if f := out[1].Failure; f == nil || f.Reason != deliver.TimedOut {
		t.Errorf("the one that panicked = %v, want timed_out", f)
	}
}
