package deliver

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"shirase/internal/incident"
	"shirase/internal/plan"
)

// fan runs a pointer to its end and answers who was queued, by channel, in
// order and as often as they were.
func fan(t *testing.T, w *twin, p Pointer) map[incident.Channel][]incident.RecipientID {
	t.Helper()
	return fanBy(t, w, p, 0)
}

// fanBy is fan with a page of so many.
func fanBy(t *testing.T, w *twin, p Pointer, page int) map[incident.Channel][]incident.RecipientID {
	t.Helper()
	w.queued = nil
	for {
		f := w.fanOut()
		if page > 0 {
			f.Page = page
		}
		more, err := f.Pointer(t.Context(), p, w.now)
		if err != nil {
			t.Fatalf("Pointer(%+v) = %v", p, err)
		}
		if !more {
			return byChannel(w.queued)
		}
	}
}

func byChannel(cs []Chunk) map[incident.Channel][]incident.RecipientID {
	out := map[incident.Channel][]incident.RecipientID{}
	for _, c := range cs {
		out[c.Channel] = append(out[c.Channel], c.Recipients...)
	}
	for _, ids := range out {
		slices.Sort(ids)
	}
	return out
}

// put writes what the ledger knows of a recipient: each text with its result.
func (w *twin) put(id incident.ID, c incident.Channel, r incident.RecipientID, ms ...Mark) {
	it := Item{State: Done}
	for _, m := range ms {
		m.Seq = m.Text
		it.Seq, it.Text = m.Seq, m.Text
		it.Marks = append(it.Marks, m)
	}
	w.items[Key{Incident: id, Channel: c, Recipient: r}] = it
}

func sorted(ids ...incident.RecipientID) []incident.RecipientID {
	slices.Sort(ids)
	return ids
}

