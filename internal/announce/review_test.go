package announce_test

import (
	"testing"
	"time"

	"shirase/internal/announce"
	"shirase/internal/incident"
)

func (s *stage) drafts(id incident.ID, st announce.DraftState) []announce.Draft {
	s.t.Helper()
	ds, err := s.store.Drafts(s.t.Context(), id)
	if err != nil {
		s.t.Fatal(err)
	}
	var out []announce.Draft
	for _, d := range ds {
		if d.State == st {
			out = append(out, d)
		}
	}
	return out
}

func TestWhatWasSeenIsPublishedWhereTheWordsAreTheSame(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.signal(s.alarm("login-failures", incident.SignalAlarm))
	s.pass(time.Minute)
	id := s.live()[0].ID
	seen := s.drafts(id, announce.DraftOpen)[0]
	s.pass(3 * time.Minute)
	before := len(s.told)
	if _, err := s.AddNote(t.Context(), id, "Looking at the logs.", who); err != nil {
		t.Fatal(err)
	}
	if len(s.told) != before {
		t.Error("a note calls somebody")
	}
	if _, err := s.PublishDraft(t.Context(), seen.ID, seen.Digest, who); err != nil {
		t.Errorf("PublishDraft() of what was seen before the note = %v", err)
	}
}

func TestWorkThatIsOverLeavesADraftForWhatStillFires(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	inc := s.open(work(noon.Add(time.Hour)))
	s.pass(70 * time.Minute)
	s.signal(s.alarm("search-latency", incident.SignalAlarm))
	s.pass(time.Minute)
	if _, err := s.Update(t.Context(), inc.ID, announce.UpdateInput{Stage: incident.Completed}, who); err != nil {
		t.Fatal(err)
	}
	s.pass(5 * time.Minute)
	live := s.live()
	if len(live) != 1 || live[0].Kind != incident.Outage || live[0].Seq != 0 {
		t.Fatalf("live %+v, want one outage that nobody outside has heard of", live)
	}
	if ds := s.drafts(live[0].ID, announce.DraftOpen); len(ds) != 1 || !ds[0].AutoAt.IsZero() {
		t.Errorf("drafts %+v, want one that waits for a person", ds)
	}
}

func TestARehearsalHidesNoRealAlarm(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	in := work(noon.Add(time.Minute))
	in.Drill = true
	s.open(in)
	s.pass(10 * time.Minute)
	s.signal(s.alarm("search-latency", incident.SignalAlarm))
	for _, i := range s.live() {
		if i.Kind == incident.Outage {
			return
		}
	}
	t.Error("the alarm joined planned work that is a rehearsal")
}

func TestFiringAgainCallsAgain(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.signal(s.alarm("login-failures", incident.SignalAlarm))
	s.pass(2 * time.Minute)
	id := s.live()[0].ID
	if _, err := s.Ack(t.Context(), id, who); err != nil {
		t.Fatal(err)
	}
	s.signal(s.alarm("login-failures", incident.SignalOK))
	s.pass(48 * time.Hour)
	before := len(s.told)
	s.signal(s.alarm("login-failures", incident.SignalAlarm))
	s.pass(2 * time.Minute)
	if len(s.told) == before {
		t.Error("nobody was told that it fires again two days later")
	}
}

func TestFiringInMonitoringProposesInvestigating(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.signal(s.alarm("login-failures", incident.SignalAlarm))
	s.pass(time.Minute)
	id := s.live()[0].ID
	for _, st := range []incident.Stage{incident.Investigating, incident.Monitoring} {
		if _, err := s.Update(t.Context(), id, announce.UpdateInput{Stage: st}, who); err != nil {
			t.Fatal(err)
		}
	}
	s.signal(s.alarm("login-failures", incident.SignalOK))
	s.pass(time.Minute)
	s.signal(s.alarm("login-failures", incident.SignalAlarm))
	if ds := s.drafts(id, announce.DraftOpen); len(ds) != 1 || ds[0].Input.Stage != incident.Investigating {
		t.Errorf("drafts %+v, want one that says we are investigating again", ds)
	}
}

