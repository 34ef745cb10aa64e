package announce

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"shirase/internal/incident"
	"shirase/internal/message"
	"shirase/internal/plan"
)

// minPromise is the least time that a promise in a draft must lie ahead for the
// draft to be published as it stands: a shorter one would be broken at once.
const minPromise = 5 * time.Minute

// fill renders a draft's texts for the incident as it is, except that somebody
// has taken it on: whoever publishes the draft does so by publishing it.
func (s *Service) fill(ctx context.Context, pl *plan.Plan, d Draft, inc incident.Incident, now time.Time) (Draft, error) {
	if !d.Input.Next.IsZero() && d.Input.Next.Before(now.Add(minPromise)) {
		d.Input.Next = time.Time{} // too near by now: the plan says when
	}
	p, err := s.draft(ctx, inc, d.Input, now)
	if err != nil {
		return Draft{}, err
	}
	if end := p.update.Facts.EndedAt; p.update.Stage == incident.Resolved && !d.Input.Facts.EndedAt.Known() {
		d.Input.Facts.EndedAt = end // the time in the texts stays as it was seen
	}
	d.Revision++
	d.Base, d.Next, d.Messages, d.Digest, d.At = inc.Version(), p.update.Next, p.messages, p.hash, now
	d.Until = now.Add(pl.Timing.DraftLife)
	if !d.Next.IsZero() {
		// A plan may promise so soon that half of the time is all there is.
		if last := d.Next.Add(-min(minPromise, d.Next.Sub(now)/2)); last.Before(d.Until) {
			d.Until = last
		}
	}
	return d, nil
}

// follow brings a draft to the incident as it is. Where its words come out just
// as they were, with the promise that stands in them, it only moves its base, so
// that what somebody is reading stays what will be sent.
func (s *Service) follow(ctx context.Context, pl *plan.Plan, d Draft, inc incident.Incident, now time.Time) (Draft, error) {
	if d.keeps(now) {
		p, err := s.draft(ctx, inc, d.input(), now)
		if err == nil && p.hash == d.Digest {
			d.Revision++
			d.Base, d.Messages = inc.Version(), p.messages
			return d, nil
		}
	}
	return s.fill(ctx, pl, d, inc, now)
}

// keeps reports whether the promise in a draft's texts lies far enough ahead to
// be given as it stands.
func (d Draft) keeps(now time.Time) bool {
	return d.Next.IsZero() || !d.Next.Before(now.Add(minPromise))
}

// draft prepares an update as it will be when a person publishes it.
func (s *Service) draft(ctx context.Context, inc incident.Incident, in UpdateInput, now time.Time) (prepared, error) {
	acked, err := inc.Ack(message.AnyoneOnDuty, now)
	if err != nil {
		return prepared{}, err
	}
	return s.prepare(ctx, acked, in, message.AnyoneOnDuty, now)
}

// redraft renders the open drafts of an incident anew, because the incident is
// about to change. A draft that no longer fits is dismissed.
func (s *Service) redraft(ctx context.Context, c *Change, after incident.Incident) error {
	ds, err := s.Drafts.OpenDrafts(ctx, after.ID())
	if err != nil {
		return fmt.Errorf("read drafts: %w", err)
	}
	pl, err := s.pinned(ctx, after.Snapshot().Plan)
	if err != nil {
		return err
	}
	for _, d := range ds {
		if c.holds(d.ID) {
			continue
		}
		fresh, err := s.follow(ctx, pl, d, after, s.Now())
		if errors.Is(err, incident.ErrConflict) || errors.Is(err, incident.ErrInvalid) {
			fresh, err = d, nil
			fresh.Revision++
			fresh.State, fresh.By = DraftDismissed, author
			c.Cancel = append(c.Cancel, autoID(d.ID), escalateID(d.ID))
		}
		if err != nil {
			return err
		}
		if after.Seq() > 0 && !fresh.AutoAt.IsZero() {
			fresh.AutoAt = time.Time{}
			c.Cancel = append(c.Cancel, autoID(d.ID))
		}
		if after.Snapshot().AckedBy != "" {
			c.Cancel = append(c.Cancel, escalateID(d.ID))
		}
		c.Drafts = append(c.Drafts, fresh)
	}
	return nil
}

