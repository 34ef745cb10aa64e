package dynamo_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"shirase/internal/aws/dynamo"
	"shirase/internal/deliver"
	"shirase/internal/incident"
)

var (
	start     = time.Date(2026, 9, 15, 5, 7, 0, 0, time.UTC)
	oneOfEach = dynamo.Tables{Incidents: "incidents", Subscribers: "subscribers", Deliveries: "deliveries"}
)

// stubbed answers ledgers over one keeper, as many processes have.
func stubbed(t *testing.T) (s *keeper, open func() *dynamo.Ledger) {
	t.Helper()
	s, api := newKeeper(t)
	return s, func() *dynamo.Ledger {
		l, err := dynamo.NewLedger(api, oneOfEach, 4)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
}

func keysOf(ids ...incident.RecipientID) (ks []deliver.Key) {
	for _, id := range ids {
		ks = append(ks, deliver.Key{Incident: "i-1", Channel: incident.Email, Recipient: id})
	}
	return ks
}

func asksFor(lease string, ks []deliver.Key) (as []deliver.Ask) {
	for _, k := range ks {
		as = append(as, deliver.Ask{Key: k, Seq: 1, Lease: lease + string(k.Recipient), Now: start, Until: start.Add(time.Minute), Keyed: true})
	}
	return as
}

func settlements(lease string, ks []deliver.Key) (ss []deliver.Settlement) {
	for _, k := range ks {
		ss = append(ss, deliver.Settlement{Key: k, Lease: lease + string(k.Recipient), Now: start, Result: deliver.Sent, Done: true, Attempt: true})
	}
	return ss
}

// verdicts claims and answers the verdicts.
func verdicts(t *testing.T, l *dynamo.Ledger, as []deliver.Ask) (vs []deliver.Verdict) {
	t.Helper()
	ds, err := l.Claim(t.Context(), as)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range ds {
		vs = append(vs, d.Verdict)
	}
	return vs
}

// TestDeliveringCostsOneReadAndTwoWrites brings 50 people one text as a sender
// does: read the ledger, claim and settle, a wave at a time.
func TestDeliveringCostsOneReadAndTwoWrites(t *testing.T) {
	t.Parallel()
	s, open := stubbed(t)
	l := open()
	var ids []incident.RecipientID
	for n := range 50 {
		ids = append(ids, incident.NewRecipientID([]byte("key"), incident.Email, incident.Address(fmt.Sprintf("r%d@reader.example", n))))
	}
	for wave := range slices.Chunk(keysOf(ids...), 16) {
		if _, err := l.Items(t.Context(), wave); err != nil {
			t.Fatal(err)
		}
		for _, v := range verdicts(t, l, asksFor("l", wave)) {
			if v != deliver.Granted {
				t.Fatalf("Claim = %s, want granted", v)
			}
		}
		taken, err := l.Settle(t.Context(), settlements("l", wave))
		if err != nil || slices.Contains(taken, false) {
			t.Fatalf("Settle = %v, %v, want all", taken, err)
		}
	}
	if r, w := s.used(); r != 50 || w != 100 {
		t.Errorf("50 deliveries cost %d reads and %d writes, want 50 and 100", r, w)
	}
	for _, it := range s.items {
		if got, want := it["ttl"]["N"], fmt.Sprint(start.Add(180*24*time.Hour).Unix()); got != want {
			t.Fatalf("a line lives until %v, want %s", got, want)
		}
	}
}

// TestLinesOfOtherProcesses lets two ledgers disagree about a line: what is
// remembered must grant nothing, and refuse nothing.
func TestLinesOfOtherProcesses(t *testing.T) {
	t.Parallel()
	s, open := stubbed(t)
	a, b, ks := open(), open(), keysOf("r1")
	if _, err := a.Items(t.Context(), ks); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]deliver.Verdict{deliver.Granted}, verdicts(t, b, asksFor("b", ks))); d != "" {
		t.Errorf("the first claim differs (-want +got):\n%s", d)
	}
	s.used()
	if d := cmp.Diff([]deliver.Verdict{deliver.Busy}, verdicts(t, a, asksFor("a", ks))); d != "" {
		t.Errorf("a claim on what was free when it was read differs (-want +got):\n%s", d)
	}
	if r, w := s.used(); r != 0 || w != 1 {
		t.Errorf("it cost %d reads and %d writes, want 0 and 1: the refusal tells how the line is", r, w)
	}
	back := settlements("b", ks)
	back[0].Result, back[0].Done = "", false
	if taken, err := b.Settle(t.Context(), back); err != nil || !taken[0] {
		t.Fatalf("Settle = %v, %v, want taken", taken, err)
	}
	if d := cmp.Diff([]deliver.Verdict{deliver.Granted}, verdicts(t, a, asksFor("a", ks))); d != "" {
		t.Errorf("a claim on what was held when it was read differs (-want +got):\n%s", d)
	}
	if taken, err := b.Settle(t.Context(), back); err != nil || taken[0] {
		t.Errorf("Settle of a lease that is over = %v, %v, want refused", taken, err)
	}
	if taken, err := open().Settle(t.Context(), settlements("a", ks)); err != nil || !taken[0] {
		t.Errorf("Settle by a process that remembers nothing = %v, %v, want taken", taken, err)
	}
}

