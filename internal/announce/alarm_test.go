package announce_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	"pgregory.net/rapid"

	"shirase/internal/announce"
	"shirase/internal/deliver"
	"shirase/internal/incident"
)

func TestAlarmIsHeldThenPutBeforeTheOnCallMember(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.signal(s.alarm("login-failures", incident.SignalAlarm))
	live := s.live()
	if len(live) != 1 || live[0].Stage != incident.Detected || len(s.told) != 0 {
		t.Fatalf("after the alarm: %d live, told %v, want one detected and nobody told", len(live), s.told)
	}
	s.pass(time.Minute)
	if got := s.read(live[0].ID).Seq; got != 0 {
		t.Errorf("seq = %d, want 0: nothing goes out without a person", got)
	}
	memos := s.memos()
	if len(memos) == 0 {
		t.Fatal("nobody on call was told")
	}
	channels := map[incident.Channel]bool{}
	for _, m := range memos {
		channels[m.Channel] = true
		if m.Kind != deliver.KindOperator || !strings.Contains(m.Content.Text, "/act/") {
			t.Errorf("memo %s of kind %s: %q, want an operator's with a signed link", m.Slot, m.Kind, m.Content.Text)
		}
	}
	if !channels[incident.Email] || !channels["slack"] {
		t.Errorf("told on %v, want mail and chat", channels)
	}
}

func TestFlapIsNeverHeardOf(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.signal(s.alarm("login-failures", incident.SignalAlarm))
	s.pass(20 * time.Second)
	s.signal(s.alarm("login-failures", incident.SignalOK))
	s.pass(time.Hour)
	if len(s.told) != 0 || len(s.live()) != 0 {
		t.Errorf("told %v, %d live, want nobody and none", s.told, len(s.live()))
	}
	es, _, err := s.store.Signals(t.Context(), "", "", 10)
	if err != nil || len(es) != 2 {
		t.Errorf("kept %d signals, %v, want 2", len(es), err)
	}
}

var five = []string{"checkout-down", "search-latency", "login-failures", "report-queue-age", "mail-bounces"}

func TestFiveAlarmsOneNoticeThatNamesFive(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	for _, a := range five {
		s.signal(s.alarm(a, incident.SignalAlarm))
		s.pass(5 * time.Second)
	}
	s.pass(40 * time.Second)
	live := s.live()
	if len(live) != 1 || len(live[0].Components) != 5 {
		t.Fatalf("%d live with %v, want one with five components", len(live), live)
	}
	ds, err := s.store.Drafts(t.Context(), live[0].ID)
	if err != nil || len(ds) != 1 {
		t.Fatalf("%d drafts, %v, want one", len(ds), err)
	}
	if _, err := s.PublishDraft(t.Context(), ds[0].ID, ds[0].Digest, who); err != nil {
		t.Fatalf("PublishDraft() = %v", err)
	}
	m, err := s.store.Message(t.Context(), live[0].ID, 1, incident.Customers, "en")
	if err != nil {
		t.Fatal(err)
	}
	text := m.Contents[incident.FamilyEmail].Text
	for _, want := range []string{"Online payments", "Search", "Logging in", "Sales reports", "Notification emails"} {
		if !strings.Contains(strings.ToLower(text), strings.ToLower(want)) {
			t.Errorf("the notice does not name %q:\n%s", want, text)
		}
	}
}

func TestTwentyAtOnceOpenOneIncident(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	var g errgroup.Group
	for n := range 20 {
		g.Go(func() error { return s.Signal(t.Context(), s.alarm(five[n%len(five)], incident.SignalAlarm)) })
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	live := s.live()
	if len(live) != 1 || len(live[0].Components) != 5 {
		t.Fatalf("%d live, components %v, want one with five", len(live), live)
	}
	es, _, err := s.store.Signals(t.Context(), live[0].ID, "", 100)
	if err != nil || len(es) != 5 {
		t.Errorf("%d signals are its evidence, %v, want 5: repeats count once", len(es), err)
	}
}

// TestAnyOrderSameEnd delivers the same signals in any order and any number of
// times, and always ends with the same incident and alarm states.
func TestAnyOrderSameEnd(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		s := newStage(t)
		var sigs []incident.Signal
		for n, a := range five[:3] {
			for k, state := range []incident.SignalState{incident.SignalAlarm, incident.SignalOK, incident.SignalAlarm} {
				sig := s.alarm(a, state)
				sig.At = noon.Add(-time.Duration(n+1) * time.Minute).Add(time.Duration(k) * time.Second)
				sig.ID = a + string(state) + sig.At.String()
				sigs = append(sigs, sig)
			}
		}
		order := append(slices.Clone(sigs), sigs...)
		order = rapid.Permutation(order).Draw(rt, "order")
		for _, sig := range order {
			s.signal(sig)
		}
		live := s.live()
		if len(live) != 1 {
			rt.Fatalf("%d live incidents, want 1", len(live))
		}
		for _, a := range five[:3] {
			got, err := s.store.Alarm(t.Context(), s.alarm(a, "").ARN)
			if err != nil || got.State != incident.SignalAlarm || got.Incident != live[0].ID {
				rt.Fatalf("alarm %s = %+v, %v, want firing in %s", a, got, err, live[0].ID)
			}
		}
	})
}

