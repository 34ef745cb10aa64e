package handler

import (
	"context"
	"math"
	"testing"
	"time"
)

func TestBackoff(t *testing.T) {
	t.Parallel()
	half := func(d time.Duration) time.Duration { return d / 2 }
	for _, c := range []struct {
		attempt int
		jitter  func(time.Duration) time.Duration
		want    time.Duration
	}{
		{attempt: -1, want: 2 * time.Second},
		{attempt: 0, want: 2 * time.Second},
		{attempt: 1, want: 2 * time.Second},
		{attempt: 2, want: 4 * time.Second},
		{attempt: 9, want: 512 * time.Second},
		{attempt: 10, want: 15 * time.Minute},
		{attempt: 1 << 40, want: 15 * time.Minute},
		{attempt: 3, jitter: half, want: 4 * time.Second},
		{attempt: 3, jitter: func(time.Duration) time.Duration { return -time.Hour }, want: 0},
		{attempt: 3, jitter: func(time.Duration) time.Duration { return time.Hour }, want: 15 * time.Minute},
	} {
		if got := backoff(c.attempt, c.jitter); got != c.want {
			t.Errorf("backoff(%d) = %v, want %v", c.attempt, got, c.want)
		}
	}
}

func TestPatience(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		received int
		want     time.Duration
	}{
		{received: -1},
		{received: 0},
		{received: 7, want: time.Millisecond},
		{received: 70, want: time.Second},
		{received: 140, want: 8 * time.Second},
		{received: 420, want: 216 * time.Second},
		{received: 700, want: 15 * time.Minute},
		{received: math.MaxInt, want: 15 * time.Minute},
	} {
		if got := Patience(c.received); got != c.want {
			t.Errorf("Patience(%d) = %v, want %v", c.received, got, c.want)
		}
	}
}

// TestPatienceOutlastsOutages adds up how long a chunk lives that is never done.
func TestPatienceOutlastsOutages(t *testing.T) {
	t.Parallel()
	lived, half := time.Duration(0), 0
	for received := range maxReceiveCount {
		if lived += Patience(received); lived <= 12*time.Hour {
			half = received
		}
	}
	if lived < 5*24*time.Hour || half > 500 {
		t.Errorf("%d receptions last %v, and half a day costs %d, want five days and about 500", maxReceiveCount, lived, half)
	}
}

func TestDeadline(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 8, 20, 12, 0, 0, 0, time.UTC)
	if got, want := deadline(t.Context(), now, 0), now.Add(30*time.Second); !got.Equal(want) {
		t.Errorf("deadline(no budget) = %v, want %v", got, want)
	}
	if got, want := deadline(t.Context(), now, time.Minute), now.Add(time.Minute); !got.Equal(want) {
		t.Errorf("deadline(a minute) = %v, want %v", got, want)
	}
	// Whatever is left, no time left is never read as no limit.
	for _, left := range []time.Duration{-time.Hour, -1, 0, 1, time.Millisecond, 500 * time.Millisecond, time.Hour} {
		end := now.Add(left)
		ctx, cancel := context.WithDeadline(t.Context(), end)
		if got, want := deadline(ctx, now, time.Minute), end.Add(-500*time.Millisecond); !got.Equal(want) {
			t.Errorf("deadline(%v left) = %v, want %v", left, got, want)
		}
		cancel()
	}
}

func TestPointerOfField(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                  "",
		"effect":            "/effect",
		"facts.outlook.to":  "/facts/outlook/to",
		"components[2].id":  "/components/2/id",
		"components.2":      "/components/2",
		"effect.ja/JP~old":  "/effect/ja~1JP~0old",
		"[0].name":          "/0/name",
		"updates[10].texts": "/updates/10/texts",
	} {
		if got := pointer(in); got != want {
			t.Errorf("pointer(%q) = %q, want %q", in, got, want)
		}
	}
}
