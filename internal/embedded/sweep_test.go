package embedded_test

import (
	"strconv"
	"testing"
	"time"

	"shirase/internal/announce"
	"shirase/internal/deliver"
	"shirase/internal/embedded"
	"shirase/internal/incident"
	"shirase/internal/message"
	"shirase/internal/porttest"
	"shirase/internal/subscribe"
)

const day = 24 * time.Hour

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// over answers an incident that was announced at the start and ended a while after.
func over(t *testing.T, s *embedded.Store, id incident.ID, end time.Time) incident.Incident {
	t.Helper()
	at := porttest.Start
	i, err := incident.Open(incident.Opening{
		ID: id, Kind: incident.Outage, Severity: incident.Minor, Components: []incident.ComponentID{"checkout"},
		DetectedAt: at, At: at, By: "sato", Plan: 1,
	})
	ok(t, err)
	i, _, err = i.Accept(incident.Proposal{Kind: incident.Notice, Stage: incident.Investigating, By: "sato", Next: at.Add(time.Hour)}, at)
	ok(t, err)
	ok(t, s.Commit(t.Context(), announce.Change{Incidents: []announce.Versioned{{Incident: i}}}))
	i, _, err = i.Accept(incident.Proposal{Kind: incident.Notice, Stage: incident.Resolved, By: "sato"}, end)
	ok(t, err)
	ok(t, s.Commit(t.Context(), announce.Change{Incidents: []announce.Versioned{{Incident: i, Base: i.Version() - 1}}}))
	return i
}

func claim(t *testing.T, s *embedded.Store, k deliver.Key, at time.Time) deliver.Decision {
	t.Helper()
	ds, err := s.Claim(t.Context(), []deliver.Ask{{Key: k, Seq: 1, Text: 1, Lease: at.String(), Now: at, Until: at.Add(time.Minute), Keyed: true}})
	ok(t, err)
	return ds[0]
}

func lines(t *testing.T, s *embedded.Store, id incident.ID) int {
	t.Helper()
	ds, _, err := s.Deliveries(t.Context(), id, "", 0)
	ok(t, err)
	return len(ds)
}

func TestSweepForgetsOldLedgers(t *testing.T) {
	t.Parallel()
	for name, open := range backends() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := t.Context()
			s := embedded.New(open(t), still)
			end := porttest.Start.Add(time.Hour)
			over(t, s, "i-1", end)
			again := over(t, s, "i-10", end)
			const many = 1201 // more than one transaction of the sweep
			asks := make([]deliver.Ask, many)
			for n := range asks {
				k := deliver.Key{Incident: "i-1", Channel: incident.Email, Recipient: incident.RecipientID(strconv.Itoa(n))}
				asks[n] = deliver.Ask{Key: k, Seq: 1, Lease: "l", Now: end, Until: end}
			}
			_, err := s.Claim(ctx, asks)
			ok(t, err)
			claim(t, s, deliver.Key{Incident: "i-10", Channel: incident.Email, Recipient: "r"}, end)
			ok(t, s.Sweep(ctx, end.Add(90*day-1)))
			if n := lines(t, s, "i-1"); n != many {
				t.Errorf("%d lines before their time, want %d", n, many)
			}
			again, _, err = again.Accept(incident.Proposal{
				Kind: incident.Notice, Stage: incident.Investigating, By: "sato", Next: end.Add(3 * time.Hour),
			}, end.Add(2*time.Hour))
			ok(t, err)
			ok(t, s.Commit(ctx, announce.Change{Incidents: []announce.Versioned{{Incident: again, Base: again.Version() - 1}}}))
			ok(t, s.Sweep(ctx, end.Add(90*day)))
			if n := lines(t, s, "i-1"); n != 0 {
				t.Errorf("%d lines of an incident long over, want 0", n)
			}
			if n := lines(t, s, "i-10"); n != 1 {
				t.Errorf("%d lines of an incident that was reopened, want 1", n)
			}
		})
	}
}