func TestSuppressedIsRecordedAndTheFirstUnsuppressedIsNews(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	quiet := s.alarm("login-failures", incident.SignalAlarm)
	quiet.Suppressed = true
	s.signal(quiet)
	s.pass(2 * time.Minute)
	if len(s.live()) != 0 {
		t.Fatal("a suppressed alarm opened an incident")
	}
	loud := s.alarm("login-failures", incident.SignalAlarm)
	loud.WasSuppressed, loud.Previous = true, incident.SignalAlarm
	s.signal(loud)
	if len(s.live()) != 1 {
		t.Error("ALARM after a suppressed ALARM opened nothing")
	}
}

func TestSameTimeUnmutedIsNews(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	muted := s.alarm("login-failures", incident.SignalAlarm)
	muted.Muted = true
	s.signal(muted)
	loud := muted
	loud.Muted, loud.ID = false, "loud"
	s.signal(loud)
	if len(s.live()) != 1 {
		t.Error("the action taken on a muted state of the same time opened nothing")
	}
}

func TestUnmatchedAndIgnoredTellNobody(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.signal(s.alarm("nobody-knows-this", incident.SignalAlarm))
	s.signal(s.alarm("Shirase-dlq", incident.SignalAlarm))
	s.signal(s.alarm("TargetTracking-table/x", incident.SignalAlarm))
	s.pass(time.Hour)
	es, _, err := s.store.Signals(t.Context(), "", "", 10)
	if err != nil {
		t.Fatal(err)
	}
	var got []incident.Outcome
	for _, e := range es {
		got = append(got, e.Outcome)
	}
	slices.Sort(got)
	want := []incident.Outcome{incident.OutcomeIgnored, incident.OutcomeIgnored, incident.OutcomeUnmatched}
	if !slices.Equal(got, want) || len(s.told) != 0 || len(s.live()) != 0 {
		t.Errorf("outcomes %v, told %v, want %v and nobody", got, s.told, want)
	}
}

func TestEscalationUntilSomebodyAcks(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.signal(s.alarm("login-failures", incident.SignalAlarm))
	s.pass(time.Minute + 11*time.Minute)
	var called []string
	for _, m := range s.memos() {
		if m.Channel == incident.Email {
			called = append(called, m.Slot[strings.LastIndexByte(m.Slot, '/')+1:])
		}
	}
	if want := []string{"sato", "mori", "clarke"}; !slices.Equal(called, want) {
		t.Fatalf("called %v, want %v", called, want)
	}
	if _, err := s.Ack(t.Context(), s.live()[0].ID, announce.Actor{Name: "clarke"}); err != nil {
		t.Fatal(err)
	}
	before := len(s.told)
	s.pass(time.Hour)
	if len(s.told) != before {
		t.Errorf("%d more were called after the ack", len(s.told)-before)
	}
}

func TestAutomaticNoticeClaimsNobody(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.signal(s.alarm("checkout-down", incident.SignalAlarm)) // publish: auto after 5m
	s.pass(time.Minute + 4*time.Minute)
	id := s.live()[0].ID
	if got := s.read(id).Seq; got != 0 {
		t.Fatalf("seq = %d before its time, want 0", got)
	}
	s.pass(time.Minute)
	u, err := s.store.Update(t.Context(), id, 1)
	if err != nil {
		t.Fatal(err)
	}
	if u.Kind != incident.Automatic || u.By != "shirase" {
		t.Errorf("update 1 is %s by %s, want automatic by shirase", u.Kind, u.By)
	}
	s.pass(10 * time.Minute)
	ds, err := s.store.Drafts(t.Context(), id)
	if err != nil || len(ds) != 1 || ds[0].State != announce.DraftOpen {
		t.Errorf("drafts %v, %v, want the draft still waiting for a person", ds, err)
	}
}