func TestAlarmsOfAMergedIncidentCountForTheOther(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.signal(s.alarm("login-failures", incident.SignalAlarm))
	s.pass(time.Minute)
	b := s.live()[0].ID
	a := s.open(trouble()).ID
	if _, err := s.Merge(t.Context(), b, a, who); err != nil {
		t.Fatal(err)
	}
	s.pass(time.Minute)
	s.signal(s.alarm("login-failures", incident.SignalOK))
	if ds := s.drafts(a, announce.DraftOpen); len(ds) != 1 || ds[0].Input.Stage != incident.Monitoring {
		t.Errorf("drafts %+v, want one that proposes monitoring of the incident that goes on", ds)
	}
}

func TestLostDataIsNotFirstToldByItself(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	id := s.open(trouble()).ID
	s.pass(time.Minute)
	if _, err := s.Know(t.Context(), id, incident.Facts{Data: confirmed(incident.DataLost)}, who); err != nil {
		t.Fatal(err)
	}
	s.pass(2 * time.Hour)
	for seq := 2; seq <= s.read(id).Seq; seq++ {
		if u, err := s.store.Update(t.Context(), id, seq); err != nil || u.Facts.Data.Known() {
			t.Errorf("update %d, %s, tells %v, %v, want nothing of data", seq, u.Kind, u.Facts.Data, err)
		}
	}
	r, err := s.Update(t.Context(), id, announce.UpdateInput{}, who)
	if err != nil || r.Update.Facts.Data.Value != incident.DataLost {
		t.Errorf("a person's update tells %v, %v, want lost", r.Update, err)
	}
}

func TestSecondEndHasATimeOfItsOwn(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	id := s.open(trouble()).ID
	var r announce.Result
	for _, st := range []incident.Stage{incident.Resolved, incident.Investigating, incident.Resolved} {
		s.pass(10 * time.Minute)
		var err error
		if r, err = s.Update(t.Context(), id, announce.UpdateInput{Stage: st}, who); err != nil {
			t.Fatal(err)
		}
	}
	if got := r.Update.Facts.EndedAt.Value; !got.Equal(s.clock()) {
		t.Errorf("ended at %s, want %s", got, s.clock())
	}
}

func TestARetractedEndGoesOn(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	id := s.open(trouble()).ID
	if _, err := s.Update(t.Context(), id, announce.UpdateInput{Stage: incident.Resolved}, who); err != nil {
		t.Fatal(err)
	}
	r, err := s.Update(t.Context(), id, announce.UpdateInput{Kind: incident.Retraction, Of: 2}, who)
	if err != nil || r.Incident.End != "" || r.Update.Next.IsZero() {
		t.Fatalf("retraction of the end = %+v, %v, want it live with a promise", r.Incident, err)
	}
	if !r.Update.Next.Equal(s.clock().Add(30 * time.Minute).Truncate(time.Minute)) {
		t.Errorf("promised %s, want half an hour", r.Update.Next)
	}
	s.pass(2 * time.Hour)
	if got := s.read(id).Seq; got < 4 {
		t.Errorf("seq = %d, want holding texts", got)
	}
}

func TestExpiredDraftIsPublishedAsItsPageShowsIt(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.signal(s.alarm("login-failures", incident.SignalAlarm))
	s.pass(time.Minute)
	d := s.drafts(s.live()[0].ID, announce.DraftOpen)[0]
	if _, err := s.Ack(t.Context(), d.Incident, who); err != nil {
		t.Fatal(err)
	}
	s.pass(3 * time.Hour)
	v, err := s.Draft(t.Context(), d.ID)
	if err != nil || !v.Stale || v.Draft.Digest == d.Digest {
		t.Fatalf("Draft() after three hours = stale %v, %v, want fresh texts", v.Stale, err)
	}
	if _, err := s.PublishDraft(t.Context(), d.ID, v.Draft.Digest, who); err != nil {
		t.Errorf("PublishDraft() with what the page shows = %v", err)
	}
	if got := s.read(d.Incident).Seq; got != 1 {
		t.Errorf("seq = %d, want 1", got)
	}
}
