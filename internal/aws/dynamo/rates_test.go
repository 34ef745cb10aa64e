package dynamo_test

import (
	"errors"
	"math"
	"testing"

	"shirase/internal/aws/dynamo"
	"shirase/internal/deliver"
	"shirase/internal/incident"
)

func TestWhatDoesNotChangeIsNotWritten(t *testing.T) {
	t.Parallel()
	s, api := newKeeper(t)
	r, ctx := dynamo.NewRates(api, oneOfEach), t.Context()
	want := func(what string, reads, writes int) {
		t.Helper()
		if r, w := s.used(); r != reads || w != writes {
			t.Errorf("%s cost %d reads and %d writes, want %d and %d", what, r, w, reads, writes)
		}
	}
	for range 2 {
		if _, err := r.Reserve(ctx, "slack", 16, start); err != nil {
			t.Fatal(err)
		}
		if err := r.Report(ctx, "slack", 16, 0, start); err != nil {
			t.Fatal(err)
		}
	}
	want("two waves without a rate", 4, 0)
	for range 2 {
		if err := r.SetRate(ctx, incident.Email, 14, 0); err != nil {
			t.Fatal(err)
		}
	}
	want("the same rate twice", 2, 1)
	if _, err := r.Reserve(ctx, incident.Email, 1, start); err != nil {
		t.Fatal(err)
	}
	want("a wave with a rate", 1, 1)
}

func TestASwitchHoldsAtOnceEverywhere(t *testing.T) {
	t.Parallel()
	_, api := newKeeper(t)
	sender, operator := dynamo.NewRates(api, oneOfEach), dynamo.NewRates(api, oneOfEach)
	for _, c := range []incident.Channel{incident.Email, "drill-email"} {
		if _, err := sender.Reserve(t.Context(), c, 1, start); err != nil {
			t.Fatal(err)
		}
		if err := operator.Set(t.Context(), c, true); err != nil {
			t.Fatal(err)
		}
		if _, err := sender.Reserve(t.Context(), c, 1, start); !errors.Is(err, deliver.ErrClosed) {
			t.Errorf("Reserve on %s after it was closed = %v, want ErrClosed", c, err)
		}
	}
}

func TestUpdatesLeaveSlotsForConfirmations(t *testing.T) {
	t.Parallel()
	_, api := newKeeper(t)
	r := dynamo.NewRates(api, oneOfEach)
	if err := r.SetRate(t.Context(), incident.Email, 10, 10); err != nil {
		t.Fatal(err)
	}
	for n := range 10 {
		wait, err := r.Reserve(t.Context(), incident.Email, 1, start)
		if err != nil || (wait == 0) != (n < 9) {
			t.Errorf("Reserve %d of a burst of 10 = %s, %v, want at once: %t", n+1, wait, err, n < 9)
		}
	}
	wait, err := r.ForConfirmations().Reserve(t.Context(), incident.Email, 1, start)
	if err != nil || wait != 0 {
		t.Errorf("Reserve of a confirmation = %s, %v, want at once", wait, err)
	}
}

func TestRatesThatAreNone(t *testing.T) {
	t.Parallel()
	s, api := newKeeper(t)
	r := dynamo.NewRates(api, oneOfEach)
	for _, v := range []float64{-1, math.NaN(), math.Inf(1), math.Inf(-1)} {
		for _, x := range [][2]float64{{v, 0}, {1, v}} {
			if err := r.SetRate(t.Context(), incident.Email, x[0], x[1]); !errors.Is(err, incident.ErrInvalid) {
				t.Errorf("SetRate(%v, %v) = %v, want ErrInvalid", x[0], x[1], err)
			}
		}
	}
	if reads, writes := s.used(); reads+writes > 0 {
		t.Errorf("they cost %d reads and %d writes, want none", reads, writes)
	}
}

// TestGivingUpOnAContestedPace ends, where somebody else is faster each time.
func TestGivingUpOnAContestedPace(t *testing.T) {
	t.Parallel()
	s, api := newKeeper(t)
	s.fails(func(op, _ string) fault {
		if op == "PutItem" {
			return overtake
		}
		return ""
	})
	err := dynamo.NewRates(api, oneOfEach).Set(t.Context(), incident.Email, true)
	if !errors.Is(err, incident.ErrConflict) {
		t.Errorf("Set that never gets through = %v, want ErrConflict", err)
	}
	if s.attempts != 65 {
		t.Errorf("it took %d calls, want a read and 64 writes", s.attempts)
	}
}
