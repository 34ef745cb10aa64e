package announce

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"shirase/internal/incident"
	"shirase/internal/message"
)

// Open records an incident and publishes its first notice in one transaction.
// Repeating it with the same Once answers the same.
func (s *Service) Open(ctx context.Context, in OpenInput, who Actor) (Result, error) {
	return s.once(ctx, who, func(c *Change) (Result, error) {
		now, id := s.Now(), s.newIncidentID(in.Drill)
		noticed := now
		if in.Hash != "" {
			var err error
			if id, err = s.idOf(ctx, in); err != nil {
				return Result{}, err
			}
			if at, _, ok := unseal(in.Hash); ok && at.Before(now) && now.Sub(at) <= sealLife {
				noticed = at
			}
		}
		p, err := s.seen(in.Hash, now, func(at, next time.Time) (prepared, error) {
			return s.opened(ctx, id, in, who, noticed, at, next)
		})
		if err != nil {
			return Result{}, err
		}
		if err := s.announce(ctx, c, p); err != nil {
			return Result{}, err
		}
		c.Incidents[0].Base = 0 // it is new, whatever its version counts
		return Result{Incident: p.after.Snapshot(), Update: &p.update, Findings: p.findings}, nil
	})
}

// PreviewOpen answers what Open would say, without any effect.
func (s *Service) PreviewOpen(ctx context.Context, in OpenInput, who Actor) (Preview, error) {
	id, err := s.idOf(ctx, in)
	if err != nil {
		return Preview{}, err
	}
	now := s.Now()
	p, err := s.opened(ctx, id, in, who, now, now, time.Time{})
	if err != nil {
		return Preview{}, err
	}
	return p.sealed(), nil
}

// opened prepares the first notice of an incident that is opened at a moment.
func (s *Service) opened(ctx context.Context, id incident.ID, in OpenInput, who Actor, noticed, at, next time.Time) (prepared, error) {
	inc, err := s.opening(ctx, id, in, who, noticed, at)
	if err != nil {
		return prepared{}, err
	}
	u := in.update()
	if !next.IsZero() {
		u.Next = next
	}
	return s.prepare(ctx, inc, u, who.Name, at)
}

// opening makes the incident of an input, with every fault at once.
func (s *Service) opening(ctx context.Context, id incident.ID, in OpenInput, who Actor, noticed, at time.Time) (incident.Incident, error) {
	pl, err := s.Plans.Current(ctx)
	if err != nil {
		return incident.Incident{}, fmt.Errorf("read plan: %w", err)
	}
	if in.Kind == "" {
		in.Kind = incident.Outage
	}
	stamp(&in.Facts, who.Name, noticed)
	inc, err := incident.Open(incident.Opening{
		ID: id, Kind: in.Kind, Severity: in.Severity, Components: in.Components, Facts: in.Facts, Window: in.Window,
		DetectedAt: noticed, At: at, By: who.Name, Plan: pl.Version,
	})
	faults := []error{err, checkInput(pl, in.Facts, in.Text, at), checkWindow(in.Window, in.Stage, at)}
	for n, c := range in.Components {
		if _, ok := pl.Component(c); !ok {
			faults = append(faults, incident.Invalid(fmt.Sprintf("components.%d", n), "is not a component of the plan"))
		}
	}
	if err := errors.Join(faults...); err != nil {
		return incident.Incident{}, err
	}
	// A person opened it, so a person has taken it on.
	if who.Name != author {
		if inc, err = inc.Ack(who.Name, at); err != nil {
			return incident.Incident{}, err
		}
	}
	return inc, nil
}

// idLength is how many characters name an incident. They stand in the link of
// every text message, where each one counts; the condition on which an incident
// is created makes a clash a race that is lost, and the next try has a new id.
const idLength = 6

func (s *Service) newIncidentID(drill bool) incident.ID {
	id := strings.ToLower(s.NewID())
	id = id[max(0, len(id)-idLength):]
	if drill {
		return incident.ID(incident.DrillPrefix + id)
	}
	return incident.ID(id)
}

func (in OpenInput) update() UpdateInput {
	return UpdateInput{Stage: in.Stage, Text: in.Text, Next: in.Next}
}

