package porttest

import (
	"slices"
	"testing"
	"time"

	"shirase/internal/deliver"
	"shirase/internal/incident"
	"shirase/internal/message"
	"shirase/internal/subscribe"
)

// BookStore is what subscribers are kept in.
type BookStore interface {
	deliver.Book
	subscribe.Store
	subscribe.Agenda
	subscribe.Suppressions
	subscribe.Limits
}

// bookCase is what one test of the suite works on.
type bookCase struct {
	t     *testing.T
	store BookStore
	memos deliver.Messages
}

// Book is the suite of the store ports of package subscribe, and of the book
// that deliver reads. The memos are read where deliver finds them.
func Book(t *testing.T, open func(t *testing.T) (BookStore, deliver.Messages)) {
	t.Helper()
	for name, test := range map[string]func(bookCase){
		"reads what was committed":         bookReadsBack,
		"writes nothing on a conflict":     bookAllOrNothing,
		"lets one of many commits through": bookRace,
		"forgets what is deleted":          bookForgets,
		"pages active subscribers":         bookPages,
		"finds every subscription":         bookFinds,
		"keeps work until it is done":      bookWork,
		"gives out no more than a cap":     bookCaps,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, ms := open(t)
			test(bookCase{t, b, ms})
		})
	}
}

func subscriber(id incident.RecipientID, a incident.Audience, s incident.SubscriberState) subscribe.Record {
	return subscribe.Record{Subscriber: incident.Subscriber{
		ID: id, Audience: a, Channel: incident.Email, Address: incident.Address(id) + "@reader.example", Locale: "ja", Zone: "Asia/Tokyo",
		Components: []incident.ComponentID{"checkout"}, Tags: map[string]string{"tenant": "t1"}, State: s, Secret: "whsec", Epoch: 2,
		CreatedAt: Start, ConfirmedAt: Start.Add(time.Minute), Consent: "v1",
	}}
}

func bookReadsBack(x bookCase) {
	t, b, ctx := x.t, x.store, x.t.Context()
	r := subscriber("r1", incident.Customers, incident.Active)
	r.Confirmed, r.Tries = "ask-0", 2
	r.Ask = &subscribe.Ask{
		ID: "ask-1", At: Start, Until: Start.Add(time.Hour), Consent: "v2",
		Prefs: subscribe.Prefs{Locale: "en", Zone: "UTC", Components: []incident.ComponentID{"search"}},
	}
	_, err := b.Load(ctx, r.Key())
	wantErr(t, "Load of nobody", err, incident.ErrNotFound)
	for version := range 3 {
		r.Version = version
		must(t, b.Commit(ctx, subscribe.Change{Record: r, Consent: []subscribe.Consent{{Key: r.Key(), At: Start, Event: subscribe.EventAsked}}}))
		got := must1(b.Load(ctx, r.Key()))(t)
		if got.Subscriber.Address.Reveal() != "r1@reader.example" {
			t.Error("Load lost the address")
		}
		r.Version = version + 1
		same(t, "Load", got, r)
	}
	staff := r.Key()
	staff.Audience = incident.Staff
	_, err = b.Load(ctx, staff)
	wantErr(t, "Load for another audience", err, incident.ErrNotFound)
}

func bookRace(x bookCase) {
	t, b := x.t, x.store
	r := subscriber("r1", incident.Customers, incident.Pending)
	for version := range 2 {
		r.Version = version
		wantOneWinner(t, race(func(int) error { return b.Commit(t.Context(), subscribe.Change{Record: r}) }))
	}
	if v := must1(b.Load(t.Context(), r.Key()))(t).Version; v != 2 {
		t.Errorf("Load is at version %d, want 2", v)
	}
}

