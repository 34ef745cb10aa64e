package announce

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"shirase/internal/deliver"
	"shirase/internal/incident"
	"shirase/internal/message"
	"shirase/internal/plan"
)

// prepared is an update that is ready to be committed or shown.
type prepared struct {
	before, after incident.Incident
	update        incident.Update
	messages      []message.Message
	findings      []message.Finding
	hash          string
}

func (p prepared) preview() Preview {
	return Preview{Incident: p.after.Snapshot(), Update: p.update, Messages: p.messages, Findings: p.findings, Hash: p.hash}
}

// prepare makes an update of an input, fills in what the author left out, and
// renders every text. It has no effect.
func (s *Service) prepare(ctx context.Context, inc incident.Incident, in UpdateInput, by string, now time.Time) (prepared, error) {
	pl, err := s.pinned(ctx, inc.Snapshot().Plan)
	if err != nil {
		return prepared{}, err
	}
	for n, c := range in.Components {
		if _, ok := pl.Component(c); !ok {
			return prepared{}, incident.Invalid(fmt.Sprintf("components.%d", n), "is not a component of the plan")
		}
	}
	p := proposal(inc, in, by, now)
	if err := errors.Join(checkInput(pl, in.Facts, in.Text, now), checkWindow(in.Window, p.Stage, now), checkMend(in)); err != nil {
		return prepared{}, err
	}
	p.Next = s.promise(pl, inc, p, now)
	if p.Routes, err = s.routes(ctx, pl, inc, p); err != nil {
		return prepared{}, err
	}
	after, u, err := inc.Accept(p, now)
	if err != nil {
		return prepared{}, err
	}
	if by == author && u.Facts.Data.Value.Grave() {
		if told, err := s.told(ctx, inc, u.Facts.Data.Value); err != nil {
			return prepared{}, err
		} else if !told {
			u.Facts.Data = incident.Fact[incident.DataEffect]{}
		}
	}
	return s.render(ctx, pl, prepared{before: inc, after: after, update: u})
}

// routes answers where an update starts deliveries. A correction that moves no
// stage goes where the update it speaks of went: whoever never heard of that one
// has no use for what puts it right.
func (s *Service) routes(ctx context.Context, pl *plan.Plan, inc incident.Incident, p incident.Proposal) ([]incident.Route, error) {
	if p.Kind != incident.Correction || p.Stage != inc.Stage() || p.Of < 1 || p.Of > inc.Seq() {
		return pl.Routes(occasion(inc, p), s.Families), nil
	}
	u, err := s.Incidents.Update(ctx, inc.ID(), p.Of)
	if err != nil {
		return nil, fmt.Errorf("read update %d: %w", p.Of, err)
	}
	return u.Routes, nil
}

// told reports whether the newest update says so of readers' data. That data was
// lost or exposed is never first told by what goes out by itself.
func (s *Service) told(ctx context.Context, inc incident.Incident, d incident.DataEffect) (bool, error) {
	if inc.Seq() == 0 {
		return false, nil
	}
	u, err := s.Incidents.Update(ctx, inc.ID(), inc.Seq())
	if err != nil {
		return false, fmt.Errorf("read update %d: %w", inc.Seq(), err)
	}
	return u.Facts.Data.Known() && u.Facts.Data.Value == d, nil
}

// render adds the texts to a prepared update.
func (s *Service) render(ctx context.Context, pl *plan.Plan, p prepared) (prepared, error) {
	input := message.Input{
		Plan: pl, Incident: p.after.Snapshot(), Update: p.update, Link: s.Links.Incident(p.after.ID()),
	}
	var err error
	if input.Signals, err = s.signals(ctx, p.after); err != nil {
		return prepared{}, err
	}
	if of := p.update.Of; of != 0 {
		wrong, err := s.Incidents.Update(ctx, p.after.ID(), of)
		if err != nil {
			return prepared{}, fmt.Errorf("read update %d: %w", of, err)
		}
		input.Wrong = &wrong
	}
	if p.update.MergedInto != "" {
		input.Into = s.Links.Incident(p.update.MergedInto)
	}
	if p.messages, p.findings, err = s.Render(input); err != nil {
		return prepared{}, fmt.Errorf("render: %w", err)
	}
	p.hash = message.Digest(p.messages)
	return p, nil
}

// proposal fills in the stage and kind that an input leaves out.
func proposal(inc incident.Incident, in UpdateInput, by string, now time.Time) incident.Proposal {
	was := inc.Snapshot()
	p := incident.Proposal{
		Kind: in.Kind, Stage: in.Stage, Severity: in.Severity, Of: in.Of, By: by, Components: in.Components,
		Facts: in.Facts, Text: in.Text, Next: in.Next, Window: in.Window,
	}
	if p.Stage == "" {
		p.Stage = was.Stage
		if was.Stage == incident.Detected {
			p.Stage = incident.Stages(was.Kind)[0]
		}
	}
	if p.Kind == "" {
		p.Kind = incident.Progress
		if p.Stage != was.Stage {
			p.Kind = incident.Notice
		}
	}
	if p.Stage == incident.Resolved && was.Stage != incident.Resolved && !p.Facts.EndedAt.Known() && !was.Facts.EndedAt.Known() && !p.Kind.Mends() {
		// Whoever says "resolved" and no time says that it is over by now.
		p.Facts.EndedAt = incident.Fact[time.Time]{Value: now, State: incident.Confirmed, Source: by, At: now}
		if f := was.Facts.FixedAt; f.Known() && !f.Value.After(now) {
			p.Facts.EndedAt.Value = f.Value
		}
	}
	return p
}

