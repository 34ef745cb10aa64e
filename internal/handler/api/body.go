package api

import (
	"context"
	"errors"
	"fmt"
	"time"

	"shirase/internal/announce"
	"shirase/internal/incident"
)

// Window is when planned work takes place.
type Window struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

func (w *Window) window() incident.Window {
	if w == nil {
		return incident.Window{}
	}
	return incident.Window{From: w.From.UTC(), To: w.To.UTC()}
}

// OpenBody opens an incident. Components, severity and effect are enough.
type OpenBody struct {
	Kind       incident.Kind          `json:"kind,omitempty" enum:"incident,maintenance" doc:"incident unless given."`
	Components []incident.ComponentID `json:"components" minItems:"1" maxItems:"500" doc:"Which components of the plan are affected."`
	Severity   incident.Severity      `json:"severity" enum:"critical,major,minor,internal"`
	Effect     *Stated[Words]         `json:"effect" doc:"What readers cannot do: a whole sentence, or one per locale. A single text is of the organisation's first locale; the others use the component's own sentence of the plan."`
	Stage      incident.Stage         `json:"stage,omitempty" enum:"investigating,identified,monitoring,resolved,scheduled,in_progress" doc:"The first stage unless given."`
	Window     *Window                `json:"window,omitempty" doc:"When the work is planned; for maintenance."`
	Text       Words                  `json:"text,omitempty" doc:"Further whole sentences."`
	Next       string                 `json:"next,omitempty" maxLength:"40" doc:"When the next update comes: a time, or a duration such as 30m. By severity unless given."`
	Drill      bool                   `json:"drill,omitempty" doc:"A rehearsal: other recipients, marked everywhere."`
	Hash       string                 `json:"hash,omitempty" maxLength:"100" doc:"The hash of the preview that was approved; if the texts differ by now, nothing is sent."`
	Scope      *Stated[Words]         `json:"scope,omitempty"`
	StartedAt  *Stated[time.Time]     `json:"started_at,omitempty"`
	Workaround *Stated[Words]         `json:"workaround,omitempty"`
	Outlook    *Stated[Outlook]       `json:"outlook,omitempty"`
	Cause      *Stated[Words]         `json:"cause,omitempty"`

	DataEffect *Stated[incident.DataEffect] `json:"data_effect,omitempty"`
}

// UpdateBody publishes an update. An empty one says that nothing has changed.
type UpdateBody struct {
	Kind       incident.UpdateKind    `json:"kind,omitempty" enum:"notice,scope,progress,report,follow_up" doc:"A notice if the stage changes, otherwise progress, unless given."`
	Stage      incident.Stage         `json:"stage,omitempty" enum:"investigating,identified,monitoring,resolved,postmortem,scheduled,in_progress,verifying,completed" doc:"The present stage unless given."`
	Severity   incident.Severity      `json:"severity,omitempty" enum:"critical,major,minor,internal"`
	Components []incident.ComponentID `json:"components,omitempty" maxItems:"500" doc:"Which are affected from now on; unchanged unless given."`
	Text       Words                  `json:"text,omitempty" doc:"What has changed, in whole sentences."`
	Next       string                 `json:"next,omitempty" maxLength:"40"`
	Window     *Window                `json:"window,omitempty"`
	Hash       string                 `json:"hash,omitempty" maxLength:"100"`
	Facts
}

// PreviewBody is an update, or a correction or retraction, that is only looked at.
type PreviewBody struct {
	Kind incident.UpdateKind `json:"kind,omitempty" enum:"notice,scope,progress,report,follow_up,correction,retraction" doc:"A notice if the stage changes, otherwise progress, unless given."`
	Of   int                 `json:"of,omitempty" minimum:"1" doc:"The update that a correction or retraction speaks of; the newest that stands unless given."`
	UpdateBody
}

// MendBody corrects or retracts an earlier update.
type MendBody struct {
	Of   int    `json:"of,omitempty" minimum:"1" doc:"The update that was wrong; the newest that stands unless given."`
	Text Words  `json:"text,omitempty" doc:"What is right, in whole sentences."`
	Next string `json:"next,omitempty" maxLength:"40"`
	Hash string `json:"hash,omitempty" maxLength:"100"`
	Facts
}

