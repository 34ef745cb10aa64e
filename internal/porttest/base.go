package porttest

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"shirase/internal/incident"
)

// Start is when every suite begins.
var Start = time.Date(2026, 9, 15, 5, 7, 0, 0, time.UTC)

// racers is how many callers try the same at once.
const racers = 20

// A Clock stands still until it is moved.
type Clock struct {
	mu sync.Mutex
	at time.Time
}

// NewClock answers a clock that stands at [Start].
func NewClock() *Clock { return &Clock{at: Start} }

// Now answers the time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

// Advance moves the clock on.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// must ends the test on an error.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// must1 answers a function that answers the value, or ends the test.
func must1[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		must(t, err)
		return v
	}
}

// wantErr fails unless the error is of a kind.
func wantErr(t *testing.T, what string, err, kind error) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Errorf("%s = %v, want %v", what, err, kind)
	}
}

// same fails where two values differ; nil and empty are the same.
func same[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if d := diff(got, want); d != "" {
		t.Errorf("%s differs (-want +got):\n%s", what, d)
	}
}

func diff[T any](got, want T) string { return cmp.Diff(want, got, cmpopts.EquateEmpty()) }

// race calls fn many times at once and answers every error.
func race(fn func(n int) error) []error {
	errs := make([]error, racers)
	var wg sync.WaitGroup
	for n := range racers {
		wg.Go(func() { errs[n] = fn(n) })
	}
	wg.Wait()
	return errs
}

// wantOneWinner fails unless all but one of the calls were conflicts.
func wantOneWinner(t *testing.T, errs []error) {
	t.Helper()
	won := 0
	for _, err := range errs {
		switch {
		case err == nil:
			won++
		case !errors.Is(err, incident.ErrConflict):
			t.Errorf("a racer got %v, want ErrConflict", err)
		}
	}
	if won != 1 {
		t.Errorf("%d of %d racers won, want 1", won, len(errs))
	}
}

// pages reads all pages of a list. Between is called after each page but the last.
func pages[T any](t *testing.T, limit int, read func(cursor string) ([]T, string, error), between func()) []T {
	t.Helper()
	var out []T
	cursor := ""
	for range 1000 {
		vs, next, err := read(cursor)
		must(t, err)
		if len(vs) > limit {
			t.Fatalf("a page has %d items, want at most %d", len(vs), limit)
		}
		out = append(out, vs...)
		if next == "" {
			return out
		}
		cursor = next
		if between != nil {
			between()
		}
	}
	t.Fatal("the pages never end")
	return nil
}

func numbered(prefix string, n int) string { return fmt.Sprintf("%s%03d", prefix, n) }
