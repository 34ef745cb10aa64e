package announce

import (
	"errors"
	"slices"
	"strings"
	"time"

	"shirase/internal/incident"
	"shirase/internal/plan"
)

// clockSkew is how far ahead of ours the clock of somebody who reports a time
// may be.
const clockSkew = 5 * time.Minute

// checkInput answers every fault of what a person states and writes: a language
// that the plan has not got, an effect without words, a past that lies ahead, a
// recovery that lies behind.
func checkInput(pl *plan.Plan, f incident.Facts, text incident.Text, now time.Time) error {
	faults := []error{checkLocales(pl, "text", text)}
	for _, t := range []struct {
		field string
		text  incident.Text
	}{
		{"facts.effect", f.Effect.Value},
		{"facts.scope", f.Scope.Value},
		{"facts.workaround", f.Workaround.Value},
		{"facts.outlook.basis", f.Outlook.Value.Basis()},
		{"facts.cause", f.Cause.Value},
		{"facts.prevention", f.Prevention.Value},
	} {
		faults = append(faults, checkLocales(pl, t.field, t.text))
	}
	if f.Effect.Known() && f.Effect.Value.Empty() {
		faults = append(faults, incident.Invalid("facts.effect", "must say what readers cannot do, in at least one of %s", allowed(pl)))
	}
	for _, t := range []struct {
		field string
		fact  incident.Fact[time.Time]
	}{
		{"facts.started_at", f.StartedAt},
		{"facts.fixed_at", f.FixedAt},
		{"facts.ended_at", f.EndedAt},
	} {
		if t.fact.Known() && t.fact.Value.After(now.Add(clockSkew)) {
			faults = append(faults, incident.Invalid(t.field, "must not be in the future"))
		}
	}
	if _, to := f.Outlook.Value.Window(); f.Outlook.Value.Kind() == incident.OutlookWindow && !to.After(now) {
		faults = append(faults, incident.Invalid("facts.outlook.to", "must be in the future"))
	}
	return errors.Join(faults...)
}

// checkLocales refuses a text in a language that nobody is written to in.
func checkLocales(pl *plan.Plan, field string, t incident.Text) error {
	for l := range t {
		if !slices.Contains(pl.Organisation.Locales, l) {
			return incident.Invalid(field, "must be in the plan's locales only: %s", allowed(pl))
		}
	}
	return nil
}

// allowed lists the plan's locales.
func allowed(pl *plan.Plan) string {
	names := make([]string, len(pl.Organisation.Locales))
	for n, l := range pl.Organisation.Locales {
		names[n] = string(l)
	}
	return strings.Join(names, ", ")
}

// checkWindow refuses to plan work for a time that is over. Work that is
// completed may say when it was.
func checkWindow(w incident.Window, stage incident.Stage, now time.Time) error {
	if w.IsZero() || stage.Final() || w.To.After(now) {
		return nil
	}
	return incident.Invalid("window.to", "must be in the future")
}

// checkMend refuses a correction that corrects nothing.
func checkMend(in UpdateInput) error {
	if in.Kind != incident.Correction || !in.Text.Empty() || len(in.Facts.States()) > 0 {
		return nil
	}
	return incident.Invalid("text", "must say what is right")
}
