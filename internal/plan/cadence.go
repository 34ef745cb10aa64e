package plan

import (
	"slices"

	"shirase/internal/incident"
)

// Events lists the events that a cadence may name.
func Events() []Event {
	return []Event{EventFirst, EventStage, EventOutlook, EventEnd, EventFinal, EventUpdate, EventMend}
}

// never is how a rule says that nothing is told.
const never = "never"

// cadence reads the rules of the file and puts the defaults behind them.
func (r *reader) cadence(f fields) {
	if i, ok := f.get("cadence"); ok {
		list, _ := r.list(i)
		for _, e := range list {
			if f, ok := r.fields(e, "cadence"); ok {
				r.plan.Cadence = append(r.plan.Cadence, r.rule(f))
			}
		}
	}
	r.plan.Cadence = append(r.plan.Cadence, defaultCadence(r.plan.Audiences)...)
}

func (r *reader) rule(f fields) Rule {
	// What customers cannot see they are not told by accident: internal must be named.
	c := Rule{Severity: []incident.Severity{incident.Critical, incident.Major, incident.Minor}}
	if v, ok := f.get("audience"); ok {
		c.Audience, _ = known(r, v, refAudience, r.audienceIDs())
	}
	if v, ok := f.get("channel"); ok {
		c.Channel, _ = known(r, v, refChannel, r.channels())
	}
	if v, ok := f.get("family"); ok {
		c.Family, _ = choice(r, v, families()...)
		if has := r.families[c.Channel]; c.Family != "" && c.Channel != "" && has != c.Family {
			r.fault(v, "can never apply: the family of %s is %s", c.Channel, has)
		}
	}
	if v, ok := f.get("severity"); ok {
		c.Severity = nil
		for _, w := range r.words(v) {
			if s, ok := choice(r, w.value, incident.Severities()...); ok {
				c.Severity = append(c.Severity, s)
			}
		}
	}
	if v, ok := f.get("kind"); ok {
		c.Kind, _ = choice(r, v, incident.Outage, incident.Maintenance)
	}
	if v, ok := r.need(f, "tell"); ok {
		c.Tell = r.tell(v)
	}
	return c
}

// tell reads the events of a rule. Whoever is told anything is told the end,
// and of what was wrong: a rule may not leave those out.
func (r *reader) tell(i item) []Event {
	before := len(r.faults)
	ws := r.words(i)
	var out []Event
	for _, w := range ws {
		if w.key == never && len(ws) == 1 {
			return nil
		}
		if e, ok := choice(r, w.value, append(Events(), never)...); ok {
			if e == never {
				r.fault(w.value, "never stands alone")
				continue
			}
			out = append(out, e)
		}
	}
	if len(ws) == 0 && len(r.faults) == before {
		r.fault(i, "is empty; write never if nothing is to be told")
	}
	for _, e := range []Event{EventEnd, EventMend} {
		if !slices.Contains(out, e) {
			out = append(out, e)
		}
	}
	return out
}

func families() []incident.Family {
	return []incident.Family{
		incident.FamilyEmail, incident.FamilySMS, incident.FamilySocial,
		incident.FamilyChat, incident.FamilyWebhook,
	}
}

// defaultCadence is what holds where the file says nothing. Mail, chat and
// webhooks carry every update, since each promises the next one; SMS costs
// money and sleep, and social networks are read by people who did not ask.
func defaultCadence(audiences []Audience) []Rule {
	var out []Rule
	for _, a := range audiences {
		if a.Public || a.Texts != incident.Engineering {
			out = append(out, Rule{Audience: a.ID, Severity: []incident.Severity{incident.Internal}})
		}
	}
	return append(out,
		Rule{Family: incident.FamilyEmail, Tell: []Event{EventUpdate}},
		Rule{Family: incident.FamilySMS, Tell: []Event{EventFirst, EventEnd, EventMend}},
		Rule{Family: incident.FamilySocial, Tell: []Event{EventFirst, EventOutlook, EventFinal, EventMend}},
		Rule{Family: incident.FamilyChat, Tell: []Event{EventUpdate}},
		Rule{Family: incident.FamilyWebhook, Tell: []Event{EventUpdate}},
	)
}
