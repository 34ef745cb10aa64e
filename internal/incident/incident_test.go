package incident_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"shirase/internal/incident"
)

// same compares what must not differ after a round trip.
var same = cmp.Options{cmpopts.EquateEmpty(), cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) })}

var routes = []incident.Route{{Audience: incident.Support, Channel: incident.Email}, {Audience: incident.Customers, Channel: incident.SMS}}

// differ answers how two snapshots differ; empty where they do not. Where their
// JSON is the same it looks no further.
func differ(a, b incident.Snapshot) string {
	x, errA := json.Marshal(a)
	y, errB := json.Marshal(b)
	if errA == nil && errB == nil && bytes.Equal(x, y) {
		return ""
	}
	return cmp.Diff(a, b, same)
}

// world is two incidents that rapid pulls about, with what the rules alone make
// of them.
type world struct {
	now time.Time
	is  [2]incident.Incident
	ps  [2]paper
}

func (w *world) check(t *rapid.T, n int, before incident.Incident, was incident.Snapshot, err error) {
	if d := differ(was, before.Snapshot()); d != "" {
		t.Fatalf("the incident that was changed is another now:\n%s", d)
	}
	s := w.is[n].Snapshot()
	if err != nil {
		if d := differ(was, s); d != "" {
			t.Fatalf("a refused change has an effect:\n%s", d)
		}
		return
	}
	d := differ(was, s)
	if want := was.Version; d != "" {
		if want++; s.Version != want {
			t.Fatalf("version = %d after a change, want %d", s.Version, want)
		}
	}
	invariants(t, w.is[n])
}

func invariants(t *rapid.T, i incident.Incident) {
	s := i.Snapshot()
	_, open := i.Promise()
	if s.Seq != len(s.Lines) || s.Version <= s.Seq {
		t.Fatalf("seq %d, %d lines, version %d", s.Seq, len(s.Lines), s.Version)
	}
	if want := i.Live() && s.Seq > 0; open != want {
		t.Fatalf("promise open = %v at stage %s with end %q and seq %d, want %v", open, s.Stage, s.End, s.Seq, want)
	}
	if i.Live() && s.Stage.Final() {
		t.Fatalf("live at stage %s", s.Stage)
	}
	for _, p := range s.Promises[:max(0, len(s.Promises)-1)] {
		if p.Open() {
			t.Fatalf("promise of %d is open beside a newer one", p.Seq)
		}
	}
	for _, c := range s.Components {
		if !slices.Contains(s.Named, c) {
			t.Fatalf("%s is affected and was never named", c)
		}
	}
	back, err := incident.Restore(s)
	if err != nil {
		t.Fatalf("Restore(Snapshot()) = %v", err)
	}
	if d := differ(s, back.Snapshot()); d != "" {
		t.Fatalf("Restore(Snapshot()) differs:\n%s", d)
	}
	b, err := json.Marshal(s)
	if err != nil {
		t.Fatalf("Marshal() = %v", err)
	}
	var read incident.Snapshot
	if err := json.Unmarshal(b, &read); err != nil {
		t.Fatalf("Unmarshal(%s) = %v", b, err)
	}
	if d := differ(s, read); d != "" {
		t.Fatalf("the JSON round trip differs:\n%s", d)
	}
	spoil(&s)
	if d := differ(back.Snapshot(), i.Snapshot()); d != "" {
		t.Fatalf("changing a snapshot changes the incident:\n%s", d)
	}
}

// spoil overwrites everything that a snapshot could share.
func spoil(s *incident.Snapshot) {
	for n := range s.Components {
		s.Components[n] = "spoilt"
	}
	for n := range s.Named {
		s.Named[n] = "spoilt"
	}
	for n := range s.Groups {
		s.Groups[n] = "spoilt"
	}
	for n := range s.Absorbed {
		s.Absorbed[n] = "spoilt"
	}
	for n := range s.Lines {
		s.Lines[n].Seq = -1
	}
	for n := range s.Promises {
		s.Promises[n].Seq = -1
		for m := range s.Promises[n].Results {
			s.Promises[n].Results[m].Channel = "spoilt"
		}
	}
	for _, t := range []incident.Text{
		s.Facts.Effect.Value, s.Facts.Scope.Value, s.Facts.Workaround.Value, s.Facts.Cause.Value,
		s.Facts.Prevention.Value, s.Facts.Outlook.Value.Basis(),
	} {
		for l := range t {
			t[l] = "spoilt"
		}
	}
}