func bookAllOrNothing(x bookCase) {
	t, b, ms, ctx := x.t, x.store, x.memos, x.t.Context()
	r := subscriber("r1", incident.Customers, incident.Pending)
	memo := &deliver.Memo{
		Incident: deliver.NoIncident, Slot: "confirm/ask-1", Kind: deliver.KindConfirmation, Channel: incident.Email, Recipient: "r1",
		Locale: "ja", Content: message.Content{Subject: "s", Text: "t"}, At: Start, VoidAfter: -1,
	}
	work := []subscribe.Work{{ID: "w1", Kind: subscribe.WorkMemo, Key: r.Key(), Due: Start, Ask: "ask-1"}}
	for _, version := range []int{1, -1} {
		bad := r
		bad.Version = version
		wantErr(t, "Commit at a wrong version", b.Commit(ctx, subscribe.Change{Record: bad, Memo: memo, Work: work}), incident.ErrConflict)
		wantErr(t, "Delete at a wrong version", b.Commit(ctx, subscribe.Change{Record: bad, Delete: true, Memo: memo, Work: work}), incident.ErrConflict)
	}
	_, err := ms.Memo(ctx, memo.Incident, memo.Slot)
	wantErr(t, "Memo of a refused change", err, incident.ErrNotFound)
	same(t, "Due after a refused change", must1(b.Due(ctx, Start.Add(time.Hour), 10))(t), nil)
	must(t, b.Commit(ctx, subscribe.Change{Record: r, Memo: memo, Work: work}))
	same(t, "Memo", must1(ms.Memo(ctx, memo.Incident, memo.Slot))(t), *memo)
	same(t, "Due", must1(b.Due(ctx, Start, 10))(t), work)
}

func bookForgets(x bookCase) {
	t, b, ctx := x.t, x.store, x.t.Context()
	r := subscriber("r1", incident.Customers, incident.Active)
	must(t, b.Commit(ctx, subscribe.Change{Record: r}))
	r.Version = 1
	must(t, b.Commit(ctx, subscribe.Change{Record: r, Delete: true}))
	_, err := b.Load(ctx, r.Key())
	wantErr(t, "Load of the deleted", err, incident.ErrNotFound)
	same(t, "Find of the deleted", must1(b.Find(ctx, incident.Email, []incident.RecipientID{"r1"}))(t), nil)
	r.Version = 0
	must(t, b.Commit(ctx, subscribe.Change{Record: r}))
	if v := must1(b.Load(ctx, r.Key()))(t).Version; v != 1 {
		t.Errorf("Load after a new beginning is at version %d, want 1", v)
	}
}

func bookPages(x bookCase) {
	t, b, ctx := x.t, x.store, x.t.Context()
	add := func(r subscribe.Record) {
		t.Helper()
		must(t, b.Commit(ctx, subscribe.Change{Record: r}))
	}
	want := map[incident.RecipientID]bool{}
	for n := range 30 {
		id := incident.RecipientID(numbered("r", n))
		want[id] = true
		add(subscriber(id, incident.Customers, incident.Active))
		add(subscriber(incident.RecipientID(numbered("p", n)), incident.Customers, incident.Pending))
		add(subscriber(incident.RecipientID(numbered("u", n)), incident.Customers, incident.Unsubscribed))
		add(subscriber(incident.RecipientID(numbered("s", n)), incident.Staff, incident.Active))
		sms := subscriber(incident.RecipientID(numbered("m", n)), incident.Customers, incident.Active)
		sms.Subscriber.Channel = incident.SMS
		add(sms)
	}
	late := 100
	for shard := range b.Shards() {
		read := func(cursor string) ([]incident.Subscriber, string, error) {
			return b.Page(ctx, incident.Customers, incident.Email, shard, cursor, 3)
		}
		for _, s := range pages(t, 3, read, func() {
			add(subscriber(incident.RecipientID(numbered("r", late)), incident.Customers, incident.Active))
			late++
		}) {
			if s.Address.Reveal() != string(s.ID)+"@reader.example" {
				t.Errorf("Page lost the address of %s", s.ID)
			}
			switch {
			case want[s.ID]:
				delete(want, s.ID)
			case s.ID < "r100" || s.ID >= "s":
				t.Errorf("Page lists %s, want not at all or not again", s.ID)
			}
		}
	}
	if len(want) > 0 {
		t.Errorf("the pages leave out %d subscribers", len(want))
	}
}

