package announce_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"shirase/internal/announce"
	"shirase/internal/deliver"
	"shirase/internal/incident"
)

func TestPromiseIsRemindedThenHeld(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	inc := s.open(trouble())
	by := inc.Promises[0].By
	s.pass(by.Add(-time.Second).Sub(s.clock()))
	var reminders int
	for _, m := range s.memos() {
		if m.Kind == deliver.KindReminder {
			reminders++
		}
	}
	if reminders == 0 {
		t.Error("nobody was reminded before the promise")
	}
	s.pass(10 * time.Minute)
	u, err := s.store.Update(t.Context(), inc.ID, 2)
	if err != nil {
		t.Fatal(err)
	}
	if u.Kind != incident.Holding || !u.Missed.Equal(by) {
		t.Errorf("update 2 is %s and late for %v, want holding and late for %s", u.Kind, u.Missed, by)
	}
	p := s.read(inc.ID).Promises
	if len(p) != 2 || p[0].Met() || p[0].Open() {
		t.Errorf("promises %+v, want the first settled and missed", p)
	}
	for _, r := range p[0].Results {
		if r.Met {
			t.Errorf("the promise is recorded as met on %v", r.Route)
		}
	}
}

func TestLongSilenceIsOneLateMessage(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	inc := s.open(trouble())
	s.set(s.clock().Add(3 * time.Hour)) // the program was not running
	for range 3 {
		if err := s.Sweep(t.Context(), s.clock()); err != nil {
			t.Fatal(err)
		}
	}
	if got := s.read(inc.ID).Seq; got != 2 {
		t.Errorf("seq = %d, want 2: one late message, not six", got)
	}
}

func TestHoldingTextsGrowRarer(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	inc := s.open(trouble())
	s.pass(12 * time.Hour)
	var gaps []time.Duration
	lines := s.read(inc.ID).Lines
	for n := 2; n < len(lines); n++ {
		gaps = append(gaps, lines[n].At.Sub(lines[n-1].At).Round(time.Minute))
	}
	// Three gaps at the usual pace, then twice, three and four times as long: the
	// promise and the two minutes after which it counts as lapsed.
	want := []time.Duration{32 * time.Minute, 32 * time.Minute, 32 * time.Minute, 62 * time.Minute, 92 * time.Minute, 122 * time.Minute, 122 * time.Minute}
	if diff := cmp.Diff(want, gaps[:min(len(want), len(gaps))]); diff != "" {
		t.Errorf("gaps between holding texts (-want +got):\n%s", diff)
	}
}

