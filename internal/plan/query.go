package plan

import (
	"path"
	"slices"
	"time"

	"shirase/internal/incident"
)

// Component answers the component with an id, and whether the plan has it.
func (p *Plan) Component(id incident.ComponentID) (Component, bool) {
	n := slices.IndexFunc(p.Components, func(c Component) bool { return c.ID == id })
	if n < 0 {
		return Component{}, false
	}
	return p.Components[n], true
}

// Audience answers the audience with an id, and whether the plan has it.
func (p *Plan) Audience(id incident.Audience) (Audience, bool) {
	n := slices.IndexFunc(p.Audiences, func(a Audience) bool { return a.ID == id })
	if n < 0 {
		return Audience{}, false
	}
	return p.Audiences[n], true
}

// Member answers the member with an id, and whether the plan has one.
func (p *Plan) Member(id MemberID) (Member, bool) {
	n := slices.IndexFunc(p.Members, func(m Member) bool { return m.ID == id })
	if n < 0 {
		return Member{}, false
	}
	return p.Members[n], true
}

// Promise answers how long after an update of this severity and stage the next
// one is promised.
func (p *Plan) Promise(sev incident.Severity, stage incident.Stage) time.Duration {
	if stage == incident.Monitoring || stage == incident.Verifying {
		if d, ok := p.Timing.Monitoring[sev]; ok {
			return d
		}
	}
	return p.Timing.Next[sev]
}

// Match answers the rule for a signal, and whether there is one.
func (p *Plan) Match(s incident.Signal) (AlarmRule, bool) {
	n := slices.IndexFunc(p.Alarms.Rules, func(r AlarmRule) bool { return r.matches(s) })
	if n < 0 {
		return AlarmRule{}, false
	}
	return p.Alarms.Rules[n], true
}

// Ignores reports whether the signal is of an alarm that is our own or that
// somebody else acts on.
func (p *Plan) Ignores(s incident.Signal) bool {
	return slices.ContainsFunc(p.Alarms.Ignore, func(pattern string) bool { return glob(pattern, s.Alarm) })
}

func (r AlarmRule) matches(s incident.Signal) bool {
	if !glob(r.Name, s.Alarm) || !glob(r.Account, s.Account) || !glob(r.Region, s.Region) {
		return false
	}
	for k, v := range r.Tags {
		if got, ok := s.Tags[k]; !ok || !glob(v, got) {
			return false
		}
	}
	return true
}

// glob matches as path.Match does, except that * also matches a slash, since
// alarm names hold them; an empty pattern matches everything.
func glob(pattern, s string) bool {
	if pattern == "" {
		return true
	}
	swap := func(s string) string {
		b := []byte(s)
		for i, c := range b {
			if c == '/' {
				b[i] = 0x1f
			}
		}
		return string(b)
	}
	ok, err := path.Match(swap(pattern), swap(s))
	return err == nil && ok
}

// Occasion is what the cadence has to know of an update.
type Occasion struct {
	Incident       incident.Kind
	Severity       incident.Severity
	Kind           incident.UpdateKind
	First          bool // the first notice, also after a reopening
	StageChanged   bool
	OutlookChanged bool
	Final          bool
}

// events answers what the occasion counts as.
func (o Occasion) events() []Event {
	ev := []Event{EventUpdate}
	add := func(ok bool, e Event) {
		if ok {
			ev = append(ev, e)
		}
	}
	add(o.First, EventFirst)
	add(o.StageChanged, EventStage)
	add(o.OutlookChanged, EventOutlook)
	add(o.Final, EventFinal)
	add(o.Final && o.Kind != incident.Report && o.Kind != incident.FollowUp, EventEnd)
	add(o.Kind.Mends(), EventMend)
	return ev
}

// Routes answers the audiences and channels on which an update starts
// deliveries: in plan order of audiences, then by channel name. Families tells
// the family of every channel there is.
func (p *Plan) Routes(o Occasion, families map[incident.Channel]incident.Family) []incident.Route {
	channels := make([]incident.Channel, 0, len(families))
	for c := range families {
		channels = append(channels, c)
	}
	slices.Sort(channels)
	events := o.events()
	var out []incident.Route
	for _, a := range p.Audiences {
		for _, c := range channels {
			if p.tells(o, events, a.ID, c, families[c]) {
				out = append(out, incident.Route{Audience: a.ID, Channel: c})
			}
		}
	}
	return out
}

func (p *Plan) tells(o Occasion, events []Event, a incident.Audience, c incident.Channel, f incident.Family) bool {
	tell := p.tell(o.Incident, o.Severity, a, c, f)
	return slices.ContainsFunc(events, func(e Event) bool { return slices.Contains(tell, e) })
}

// tell answers the events of the first rule that matches.
func (p *Plan) tell(k incident.Kind, sev incident.Severity, a incident.Audience, c incident.Channel, f incident.Family) []Event {
	for _, r := range p.Cadence {
		if r.Audience != "" && r.Audience != a || r.Channel != "" && r.Channel != c || r.Family != "" && r.Family != f ||
			r.Kind != "" && r.Kind != k || len(r.Severity) > 0 && !slices.Contains(r.Severity, sev) {
			continue
		}
		return r.Tell
	}
	return nil
}

// QuietUntil answers when the quiet hours end that t falls in, and whether it
// falls in any.
func (p *Plan) QuietUntil(t time.Time) (time.Time, bool) {
	if !p.Quiet.Set {
		return time.Time{}, false
	}
	t = t.In(p.Organisation.Zone)
	clock := t.Format("15:04")
	from, to := p.Quiet.From, p.Quiet.To
	quiet := clock >= from && clock < to
	if to < from { // over midnight
		quiet = clock >= from || clock < to
	}
	if !quiet {
		return time.Time{}, false
	}
	end, _ := time.Parse("15:04", to)
	until := time.Date(t.Year(), t.Month(), t.Day(), end.Hour(), end.Minute(), 0, 0, t.Location())
	if !until.After(t) {
		until = until.AddDate(0, 0, 1)
	}
	return until, true
}

// A Contact is a member or target as a recipient on one channel.
type Contact struct {
	Audience incident.Audience
	Channel  incident.Channel
	Address  incident.Address
	Locale   incident.Locale
	Zone     string
	// Member or Target says who it is; exactly one is set.
	Member MemberID
	Target TargetID
}

// Contacts answers everyone in the plan who is reached on a channel, in plan
// order of audiences, members before targets. A member of several audiences
// stands under the first.
func (p *Plan) Contacts(c incident.Channel) []Contact {
	var out []Contact
	for _, a := range p.Audiences {
		for _, m := range p.Members {
			addr, ok := m.Addresses[c]
			if !ok || p.firstAudience(m) != a.ID {
				continue
			}
			out = append(out, Contact{Audience: a.ID, Channel: c, Address: addr, Locale: m.Locale, Zone: m.Zone, Member: m.ID})
		}
		for _, t := range p.Targets {
			if t.Channel == c && t.Audience == a.ID {
				out = append(out, Contact{Audience: a.ID, Channel: c, Address: t.Address, Locale: t.Locale, Target: t.ID})
			}
		}
	}
	return out
}

func (p *Plan) firstAudience(m Member) incident.Audience {
	for _, a := range p.Audiences {
		if slices.Contains(m.Audiences, a.ID) {
			return a.ID
		}
	}
	return ""
}

// Target answers the target with an id, and whether the plan has one.
func (p *Plan) Target(id TargetID) (Target, bool) {
	n := slices.IndexFunc(p.Targets, func(t Target) bool { return t.ID == id })
	if n < 0 {
		return Target{}, false
	}
	return p.Targets[n], true
}