// DraftView is a draft as its page shows it.
type DraftView struct {
	Draft    Draft
	Incident incident.Snapshot
	Signals  []incident.Signal
	Plan     *plan.Plan
	// Stale tells that the texts are too old to be published as they are.
	Stale bool
	// Update is what the draft would become.
	Update   incident.Update
	Findings []message.Finding
}

// Draft answers a draft as its page shows it. It has no effect: where the
// stored texts have grown old, the view holds fresh ones.
func (s *Service) Draft(ctx context.Context, id DraftID) (DraftView, error) {
	d, err := s.Drafts.Draft(ctx, id)
	if err != nil {
		return DraftView{}, fmt.Errorf("read draft: %w", err)
	}
	inc, err := s.Incidents.Incident(ctx, d.Incident)
	if err != nil {
		return DraftView{}, fmt.Errorf("read incident: %w", err)
	}
	v := DraftView{Draft: d, Incident: inc.Snapshot()}
	if v.Plan, err = s.pinned(ctx, inc.Snapshot().Plan); err != nil {
		return DraftView{}, err
	}
	if v.Signals, err = s.signals(ctx, inc); err != nil {
		return DraftView{}, err
	}
	if d.State != DraftOpen {
		return v, nil
	}
	now := s.Now()
	if v.Stale = d.staleAt(inc, now); v.Stale {
		if v.Draft, err = s.follow(ctx, v.Plan, d, inc, now); err != nil {
			return DraftView{}, err
		}
		v.Stale = v.Draft.Digest != d.Digest
		v.Draft.Revision = d.Revision
	}
	p, err := s.draft(ctx, inc, v.Draft.input(), now)
	if err != nil {
		return DraftView{}, err
	}
	v.Update, v.Findings = p.update, p.findings
	return v, nil
}

// input answers the input with the very promise that stands in the texts.
func (d Draft) input() UpdateInput {
	in := d.Input
	in.Next = d.Next
	return in
}

func (d Draft) staleAt(inc incident.Incident, now time.Time) bool {
	return d.Base != inc.Version() || !now.Before(d.Until)
}

// PublishDraft makes the draft's update, with exactly the texts whose digest is
// given. Texts that are rendered anew and come out as they were seen are those
// texts. Otherwise it is a [*StaleError], which holds the fresh ones. Publishing
// a published draft again answers the same update.
func (s *Service) PublishDraft(ctx context.Context, id DraftID, digest string, who Actor) (Result, error) {
	return s.decide(ctx, id, who, func(c *Change, d Draft, inc incident.Incident) (Result, error) {
		now := s.Now()
		if d.State == DraftPublished {
			u, err := s.Incidents.Update(ctx, d.Incident, d.Seq)
			return Result{Incident: inc.Snapshot(), Update: &u}, err
		}
		if d.State != DraftOpen {
			return Result{}, fmt.Errorf("the draft is %s: %w", d.State, incident.ErrConflict)
		}
		if d.staleAt(inc, now) {
			pl, err := s.pinned(ctx, inc.Snapshot().Plan)
			if err != nil {
				return Result{}, err
			}
			fresh, err := s.follow(ctx, pl, d, inc, now)
			if err != nil {
				return Result{}, err
			}
			if fresh.Digest != digest {
				return Result{}, s.stale(ctx, fresh, inc, now)
			}
			fresh.Revision = d.Revision // both writes of it are one
			d = fresh
		}
		if d.Digest != digest {
			return Result{}, s.stale(ctx, d, inc, now)
		}
		return s.release(ctx, c, d, inc, who.Name, now)
	})
}

