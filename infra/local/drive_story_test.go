package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"

	"shirase/internal/incident"
)

// tale is an incident as the driver knows it.
type tale struct {
	id    incident.ID
	stage incident.Stage
	over  bool // nothing can follow
	live  bool
	// updates are all, own the numbers of those that stand.
	updates []incident.Line
	own     []int
	// accepted are all that operators were told are accepted.
	accepted map[int]incident.UpdateKind
}

// changed is what the API answers to a change.
type changed struct {
	ID      incident.ID     `json:"id"`
	Stage   incident.Stage  `json:"stage"`
	Seq     int             `json:"seq"`
	Live    bool            `json:"live"`
	End     incident.End    `json:"end"`
	Updates []incident.Line `json:"updates"`
}

// next answers what people or monitors do next.
func (d *driver) next(rng *rand.Rand) *call {
	d.t.Helper()
	d.calls++
	var c *call
	switch n := rng.IntN(24); {
	case n < 3:
		c = d.open(rng)
	case n < 9:
		c = d.tell(rng)
	case n < 11:
		c = d.mend(rng, "correct")
	case n < 13:
		c = d.mend(rng, "retract")
	case n < 17:
		c = d.ring(rng)
	case n < 19:
		c = d.signUp(rng)
	case n < 21:
		c = d.confirm()
	case n < 23:
		c = d.leave(rng)
	default:
		c = d.note(rng)
	}
	if c == nil {
		c = d.tell(rng)
	}
	if c == nil {
		c = d.open(rng)
	}
	return c
}

// The bounds of a story.
const (
	maxLive, maxTales     = 4, 12
	maxSignUps, maxLeaves = 10, 6
)

// open opens an incident, while there are not too many.
func (d *driver) open(rng *rand.Rand) *call {
	live := 0
	for _, t := range d.tales {
		if t.live {
			live++
		}
	}
	if live > 0 && (live >= maxLive || len(d.tales) >= maxTales) {
		return nil
	}
	component := []string{"invoices", "editor", "checkout", "api"}[rng.IntN(4)]
	severity := []string{"critical", "major", "minor"}[rng.IntN(3)]
	c := d.change("/v1/incidents", about(component, severity), nil)
	c.then = func(b []byte) {
		t := &tale{accepted: map[int]incident.UpdateKind{}}
		d.tales = append(d.tales, t)
		d.learn(t, b)
	}
	return c
}

// change is a change of an incident by an operator.
func (d *driver) change(path, body string, t *tale) *call {
	c := &call{method: http.MethodPost, path: path, body: body, key: fmt.Sprintf("key-%d-%d", d.seed, d.calls)}
	if t != nil {
		c.then = func(b []byte) { d.learn(t, b) }
	}
	return c
}

// learn notes what a change has made of an incident.
func (d *driver) learn(t *tale, b []byte) {
	var o changed
	if err := json.Unmarshal(b, &o); err != nil || o.Seq < 1 || o.Seq > len(o.Updates) {
		d.t.Fatalf("a change was answered with %s, %v", b, err)
	}
	l := o.Updates[o.Seq-1]
	if _, ok := t.accepted[o.Seq]; ok {
		d.breaks("I1", "two changes were answered with update %d of %s", o.Seq, o.ID)
	}
	t.id, t.stage, t.live, t.accepted[o.Seq] = o.ID, o.Stage, o.Live, l.Kind
	t.over = o.End != "" && o.End != incident.EndStage
	t.updates, t.own = o.Updates, nil
	for _, l := range o.Updates {
		if !l.Withdrawn() && l.Kind != incident.Retraction {
			t.own = append(t.own, l.Seq)
		}
	}
}

// pick answers an incident that something can follow in.
func (d *driver) pick(rng *rand.Rand) *tale {
	var able []*tale
	for _, t := range d.tales {
		if !t.over && (t.live || rng.IntN(3) == 0) {
			able = append(able, t)
		}
	}
	if len(able) == 0 {
		return nil
	}
	return able[rng.IntN(len(able))]
}

// say gives a text that was never said before, with a promise like no other
// that is near, since a text message has no room for more.
func (d *driver) say(last bool) string {
	d.words++
	said := fmt.Sprintf(`"text":{"ja":"お知らせの%d番目の言葉です。","en":"These are words number %d."}`, d.words, d.words)
	if last {
		return said
	}
	return said + fmt.Sprintf(`,"next":"%dm"`, 25+d.words%60)
}