// Update publishes an update.
func (s *Service) Update(ctx context.Context, id incident.ID, in UpdateInput, who Actor) (Result, error) {
	return s.once(ctx, who, func(c *Change) (Result, error) {
		now := s.Now()
		inc, err := s.read(ctx, id, who)
		if err != nil {
			return Result{}, err
		}
		in := in
		if in.Of, err = in.speaksOf(inc); err != nil {
			return Result{}, err
		}
		p, err := s.seen(in.Hash, now, func(at, next time.Time) (prepared, error) {
			in := in
			if !next.IsZero() {
				in.Next = next
			}
			stamp(&in.Facts, who.Name, at)
			return s.taken(ctx, inc, in, who, at)
		})
		if err != nil {
			return Result{}, err
		}
		if err := s.announce(ctx, c, p); err != nil {
			return Result{}, err
		}
		return Result{Incident: p.after.Snapshot(), Update: &p.update, Findings: p.findings}, nil
	})
}

// speaksOf answers the update that a correction or retraction speaks of: the one
// it names, or the newest that stands.
func (in UpdateInput) speaksOf(inc incident.Incident) (int, error) {
	if !in.Kind.Mends() || in.Of != 0 {
		return in.Of, nil
	}
	for _, l := range slices.Backward(inc.Snapshot().Lines) {
		if !l.Withdrawn() && l.Kind != incident.Retraction {
			return l.Seq, nil
		}
	}
	return 0, fmt.Errorf("nothing that was announced still stands: %w", incident.ErrConflict)
}

// Preview answers what Update would say, without any effect.
func (s *Service) Preview(ctx context.Context, id incident.ID, in UpdateInput, who Actor) (Preview, error) {
	inc, err := s.read(ctx, id, who)
	if err != nil {
		return Preview{}, err
	}
	if in.Of, err = in.speaksOf(inc); err != nil {
		return Preview{}, err
	}
	now := s.Now()
	stamp(&in.Facts, who.Name, now)
	p, err := s.taken(ctx, inc, in, who, now)
	if err != nil {
		return Preview{}, err
	}
	return p.sealed(), nil
}

// taken prepares an update of a person, who takes the incident on by publishing
// it. Where nobody had, the texts do not name who does, since whoever looks at
// them first may be somebody else.
func (s *Service) taken(ctx context.Context, inc incident.Incident, in UpdateInput, who Actor, now time.Time) (prepared, error) {
	acked, err := inc.Ack(who.Name, now)
	if err != nil {
		return prepared{}, err
	}
	if acked.Version() == inc.Version() {
		return s.prepare(ctx, inc, in, who.Name, now)
	}
	p, err := s.draft(ctx, inc, in, now)
	if err != nil {
		return prepared{}, err
	}
	// Only the name differs, so what was accepted once is accepted again.
	done, err := s.prepare(ctx, acked, in, who.Name, now)
	if err != nil {
		return prepared{}, err
	}
	done.before = inc // both changes are one to the store
	done.messages, done.findings, done.hash = spoken(p.messages, done.messages), p.findings, p.hash
	return done, nil
}

// Know puts facts over the incident's own and tells nobody outside. Facts that
// no text may hold are refused at once, since the next text that goes out by
// itself would hold them.
func (s *Service) Know(ctx context.Context, id incident.ID, f incident.Facts, who Actor) (Result, error) {
	return s.alter(ctx, id, who, func(inc incident.Incident, now time.Time) (incident.Incident, error) {
		stamp(&f, who.Name, now)
		pl, err := s.pinned(ctx, inc.Snapshot().Plan)
		if err != nil {
			return incident.Incident{}, err
		}
		if err := checkInput(pl, f, nil, now); err != nil {
			return incident.Incident{}, err
		}
		after, err := inc.Know(f)
		if err != nil || !inc.Live() {
			return after, err
		}
		p, err := s.prepare(ctx, after, UpdateInput{}, who.Name, now)
		if err != nil {
			return incident.Incident{}, err
		}
		if message.Blocks(p.findings) {
			return incident.Incident{}, &BlockedError{p.findings}
		}
		return after, nil
	})
}

// Ack records that somebody has taken the incident on, and ends escalation.
func (s *Service) Ack(ctx context.Context, id incident.ID, who Actor) (Result, error) {
	return s.alter(ctx, id, who, func(inc incident.Incident, now time.Time) (incident.Incident, error) {
		return inc.Ack(who.Name, now)
	})
}

// maxNote is the longest note in bytes.
const maxNote = 10_000