// stale answers a draft's texts as the error that refuses the ones that were
// seen. A draft that was rendered for it is kept first, so that the next try
// finds those very texts.
func (s *Service) stale(ctx context.Context, d Draft, inc incident.Incident, now time.Time) error {
	kept, err := s.Drafts.Draft(ctx, d.ID)
	if err != nil {
		return fmt.Errorf("read draft: %w", err)
	}
	if kept.Revision != d.Revision {
		if err := s.commit(ctx, Change{Drafts: []Draft{d}}); err != nil {
			return err
		}
	}
	p, err := s.draft(ctx, inc, d.input(), now)
	if err != nil {
		return err
	}
	p.messages, p.hash = d.Messages, d.Digest
	return &StaleError{p.preview()}
}

// release turns a draft into its update, word for word.
func (s *Service) release(ctx context.Context, c *Change, d Draft, inc incident.Incident, by string, now time.Time) (Result, error) {
	// Whoever publishes has taken it on, but the texts stay as they were seen.
	acked, err := inc.Ack(by, now)
	if err != nil {
		return Result{}, err
	}
	p, err := s.prepare(ctx, acked, d.input(), by, now)
	if err != nil {
		return Result{}, err
	}
	p.before = inc // both changes are one to the store
	p.messages = spoken(d.Messages, p.messages)
	d.Messages = p.messages
	d.Revision++
	d.State, d.By, d.Seq = DraftPublished, by, p.update.Seq
	c.Drafts = append(c.Drafts, d)
	c.Cancel = append(c.Cancel, autoID(d.ID), escalateID(d.ID))
	if err := s.announce(ctx, c, p); err != nil {
		return Result{}, err
	}
	return Result{Incident: p.after.Snapshot(), Update: &p.update, Findings: p.findings}, nil
}

// spoken answers the words that were seen in the messages that are sent: number,
// moment and the body for programs are those of the acceptance.
func spoken(seen, sent []message.Message) []message.Message {
	type reader struct {
		audience incident.Audience
		locale   incident.Locale
	}
	words := map[reader]message.Message{}
	for _, m := range seen {
		words[reader{m.Audience, m.Locale}] = m
	}
	out := slices.Clone(sent)
	for n, m := range out {
		if was, ok := words[reader{m.Audience, m.Locale}]; ok {
			out[n].Contents, out[n].Plain = wordsOf(was.Contents, m.Contents), wordsOf(was.Plain, m.Plain)
		}
	}
	return out
}

func wordsOf(seen, sent map[incident.Family]message.Content) map[incident.Family]message.Content {
	out := maps.Clone(seen)
	if body, ok := sent[incident.FamilyWebhook]; ok {
		out[incident.FamilyWebhook] = body
	}
	return out
}

// EditDraft changes what a draft says; the answer is the fresh draft.
func (s *Service) EditDraft(ctx context.Context, id DraftID, in UpdateInput, who Actor) (Result, error) {
	return s.decide(ctx, id, who, func(c *Change, d Draft, inc incident.Incident) (Result, error) {
		if d.State != DraftOpen {
			return Result{}, fmt.Errorf("the draft is %s: %w", d.State, incident.ErrConflict)
		}
		now := s.Now()
		if !in.Next.IsZero() && in.Next.Before(now.Add(minPromise)) {
			return Result{}, incident.Invalid("next", "must be at least %d minutes ahead", int(minPromise.Minutes()))
		}
		stamp(&in.Facts, who.Name, now)
		d.Input = in
		after, err := inc.Ack(who.Name, now)
		if err != nil {
			return Result{}, err
		}
		if after.Version() == inc.Version() {
			if after, err = inc.Touch(); err != nil {
				return Result{}, err
			}
		}
		pl, err := s.pinned(ctx, inc.Snapshot().Plan)
		if err != nil {
			return Result{}, err
		}
		fresh, err := s.fill(ctx, pl, d, after, now)
		if err != nil {
			return Result{}, err
		}
		// A person has changed the words: they no longer go out by themselves.
		fresh.AutoAt = time.Time{}
		*c = change(inc, after)
		c.Drafts = []Draft{fresh}
		c.Cancel = []DueID{autoID(d.ID), escalateID(d.ID)}
		return Result{Incident: after.Snapshot()}, nil
	})
}

