package ready

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"shirase/internal/incident"
	"shirase/internal/plan"
)

// Service looks at everything. All fields must be set.
type Service struct {
	Plans    Plans
	Mail     Mail
	SMS      SMS
	Secrets  Secrets
	Counter  Counter
	Families map[incident.Channel]incident.Family
	Now      func() time.Time
	Log      *slog.Logger
}

// looking is one look at everything.
type looking struct {
	*Service
	plan   *plan.Plan
	report Report
	// people is how many there are by channel, and readers how many of them are
	// subscribers.
	people, readers map[incident.Channel]int
}

// Report looks at everything and answers what there is to know. A part that
// cannot be asked is a check that warns; the error is that of the plan, without
// which nothing can be said, unless there is none, which is a check that fails.
func (s *Service) Report(ctx context.Context) (Report, error) {
	l := &looking{
		Service: s, people: map[incident.Channel]int{}, readers: map[incident.Channel]int{},
		report: Report{At: s.Now().UTC().Truncate(time.Second), State: OK, Audiences: []Size{}, Update: []Estimate{}, Prices: []Price{}},
	}
	p, err := s.Plans.Current(ctx)
	switch {
	case errors.Is(err, incident.ErrNotFound):
		l.add("plan", Fail, "there is no communication plan", "send one: PUT /v1/plan")
		return l.report, nil
	case err != nil:
		return Report{}, fmt.Errorf("read plan: %w", err)
	}
	l.plan = p
	l.add("plan", OK, fmt.Sprintf("version %d", p.Version), "")
	l.sizes(ctx)
	l.mail(ctx)
	l.sms(ctx)
	l.secrets(ctx)
	l.rest()
	return l.report, nil
}

func (l *looking) add(name string, st State, detail, next string) {
	l.report.Checks = append(l.report.Checks, Check{Name: name, State: st, Detail: detail, Next: next})
	l.report.State = worse(l.report.State, st)
}

// unread adds a check of what could not be asked.
func (l *looking) unread(ctx context.Context, name string, err error) {
	next := "try again; the log says why"
	if errors.Is(err, incident.ErrDenied) {
		next = "let the role of this function read it"
	}
	l.Log.WarnContext(ctx, "readiness not known", "check", name, "error", err)
	l.add(name, Warn, "could not be read", next)
}

// sizes counts who would be told. Only public audiences take subscribers by
// themselves, but others may have been imported.
func (l *looking) sizes(ctx context.Context) {
	planned := map[incident.Channel]map[incident.Audience]int{}
	for _, c := range l.channels() {
		planned[c] = map[incident.Audience]int{}
		for _, ct := range l.plan.Contacts(c) {
			planned[c][ct.Audience]++
		}
	}
	for _, a := range l.plan.Audiences {
		for _, c := range l.channels() {
			z := Size{Audience: a.ID, Channel: c, Plan: planned[c][a.ID]}
			if personal(l.Families[c]) {
				n, err := l.Counter.Count(ctx, a.ID, c)
				if err != nil {
					l.unread(ctx, "audiences", err)
					return
				}
				z.Subscribers = n
			}
			if z.Subscribers+z.Plan == 0 {
				continue
			}
			l.report.Audiences = append(l.report.Audiences, z)
			l.people[c] += z.Subscribers + z.Plan
			l.readers[c] += z.Subscribers
		}
	}
	total := 0
	for _, n := range l.people {
		total += n
	}
	if total == 0 {
		l.add("audiences", Warn, "nobody would be told", "add members and targets to the plan, and let readers sign up")
		return
	}
	l.add("audiences", OK, fmt.Sprintf("%d recipients on all channels", total), "")
}