// AddNote writes something down for operators.
func (s *Service) AddNote(ctx context.Context, id incident.ID, text string, who Actor) (Result, error) {
	text = strings.TrimSpace(text)
	if text == "" || len(text) > maxNote {
		return Result{}, incident.Invalid("text", "must have between 1 and %d bytes", maxNote)
	}
	return s.once(ctx, who, func(c *Change) (Result, error) {
		inc, err := s.read(ctx, id, who)
		if err != nil {
			return Result{}, err
		}
		after, err := inc.Touch()
		if err != nil {
			return Result{}, err
		}
		n := Note{ID: s.NewID(), Incident: id, At: s.Now(), By: who.Name, Text: text}
		*c = change(inc, after)
		c.Notes = []Note{n}
		if err := s.redraft(ctx, c, after); err != nil {
			return Result{}, err
		}
		return Result{Incident: after.Snapshot(), Note: &n}, nil
	})
}

// Merge ends an incident because it goes on in another, which takes over its
// components, its people and its sooner promise.
func (s *Service) Merge(ctx context.Context, id, into incident.ID, who Actor) (Result, error) {
	return s.once(ctx, who, func(c *Change) (Result, error) {
		now := s.Now()
		from, err := s.read(ctx, id, who)
		if err != nil {
			return Result{}, err
		}
		if id == into {
			return Result{}, incident.Invalid("into", "must be another incident")
		}
		a, err := s.Incidents.Incident(ctx, into)
		if err != nil {
			return Result{}, fmt.Errorf("read incident to merge into: %w", err)
		}
		if id.Drill() != into.Drill() {
			return Result{}, incident.Invalid("into", "must not mix a drill with the real")
		}
		after, err := a.Absorb(from)
		if err != nil {
			return Result{}, err
		}
		pl, err := s.pinned(ctx, from.Snapshot().Plan)
		if err != nil {
			return Result{}, err
		}
		prop := incident.Proposal{By: who.Name, Kind: incident.Notice, Stage: incident.Resolved}
		prop.Routes = pl.Routes(occasion(from, prop), s.Families)
		ended, u, told, err := from.MergeInto(into, prop, now)
		if err != nil {
			return Result{}, err
		}
		res := Result{Incident: ended.Snapshot()}
		if told {
			p, err := s.render(ctx, pl, prepared{before: from, after: ended, update: u})
			if err != nil {
				return Result{}, err
			}
			if err := s.announce(ctx, c, p); err != nil {
				return Result{}, err
			}
			res.Update, res.Findings = &u, p.findings
		} else {
			*c = change(from, ended)
			if err := s.overtake(ctx, c, prepared{after: ended, update: incident.Update{By: who.Name}}); err != nil {
				return Result{}, err
			}
		}
		c.Groups = nil // the groups move, they are not freed
		for _, g := range from.Snapshot().Groups {
			if holder, err := s.Watch.Group(ctx, g); err != nil {
				return Result{}, fmt.Errorf("read group: %w", err)
			} else if holder == id {
				c.Groups = append(c.Groups, GroupSlot{Group: g, Was: id, Set: into})
			}
		}
		c.Incidents = append(c.Incidents, Versioned{Incident: after, Base: a.Version()})
		if p, ok := after.Promise(); ok && p.By.Before(openPromise(a)) {
			if pl, err = s.pinned(ctx, after.Snapshot().Plan); err != nil {
				return Result{}, err
			}
			s.reschedule(c, pl, after, p)
		}
		if err := s.redraft(ctx, c, after); err != nil {
			return Result{}, err
		}
		snap := after.Snapshot()
		res.Into = &snap
		return res, nil
	})
}

func openPromise(inc incident.Incident) time.Time { p, _ := inc.Promise(); return p.By }

// alter makes a change that tells nobody outside.
func (s *Service) alter(ctx context.Context, id incident.ID, who Actor, fn func(incident.Incident, time.Time) (incident.Incident, error)) (Result, error) {
	return s.once(ctx, who, func(c *Change) (Result, error) {
		inc, err := s.read(ctx, id, who)
		if err != nil {
			return Result{}, err
		}
		after, err := fn(inc, s.Now())
		if err != nil {
			return Result{}, err
		}
		// Where nothing changes, the answer that a key is to stand for must still be
		// that of the incident as it is when the answer is stored.
		if after.Version() != inc.Version() || who.Once != nil {
			*c = change(inc, after)
		}
		if after.Version() != inc.Version() {
			if err := s.redraft(ctx, c, after); err != nil {
				return Result{}, err
			}
		}
		return Result{Incident: after.Snapshot()}, nil
	})
}

