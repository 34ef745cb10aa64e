package porttest

import (
	"slices"
	"testing"
	"time"

	"shirase/internal/announce"
	"shirase/internal/deliver"
	"shirase/internal/incident"
	"shirase/internal/message"
)

// AnnounceStore is what announce keeps things in, and deliver reads texts from.
type AnnounceStore interface {
	announce.Reader
	announce.History
	announce.Watch
	announce.Drafts
	announce.Components
	announce.Committer
	announce.Agenda
	deliver.Messages
}

// announceCase is what one test of the suite works on.
type announceCase struct {
	t     *testing.T
	store AnnounceStore
	clock *Clock
}

// Announce is the suite of the store ports of package announce.
func Announce(t *testing.T, open func(t *testing.T, now func() time.Time) AnnounceStore) {
	t.Helper()
	for name, test := range map[string]func(announceCase){
		"reads what was committed":            readsBack,
		"misses what is not there":            misses,
		"writes nothing on a conflict":        allOrNothing,
		"lets one of many commits through":    oneCommit,
		"answers what is live":                whatIsLive,
		"pages incidents newest first":        incidentPages,
		"pages signals newest first":          signalPages,
		"keeps the newest state of alarms":    alarms,
		"moves group slots":                   groupSlots,
		"keeps drafts by revision":            drafts,
		"answers what is due":                 due,
		"lets one of many handle a due item":  oneDue,
		"keeps the outbox until published":    outbox,
		"remembers answers for a time":        answers,
		"keeps what operators say of a thing": componentStatus,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := NewClock()
			test(announceCase{t, open(t, c.Now), c})
		})
	}
}

func versioned(i incident.Incident) []announce.Versioned {
	return []announce.Versioned{{Incident: i, Base: i.Version() - 1}}
}

func readsBack(x announceCase) {
	t, s, ctx := x.t, x.store, x.t.Context()
	i, u := announced(t, opened(t, "i-1", Start), incident.Investigating, Start)
	note := func(n int) announce.Note {
		return announce.Note{ID: numbered("n", n), Incident: "i-1", At: Start.Add(time.Duration(n) * time.Second), By: "sato", Text: "a note"}
	}
	ms := []message.Message{
		text("i-1", 1, incident.Customers, "en"), text("i-1", 1, incident.Customers, "ja"), text("i-1", 1, incident.Support, "ja"),
	}
	memo := deliver.Memo{
		Incident: "i-1", Slot: "draft/d-1/1/m", Kind: deliver.KindOperator, Channel: incident.Email, Recipient: "r1", Audience: incident.Engineering,
		Locale: "ja", Content: message.Content{Subject: "s", Text: "t"}, At: Start, Until: Start.Add(time.Hour), VoidAfter: -1,
	}
	must(t, s.Commit(ctx, announce.Change{
		Incidents: []announce.Versioned{{Incident: i}}, Updates: []incident.Update{u}, Messages: ms, Memos: []deliver.Memo{memo},
		Notes: []announce.Note{note(2), note(1)},
	}))
	same(t, "Incident", must1(s.Incident(ctx, "i-1"))(t).Snapshot(), i.Snapshot())
	same(t, "Update", must1(s.Update(ctx, "i-1", 1))(t), u)
	same(t, "Updates", must1(s.Updates(ctx, "i-1"))(t), []incident.Update{u})
	same(t, "Messages", must1(s.Messages(ctx, "i-1", 1))(t), ms)
	same(t, "Message", must1(s.Message(ctx, "i-1", 1, incident.Customers, "ja"))(t), ms[1])
	same(t, "Memo", must1(s.Memo(ctx, "i-1", memo.Slot))(t), memo)
	same(t, "Notes", must1(s.Notes(ctx, "i-1"))(t), []announce.Note{note(1), note(2)})

	for range 10 { // so that numbers of two digits are in order as well
		i, u = announced(t, i, incident.Identified, u.At.Add(time.Minute))
		must(t, s.Commit(ctx, announce.Change{Incidents: versioned(i), Updates: []incident.Update{u}}))
	}
	us := must1(s.Updates(ctx, "i-1"))(t)
	if !slices.IsSortedFunc(us, func(a, b incident.Update) int { return a.Seq - b.Seq }) || len(us) != 11 {
		t.Errorf("Updates are not 11, oldest first")
	}
}

