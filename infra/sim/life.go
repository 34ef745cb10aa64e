package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"shirase/internal/announce"
	"shirase/internal/incident"
	"shirase/internal/plan"
)

// An act is something that somebody does.
type act struct {
	n    int
	at   time.Time
	what string
}

func (a act) String() string { return fmt.Sprintf("%s  act   %3d  %s", clock(a.at), a.n, a.what) }

// story is one outage, or planned work, and how far people have come with it.
type story struct {
	n  int
	id incident.ID // empty until it is known
}

// doing is somebody who does something: with luck of their own, so that leaving
// others out changes nothing of what they do.
type doing struct {
	*world
	n   int
	rng *rand.Rand
}

// chanceOf makes a source of chance: the same seed gives the same.
func chanceOf(seed, stream uint64) *rand.Rand {
	return rand.New(rand.NewPCG(seed, stream)) //nolint:gosec // it is to be repeated, not kept secret
}

// do plans something to be done after a while. It answers what to do when the
// time has come, in a few words for the schedule.
func (w *world) do(at time.Time, what func(doing) string) {
	w.planned++
	n := w.planned
	if w.without.act(n) {
		return
	}
	d := doing{w, n, chanceOf(w.seed, uint64(1000+n))}
	w.at(at, func() {
		if w.calm {
			return
		}
		done := what(d)
		if done == "" {
			return
		}
		w.acts = append(w.acts, act{n, w.now, done})
		w.tracef("act %d: %s", n, done)
	})
}

// live plans what people and monitors do.
func (w *world) live() {
	length := min(w.end.Sub(start), 2*time.Hour)
	moment := func() time.Time { return start.Add(time.Duration(w.rng.Int64N(int64(length)))) }
	for n := range w.setup.stories {
		s := &story{n: n}
		w.stories = append(w.stories, s)
		w.begin(s, start.Add(time.Duration(w.rng.Int64N(int64(length/3)))))
		for range w.setup.updates {
			at := moment()
			w.do(at, func(d doing) string { return d.goOn(s) })
			if w.rng.IntN(8) == 0 { // two people at the same moment
				w.do(at, func(d doing) string { return d.goOn(s) })
			}
		}
	}
	for range w.rng.IntN(3) + w.setup.readers/8 {
		switch w.rng.IntN(5) {
		case 0, 1:
			w.do(moment(), doing.leave)
		case 2:
			w.do(moment(), doing.join)
		case 3:
			w.do(moment(), doing.choose)
		case 4:
			w.do(moment(), doing.complain)
		}
	}
	if w.rng.IntN(6) == 0 {
		w.do(moment(), doing.switchOff)
	}
	if w.rng.IntN(5) == 0 {
		w.do(moment(), doing.poisons)
	}
	if w.rng.IntN(8) == 0 {
		w.do(moment(), doing.editPlan)
	}
}

// begin plans how a story begins: by alarms mostly, or by an operator.
func (w *world) begin(s *story, at time.Time) {
	switch n := w.rng.IntN(10); {
	case n < 5:
		w.alarms(s, at)
	case n < 9:
		w.do(at, func(d doing) string { return d.open(s, false) })
	default:
		w.do(at, func(d doing) string { return d.open(s, true) })
	}
}

// open opens an incident through the API.
func (d doing) open(s *story, work bool) string {
	sev := []incident.Severity{incident.Critical, incident.Major, incident.Minor, incident.Internal}[min(d.rng.IntN(7), 3)]
	first := d.rng.IntN(len(components))
	body := map[string]any{
		"components": components[first:min(len(components), first+1+d.rng.IntN(2))], "severity": sev, "effect": "It does not work.",
	}
	what := "an operator opens an incident"
	d.worked = d.worked || work
	if work {
		from := d.now.Add(time.Duration(5+d.rng.IntN(60)) * time.Minute)
		body["kind"], body["window"] = incident.Maintenance, map[string]any{"from": from, "to": from.Add(time.Duration(10+d.rng.IntN(50)) * time.Minute)}
		what = "an operator announces planned work"
	}
	if d.rng.IntN(12) == 0 && !work {
		body["drill"] = true
		what = "an operator begins a rehearsal"
	}
	d.request(d.call(http.MethodPost, "/v1/incidents", body), func(a answered) {
		if a.status == http.StatusCreated {
			s.id = a.incident.ID
		}
	})
	return fmt.Sprintf("%s of story %d, %s", what, s.n, sev)
}

