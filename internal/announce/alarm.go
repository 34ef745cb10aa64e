package announce

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"shirase/internal/incident"
	"shirase/internal/message"
	"shirase/internal/plan"
)

// alarmActor opens incidents that alarms cause.
const alarmActor = "alarm"

// Signal takes in what a monitor said. However often, in whatever order and
// however many at once the same signals come, the same incident is opened or
// joined once. Every signal is kept with what became of it.
func (s *Service) Signal(ctx context.Context, sig incident.Signal) error {
	return racing(ctx, func() error {
		sig.ReceivedAt = s.Now()
		pl, err := s.Plans.Current(ctx)
		if err != nil {
			return fmt.Errorf("read plan: %w", err)
		}
		if pl.Ignores(sig) {
			return s.keep(ctx, Change{}, sig, "", incident.OutcomeIgnored)
		}
		was, err := s.Watch.Alarm(ctx, sig.Fingerprint())
		if err != nil {
			return fmt.Errorf("read alarm: %w", err)
		}
		if !was.At.IsZero() && !sig.At.After(was.At) && !unquiets(was, sig) {
			if sig.At.Equal(was.At) && sig.State == was.State {
				return nil // the same state change by another path, or a repeat
			}
			return s.keep(ctx, Change{}, sig, was.Incident, incident.OutcomeOld)
		}
		in := intake{Service: s.seeing(sig), plan: pl, sig: sig, was: was}
		switch {
		case sig.State == incident.SignalAlarm && (sig.Suppressed || sig.Muted):
			return in.record(ctx, true, incident.OutcomeSuppressed)
		case sig.State == incident.SignalAlarm:
			return in.alarm(ctx)
		case sig.State == incident.SignalOK && was.Incident != "":
			return in.clear(ctx)
		}
		return in.record(ctx, false, incident.OutcomeNoted)
	})
}

// seeing answers a service to which a signal that is about to be kept is evidence
// already, so that texts written in the same change speak of it.
func (s *Service) seeing(sig incident.Signal) *Service {
	out := *s
	out.History = pending{s.History, sig}
	return &out
}

// pending is a history with one more signal.
type pending struct {
	History
	sig incident.Signal
}

// Signals puts the pending signal first.
func (p pending) Signals(ctx context.Context, id incident.ID, cursor string, limit int) ([]Evidence, string, error) {
	es, next, err := p.History.Signals(ctx, id, cursor, limit)
	return append([]Evidence{{Incident: id, Signal: p.sig}}, es...), next, err
}

// unquiets reports whether a signal is the first to be acted on of a state that
// was suppressed or muted until now: CloudWatch then gives the very same time.
func unquiets(was Alarm, sig incident.Signal) bool {
	return was.Quiet && sig.At.Equal(was.At) && sig.State == was.State && !sig.Suppressed && !sig.Muted
}

// keep commits a change together with the signal as evidence.
func (s *Service) keep(ctx context.Context, c Change, sig incident.Signal, id incident.ID, o incident.Outcome) error {
	c.Evidence = append(c.Evidence, Evidence{Incident: id, Signal: sig, Outcome: o})
	return s.commit(ctx, c)
}

// Unreadable keeps what came on the alarm path in no shape we know, and tells
// an operator, once in a quarter of an hour however many there are.
func (s *Service) Unreadable(ctx context.Context, raw []byte, why string) error {
	now := s.Now()
	pl, err := s.Plans.Current(ctx)
	if err != nil {
		return fmt.Errorf("read plan: %w", err)
	}
	sig := incident.Signal{ID: digest(raw), Form: "unreadable", Reason: why, At: now, ReceivedAt: now}
	c := Change{Evidence: []Evidence{{Signal: sig, Outcome: incident.OutcomeUnreadable, Raw: cut(raw)}}}
	if m, ok := onCall(pl, 0); ok {
		about := while(now) // a flood of broken messages is one fault
		c.Memos, err = s.memos(pl, m, call{
			kind: message.MemoUnreadable, about: about, input: message.MemoInput{Reason: why}, voidAfter: -1,
		}, now)
		if err != nil {
			return err
		}
	}
	return racing(ctx, func() error { return s.commit(ctx, c) })
}

// while names the quarter of an hour in which operators hear of the same thing once.
func while(now time.Time) string { return strconv.FormatInt(now.Truncate(15*time.Minute).Unix(), 10) }

