package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"shirase/internal/incident"
)

// Advice is something a plan may declare but should think about. A plan with
// advice works.
type Advice struct {
	// Path is the part of the format it is about, such as "oncall".
	Path string
	// Problem says what will happen and what would be better.
	Problem string
}

func (a Advice) String() string { return a.Path + ": " + a.Problem }

// Check judges what a plan declares: whether the people and rooms it names are
// enough for the day on which it is needed. The order follows the format.
func Check(p *Plan) []Advice {
	c := &checker{plan: p}
	c.organisation()
	c.components()
	c.audiences()
	c.addresses()
	c.onCall()
	c.targets()
	c.alarms()
	c.timing()
	if !p.Quiet.Set {
		c.advise("quiet", "there are no quiet hours, so SMS wakes people at night for troubles that are not critical")
	}
	if len(p.DrillRecipients) == 0 {
		c.advise("drill_recipients", "nobody takes part in drills, so a rehearsal reaches nobody")
	}
	return c.found
}

type checker struct {
	plan  *Plan
	found []Advice
}

func (c *checker) advise(path, format string, args ...any) {
	c.found = append(c.found, Advice{Path: path, Problem: fmt.Sprintf(format, args...)})
}

func (c *checker) organisation() {
	if c.plan.Organisation.URL == "" {
		c.advise("organisation.url", "is not set, so links lead to the address the program is reached at, which readers may not reach")
	}
}

func (c *checker) components() {
	for n, comp := range c.plan.Components {
		path := fmt.Sprintf("components[%d].effect", n)
		if s, ok := comp.Effect.In("ja"); ok && !strings.HasSuffix(s, "。") {
			c.advise(path+".ja", "does not end with 。; it must be a whole sentence, since it stands in notices as it is")
		}
		if s, ok := comp.Effect.In("en"); ok && !strings.HasSuffix(s, ".") {
			c.advise(path+".en", "does not end with a full stop; it must be a whole sentence, since it stands in notices as it is")
		}
	}
	for _, comp := range c.plan.Components {
		if !slices.ContainsFunc(c.plan.Alarms.Rules, func(r AlarmRule) bool { return r.Component == comp.ID }) {
			c.advise("alarms.rules", "no alarm concerns %s, so only a person can open an incident about it", comp.ID)
		}
	}
}

func (c *checker) audiences() {
	public := false
	for n, a := range c.plan.Audiences {
		if a.Public {
			public = true
			c.readers(a)
			continue
		}
		member := slices.ContainsFunc(c.plan.Members, func(m Member) bool { return slices.Contains(m.Audiences, a.ID) })
		target := slices.ContainsFunc(c.plan.Targets, func(t Target) bool { return t.Audience == a.ID })
		if !member && !target {
			c.advise(fmt.Sprintf("audiences[%d]", n), "nobody belongs to %s, so nobody is told in its words", a.ID)
		}
	}
	if !public {
		c.advise("audiences", "no audience is public, so customers cannot subscribe and are never told")
	}
}

// readers looks for locales in which nothing is posted where all can read it.
func (c *checker) readers(a Audience) {
	for _, l := range c.plan.Organisation.Locales {
		if !slices.ContainsFunc(c.plan.Targets, func(t Target) bool { return t.Audience == a.ID && t.Locale == l }) {
			c.advise("targets", "no account or room tells %s in %s, so only subscribers hear in that language", a.ID, l)
		}
	}
}

// addresses finds addresses that two members share: each is told once only.
func (c *checker) addresses() {
	type place struct {
		channel incident.Channel
		address incident.Address
	}
	first := map[place]MemberID{}
	for _, m := range c.plan.Members {
		for _, ch := range slices.Sorted(maps.Keys(m.Addresses)) {
			at := place{ch, m.Addresses[ch]}
			if other, ok := first[at]; ok {
				c.advise("members", "%s and %s have the same %s address, which is told once, in the words of the audience that comes first", other, m.ID, ch)
				continue
			}
			first[at] = m.ID
		}
	}
}

func (c *checker) onCall() {
	switch len(c.plan.OnCall) {
	case 0:
		c.advise("oncall", "nobody is on call, so drafts and alarms reach nobody")
	case 1:
		c.advise("oncall", "nobody comes second, so if %s does not answer nobody is called", c.plan.OnCall[0])
	}
	for _, id := range c.plan.OnCall {
		if m, ok := c.plan.Member(id); ok && len(m.Addresses) == 1 && m.Addresses[incident.SMS] == "" {
			c.advise("oncall", "%s is reached by %s only; a second way, such as sms, holds when the first fails", id, slices.Collect(maps.Keys(m.Addresses))[0])
		}
	}
}

func (c *checker) targets() {
	var bare []TargetID
	for _, t := range c.plan.Targets {
		if t.Secret == "" {
			bare = append(bare, t.ID)
		}
	}
	if len(bare) > 0 {
		c.advise("targets", "without a secret: %s; posts to them stay in the local mailbox, and webhooks go unsigned", shorten(bare))
	}
}

func (c *checker) alarms() {
	for n, r := range c.plan.Alarms.Rules {
		path := fmt.Sprintf("alarms.rules[%d]", n)
		if open := r.Name == "" && r.Account == "" && r.Region == "" && len(r.Tags) == 0; open && n+1 < len(c.plan.Alarms.Rules) {
			c.advise(path, "matches every alarm, so the rules after it never apply")
		}
		if r.Publish == PublishAuto && r.After == 0 {
			c.advise(path, "publishes as soon as the hold is over; after: 5m gives a person the time to stop it")
		}
		if r.Publish == PublishAuto && len(c.plan.OnCall) == 0 {
			c.advise(path, "publishes by itself while nobody is on call to see it")
		}
	}
}

// The promises that keep readers calm: more often is noise, more seldom silence.
const (
	tooOften  = 10 * time.Minute
	tooSeldom = 4 * time.Hour
)

func (c *checker) timing() {
	t := c.plan.Timing
	for _, kind := range []struct {
		key string
		of  map[incident.Severity]time.Duration
	}{{"next", t.Next}, {"monitoring", t.Monitoring}} {
		for _, sev := range incident.Severities() {
			path, d := "timing."+kind.key+"."+string(sev), kind.of[sev]
			switch {
			case d <= t.Remind:
				c.advise(path, "is not longer than timing.remind, %s, so the reminder comes at once", short(t.Remind))
			case d < tooOften:
				c.advise(path, "promises an update every %s; under %s there is seldom news", short(d), short(tooOften))
			case d > tooSeldom:
				c.advise(path, "leaves readers without word for %s; over %s they ask", short(d), short(tooSeldom))
			}
		}
	}
	if t.Hold < 0 {
		c.advise("timing.holding", "is never, so a promise that nobody keeps is broken in silence")
	}
	if n := len(c.plan.OnCall); n > 1 && t.Escalate*time.Duration(n-1) >= t.DraftLife {
		c.advise("timing.draft_life", "ends before the last of %d people on call is called, %s apart", n, short(t.Escalate))
	}
}