func TestOneThatFailsLeavesTheOthers(t *testing.T) {
	t.Parallel()
	s, open := stubbed(t)
	l, ks := open(), keysOf("r1", "r2", "r3")
	only := func(f fault) func(op, sk string) fault {
		return func(op, sk string) fault {
			if op == "PutItem" && sk == "email#r2" {
				return f
			}
			return ""
		}
	}
	s.fails(only(refuse))
	ds, err := l.Claim(t.Context(), asksFor("l", ks))
	if err != nil {
		t.Fatal(err)
	}
	if ds[0].Verdict != deliver.Granted || ds[1].Verdict != deliver.Later || ds[2].Verdict != deliver.Granted {
		t.Errorf("verdicts = %s, %s, %s, want granted, later, granted", ds[0].Verdict, ds[1].Verdict, ds[2].Verdict)
	}
	if w := ds[1].Wait; !w.After(start) || w.After(start.Add(time.Minute)) {
		t.Errorf("it is to wait until %s, want soon after %s", w, start)
	}
	if _, err := l.Claim(t.Context(), asksFor("l", ks[1:2])); err == nil {
		t.Error("Claim of one that fails alone = nil, want the error")
	}
	s.fails(only(""))
	if d := cmp.Diff([]deliver.Verdict{deliver.Granted}, verdicts(t, l, asksFor("m", ks[1:2]))); d != "" {
		t.Errorf("the claim after it differs (-want +got):\n%s", d)
	}
	s.fails(only(refuse))
	ss := append(settlements("l", ks[:1]), settlements("m", ks[1:2])...)
	ss = append(ss, settlements("l", ks[2:])...)
	if _, err := l.Settle(t.Context(), ss); err == nil {
		t.Error("Settle with one that fails = nil, want the error")
	}
	s.fails(only(""))
	taken, err := l.Settle(t.Context(), ss)
	if d := cmp.Diff([]bool{false, true, false}, taken); d != "" || err != nil {
		t.Errorf("the second Settle = %v, %v, want only the one that had failed", taken, err)
	}
}

// TestWritesWhoseAnswerWasLost loses the answer to the first try of each write:
// the second meets it, and knows it.
func TestWritesWhoseAnswerWasLost(t *testing.T) {
	t.Parallel()
	s, open := stubbed(t)
	l, ks := open(), keysOf("r1")
	lost := map[string]int{}
	s.fails(func(op, _ string) fault {
		lost[op]++
		if op == "PutItem" && lost[op]%2 == 1 {
			return lose
		}
		return ""
	})
	if d := cmp.Diff([]deliver.Verdict{deliver.Granted}, verdicts(t, l, asksFor("l", ks))); d != "" {
		t.Errorf("the claim differs (-want +got):\n%s", d)
	}
	if d := cmp.Diff([]deliver.Verdict{deliver.Busy}, verdicts(t, l, asksFor("l", ks))); d != "" {
		t.Errorf("the same claim again differs (-want +got):\n%s", d)
	}
	for n, want := range []bool{true, false} {
		if taken, err := l.Settle(t.Context(), settlements("l", ks)); err != nil || taken[0] != want {
			t.Errorf("Settle %d = %v, %v, want %t", n, taken, err, want)
		}
	}
	if lost["PutItem"] != 4 {
		t.Errorf("there were %d tries to write, want 2 of each", lost["PutItem"])
	}
}

// TestClaimWithoutAnyAnswer is over before the SDK gives up: the next one finds
// its own lease and waits.
func TestClaimWithoutAnyAnswer(t *testing.T) {
	t.Parallel()
	s, open := stubbed(t)
	l, ks := open(), keysOf("r1")
	s.fails(func(op, _ string) fault {
		if op == "PutItem" {
			return lose
		}
		return ""
	})
	if _, err := l.Claim(t.Context(), asksFor("l", ks)); err == nil {
		t.Error("Claim that nothing answers = nil, want an error")
	}
	s.fails(func(string, string) fault { return "" })
	ds, err := l.Claim(t.Context(), asksFor("m", ks))
	if err != nil || ds[0].Verdict != deliver.Busy || !ds[0].Wait.Equal(start.Add(time.Minute)) {
		t.Errorf("the next Claim = %+v, %v, want busy until the end of the lease", ds, err)
	}
}

func TestCursorsThatWereNotGivenOut(t *testing.T) {
	t.Parallel()
	_, open := stubbed(t)
	l := open()
	for _, cursor := range []string{"x", "1", "1#", "x#email#r", "-1#r", "4#r"} {
		if _, _, err := l.Told(t.Context(), "i-1", incident.Email, cursor, 1); !errors.Is(err, incident.ErrInvalid) {
			t.Errorf("Told(%q) = %v, want ErrInvalid", cursor, err)
		}
		if _, _, err := l.Deliveries(t.Context(), "i-1", cursor, 1); !errors.Is(err, incident.ErrInvalid) {
			t.Errorf("Deliveries(%q) = %v, want ErrInvalid", cursor, err)
		}
	}
}

func TestShardsThatThereCannotBe(t *testing.T) {
	t.Parallel()
	_, api := newKeeper(t)
	for shards, ok := range map[int]bool{-1: false, 0: false, 1: true, 64: true, 65: false} {
		_, err := dynamo.NewLedger(api, oneOfEach, shards)
		if ok != (err == nil) || !ok && !errors.Is(err, incident.ErrInvalid) {
			t.Errorf("NewLedger(%d) = %v, want accepted: %t", shards, err, ok)
		}
		_, err = dynamo.NewBook(api, oneOfEach, shards)
		if ok != (err == nil) || !ok && !errors.Is(err, incident.ErrInvalid) {
			t.Errorf("NewBook(%d) = %v, want accepted: %t", shards, err, ok)
		}
		_, err = dynamo.NewSubscriptions(api, oneOfEach, shards)
		if ok != (err == nil) || !ok && !errors.Is(err, incident.ErrInvalid) {
			t.Errorf("NewSubscriptions(%d) = %v, want accepted: %t", shards, err, ok)
		}
	}
}