// intake is one signal that is news, with what is known of its alarm.
type intake struct {
	*Service
	plan *plan.Plan
	sig  incident.Signal
	was  Alarm
	// drafted puts what is opened before the on-call member at once: the alarm
	// has fired for long enough, and a person is to decide, whatever its rule.
	drafted bool
}

// next answers the alarm's state after the signal.
func (in intake) next(quiet bool, id incident.ID, c incident.ComponentID) Alarm {
	firing := in.sig.State == incident.SignalAlarm && !quiet || in.sig.State == incident.SignalInsufficient && in.was.Firing
	return Alarm{
		Fingerprint: in.sig.Fingerprint(), Name: in.sig.Alarm, State: in.sig.State, Quiet: quiet, Firing: firing,
		At: in.sig.At, Was: in.was.At, Incident: id, Component: c, Signal: in.sig,
	}
}

// record notes the state and does nothing else.
func (in intake) record(ctx context.Context, quiet bool, o incident.Outcome) error {
	c := Change{Alarms: []Alarm{in.next(quiet, in.was.Incident, in.was.Component)}}
	return in.keep(ctx, c, in.sig, in.was.Incident, o)
}

// alarm opens an incident or joins the one that collects this alarm's group.
func (in intake) alarm(ctx context.Context) error {
	rule, ok := in.plan.Match(in.sig)
	if !ok {
		return in.record(ctx, false, incident.OutcomeUnmatched)
	}
	if planned, ok, err := in.planned(ctx, rule.Component); err != nil {
		return err
	} else if ok {
		return in.duringWork(ctx, planned, rule)
	}
	holder, err := in.Watch.Group(ctx, rule.Group)
	if err != nil {
		return fmt.Errorf("read group: %w", err)
	}
	if holder != "" {
		inc, err := in.Incidents.Incident(ctx, holder)
		if err != nil {
			return fmt.Errorf("read incident of group: %w", err)
		}
		if inc.Live() {
			return in.join(ctx, inc, rule)
		}
	}
	return in.open(ctx, rule, holder)
}

// open records an incident that nobody hears of until its hold is over.
func (in intake) open(ctx context.Context, rule plan.AlarmRule, holder incident.ID) error {
	now := in.Now()
	inc, err := incident.Open(incident.Opening{
		ID: in.newIncidentID(false), Kind: incident.Outage, Severity: rule.Severity,
		Components: []incident.ComponentID{rule.Component}, Groups: []string{rule.Group},
		DetectedAt: earlier(in.sig.At, now), At: now, By: alarmActor, Plan: in.plan.Version,
	})
	if err != nil {
		return err
	}
	c := Change{
		Incidents: []Versioned{{Incident: inc}},
		Groups:    []GroupSlot{{Group: rule.Group, Was: holder, Set: inc.ID()}},
		Alarms:    []Alarm{in.next(false, inc.ID(), rule.Component)},
	}
	if in.drafted {
		if err := in.propose(ctx, &c, inc, UpdateInput{}, time.Time{}, message.MemoDraft); err != nil {
			return err
		}
	} else {
		c.Due = []Due{{ID: dueID(DueHold, string(inc.ID()), 0), Kind: DueHold, At: now.Add(in.plan.Alarms.Hold), Incident: inc.ID()}}
	}
	return in.keep(ctx, c, in.sig, inc.ID(), incident.OutcomeOpened)
}

// earlier keeps a monitor whose clock is ahead from dating the detection after
// the incident itself.
func earlier(at, now time.Time) time.Time {
	if at.IsZero() || at.After(now) {
		return now
	}
	return at
}

// join adds the alarm to an incident that lives. Before the first notice its
// component simply becomes part of the draft; afterwards a further component is
// news, and a draft that names it is put before the on-call member.
func (in intake) join(ctx context.Context, inc incident.Incident, rule plan.AlarmRule) error {
	c := Change{
		Alarms: []Alarm{in.next(false, inc.ID(), rule.Component)},
		Groups: []GroupSlot{{Group: rule.Group, Was: inc.ID(), Set: inc.ID()}},
	}
	snap := inc.Snapshot()
	known := slices.Contains(snap.Named, rule.Component) && slices.Contains(snap.Components, rule.Component)
	switch {
	case snap.Seq == 0:
		return in.gather(ctx, c, inc, rule)
	case !known:
		return in.widen(ctx, c, inc, rule)
	}
	if err := in.again(ctx, &c, inc); err != nil {
		return err
	}
	return in.keep(ctx, c, in.sig, inc.ID(), incident.OutcomeJoined)
}