func drawFacts(t *rapid.T, now time.Time) incident.Facts {
	var f incident.Facts
	state := rapid.SampledFrom([]incident.FactState{incident.Confirmed, incident.Reported, incident.Hypothesis})
	if rapid.Bool().Draw(t, "effect") {
		f.Effect = incident.Fact[incident.Text]{Value: incident.Text{"en": rapid.StringMatching(`[a-z]{0,3}`).Draw(t, "words")}, State: state.Draw(t, "state"), At: now}
	}
	if rapid.Bool().Draw(t, "outlook") {
		o := rapid.SampledFrom([]incident.Outlook{incident.UnknownOutlook(), incident.RestoredOutlook(), window(now)}).Draw(t, "which")
		f.Outlook = incident.Fact[incident.Outlook]{Value: o, State: state.Draw(t, "state"), At: now}
	}
	if rapid.Bool().Draw(t, "ended") {
		f.EndedAt = incident.Fact[time.Time]{Value: now.Add(rapid.SampledFrom([]time.Duration{-time.Hour, 0}).Draw(t, "at")), State: incident.Confirmed, At: now}
	}
	return f
}

func window(now time.Time) incident.Outlook {
	o, err := incident.NewWindow(now, now.Add(time.Hour), incident.Text{"en": "A test.", "ja": "試験です。"}, time.Time{})
	if err != nil {
		panic(err)
	}
	return o
}