func TestFanOutSources(t *testing.T) {
	t.Parallel()
	type scene struct {
		*twin
		sato, account                 incident.RecipientID // in the plan
		all, login                    incident.RecipientID // mail: everything; another component
		left, fresh                   incident.RecipientID // mail: told 1, filter has changed; told nothing
		smsTold, smsFailed, smsUntold incident.RecipientID
	}
	build := func() scene {
		w := newTwin()
		w.open(theOne)
		s := scene{twin: w, sato: hashOf(incident.Email, "sato@minato.test"), account: hashOf(mastodon, w.plan.Targets[0].Address)}
		login := func(sub *incident.Subscriber) { sub.Components = []incident.ComponentID{"login"} }
		s.all, s.fresh = w.subscribe(incident.Email, "all@minato.test"), w.subscribe(incident.Email, "fresh@minato.test")
		s.login, s.left = w.subscribe(incident.Email, "login@minato.test", login), w.subscribe(incident.Email, "left@minato.test", login)
		s.smsTold, s.smsFailed = w.subscribe(incident.SMS, "+1"), w.subscribe(incident.SMS, "+2")
		s.smsUntold = w.subscribe(incident.SMS, "+3")
		w.subscribe(incident.Email, "pending@minato.test", func(sub *incident.Subscriber) { sub.State = incident.Pending })
		w.subscribe(incident.Email, "staff@minato.test", func(sub *incident.Subscriber) { sub.Audience = incident.Staff })
		return s
	}
	told := func(s scene) {
		s.put(theOne, incident.Email, s.all, Mark{Text: 1, Result: Sent})
		s.put(theOne, incident.Email, s.left, Mark{Text: 1, Result: Unknown})
		s.put(theOne, incident.SMS, s.smsTold, Mark{Text: 1, Result: Sent})
		s.put(theOne, incident.SMS, s.smsFailed, Mark{Text: 1, Result: Failed})
	}
	mail := []incident.Route{{Audience: incident.Engineering, Channel: incident.Email}, {Audience: incident.Customers, Channel: incident.Email}}
	for _, c := range []struct {
		name string
		do   func(scene) int // publishes, answers the update to fan out
		want func(scene) map[incident.Channel][]incident.RecipientID
	}{
		{
			name: "first notice: plan and matching subscribers",
			do:   func(s scene) int { return s.notice(theOne, incident.Investigating) },
			want: func(s scene) map[incident.Channel][]incident.RecipientID {
				return map[incident.Channel][]incident.RecipientID{
					incident.Email: sorted(s.sato, s.all, s.fresh), incident.SMS: sorted(s.smsTold, s.smsFailed, s.smsUntold),
					mastodon: {s.account},
				}
			},
		},
		{
			name: "a later one, by mail alone: also who was told and no longer matches",
			do: func(s scene) int {
				s.notice(theOne, incident.Investigating)
				told(s)
				return s.publish(theOne, incident.Proposal{Kind: incident.Notice, Stage: incident.Identified, Routes: mail})
			},
			want: func(s scene) map[incident.Channel][]incident.RecipientID {
				return map[incident.Channel][]incident.RecipientID{incident.Email: sorted(s.sato, s.all, s.fresh, s.left)}
			},
		},
		{
			name: "the end, by mail alone: whoever was told on any channel",
			do: func(s scene) int {
				s.notice(theOne, incident.Investigating)
				told(s)
				return s.publish(theOne, incident.Proposal{Kind: incident.Notice, Stage: incident.Resolved, Routes: mail})
			},
			want: func(s scene) map[incident.Channel][]incident.RecipientID {
				return map[incident.Channel][]incident.RecipientID{
					incident.Email: sorted(s.sato, s.all, s.fresh, s.all, s.left), incident.SMS: {s.smsTold},
				}
			},
		},
		{
			name: "a report, by mail alone: nobody else",
			do: func(s scene) int {
				s.notice(theOne, incident.Investigating)
				told(s)
				s.notice(theOne, incident.Resolved)
				return s.publish(theOne, incident.Proposal{Kind: incident.Report, Stage: incident.Postmortem, Routes: mail})
			},
			want: func(s scene) map[incident.Channel][]incident.RecipientID {
				return map[incident.Channel][]incident.RecipientID{incident.Email: sorted(s.sato, s.all, s.fresh, s.left)}
			},
		},
		{
			name: "a retraction: who was told what it is of, and whom that did not reach",
			do: func(s scene) int {
				s.notice(theOne, incident.Investigating)
				told(s)
				s.notice(theOne, incident.Identified)
				s.put(theOne, incident.Email, s.fresh, Mark{Text: 2, Result: Sent})
				return s.mend(theOne, incident.Retraction, 1)
			},
			want: func(s scene) map[incident.Channel][]incident.RecipientID {
				return map[incident.Channel][]incident.RecipientID{
					incident.Email: sorted(s.all, s.left), incident.SMS: sorted(s.smsTold, s.smsFailed),
				}
			},
		},
		{
			name: "a correction, by mail alone: everyone there, elsewhere who was told",
			do: func(s scene) int {
				s.notice(theOne, incident.Investigating)
				told(s)
				return s.publish(theOne, incident.Proposal{Kind: incident.Correction, Of: 1, Routes: mail})
			},
			want: func(s scene) map[incident.Channel][]incident.RecipientID {
				return map[incident.Channel][]incident.RecipientID{
					incident.Email: sorted(s.sato, s.all, s.fresh, s.left), incident.SMS: {s.smsTold},
				}
			},
		},
		{
			name: "a correction of what went by mail alone: nobody who was told something else",
			do: func(s scene) int {
				s.notice(theOne, incident.Investigating)
				told(s)
				of := s.publish(theOne, incident.Proposal{Kind: incident.Progress, Routes: mail})
				return s.publish(theOne, incident.Proposal{Kind: incident.Correction, Of: of, Routes: mail})
			},
			want: func(s scene) map[incident.Channel][]incident.RecipientID {
				return map[incident.Channel][]incident.RecipientID{incident.Email: sorted(s.sato, s.all, s.fresh)}
			},
		},
		{
			name: "merged: who was told",
			do: func(s scene) int {
				s.notice(theOne, incident.Investigating)
				told(s)
				s.open(other)
				return s.merge(theOne, other)
			},
			want: func(s scene) map[incident.Channel][]incident.RecipientID {
				return map[incident.Channel][]incident.RecipientID{incident.Email: sorted(s.all, s.left), incident.SMS: {s.smsTold}}
			},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := build()
			seq := c.do(s)
			if seq == 0 {
				t.Fatal("the update was not accepted")
			}
			if diff := cmp.Diff(c.want(s), fan(t, s.twin, Pointer{Incident: theOne, Seq: seq})); diff != "" {
				t.Errorf("queued (-want +got):\n%s", diff)
			}
			if again := fan(t, s.twin, Pointer{Incident: theOne, Seq: seq}); len(again) != 0 {
				t.Errorf("queued %v the second time, want nothing", again)
			}
		})
	}
}

