package plan

import (
	"path"
	"slices"
	"time"

	"shirase/internal/incident"
)

// ownAlarms are always ignored, whatever the file adds: our own, which would
// announce themselves, and those on which autoscaling acts.
func ownAlarms() []string { return []string{"Shirase-*", "TargetTracking-*", "awseb-*"} }

// defaultGroup collects every alarm: one outage, one incident.
const defaultGroup = "all"

func (r *reader) alarms(f fields) {
	a := Alarms{Hold: time.Minute, Ignore: ownAlarms()}
	i, ok := f.get("alarms")
	if ok {
		f, ok = r.fields(i, "alarms")
	}
	if !ok {
		a.Rules = defaultRules(r.plan.Components)
		r.plan.Alarms = a
		return
	}
	if v, ok := f.get("hold"); ok {
		a.Hold, _ = r.duration(v, 0)
	}
	if v, ok := f.get("ignore"); ok {
		for _, w := range r.words(v) {
			if p, ok := r.pattern(w.value); ok && !slices.Contains(a.Ignore, p) {
				a.Ignore = append(a.Ignore, p)
			}
		}
	}
	if v, ok := f.get("rules"); ok {
		list, _ := r.list(v)
		for _, e := range list {
			if f, ok := r.fields(e, "alarms.rules"); ok {
				a.Rules = append(a.Rules, r.alarmRule(f))
			}
		}
	} else {
		a.Rules = defaultRules(r.plan.Components)
	}
	r.plan.Alarms = a
}

func (r *reader) alarmRule(f fields) AlarmRule {
	a := AlarmRule{Severity: incident.Major, Group: defaultGroup, Publish: PublishDraft}
	for key, s := range map[string]*string{"name": &a.Name, "account": &a.Account, "region": &a.Region} {
		if v, ok := f.get(key); ok {
			*s, _ = r.pattern(v)
		}
	}
	if v, ok := f.get("tags"); ok {
		ps, _ := r.pairs(v, "a mapping of tags to patterns")
		for _, p := range ps {
			if s, ok := r.pattern(p.value); ok {
				if a.Tags == nil {
					a.Tags = map[string]string{}
				}
				a.Tags[p.key] = s
			}
		}
	}
	if v, ok := r.need(f, "component"); ok {
		a.Component, _ = known(r, v, refComponent, r.componentIDs())
	}
	if v, ok := f.get("severity"); ok {
		a.Severity, _ = choice(r, v, incident.Severities()...)
	}
	if v, ok := f.get("group"); ok {
		a.Group, _ = r.id(v)
	}
	if v, ok := f.get("publish"); ok {
		a.Publish, _ = choice(r, v, PublishDraft, PublishAuto)
	}
	if v, ok := f.get("after"); ok {
		a.After, _ = r.duration(v, 0)
		switch {
		case a.Publish == PublishDraft:
			r.fault(v, "is for rules with publish: auto; a draft waits for a person")
		case a.After > r.plan.Timing.DraftLife:
			r.fault(v, "must not be longer than timing.draft_life, %s: the draft would be void before it publishes itself", short(r.plan.Timing.DraftLife))
		}
	}
	return a
}

// pattern reads a pattern of path.Match.
func (r *reader) pattern(i item) (string, bool) {
	s, ok := r.word(i)
	if !ok {
		return "", false
	}
	if _, err := path.Match(s, ""); err != nil {
		r.fault(i, `is no pattern: * stands for any text, ? for one letter, [a-c] for one of some; write \[ for a bracket`)
		return "", false
	}
	return s, true
}

// defaultRules hold where the file gives none. All alarms are about the only
// component; where there are several, an alarm is about the one that its tag
// "service" or the beginning of its name says. They make drafts only.
func defaultRules(cs []Component) []AlarmRule {
	rule := AlarmRule{Severity: incident.Major, Group: defaultGroup, Publish: PublishDraft}
	if len(cs) == 1 {
		rule.Component = cs[0].ID
		return []AlarmRule{rule}
	}
	var tagged, named []AlarmRule
	for _, c := range cs {
		byTag, byName := rule, rule
		byTag.Component, byTag.Tags = c.ID, map[string]string{"service": string(c.ID)}
		byName.Component, byName.Name = c.ID, string(c.ID)+"*"
		tagged, named = append(tagged, byTag), append(named, byName)
	}
	// A longer id first, so that "mail-gateway" is not taken for "mail".
	slices.SortStableFunc(named, func(a, b AlarmRule) int { return len(b.Name) - len(a.Name) })
	return append(tagged, named...)
}