func TestIncidentKeepsItsRulesWhateverHappens(t *testing.T) {
	t.Parallel()
	met := map[verdict]int{}
	rapid.Check(t, func(t *rapid.T) {
		w := &world{now: t0}
		for n, id := range []incident.ID{"a", "b"} {
			o := opening(rapid.SampledFrom([]incident.Kind{incident.Outage, incident.Maintenance}).Draw(t, "kind"))
			o.ID, o.Groups, o.Facts = id, []string{"g" + string(id)}, drawFacts(t, t0)
			var err error
			if w.is[n], err = incident.Open(o); err != nil {
				t.Fatalf("Open() = %v", err)
			}
			invariants(t, w.is[n])
			w.ps[n] = paper{
				ID: id, Kind: o.Kind, Stage: "detected", Severity: o.Severity, Version: 1, Components: o.Components, Named: o.Components, Groups: o.Groups,
			}
			agree(t, w.ps[n], fine, w.is[n], nil)
		}
		components := rapid.SliceOfN(rapid.SampledFrom([]incident.ComponentID{"invoices", "search", "login", "mail", "api", "invoices", "search", "login", ""}), 0, 3)
		act := func(do func(n int, i incident.Incident, p paper) (incident.Incident, paper, verdict, error)) func(*rapid.T) {
			return func(t *rapid.T) {
				w.now = w.now.Add(time.Duration(rapid.SampledFrom([]int{0, 1, 10, 20, 30, 31, 90}).Draw(t, "minutes")) * time.Minute)
				n := rapid.IntRange(0, 1).Draw(t, "incident")
				i := w.is[n]
				was := i.Snapshot()
				next, p, v, err := do(n, i, w.ps[n])
				if err == nil {
					w.is[n] = next
				} else if !errors.Is(err, incident.ErrConflict) && !errors.Is(err, incident.ErrInvalid) {
					t.Fatalf("the error %v is of no kind", err)
				}
				w.check(t, n, i, was, err)
				w.ps[n] = p
				met[v]++
				agree(t, p, v, w.is[n], err)
			}
		}
		proposal := func(i incident.Incident) incident.Proposal {
			s := i.Snapshot()
			p := incident.Proposal{
				Kind:  rapid.SampledFrom(append(incident.UpdateKinds(), incident.Retraction, incident.Retraction)).Draw(t, "kind"),
				Stage: s.Stage,
				By:    "sato", Facts: drawFacts(t, w.now), Routes: routes,
			}
			if likely := after[s.Kind][s.Stage]; len(likely) > 0 && p.Kind != incident.Retraction && rapid.Bool().Draw(t, "moves") {
				p.Stage = rapid.SampledFrom(likely).Draw(t, "stage")
			} else if rapid.IntRange(0, 4).Draw(t, "any") == 0 {
				p.Stage = rapid.SampledFrom(incident.Stages(s.Kind)).Draw(t, "stage")
			}
			if rapid.Bool().Draw(t, "names") {
				p.Components = components.Draw(t, "components")
			}
			final := p.Stage.Final()
			if p.Kind.Mends() {
				p.Of = rapid.SampledFrom([]int{1, 2, 3, s.Seq, s.Seq - 1, s.Seq, s.Seq + 1}).Draw(t, "of")
				if p.Kind == incident.Retraction && p.Of >= 1 && p.Of <= s.Seq {
					final = i.EndsBy(p.Of)
				}
			}
			if final == (rapid.IntRange(0, 9).Draw(t, "slip") == 0) {
				p.Next = w.now.Add(30 * time.Minute)
			}
			return p
		}
		accept := act(func(_ int, i incident.Incident, p paper) (incident.Incident, paper, verdict, error) {
			in := proposal(i)
			next, u, err := i.Accept(in, w.now)
			p, want, v := p.accept(in, w.now)
			if err == nil {
				line := next.Snapshot().Lines[u.Seq-1]
				if u.Seq != want.Seq || u.Stage != want.Stage || line.Stage != u.Stage || line.Of != u.Of || u.Final() != !next.Live() ||
					!u.Missed.Equal(want.Missed) || !u.Next.Equal(want.Next) {
					t.Fatalf("update %+v does not fit its incident at %s, want %+v", u, next.Stage(), want)
				}
			}
			return next, p, v, err
		})
		t.Repeat(map[string]func(*rapid.T){
			"accept": accept, "accept two": accept, "accept three": accept, "accept four": accept,
			"ack": act(func(_ int, i incident.Incident, p paper) (incident.Incident, paper, verdict, error) {
				next, err := i.Ack("mori", w.now)
				p, v := p.ack("mori")
				return next, p, v, err
			}),
			"know": act(func(_ int, i incident.Incident, p paper) (incident.Incident, paper, verdict, error) {
				f := drawFacts(t, w.now)
				next, err := i.Know(f)
				if len(f.States()) > 0 {
					p.Version++
				}
				return next, p, fine, err
			}),
			"join": act(func(_ int, i incident.Incident, p paper) (incident.Incident, paper, verdict, error) {
				cs, sev := components.Draw(t, "components"), rapid.SampledFrom(append(incident.Severities(), "")).Draw(t, "severity")
				next, err := i.Join(cs, sev)
				p, v := p.join(cs, sev)
				return next, p, v, err
			}),
			"touch": act(func(_ int, i incident.Incident, p paper) (incident.Incident, paper, verdict, error) {
				next, err := i.Touch()
				p.Version++
				return next, p, fine, err
			}),
			"dismiss": act(func(_ int, i incident.Incident, p paper) (incident.Incident, paper, verdict, error) {
				if rapid.IntRange(0, 9).Draw(t, "rare") != 0 {
					return i, p, fine, nil // it would end most runs
				}
				next, err := i.Dismiss(w.now)
				p, v := p.dismiss()
				return next, p, v, err
			}),
			"merge": act(func(n int, i incident.Incident, p paper) (incident.Incident, paper, verdict, error) {
				if rapid.IntRange(0, 4).Draw(t, "rare") != 0 {
					return i, p, fine, nil
				}
				into := rapid.IntRange(0, 1).Draw(t, "into")
				p, other, v := p.merge(w.ps[into], routes, w.now)
				a, err := w.is[into].Absorb(i)
				if err != nil {
					return incident.Incident{}, p, v, err
				}
				next, u, told, err := i.MergeInto(w.is[into].ID(), incident.Proposal{By: "sato", Routes: routes}, w.now)
				if err != nil {
					return incident.Incident{}, p, v, err
				}
				if told != (i.Seq() > 0) || told && (u.MergedInto != a.ID() || !u.Final()) || next.Live() {
					t.Fatalf("MergeInto() told %v with %+v, live %v", told, u, next.Live())
				}
				w.is[into], w.ps[into] = a, other
				invariants(t, a)
				agree(t, other, v, a, nil)
				return next, p, v, nil
			}),
			"restore": act(func(_ int, i incident.Incident, p paper) (incident.Incident, paper, verdict, error) {
				next, err := incident.Restore(i.Snapshot())
				return next, p, fine, err
			}),
		})
	})
	for _, v := range []verdict{fine, conflict, noStage, invalid} {
		if met[v] == 0 {
			t.Errorf("no change ever answered %q", v)
		}
	}
}

