package deliver

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"shirase/internal/incident"
)

// paces is a store in which somebody else is always faster once, so that each
// change runs twice, the first time for nothing.
type paces map[incident.Channel]Pace

func (ps paces) change(_ context.Context, c incident.Channel, fn func(Pace) Pace) error {
	fn(Pace{Off: !ps[c].Off})
	ps[c] = fn(ps[c])
	return nil
}

func TestPacerKeepsSlotsForConfirmations(t *testing.T) {
	t.Parallel()
	ps := paces{incident.Email: {Rate: 10, Burst: 10}}
	updates := NewPacer(ps.change)
	for _, c := range []struct {
		name     string
		pacer    Pacer
		n        int
		wantWait time.Duration
		wantUsed float64
	}{
		{"updates up to what is kept", updates, 9, 0, 9},
		{"an update into what is kept", updates, 1, 101 * time.Millisecond, 9},
		{"a confirmation", updates.ForConfirmations(), 1, 0, 10},
		{"a confirmation beyond the burst", updates.ForConfirmations(), 1, 101 * time.Millisecond, 10},
	} {
		wait, err := c.pacer.Reserve(t.Context(), incident.Email, c.n, noon)
		if got := ps[incident.Email].Used; wait != c.wantWait || err != nil || got != c.wantUsed {
			t.Errorf("Reserve(%s) = used %g, %s, %v, want %g, %s, no error", c.name, got, wait, err, c.wantUsed, c.wantWait)
		}
	}
}

func TestPacerSwitchesAndBreaks(t *testing.T) {
	t.Parallel()
	ps := paces{}
	p := NewPacer(ps.change)
	for _, c := range []struct {
		name     string
		change   func() error
		wantWait time.Duration
		wantErr  error
	}{
		{"nothing", func() error { return nil }, 0, nil},
		{"off", func() error { return p.Set(t.Context(), "slack", true) }, switchWait, ErrClosed},
		{"on", func() error { return p.Set(t.Context(), "slack", false) }, 0, nil},
		{"no answers", func() error { return p.Report(t.Context(), "slack", 0, breakAfter, noon) }, firstBreak, ErrClosed},
		{"an answer", func() error { return p.Report(t.Context(), "slack", 1, 0, noon) }, 0, nil},
	} {
		if err := c.change(); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		wait, err := p.Reserve(t.Context(), "slack", 50, noon)
		if wait != c.wantWait || !errors.Is(err, c.wantErr) {
			t.Errorf("Reserve(after %s) = %s, %v, want %s, %v", c.name, wait, err, c.wantWait, c.wantErr)
		}
	}
}

// A store that fails is no closed channel, whatever the pace in it says.
func TestPacerOfAStoreThatFails(t *testing.T) {
	t.Parallel()
	full := errors.New("disk full")
	p := NewPacer(func(_ context.Context, _ incident.Channel, fn func(Pace) Pace) error {
		fn(Pace{Off: true})
		return full
	})
	if wait, err := p.Reserve(t.Context(), incident.Email, 1, noon); wait != 0 || !errors.Is(err, full) {
		t.Errorf("Reserve() = %s, %v, want 0, %v", wait, err, full)
	}
	if err := p.Report(t.Context(), incident.Email, 1, 0, noon); !errors.Is(err, full) {
		t.Errorf("Report() = %v, want %v", err, full)
	}
	if err := p.Set(t.Context(), incident.Email, true); !errors.Is(err, full) {
		t.Errorf("Set() = %v, want %v", err, full)
	}
}

func TestPaceReleased(t *testing.T) {
	t.Parallel()
	const longest = 10 * time.Minute
	edge, beyond := noon.Add(longest), noon.Add(longest+1)
	for _, c := range []struct {
		name     string
		is, want Pace
	}{
		{"nothing", Pace{}, Pace{}},
		{"now", Pace{Rate: 1, Used: 3, At: noon}, Pace{Rate: 1, Used: 3, At: noon}},
		{"taken ahead", Pace{Rate: 1, Used: 3, At: edge}, Pace{Rate: 1, Used: 3, At: noon}},
		{"open", Pace{Breaker: Breaker{Opened: 1, Until: edge}}, Pace{Breaker: Breaker{Opened: 1, Until: edge}}},
		{"open from ahead", Pace{Off: true, Breaker: Breaker{Opened: 1, Until: beyond}}, Pace{Off: true}},
		{"probed", Pace{Breaker: Breaker{Until: noon, Probe: edge}}, Pace{Breaker: Breaker{Until: noon, Probe: edge}}},
		{"probed from ahead", Pace{Breaker: Breaker{Until: noon, Probe: beyond}}, Pace{}},
	} {
		if got := c.is.Released(noon, longest); got != c.want {
			t.Errorf("Released(%s) = %+v, want %+v", c.name, got, c.want)
		}
	}
}

// In no window of time, wherever it begins, more slots are given than the rate
// of that time and one burst, or one wave that is larger, whoever asks. Time is
// that of the newest clock: those behind it free nothing.
func TestPaceHoldsItsRateInEveryWindow(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := Pace{Rate: rapid.Float64Range(0.5, 100).Draw(t, "rate"), Burst: rapid.Float64Range(1, 50).Draw(t, "burst"), At: noon}
		kept := rapid.SampledFrom([]float64{0, KeptForConfirmations})
		step, lag := rapid.IntRange(0, 500), rapid.SampledFrom([]time.Duration{0, 0, 0, time.Second, time.Hour})
		now, newest := noon, noon
		var at []time.Time
		var given []float64
		for range 60 {
			now = now.Add(time.Duration(step.Draw(t, "step")) * time.Millisecond)
			n := rapid.IntRange(1, waveSize).Draw(t, "n")
			clock := now.Add(-lag.Draw(t, "lag"))
			if clock.After(newest) {
				newest = clock
			}
			next, wait, err := p.Reserve(n, kept.Draw(t, "kept"), clock)
			if err != nil {
				t.Fatalf("Reserve(%d) = %v, want no error", n, err)
			}
			if p = next; wait > 0 {
				continue
			}
			at, given = append(at, newest), append(given, float64(n))
			sum := 0.0
			for first, n := range slices.Backward(given) {
				sum += n
				window := newest.Sub(at[first])
				if most := p.Rate*window.Seconds() + max(p.Burst, waveSize); sum > most+1e-6 {
					t.Fatalf("%g slots in the %s before %s, want at most %g", sum, window, newest.Sub(noon), most)
				}
			}
		}
	})
}

// However greedy updates are, a confirmation for each slot of the rate goes at once.
func TestPaceStarvesNoConfirmation(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := Pace{Rate: rapid.Float64Range(0.5, 100).Draw(t, "rate"), Burst: rapid.Float64Range(10.1, 50).Draw(t, "burst")}
		slot := time.Duration(float64(time.Second)/p.Rate) + time.Microsecond
		largest := int(p.Burst * (1 - KeptForConfirmations))
		now, wait := noon, time.Duration(0)
		for range 100 {
			for greedy := true; greedy; greedy = wait == 0 {
				p, wait, _ = p.Reserve(rapid.IntRange(1, largest).Draw(t, "n"), KeptForConfirmations, now)
			}
			if p, wait, _ = p.Reserve(1, 0, now); wait != 0 {
				t.Fatalf("Reserve(a confirmation) = %s, want 0, with %g of %g used", wait, p.Used, p.Burst)
			}
			now = now.Add(slot + time.Duration(rapid.IntRange(0, 1000).Draw(t, "later"))*time.Millisecond)
		}
	})
}
