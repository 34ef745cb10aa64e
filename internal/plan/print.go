package plan

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"

	"shirase/internal/incident"
)

//go:embed print.html.tmpl
var printSource string

// printed is the template of the page; parsed on first use, since only
// operators print plans.
var printed = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("print").Option("missingkey=error").Parse(printSource))
})

// Print writes a plan as one HTML page for management, in every locale of the
// organisation: who is called, who is told what and when, and what to do by
// hand. It needs nothing else to be shown or printed, so it survives an outage
// of ours. It holds the addresses of members: it is for those who must call them.
func Print(w io.Writer, p *Plan) error {
	pages := make([]page, len(p.Organisation.Locales))
	for n, l := range p.Organisation.Locales {
		pages[n] = (&printer{plan: p, locale: l, words: lexicon(l)}).page()
	}
	if err := printed().Execute(w, pages); err != nil {
		return fmt.Errorf("print plan: %w", err)
	}
	return nil
}

// page is the printed plan in one locale.
type page struct {
	Lang  incident.Locale
	Words map[string]string

	Organisation, Zone, Contact string
	OnCallHow                   string
	OnCall                      []person
	Rooms                       []string
	Channels                    []string
	Severities                  []severity
	Groups                      []group
	Components                  []component
	AlarmsHow                   string
	Alarms                      []alarm
	Quiet, Maintenance          string
	Drill                       []string
	Steps                       []string
}

type person struct {
	Name, Language string
	Reach          []string
}

type severity struct {
	Name, Promise string
	Rows          []row
}

type row struct {
	Audience string
	Cells    []string
}

type group struct {
	Name    string
	People  []person
	Readers bool
}

type component struct{ Name, Effect string }

type alarm struct{ Match, Component, Severity, Publish string }

// printer says a plan in one locale.
type printer struct {
	plan   *Plan
	locale incident.Locale
	words  words
}

func (pr *printer) page() page {
	p, w := pr.plan, pr.words.Page
	name, _ := p.Organisation.Name.In(pr.locale)
	out := page{
		Lang: pr.locale, Words: w,
		Organisation: name, Zone: p.Organisation.Zone.String(), Contact: p.Organisation.Contact,
		OnCallHow: fmt.Sprintf(w["oncall_how"], pr.words.span(p.Timing.Escalate)),
		AlarmsHow: fmt.Sprintf(w["alarms_how"], pr.words.span(p.Alarms.Hold)),
		Quiet:     w["quiet_none"],
	}
	for _, id := range p.OnCall {
		if m, ok := p.Member(id); ok {
			out.OnCall = append(out.OnCall, pr.member(m))
		}
	}
	for _, t := range p.Targets {
		if t.OnCall {
			out.Rooms = append(out.Rooms, pr.target(t).Reach[0])
		}
	}
	channels := pr.channels()
	for _, c := range channels {
		out.Channels = append(out.Channels, pr.channel(c))
	}
	for _, s := range incident.Severities() {
		out.Severities = append(out.Severities, pr.severity(s, channels))
	}
	for _, a := range p.Audiences {
		out.Groups = append(out.Groups, pr.group(a))
	}
	for _, c := range p.Components {
		name, _ := c.Name.In(pr.locale)
		effect, _ := c.Effect.In(pr.locale)
		out.Components = append(out.Components, component{name, effect})
	}
	for _, r := range p.Alarms.Rules {
		out.Alarms = append(out.Alarms, pr.alarm(r))
	}
	if p.Quiet.Set {
		out.Quiet = fmt.Sprintf(w["quiet_how"], p.Quiet.From, p.Quiet.To)
	}
	out.Maintenance = pr.maintenance()
	for _, id := range p.DrillRecipients {
		if m, ok := p.Member(id); ok {
			out.Drill = append(out.Drill, m.Name)
		}
	}
	for n := 1; w[fmt.Sprintf("manual_%d", n)] != ""; n++ {
		out.Steps = append(out.Steps, w[fmt.Sprintf("manual_%d", n)])
	}
	return out
}

func (pr *printer) member(m Member) person {
	out := person{Name: m.Name, Language: pr.words.Locales[m.Locale]}
	for _, c := range slices.Sorted(maps.Keys(m.Addresses)) {
		out.Reach = append(out.Reach, pr.channel(c)+" "+m.Addresses[c].Reveal())
	}
	return out
}

func (pr *printer) target(t Target) person {
	return person{
		Name: string(t.ID), Language: pr.words.Locales[t.Locale],
		Reach: []string{pr.channel(t.Channel) + " " + t.Address.Reveal()},
	}
}