func TestOpenListsEveryFault(t *testing.T) {
	t.Parallel()
	_, err := incident.Open(incident.Opening{Severity: "huge", Window: incident.Window{From: t0, To: t0}, At: t0, DetectedAt: t0.Add(time.Second)})
	for _, want := range []string{"id", "kind", "severity", "components", "opened_at", "opened_by", "window.to"} {
		if !hasField(err, want) {
			t.Errorf("Open() = %v, want a fault of %s", err, want)
		}
	}
	o := opening(incident.Maintenance)
	o.Window = incident.Window{}
	if _, err := incident.Open(o); !hasField(err, "window") {
		t.Errorf("Open(maintenance without a window) = %v, want a fault of window", err)
	}
}

func hasField(err error, field string) bool {
	var walk func(error) bool
	walk = func(err error) bool {
		switch e := err.(type) { //nolint:errorlint // it walks the tree
		case *incident.FieldError:
			return e.Field == field
		case interface{ Unwrap() []error }:
			return slices.ContainsFunc(e.Unwrap(), walk)
		case interface{ Unwrap() error }:
			return walk(e.Unwrap())
		}
		return false
	}
	return walk(err)
}

func mend(k incident.UpdateKind, of int, stage incident.Stage, next time.Time) incident.Proposal {
	return incident.Proposal{Kind: k, Of: of, Stage: stage, By: "sato", Next: next}
}

func TestMendingNeedsAnUpdateThatStands(t *testing.T) {
	t.Parallel()
	i := at(t, incident.Outage, incident.Investigating)
	next := t0.Add(time.Hour)
	i, _ = accepted(t, i, step(incident.Identified, t0), t0)
	for _, k := range []incident.UpdateKind{incident.Correction, incident.Retraction} {
		for _, of := range []int{-1, 0, 3} {
			if _, _, err := i.Accept(mend(k, of, incident.Identified, next), t0); !hasField(err, "of") {
				t.Errorf("Accept(%s of %d of 2) = %v, want a fault of of", k, of, err)
			}
		}
	}
	if _, _, err := i.Accept(incident.Proposal{Kind: incident.Progress, Of: 1, Stage: incident.Identified, By: "sato", Next: next}, t0); !hasField(err, "of") {
		t.Errorf("Accept(progress of 1) = %v, want a fault of of", err)
	}
	if _, _, err := i.Accept(mend(incident.Retraction, 2, incident.Monitoring, next), t0); !hasField(err, "stage") {
		t.Errorf("Accept(retraction that moves the stage) = %v, want a fault of stage", err)
	}
	i, u := accepted(t, i, mend(incident.Retraction, 2, incident.Identified, next), t0)
	if u.Stage != incident.Investigating || i.Stage() != incident.Investigating {
		t.Errorf("after the retraction of identified: %s, want investigating", i.Stage())
	}
	for _, k := range []incident.UpdateKind{incident.Correction, incident.Retraction} {
		if _, _, err := i.Accept(mend(k, 2, incident.Investigating, next), t0); !errors.Is(err, incident.ErrConflict) {
			t.Errorf("Accept(%s of a withdrawn update) = %v, want ErrConflict", k, err)
		}
		if _, _, err := i.Accept(mend(k, 3, incident.Investigating, next), t0); !hasField(err, "of") {
			t.Errorf("Accept(%s of a retraction) = %v, want a fault of of", k, err)
		}
	}
}