// gather adds an alarm to an incident that nobody outside has heard of. Where
// every alarm had cleared, and so nobody may be looking any more, it is held and
// put before the on-call member as if it were the first.
func (in intake) gather(ctx context.Context, c Change, inc incident.Incident, rule plan.AlarmRule) error {
	after, err := inc.Join([]incident.ComponentID{rule.Component}, rule.Severity)
	if err != nil {
		return err
	}
	if after.Version() != inc.Version() {
		c.Incidents = []Versioned{{Incident: after, Base: inc.Version()}}
		if err := in.redraft(ctx, &c, after); err != nil {
			return err
		}
	}
	firing, err := in.firing(ctx, inc, in.sig.Fingerprint())
	if err != nil {
		return err
	}
	first := dueID(DueHold, string(inc.ID()), 0)
	held, err := in.Agenda.Awaits(ctx, first)
	if err != nil {
		return fmt.Errorf("read hold: %w", err)
	}
	fired := in.was.Firing && in.was.Incident == inc.ID()
	if !held && !firing && !fired {
		c.Due = append(c.Due, Due{
			ID: dueID(DueHold, string(inc.ID()), 1), Kind: DueHold, At: in.Now().Add(in.plan.Alarms.Hold), Incident: inc.ID(), Seq: 1,
		})
	}
	return in.keep(ctx, c, in.sig, inc.ID(), incident.OutcomeJoined)
}

// again is an alarm whose component readers know of, and which fires anew. A
// draft that says the alarms have cleared is dropped; where readers were told
// that it is fixed, a draft says that it is not.
func (in intake) again(ctx context.Context, c *Change, inc incident.Incident) error {
	ds, err := in.Drafts.OpenDrafts(ctx, inc.ID())
	if err != nil {
		return fmt.Errorf("read drafts: %w", err)
	}
	proposed := false
	for _, d := range ds {
		switch {
		case d.cleared():
			c.dismiss(d)
		case d.Input.Stage == incident.Investigating:
			proposed = true
		}
	}
	if inc.Stage() != incident.Monitoring || proposed {
		return nil
	}
	return in.propose(ctx, c, inc, UpdateInput{Stage: incident.Investigating}, time.Time{}, message.MemoDraft)
}

// cleared reports whether a draft is the one that cleared alarms propose, as no
// person has changed it.
func (d Draft) cleared() bool {
	return d.Input.Stage == incident.Monitoring && d.Input.Kind == "" && d.Input.Text.Empty() && len(d.Input.Facts.States()) == 0
}

// dismiss drops a draft that nobody has decided on.
func (c *Change) dismiss(d Draft) {
	d.Revision++
	d.State, d.By = DraftDismissed, author
	c.Drafts = append(c.Drafts, d)
	c.Cancel = append(c.Cancel, autoID(d.ID), escalateID(d.ID))
}

// widen proposes an update that names a further component.
func (in intake) widen(ctx context.Context, c Change, inc incident.Incident, rule plan.AlarmRule) error {
	ds, err := in.Drafts.OpenDrafts(ctx, inc.ID())
	if err != nil {
		return fmt.Errorf("read drafts: %w", err)
	}
	input := UpdateInput{Kind: incident.ScopeUpdate, Components: append(inc.Snapshot().Components, rule.Component)}
	for _, d := range ds {
		if d.cleared() {
			c.dismiss(d)
		}
		if d.Input.Kind == incident.ScopeUpdate {
			if slices.Contains(d.Input.Components, rule.Component) {
				return in.keep(ctx, c, in.sig, inc.ID(), incident.OutcomeJoined)
			}
			input.Components = append(slices.Clone(d.Input.Components), rule.Component)
			c.dismiss(d)
		}
	}
	if rule.Severity.Worse(inc.Snapshot().Severity) {
		input.Severity = rule.Severity
	}
	if inc.Stage() == incident.Monitoring {
		input.Stage = incident.Investigating // it fires again: the fix did not hold everywhere
	}
	if err := in.propose(ctx, &c, inc, input, time.Time{}, message.MemoDraft); err != nil {
		return err
	}
	return in.keep(ctx, c, in.sig, inc.ID(), incident.OutcomeJoined)
}

