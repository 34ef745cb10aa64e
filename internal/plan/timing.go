package plan

import (
	"time"

	"shirase/internal/incident"
)

// defaultTiming is what holds where the file says nothing.
func defaultTiming() Timing {
	return Timing{
		Next: map[incident.Severity]time.Duration{
			incident.Critical: 20 * time.Minute,
			incident.Major:    30 * time.Minute,
			incident.Minor:    time.Hour,
			incident.Internal: time.Hour,
		},
		Monitoring: map[incident.Severity]time.Duration{
			incident.Critical: 30 * time.Minute,
			incident.Major:    time.Hour,
			incident.Minor:    2 * time.Hour,
			incident.Internal: 2 * time.Hour,
		},
		Remind:            5 * time.Minute,
		Hold:              2 * time.Minute,
		Escalate:          5 * time.Minute,
		DraftLife:         30 * time.Minute,
		OutlookWarn:       10 * time.Minute,
		MaintenanceRemind: []time.Duration{24 * time.Hour, time.Hour},
	}
}

func (r *reader) timing(f fields) {
	t := defaultTiming()
	r.plan.Timing = t
	i, ok := f.get("timing")
	if !ok {
		return
	}
	f, ok = r.fields(i, "timing")
	if !ok {
		return
	}
	r.bySeverity(f, "next", t.Next)
	r.bySeverity(f, "monitoring", t.Monitoring)
	for key, d := range map[string]*time.Duration{
		"remind": &t.Remind, "escalate": &t.Escalate, "draft_life": &t.DraftLife, "outlook_warn": &t.OutlookWarn,
	} {
		if v, ok := f.get(key); ok {
			*d, _ = r.duration(v, time.Minute)
		}
	}
	if v, ok := f.get("holding"); ok {
		if s, _ := scalar(v.node); s == never {
			t.Hold = -1
		} else {
			t.Hold, _ = r.duration(v, 0)
		}
	}
	if v, ok := f.get("maintenance_remind"); ok {
		t.MaintenanceRemind = nil
		for _, w := range r.words(v) {
			if d, ok := r.duration(w.value, time.Minute); ok {
				t.MaintenanceRemind = append(t.MaintenanceRemind, d)
			}
		}
	}
	r.plan.Timing = t
}

// bySeverity reads one duration for every severity, or one for each of some.
func (r *reader) bySeverity(f fields, key string, into map[incident.Severity]time.Duration) {
	i, ok := f.get(key)
	if !ok {
		return
	}
	if _, ok := scalar(i.node); ok {
		if d, ok := r.duration(i, time.Minute); ok {
			for _, s := range incident.Severities() {
				into[s] = d
			}
		}
		return
	}
	ps, _ := r.pairs(i, "a duration, or one per severity: {critical: 20m, …}")
	for _, p := range ps {
		if !incident.Severity(p.key).Valid() {
			r.fault(p.name, "is no severity; there are %s", shorten(incident.Severities()))
			continue
		}
		if d, ok := r.duration(p.value, time.Minute); ok {
			into[incident.Severity(p.key)] = d
		}
	}
}

// span is a part of the day, such as 23:00-06:00.
var span = lazy(`^((?:[01][0-9]|2[0-3]):[0-5][0-9])-((?:[01][0-9]|2[0-3]):[0-5][0-9])$`)

func (r *reader) quiet(i item) Quiet {
	s, ok := r.word(i)
	if !ok {
		return Quiet{}
	}
	m := span().FindStringSubmatch(s)
	if m == nil || m[1] == m[2] {
		r.fault(i, "must be a part of the day such as 23:00-06:00")
		return Quiet{}
	}
	return Quiet{From: m[1], To: m[2], Set: true}
}