// DismissDraft drops a draft. Where nothing was announced and nothing else
// waits, the incident ends, and nobody outside ever hears of it.
func (s *Service) DismissDraft(ctx context.Context, id DraftID, who Actor) (Result, error) {
	return s.decide(ctx, id, who, func(c *Change, d Draft, inc incident.Incident) (Result, error) {
		switch d.State {
		case DraftDismissed:
			return Result{Incident: inc.Snapshot()}, nil
		case DraftOpen:
		case DraftPublished:
			return Result{}, fmt.Errorf("the draft is published: %w", incident.ErrConflict)
		}
		waits, err := s.waits(ctx, d)
		if err != nil {
			return Result{}, err
		}
		after, err := inc.Touch()
		if inc.Seq() == 0 && !waits {
			after, err = inc.Dismiss(s.Now())
		}
		if err != nil {
			return Result{}, err
		}
		d.Revision++
		d.State, d.By = DraftDismissed, who.Name
		*c = change(inc, after)
		c.Drafts = []Draft{d}
		c.Cancel = []DueID{autoID(d.ID), escalateID(d.ID)}
		if err := s.slots(ctx, c, inc, after); err != nil {
			return Result{}, err
		}
		if after.Live() {
			if err := s.redraft(ctx, c, after); err != nil {
				return Result{}, err
			}
		}
		return Result{Incident: after.Snapshot()}, nil
	})
}

// waits reports whether an incident has another draft that waits.
func (s *Service) waits(ctx context.Context, but Draft) (bool, error) {
	ds, err := s.Drafts.OpenDrafts(ctx, but.Incident)
	if err != nil {
		return false, fmt.Errorf("read drafts: %w", err)
	}
	return slices.ContainsFunc(ds, func(d Draft) bool { return d.ID != but.ID }), nil
}

// AckDraft records that the reader of a draft has taken the incident on.
func (s *Service) AckDraft(ctx context.Context, id DraftID, who Actor) (Result, error) {
	d, err := s.Drafts.Draft(ctx, id)
	if err != nil {
		return Result{}, fmt.Errorf("read draft: %w", err)
	}
	return s.Ack(ctx, d.Incident, who)
}

// decide reads a draft with its incident and does something with both.
func (s *Service) decide(ctx context.Context, id DraftID, who Actor, fn func(*Change, Draft, incident.Incident) (Result, error)) (Result, error) {
	return s.once(ctx, who, func(c *Change) (Result, error) {
		d, err := s.Drafts.Draft(ctx, id)
		if err != nil {
			return Result{}, fmt.Errorf("read draft: %w", err)
		}
		inc, err := s.read(ctx, d.Incident, who)
		if err != nil {
			return Result{}, err
		}
		return fn(c, d, inc)
	})
}

// signals answers the newest signal of each alarm behind an incident, and
// behind those that were merged into it, by name.
func (s *Service) signals(ctx context.Context, inc incident.Incident) ([]incident.Signal, error) {
	newest := map[string]incident.Signal{}
	for _, id := range family(inc) {
		es, _, err := s.History.Signals(ctx, id, "", maxSignals)
		if err != nil {
			return nil, fmt.Errorf("list signals: %w", err)
		}
		for _, e := range es {
			f := e.Signal.Fingerprint()
			if was, ok := newest[f]; !ok || e.Signal.At.After(was.At) {
				newest[f] = e.Signal
			}
		}
	}
	return slices.SortedFunc(maps.Values(newest), func(a, b incident.Signal) int {
		return cmp.Or(strings.Compare(a.Alarm, b.Alarm), strings.Compare(a.Fingerprint(), b.Fingerprint()))
	}), nil
}

// family answers an incident and those that were merged into it.
func family(inc incident.Incident) []incident.ID {
	return append([]incident.ID{inc.ID()}, inc.Snapshot().Absorbed...)
}

// maxSignals bounds how many signals a draft shows.
const maxSignals = 100
