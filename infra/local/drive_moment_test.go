package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"testing"
	"time"
)

// moment is when the program is killed.
type moment struct {
	// requests are made in this round before the last one.
	requests int
	how      string
	// n counts what how speaks of.
	n int
}

// The ways to choose a moment.
const (
	atAnswer = "at the answer"            // of the last request
	inFlight = "before the answer"        // while n other requests are answered
	atRecord = "after n inbox records"    // since the last request
	atWork   = "after n lines of its log" // since the last request
	atStart  = "as soon as it runs again" // with what the one before left
)

func (m moment) String() string { return fmt.Sprintf("%d requests, %s, %d", m.requests, m.how, m.n) }

// moments draws when to kill the program.
func moments(seed uint64, n int) []moment {
	rng := rand.New(rand.NewPCG(seed, 0))
	ways := []string{atAnswer, inFlight, inFlight, atRecord, atRecord, atWork, atWork, atWork, atStart}
	out := make([]moment, n)
	for k := range out {
		m := moment{requests: rng.IntN(4), how: ways[rng.IntN(len(ways))]}
		switch m.how {
		case inFlight:
			m.n = rng.IntN(4)
		case atRecord:
			m.n = 1 + rng.IntN(20)
		case atWork:
			m.n = 1 + rng.IntN(12)
		}
		out[k] = m
	}
	return out
}

// patience bounds the wait for work that may not come; see [driver.round].
const patience = 2 * time.Second

// round goes on with the story and kills the program at a moment.
func (d *driver) round(k int, m moment) {
	d.t.Helper()
	d.t.Logf("kill %d: %s", k+1, m)
	if m.how == atStart {
		d.kill()
		return
	}
	d.repeat()
	d.adopt()
	for n := range m.requests {
		d.ask(d.next(rand.New(rand.NewPCG(d.seed, uint64(k*100+n+1)))))
	}
	c := d.next(rand.New(rand.NewPCG(d.seed, uint64(k*100+99))))
	ctx, cancel := context.WithTimeout(d.t.Context(), patience)
	defer cancel()
	switch m.how {
	case inFlight:
		d.fly(c, m.n)
		return
	case atRecord:
		had := len(d.inbox())
		d.ask(c)
		// Each look takes a while, in which the program works on.
		for range 15 {
			if len(d.inbox()) >= had+m.n {
				break
			}
		}
	case atWork:
		had := d.p.log.count()
		d.ask(c)
		d.p.log.reach(ctx, had+m.n)
	case atAnswer:
		d.ask(c)
	}
	d.kill()
}

// fly makes a request and kills the program before or after it is answered,
// once n others are.
func (d *driver) fly(c *call, n int) {
	d.t.Helper()
	type answer struct {
		status int
		body   []byte
		err    error
	}
	got := make(chan answer, 1)
	go func() {
		status, body, err := d.send(c)
		got <- answer{status, body, err}
	}()
	for range n {
		d.must(&call{method: http.MethodGet, path: "/v1/parked"})
	}
	d.kill()
	switch a := <-got; {
	case a.err != nil:
		d.flying = c
		d.unanswered++
	case a.status >= 300:
		d.t.Fatalf("seed %d: %s = %d %s", d.seed, c, a.status, a.body)
	default:
		d.answered(c, a.body)
	}
}

// kills plays a story in which the program is killed n times, and judges it.
func kills(t *testing.T, seed uint64, n int) {
	t.Helper()
	t.Logf("seed %d", seed)
	d := newDriver(t, seed, groupedAlarms)
	for k, m := range moments(seed, n) {
		d.round(k, m)
		d.start()
	}
	d.repeat()
	d.finish()
	got := d.judge()
	if restarts := len(d.began) - 1; restarts != n {
		t.Errorf("seed %d: %d restarts after %d kills", seed, restarts, n)
	}
	fmt.Printf("kills: %d, restarts ok, %d messages, %d lost, %d doubled, %d out of order\n", n, got.messages, got.lost, got.doubled, got.disorder)
}