func misses(x announceCase) {
	t, s, ctx := x.t, x.store, x.t.Context()
	_, err := s.Incident(ctx, "none")
	wantErr(t, "Incident(none)", err, incident.ErrNotFound)
	_, err = s.Update(ctx, "none", 1)
	wantErr(t, "Update(none)", err, incident.ErrNotFound)
	_, err = s.Message(ctx, "none", 1, incident.Customers, "ja")
	wantErr(t, "Message(none)", err, incident.ErrNotFound)
	_, err = s.Memo(ctx, "none", "slot")
	wantErr(t, "Memo(none)", err, incident.ErrNotFound)
	_, err = s.Draft(ctx, "none")
	wantErr(t, "Draft(none)", err, incident.ErrNotFound)
	same(t, "Alarm(none)", must1(s.Alarm(ctx, "none"))(t), announce.Alarm{})
	same(t, "Group(none)", must1(s.Group(ctx, "none"))(t), "")
	_, ok, err := s.Answer(ctx, "none", Start)
	must(t, err)
	if ok {
		t.Errorf("Answer(none) is known, want unknown")
	}
}

// standing is what every test of conditions begins with.
func standing(t *testing.T, s AnnounceStore) incident.Incident {
	t.Helper()
	i, u := announced(t, opened(t, "i-1", Start), incident.Investigating, Start)
	must(t, s.Commit(t.Context(), announce.Change{
		Incidents: []announce.Versioned{{Incident: i}}, Updates: []incident.Update{u},
		Drafts: []announce.Draft{{ID: "d-1", Incident: "i-1", Revision: 1, State: announce.DraftOpen, At: Start}},
		Alarms: []announce.Alarm{{Fingerprint: "f-1", Name: "f", State: incident.SignalAlarm, At: Start}},
		Groups: []announce.GroupSlot{{Group: "all", Set: "i-1"}},
		Due:    []announce.Due{{ID: "due-1", Kind: announce.DueLapse, At: Start.Add(time.Hour), Incident: "i-1"}},
		Answer: &announce.Answer{Key: "k-1", At: Start, Result: []byte("first")},
	}))
	return i
}

