package deliver

import (
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"

	"shirase/internal/incident"
)

func TestPaceReserve(t *testing.T) {
	t.Parallel()
	full := Pace{Rate: 10, Burst: 20, At: noon}
	used := func(n float64) Pace { p := full; p.Used = n; return p }
	for _, c := range []struct {
		name     string
		pace     Pace
		n        int
		kept     float64
		after    time.Duration
		wantWait time.Duration
		wantErr  error
		wantUsed float64
	}{
		{name: "no limit", pace: Pace{}, n: 1000},
		{name: "room", pace: full, n: 16, wantUsed: 16},
		{name: "all but what is kept", pace: used(2), n: 16, kept: 0.1, wantUsed: 18},
		{name: "into what is kept", pace: used(3), n: 16, kept: 0.1, wantWait: 101 * time.Millisecond, wantUsed: 3},
		{name: "a confirmation may", pace: used(3), n: 16, wantUsed: 19},
		{name: "time frees slots", pace: used(20), n: 16, kept: 0.1, after: 2 * time.Second, wantUsed: 16},
		{name: "more than the burst, once it is whole", pace: full, n: 30, kept: 0.1, wantUsed: 30},
		{name: "more than the burst waits for the whole", pace: used(10), n: 30, wantWait: time.Second + time.Millisecond, wantUsed: 10},
		{name: "a clock that goes back frees none", pace: used(20), n: 1, after: -time.Hour, wantWait: 101 * time.Millisecond, wantUsed: 20},
		{name: "switched off", pace: Pace{Off: true}, n: 1, wantWait: switchWait, wantErr: ErrClosed},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, wait, err := c.pace.Reserve(c.n, c.kept, noon.Add(c.after))
			if wait != c.wantWait || !errors.Is(err, c.wantErr) || got.Used != c.wantUsed {
				t.Errorf("Reserve(%d) = used %g, %s, %v, want %g, %s, %v", c.n, got.Used, wait, err, c.wantUsed, c.wantWait, c.wantErr)
			}
		})
	}
}

// Over any stretch of time no more slots are given than the rate and one burst,
// and a wave, allow; and whoever waits as told gets a slot.
func TestPaceHoldsItsRate(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := Pace{Rate: rapid.Float64Range(0.5, 100).Draw(t, "rate"), Burst: rapid.Float64Range(1, 50).Draw(t, "burst")}
		now, given := noon, 0.0
		for range 200 {
			n := rapid.IntRange(1, waveSize).Draw(t, "n")
			next, wait, err := p.Reserve(n, KeptForConfirmations, now)
			if err != nil {
				t.Fatalf("Reserve(%d) = %v, want no error", n, err)
			}
			if p = next; wait == 0 {
				given += float64(n)
				continue
			}
			now = now.Add(wait)
			if p, wait, _ = p.Reserve(n, KeptForConfirmations, now); wait != 0 {
				t.Fatalf("Reserve(%d) after its wait = %s, want 0", n, wait)
			}
			given += float64(n)
		}
		if most := p.Rate*now.Sub(noon).Seconds() + p.Burst + waveSize; given > most+1 {
			t.Fatalf("%g slots in %s, want at most %g", given, now.Sub(noon), most)
		}
	})
}

func TestBreaker(t *testing.T) {
	t.Parallel()
	p := Pace{}.Report(0, breakAfter-1, noon)
	if _, _, err := p.Reserve(16, 0, noon); err != nil {
		t.Fatalf("Reserve(after %d failures) = %v, want it closed", breakAfter-1, err)
	}
	p = p.Report(0, 1, noon)
	if _, wait, err := p.Reserve(1, 0, noon); !errors.Is(err, ErrClosed) || wait != firstBreak {
		t.Fatalf("Reserve(just opened) = %s, %v, want %s, %v", wait, err, firstBreak, ErrClosed)
	}
	now := noon.Add(firstBreak)
	if _, wait, err := p.Reserve(2, 0, now); !errors.Is(err, ErrClosed) || wait != 0 {
		t.Fatalf("Reserve(two as a probe) = %s, %v, want 0 and to ask for one", wait, err)
	}
	p, wait, err := p.Reserve(1, 0, now)
	if err != nil || wait != 0 {
		t.Fatalf("Reserve(one as a probe) = %s, %v, want it let through", wait, err)
	}
	if _, wait, err := p.Reserve(1, 0, now); !errors.Is(err, ErrClosed) || wait != probeTime {
		t.Fatalf("Reserve(a second probe) = %s, %v, want %s, %v", wait, err, probeTime, ErrClosed)
	}
	if _, _, err := p.Reserve(1, 0, now.Add(probeTime)); err != nil {
		t.Fatalf("Reserve(the probe never came back) = %v, want another let through", err)
	}
	failed := p.Report(0, 1, now)
	if _, wait, _ := failed.Reserve(1, 0, now); wait != 2*firstBreak {
		t.Fatalf("Reserve(the probe failed) = %s, want %s", wait, 2*firstBreak)
	}
	if late := failed.Report(0, 16, now); late != failed {
		t.Fatalf("Report(calls from before it opened) = %+v, want %+v", late, failed)
	}
	if got := p.Report(1, 0, now).Breaker; got != (Breaker{}) {
		t.Fatalf("Report(the probe was answered) = %+v, want it closed", got)
	}
	for range 20 {
		now = now.Add(maxBreak)
		failed = failed.Report(0, 1, now)
	}
	if _, wait, _ := failed.Reserve(1, 0, now); wait != maxBreak {
		t.Fatalf("Reserve(after many) = %s, want %s", wait, maxBreak)
	}
}

func TestBudget(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var b Budget
		first, retries, seconds := 0, 0, 0
		for range 50 {
			f, r := rapid.IntRange(0, waveSize).Draw(t, "first"), rapid.IntRange(0, waveSize).Draw(t, "retries")
			s := rapid.IntRange(0, 3).Draw(t, "seconds")
			seconds += s
			n := b.Take(incident.Email, r, noon.Add(time.Duration(seconds)*time.Second))
			if n < 0 || n > r {
				t.Fatalf("Take(%d retries) = %d", r, n)
			}
			unused := rapid.IntRange(0, n).Draw(t, "unused")
			b.Return(incident.Email, unused)
			b.Earn(incident.Email, f)
			first, retries = first+f, retries+n-unused
		}
		if most := budgetBurst + budgetRatio*float64(first) + budgetTrickle*float64(seconds); float64(retries) > most {
			t.Fatalf("%d retries after %d first attempts in %d s, want at most %g", retries, first, seconds, most)
		}
	})
}

func TestBudgetTrickles(t *testing.T) {
	t.Parallel()
	var b Budget
	b.Take(incident.Email, 1000, noon)
	if n := b.Take(incident.Email, 5, noon); n != 0 {
		t.Errorf("Take(spent) = %d, want 0", n)
	}
	if n := b.Take(incident.Email, 5, noon.Add(2*time.Second)); n != 2 {
		t.Errorf("Take(2 s later) = %d, want 2", n)
	}
	if n := b.Take(incident.SMS, 5, noon); n != 5 {
		t.Errorf("Take(another channel) = %d, want 5", n)
	}
	b.Return(incident.Email, 2)
	b.Earn(incident.Email, 10)
	if n := b.Take(incident.Email, 5, noon.Add(2*time.Second)); n != 3 {
		t.Errorf("Take(2 returned, 10 first attempts) = %d, want 3", n)
	}
}
