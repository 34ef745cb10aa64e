package action

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"shirase/internal/announce"
	"shirase/internal/handler"
	"shirase/internal/handler/web"
	"shirase/internal/incident"
)

// The longest texts that a form takes, in characters. Channels cut much sooner.
const (
	maxEffect = 400
	maxText   = 2000
)

// inputTime is how a browser writes a time without a zone.
const inputTime = "2006-01-02T15:04"

// A form is what may be changed of a draft, with what was typed and what is
// wrong with it.
type form struct {
	Version    string
	Effects    []field
	Severity   field
	Severities []option
	// HasNext tells that the update promises another.
	HasNext bool
	Next    field
	NextWas string
	Texts   []field
	// Other are faults of no field of this form.
	Other []handler.Fault
	zone  *time.Location
}

// A field is one input. Fault is a key; empty where the value is fine.
type field struct {
	ID, Lang, Label, Value string
	// Hint is what holds if the field stays empty.
	Hint  string
	Fault string
	// Max is how many characters it takes; 0 for no limit.
	Max    int
	locale incident.Locale
	words  web.Words
}

// Problem says what is wrong with the value.
func (f field) Problem() (string, error) {
	return f.words.Say(f.Fault, "max", strconv.Itoa(f.Max))
}

// An option is one choice of a list.
type option struct {
	Value, Label string
	Selected     bool
}

// form answers the form as it is before anybody types.
func (l layout) form() form {
	u, d, zone := l.view.Update, l.view.Draft, l.plan.Organisation.Zone
	if zone == nil {
		zone = time.UTC
	}
	f := form{Version: strconv.Itoa(l.view.Incident.Version), zone: zone, HasNext: !u.Final()}
	f.Severity = field{ID: "severity", Value: string(u.Severity)}
	for _, locale := range l.locales() {
		e := field{
			ID: "effect_" + string(locale), Lang: string(locale), Label: l.words.Name("lang", locale), Max: maxEffect, locale: locale,
			Value: u.Facts.Effect.Value[locale], Hint: l.planEffect(u.Components, locale),
		}
		t := field{
			ID: "text_" + string(locale), Lang: string(locale), Label: l.words.Name("lang", locale), Max: maxText, locale: locale,
			Value: d.Input.Text[locale],
		}
		f.Effects, f.Texts = append(f.Effects, e), append(f.Texts, t)
	}
	if f.HasNext {
		f.NextWas = d.Next.In(zone).Format(inputTime)
		f.Next = field{ID: "next", Value: f.NextWas}
	}
	for _, fd := range f.fields() {
		fd.words = l.words
	}
	return f.choose(l)
}

// choose lists the severities with the one that is chosen.
func (f form) choose(l layout) form {
	f.Severities = nil
	for _, s := range incident.Severities() {
		f.Severities = append(f.Severities, option{string(s), l.words.Name("severity", s), f.Severity.Value == string(s)})
	}
	return f
}

// planEffect is what the texts say where nobody wrote an effect.
func (l layout) planEffect(cs []incident.ComponentID, locale incident.Locale) string {
	var out []string
	for _, id := range cs {
		if c, ok := l.view.Plan.Component(id); ok {
			if s, ok := c.Effect.In(locale); ok {
				out = append(out, s)
			}
		}
	}
	return strings.Join(out, " ")
}

// typed puts what was posted over what the form holds. A next time that was not
// touched follows the draft.
func (f form) typed(l layout, post url.Values) form {
	take := func(fd *field) {
		if post.Has(fd.ID) {
			fd.Value = clean(post.Get(fd.ID))
		}
	}
	for n := range f.Effects {
		take(&f.Effects[n])
	}
	for n := range f.Texts {
		take(&f.Texts[n])
	}
	take(&f.Severity)
	if f.HasNext && post.Get("next") != post.Get("next_was") {
		take(&f.Next)
	}
	return f.choose(l)
}

func clean(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	return strings.TrimSpace(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(s))
}

// fields answers every field of the form.
func (f *form) fields() []*field {
	var out []*field
	for n := range f.Effects {
		out = append(out, &f.Effects[n])
	}
	out = append(out, &f.Severity)
	if f.HasNext {
		out = append(out, &f.Next)
	}
	for n := range f.Texts {
		out = append(out, &f.Texts[n])
	}
	return out
}

// Faulty reports whether anything must be put right.
func (f *form) Faulty() bool {
	for _, fd := range f.fields() {
		if fd.Fault != "" {
			return true
		}
	}
	return len(f.Other) > 0
}