func allOrNothing(x announceCase) {
	t, s, ctx := x.t, x.store, x.t.Context()
	i := standing(t, s)
	stale, _ := announced(t, i, incident.Identified, Start)
	other := opened(t, "i-2", Start)
	for name, bad := range map[string]announce.Change{
		"version too low":        {Incidents: []announce.Versioned{{Incident: stale, Base: 1}}},
		"version too high":       {Incidents: []announce.Versioned{{Incident: stale, Base: 3}}},
		"exists already":         {Incidents: []announce.Versioned{{Incident: i}}},
		"second of two":          {Incidents: []announce.Versioned{{Incident: other}, {Incident: stale, Base: 9}}},
		"draft revision":         {Drafts: []announce.Draft{{ID: "d-1", Incident: "i-1", Revision: 1}}},
		"draft revision ahead":   {Drafts: []announce.Draft{{ID: "d-1", Incident: "i-1", Revision: 3}}},
		"draft that is not kept": {Drafts: []announce.Draft{{ID: "d-2", Incident: "i-1", Revision: 2}}},
		"alarm has moved on":     {Alarms: []announce.Alarm{{Fingerprint: "f-1", At: Start.Add(time.Hour), Was: Start.Add(-time.Second)}}},
		"alarm is there":         {Alarms: []announce.Alarm{{Fingerprint: "f-1", At: Start.Add(time.Hour)}}},
		"alarm is not there":     {Alarms: []announce.Alarm{{Fingerprint: "f-2", At: Start, Was: Start}}},
		"group is taken":         {Groups: []announce.GroupSlot{{Group: "all", Set: "i-2"}}},
		"group is another's":     {Groups: []announce.GroupSlot{{Group: "all", Was: "i-2"}}},
		"group is free":          {Groups: []announce.GroupSlot{{Group: "free", Was: "i-1"}}},
		"due item is handled":    {Drop: []announce.DueID{"due-2"}},
		"key is used":            {Answer: &announce.Answer{Key: "k-1", At: Start.Add(time.Hour)}},
	} {
		later := Start.Add(2 * time.Hour)
		// Everything that goes with a condition that fails must not be written.
		bad.Notes = append(bad.Notes, announce.Note{ID: "n", Incident: "i-1", At: Start})
		bad.Evidence = append(bad.Evidence, announce.Evidence{Incident: "i-1", Signal: signal("a", later), Outcome: incident.OutcomeJoined})
		bad.Outbox = append(bad.Outbox, deliver.Pointer{Incident: "i-1", Seq: 7})
		bad.Due = append(bad.Due, announce.Due{ID: "due-3", At: Start, Incident: "i-1"})
		bad.Cancel = append(bad.Cancel, "due-1")
		bad.Alarms = append([]announce.Alarm{{Fingerprint: "f-9", At: later}}, bad.Alarms...)
		bad.Groups = append([]announce.GroupSlot{{Group: "fresh", Set: "i-1"}}, bad.Groups...)
		bad.Drafts = append([]announce.Draft{{ID: "d-9", Incident: "i-1", Revision: 1, At: later}}, bad.Drafts...)
		if bad.Answer == nil {
			bad.Answer = &announce.Answer{Key: "k-9", At: later}
		}
		wantErr(t, "Commit with "+name, s.Commit(ctx, bad), incident.ErrConflict)

		same(t, name+": Incident", must1(s.Incident(ctx, "i-1"))(t).Snapshot(), i.Snapshot())
		_, err := s.Incident(ctx, "i-2")
		wantErr(t, name+": Incident(i-2)", err, incident.ErrNotFound)
		same(t, name+": Notes", must1(s.Notes(ctx, "i-1"))(t), nil)
		es, _, err := s.Signals(ctx, "", "", 10)
		same(t, name+": Signals", must1(es, err)(t), nil)
		same(t, name+": Outbox", must1(s.Outbox(ctx, later, 10))(t), nil)
		same(t, name+": Due", dueIDs(must1(s.Due(ctx, later, 10))(t)), []announce.DueID{"due-1"})
		same(t, name+": Alarm(f-9)", must1(s.Alarm(ctx, "f-9"))(t), announce.Alarm{})
		same(t, name+": Group(fresh)", must1(s.Group(ctx, "fresh"))(t), "")
		same(t, name+": Group(all)", must1(s.Group(ctx, "all"))(t), "i-1")
		if n := len(must1(s.Drafts(ctx, "i-1"))(t)); n != 1 {
			t.Errorf("%s: %d drafts, want 1", name, n)
		}
		_, ok, err := s.Answer(ctx, "k-9", later)
		must(t, err)
		if ok {
			t.Errorf("%s: the answer was written, want not", name)
		}
	}
}

func oneCommit(x announceCase) {
	t, s, ctx := x.t, x.store, x.t.Context()
	i := standing(t, s)
	after, u := announced(t, i, incident.Identified, Start.Add(time.Minute))
	wantOneWinner(t, race(func(n int) error {
		return s.Commit(ctx, announce.Change{
			Incidents: versioned(after), Updates: []incident.Update{u},
			Notes: []announce.Note{{ID: numbered("n", n), Incident: "i-1", At: Start}},
		})
	}))
	if n := len(must1(s.Notes(ctx, "i-1"))(t)); n != 1 {
		t.Errorf("%d of the racers' notes are kept, want 1", n)
	}
}

