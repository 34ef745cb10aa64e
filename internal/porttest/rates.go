package porttest

import (
	"errors"
	"testing"
	"time"

	"shirase/internal/deliver"
	"shirase/internal/incident"
)

// RatesStore paces channels.
type RatesStore interface {
	deliver.Rates
	deliver.Switches
}

// Rates is the suite of pacing. Open answers a store in which email may be used
// at a rate a second, with a burst, and every other channel without a limit:
// once for updates, which leave [deliver.KeptForConfirmations], and once for
// confirmations, which may use all.
func Rates(t *testing.T, open func(t *testing.T, rate, burst float64) (updates, confirmations RatesStore)) {
	t.Helper()
	t.Run("gives out no more than the burst", func(t *testing.T) {
		t.Parallel()
		ctx := t.Context()
		_, r := open(t, 10, 20)
		waits := make([]time.Duration, racers)
		for _, err := range race(func(n int) (err error) {
			waits[n], err = r.Reserve(ctx, incident.Email, 2, Start)
			return err
		}) {
			must(t, err)
		}
		free, wait := 0, time.Duration(0)
		for _, w := range waits {
			if w == 0 {
				free++
			}
			wait = max(wait, w)
		}
		if free != 10 || wait <= 0 || wait > time.Second {
			t.Errorf("%d waves of 2 went at once and the others wait %s, want 10 and up to 1s", free, wait)
		}
		if w := must1(r.Reserve(ctx, incident.Email, 2, Start.Add(wait)))(t); w != 0 {
			t.Errorf("Reserve after the wait = %s, want 0", w)
		}
		if w := must1(r.Reserve(ctx, incident.SMS, 1000, Start))(t); w != 0 {
			t.Errorf("Reserve without a limit = %s, want 0", w)
		}
	})
	t.Run("keeps slots for confirmations", func(t *testing.T) {
		t.Parallel()
		ctx := t.Context()
		updates, confirmations := open(t, 10, 10)
		reserve := func(what string, r RatesStore, at time.Time, atOnce bool) time.Duration {
			t.Helper()
			wait := must1(r.Reserve(ctx, incident.Email, 1, at))(t)
			if (wait == 0) != atOnce {
				t.Errorf("Reserve of %s = %s, want at once: %t", what, wait, atOnce)
			}
			return wait
		}
		for range 9 {
			reserve("one of nine updates", updates, Start, true)
		}
		reserve("an update into what is kept", updates, Start, false)
		reserve("a confirmation", confirmations, Start, true)
		wait := reserve("a confirmation beyond the burst", confirmations, Start, false)
		reserve("an update before a confirmation that waits", updates, Start.Add(wait), false)
		reserve("a confirmation after its wait", confirmations, Start.Add(wait), true)
	})
	t.Run("obeys the switch", func(t *testing.T) {
		t.Parallel()
		ctx := t.Context()
		r, _ := open(t, 0, 0)
		for _, c := range []incident.Channel{"slack", incident.Email} {
			for range 2 {
				must(t, r.Set(ctx, c, true))
			}
		}
		same(t, "Closed", must1(r.Closed(ctx))(t), []incident.Channel{incident.Email, "slack"})
		wait, err := r.Reserve(ctx, "slack", 1, Start)
		wantErr(t, "Reserve of a closed channel", err, deliver.ErrClosed)
		if wait <= 0 || wait > 30*time.Second {
			t.Errorf("Reserve of a closed channel waits %s, want up to 30s", wait)
		}
		must1(r.Reserve(ctx, incident.SMS, 1, Start))(t)
		must(t, r.Set(ctx, "slack", false))
		must1(r.Reserve(ctx, "slack", 1, Start))(t)
		same(t, "Closed after one was opened", must1(r.Closed(ctx))(t), []incident.Channel{incident.Email})
	})
	t.Run("breaks and lets one probe through", func(t *testing.T) {
		t.Parallel()
		ctx := t.Context()
		r, _ := open(t, 0, 0)
		for range 10 {
			must(t, r.Report(ctx, incident.Email, 0, 1, Start))
		}
		wait, err := r.Reserve(ctx, incident.Email, 1, Start)
		wantErr(t, "Reserve of a broken channel", err, deliver.ErrClosed)
		if wait <= 0 {
			t.Fatalf("Reserve of a broken channel waits %s, want more", wait)
		}
		later := Start.Add(wait)
		wait, err = r.Reserve(ctx, incident.Email, 2, later)
		wantErr(t, "Reserve of two by a probe", err, deliver.ErrClosed)
		if wait != 0 {
			t.Errorf("Reserve of two by a probe waits %s, want 0: one may go", wait)
		}
		probes := 0
		for _, err := range race(func(int) error {
			_, err := r.Reserve(ctx, incident.Email, 1, later)
			return err
		}) {
			switch {
			case err == nil:
				probes++
			case !errors.Is(err, deliver.ErrClosed):
				t.Error(err)
			}
		}
		if probes != 1 {
			t.Errorf("%d probes were let through, want 1", probes)
		}
		must(t, r.Report(ctx, incident.Email, 1, 0, later))
		must1(r.Reserve(ctx, incident.Email, 50, later))(t)
	})
}