// channel answers the name of a channel; those that are proper names are
// written as such.
func (pr *printer) channel(c incident.Channel) string {
	if name, ok := pr.words.Channels[c]; ok {
		return name
	}
	return strings.ToUpper(string(c[:1])) + string(c[1:])
}

// channels lists the channels that the plan reaches anybody on, sorted.
func (pr *printer) channels() []incident.Channel {
	var out []incident.Channel
	for c := range pr.plan.families {
		if slices.ContainsFunc(pr.plan.Audiences, func(a Audience) bool { return pr.reaches(a, c) }) {
			out = append(out, c)
		}
	}
	slices.Sort(out)
	return out
}

// reaches reports whether anybody of an audience can be told on a channel.
func (pr *printer) reaches(a Audience, c incident.Channel) bool {
	if a.Public && (c == incident.Email || c == incident.SMS || c == incident.Webhook) {
		return true
	}
	return slices.ContainsFunc(pr.plan.Contacts(c), func(to Contact) bool { return to.Audience == a.ID })
}

func (pr *printer) severity(s incident.Severity, channels []incident.Channel) severity {
	out := severity{
		Name: pr.words.Severities[s],
		Promise: fmt.Sprintf(pr.words.Page["promise"],
			pr.words.span(pr.plan.Promise(s, incident.Investigating)), pr.words.span(pr.plan.Promise(s, incident.Monitoring))),
	}
	for _, a := range pr.plan.Audiences {
		name, _ := a.Name.In(pr.locale)
		line := row{Audience: name}
		for _, c := range channels {
			cell := "—"
			if tell := pr.plan.tell(incident.Outage, s, a.ID, c, pr.plan.families[c]); pr.reaches(a, c) && len(tell) > 0 {
				cell = pr.events(tell)
			}
			line.Cells = append(line.Cells, cell)
		}
		out.Rows = append(out.Rows, line)
	}
	return out
}

// events says what a rule tells. What another event of the rule covers is left
// out, and so is mending, which the page speaks of once.
func (pr *printer) events(tell []Event) string {
	if slices.Contains(tell, EventUpdate) {
		return pr.words.Events[EventUpdate]
	}
	var parts []string
	for _, e := range Events() {
		covered := e == EventEnd && slices.Contains(tell, EventFinal)
		if slices.Contains(tell, e) && e != EventMend && !covered {
			parts = append(parts, pr.words.Events[e])
		}
	}
	return strings.Join(parts, pr.words.Page["comma"])
}

func (pr *printer) group(a Audience) group {
	name, _ := a.Name.In(pr.locale)
	out := group{Name: name, Readers: a.Public}
	for _, m := range pr.plan.Members {
		if pr.plan.firstAudience(m) == a.ID {
			out.People = append(out.People, pr.member(m))
		}
	}
	for _, t := range pr.plan.Targets {
		if t.Audience == a.ID {
			out.People = append(out.People, pr.target(t))
		}
	}
	return out
}

func (pr *printer) alarm(r AlarmRule) alarm {
	w := pr.words.Page
	var match []string
	if r.Name != "" {
		match = append(match, r.Name)
	}
	for _, k := range slices.Sorted(maps.Keys(r.Tags)) {
		match = append(match, fmt.Sprintf("%s %s=%s", w["alarm_tag"], k, r.Tags[k]))
	}
	if r.Account != "" {
		match = append(match, w["alarm_account"]+" "+r.Account)
	}
	if r.Region != "" {
		match = append(match, w["alarm_region"]+" "+r.Region)
	}
	if match == nil {
		match = []string{w["alarm_any"]}
	}
	out := alarm{Match: strings.Join(match, w["comma"]), Severity: pr.words.Severities[r.Severity], Publish: w["draft"]}
	if c, ok := pr.plan.Component(r.Component); ok {
		out.Component, _ = c.Name.In(pr.locale)
	}
	switch {
	case r.Publish == PublishAuto && r.After > 0:
		out.Publish = fmt.Sprintf(w["auto_after"], pr.words.span(r.After))
	case r.Publish == PublishAuto:
		out.Publish = w["auto_now"]
	}
	return out
}

func (pr *printer) maintenance() string {
	w := pr.words.Page
	times := make([]string, len(pr.plan.Timing.MaintenanceRemind))
	for n, d := range pr.plan.Timing.MaintenanceRemind {
		times[n] = pr.words.span(d)
	}
	if len(times) == 0 {
		return w["maintenance_none"]
	}
	return fmt.Sprintf(w["maintenance_how"], strings.Join(times, w["before"]))
}
