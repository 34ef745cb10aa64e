package main

import (
	"fmt"
	"net/http"
	"time"

	"shirase/internal/incident"
	"shirase/internal/subscribe"
)

// pointFaults are what is tried at every port call of the small story.
var pointFaults = []fault{crashBefore, crashAfter, zombieBefore, zombieAfter, timeoutKept}

// script makes the world of the small story: three updates, told to a reader on
// a channel without keys, one on a channel with keys, and the team.
func script(r *rig, p *point) *world {
	w := newWorld(r, 0, without{})
	w.point = p
	w.story = true
	return w
}

// tell plays the small story.
func (w *world) tell() {
	w.setup = setup{channels: []incident.Channel{incident.Email, incident.Webhook}}
	if err := w.savePlan(0, w.setup.planSource()); err != nil {
		panic(err)
	}
	for n, c := range w.setup.channels {
		w.people = append(w.people, subscribe.Entry{
			Audience: incident.Customers, Channel: c, Address: address(c, n), Prefs: subscribe.Prefs{Locale: "en"},
		})
	}
	if err := w.rig.subscribe.Import(bg, w.people, "readers of the simulation"); err != nil {
		panic(err)
	}
	s := &story{}
	w.do(start.Add(time.Minute), func(d doing) string {
		body := map[string]any{"components": []string{"checkout"}, "severity": "critical", "effect": "It does not work."}
		d.request(d.call(http.MethodPost, "/v1/incidents", body), func(a answered) { s.id = a.incident.ID })
		return "an operator opens an incident"
	})
	for n, stage := range []incident.Stage{incident.Identified, incident.Resolved} {
		w.do(start.Add(time.Duration(4+3*n)*time.Minute), func(d doing) string {
			if s.id == "" {
				return ""
			}
			d.request(d.call(http.MethodPost, "/v1/incidents/"+string(s.id)+"/updates", map[string]any{"stage": stage}), nil)
			return "an operator says " + string(stage)
		})
	}
	w.end = start.Add(10 * time.Minute)
}

// exhaust tries each fault at each port call of the small story, one at a time,
// and answers how many points there were and what was found at them.
func exhaust(r *rig) (points int, failed []string) {
	clean := script(r, &point{call: -1})
	if found := clean.run(); len(found) > 0 {
		return 0, []string{fmt.Sprintf("without any fault: %s %s", found[0].code, found[0].what)}
	}
	for call := 1; call <= clean.calls; call++ {
		for _, f := range pointFaults {
			w := script(r, &point{call: call, what: f})
			found := w.run()
			points++
			if !w.point.hit {
				failed = append(failed, fmt.Sprintf("%s at call %d: the call was never made", f, call))
			}
			if len(found) > 0 {
				failed = append(failed, fmt.Sprintf("%s at call %d, %s of %s: %s %s", f, call, w.point.op, w.point.where, found[0].code, found[0].what))
			}
		}
	}
	return points, failed
}
