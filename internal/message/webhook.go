package message

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"

	"shirase/internal/incident"
	"shirase/internal/plan"
)

// event is a CloudEvents 1.0 event in structured form; see
// https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md.
type event struct {
	SpecVersion     string    `json:"specversion"`
	ID              string    `json:"id"`
	Source          string    `json:"source"`
	Type            string    `json:"type"`
	Time            time.Time `json:"time"`
	Subject         string    `json:"subject"`
	DataContentType string    `json:"datacontenttype"`
	Data            eventData `json:"data"`
}

const eventType = "shirase.incident.update.v1"

type eventData struct {
	Incident     incident.ID         `json:"incident"`
	IncidentKind incident.Kind       `json:"incident_kind"`
	Seq          int                 `json:"seq"`
	Kind         incident.UpdateKind `json:"kind"`
	Of           int                 `json:"of,omitempty"`
	Stage        incident.Stage      `json:"stage"`
	Severity     incident.Severity   `json:"severity"`
	Audience     incident.Audience   `json:"audience"`
	Locale       incident.Locale     `json:"locale"`
	Drill        bool                `json:"drill"`
	Title        string              `json:"title"`
	Text         string              `json:"text"`
	Components   []eventComponent    `json:"components"`
	Facts        eventFacts          `json:"facts"`
	Window       *eventSpan          `json:"window,omitempty"`
	NextUpdateBy *time.Time          `json:"next_update_by"`
	LateFor      *time.Time          `json:"late_for,omitempty"`
	MergedInto   incident.ID         `json:"merged_into,omitempty"`
	Timeline     []eventLine         `json:"timeline"`
	Link         string              `json:"link"`
}

type eventComponent struct {
	ID   incident.ComponentID `json:"id"`
	Name string               `json:"name"`
}

// eventFacts holds confirmed facts only; what is absent is not known.
type eventFacts struct {
	Effect     string              `json:"effect,omitempty"`
	Scope      string              `json:"scope,omitempty"`
	StartedAt  *time.Time          `json:"started_at,omitempty"`
	FixedAt    *time.Time          `json:"fixed_at,omitempty"`
	EndedAt    *time.Time          `json:"ended_at,omitempty"`
	Workaround string              `json:"workaround,omitempty"`
	Outlook    *eventSpan          `json:"outlook,omitempty"`
	Cause      string              `json:"cause,omitempty"`
	Prevention string              `json:"prevention,omitempty"`
	Data       incident.DataEffect `json:"data,omitempty"`
}

type eventSpan struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

type eventLine struct {
	Seq         int                 `json:"seq"`
	Kind        incident.UpdateKind `json:"kind"`
	Stage       incident.Stage      `json:"stage"`
	At          time.Time           `json:"at"`
	Of          int                 `json:"of,omitempty"`
	WithdrawnAt *time.Time          `json:"withdrawn_at,omitempty"`
}

// webhook builds the body from facts. Its text is the customers' words or the
// audience's own; its facts are the confirmed ones, whoever it is for.
func webhook(d draft, a plan.Audience) (Content, error) {
	v, u := d.view, d.in.Update
	e := event{
		SpecVersion: "1.0", ID: fmt.Sprintf("%s/%d/%s/%s", u.Incident, u.Seq, a.ID, v.c.locale),
		Source: source(v), Type: eventType, Time: u.At.UTC(), Subject: string(u.Incident), DataContentType: "application/json",
		Data: eventData{
			Incident: u.Incident, IncidentKind: v.in.Incident.Kind, Seq: u.Seq, Kind: u.Kind, Of: u.Of, Stage: u.Stage,
			Severity: u.Severity, Audience: a.ID, Locale: v.c.locale, Drill: u.Incident.Drill(),
			Title: v.Title(), Text: d.text(), Components: []eventComponent{}, Facts: v.eventFacts(),
			NextUpdateBy: instant(u.Next), LateFor: instant(u.Missed), MergedInto: u.MergedInto,
			Timeline: eventTimeline(v.in), Link: v.Link,
		},
	}
	if !v.Corrects && u.Kind == incident.Correction {
		// Those who never got the wrong one get the state, and no word of a mistake.
		e.Data.Kind, e.Data.Of = incident.Progress, 0
		if n := len(e.Data.Timeline) - 1; n >= 0 && e.Data.Timeline[n].Seq == u.Seq {
			e.Data.Timeline[n].Kind, e.Data.Timeline[n].Of = incident.Progress, 0
		}
	}
	if !u.Window.IsZero() {
		e.Data.Window = &eventSpan{u.Window.From.UTC(), u.Window.To.UTC()}
	}
	for _, id := range u.Components {
		e.Data.Components = append(e.Data.Components, eventComponent{id, componentName(v.in.Plan, id, v.c.locale)})
	}
	limit := tightest(incident.FamilyWebhook)
	var err error
	encode := func(text string) string {
		e.Data.Text = text
		b, fault := json.Marshal(e)
		if fault != nil {
			err = fmt.Errorf("encode the event: %w", fault)
		}
		return string(b)
	}
	text := e.Data.Text
	out := encode(text)
	if !limit.Fits(out) {
		out = encode(trim(text, limit.most(), func(s string) bool { return limit.Fits(encode(s)) }))
	}
	return Content{Text: out}, err
}

func (v *view) eventFacts() eventFacts {
	f := v.in.Update.Facts
	ef := eventFacts{
		Effect: v.Effect.Text, Scope: v.Scope.Text, Workaround: v.Workaround.Text, Cause: v.Cause.Text,
		Prevention: v.Prevention.Text, Data: v.Data,
		StartedAt: instant(v.Started.t), FixedAt: instant(v.Fixed.t), EndedAt: instant(v.Ended.t),
	}
	if f.Effect.State != incident.Confirmed {
		ef.Effect = "" // the plan's sentence is a text, not a fact
	}
	if v.Outlook.Known() {
		ef.Outlook = &eventSpan{v.Outlook.from.UTC(), v.Outlook.to.UTC()}
	}
	return ef
}

func eventTimeline(in Input) []eventLine {
	out := []eventLine{}
	for _, l := range in.Incident.Lines {
		if l.Seq <= in.Update.Seq {
			out = append(out, eventLine{l.Seq, l.Kind, l.Stage, l.At.UTC(), l.Of, instant(l.WithdrawnAt)})
		}
	}
	return out[max(0, len(out)-timelineLength):]
}

func instant(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

// source says who speaks: the organisation's public address.
func source(v *view) string {
	if u := oneLine(v.in.Plan.Organisation.URL); u != "" {
		return u
	}
	if u, err := url.Parse(v.in.Link); err == nil && u.Host != "" {
		return u.Scheme + "://" + u.Host
	}
	return "urn:" + strings.ReplaceAll(automaticAuthor, " ", "-")
}