// TestFanOutReachesThePeopleOfMergedIncidents goes by pages of one, so that the
// cursor crosses from ledger to ledger.
func TestFanOutReachesThePeopleOfMergedIncidents(t *testing.T) {
	t.Parallel()
	const other incident.ID = "other"
	w := newTwin()
	w.open(theOne)
	w.open(other)
	login := func(sub *incident.Subscriber) { sub.Components = []incident.ComponentID{"search"} }
	theirs, both := w.subscribe(incident.Email, "theirs@minato.test", login), w.subscribe(incident.Email, "both@minato.test", login)
	failed := w.subscribe(incident.Email, "failed@minato.test", login)
	text := w.subscribe(incident.SMS, "+9", login)
	w.notice(theOne, incident.Investigating)
	w.notice(other, incident.Investigating)
	for _, id := range []incident.RecipientID{theirs, both} {
		w.put(other, incident.Email, id, Mark{Text: 1, Result: Sent})
	}
	w.put(other, incident.Email, failed, Mark{Text: 1, Result: Failed})
	w.put(other, incident.SMS, text, Mark{Text: 1, Result: Sent})
	w.put(theOne, incident.Email, both, Mark{Text: 1, Result: Sent})
	a, err := w.incidents[theOne].Absorb(w.incidents[other])
	if err != nil {
		t.Fatal(err)
	}
	w.incidents[theOne] = a
	mail := []incident.Route{{Audience: incident.Engineering, Channel: incident.Email}, {Audience: incident.Customers, Channel: incident.Email}}
	next := w.now.Add(time.Hour)
	for _, c := range []struct {
		name      string
		p         incident.Proposal
		mail, sms []incident.RecipientID
	}{
		{"news", incident.Proposal{Kind: incident.Notice, Stage: incident.Identified, Next: next, Routes: mail}, sorted(theirs, both), nil},
		{"a retraction", incident.Proposal{Kind: incident.Retraction, Of: 1, Stage: incident.Identified, Next: next}, []incident.RecipientID{both}, nil},
		{"the end", incident.Proposal{Kind: incident.Notice, Stage: incident.Resolved}, sorted(theirs, both), []incident.RecipientID{text}},
	} {
		c.p.By = "key"
		seq := w.publish(theOne, c.p)
		got := fanBy(t, w, Pointer{Incident: theOne, Seq: seq}, 1)
		for _, known := range []incident.RecipientID{hashOf(incident.Email, "sato@minato.test")} {
			got[incident.Email] = slices.DeleteFunc(got[incident.Email], func(id incident.RecipientID) bool { return id == known })
		}
		if mails := slices.Compact(got[incident.Email]); !slices.Equal(mails, c.mail) || !slices.Equal(got[incident.SMS], c.sms) {
			t.Errorf("%s goes to %v by mail and %v by SMS, want %v and %v", c.name, mails, got[incident.SMS], c.mail, c.sms)
		}
	}
}

func TestFanOutInADrill(t *testing.T) {
	t.Parallel()
	w := newTwin()
	const id incident.ID = "drill-1"
	w.open(id)
	p := *w.plan
	p.DrillRecipients = []plan.MemberID{"sato"}
	w.plan = &p
	w.subscribe(incident.Email, "customer@minato.test")
	want := map[incident.Channel][]incident.RecipientID{
		incident.Email: {hashOf(incident.Email, "sato@minato.test")}, incident.SMS: {hashOf(incident.SMS, "+819000000001")},
	}
	for _, st := range []incident.Stage{incident.Investigating, incident.Resolved} {
		if diff := cmp.Diff(want, fan(t, w, Pointer{Incident: id, Seq: w.notice(id, st)})); diff != "" {
			t.Errorf("queued at %s (-want +got):\n%s", st, diff)
		}
	}
}