// propose adds a draft to a change and hands it to the on-call member.
func (s *Service) propose(ctx context.Context, c *Change, inc incident.Incident, in UpdateInput, autoAt time.Time, kind message.MemoKind) error {
	d := Draft{ID: DraftID(strings.ToLower(s.NewID())), Incident: inc.ID(), State: DraftOpen, Input: in, AutoAt: autoAt}
	if err := s.put(ctx, c, inc, d, kind); err != nil {
		return err
	}
	if !autoAt.IsZero() {
		c.Due = append(c.Due, Due{ID: autoID(d.ID), Kind: DueAuto, At: autoAt, Incident: inc.ID(), Draft: d.ID})
	}
	return nil
}

// put renders a draft and adds it to a change. The on-call member is told unless
// somebody was called for this very draft before.
func (s *Service) put(ctx context.Context, c *Change, inc incident.Incident, d Draft, kind message.MemoKind) error {
	now := s.Now()
	pinned, err := s.pinned(ctx, inc.Snapshot().Plan)
	if err != nil {
		return err
	}
	if d, err = s.fill(ctx, pinned, d, inc, now); err != nil {
		return err
	}
	pl, err := s.Plans.Current(ctx)
	if err != nil {
		return fmt.Errorf("read plan: %w", err)
	}
	if d.Called > 0 {
		c.escalate(pl, d, inc, now)
	} else if err := s.callOut(ctx, c, pl, &d, inc, kind, now); err != nil {
		return err
	}
	c.Drafts = append(c.Drafts, d)
	return nil
}

// callOut tells the next on-call member of a draft, and makes the escalation
// due that follows if nobody acknowledges.
func (s *Service) callOut(ctx context.Context, c *Change, pl *plan.Plan, d *Draft, inc incident.Incident, kind message.MemoKind, now time.Time) error {
	m, ok := onCall(pl, d.Called)
	if !ok {
		return nil
	}
	signals, err := s.signals(ctx, inc)
	if err != nil {
		return err
	}
	snap := inc.Snapshot()
	ms, err := s.memos(pl, m, call{
		kind: kind, about: fmt.Sprintf("%s/%d", d.ID, d.Called), draft: d.ID,
		input:     message.MemoInput{Incident: &snap, Draft: outside(pl, d.Messages), Signals: signals, Due: d.AutoAt, Auto: !d.AutoAt.IsZero()},
		sms:       kind == message.MemoEscalation || snap.Severity == incident.Critical,
		voidAfter: snap.Seq,
	}, now)
	if err != nil {
		return err
	}
	c.Memos = append(c.Memos, ms...)
	d.Called++
	c.escalate(pl, *d, inc, now)
	return nil
}

// escalate makes the next call due, unless somebody has taken the incident on.
func (c *Change) escalate(pl *plan.Plan, d Draft, inc incident.Incident, now time.Time) {
	snap := inc.Snapshot()
	if snap.AckedBy == "" && d.Called < maxCalls {
		c.Due = append(c.Due, Due{
			ID: escalateID(d.ID), Kind: DueEscalate, At: now.Add(pl.Timing.Escalate), Incident: inc.ID(), Draft: d.ID, Seq: d.Called,
		})
	}
}

// outside answers the texts that people outside will read: what a member on
// call has to judge first. The draft's page shows them all.
func outside(pl *plan.Plan, ms []message.Message) []message.Message {
	out := slices.DeleteFunc(slices.Clone(ms), func(m message.Message) bool {
		a, ok := pl.Audience(m.Audience)
		return !ok || !a.Public
	})
	if len(out) == 0 {
		return ms
	}
	return out
}

// maxCalls bounds how often one draft calls somebody.
const maxCalls = 24

// clear notes that an alarm is quiet again. When the last alarm of an announced
// incident is, a draft proposes monitoring; nothing is ever announced by an OK.
func (in intake) clear(ctx context.Context) error {
	c := Change{Alarms: []Alarm{in.next(false, in.was.Incident, in.was.Component)}}
	inc, err := in.survivor(ctx, in.was.Incident)
	if errors.Is(err, incident.ErrNotFound) {
		return in.keep(ctx, c, in.sig, "", incident.OutcomeNoted)
	}
	if err != nil {
		return fmt.Errorf("read incident of alarm: %w", err)
	}
	c.Alarms[0].Incident = inc.ID()
	if !inc.Live() {
		return in.keep(ctx, c, in.sig, inc.ID(), incident.OutcomeNoted)
	}
	firing, err := in.firing(ctx, inc, in.sig.Fingerprint())
	if err != nil {
		return err
	}
	ds, err := in.Drafts.OpenDrafts(ctx, inc.ID())
	if err != nil {
		return fmt.Errorf("read drafts: %w", err)
	}
	proposed := slices.ContainsFunc(ds, func(d Draft) bool { return d.Input.Stage == incident.Monitoring })
	stage := inc.Stage()
	if !firing && !proposed && (stage == incident.Investigating || stage == incident.Identified) {
		if err := in.calm(ctx, &c, inc); err != nil {
			return err
		}
	}
	return in.keep(ctx, c, in.sig, inc.ID(), incident.OutcomeCleared)
}

