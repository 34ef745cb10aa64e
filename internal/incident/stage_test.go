package incident_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"shirase/internal/incident"
)

// t0 is when every incident of these tests is noticed.
var t0 = time.Date(2026, 9, 15, 5, 7, 0, 0, time.UTC)

// after says, independently of the code, what may follow each stage.
var after = map[incident.Kind]map[incident.Stage][]incident.Stage{
	incident.Outage: {
		"detected":      {"investigating", "identified", "monitoring", "resolved"},
		"investigating": {"investigating", "identified", "monitoring", "resolved"},
		"identified":    {"investigating", "identified", "monitoring", "resolved"},
		"monitoring":    {"investigating", "identified", "monitoring", "resolved"},
		"resolved":      {"investigating", "postmortem"},
		"postmortem":    {"investigating"},
	},
	incident.Maintenance: {
		"detected":    {"scheduled", "in_progress"},
		"scheduled":   {"scheduled", "in_progress", "completed"},
		"in_progress": {"in_progress", "verifying", "completed"},
		"verifying":   {"in_progress", "verifying", "completed"},
		"completed":   {},
	},
}

// way is how each stage is reached from the first notice on.
var way = map[incident.Stage][]incident.Stage{
	"detected": {}, "investigating": {"investigating"}, "identified": {"identified"}, "monitoring": {"monitoring"},
	"resolved": {"resolved"}, "postmortem": {"resolved", "postmortem"},
	"scheduled": {"scheduled"}, "in_progress": {"in_progress"}, "verifying": {"in_progress", "verifying"},
	"completed": {"in_progress", "completed"},
}

func opening(k incident.Kind) incident.Opening {
	return incident.Opening{
		ID: "i1", Kind: k, Severity: incident.Major, Components: []incident.ComponentID{"invoices"},
		Window:     incident.Window{From: t0.Add(time.Hour), To: t0.Add(2 * time.Hour)},
		DetectedAt: t0, At: t0, By: "sato", Plan: 1,
	}
}

func opened(t *testing.T, k incident.Kind) incident.Incident {
	t.Helper()
	i, err := incident.Open(opening(k))
	if err != nil {
		t.Fatalf("Open() = %v", err)
	}
	return i
}

// step is an update to a stage with what else it needs.
func step(to incident.Stage, now time.Time) incident.Proposal {
	p := incident.Proposal{Kind: incident.Notice, Stage: to, By: "sato"}
	if !to.Final() {
		p.Next = now.Add(30 * time.Minute)
	}
	return p
}

func accepted(t *testing.T, i incident.Incident, p incident.Proposal, now time.Time) (incident.Incident, incident.Update) {
	t.Helper()
	next, u, err := i.Accept(p, now)
	if err != nil {
		t.Fatalf("Accept(%s %s) = %v", p.Kind, p.Stage, err)
	}
	return next, u
}

func at(t *testing.T, k incident.Kind, s incident.Stage) incident.Incident {
	t.Helper()
	i := opened(t, k)
	for n, to := range way[s] {
		now := t0.Add(time.Duration(n) * time.Minute)
		i, _ = accepted(t, i, step(to, now), now)
	}
	return i
}

func TestEveryStageAgainstEveryOther(t *testing.T) {
	t.Parallel()
	for k, table := range after {
		if got := incident.Stages(k); len(got) != len(table)-1 {
			t.Errorf("Stages(%s) = %v, want %d", k, got, len(table)-1)
		}
		for from, allowed := range table {
			if got := incident.Next(k, from); !slices.Equal(got, allowed) {
				t.Errorf("Next(%s, %s) = %v, want %v", k, from, got, allowed)
			}
			for to := range table {
				want := slices.Contains(allowed, to)
				if got := incident.CanFollow(k, from, to); got != want {
					t.Errorf("CanFollow(%s, %s, %s) = %v, want %v", k, from, to, got, want)
				}
				now := t0.Add(10 * time.Minute)
				i := at(t, k, from)
				next, u, err := i.Accept(step(to, now), now)
				switch e, ok := errors.AsType[*incident.StageError](err); {
				case want && (err != nil || next.Stage() != to || u.Stage != to || next.Live() == to.Final()):
					t.Errorf("Accept(%s from %s) = %s, live %v, %v, want it", to, from, next.Stage(), next.Live(), err)
				case !want && to == incident.Detected && !errors.Is(err, incident.ErrInvalid):
					t.Errorf("Accept(detected from %s) = %v, want ErrInvalid", from, err)
				case !want && to != incident.Detected && (!ok || !errors.Is(err, incident.ErrConflict) || e.From != from || e.To != to || !slices.Equal(e.Allowed, allowed)):
					t.Errorf("Accept(%s from %s) = %v, want a StageError that allows %v", to, from, err, allowed)
				}
			}
		}
	}
}

func TestStagesOfTheOtherKindAreInvalid(t *testing.T) {
	t.Parallel()
	for k, other := range map[incident.Kind]incident.Kind{incident.Outage: incident.Maintenance, incident.Maintenance: incident.Outage} {
		for _, s := range incident.Stages(other) {
			if _, _, err := opened(t, k).Accept(step(s, t0), t0); !errors.Is(err, incident.ErrInvalid) {
				t.Errorf("Accept(%s) of %s = %v, want ErrInvalid", s, k, err)
			}
		}
	}
	if got := incident.Stages("drill"); got != nil {
		t.Errorf("Stages(drill) = %v, want none", got)
	}
}

func TestSeverityOrder(t *testing.T) {
	t.Parallel()
	all := incident.Severities()
	for a, s := range all {
		for b, o := range all {
			if got := s.Worse(o); got != (a < b) {
				t.Errorf("%s.Worse(%s) = %v, want %v", s, o, got, a < b)
			}
		}
		if incident.Severity("none").Worse(s) {
			t.Errorf("an unknown severity is worse than %s", s)
		}
	}
}