// tell publishes an update; an incident that is over begins anew.
func (d *driver) tell(rng *rand.Rand) *call {
	t := d.pick(rng)
	if t == nil {
		return nil
	}
	stage := []string{"investigating", "identified", "identified", "monitoring", "monitoring", "resolved"}[rng.IntN(6)]
	if !t.live {
		stage = "investigating"
	}
	return d.change("/v1/incidents/"+string(t.id)+"/updates", fmt.Sprintf(`{"stage":%q,%s}`, stage, d.say(stage == "resolved")), t)
}

// mend corrects or takes back one of the last three updates that stand.
func (d *driver) mend(rng *rand.Rand, verb string) *call {
	t := d.pick(rng)
	if t == nil || len(t.own) == 0 {
		return nil
	}
	last := t.own[max(0, len(t.own)-3):]
	of := last[rng.IntN(len(last))]
	return d.change("/v1/incidents/"+string(t.id)+"/"+verb, fmt.Sprintf(`{"of":%d,%s}`, of, d.say(t.last(of, verb))), t)
}

// last reports whether nothing is promised once an update is mended.
func (t *tale) last(of int, verb string) bool {
	if verb == "correct" {
		return !t.live
	}
	stands := slices.DeleteFunc(slices.Clone(t.updates), func(l incident.Line) bool {
		return l.Seq == of || l.Withdrawn() || l.Kind == incident.Retraction
	})
	return len(stands) == 0 || stands[len(stands)-1].Stage.Final()
}

// note writes something down for operators.
func (d *driver) note(rng *rand.Rand) *call {
	t := d.pick(rng)
	if t == nil {
		return nil
	}
	c := d.change("/v1/incidents/"+string(t.id)+"/notes", `{"text":"Somebody looks into it."}`, nil)
	c.then = func([]byte) { d.notes[t.id]++ }
	return c
}

// ring lets a monitor speak; now and then it says what it said before.
func (d *driver) ring(rng *rand.Rand) *call {
	r := rung{alarmNames[rng.IntN(len(alarmNames))], []string{"alarm", "alarm", "ok", "insufficient_data"}[rng.IntN(4)], now()}
	if n := len(d.rang); n > 0 && rng.IntN(4) == 0 {
		r = d.rang[rng.IntN(n)]
	}
	c := r.call()
	c.then = func([]byte) { d.rang = append(d.rang, r) }
	return c
}

// adopt takes on the incidents that alarms have opened and announced.
func (d *driver) adopt() {
	d.t.Helper()
	var list struct{ Items []changed }
	d.read("/v1/incidents?live=true", &list)
	for _, o := range list.Items {
		if o.Seq > 0 && !slices.ContainsFunc(d.tales, func(t *tale) bool { return t.id == o.ID }) {
			d.tales = append(d.tales, &tale{id: o.ID, stage: o.Stage, live: true, accepted: map[int]incident.UpdateKind{}})
		}
	}
}

// finish clears every alarm, ends every incident and lets everything settle.
func (d *driver) finish() {
	d.t.Helper()
	d.advance("1m")
	newest := map[string]rung{}
	for _, r := range d.rang {
		if !r.At.Before(newest[r.Alarm].At) {
			newest[r.Alarm] = r
		}
	}
	for _, name := range slices.Sorted(maps.Keys(newest)) {
		if newest[name].State == "alarm" {
			r := rung{name, "ok", now()}
			d.ask(r.call())
			d.rang = append(d.rang, r)
		}
	}
	for range 3 {
		var list struct{ Items []changed }
		d.read("/v1/incidents?live=true", &list)
		for _, o := range list.Items {
			d.calls++
			n := slices.IndexFunc(d.tales, func(t *tale) bool { return t.id == o.ID })
			if n < 0 {
				n = len(d.tales)
				d.tales = append(d.tales, &tale{id: o.ID, accepted: map[int]incident.UpdateKind{}})
			}
			d.ask(d.change("/v1/incidents/"+string(o.ID)+"/updates", `{"stage":"resolved",`+d.say(true)+`}`, d.tales[n]))
		}
		d.advance("20m") // what waits on a queue waits 15 minutes at most
	}
}

func (d *driver) advance(by string) {
	d.t.Helper()
	d.must(&call{method: http.MethodPost, path: "/clock", body: `{"advance":"` + by + `"}`})
}