// input answers what the draft is to be made from, and marks what is wrong.
// What was not touched stays as it was, with its state and source.
func (f *form) input(dv announce.DraftView, now time.Time) announce.UpdateInput {
	in := dv.Draft.Input
	f.effect(&in, dv.Update.Facts.Effect)
	if s := incident.Severity(f.Severity.Value); !s.Valid() {
		f.Severity.Fault = "fault_severity"
	} else if s != dv.Update.Severity {
		in.Severity = s
	}
	if f.HasNext && f.Next.Value != f.NextWas {
		at, err := parseTime(f.Next.Value, f.zone)
		switch {
		case err != nil:
			f.Next.Fault = "fault_time"
		case !at.After(now):
			f.Next.Fault = "fault_past"
		default:
			in.Next = at.UTC()
		}
	}
	in.Text = texts(f.Texts)
	for n := range f.Texts {
		f.Texts[n].measure()
	}
	return in
}

// effect takes over the effect where it was changed. What a person writes here
// is confirmed by that person.
func (f *form) effect(in *announce.UpdateInput, was incident.Fact[incident.Text]) {
	now, changed := texts(f.Effects), false
	for n := range f.Effects {
		e := &f.Effects[n]
		e.measure()
		changed = changed || e.Value != clean(was.Value[e.locale])
	}
	switch {
	case !changed:
	case len(now) == 0:
		f.Effects[0].Fault = "fault_effect"
	default:
		in.Facts.Effect = incident.Fact[incident.Text]{Value: now, State: incident.Confirmed}
	}
}

func (f *field) measure() {
	if utf8.RuneCountInString(f.Value) > f.Max {
		f.Fault = "fault_long"
	}
}

func texts(fs []field) incident.Text {
	var out incident.Text
	for _, f := range fs {
		if f.Value == "" {
			continue
		}
		if out == nil {
			out = incident.Text{}
		}
		out[f.locale] = f.Value
	}
	return out
}

// parseTime reads a time as a browser writes it, and as people type it where
// the browser has no such input.
func parseTime(s string, zone *time.Location) (time.Time, error) {
	s = strings.Replace(s, " ", "T", 1)
	at, err := time.ParseInLocation(inputTime, s, zone)
	if err != nil {
		return time.ParseInLocation(inputTime+":05", s, zone)
	}
	return at, nil
}

// assign puts the faults that the use case found beside their fields.
func (f *form) assign(err error) {
	for _, e := range handler.ProblemOf(err).Errors {
		switch {
		case e.Pointer == "/next" && f.HasNext:
			f.Next.Fault = "fault_past"
		case e.Pointer == "/severity":
			f.Severity.Fault = "fault_severity"
		default:
			f.Other = append(f.Other, e)
		}
	}
}

// edit takes the form that changes the draft. Whatever goes wrong, the page
// that says so still holds what was typed.
func (v visit) edit(w http.ResponseWriter) {
	ctx := v.r.Context()
	dv, err := v.h.Drafts.Draft(ctx, v.draft)
	if err != nil {
		v.h.failed(w, v, err)
		return
	}
	l := v.layout(dv)
	f := l.form().typed(l, v.form)
	if dv.Draft.State != announce.DraftOpen {
		v.again(w, http.StatusConflict, "alert_closed", dv, f)
		return
	}
	in := f.input(dv, v.h.Now())
	if f.Faulty() {
		v.again(w, http.StatusUnprocessableEntity, "alert_faults", dv, f)
		return
	}
	_, err = v.h.Drafts.EditDraft(ctx, v.draft, in, v.once())
	if err == nil {
		v.done(w, doEdit)
		return
	}
	if f.assign(err); f.Faulty() {
		v.again(w, http.StatusUnprocessableEntity, "alert_faults", dv, f)
		return
	}
	if !errors.Is(err, incident.ErrConflict) && !errors.Is(err, incident.ErrInvalid) {
		v.h.log(v, err)
		v.again(w, http.StatusInternalServerError, "alert_internal", dv, f)
		return
	}
	if dv, err = v.h.Drafts.Draft(ctx, v.draft); err != nil {
		v.h.failed(w, v, err)
		return
	}
	l = v.layout(dv)
	v.again(w, http.StatusConflict, "alert_changed_edit", dv, l.form().typed(l, v.form))
}

// again shows the page with the form as it was filled in.
func (v visit) again(w http.ResponseWriter, status int, alert string, dv announce.DraftView, f form) {
	p := v.lay(dv)
	p.Alert, p.Editing = alert, true
	if p.Open {
		p.Form = f
	} else {
		for _, fd := range f.fields() {
			if fd.Value != "" && fd.Lang != "" {
				p.Kept = append(p.Kept, *fd)
			}
		}
	}
	v.write(w, status, p)
}
