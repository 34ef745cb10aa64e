package announce_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"shirase/internal/announce"
	"shirase/internal/incident"
	"shirase/internal/message"
)

func TestOpenRefusesWhatCannotBeSaid(t *testing.T) {
	t.Parallel()
	effect := func(text incident.Text) func(*announce.OpenInput) {
		return func(in *announce.OpenInput) { in.Facts.Effect = confirmed(text) }
	}
	for _, c := range []struct {
		name  string
		make  func(*announce.OpenInput)
		field string // empty where it is taken
	}{
		{"one locale of two", effect(incident.Text{"en": "It is down."}), ""},
		{"an empty effect", effect(incident.Text{"en": ""}), "facts.effect"},
		{"a blank effect", effect(incident.Text{"en": "   ", "ja": "\n"}), "facts.effect"},
		{"an effect in no locale", effect(nil), "facts.effect"},
		{"an effect in another locale", effect(incident.Text{"fr": "Tout est en panne."}), "facts.effect"},
		{"a text in another locale", func(in *announce.OpenInput) { in.Text = incident.Text{"en": "Hm.", "EN": "Hm."} }, "text"},
		{"a scope in another locale", func(in *announce.OpenInput) { in.Facts.Scope = confirmed(incident.Text{"de": "Alle."}) }, "facts.scope"},
		{"a clock that is a little fast", func(in *announce.OpenInput) { in.Facts.StartedAt = confirmed(noon.Add(5 * time.Minute)) }, ""},
		{"a start ahead", func(in *announce.OpenInput) { in.Facts.StartedAt = confirmed(noon.Add(6 * time.Minute)) }, "facts.started_at"},
		{"a fix ahead", func(in *announce.OpenInput) { in.Facts.FixedAt = confirmed(noon.Add(time.Hour)) }, "facts.fixed_at"},
		{"an end ahead", func(in *announce.OpenInput) { in.Facts.EndedAt = confirmed(noon.Add(time.Hour)) }, "facts.ended_at"},
		{"work that has begun", func(in *announce.OpenInput) { *in = work(noon.Add(-time.Hour)) }, ""},
		{"work that is over", func(in *announce.OpenInput) { *in = work(noon.Add(-2 * time.Hour)) }, "window.to"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s, in := newStage(t), trouble()
			c.make(&in)
			_, err := s.Open(t.Context(), in, who)
			if c.field == "" && err != nil || c.field != "" && (!errors.Is(err, incident.ErrInvalid) || !hasField(err, c.field)) {
				t.Errorf("Open() = %v, want a fault of %q", err, c.field)
			}
		})
	}
}

func TestUpdateRefusesWhatCannotBeSaid(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	inc := s.open(trouble())
	for _, c := range []struct {
		in    announce.UpdateInput
		field string
	}{
		{announce.UpdateInput{Facts: incident.Facts{Effect: confirmed(incident.Text{"ja": " "})}}, "facts.effect"},
		{announce.UpdateInput{Facts: incident.Facts{EndedAt: confirmed(noon.Add(time.Hour))}, Stage: incident.Resolved}, "facts.ended_at"},
		{announce.UpdateInput{Text: incident.Text{"xx": "?"}}, "text"},
		{announce.UpdateInput{Kind: incident.Correction, Of: 1}, "text"},
		{announce.UpdateInput{Kind: incident.Correction, Of: 1, Text: incident.Text{"en": " "}}, "text"},
	} {
		if _, err := s.Update(t.Context(), inc.ID, c.in, who); !errors.Is(err, incident.ErrInvalid) || !hasField(err, c.field) {
			t.Errorf("Update(%+v) = %v, want a fault of %s", c.in, err, c.field)
		}
	}
	f := incident.Facts{Cause: confirmed(incident.Text{"fr": "Un rat."})}
	if _, err := s.Know(t.Context(), inc.ID, f, who); !hasField(err, "facts.cause") {
		t.Errorf("Know() = %v, want a fault of facts.cause", err)
	}
}

func TestCorrectionGoesWhereTheUpdateWent(t *testing.T) {
	t.Parallel()
	right := incident.Text{"ja": "閲覧はできます。", "en": "Viewing works."}
	for _, c := range []struct {
		name string
		in   announce.UpdateInput
		of   int
		sms  bool
	}{
		{"the first notice, which text messages had", announce.UpdateInput{Text: right}, 1, true},
		{"a stage between, which they had not", announce.UpdateInput{Text: right}, 2, false},
		{"a stage between, by a fact", announce.UpdateInput{Facts: incident.Facts{Outlook: confirmed(incident.UnknownOutlook())}}, 2, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			inc := s.open(trouble())
			if _, err := s.Update(t.Context(), inc.ID, announce.UpdateInput{Stage: incident.Identified}, who); err != nil {
				t.Fatal(err)
			}
			wrong, err := s.store.Update(t.Context(), inc.ID, c.of)
			if err != nil {
				t.Fatal(err)
			}
			in := c.in
			in.Kind, in.Of = incident.Correction, c.of
			r, err := s.Update(t.Context(), inc.ID, in, who)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(r.Update.Routes, wrong.Routes) {
				t.Errorf("the correction of %d goes to %v, want %v", c.of, r.Update.Routes, wrong.Routes)
			}
			sms := slices.ContainsFunc(r.Update.Routes, func(r incident.Route) bool { return r.Channel == "sms" })
			if sms != c.sms {
				t.Errorf("the correction of %d goes to text messages: %v, want %v", c.of, sms, c.sms)
			}
		})
	}
}

