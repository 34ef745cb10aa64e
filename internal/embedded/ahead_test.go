package embedded_test

import (
	"testing"
	"time"

	"shirase/internal/announce"
	"shirase/internal/deliver"
	"shirase/internal/embedded"
	"shirase/internal/incident"
	"shirase/internal/porttest"
)

// ahead is how far the clock was put ahead before the process was killed.
const ahead = 72 * time.Hour

// A group that a clock ahead has served, and what it has put off, do not wait
// until that time comes.
func TestQueueForgetsDatesAhead(t *testing.T) {
	t.Parallel()
	q, c := queues(t, embedded.NewMemory())
	c.Advance(ahead)
	fill(t, q, post("a1", "a"), post("a2", "a"))
	ok(t, q.Put(t.Context(), embedded.WebhookQueue, time.Minute, post("off", "")))
	first := wantBodies(t, q, 1, "a1")
	ok(t, q.Postpone(t.Context(), first[0].Receipt, time.Minute))
	c.Advance(-ahead)
	ok(t, q.ReleaseAll(t.Context()))
	fill(t, q, post("b1", "b"), post("a3", "a"))
	got := map[string]bool{}
	for {
		ms := receive(t, q, 10)
		if len(ms) == 0 {
			break
		}
		for _, m := range ms {
			got[string(m.Body)] = true
			ok(t, q.Delete(t.Context(), m.Receipt))
		}
	}
	for _, want := range []string{"a1", "a2", "a3", "b1", "off"} {
		if !got[want] {
			t.Errorf("Receive() after ReleaseAll = %v, want %s among them", got, want)
		}
	}
}

// A delay of now is kept.
func TestReleaseAllKeepsDelays(t *testing.T) {
	t.Parallel()
	q, c := queues(t, embedded.NewMemory())
	ok(t, q.Put(t.Context(), embedded.WebhookQueue, time.Minute, post("off", "")))
	ok(t, q.ReleaseAll(t.Context()))
	wantBodies(t, q, 1)
	c.Advance(time.Minute)
	wantBodies(t, q, 1, "off")
}

// What was to be published by a clock ahead is found now.
func TestReleaseDatesTheOutbox(t *testing.T) {
	t.Parallel()
	c := porttest.NewClock()
	s := embedded.New(embedded.NewMemory(), c.Now)
	p := deliver.Pointer{Incident: "i-1", Seq: 1}
	c.Advance(ahead)
	ok(t, s.Commit(t.Context(), announce.Change{Outbox: []deliver.Pointer{p}}))
	c.Advance(-ahead)
	ok(t, s.Release(t.Context(), c.Now()))
	left := func() int {
		ps, err := s.Outbox(t.Context(), c.Now().Add(time.Second), 10)
		ok(t, err)
		return len(ps)
	}
	if n := left(); n != 1 {
		t.Errorf("Outbox() after Release has %d items, want 1", n)
	}
	ok(t, s.Published(t.Context(), p))
	if n := left(); n != 0 {
		t.Errorf("Outbox() after Published has %d items, want 0", n)
	}
}

// A breaker that a clock ahead has opened is closed; one of now stays open.
func TestReleaseClosesBreakersAhead(t *testing.T) {
	t.Parallel()
	for _, by := range []time.Duration{ahead, 0} {
		r, now := embedded.NewRates(embedded.NewMemory(), nil), porttest.Start
		ok(t, r.Report(t.Context(), incident.Email, 0, 100, now.Add(by)))
		ok(t, r.Release(t.Context(), now))
		_, err := r.Reserve(t.Context(), incident.Email, 1, now)
		if open := err != nil; open != (by == 0) {
			t.Errorf("Reserve() after a breaker opened %s ahead = %v", by, err)
		}
	}
}