func TestSweepForgetsAnswersMemosAndCounts(t *testing.T) {
	t.Parallel()
	ctx, start := t.Context(), porttest.Start
	kv := embedded.NewMemory()
	s := embedded.New(kv, still)
	b, err := embedded.NewBook(kv, 1)
	ok(t, err)
	ok(t, s.Commit(ctx, announce.Change{Answer: &announce.Answer{Key: "k", At: start, Result: []byte("x")}}))
	again := start.Add(announce.AnswerLife)
	ok(t, s.Commit(ctx, announce.Change{Answer: &announce.Answer{Key: "k", At: again, Result: []byte("y")}}))
	memo := deliver.Memo{
		Incident: deliver.NoIncident, Slot: "confirm/1", Channel: incident.Email, Recipient: "r", Content: message.Content{Text: "t"}, At: start,
	}
	ok(t, b.Commit(ctx, subscribe.Change{Record: subscribe.Record{Subscriber: incident.Subscriber{ID: "r", Channel: incident.Email}}, Memo: &memo}))
	claim(t, s, deliver.Key{Incident: deliver.NoIncident, Channel: incident.Email, Recipient: "r", Slot: memo.Slot}, start)
	limit := subscribe.Cap{N: 1, Per: time.Hour}
	for _, at := range []time.Time{start, start.Add(time.Hour)} {
		wait, err := b.Take(ctx, "c", limit, at)
		if err != nil || wait != 0 {
			t.Fatalf("Take = %s, %v, want at once", wait, err)
		}
	}

	ok(t, s.Sweep(ctx, start.Add(time.Hour)))
	if wait, err := b.Take(ctx, "c", limit, start.Add(time.Hour+1)); err != nil || wait == 0 {
		t.Errorf("Take after the sweep = %s, %v, want to wait: the count goes on", wait, err)
	}
	ok(t, s.Sweep(ctx, again))
	if a, known, err := s.Answer(ctx, "k", again); err != nil || !known || string(a.Result) != "y" {
		t.Errorf("Answer = %q, %t, %v, want the newer one", a.Result, known, err)
	}
	if n := lines(t, s, deliver.NoIncident); n != 1 {
		t.Errorf("%d lines of memos, want 1", n)
	}
	ok(t, s.Sweep(ctx, start.Add(90*day)))
	if _, err := s.Memo(ctx, memo.Incident, memo.Slot); err == nil {
		t.Error("Memo is there after its time")
	}
	if n := lines(t, s, deliver.NoIncident); n != 0 {
		t.Errorf("%d lines of memos after their time, want 0", n)
	}
}

// A lease that a process left behind ends at the next start, and what it was
// for is not taken for unsent.
func TestReleaseEndsLostLeases(t *testing.T) {
	t.Parallel()
	for name, open := range backends() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := embedded.New(open(t), still)
			const many = 1100 // more than one transaction
			for n := range many {
				claim(t, s, deliver.Key{Incident: "i-1", Channel: incident.Email, Recipient: incident.RecipientID(strconv.Itoa(n))}, porttest.Start)
			}
			done := deliver.Key{Incident: "i-1", Channel: incident.SMS, Recipient: "done"}
			d := claim(t, s, done, porttest.Start)
			_, err := s.Settle(t.Context(), []deliver.Settlement{{Key: done, Lease: d.Item.Lease, Now: porttest.Start, Result: deliver.Sent, Done: true}})
			ok(t, err)
			restart := porttest.Start.Add(time.Second)
			ok(t, s.Release(t.Context(), restart))
			for n := range many {
				d := claim(t, s, deliver.Key{Incident: "i-1", Channel: incident.Email, Recipient: incident.RecipientID(strconv.Itoa(n))}, restart)
				if d.Verdict != deliver.Granted || len(d.Item.Marks) != 1 || d.Item.Marks[0].Result != deliver.Unknown {
					t.Fatalf("claim %d after the restart = %s, %+v, want granted after an unknown end", n, d.Verdict, d.Item.Marks)
				}
			}
			if d := claim(t, s, done, restart); d.Verdict != deliver.Final {
				t.Errorf("claim of what is done = %s, want final", d.Verdict)
			}
		})
	}
}

func TestNextDue(t *testing.T) {
	t.Parallel()
	ctx, kv := t.Context(), embedded.NewMemory()
	s := embedded.New(kv, still)
	b, err := embedded.NewBook(kv, 1)
	ok(t, err)
	if _, any, err := s.NextDue(ctx); err != nil || any {
		t.Errorf("NextDue of nothing = %t, %v, want none", any, err)
	}
	at := porttest.Start.Add(31*time.Minute + 5)
	ok(t, s.Commit(ctx, announce.Change{Due: []announce.Due{{ID: "b", At: at.Add(1)}, {ID: "a", At: at}}}))
	if got, any, err := s.NextDue(ctx); err != nil || !any || !got.Equal(at) {
		t.Errorf("NextDue = %s, %t, %v, want %s", got, any, err, at)
	}
	r := subscribe.Record{Subscriber: incident.Subscriber{ID: "r", Channel: incident.Email}}
	ok(t, b.Commit(ctx, subscribe.Change{Record: r, Work: []subscribe.Work{{ID: "w", Due: at.Add(time.Hour)}}}))
	if got, any, err := b.NextDue(ctx); err != nil || !any || !got.Equal(at.Add(time.Hour)) {
		t.Errorf("NextDue of the book = %s, %t, %v, want an hour later", got, any, err)
	}
}