// goOn does the next thing about a story: what a person might do at that stage,
// and at times what they should not.
func (d doing) goOn(s *story) string {
	inc, ok := d.look(s)
	if !ok {
		return ""
	}
	snap := inc.Snapshot()
	path := "/v1/incidents/" + string(snap.ID)
	post := func(what, path string, body any) string {
		c := d.call(http.MethodPost, path, body)
		d.request(c, func(a answered) { d.again(c, a) })
		return fmt.Sprintf("an operator %s %s", what, snap.ID)
	}
	if snap.Seq == 0 && inc.Live() {
		return d.decide(inc)
	}
	n := d.rng.IntN(100)
	switch {
	case n < 8 && inc.Live():
		return post("acknowledges", path+"/ack", nil)
	case n < 20 && snap.Seq > 0:
		return post("retracts an update of", path+"/retract", map[string]any{"of": 1 + d.rng.IntN(snap.Seq)})
	case n < 32 && snap.Seq > 0:
		return post("corrects an update of", path+"/correct", map[string]any{"of": 1 + d.rng.IntN(snap.Seq), "text": "It was otherwise."})
	case n < 37 && inc.Live():
		if other, ok := d.other(snap.ID); ok {
			return post("merges into "+string(other), path+"/merge", map[string]any{"into": other})
		}
		return ""
	case n < 42:
		return post("writes a note on", path+"/notes", map[string]any{"text": "Looking at it."})
	case n < 44 && inc.Live():
		one := components[d.rng.IntN(len(components))]
		return post("says that only one is affected of", path+"/updates", map[string]any{"kind": "scope", "components": []any{one}})
	case n < 45 && inc.Live():
		return post("lowers the severity of", path+"/updates", map[string]any{"severity": incident.Internal})
	case n < 47 && inc.Live():
		return post("adds a component to", path+"/updates", map[string]any{"kind": "scope", "components": components})
	case n < 50 && inc.Live():
		until := d.now.Add(time.Duration(20+d.rng.IntN(60)) * time.Minute)
		return post("gives an outlook for", path+"/updates", map[string]any{
			"outlook": map[string]any{"kind": "window", "from": d.now, "to": until, "valid_until": until},
		})
	case n < 56 && inc.Live():
		return d.seen(path, snap)
	case n < 60:
		return post("says nothing new of", path+"/updates", map[string]any{})
	}
	stages := incident.Next(snap.Kind, snap.Stage)
	if len(stages) == 0 || d.rng.IntN(15) == 0 {
		stages = incident.Stages(snap.Kind)
	}
	stage := stages[d.rng.IntN(len(stages))]
	if snap.Stage == incident.Resolved && stage == incident.Investigating {
		d.rare("reopened")
	}
	return post("says "+string(stage)+" of", path+"/updates", map[string]any{"stage": stage})
}

// again repeats a request that was answered, as clients and people do: the same
// again, or something else under the same key.
func (d doing) again(c call, a answered) {
	switch n := d.rng.IntN(20); {
	case a.status != http.StatusCreated:
	case n < 2:
		d.after(time.Duration(d.rng.IntN(60))*time.Second, func() { d.request(c, nil) })
	case n == 2 && c.body != "":
		c.body = strings.Replace(c.body, "{", "{ ", 1)
		c.other = true
		d.request(c, func(a answered) {
			d.rare("another body under the same key")
			if a.status != http.StatusUnprocessableEntity {
				d.fault("I1", "%s with another body under the same key was answered %d", c.path, a.status)
			}
		})
	}
}