func TestRetractionOfTheEndBringsItBack(t *testing.T) {
	t.Parallel()
	i := at(t, incident.Outage, incident.Monitoring)
	p := step(incident.Resolved, t0)
	p.Facts.EndedAt = incident.Fact[time.Time]{Value: t0, State: incident.Confirmed, At: t0}
	p.Facts.Outlook = incident.Fact[incident.Outlook]{Value: incident.RestoredOutlook(), State: incident.Confirmed, At: t0}
	i, _ = accepted(t, i, p, t0)
	if i.EndsBy(2) {
		t.Error("EndsBy(the resolution) = true, want false: monitoring stands")
	}
	if _, _, err := i.Accept(mend(incident.Retraction, 2, incident.Resolved, time.Time{}), t0); !hasField(err, "next") {
		t.Errorf("Accept(retraction of the end without a promise) = %v, want a fault of next", err)
	}
	i, u := accepted(t, i, mend(incident.Retraction, 2, incident.Resolved, t0.Add(time.Hour)), t0)
	s := i.Snapshot()
	if !i.Live() || s.Stage != incident.Monitoring || u.Stage != incident.Monitoring || !s.EndedAt.IsZero() {
		t.Errorf("after the retraction: stage %s, end %q at %s, want monitoring and live", s.Stage, s.End, s.EndedAt)
	}
	if s.Facts.EndedAt.Known() || s.Facts.Outlook.Known() {
		t.Errorf("facts = %+v, want no end and no outlook that it works", s.Facts)
	}
	if _, open := i.Promise(); !open {
		t.Error("no promise is open")
	}
}

func TestRetractionOfEverythingEndsIt(t *testing.T) {
	t.Parallel()
	for k, first := range map[incident.Kind]incident.Stage{incident.Outage: incident.Investigating, incident.Maintenance: incident.Scheduled} {
		i := at(t, k, first)
		i, _ = accepted(t, i, step(first, t0), t0)
		i, _ = accepted(t, i, mend(incident.Retraction, 1, first, t0.Add(time.Hour)), t0)
		if !i.EndsBy(2) {
			t.Errorf("EndsBy(the last that stands) = false, want true")
		}
		if _, _, err := i.Accept(mend(incident.Retraction, 2, first, t0.Add(time.Hour)), t0); !hasField(err, "next") {
			t.Errorf("Accept(last retraction with a promise) = %v, want a fault of next", err)
		}
		i, u := accepted(t, i, mend(incident.Retraction, 2, first, time.Time{}), t0)
		if s := i.Snapshot(); s.End != incident.EndWithdrawn || !u.Final() || !s.Stage.Final() {
			t.Errorf("after the last retraction: %s, end %q, want a final stage and withdrawn", s.Stage, s.End)
		}
	}
}

func TestReopeningForgetsTheEnd(t *testing.T) {
	t.Parallel()
	i := at(t, incident.Outage, incident.Monitoring)
	p := step(incident.Resolved, t0)
	p.Facts.FixedAt = incident.Fact[time.Time]{Value: t0, State: incident.Confirmed}
	p.Facts.EndedAt, p.Facts.Outlook = p.Facts.FixedAt, incident.Fact[incident.Outlook]{Value: incident.RestoredOutlook(), State: incident.Confirmed}
	p.Facts.Cause = incident.Fact[incident.Text]{Value: incident.Text{"en": "A setting."}, State: incident.Confirmed}
	i, _ = accepted(t, i, p, t0)
	again := step(incident.Investigating, t0)
	i, u := accepted(t, i, again, t0)
	if f := u.Facts; f.EndedAt.Known() || f.FixedAt.Known() || f.Outlook.Known() || !f.Cause.Known() {
		t.Errorf("facts of the reopening = %+v, want the cause and no end", f)
	}
	if !i.Live() {
		t.Error("the reopened incident is not live")
	}
}