func bookFinds(x bookCase) {
	t, b, ctx := x.t, x.store, x.t.Context()
	customer, staff := subscriber("r1", incident.Customers, incident.Unsubscribed), subscriber("r1", incident.Staff, incident.Active)
	other := subscriber("r2", incident.Customers, incident.Active)
	for _, r := range []subscribe.Record{customer, staff, other} {
		must(t, b.Commit(ctx, subscribe.Change{Record: r}))
	}
	states := func() map[incident.RecipientID][]string {
		t.Helper()
		out := map[incident.RecipientID][]string{}
		for id, ss := range must1(b.Find(ctx, incident.Email, []incident.RecipientID{"r1", "r2", "r3"}))(t) {
			for _, s := range ss {
				out[id] = append(out[id], string(s.Audience)+" "+string(s.State)+" "+s.Address.Reveal())
			}
			slices.Sort(out[id])
		}
		return out
	}
	same(t, "Find", states(), map[incident.RecipientID][]string{
		"r1": {"customers unsubscribed r1@reader.example", "staff active r1@reader.example"},
		"r2": {"customers active r2@reader.example"},
	})
	same(t, "Find on another channel", must1(b.Find(ctx, incident.SMS, []incident.RecipientID{"r1"}))(t), nil)
	if must1(b.Suppressed(ctx, incident.Email, "r1"))(t) {
		t.Error("Suppressed before anybody said so")
	}
	for _, reason := range []subscribe.SuppressReason{subscribe.Bounced, subscribe.Complained} {
		must(t, b.Suppress(ctx, subscribe.Suppression{Channel: incident.Email, ID: "r1", Reason: reason, At: Start}))
	}
	must(t, b.Suppress(ctx, subscribe.Suppression{Channel: incident.SMS, ID: "r2", Reason: subscribe.OptedOut, At: Start}))
	if !must1(b.Suppressed(ctx, incident.Email, "r1"))(t) || must1(b.Suppressed(ctx, incident.Email, "r2"))(t) {
		t.Error("Suppressed is wrong for r1 or r2 by email")
	}
	same(t, "Find after the suppression", states(), map[incident.RecipientID][]string{
		"r1": {"customers suppressed r1@reader.example", "staff suppressed r1@reader.example"},
		"r2": {"customers active r2@reader.example"},
	})
}

func bookWork(x bookCase) {
	t, b, ctx := x.t, x.store, x.t.Context()
	r := subscriber("r1", incident.Customers, incident.Pending)
	item := func(id string, after time.Duration) subscribe.Work {
		return subscribe.Work{ID: id, Kind: subscribe.WorkLapse, Key: r.Key(), Due: Start.Add(after), Ask: "ask"}
	}
	a, z, m, later := item("a", time.Minute), item("z", 0), item("m", time.Minute), item("b", time.Hour)
	must(t, b.Commit(ctx, subscribe.Change{Record: r, Work: []subscribe.Work{m, later, a, z}}))
	r.Version = 1
	must(t, b.Commit(ctx, subscribe.Change{Record: r, Work: []subscribe.Work{item("a", 2*time.Hour)}})) // stays as it is
	same(t, "Due before all", must1(b.Due(ctx, Start.Add(-1), 10))(t), nil)
	same(t, "Due", must1(b.Due(ctx, Start.Add(time.Minute), 10))(t), []subscribe.Work{z, a, m})
	same(t, "Due up to two", must1(b.Due(ctx, Start.Add(time.Minute), 2))(t), []subscribe.Work{z, a})
	for range 2 {
		must(t, b.Done(ctx, z))
	}
	same(t, "Due after one is done", must1(b.Due(ctx, Start.Add(time.Hour), 10))(t), []subscribe.Work{a, m, later})
}

func bookCaps(x bookCase) {
	t, b, ctx := x.t, x.store, x.t.Context()
	limit := subscribe.Cap{N: 5, Per: time.Hour}
	waits := make([]time.Duration, racers)
	for _, err := range race(func(n int) (err error) {
		waits[n], err = b.Take(ctx, "network#x", limit, Start)
		return err
	}) {
		must(t, err)
	}
	free := 0
	for _, w := range waits {
		switch {
		case w == 0:
			free++
		case w < 0 || w > time.Hour:
			t.Errorf("Take asks to wait %s, want up to an hour", w)
		}
	}
	if free != limit.N {
		t.Errorf("Take gave out %d, want %d", free, limit.N)
	}
	wait := must1(b.Take(ctx, "network#x", limit, Start.Add(time.Minute)))(t)
	if w := must1(b.Take(ctx, "network#x", limit, Start.Add(time.Minute+wait)))(t); w != 0 {
		t.Errorf("Take after the wait it asked for = %s, want 0", w)
	}
	if w := must1(b.Take(ctx, "network#y", limit, Start))(t); w != 0 {
		t.Errorf("Take of another key = %s, want 0", w)
	}
}