// when reads a time or a duration from now on.
func (s *server) when(field, v string) (time.Time, error) {
	if v == "" {
		return time.Time{}, nil
	}
	if d, err := time.ParseDuration(v); err == nil {
		if d <= 0 {
			return time.Time{}, incident.Invalid(field, "must be a duration above zero, such as 30m")
		}
		return s.Now().Add(d).Truncate(time.Minute).UTC(), nil
	}
	t, err := time.Parse(time.RFC3339, v)
	if err != nil {
		return time.Time{}, incident.Invalid(field, "must be a time such as 2026-09-15T14:30:00+09:00 or a duration such as 30m")
	}
	return t.UTC(), nil
}

// locale answers the organisation's first locale, which a bare string is of.
func (s *server) locale(ctx context.Context) (incident.Locale, error) {
	p, err := s.Announce.Plans.Current(ctx)
	if err != nil {
		return "", fmt.Errorf("read plan: %w", err)
	}
	return p.Organisation.Locales[0], nil
}

func (s *server) open(ctx context.Context, b OpenBody) (announce.OpenInput, error) {
	l, err := s.locale(ctx)
	if err != nil {
		return announce.OpenInput{}, err
	}
	f := Facts{
		Effect: b.Effect, Scope: b.Scope, StartedAt: b.StartedAt, Workaround: b.Workaround,
		Outlook: b.Outlook, Cause: b.Cause, DataEffect: b.DataEffect,
	}
	facts, ferr := f.facts(l)
	next, nerr := s.when("next", b.Next)
	return announce.OpenInput{
		Kind: b.Kind, Components: b.Components, Severity: b.Severity, Stage: b.Stage, Facts: facts, Text: b.Text.text(l),
		Next: next, Window: b.Window.window(), Drill: b.Drill, Hash: b.Hash,
	}, errors.Join(ferr, nerr)
}

func (s *server) update(ctx context.Context, b UpdateBody) (announce.UpdateInput, error) {
	l, err := s.locale(ctx)
	if err != nil {
		return announce.UpdateInput{}, err
	}
	facts, ferr := b.facts(l)
	next, nerr := s.when("next", b.Next)
	return announce.UpdateInput{
		Kind: b.Kind, Stage: b.Stage, Severity: b.Severity, Components: b.Components, Facts: facts, Text: b.Text.text(l),
		Next: next, Window: b.Window.window(), Hash: b.Hash,
	}, errors.Join(ferr, nerr)
}

// preview makes what is only looked at. A correction or retraction takes no more
// here than it does when it is made, so that its hash can be used.
func (s *server) preview(ctx context.Context, b PreviewBody) (announce.UpdateInput, error) {
	if !b.Kind.Mends() {
		b.UpdateBody.Kind = b.Kind
		in, err := s.update(ctx, b.UpdateBody)
		in.Of = b.Of
		return in, err
	}
	var faults []error
	for _, f := range []struct {
		field string
		given bool
	}{
		{"stage", b.Stage != ""},
		{"severity", b.Severity != ""},
		{"components", b.Components != nil},
		{"window", b.Window != nil},
	} {
		if f.given {
			faults = append(faults, incident.Invalid(f.field, "does not belong to a correction or retraction"))
		}
	}
	in, err := s.mend(ctx, b.Kind, MendBody{Of: b.Of, Text: b.Text, Next: b.Next, Hash: b.Hash, Facts: b.Facts})
	return in, errors.Join(errors.Join(faults...), err)
}

// mend makes a correction or retraction of the update named, or of the newest
// that stands when it is made.
func (s *server) mend(ctx context.Context, kind incident.UpdateKind, b MendBody) (announce.UpdateInput, error) {
	in, err := s.update(ctx, UpdateBody{Text: b.Text, Next: b.Next, Hash: b.Hash, Facts: b.Facts})
	in.Kind, in.Of = kind, b.Of
	return in, err
}