// read reads an incident and holds it against the version the caller has seen.
func (s *Service) read(ctx context.Context, id incident.ID, who Actor) (incident.Incident, error) {
	inc, err := s.Incidents.Incident(ctx, id)
	if err != nil {
		return incident.Incident{}, fmt.Errorf("read incident: %w", err)
	}
	if who.IfMatch != 0 && who.IfMatch != inc.Version() {
		return incident.Incident{}, &VersionError{Want: who.IfMatch, Have: inc.Version()}
	}
	return inc, nil
}

// A VersionError says that the incident is not at the version the caller has
// seen. It is [incident.ErrConflict].
type VersionError struct{ Want, Have int }

func (e *VersionError) Error() string {
	return fmt.Sprintf("the incident is at version %d, not %d", e.Have, e.Want)
}

// Unwrap makes errors.Is(err, incident.ErrConflict) true.
func (e *VersionError) Unwrap() error { return incident.ErrConflict }

// ErrReused says that an idempotency key came back with another request.
var ErrReused = errors.New("idempotency key used for another request")

// once decides, commits and answers. With an idempotency key the result is
// stored in the same transaction, and a repeat is answered from there.
func (s *Service) once(ctx context.Context, who Actor, decide func(*Change) (Result, error)) (res Result, err error) {
	err = racing(ctx, func() error {
		if done, err := s.answered(ctx, who, &res); done || err != nil {
			return err
		}
		var c Change
		if res, err = decide(&c); err != nil {
			// The same request may have been made since the key was looked up, and
			// this one decided on what it made. Then it is answered from there.
			if done, again := s.answered(ctx, who, &res); done || again != nil {
				return again
			}
			return err
		}
		if who.Once != nil {
			b, err := json.Marshal(res)
			if err != nil {
				return fmt.Errorf("encode result: %w", err)
			}
			c.Answer = &Answer{Key: who.Once.Key, Body: who.Once.Body, At: s.Now(), Result: b}
		}
		if c.empty() {
			return nil
		}
		return s.commit(ctx, c)
	})
	if err != nil {
		return Result{}, err
	}
	return res, nil
}

// answered answers a repeat from what is stored with its idempotency key.
func (s *Service) answered(ctx context.Context, who Actor, res *Result) (done bool, err error) {
	if who.Once == nil {
		return false, nil
	}
	a, ok, err := s.Store.Answer(ctx, who.Once.Key, s.Now())
	if err != nil {
		return false, fmt.Errorf("read idempotency key: %w", err)
	}
	if !ok {
		return false, nil
	}
	*res = Result{}
	return true, a.replay(who.Once.Body, res)
}

func (a Answer) replay(body string, res *Result) error {
	if a.Body != body {
		return ErrReused
	}
	if err := json.Unmarshal(a.Result, res); err != nil {
		return fmt.Errorf("decode stored result: %w", err)
	}
	return nil
}

// empty reports whether there is nothing to write.
func (c Change) empty() bool {
	return len(c.Incidents)+len(c.Drafts)+len(c.Evidence)+len(c.Notes)+len(c.Alarms)+len(c.Groups)+
		len(c.Due)+len(c.Drop)+len(c.Cancel)+len(c.Memos) == 0 && c.Answer == nil
}

// stamp fills in who stated the facts, and when.
func stamp(f *incident.Facts, by string, now time.Time) {
	stampOne(&f.Effect, by, now)
	stampOne(&f.Scope, by, now)
	stampOne(&f.StartedAt, by, now)
	stampOne(&f.FixedAt, by, now)
	stampOne(&f.EndedAt, by, now)
	stampOne(&f.Workaround, by, now)
	stampOne(&f.Outlook, by, now)
	stampOne(&f.Cause, by, now)
	stampOne(&f.Prevention, by, now)
	stampOne(&f.Data, by, now)
}

func stampOne[T any](f *incident.Fact[T], by string, now time.Time) {
	if !f.Known() {
		return
	}
	if f.Source == "" {
		f.Source = by
	}
	if f.At.IsZero() {
		f.At = now
	}
}