// calm proposes monitoring. However often an alarm comes and goes, there is one
// such draft in a while, and one memo: when the alarm fires again it is dismissed,
// and when that clears it is opened anew without a word, so that the link in the
// memo leads to what holds now. What a person does moves the incident's version,
// and whatever follows is news.
func (in intake) calm(ctx context.Context, c *Change, inc incident.Incident) error {
	about := fmt.Sprintf("%s/%s/%d/%s", message.MemoCleared, inc.ID(), inc.Version(), while(in.Now()))
	d, err := in.Drafts.Draft(ctx, DraftID(digest([]byte(about))))
	switch {
	case errors.Is(err, incident.ErrNotFound):
		d = Draft{ID: DraftID(digest([]byte(about))), Incident: inc.ID(), Input: UpdateInput{Stage: incident.Monitoring}}
	case err != nil:
		return fmt.Errorf("read draft: %w", err)
	}
	d.State, d.By = DraftOpen, ""
	return in.put(ctx, c, inc, d, message.MemoCleared)
}

// maxMerges bounds how far a chain of merged incidents is followed.
const maxMerges = 20

// survivor answers the incident in which one goes on: itself, unless it was merged.
func (s *Service) survivor(ctx context.Context, id incident.ID) (inc incident.Incident, err error) {
	for range maxMerges {
		inc, err = s.Incidents.Incident(ctx, id)
		if id = inc.Snapshot().MergedInto; err != nil || id == "" {
			break
		}
	}
	return inc, err
}

// firing reports whether any alarm of an incident, or of one that was merged
// into it, is firing. The one named by but is left out.
func (s *Service) firing(ctx context.Context, inc incident.Incident, but string) (bool, error) {
	as, err := s.alarms(ctx, inc)
	return slices.ContainsFunc(as, func(a Alarm) bool { return a.Fingerprint != but }), err
}

// alarms answers the firing alarms of an incident, and of those that were merged
// into it.
func (s *Service) alarms(ctx context.Context, inc incident.Incident) ([]Alarm, error) {
	var out []Alarm
	for _, id := range family(inc) {
		as, err := s.Watch.Alarms(ctx, id)
		if err != nil {
			return nil, fmt.Errorf("read alarms of incident: %w", err)
		}
		out = append(out, slices.DeleteFunc(as, func(a Alarm) bool { return !a.Firing })...)
	}
	return out, nil
}

// planned answers the planned work that is going on at a component.
func (in intake) planned(ctx context.Context, c incident.ComponentID) (incident.Incident, bool, error) {
	live, err := in.Incidents.Live(ctx)
	if err != nil {
		return incident.Incident{}, false, fmt.Errorf("read live incidents: %w", err)
	}
	for _, inc := range live {
		snap := inc.Snapshot()
		if snap.Kind == incident.Maintenance && !snap.ID.Drill() && slices.Contains(snap.Components, c) &&
			(snap.Stage == incident.InProgress || snap.Stage == incident.Verifying) {
			return inc, true, nil
		}
	}
	return incident.Incident{}, false, nil
}

// duringWork joins an alarm to planned work silently and tells engineering.
func (in intake) duringWork(ctx context.Context, inc incident.Incident, rule plan.AlarmRule) error {
	c := Change{Alarms: []Alarm{in.next(false, inc.ID(), rule.Component)}}
	if m, ok := onCall(in.plan, 0); ok {
		snap := inc.Snapshot()
		var err error
		c.Memos, err = in.memos(in.plan, m, call{
			kind: message.MemoJoined, about: fmt.Sprintf("%s/%s/%s", inc.ID(), digest([]byte(in.sig.Fingerprint())), while(in.Now())), voidAfter: -1,
			input: message.MemoInput{Incident: &snap, Signals: []incident.Signal{in.sig}},
		}, in.Now())
		if err != nil {
			return err
		}
	}
	return in.keep(ctx, c, in.sig, inc.ID(), incident.OutcomeJoined)
}