func whatIsLive(x announceCase) {
	t, s, ctx := x.t, x.store, x.t.Context()
	live := func(want ...incident.ID) {
		t.Helper()
		var got []incident.ID
		for _, i := range must1(s.Live(ctx))(t) {
			got = append(got, i.ID())
		}
		same(t, "Live", got, want)
	}
	live()
	is := map[incident.ID]incident.Incident{}
	for _, id := range []incident.ID{"i-2", "drill-1", "i-1"} {
		is[id], _ = announced(t, opened(t, id, Start), incident.Investigating, Start)
		must(t, s.Commit(ctx, announce.Change{Incidents: []announce.Versioned{{Incident: is[id]}}}))
	}
	live("drill-1", "i-1", "i-2")
	joined := must1(is["i-1"].Join([]incident.ComponentID{"search"}, ""))(t)
	must(t, s.Commit(ctx, announce.Change{Incidents: versioned(joined)}))
	live("drill-1", "i-1", "i-2")
	over, _ := announced(t, joined, incident.Resolved, Start.Add(time.Minute))
	must(t, s.Commit(ctx, announce.Change{Incidents: versioned(over)}))
	live("drill-1", "i-2")
	again, _ := announced(t, over, incident.Investigating, Start.Add(2*time.Minute))
	must(t, s.Commit(ctx, announce.Change{Incidents: versioned(again)}))
	live("drill-1", "i-1", "i-2")
}

func incidentPages(x announceCase) {
	t, s, c, ctx := x.t, x.store, x.clock, x.t.Context()
	add := func(n int) {
		t.Helper()
		i := opened(t, incident.ID(numbered("i-", n)), c.Now())
		must(t, s.Commit(ctx, announce.Change{Incidents: []announce.Versioned{{Incident: i}}}))
		c.Advance(time.Minute)
	}
	var want []incident.ID
	for n := range 8 {
		add(n)
		want = append([]incident.ID{incident.ID(numbered("i-", n))}, want...)
	}
	extra := 100
	got := pages(t, 3, func(cursor string) ([]incident.Incident, string, error) { return s.Incidents(ctx, cursor, 3) },
		func() { add(extra); extra++ }) // newer ones do not move the pages
	ids := make([]incident.ID, len(got))
	for n, i := range got {
		ids[n] = i.ID()
	}
	same(t, "Incidents", ids, want)
}

func signalPages(x announceCase) {
	t, s, c, ctx := x.t, x.store, x.clock, x.t.Context()
	var all, own []announce.Evidence
	for n := range 9 {
		e := announce.Evidence{Signal: signal(numbered("a", n), c.Now()), Outcome: incident.OutcomeUnmatched, Raw: "raw"}
		if n%3 == 0 {
			e.Incident, e.Outcome = "i-1", incident.OutcomeJoined
			own = append([]announce.Evidence{e}, own...)
		}
		all = append([]announce.Evidence{e}, all...)
		must(t, s.Commit(ctx, announce.Change{Evidence: []announce.Evidence{e}}))
		c.Advance(time.Second)
	}
	read := func(id incident.ID, limit int) []announce.Evidence {
		return pages(t, limit, func(cursor string) ([]announce.Evidence, string, error) { return s.Signals(ctx, id, cursor, limit) }, nil)
	}
	same(t, "Signals of all", read("", 4), all)
	same(t, "Signals of all, page that just fits", read("", 9), all)
	same(t, "Signals of one", read("i-1", 2), own)
}