// escalations counts the calls to a further member.
func (s *stage) escalations() (n int) {
	for _, p := range s.told {
		if strings.HasPrefix(p.Slot, string(message.MemoEscalation)) {
			n++
		}
	}
	return n
}

func TestWhoeverPublishesHasTakenItOn(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.signal(s.alarm(five[0], incident.SignalAlarm))
	s.pass(2 * time.Minute)
	live := s.live()
	if len(live) != 1 || live[0].AckedBy != "" {
		t.Fatalf("live = %+v, want one that nobody has taken on", live)
	}
	p, err := s.Preview(t.Context(), live[0].ID, announce.UpdateInput{}, announce.Actor{Name: "mori"})
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.Update(t.Context(), live[0].ID, announce.UpdateInput{Hash: p.Hash}, who)
	if err != nil {
		t.Fatalf("Update() with another reader's preview = %v", err)
	}
	if r.Incident.AckedBy != who.Name {
		t.Errorf("acked by %q, want %q", r.Incident.AckedBy, who.Name)
	}
	before := s.escalations()
	s.pass(20 * time.Minute)
	if got := s.escalations(); got != before {
		t.Errorf("%d more were called", got-before)
	}
}

// A recovery that is over by the time it is announced is a slip of the day or the
// zone, and would reach readers as an outlook that nobody knows.
func TestAnOutlookLiesAhead(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	inc := s.open(trouble())
	outlook := func(to time.Time) error {
		w, err := incident.NewWindow(to.Add(-30*time.Minute), to, nil, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		_, err = s.Update(t.Context(), inc.ID, announce.UpdateInput{Stage: incident.Identified, Facts: incident.Facts{Outlook: confirmed(w)}}, who)
		return err
	}
	for _, to := range []time.Time{s.clock(), s.clock().Add(-24 * time.Hour)} {
		if err := outlook(to); !errors.Is(err, incident.ErrInvalid) || !strings.Contains(err.Error(), "facts.outlook.to") {
			t.Errorf("Update() with an outlook until %s at %s = %v, want facts.outlook.to refused", to, s.clock(), err)
		}
	}
	if err := outlook(s.clock().Add(time.Minute)); err != nil {
		t.Errorf("Update() with an outlook that lasts = %v", err)
	}
}

// TestOneSilenceIsOneUpdate is of what falls due in one silence: the story of
// each that was once told twice.
func TestOneSilenceIsOneUpdate(t *testing.T) {
	t.Parallel()
	from := noon.Add(3 * time.Hour)
	window := func(t *testing.T, from, to time.Time) incident.Facts {
		t.Helper()
		w, err := incident.NewWindow(from, to, nil, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		return incident.Facts{Outlook: confirmed(w)}
	}
	for _, c := range []struct {
		name    string
		next    time.Time // what is promised explicitly
		outlook time.Time // when the outlook ends
		back    time.Time // when the program runs again
		stage   incident.Stage
		kind    incident.UpdateKind
		late    bool
	}{
		{"outlook and reminder", time.Time{}, from.Add(-time.Hour), from.Add(-time.Hour), incident.Scheduled, incident.Progress, false},
		{"reminder in an outlook's last minute", time.Time{}, from.Add(-time.Hour + 30*time.Second), from.Add(-time.Hour), incident.Scheduled, incident.Progress, false},
		{"promise and reminder", from.Add(-70 * time.Minute), time.Time{}, from.Add(-30 * time.Minute), incident.Scheduled, incident.Holding, true},
		{"reminder and promise", from.Add(-50 * time.Minute), time.Time{}, from.Add(-30 * time.Minute), incident.Scheduled, incident.Progress, true},
		{"promise, outlook and reminder", from.Add(-90 * time.Minute), from.Add(-80 * time.Minute), from.Add(-30 * time.Minute), incident.Scheduled, incident.Holding, true},
		{"all that, and the start", from.Add(-90 * time.Minute), from.Add(-80 * time.Minute), from.Add(30 * time.Minute), incident.InProgress, incident.Notice, true},
		{"all that, and the end", from.Add(-90 * time.Minute), from.Add(-80 * time.Minute), from.Add(5 * time.Hour), incident.InProgress, incident.Notice, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			inc := s.open(work(from))
			in := announce.UpdateInput{Next: c.next}
			s.set(noon.Add(time.Hour))
			if !c.outlook.IsZero() {
				in.Facts = window(t, s.clock(), c.outlook)
			}
			if _, err := s.Update(t.Context(), inc.ID, in, who); err != nil {
				t.Fatal(err)
			}
			s.set(c.back)
			for range 3 {
				if err := s.Sweep(t.Context(), s.clock()); err != nil {
					t.Fatal(err)
				}
			}
			got := s.read(inc.ID)
			if got.Seq != 3 || got.Stage != c.stage || got.Lines[2].Kind != c.kind {
				t.Fatalf("after one silence: %+v, want one more, %s of kind %s", got.Lines, c.stage, c.kind)
			}
			u, err := s.store.Update(t.Context(), inc.ID, 3)
			if err != nil || !u.Missed.IsZero() != c.late {
				t.Errorf("update 3 is late for %v, %v; want late: %v", u.Missed, err, c.late)
			}
			if o := got.Facts.Outlook; o.Known() && o.Value.Kind() != incident.OutlookUnknown {
				t.Errorf("the outlook is a %s, want that nobody can tell", o.Value.Kind())
			}
		})
	}
}