func TestSweepTwiceIsSweepOnce(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	inc := s.open(trouble())
	s.set(s.clock().Add(33 * time.Minute))
	done := make(chan error, 4)
	for range 4 {
		go func() { done <- s.Sweep(t.Context(), s.clock()) }()
	}
	for range 4 {
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	if got := s.read(inc.ID).Seq; got != 2 {
		t.Errorf("seq = %d after four sweeps at once, want 2", got)
	}
}

func TestResolvedIsSilent(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	inc := s.open(trouble())
	if _, err := s.Update(t.Context(), inc.ID, announce.UpdateInput{Stage: incident.Resolved}, who); err != nil {
		t.Fatal(err)
	}
	before := len(s.told)
	s.pass(48 * time.Hour)
	if len(s.told) != before {
		t.Errorf("%d more were told after the end", len(s.told)-before)
	}
}

func TestOutlookIsAskedForAndNeverStandsExpired(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	inc := s.open(trouble())
	w, err := incident.NewWindow(noon.Add(20*time.Minute), noon.Add(50*time.Minute), nil, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	in := announce.UpdateInput{
		Stage: incident.Identified, Next: noon.Add(2 * time.Hour), Facts: incident.Facts{Outlook: confirmed(w)},
	}
	if _, err := s.Update(t.Context(), inc.ID, in, who); err != nil {
		t.Fatal(err)
	}
	s.pass(45 * time.Minute)
	asked := false
	for _, m := range s.memos() {
		asked = asked || m.Kind == deliver.KindReminder
	}
	if !asked {
		t.Error("nobody was asked for a newer outlook")
	}
	s.pass(5 * time.Minute)
	got := s.read(inc.ID)
	if got.Seq != 3 || got.Facts.Outlook.Value.Kind() != incident.OutlookUnknown {
		t.Errorf("seq %d with outlook %s, want 3 with unknown", got.Seq, got.Facts.Outlook.Value.Kind())
	}
	u, err := s.store.Update(t.Context(), inc.ID, 3)
	if err != nil || !u.At.Before(w.ValidUntil()) {
		t.Errorf("the newer word came at %s, %v, want before %s", u.At, err, w.ValidUntil())
	}
}

func work(from time.Time) announce.OpenInput {
	return announce.OpenInput{
		Kind: incident.Maintenance, Components: []incident.ComponentID{"search"}, Severity: incident.Minor,
		Facts:  incident.Facts{Effect: confirmed(incident.Text{"ja": "検索できません。", "en": "Search does not work."})},
		Window: incident.Window{From: from, To: from.Add(2 * time.Hour)},
	}
}

func TestPlannedWorkRunsByItsWindow(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	inc := s.open(work(noon.Add(48 * time.Hour)))
	if inc.Stage != incident.Scheduled || !inc.Promises[0].By.Equal(inc.Window.From) {
		t.Fatalf("Open() = %s with promise %v, want scheduled until the start", inc.Stage, inc.Promises)
	}
	steps := []struct {
		to    time.Time
		stage incident.Stage
		seq   int
	}{
		{inc.Window.From.Add(-23 * time.Hour), incident.Scheduled, 2}, // a day before
		{inc.Window.From.Add(-time.Minute), incident.Scheduled, 3},    // an hour before
		{inc.Window.From, incident.InProgress, 4},
		{inc.Window.To, incident.Verifying, 5},
	}
	for _, st := range steps {
		s.pass(st.to.Sub(s.clock()))
		if got := s.read(inc.ID); got.Stage != st.stage || got.Seq != st.seq {
			t.Fatalf("at %s: %s, seq %d, want %s, %d", st.to, got.Stage, got.Seq, st.stage, st.seq)
		}
	}
	ds, err := s.store.Drafts(t.Context(), inc.ID)
	if err != nil || len(ds) != 1 || ds[0].Input.Stage != incident.Completed {
		t.Fatalf("drafts %+v, %v, want one that says completed", ds, err)
	}
	if _, err := s.PublishDraft(t.Context(), ds[0].ID, ds[0].Digest, who); err != nil {
		t.Fatal(err)
	}
	if got := s.read(inc.ID); got.Stage != incident.Completed || got.End != incident.EndStage {
		t.Errorf("at the end: %s, %s, want completed", got.Stage, got.End)
	}
}

func TestMovedWindowForgetsTheOldOne(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	inc := s.open(work(noon.Add(3 * time.Hour)))
	later := incident.Window{From: noon.Add(26 * time.Hour), To: noon.Add(28 * time.Hour)}
	if _, err := s.Update(t.Context(), inc.ID, announce.UpdateInput{Window: later}, who); err != nil {
		t.Fatal(err)
	}
	s.pass(5 * time.Hour)
	got := s.read(inc.ID)
	if got.Stage != incident.Scheduled {
		t.Errorf("stage = %s at the old start, want scheduled", got.Stage)
	}
	s.pass(22 * time.Hour)
	if got := s.read(inc.ID); got.Stage != incident.InProgress {
		t.Errorf("stage = %s at the new start, want in_progress", got.Stage)
	}
}

func TestAlarmDuringPlannedWorkTellsEngineeringOnly(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	inc := s.open(work(noon.Add(time.Hour)))
	s.pass(70 * time.Minute)
	seq := s.read(inc.ID).Seq
	s.signal(s.alarm("search-latency", incident.SignalAlarm))
	s.pass(10 * time.Minute)
	if live := s.live(); len(live) != 1 {
		t.Errorf("%d live incidents, want the planned work alone", len(live))
	}
	if got := s.read(inc.ID).Seq; got != seq {
		t.Errorf("seq = %d, want %d: nobody outside hears", got, seq)
	}
	if ms := s.memos(); len(ms) == 0 {
		t.Error("engineering was not told")
	}
}
