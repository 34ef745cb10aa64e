package incident

import (
	"maps"
	"slices"
	"time"
)

// FactState is how sure we are of a fact.
type FactState string

// The states of a fact. Only confirmed facts reach customers.
const (
	Confirmed  FactState = "confirmed"
	Reported   FactState = "reported"
	Hypothesis FactState = "hypothesis"
)

// Valid reports whether s is one of the states.
func (s FactState) Valid() bool { return s == Confirmed || s == Reported || s == Hypothesis }

// A Fact is structured truth about an incident, with how sure we are and who
// says so. The zero Fact is "not known", never "none".
type Fact[T any] struct {
	Value T `json:"value"`
	// State is empty when the fact is not known.
	State FactState `json:"state"`
	// Source says where the fact comes from: a person's key, an alarm, the plan.
	Source string `json:"source,omitempty"`
	// At is when it was stated.
	At time.Time `json:"at"`
}

// Known reports whether the fact says anything.
func (f Fact[T]) Known() bool { return f.State != "" }

// Confirmed answers the value and whether customers may be told it.
func (f Fact[T]) Confirmed() (T, bool) { return f.Value, f.State == Confirmed }

// DataEffect is what an incident did to readers' data.
type DataEffect string

// The effects on data. An unstated effect is the empty fact, not DataNone.
const (
	DataNone    DataEffect = "none"
	DataDelayed DataEffect = "delayed"
	DataWrong   DataEffect = "wrong"
	DataLost    DataEffect = "lost"
	DataExposed DataEffect = "exposed"
)

// Valid reports whether d is one of the effects.
func (d DataEffect) Valid() bool {
	return slices.Contains([]DataEffect{DataNone, DataDelayed, DataWrong, DataLost, DataExposed}, d)
}

// Grave reports whether a person must confirm before anyone outside hears.
func (d DataEffect) Grave() bool { return d == DataLost || d == DataExposed }

// Facts is all that is known about an incident. Every text is one or more whole
// sentences per locale, written by a person or taken from the plan.
type Facts struct {
	// Effect is what readers cannot do.
	Effect Fact[Text] `json:"effect,omitzero"`
	// Scope is who is affected, and what still works.
	Scope Fact[Text] `json:"scope,omitzero"`
	// StartedAt is when it began for readers. Unknown is usual at first: an
	// alarm's time is when we noticed, not when it began.
	StartedAt Fact[time.Time] `json:"started_at,omitzero"`
	// FixedAt is when the fix was in place.
	FixedAt Fact[time.Time] `json:"fixed_at,omitzero"`
	// EndedAt is when it stopped for readers.
	EndedAt Fact[time.Time] `json:"ended_at,omitzero"`
	// Workaround is what readers can do meanwhile.
	Workaround Fact[Text] `json:"workaround,omitzero"`
	// Outlook is when it is expected to work again.
	Outlook Fact[Outlook] `json:"outlook,omitzero"`
	// Cause is why it happened, in plain words.
	Cause Fact[Text] `json:"cause,omitzero"`
	// Prevention is what we change so that it does not happen again.
	Prevention Fact[Text] `json:"prevention,omitzero"`
	// Data is what happened to readers' data.
	Data Fact[DataEffect] `json:"data,omitzero"`
}

// Clone answers a copy that shares nothing with f.
func (f Facts) Clone() Facts {
	for _, t := range []*Fact[Text]{&f.Effect, &f.Scope, &f.Workaround, &f.Cause, &f.Prevention} {
		t.Value = maps.Clone(t.Value)
	}
	if o := f.Outlook.Value; o.basis != nil {
		f.Outlook.Value.basis = maps.Clone(o.basis)
	}
	return f
}

// Merge answers f with every fact that p knows put over its own.
func (f Facts) Merge(p Facts) Facts {
	out, p := f.Clone(), p.Clone()
	over(&out.Effect, p.Effect)
	over(&out.Scope, p.Scope)
	over(&out.StartedAt, p.StartedAt)
	over(&out.FixedAt, p.FixedAt)
	over(&out.EndedAt, p.EndedAt)
	over(&out.Workaround, p.Workaround)
	over(&out.Outlook, p.Outlook)
	over(&out.Cause, p.Cause)
	over(&out.Prevention, p.Prevention)
	over(&out.Data, p.Data)
	return out
}

// reopened answers what is left of the facts once it turns out that it is not
// over: when it ended, when it was fixed and that it works again were not so.
func (f Facts) reopened() Facts {
	f.EndedAt, f.FixedAt = Fact[time.Time]{}, Fact[time.Time]{}
	if f.Outlook.Value.Kind() == OutlookRestored {
		f.Outlook = Fact[Outlook]{}
	}
	return f
}

func over[T any](dst *Fact[T], src Fact[T]) {
	if src.Known() {
		*dst = src
	}
}

// Check answers every fault of the facts at once, joined; nil where there is none.
func (f Facts) Check() error {
	var faults []error
	fault := func(field, problem string) { faults = append(faults, Invalid("facts."+field, "%s", problem)) }
	state := func(field string, known bool, s FactState) {
		if known && !s.Valid() {
			fault(field+".state", "must be confirmed, reported or hypothesis")
		}
	}
	state("effect", f.Effect.Known(), f.Effect.State)
	state("scope", f.Scope.Known(), f.Scope.State)
	state("started_at", f.StartedAt.Known(), f.StartedAt.State)
	state("fixed_at", f.FixedAt.Known(), f.FixedAt.State)
	state("ended_at", f.EndedAt.Known(), f.EndedAt.State)
	state("workaround", f.Workaround.Known(), f.Workaround.State)
	state("outlook", f.Outlook.Known(), f.Outlook.State)
	state("cause", f.Cause.Known(), f.Cause.State)
	state("prevention", f.Prevention.Known(), f.Prevention.State)
	state("data", f.Data.Known(), f.Data.State)
	if f.Data.Known() && !f.Data.Value.Valid() {
		fault("data.value", "must be none, delayed, wrong, lost or exposed")
	}
	if f.Outlook.Known() && f.Outlook.Value.Kind() == "" {
		fault("outlook.value", "must be unknown, window or restored")
	}
	if f.StartedAt.Known() && f.EndedAt.Known() && f.EndedAt.Value.Before(f.StartedAt.Value) {
		fault("ended_at.value", "must not be before started_at")
	}
	if f.StartedAt.Known() && f.FixedAt.Known() && f.FixedAt.Value.Before(f.StartedAt.Value) {
		fault("fixed_at.value", "must not be before started_at")
	}
	return join(faults)
}