func alarms(x announceCase) {
	t, s, ctx := x.t, x.store, x.t.Context()
	write := func(a announce.Alarm) {
		t.Helper()
		must(t, s.Commit(ctx, announce.Change{Alarms: []announce.Alarm{a}}))
	}
	a := announce.Alarm{
		Fingerprint: "f-1", Name: "errors", State: incident.SignalAlarm, At: Start, Incident: "i-1", Component: "checkout",
		Signal: signal("errors", Start),
	}
	b := announce.Alarm{Fingerprint: "arn:aws:x:y#c=1,d=2", Name: "latency", State: incident.SignalAlarm, Quiet: true, At: Start, Incident: "i-1"}
	write(a)
	write(b)
	write(announce.Alarm{Fingerprint: "f-0", Name: "other", State: incident.SignalOK, At: Start})
	same(t, "Alarm", must1(s.Alarm(ctx, "f-1"))(t), a)
	same(t, "Alarms", must1(s.Alarms(ctx, "i-1"))(t), []announce.Alarm{b, a})
	ok := a
	ok.State, ok.At, ok.Was = incident.SignalOK, Start.Add(time.Minute+time.Nanosecond), Start
	write(ok)
	stored := ok
	stored.Was = time.Time{}
	same(t, "Alarms after the newer state", must1(s.Alarms(ctx, "i-1"))(t), []announce.Alarm{b, stored})
	wantOneWinner(t, race(func(n int) error {
		next := ok
		next.Was, next.At = ok.At, ok.At.Add(time.Duration(n+1)*time.Second)
		return s.Commit(ctx, announce.Change{Alarms: []announce.Alarm{next}})
	}))
}

func groupSlots(x announceCase) {
	t, s, ctx := x.t, x.store, x.t.Context()
	move := func(was, set incident.ID) error {
		return s.Commit(ctx, announce.Change{Groups: []announce.GroupSlot{{Group: "all", Was: was, Set: set}}})
	}
	wantOneWinner(t, race(func(n int) error { return move("", incident.ID(numbered("i-", n))) }))
	holder := must1(s.Group(ctx, "all"))(t)
	must(t, move(holder, "i-x"))
	same(t, "Group", must1(s.Group(ctx, "all"))(t), "i-x")
	wantErr(t, "freeing another's group", move(holder, ""), incident.ErrConflict)
	must(t, move("i-x", ""))
	same(t, "Group after it was freed", must1(s.Group(ctx, "all"))(t), "")
	must(t, move("", "i-y"))
	same(t, "Group of a drill", must1(s.Group(ctx, "drill-all"))(t), "")
}

func drafts(x announceCase) {
	t, s, ctx := x.t, x.store, x.t.Context()
	d := announce.Draft{
		ID: "d-2", Incident: "i-1", Revision: 1, Base: 1, State: announce.DraftOpen, Digest: "x", At: Start.Add(time.Minute),
		Input: announce.UpdateInput{Stage: incident.Investigating, Facts: facts(t, Start), Text: incident.Text{"ja": "調べています。"}},
		Next:  Start.Add(time.Hour), Messages: []message.Message{text("i-1", 1, incident.Customers, "ja")}, Until: Start.Add(30 * time.Minute),
	}
	first := announce.Draft{ID: "d-3", Incident: "i-1", Revision: 1, State: announce.DraftOpen, At: Start}
	must(t, s.Commit(ctx, announce.Change{Drafts: []announce.Draft{d, first}}))
	same(t, "Draft", must1(s.Draft(ctx, "d-2"))(t), d)
	must(t, s.Commit(ctx, announce.Change{Drafts: []announce.Draft{{ID: "d-4", Incident: "i-2", Revision: 1, State: announce.DraftOpen, At: Start}}}))
	same(t, "Drafts", must1(s.Drafts(ctx, "i-1"))(t), []announce.Draft{first, d})
	same(t, "OpenDrafts", must1(s.OpenDrafts(ctx, "i-1"))(t), []announce.Draft{first, d})
	wantOneWinner(t, race(func(n int) error {
		next := d
		next.Revision, next.Seq, next.State = 2, n, announce.DraftPublished
		return s.Commit(ctx, announce.Change{Drafts: []announce.Draft{next}})
	}))
	first.Revision, first.At = 2, Start.Add(2*time.Minute) // made anew, so it is the newer one now
	must(t, s.Commit(ctx, announce.Change{Drafts: []announce.Draft{first}}))
	ds := must1(s.Drafts(ctx, "i-1"))(t)
	if len(ds) != 2 || ds[0].ID != "d-2" || ds[0].State != announce.DraftPublished || ds[1].Revision != 2 {
		t.Errorf("Drafts = %d of them, want d-2 published, then d-3 in revision 2", len(ds))
	}
	same(t, "OpenDrafts once one is published", must1(s.OpenDrafts(ctx, "i-1"))(t), []announce.Draft{first})
	first.Revision, first.State = 3, announce.DraftDismissed
	must(t, s.Commit(ctx, announce.Change{Drafts: []announce.Draft{first}}))
	same(t, "OpenDrafts once the other is dismissed", must1(s.OpenDrafts(ctx, "i-1"))(t), nil)
	first.Revision, first.State = 4, announce.DraftOpen
	must(t, s.Commit(ctx, announce.Change{Drafts: []announce.Draft{first}}))
	same(t, "OpenDrafts once it is open again", must1(s.OpenDrafts(ctx, "i-1"))(t), []announce.Draft{first})
}

