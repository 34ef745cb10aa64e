package porttest

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"shirase/internal/deliver"
	"shirase/internal/incident"
)

// LedgerStore is what deliver keeps in the ledger and lists from it.
type LedgerStore interface {
	deliver.Ledger
	deliver.Listing
}

// ledgerCase is what one test of the suite works on.
type ledgerCase struct {
	t     *testing.T
	store LedgerStore
}

// Ledger is the suite of the ledger.
func Ledger(t *testing.T, open func(t *testing.T) LedgerStore) {
	t.Helper()
	for name, test := range map[string]func(ledgerCase){
		"answers items in order":                   ledgerItems,
		"grants one of many claims":                oneGrant,
		"takes one of many settlements":            oneSettlement,
		"leaves the others as they are":            aloneEach,
		"takes over a lost lease as unknown":       takeOver,
		"lists who was told":                       told,
		"lists deliveries whole":                   deliveries,
		"does what the pure rule does in any case": modelled,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(ledgerCase{t, open(t)})
		})
	}
}

func lineOf(id incident.ID, r string) deliver.Key {
	return deliver.Key{Incident: id, Channel: incident.Email, Recipient: incident.RecipientID(r)}
}

// askFor asks for a minute's lease.
func askFor(k deliver.Key, seq int, lease string, now time.Time) deliver.Ask {
	return deliver.Ask{Key: k, Seq: seq, Text: seq, Lease: lease, Now: now, Until: now.Add(time.Minute), Keyed: true}
}

func sent(k deliver.Key, lease string, now time.Time) deliver.Settlement {
	return deliver.Settlement{Key: k, Lease: lease, Now: now, Result: deliver.Sent, Done: true, Attempt: true, Post: "p-" + lease}
}

func ledgerItems(x ledgerCase) {
	t, l, ctx := x.t, x.store, x.t.Context()
	a, b, c := lineOf("i-1", "a"), lineOf("i-1", "b"), lineOf("i-1", "c")
	must1(l.Claim(ctx, []deliver.Ask{askFor(b, 2, "l-b", Start), askFor(a, 1, "l-a", Start)}))(t)
	items := must1(l.Items(ctx, []deliver.Key{c, b, a, b}))(t)
	seqs := make([]int, len(items))
	for n, it := range items {
		seqs[n] = it.Seq
	}
	same(t, "sequences of Items", seqs, []int{0, 2, 1, 2})
	same(t, "Items of nobody", items[0], deliver.Item{})
	other := a
	other.Channel = incident.SMS
	memo := a
	memo.Slot = "s"
	drill := a
	drill.Incident = "drill-i-1"
	for _, k := range []deliver.Key{other, memo, drill} {
		same(t, fmt.Sprintf("Items(%v)", k), must1(l.Items(ctx, []deliver.Key{k}))(t)[0], deliver.Item{})
	}
}

func oneGrant(x ledgerCase) {
	t, l := x.t, x.store
	k := lineOf("i-1", "a")
	verdicts := make([]deliver.Verdict, racers)
	for _, err := range race(func(n int) error {
		ds, err := l.Claim(t.Context(), []deliver.Ask{askFor(k, 1, numbered("l", n), Start)})
		if err == nil {
			verdicts[n] = ds[0].Verdict
		}
		return err
	}) {
		must(t, err)
	}
	granted := ""
	for n, v := range verdicts {
		switch {
		case v == deliver.Granted && granted == "":
			granted = numbered("l", n)
		case v != deliver.Busy:
			t.Errorf("verdict %d = %s, want busy for all but one", n, v)
		}
	}
	same(t, "lease kept", must1(l.Items(t.Context(), []deliver.Key{k}))(t)[0].Lease, granted)
}

