package announce_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"shirase/internal/announce"
	"shirase/internal/deliver"
	"shirase/internal/incident"
)

// flap lets an alarm come and go, twice a second, and leaves it in a state.
func (s *stage) flap(name string, times int, last incident.SignalState) {
	s.t.Helper()
	states := []incident.SignalState{incident.SignalAlarm, incident.SignalOK}
	if last == incident.SignalAlarm {
		slices.Reverse(states)
	}
	for range times {
		for _, st := range states {
			s.pass(250 * time.Millisecond)
			s.signal(s.alarm(name, st))
		}
	}
}

// mails answers the memos of a kind that went out by mail, each slot once.
func (s *stage) mails(kind string) []deliver.Memo {
	s.t.Helper()
	seen := map[string]bool{}
	var out []deliver.Memo
	for _, m := range s.memos() {
		if m.Channel == incident.Email && strings.HasPrefix(m.Slot, kind+"/") && !seen[m.Slot] {
			seen[m.Slot] = true
			out = append(out, m)
		}
	}
	return out
}

// announced makes an alarm fire until its notice is out.
func (s *stage) announced(name string) incident.ID {
	s.t.Helper()
	s.signal(s.alarm(name, incident.SignalAlarm))
	s.pass(time.Minute)
	id := s.live()[0].ID
	d := s.drafts(id, announce.DraftOpen)[0]
	if _, err := s.PublishDraft(s.t.Context(), d.ID, d.Digest, who); err != nil {
		s.t.Fatalf("PublishDraft() = %v", err)
	}
	return id
}

// More signals than any page lists are newer than the alarm that publishes.
func TestSteadyAlarmPublishesAmongThoseThatFlap(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.signal(s.alarm("checkout-down", incident.SignalAlarm)) // publish: auto after 5m
	s.flap("login-failures", 60, incident.SignalOK)
	id := s.live()[0].ID
	s.pass(10 * time.Minute)
	u, err := s.store.Update(t.Context(), id, 1)
	if err != nil || u.Kind != incident.Automatic {
		t.Errorf("Update(1) = %s, %v, want the automatic notice", u.Kind, err)
	}
}

// What has cleared says nothing of how to publish.
func TestClearedAlarmsRuleIsNotFollowed(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.signal(s.alarm("checkout-down", incident.SignalAlarm))
	s.signal(s.alarm("login-failures", incident.SignalAlarm))
	s.pass(10 * time.Second)
	s.signal(s.alarm("checkout-down", incident.SignalOK))
	s.pass(time.Hour)
	if got := s.read(s.live()[0].ID).Seq; got != 0 {
		t.Errorf("seq = %d, want 0: what fires is put before a person", got)
	}
}

func TestWorkThatIsOverFindsWhatFiresAmongFlaps(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	inc := s.open(work(noon.Add(time.Hour)))
	s.pass(70 * time.Minute)
	s.signal(s.alarm("search-latency", incident.SignalAlarm))
	s.flap("search-errors", 60, incident.SignalOK)
	if _, err := s.Update(t.Context(), inc.ID, announce.UpdateInput{Stage: incident.Completed}, who); err != nil {
		t.Fatal(err)
	}
	s.pass(5 * time.Minute)
	live := s.live()
	if len(live) != 1 || live[0].Kind != incident.Outage {
		t.Errorf("live %+v, want an outage", live)
	}
	if n := len(s.mails("joined")); n != 2 {
		t.Errorf("engineering was sent %d mails of alarms during the work, want one of each", n)
	}
}

// An alarm that flaps after its notice: one draft and one mail in a quarter of an
// hour, and the draft says in the end what holds.
func TestFlapAfterTheNoticeIsHeardOfOnce(t *testing.T) {
	t.Parallel()
	for _, last := range []incident.SignalState{incident.SignalOK, incident.SignalAlarm} {
		s := newStage(t)
		id := s.announced("login-failures")
		s.flap("login-failures", 20, last)
		mails := s.mails("cleared")
		if len(mails) != 1 {
			t.Fatalf("%d mails that it has cleared, want 1", len(mails))
		}
		open := s.drafts(id, announce.DraftOpen)
		if last == incident.SignalAlarm {
			if len(open) != 0 {
				t.Errorf("drafts %+v, want none open: it fires", open)
			}
			continue
		}
		if len(open) != 1 || open[0].Input.Stage != incident.Monitoring || !strings.Contains(mails[0].Content.Text, "/act/"+string(open[0].ID)) {
			t.Fatalf("drafts %+v, want the one of the mail, which proposes monitoring:\n%s", open, mails[0].Content.Text)
		}
		if _, err := s.PublishDraft(t.Context(), open[0].ID, open[0].Digest, who); err != nil {
			t.Errorf("PublishDraft() of the draft that was opened anew = %v", err)
		}
		if n := len(s.drafts(id, announce.DraftDismissed)); n != 0 {
			t.Errorf("%d dismissed drafts are kept, want 0", n)
		}
	}
}

// It is told again when a person has done something, and after a while.
func TestClearedAgainIsNewsLater(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	id := s.announced("login-failures")
	s.flap("login-failures", 3, incident.SignalOK)
	s.pass(20 * time.Minute)
	s.flap("login-failures", 3, incident.SignalOK)
	if n := len(s.mails("cleared")); n != 2 {
		t.Errorf("%d mails after a while, want 2", n)
	}
	open := s.drafts(id, announce.DraftOpen)
	if len(open) != 1 {
		t.Fatalf("%d open drafts, want 1", len(open))
	}
	if _, err := s.DismissDraft(t.Context(), open[0].ID, who); err != nil {
		t.Fatal(err)
	}
	s.flap("login-failures", 3, incident.SignalOK)
	if n := len(s.mails("cleared")); n != 3 {
		t.Errorf("%d mails after a person dismissed it, want 3", n)
	}
}

// An unacknowledged draft that was opened anew escalates as any other.
func TestDraftOpenedAnewEscalates(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.signal(s.alarm("checkout-down", incident.SignalAlarm))
	s.pass(7 * time.Minute) // it publishes itself, so nobody has taken it on
	s.flap("checkout-down", 3, incident.SignalOK)
	before := len(s.mails("escalation"))
	s.pass(6 * time.Minute)
	found := false
	open := s.drafts(s.live()[0].ID, announce.DraftOpen)
	for _, m := range s.mails("escalation")[before:] {
		found = found || slices.ContainsFunc(open, func(d announce.Draft) bool {
			return d.Input.Stage == incident.Monitoring && strings.Contains(m.Content.Text, "/act/"+string(d.ID))
		})
	}
	if !found {
		t.Errorf("no escalation of the draft among %d", len(s.mails("escalation"))-before)
	}
}
