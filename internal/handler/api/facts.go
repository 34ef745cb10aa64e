package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"shirase/internal/incident"
)

// Words are a text: one string, which is of the organisation's first locale, or
// one per locale.
type Words map[incident.Locale]string

// first is the locale of a bare string until the plan is known.
const first incident.Locale = ""

// UnmarshalJSON reads a string or an object of strings.
func (w *Words) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err == nil {
		*w = Words{first: s}
		return nil
	}
	var m map[incident.Locale]string
	if err := json.Unmarshal(b, &m); err != nil {
		return errors.New("must be a string, or an object with a string per locale")
	}
	*w = m
	return nil
}

// Schema describes Words to OpenAPI.
func (Words) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{OneOf: []*huma.Schema{
		{Type: huma.TypeString, MaxLength: new(maxText)},
		{Type: huma.TypeObject, AdditionalProperties: &huma.Schema{Type: huma.TypeString, MaxLength: new(maxText)}},
	}, Description: "A text of whole sentences: a string in the organisation's first locale, or an object with one per locale."}
}

// maxText is the longest text in characters.
const maxText = 10_000

// text answers the words per locale, a bare string being of the locale given.
func (w Words) text(l incident.Locale) incident.Text {
	if len(w) == 0 {
		return nil
	}
	out := incident.Text{}
	for k, v := range w {
		if k == first {
			k = l
		}
		out[k] = v
	}
	return out
}

func words(t incident.Text) Words { return Words(t.Clone()) }

// Stated is a value that is a fact: bare, which means confirmed, or with the
// state it has.
type Stated[T any] struct {
	Value  T                  `json:"value"`
	State  incident.FactState `json:"state"`
	Source string             `json:"source,omitempty"`
	At     time.Time          `json:"at,omitzero"`
}

// UnmarshalJSON reads a bare value or an object with value and state.
func (s *Stated[T]) UnmarshalJSON(b []byte) error {
	var probe struct {
		Value  json.RawMessage    `json:"value"`
		State  incident.FactState `json:"state"`
		Source string             `json:"source"`
	}
	if json.Unmarshal(b, &probe) == nil && probe.Value != nil {
		s.State, s.Source, b = probe.State, probe.Source, probe.Value
	}
	if s.State == "" {
		s.State = incident.Confirmed
	}
	if bytes.Equal(bytes.TrimSpace(b), []byte("null")) {
		return errors.New("must not be null")
	}
	return json.Unmarshal(b, &s.Value)
}

// Schema describes a stated value to OpenAPI.
func (Stated[T]) Schema(r huma.Registry) *huma.Schema {
	v := r.Schema(reflect.TypeFor[T](), true, "")
	full := &huma.Schema{
		Type: huma.TypeObject, Required: []string{"value"}, AdditionalProperties: false,
		Properties: map[string]*huma.Schema{
			"value":  v,
			"state":  {Type: huma.TypeString, Enum: []any{"confirmed", "reported", "hypothesis"}},
			"source": {Type: huma.TypeString, MaxLength: new(200)},
			"at":     {Type: huma.TypeString, Format: "date-time"},
		},
	}
	return &huma.Schema{AnyOf: []*huma.Schema{v, full}, Description: "A bare value is confirmed; an object states how sure we are."}
}

// Outlook is when things are expected to work again.
type Outlook struct {
	Kind       incident.OutlookKind `json:"kind" enum:"unknown,window,restored"`
	From       time.Time            `json:"from,omitzero"`
	To         time.Time            `json:"to,omitzero"`
	Basis      Words                `json:"basis,omitempty"`
	ValidUntil time.Time            `json:"valid_until,omitzero" doc:"Until when this may be told; the end of the window unless given."`
}