func dueIDs(ds []announce.Due) (ids []announce.DueID) {
	for _, d := range ds {
		ids = append(ids, d.ID)
	}
	return ids
}

func due(x announceCase) {
	t, s, ctx := x.t, x.store, x.t.Context()
	item := func(id announce.DueID, after time.Duration) announce.Due {
		return announce.Due{ID: id, Kind: announce.DueRemind, At: Start.Add(after), Incident: "i-1", Seq: 1, Draft: "d", Lead: time.Hour}
	}
	want := func(after time.Duration, limit int, ids ...announce.DueID) {
		t.Helper()
		same(t, "Due", dueIDs(must1(s.Due(ctx, Start.Add(after), limit))(t)), ids)
	}
	must(t, s.Commit(ctx, announce.Change{Due: []announce.Due{item("c", 3*time.Minute), item("a", time.Minute), item("b", 2*time.Minute)}}))
	want(0, 10)
	want(time.Minute-time.Nanosecond, 10)
	want(time.Minute, 10, "a")
	want(time.Hour, 10, "a", "b", "c")
	want(time.Hour, 2, "a", "b")
	same(t, "Due item", must1(s.Due(ctx, Start.Add(time.Minute), 1))(t)[0], item("a", time.Minute))
	must(t, s.Commit(ctx, announce.Change{Due: []announce.Due{item("a", 5*time.Minute)}})) // moves it
	want(time.Minute, 10)
	want(time.Hour, 10, "b", "c", "a")
	must(t, s.Commit(ctx, announce.Change{Drop: []announce.DueID{"b"}, Cancel: []announce.DueID{"c", "never"}}))
	want(time.Hour, 10, "a")
	for id, want := range map[announce.DueID]bool{"a": true, "b": false, "c": false} {
		if got := must1(s.Awaits(ctx, id))(t); got != want {
			t.Errorf("Awaits(%s) = %t, want %t", id, got, want)
		}
	}
	wantErr(t, "dropping it again", s.Commit(ctx, announce.Change{Drop: []announce.DueID{"b"}}), incident.ErrConflict)
}

func oneDue(x announceCase) {
	t, s, ctx := x.t, x.store, x.t.Context()
	must(t, s.Commit(ctx, announce.Change{Due: []announce.Due{{ID: "a", At: Start, Incident: "i-1"}}}))
	wantOneWinner(t, race(func(int) error { return s.Commit(ctx, announce.Change{Drop: []announce.DueID{"a"}}) }))
	same(t, "Due", must1(s.Due(ctx, Start.Add(time.Hour), 10))(t), nil)
}