func oneSettlement(x ledgerCase) {
	t, l, ctx := x.t, x.store, x.t.Context()
	k := lineOf("i-1", "a")
	must1(l.Claim(ctx, []deliver.Ask{askFor(k, 1, "l", Start)}))(t)
	taken := make([]bool, racers)
	for _, err := range race(func(n int) error {
		ok, err := l.Settle(ctx, []deliver.Settlement{sent(k, "l", Start)})
		if err == nil {
			taken[n] = ok[0]
		}
		return err
	}) {
		must(t, err)
	}
	n := 0
	for _, ok := range taken {
		if ok {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d settlements were taken, want 1", n)
	}
	it := must1(l.Items(ctx, []deliver.Key{k}))(t)[0]
	if it.State != deliver.Done || it.Attempts != 1 || it.Root != "p-l" || len(it.Marks) != 1 {
		t.Errorf("item = %+v, want done after one attempt", it)
	}
	ds := must1(l.Claim(ctx, []deliver.Ask{askFor(k, 1, "m", Start.Add(time.Hour)), askFor(k, 2, "n", Start.Add(time.Hour))}))(t)
	if ds[0].Verdict != deliver.Final || ds[1].Verdict != deliver.Granted {
		t.Errorf("verdicts = %s, %s, want final, granted", ds[0].Verdict, ds[1].Verdict)
	}
}

func aloneEach(x ledgerCase) {
	t, l, ctx := x.t, x.store, x.t.Context()
	a, b, c := lineOf("i-1", "a"), lineOf("i-1", "b"), lineOf("i-1", "c")
	must1(l.Claim(ctx, []deliver.Ask{askFor(b, 3, "held", Start)}))(t)
	ds := must1(l.Claim(ctx, []deliver.Ask{askFor(a, 2, "l-a", Start), askFor(b, 2, "l-b", Start), askFor(c, 2, "l-c", Start)}))(t)
	verdicts := []deliver.Verdict{ds[0].Verdict, ds[1].Verdict, ds[2].Verdict}
	same(t, "verdicts", verdicts, []deliver.Verdict{deliver.Granted, deliver.Older, deliver.Granted})
	taken := must1(l.Settle(ctx, []deliver.Settlement{sent(a, "l-a", Start), sent(b, "l-b", Start), sent(c, "stale", Start), sent(lineOf("i-1", "nobody"), "", Start)}))(t)
	same(t, "taken", taken, []bool{true, false, false, false})
	same(t, "nobody's item", must1(l.Items(ctx, []deliver.Key{lineOf("i-1", "nobody")}))(t)[0], deliver.Item{})
}

func takeOver(x ledgerCase) {
	t, l, ctx := x.t, x.store, x.t.Context()
	k := lineOf("i-1", "a")
	must1(l.Claim(ctx, []deliver.Ask{askFor(k, 1, "lost", Start)}))(t)
	d := must1(l.Claim(ctx, []deliver.Ask{askFor(k, 1, "early", Start.Add(time.Minute-1))}))(t)[0]
	if d.Verdict != deliver.Busy || !d.Wait.Equal(Start.Add(time.Minute)) {
		t.Errorf("claim of a live lease = %s until %s, want busy until its end", d.Verdict, d.Wait)
	}
	d = must1(l.Claim(ctx, []deliver.Ask{askFor(k, 2, "next", Start.Add(time.Minute))}))(t)[0]
	it := must1(l.Items(ctx, []deliver.Key{k}))(t)[0]
	if d.Verdict != deliver.Granted || it.Lease != "next" || len(it.Marks) != 1 || it.Marks[0].Result != deliver.Unknown {
		t.Errorf("claim of a lost lease = %s, %+v, want granted with 1 marked unknown", d.Verdict, it.Marks)
	}
	same(t, "late settlement", must1(l.Settle(ctx, []deliver.Settlement{sent(k, "lost", Start)}))(t), []bool{false})
}

func told(x ledgerCase) {
	t, l, ctx := x.t, x.store, x.t.Context()
	claim := func(k deliver.Key) {
		t.Helper()
		must1(l.Claim(ctx, []deliver.Ask{askFor(k, 1, "l", Start)}))(t)
	}
	var want []incident.RecipientID
	for n := range 9 {
		k := lineOf("i-1", numbered("r", n))
		want = append(want, k.Recipient)
		claim(k)
		k.Slot = numbered("slot#/", n) // a memo to the same person
		claim(k)
	}
	memoOnly := lineOf("i-1", "r0005x")
	memoOnly.Slot = "s"
	claim(memoOnly)
	claim(deliver.Key{Incident: "i-1", Channel: incident.SMS, Recipient: "r100"})
	claim(lineOf("i-10", "r101"))
	seen := map[incident.RecipientID]int{}
	late := 200
	for _, r := range pages(t, 4, func(cursor string) ([]incident.RecipientID, string, error) {
		return l.Told(ctx, "i-1", incident.Email, cursor, 4)
	}, func() { claim(lineOf("i-1", numbered("r", late))); late++ }) {
		seen[r]++
	}
	for _, r := range want {
		if seen[r] != 1 {
			t.Errorf("Told lists %s %d times, want once", r, seen[r])
		}
		delete(seen, r)
	}
	for r, n := range seen {
		if r < "r200" || n != 1 {
			t.Errorf("Told lists %s %d times, want not at all", r, n)
		}
	}
	rs, next, err := l.Told(ctx, "i-2", incident.Email, "", 4)
	must(t, err)
	if len(rs) != 0 || next != "" {
		t.Errorf("Told(i-2) = %v, %q, want nobody", rs, next)
	}
}

func deliveries(x ledgerCase) {
	t, l, ctx := x.t, x.store, x.t.Context()
	want := map[deliver.Key]deliver.Item{}
	for n := range 7 {
		k := lineOf("i-1", numbered("r", n))
		switch n % 3 {
		case 1:
			k.Channel = "slack"
		case 2:
			k.Slot = "remind/i-1/#1"
		}
		want[k] = must1(l.Claim(ctx, []deliver.Ask{askFor(k, 1, "l", Start)}))(t)[0].Item
	}
	got := map[deliver.Key]deliver.Item{}
	for _, d := range pages(t, 2, func(cursor string) ([]deliver.Delivery, string, error) {
		return l.Deliveries(ctx, "i-1", cursor, 2)
	}, nil) {
		got[d.Key] = d.Item
	}
	same(t, "Deliveries", got, want)
}

// modelled runs any asks and settlements on the store and on a map, by the same
// pure rules.
func modelled(x ledgerCase) {
	t, l := x.t, x.store
	run := 0
	rapid.Check(t, func(rt *rapid.T) {
		run++
		id := incident.ID(numbered("model-", run))
		model := map[deliver.Key]deliver.Item{}
		now := Start
		keyed := rapid.Bool().Draw(rt, "keyed")
		for step := range rapid.IntRange(1, 16).Draw(rt, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 200).Draw(rt, "seconds")) * time.Second)
			k := lineOf(id, rapid.SampledFrom([]string{"a", "b"}).Draw(rt, "who"))
			if rapid.Bool().Draw(rt, "settle") {
				s := deliver.Settlement{
					Key: k, Lease: rapid.SampledFrom([]string{model[k].Lease, "stale"}).Draw(rt, "lease"), Now: now,
					Result: rapid.SampledFrom([]deliver.Result{deliver.Sent, deliver.Failed, deliver.Unknown, ""}).Draw(rt, "result"),
					Done:   rapid.Bool().Draw(rt, "done"), RetryAt: now.Add(time.Minute), Attempt: true,
				}
				want, ok := s.Apply(model[k])
				taken, err := l.Settle(t.Context(), []deliver.Settlement{s})
				if err != nil || taken[0] != ok {
					rt.Fatalf("Settle = %v, %v, want %v", taken, err, ok)
				}
				model[k] = want
			} else {
				a := askFor(k, rapid.SampledFrom([]int{1, 1, 1, 2, 3}).Draw(rt, "seq"), numbered("l", step), now)
				a.Keyed = keyed
				want := deliver.Decide(model[k], a)
				ds, err := l.Claim(t.Context(), []deliver.Ask{a})
				if err != nil || ds[0].Verdict != want.Verdict {
					rt.Fatalf("Claim = %v, %v, want %s", ds, err, want.Verdict)
				}
				model[k] = want.Item
			}
			got, err := l.Items(t.Context(), []deliver.Key{k})
			if err != nil {
				rt.Fatal(err)
			}
			if d := diff(got[0], model[k]); d != "" {
				rt.Fatalf("item differs (-want +got):\n%s", d)
			}
		}
	})
}

// Jobs is the suite of the fan-out's cursors.
func Jobs(t *testing.T, open func(t *testing.T) deliver.Jobs) {
	t.Helper()
	t.Run("keeps a cursor for each job", func(t *testing.T) {
		t.Parallel()
		ctx, j := t.Context(), open(t)
		cur := deliver.Cursor{Source: 1, Route: 2, Shard: 3, From: "email#r1"}
		must(t, j.SaveJob(ctx, "i-1", 1, incident.Email, deliver.Cursor{Source: 9}))
		must(t, j.SaveJob(ctx, "i-1", 1, incident.Email, cur))
		must(t, j.SaveJob(ctx, "i-1", 1, incident.Email, cur))
		same(t, "Job", must1(j.Job(ctx, "i-1", 1, incident.Email))(t), cur)
		same(t, "Job of another update", must1(j.Job(ctx, "i-1", 2, incident.Email))(t), deliver.Cursor{})
		same(t, "Job of another channel", must1(j.Job(ctx, "i-1", 1, incident.SMS))(t), deliver.Cursor{})
		same(t, "Job of another incident", must1(j.Job(ctx, "i-2", 1, incident.Email))(t), deliver.Cursor{})
	})
}