func TestFanOutPacks(t *testing.T) {
	t.Parallel()
	w := newTwin()
	w.open(theOne)
	for n := range 120 {
		w.subscribe(incident.Email, incident.Address(fmt.Sprintf("r%d@minato.test", n)))
		w.subscribe(incident.SMS, incident.Address(fmt.Sprintf("+%d", n)))
	}
	for n := range 3 {
		w.subscribe(incident.Webhook, incident.Address(fmt.Sprintf("https://Hook.test:8443/%d?token=secret", n)))
	}
	f := w.fanOut()
	f.Page = 0 // the usual
	w.shards = 1
	if _, err := f.Pointer(t.Context(), Pointer{Incident: theOne, Seq: w.notice(theOne, incident.Investigating)}, w.now.Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	got := map[incident.Channel][]string{}
	for _, c := range w.queued {
		if c.Incident != theOne || c.FromSeq != 1 || c.Slot != "" {
			t.Errorf("chunk = %+v", c)
		}
		got[c.Channel] = append(got[c.Channel], fmt.Sprint(len(c.Recipients), c.Group))
	}
	want := map[incident.Channel][]string{
		incident.Email: {"1", "50", "50", "20"}, incident.Webhook: {"1hook.test:8443", "1hook.test:8443", "1hook.test:8443"},
		mastodon: {"1account-en"},
	}
	for range 12 {
		want[incident.SMS] = append(want[incident.SMS], "10")
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("chunks (-want +got):\n%s", diff)
	}
}

func TestFanOutGroupsWhoIsKnownByIDOnly(t *testing.T) {
	t.Parallel()
	w := newTwin()
	w.open(theOne)
	hook := w.subscribe(incident.Webhook, "https://hook.test/in")
	account := hashOf(mastodon, w.plan.Targets[0].Address)
	w.notice(theOne, incident.Investigating)
	w.put(theOne, incident.Webhook, hook, Mark{Text: 1, Result: Sent})
	w.put(theOne, incident.Webhook, "removed", Mark{Text: 1, Result: Sent})
	w.put(theOne, mastodon, account, Mark{Text: 1, Result: Sent})
	fan(t, w, Pointer{Incident: theOne, Seq: w.mend(theOne, incident.Retraction, 1)})
	got := map[incident.RecipientID]string{}
	for _, c := range w.queued {
		got[c.Recipients[0]] = c.Group
	}
	want := map[incident.RecipientID]string{hook: "hook.test", account: "account-en", "removed": "removed"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("groups (-want +got):\n%s", diff)
	}
}

// A crash at any port call, before its effect or after, loses nobody: what was
// queued by both runs together is what one whole run queues.
func TestFanOutAfterACrash(t *testing.T) {
	t.Parallel()
	build := func() (*twin, Pointer) {
		w := newTwin()
		w.open(theOne)
		for n := range 20 {
			id := w.subscribe(incident.Email, incident.Address(fmt.Sprintf("r%d@minato.test", n)))
			if n%3 == 0 {
				w.put(theOne, incident.Email, id, Mark{Text: 1, Result: Sent})
			}
		}
		w.notice(theOne, incident.Investigating)
		return w, Pointer{Incident: theOne, Seq: w.notice(theOne, incident.Resolved)}
	}
	w, p := build()
	calls := 0
	w.hook = func(string) error { calls++; return nil }
	want := fan(t, w, p)
	for at := 1; at <= calls; at++ {
		w, p := build()
		n := 0
		w.hook = func(string) error {
			if n++; n == at {
				return errFault
			}
			return nil
		}
		failures := 0
		for {
			more, err := w.fanOut().Pointer(t.Context(), p, w.now)
			if err != nil {
				failures++
			}
			if err == nil && !more {
				break
			}
		}
		if failures != 1 {
			t.Errorf("fault at call %d: %d errors, want 1", at, failures)
		}
		got := byChannel(w.queued)
		for _, ids := range []map[incident.Channel][]incident.RecipientID{got, want} {
			for c := range ids {
				ids[c] = slices.Compact(ids[c])
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("fault at call %d (-want +got):\n%s", at, diff)
		}
	}
}

func TestFanOutStopsAtItsDeadline(t *testing.T) {
	t.Parallel()
	w := newTwin()
	w.open(theOne)
	for n := range 30 {
		w.subscribe(incident.Email, incident.Address(fmt.Sprintf("r%d@minato.test", n)))
	}
	p := Pointer{Incident: theOne, Seq: w.notice(theOne, incident.Investigating)}
	steps := 0
	for more := true; more; steps++ {
		before := len(w.queued)
		var err error
		if more, err = w.fanOut().Pointer(t.Context(), p, w.now.Add(-time.Hour)); err != nil {
			t.Fatal(err)
		}
		if n := len(w.queued) - before; n > 3 {
			t.Errorf("step %d queued %d chunks after its deadline", steps, n)
		}
	}
	if got := len(byChannel(w.queued)[incident.Email]); got != 31 || steps < 10 {
		t.Errorf("%d queued in %d steps, want 31 in at least 10", got, steps)
	}
	if more, err := w.fanOut().Pointer(t.Context(), p, w.now.Add(time.Hour)); more || err != nil {
		t.Errorf("Pointer(done) = %t, %v", more, err)
	}
}

func TestFanOutSingle(t *testing.T) {
	t.Parallel()
	w := newTwin()
	w.open(theOne)
	id := w.subscribe(incident.Webhook, "https://hook.test/in")
	deaf := w.subscribe(incident.Webhook, "https://deaf.test/in", func(s *incident.Subscriber) { s.Components = []incident.ComponentID{"login"} })
	pending := w.subscribe(incident.Webhook, "https://pending.test/in", func(s *incident.Subscriber) { s.State = incident.Pending })
	staff := w.subscribe(incident.Webhook, "https://staff.test/in", func(s *incident.Subscriber) { s.Audience = incident.Staff })
	late := func(r incident.RecipientID) Pointer {
		return Pointer{Incident: theOne, Late: r, Channel: incident.Webhook}
	}
	queued := func(p Pointer) []Chunk { fan(t, w, p); return w.queued }

	if got := queued(late(id)); len(got) != 0 {
		t.Errorf("late, before the first notice: queued %+v, want nothing", got)
	}
	w.publish(theOne, incident.Proposal{Kind: incident.Notice, Stage: incident.Investigating, Routes: []incident.Route{{Audience: incident.Customers, Channel: incident.Webhook}}})
	w.publish(theOne, incident.Proposal{Kind: incident.Notice, Stage: incident.Identified, Routes: []incident.Route{{Audience: incident.Engineering, Channel: incident.Email}}})
	want := []Chunk{{Incident: theOne, Channel: incident.Webhook, FromSeq: 2, Recipients: []incident.RecipientID{id}, Group: "hook.test"}}
	if diff := cmp.Diff(want, queued(late(id))); diff != "" {
		t.Errorf("late (-want +got):\n%s", diff)
	}
	for name, r := range map[string]incident.RecipientID{"by filter": deaf, "pending": pending, "never routed": staff, "unknown": "x"} {
		if got := queued(late(r)); len(got) != 0 {
			t.Errorf("late, %s: queued %+v, want nothing", name, got)
		}
	}
	w.notice(theOne, incident.Resolved)
	if got := queued(late(id)); len(got) != 0 {
		t.Errorf("late, after the end: queued %+v, want nothing", got)
	}

	w.memos[string(theOne)+"/s"] = Memo{Incident: theOne, Slot: "s", Channel: incident.Webhook, Recipient: id}
	want = []Chunk{{Incident: theOne, Channel: incident.Webhook, Slot: "s", Recipients: []incident.RecipientID{id}, Group: "hook.test"}}
	if diff := cmp.Diff(want, queued(Pointer{Incident: theOne, Slot: "s"})); diff != "" {
		t.Errorf("memo (-want +got):\n%s", diff)
	}
	if _, err := w.fanOut().Pointer(t.Context(), Pointer{Incident: theOne, Seq: 99}, w.now); !errors.Is(err, incident.ErrNotFound) {
		t.Errorf("Pointer(no such update) = %v, want %v", err, incident.ErrNotFound)
	}
}

// book is a book of any size that keeps nothing.
type book struct {
	*twin
	size int
	most uint64 // the most memory seen in use
}

func (b *book) Page(_ context.Context, a incident.Audience, c incident.Channel, shard int, cursor string, limit int) ([]incident.Subscriber, string, error) {
	if c != incident.Email || a != incident.Customers || shard > 0 {
		return nil, "", nil
	}
	from, _ := strconv.Atoi(cursor)
	to := min(from+limit, b.size)
	var out []incident.Subscriber
	for n := from; n < to; n++ {
		addr := incident.Address(fmt.Sprintf("r%d@minato.test", n))
		out = append(out, incident.Subscriber{ID: hashOf(c, addr), Audience: a, Channel: c, Address: addr, State: incident.Active})
	}
	if from%5000 == 0 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		b.most = max(b.most, m.HeapAlloc)
	}
	if to == b.size {
		return out, "", nil
	}
	return out, strconv.Itoa(to), nil
}

// sink is a queue that counts and keeps nothing.
type sink struct{ people int }

func (s *sink) Send(_ context.Context, cs []Chunk) error {
	for _, c := range cs {
		s.people += len(c.Recipients)
	}
	return nil
}

// The memory of a fan-out does not grow with its readers. It runs alone, since
// it reads what the whole process has in use.
func TestFanOutIsFlat(t *testing.T) { //nolint:paralleltest // reads the memory of the process
	most := map[int]uint64{}
	for _, size := range []int{1_000, 50_000} {
		w := newTwin()
		w.open(theOne)
		b, q, f := &book{twin: w, size: size}, &sink{}, w.fanOut()
		f.Book, f.Queue, f.Page = b, q, 0
		if _, err := f.Pointer(t.Context(), Pointer{Incident: theOne, Seq: w.notice(theOne, incident.Investigating)}, w.now.Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		if q.people != size+2 {
			t.Errorf("%d queued, want %d", q.people, size+2)
		}
		most[size] = b.most
	}
	if most[50_000] > most[1_000]+2<<20 {
		t.Errorf("memory grew from %d to %d bytes", most[1_000], most[50_000])
	}
}