// seen publishes what was looked at before, so that it is that or nothing.
func (d doing) seen(path string, snap incident.Snapshot) string {
	stages := incident.Next(snap.Kind, snap.Stage)
	if len(stages) == 0 {
		return ""
	}
	body := map[string]any{"stage": stages[d.rng.IntN(len(stages))]}
	wait := time.Duration(d.rng.IntN(300)) * time.Second
	d.request(d.call(http.MethodPost, path+"/preview", body), func(a answered) {
		var p struct{ Hash string }
		if a.status != http.StatusOK || json.Unmarshal(a.body, &p) != nil {
			return
		}
		d.after(wait, func() {
			body["hash"] = p.Hash
			d.request(d.call(http.MethodPost, path+"/updates", body), func(a answered) {
				if a.status == http.StatusConflict {
					d.rare("stale preview refused")
				}
			})
		})
	})
	return "an operator looks at an update of " + string(snap.ID) + " and publishes it"
}

// look answers the incident of a story.
func (d doing) look(s *story) (incident.Incident, bool) {
	if s.id == "" {
		return incident.Incident{}, false
	}
	inc, err := d.incident(bg, s.id)
	if err != nil {
		return incident.Incident{}, false // its opening has not been committed yet
	}
	return inc, true
}

// other answers another incident that goes on and was announced.
func (d doing) other(id incident.ID) (incident.ID, bool) {
	is, err := d.store.Live(bg)
	if err != nil {
		panic(err)
	}
	is = slices.DeleteFunc(is, func(i incident.Incident) bool { return i.ID() == id || i.Seq() == 0 })
	if len(is) == 0 {
		return "", false
	}
	return is[d.rng.IntN(len(is))].ID(), true
}

// decide does what a member on call does with a draft.
func (d doing) decide(inc incident.Incident) string {
	ds, err := d.store.Drafts(bg, inc.ID())
	if err != nil {
		panic(err)
	}
	ds = slices.DeleteFunc(ds, func(x announce.Draft) bool { return x.State != announce.DraftOpen })
	if len(ds) == 0 {
		return ""
	}
	draft := ds[d.rng.IntN(len(ds))]
	form := url.Values{"version": {fmt.Sprint(inc.Version())}}
	switch n := d.rng.IntN(10); {
	case n < 6:
		form.Set("do", "publish")
		form.Set("digest", draft.Digest)
	case n < 8:
		form.Set("do", "ack")
	default:
		form.Set("do", "dismiss")
	}
	link := d.rig.links.Draft(draft.ID, plan.MemberID("sato"), d.now.Add(time.Hour))
	d.request(call{
		function: "api", method: http.MethodPost, path: strings.TrimPrefix(link, publicURL), body: form.Encode(), form: true, key: "once",
	}, nil)
	d.rare("draft: " + form.Get("do"))
	return fmt.Sprintf("the member on call does %s with the draft of %s", form.Get("do"), inc.ID())
}

// switchOff closes a channel by hand for a while.
func (d doing) switchOff() string {
	c := d.setup.channels[d.rng.IntN(len(d.setup.channels))]
	if err := d.rates.Set(bg, c, true); err != nil {
		panic(err)
	}
	d.off[c] = d.now
	d.rare("kill switch")
	d.after(time.Duration(5+d.rng.IntN(60))*time.Minute, func() {
		if err := d.rates.Set(bg, c, false); err != nil {
			panic(err)
		}
		delete(d.off, c)
	})
	return fmt.Sprintf("an operator switches %s off", c)
}

// poisons puts messages on the queues that nobody can read.
func (d doing) poisons() string {
	for _, name := range []string{"alarm", "email", "fanout", "post", "sms", "webhook"} {
		q := d.queues[name]
		at := boundaryOf[q.function]
		if d.rng.IntN(3) > 0 || d.inject(at, poison, name) == noFault {
			continue
		}
		body := []string{"", "{", "null", `{"incident":""}`, `{"AlarmName":7}`}[d.rng.IntN(5)]
		d.broken[body] = true
		d.add(q, body, d.now)
		if name == "alarm" {
			d.unreadable[body] = true
		}
	}
	return "broken messages arrive"
}

// editPlan saves a further version of the plan.
func (d doing) editPlan() string {
	p, err := d.store.Current(bg)
	if err != nil {
		panic(err)
	}
	source := strings.Replace(string(p.Source), "hold: 60s", "hold: 90s", 1)
	d.newest = nil
	if err := d.savePlan(p.Version, source); err != nil {
		panic(err)
	}
	return "an operator saves the plan anew"
}

func short(id incident.RecipientID) string { return string(id[:min(len(id), 6)]) }