// promise answers when the next update is promised where the author did not
// say: by severity and stage, to the minute; for planned work by its window.
func (s *Service) promise(pl *plan.Plan, inc incident.Incident, p incident.Proposal, now time.Time) time.Time {
	final := p.Stage.Final()
	if p.Kind == incident.Retraction {
		final = p.Of < 1 || p.Of > inc.Seq() || inc.EndsBy(p.Of)
	}
	if final || !p.Next.IsZero() {
		return p.Next
	}
	was := inc.Snapshot()
	w := p.Window
	if w.IsZero() {
		w = was.Window
	}
	switch {
	case p.Stage == incident.Scheduled && w.From.After(now):
		return w.From
	case p.Stage == incident.InProgress && w.To.After(now):
		return w.To
	}
	sev := p.Severity
	if sev == "" {
		sev = was.Severity
	}
	d := pl.Promise(sev, p.Stage)
	if p.Kind == incident.Holding {
		d *= patience(was.Lines)
	}
	return now.Add(d).Truncate(time.Minute)
}

// How many gaps between holding texts are of the usual length, and how many times
// longer the next may grow.
const (
	usualHolds  = 3
	maxPatience = 4
)

// patience is how many times longer than usual the next holding text may wait.
// Where nobody has spoken for long, hearing that there is no news is noise.
func patience(lines []incident.Line) time.Duration {
	holds := 0
	for _, l := range slices.Backward(lines) {
		if l.Kind != incident.Holding {
			break
		}
		holds++
	}
	return time.Duration(min(max(holds-usualHolds+2, 1), maxPatience))
}

// occasion tells the cadence what the proposal is.
func occasion(inc incident.Incident, p incident.Proposal) plan.Occasion {
	was := inc.Snapshot()
	sev := p.Severity
	if sev == "" {
		sev = was.Severity
	}
	o := p.Facts.Outlook
	return plan.Occasion{
		Incident: was.Kind, Severity: sev, Kind: p.Kind,
		First:          was.Seq == 0 || was.Stage.Final() && !p.Stage.Final(),
		StageChanged:   p.Stage != was.Stage,
		OutlookChanged: o.Known() && !o.Value.Equal(was.Facts.Outlook.Value),
		Final:          p.Stage.Final() || p.Kind == incident.Retraction && p.Of >= 1 && p.Of <= was.Seq && inc.EndsBy(p.Of),
	}
}

// announce adds a prepared update to a change: the incident, the update, its
// texts, its outbox item, and what falls due because of it.
func (s *Service) announce(ctx context.Context, c *Change, p prepared) error {
	if message.Blocks(p.findings) {
		return &BlockedError{p.findings}
	}
	pl, err := s.pinned(ctx, p.after.Snapshot().Plan)
	if err != nil {
		return err
	}
	c.Incidents = append(c.Incidents, Versioned{Incident: p.after, Base: p.before.Version()})
	c.Updates = append(c.Updates, p.update)
	c.Messages = append(c.Messages, p.messages...)
	c.Outbox = append(c.Outbox, deliver.Pointer{Incident: p.after.ID(), Seq: p.update.Seq})
	if err := s.slots(ctx, c, p.before, p.after); err != nil {
		return err
	}
	if err := s.overtake(ctx, c, p); err != nil {
		return err
	}
	s.schedule(c, pl, p)
	return nil
}

// overtake dismisses the drafts that a published update makes pointless. An
// update that nobody decided makes none pointless: they are rendered anew.
func (s *Service) overtake(ctx context.Context, c *Change, p prepared) error {
	if p.update.By == author && p.after.Live() {
		return s.redraft(ctx, c, p.after)
	}
	ds, err := s.Drafts.OpenDrafts(ctx, p.after.ID())
	if err != nil {
		return fmt.Errorf("read drafts: %w", err)
	}
	for _, d := range ds {
		if c.holds(d.ID) {
			continue
		}
		d.Revision++
		d.State, d.By, d.Seq = DraftDismissed, p.update.By, p.update.Seq
		c.Drafts = append(c.Drafts, d)
		c.Cancel = append(c.Cancel, autoID(d.ID), escalateID(d.ID))
	}
	return nil
}

// holds reports whether the change writes a draft already.
func (c *Change) holds(id DraftID) bool {
	for _, d := range c.Drafts {
		if d.ID == id {
			return true
		}
	}
	return false
}
