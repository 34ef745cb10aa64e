package main

import (
	"time"

	"shirase/internal/announce"
	"shirase/internal/incident"
	"shirase/internal/plan"
)

// The plan's times before anything is said by itself, less what clocks may differ.
const (
	hold    = 60*time.Second - 2*maxSkew
	autoAt  = hold + 5*time.Minute
	maxSkew = 5 * time.Second
)

// checkByItself looks at what nobody decided.
func (w *world) checkByItself(u incident.Update, s incident.Snapshot) {
	if u.By != "shirase" {
		return
	}
	switch {
	case u.Kind == incident.Automatic && s.AckedBy != "":
		w.fault("I2", "%s publishes itself although %s has taken it on", s.ID, s.AckedBy)
	case u.Kind == incident.Automatic && u.At.Sub(s.OpenedAt) < autoAt:
		w.fault("I13", "%s publishes itself after %s", s.ID, u.At.Sub(s.OpenedAt))
	case u.Stage == incident.Resolved && s.Kind == incident.Outage:
		w.fault("I2", "%s is resolved by nobody", s.ID)
	}
}

// checkDraft sees to it that nobody is asked before the hold is over. What still
// fires after planned work has been held for long enough.
func (w *world) checkDraft(d announce.Draft) {
	inc, err := w.incident(bg, d.Incident)
	if err != nil {
		panic(err)
	}
	s := inc.Snapshot()
	if s.OpenedBy == "alarm" && s.Seq == 0 && d.At.Sub(s.OpenedAt) < hold && !w.worked {
		w.fault("I13", "a draft of %s after %s, within the hold", s.ID, d.At.Sub(s.OpenedAt))
	}
}

// checkDue sees to it that nothing is handed out before its time.
func (w *world) checkDue(ds []announce.Due) {
	for _, d := range ds {
		if d.At.After(w.clock()) {
			w.fault("I13", "%s of %s fires %s early", d.Kind, d.Incident, d.At.Sub(w.clock()))
		}
	}
}

// slack is how much later than planned a thing may happen by itself when nothing
// goes wrong: the sweep comes once a minute.
const slack = 3 * time.Minute

// checkPromises looks, in the quiet, at what must have happened by itself.
func (w *world) checkPromises() {
	is, err := w.store.Live(bg)
	if err != nil {
		panic(err)
	}
	p := w.plan()
	for _, i := range is {
		snap := i.Snapshot()
		if pr, ok := i.Promise(); ok && w.now.Sub(pr.By) > p.Timing.Hold+slack {
			w.fault("I2", "%s promised a word by %s and nothing came", snap.ID, clock(pr.By))
		}
		if snap.Seq == 0 {
			w.checkDetected(i)
		}
	}
}

// checkDetected looks at an incident that nobody outside has heard of.
func (w *world) checkDetected(i incident.Incident) {
	snap, p := i.Snapshot(), w.plan()
	ds, err := w.store.Drafts(bg, snap.ID)
	if err != nil {
		panic(err)
	}
	firing, auto := false, false
	as, err := w.store.Alarms(bg, snap.ID)
	if err != nil {
		panic(err)
	}
	var fired time.Time
	for _, a := range as {
		if a.Firing && a.Incident == snap.ID {
			firing = true
			rule, ok := p.Match(a.Signal)
			auto = auto || ok && rule.Publish == plan.PublishAuto
			if a.At.After(fired) {
				fired = a.At
			}
		}
	}
	old := w.now.Sub(snap.OpenedAt) > 2*p.Alarms.Hold+slack && w.now.Sub(fired) > 2*p.Alarms.Hold+slack
	if !firing || !old {
		return
	}
	if len(ds) == 0 {
		w.fault("I2", "%s fires for long and nobody was asked what to say of it", snap.ID)
	}
	for _, d := range ds {
		switch {
		case d.State != announce.DraftOpen || snap.AckedBy != "":
		case d.Called < 2 && w.now.Sub(d.At) > p.Timing.Escalate+slack && w.now.Sub(snap.OpenedAt) > p.Timing.Escalate+p.Alarms.Hold+slack:
			w.fault("I2", "nobody took %s on and nobody else was called", snap.ID)
		case auto && !d.AutoAt.IsZero() && w.now.Sub(d.AutoAt) > slack:
			w.fault("I2", "%s was to publish itself by %s", snap.ID, clock(d.AutoAt))
		}
	}
}