func outbox(x announceCase) {
	t, s, c, ctx := x.t, x.store, x.clock, x.t.Context()
	p1, p2 := deliver.Pointer{Incident: "i-1", Seq: 1}, deliver.Pointer{Incident: "i-1", Seq: 2}
	memo := deliver.Memo{Incident: "i-1", Slot: "s/1", Kind: deliver.KindOperator, Channel: incident.Email, Recipient: "r", At: Start}
	pm := deliver.Pointer{Incident: "i-1", Slot: "s/1"}
	must(t, s.Commit(ctx, announce.Change{Outbox: []deliver.Pointer{p2}}))
	c.Advance(time.Second)
	must(t, s.Commit(ctx, announce.Change{Outbox: []deliver.Pointer{p1}}))
	c.Advance(time.Second)
	must(t, s.Commit(ctx, announce.Change{Memos: []deliver.Memo{memo}}))
	same(t, "Outbox before all", must1(s.Outbox(ctx, Start, 10))(t), nil)
	same(t, "Outbox before the second", must1(s.Outbox(ctx, Start.Add(time.Second), 10))(t), []deliver.Pointer{p2})
	same(t, "Outbox", must1(s.Outbox(ctx, Start.Add(time.Hour), 10))(t), []deliver.Pointer{p2, p1, pm})
	same(t, "Outbox up to two", must1(s.Outbox(ctx, Start.Add(time.Hour), 2))(t), []deliver.Pointer{p2, p1})
	for range 2 { // the second time does nothing
		must(t, s.Published(ctx, p1))
		must(t, s.Published(ctx, pm))
	}
	must(t, s.Published(ctx, deliver.Pointer{Incident: "never", Seq: 1}))
	must(t, s.Commit(ctx, announce.Change{Outbox: []deliver.Pointer{p2}})) // is there already
	same(t, "Outbox of what is left", must1(s.Outbox(ctx, Start.Add(time.Hour), 10))(t), []deliver.Pointer{p2})
	must(t, s.Published(ctx, p2))
	same(t, "Outbox at the end", must1(s.Outbox(ctx, Start.Add(time.Hour), 10))(t), nil)
}

func answers(x announceCase) {
	t, s, ctx := x.t, x.store, x.t.Context()
	first := announce.Answer{Key: "k", Body: "b", At: Start, Result: []byte(`{"x":1}`)}
	must(t, s.Commit(ctx, announce.Change{Answer: &first}))
	got, ok, err := s.Answer(ctx, "k", Start.Add(announce.AnswerLife-time.Millisecond))
	must(t, err)
	if !ok {
		t.Fatal("Answer is forgotten before its time")
	}
	same(t, "Answer", got, first)
	_, ok, err = s.Answer(ctx, "k", Start.Add(announce.AnswerLife+time.Millisecond))
	must(t, err)
	if ok {
		t.Error("Answer is known after its time, want forgotten")
	}
	second := first
	second.At, second.Body = Start.Add(announce.AnswerLife+time.Millisecond), "c"
	must(t, s.Commit(ctx, announce.Change{Answer: &second}))
	wantErr(t, "using a key again", s.Commit(ctx, announce.Change{Answer: &second}), incident.ErrConflict)
	wantOneWinner(t, race(func(int) error {
		return s.Commit(ctx, announce.Change{Answer: &announce.Answer{Key: "raced", At: Start, Result: []byte("x")}})
	}))
}

func componentStatus(x announceCase) {
	t, s, ctx := x.t, x.store, x.t.Context()
	same(t, "ComponentStatus", must1(s.ComponentStatus(ctx, "checkout"))(t), "")
	must(t, s.SetComponentStatus(ctx, "checkout", incident.PartialOutage))
	must(t, s.SetComponentStatus(ctx, "search", incident.Operational))
	must(t, s.SetComponentStatus(ctx, "checkout", incident.MajorOutage))
	same(t, "ComponentStatus", must1(s.ComponentStatus(ctx, "checkout"))(t), incident.MajorOutage)
	must(t, s.SetComponentStatus(ctx, "checkout", ""))
	must(t, s.SetComponentStatus(ctx, "checkout", ""))
	same(t, "ComponentStatus after it was cleared", must1(s.ComponentStatus(ctx, "checkout"))(t), "")
}