func TestPromisesAreKeptOrMissedByRoute(t *testing.T) {
	t.Parallel()
	for name, late := range map[string]time.Duration{"at the minute": 0, "late": time.Nanosecond} {
		i, first := accepted(t, opened(t, incident.Outage), step(incident.Investigating, t0), t0)
		p := step(incident.Identified, t0.Add(time.Hour))
		p.Routes = routes
		i, u := accepted(t, i, p, first.Next.Add(late))
		got := i.Snapshot().Promises[0]
		met := late == 0
		want := []incident.PromiseResult{{Route: routes[0], Met: met}, {Route: routes[1], Met: met}}
		if d := cmp.Diff(want, got.Results); d != "" || got.Met() != met || got.Kept != 2 {
			t.Errorf("%s: promise %+v differs:\n%s", name, got, d)
		}
		if met != u.Missed.IsZero() || !met && !u.Missed.Equal(first.Next) {
			t.Errorf("%s: the update says it missed %v", name, u.Missed)
		}
	}
}

func TestAbsorbTakesTheSoonerPromise(t *testing.T) {
	t.Parallel()
	for name, sooner := range map[string]time.Duration{"sooner": -time.Minute, "later": time.Minute} {
		a := at(t, incident.Outage, incident.Investigating)
		o := opening(incident.Outage)
		o.ID, o.Components, o.Severity, o.Groups = "i2", []incident.ComponentID{"search"}, incident.Critical, []string{"all"}
		b, err := incident.Open(o)
		if err != nil {
			t.Fatal(err)
		}
		own, _ := a.Promise()
		p := step(incident.Investigating, t0)
		p.Next = own.By.Add(sooner)
		b, _ = accepted(t, b, p, t0)
		got, err := a.Absorb(b)
		if err != nil {
			t.Fatal(err)
		}
		s, want := got.Snapshot(), own.By.Add(min(sooner, 0))
		if by, _ := got.Promise(); !by.By.Equal(want) {
			t.Errorf("%s: the promise is by %s, want %s", name, by.By, want)
		}
		if s.Severity != incident.Critical || !slices.Equal(s.Absorbed, []incident.ID{"i2"}) || !slices.Equal(s.Groups, []string{"all"}) || len(s.Components) != 2 {
			t.Errorf("Absorb() = %+v, want everything of both", s)
		}
		if _, err := opened(t, incident.Outage).Absorb(b); !errors.Is(err, incident.ErrConflict) {
			t.Errorf("Absorb() into what nobody was told of = %v, want ErrConflict", err)
		}
		if _, err := a.Absorb(a); !errors.Is(err, incident.ErrInvalid) {
			t.Errorf("Absorb(itself) = %v, want ErrInvalid", err)
		}
	}
}

func TestUpdatesAreBounded(t *testing.T) {
	t.Parallel()
	i := opened(t, incident.Outage)
	for n := 0; ; n++ {
		next, _, err := i.Accept(step(incident.Investigating, t0), t0)
		if err != nil {
			if n != 500 || !errors.Is(err, incident.ErrConflict) {
				t.Errorf("update %d = %v, want ErrConflict after 500", n+1, err)
			}
			return
		}
		i = next
	}
}