func TestAckedIsNotPublishedByItself(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.signal(s.alarm("checkout-down", incident.SignalAlarm))
	s.pass(2 * time.Minute)
	id := s.live()[0].ID
	if _, err := s.Ack(t.Context(), id, who); err != nil {
		t.Fatal(err)
	}
	s.pass(time.Hour)
	if got := s.read(id).Seq; got != 0 {
		t.Errorf("seq = %d, want 0: a person has it", got)
	}
}

func TestClearedAlarmsProposeMonitoring(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.signal(s.alarm("login-failures", incident.SignalAlarm))
	s.pass(time.Minute)
	id := s.live()[0].ID
	ds, err := s.store.Drafts(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.PublishDraft(t.Context(), ds[0].ID, ds[0].Digest, who); err != nil {
		t.Fatal(err)
	}
	s.pass(5 * time.Minute)
	s.signal(s.alarm("login-failures", incident.SignalInsufficient))
	s.pass(time.Second)
	if ds, _ := s.store.Drafts(t.Context(), id); len(ds) != 1 {
		t.Errorf("%d drafts after INSUFFICIENT_DATA, want 1: it clears nothing", len(ds))
	}
	s.signal(s.alarm("login-failures", incident.SignalOK))
	ds, err = s.store.Drafts(t.Context(), id)
	if err != nil || len(ds) != 2 || ds[1].Input.Stage != incident.Monitoring || ds[1].State != announce.DraftOpen {
		t.Errorf("drafts %+v, %v, want an open one that proposes monitoring", ds, err)
	}
	if got := s.read(id); got.Stage != incident.Investigating {
		t.Errorf("stage = %s, want investigating: an OK announces nothing", got.Stage)
	}
}

func TestLaterAlarmOfAnnouncedIncidentIsProposed(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.signal(s.alarm("login-failures", incident.SignalAlarm))
	s.pass(time.Minute)
	id := s.live()[0].ID
	ds, err := s.store.Drafts(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.PublishDraft(t.Context(), ds[0].ID, ds[0].Digest, who); err != nil {
		t.Fatal(err)
	}
	s.pass(time.Minute)
	s.signal(s.alarm("search-latency", incident.SignalAlarm))
	s.signal(s.alarm("mail-bounces", incident.SignalAlarm))
	ds, err = s.store.Drafts(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	last := ds[len(ds)-1]
	if last.State != announce.DraftOpen || len(last.Input.Components) != 3 || last.Input.Kind != incident.ScopeUpdate {
		t.Errorf("the last draft is %s with %v, want an open one that names three", last.State, last.Input.Components)
	}
	if got := s.read(id).Components; len(got) != 1 {
		t.Errorf("components = %v, want one until a person says so", got)
	}
}

func TestUnreadableIsKeptAndToldOnce(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	for range 3 {
		if err := s.Unreadable(t.Context(), []byte(`{"broken":`), "no shape of an alarm"); err != nil {
			t.Fatal(err)
		}
	}
	es, _, err := s.store.Signals(t.Context(), "", "", 10)
	if err != nil || len(es) == 0 || es[0].Outcome != incident.OutcomeUnreadable || es[0].Raw == "" {
		t.Errorf("Signals() = %v, %v, want the raw message", es, err)
	}
	slots := map[string]bool{}
	for _, m := range s.memos() {
		slots[m.Slot] = true
	}
	if len(slots) != 2 {
		t.Errorf("told in slots %v, want one by mail and one in the room", slots)
	}
}

func TestInsufficientDataInHold(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.signal(s.alarm("login-failures", incident.SignalAlarm))
	s.pass(30 * time.Second)
	id := s.live()[0].ID
	s.signal(s.alarm("login-failures", incident.SignalInsufficient))
	s.pass(time.Minute)
	if got := s.read(id); got.End != "" {
		t.Errorf("end after INSUFFICIENT_DATA within the hold = %q, want none: it clears nothing", got.End)
	}
}