// Facts is the truth about an incident as the API takes and gives it.
type Facts struct {
	Effect     *Stated[Words]               `json:"effect,omitempty" doc:"What readers cannot do."`
	Scope      *Stated[Words]               `json:"scope,omitempty" doc:"Who is affected, and what still works."`
	StartedAt  *Stated[time.Time]           `json:"started_at,omitempty" doc:"When it began for readers."`
	FixedAt    *Stated[time.Time]           `json:"fixed_at,omitempty" doc:"When the fix was in place."`
	EndedAt    *Stated[time.Time]           `json:"ended_at,omitempty" doc:"When it stopped for readers."`
	Workaround *Stated[Words]               `json:"workaround,omitempty" doc:"What readers can do meanwhile."`
	Outlook    *Stated[Outlook]             `json:"outlook,omitempty" doc:"When it is expected to work again."`
	Cause      *Stated[Words]               `json:"cause,omitempty" doc:"Why it happened, in plain words."`
	Prevention *Stated[Words]               `json:"prevention,omitempty" doc:"What we change so that it does not happen again."`
	DataEffect *Stated[incident.DataEffect] `json:"data_effect,omitempty" doc:"none, delayed, wrong, lost or exposed. Not given means not known."`
}

// facts answers the domain's facts, with every fault at once.
func (f Facts) facts(l incident.Locale) (incident.Facts, error) {
	var out incident.Facts
	var faults []error
	setText := func(dst *incident.Fact[incident.Text], s *Stated[Words]) {
		if s != nil {
			*dst = incident.Fact[incident.Text]{Value: s.Value.text(l), State: s.State, Source: s.Source}
		}
	}
	setText(&out.Effect, f.Effect)
	setText(&out.Scope, f.Scope)
	setText(&out.Workaround, f.Workaround)
	setText(&out.Cause, f.Cause)
	setText(&out.Prevention, f.Prevention)
	set(&out.StartedAt, f.StartedAt)
	set(&out.FixedAt, f.FixedAt)
	set(&out.EndedAt, f.EndedAt)
	set(&out.Data, f.DataEffect)
	if s := f.Outlook; s != nil {
		o, err := s.Value.outlook(l)
		faults = append(faults, err)
		out.Outlook = incident.Fact[incident.Outlook]{Value: o, State: s.State, Source: s.Source}
	}
	faults = append(faults, out.Check())
	return out, errors.Join(faults...)
}

func set[T any](dst *incident.Fact[T], s *Stated[T]) {
	if s != nil {
		*dst = incident.Fact[T]{Value: s.Value, State: s.State, Source: s.Source}
	}
}

func (o Outlook) outlook(l incident.Locale) (incident.Outlook, error) {
	switch o.Kind {
	case incident.OutlookUnknown:
		return incident.UnknownOutlook(), nil
	case incident.OutlookRestored:
		return incident.RestoredOutlook(), nil
	case incident.OutlookWindow:
		return incident.NewWindow(o.From, o.To, o.Basis.text(l), o.ValidUntil)
	}
	return incident.Outlook{}, incident.Invalid("outlook.kind", "must be unknown, window or restored")
}

// factsView shows facts as the API gives them.
func factsView(f incident.Facts) Facts {
	text := func(f incident.Fact[incident.Text]) *Stated[Words] {
		if !f.Known() {
			return nil
		}
		return &Stated[Words]{words(f.Value), f.State, f.Source, f.At}
	}
	out := Facts{
		Effect: text(f.Effect), Scope: text(f.Scope), Workaround: text(f.Workaround), Cause: text(f.Cause), Prevention: text(f.Prevention),
		StartedAt: stated(f.StartedAt), FixedAt: stated(f.FixedAt), EndedAt: stated(f.EndedAt), DataEffect: stated(f.Data),
	}
	if o := f.Outlook; o.Known() {
		from, to := o.Value.Window()
		v := Outlook{Kind: o.Value.Kind(), From: from, To: to, Basis: words(o.Value.Basis()), ValidUntil: o.Value.ValidUntil()}
		out.Outlook = &Stated[Outlook]{v, o.State, o.Source, o.At}
	}
	return out
}

func stated[T any](f incident.Fact[T]) *Stated[T] {
	if !f.Known() {
		return nil
	}
	return &Stated[T]{f.Value, f.State, f.Source, f.At}
}