// broken are snapshots that could never have been built.
var broken = map[string]func(*incident.Snapshot){
	"no id":                 func(s *incident.Snapshot) { s.ID = "" },
	"a kind there is not":   func(s *incident.Snapshot) { s.Kind = "x" },
	"seq without line":      func(s *incident.Snapshot) { s.Seq++ },
	"version too low":       func(s *incident.Snapshot) { s.Version = s.Seq },
	"no component":          func(s *incident.Snapshot) { s.Components = nil },
	"component not named":   func(s *incident.Snapshot) { s.Named = nil },
	"lines out of order":    func(s *incident.Snapshot) { s.Lines[0].Seq = 2 },
	"line of no kind":       func(s *incident.Snapshot) { s.Lines[0].Kind = "" },
	"line of other kind":    func(s *incident.Snapshot) { s.Lines[0].Stage = incident.Scheduled },
	"correction of itself":  func(s *incident.Snapshot) { s.Lines[0].Kind, s.Lines[0].Of = incident.Correction, 1 },
	"notice of another":     func(s *incident.Snapshot) { s.Lines[0].Of = 1 },
	"live and resolved":     func(s *incident.Snapshot) { s.Stage = incident.Resolved },
	"ended in the middle":   func(s *incident.Snapshot) { s.End, s.EndedAt, s.Promises = incident.EndStage, t0, nil },
	"ended at no time":      func(s *incident.Snapshot) { s.Stage, s.End, s.Promises = incident.Resolved, incident.EndStage, nil },
	"an end there is not":   func(s *incident.Snapshot) { s.End, s.EndedAt, s.Promises = "x", t0, nil },
	"dismissed once told":   func(s *incident.Snapshot) { s.End, s.EndedAt, s.Promises = incident.EndDismissed, t0, nil },
	"merged into nothing":   func(s *incident.Snapshot) { s.End, s.EndedAt, s.Promises = incident.EndMerged, t0, nil },
	"no promise":            func(s *incident.Snapshot) { s.Promises = nil },
	"promise of no update":  func(s *incident.Snapshot) { s.Promises[0].Seq = 7 },
	"settled by no update":  func(s *incident.Snapshot) { s.Promises = append([]incident.Promise{{Seq: 1, Kept: 9}}, s.Promises...) },
	"two open promises":     func(s *incident.Snapshot) { s.Promises = append(s.Promises, s.Promises[0]) },
	"fact of no state":      func(s *incident.Snapshot) { s.Facts.Effect.State = "sure" },
	"ended before it began": func(s *incident.Snapshot) { s.Facts.EndedAt, s.Facts.StartedAt = when(t0), when(t0.Add(1)) },
	"fixed before it began": func(s *incident.Snapshot) { s.Facts.FixedAt, s.Facts.StartedAt = when(t0), when(t0.Add(1)) },
	"data effect unknown": func(s *incident.Snapshot) {
		s.Facts.Data = incident.Fact[incident.DataEffect]{Value: "x", State: incident.Confirmed}
	},
	"outlook of nothing": func(s *incident.Snapshot) { s.Facts.Outlook.State = incident.Confirmed },
}

func when(t time.Time) incident.Fact[time.Time] {
	return incident.Fact[time.Time]{Value: t, State: incident.Confirmed}
}

func TestRestoreRefusesWhatCouldNotBe(t *testing.T) {
	t.Parallel()
	for name, breaks := range broken {
		s := at(t, incident.Outage, incident.Investigating).Snapshot()
		if _, err := incident.Restore(s); err != nil {
			t.Fatalf("Restore() = %v", err)
		}
		breaks(&s)
		if _, err := incident.Restore(s); !errors.Is(err, incident.ErrInvalid) {
			t.Errorf("Restore(%s) = %v, want ErrInvalid", name, err)
		}
	}
}

func FuzzSnapshotJSON(f *testing.F) {
	i, err := incident.Open(opening(incident.Outage))
	if err != nil {
		f.Fatal(err)
	}
	add := func(s incident.Snapshot) {
		b, err := json.Marshal(s)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	add(i.Snapshot())
	if i, _, err = i.Accept(step(incident.Investigating, t0), t0); err != nil {
		f.Fatal(err)
	}
	add(i.Snapshot())
	for _, breaks := range broken {
		s := i.Snapshot()
		breaks(&s)
		if b, err := json.Marshal(s); err == nil {
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var s incident.Snapshot
		if json.Unmarshal(b, &s) != nil {
			return
		}
		i, err := incident.Restore(s)
		if err != nil {
			return
		}
		_, open := i.Promise()
		if open != (i.Live() && i.Seq() > 0) || i.Seq() != len(s.Lines) || i.Live() && i.Stage().Final() {
			t.Errorf("Restore(%s) accepts what cannot be", b)
		}
		for of := range s.Seq + 2 {
			for _, k := range incident.UpdateKinds() {
				_, _, _ = i.Accept(mend(k, of, s.Stage, t0.Add(time.Hour)), t0) // must not panic
			}
		}
		_, _ = i.Absorb(i)
		_, _, _, _ = i.MergeInto("other", incident.Proposal{By: "sato"}, t0)
		_ = fmt.Sprint(i.Snapshot())
	})
}
