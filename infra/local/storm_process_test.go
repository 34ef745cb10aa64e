//go:build process

package main

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"shirase/internal/deliver"
	"shirase/internal/embedded"
	"shirase/internal/incident"
)

var stormLasts = flag.Duration("storm", 5*time.Minute, "how long TestStormOnLoopback lasts")

const (
	// pace is between two alarms: 1,000 in a minute.
	pace = time.Minute / 1000
	// soonEnough is how long after the end of a hold its first notice may come.
	soonEnough = 10 * time.Second
	// stormHold is the hold of these rules.
	stormHold = 5 * time.Second
	// operatorRate is what SNS takes for an operator's mail in a second.
	operatorRate = 10
)

// stormAlarms are three outages at once. Two are announced as soon as the hold
// is over, one waits for a person.
const stormAlarms = `alarms:
  hold: 5s
  rules:
    - {name: checkout*, component: checkout, severity: critical, group: pay, publish: auto, after: 0s}
    - {name: invoice*, component: invoices, severity: major, group: pay, publish: auto, after: 0s}
    - {name: login*, component: login, severity: critical, group: login, publish: auto, after: 0s}
    - {name: search*, component: search, severity: minor, group: search}
    - {name: report*, component: reports, severity: minor, group: search}
`

// stormGroups tell by the beginning of an alarm's name which outage it is part of.
var stormGroups = map[string]string{"checkout": "pay", "invoice": "pay", "login": "login", "search": "search", "report": "search"}

// storm is what monitors say in an outage: the first alarm of each name begins
// to fire and goes on, others flap, and one in eight words is a repeat.
type storm struct {
	rng  *rand.Rand
	said []rung
	on   map[string]bool
}

func (s *storm) next() rung {
	names := []string{"checkout", "login", "search", "invoice", "report", "disk"}
	if n := len(s.said); n < len(names) {
		return rung{names[n] + "-0", "alarm", now()}
	}
	if s.rng.IntN(8) == 0 {
		return s.said[s.rng.IntN(len(s.said))]
	}
	name := fmt.Sprintf("%s-%d", names[s.rng.IntN(len(names))], 1+s.rng.IntN(9))
	state := "alarm"
	if s.on[name] {
		state = []string{"ok", "ok", "ok", "insufficient_data"}[s.rng.IntN(4)]
	}
	s.on[name] = state == "alarm"
	return rung{name, state, now()}
}

// TestStormOnLoopback sends the running program 1,000 alarms a minute while
// operators publish. It is paced by the real time, and ends by itself.
func TestStormOnLoopback(t *testing.T) {
	d := newDriver(t, 1, stormAlarms)
	total := int(*stormLasts / pace)
	d.blow(&storm{rng: rand.New(rand.NewPCG(1, 1)), on: map[string]bool{}}, total)
	d.advance("0s") // the clock stands now, and what is due is done
	es := d.inbox()
	kept := pages[stormSignal](d, "/v1/signals")
	outages := d.judgeOutages(kept, es)
	loudest := d.judgeOperators(es)
	d.finish()
	sent := len(d.rang)
	distinct := map[rung]bool{}
	for _, r := range d.rang[:total] {
		distinct[r] = true
	}
	if len(kept) > total || len(kept) < len(distinct) {
		t.Errorf("%d alarms were sent, %d of them different, and %d are kept", total, len(distinct), len(kept))
	}
	got := d.judge()
	fmt.Printf("storm: %d alarms in %s, %d kept and %d repeats of the newest word, %d cleared; %d outages, %s; operators at most %d a second; %d messages, %d lost, %d doubled, %d out of order\n",
		total, *stormLasts, len(kept), total-len(kept), sent-total, len(stormOutages(kept)), outages, loudest, got.messages, got.lost, got.doubled, got.disorder)
}

// stormSignal is a signal as it is kept.
type stormSignal struct {
	Incident incident.ID `json:"incident"`
	Signal   rung        `json:"signal"`
}

// stormTries is how often an alarm is handed over before it counts as refused.
const stormTries = 5

// blow sends n alarms, one at each beat, and in each minute publishes an update.
func (d *driver) blow(s *storm, n int) {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(d.t.Context(), 2**stormLasts+time.Minute)
	defer cancel()
	beat := time.NewTicker(pace)
	defer beat.Stop()
	each := min(int(time.Minute/pace), n/4)
	var mu sync.Mutex
	var g errgroup.Group
	g.SetLimit(8)
	for k := range n {
		select {
		case <-beat.C:
		case <-ctx.Done():
			d.t.Fatalf("only %d of %d alarms were sent in twice the time", k, n)
		}
		r := s.next()
		s.said = append(s.said, r)
		g.Go(func() error {
			for try := 1; ; try++ {
				status, b, err := d.send(r.call())
				if err == nil && status == http.StatusOK {
					mu.Lock()
					defer mu.Unlock()
					d.rang = append(d.rang, r)
					return nil
				}
				if try == stormTries {
					return fmt.Errorf("alarm %v = %d %s, %w", r, status, b, err)
				}
			}
		})
		if k%each == each/2 {
			d.publish()
		}
	}
	if err := g.Wait(); err != nil {
		d.t.Fatal(err)
	}
}

// publish is what operators do in each minute: they open an incident of their
// own, and tell what is new of each that is known outside.
func (d *driver) publish() {
	d.t.Helper()
	d.adopt()
	if !slices.ContainsFunc(d.tales, func(t *tale) bool { return t.own != nil }) {
		d.calls++
		d.ask(d.open(rand.New(rand.NewPCG(d.seed, 0))))
	}
	for _, t := range d.tales {
		d.calls++
		d.ask(d.change("/v1/incidents/"+string(t.id)+"/updates", `{"stage":"identified",`+d.say(false)+`}`, t))
	}
}

// stormOutages answers the incidents of each outage, by its group.
func stormOutages(kept []stormSignal) map[string][]incident.ID {
	out := map[string][]incident.ID{}
	for _, s := range kept {
		name, _, _ := strings.Cut(s.Signal.Alarm, "-")
		if g := stormGroups[name]; g != "" && s.Incident != "" && !slices.Contains(out[g], s.Incident) {
			out[g] = append(out[g], s.Incident)
		}
	}
	return out
}

// judgeOutages sees to it that each outage is one incident and that its first
// notice, or the draft of it, came soon after the end of the hold.
func (d *driver) judgeOutages(kept []stormSignal, es []embedded.Entry) string {
	d.t.Helper()
	outages := stormOutages(kept)
	var told []string
	for _, g := range []string{"login", "pay", "search"} {
		if len(outages[g]) != 1 {
			d.breaks("I3", "outage %s is %d incidents: %v", g, len(outages[g]), outages[g])
			continue
		}
		var i struct {
			OpenedAt time.Time       `json:"opened_at"`
			Updates  []incident.Line `json:"updates"`
			Drafts   []struct{ At time.Time }
		}
		d.read("/v1/incidents/"+string(outages[g][0]), &i)
		if len(i.Drafts) == 0 {
			d.breaks("I2", "nobody was asked what to say of %s", g)
			continue
		}
		at, what := i.Drafts[0].At, "drafted"
		if g != "search" {
			n := slices.IndexFunc(es, func(e embedded.Entry) bool { return e.Incident == outages[g][0] })
			if n < 0 || len(i.Updates) == 0 {
				d.breaks("I2", "nobody was told of %s", g)
				continue
			}
			at, what = es[n].SentAt, "told"
		}
		late := at.Sub(i.OpenedAt.Add(stormHold))
		if late < 0 || late > soonEnough {
			d.breaks("I2", "%s was %s %s after the end of its hold", g, what, late)
		}
		told = append(told, fmt.Sprintf("%s %s %s after the hold", g, what, late))
	}
	return strings.Join(told, ", ")
}

// judgeOperators sees to it that those on call are not flooded: each of them is
// written to about each outage, each further component of it and each time
// that nobody took it on, on three channels at most. It answers how many
// messages there were in the busiest second.
func (d *driver) judgeOperators(es []embedded.Entry) int {
	d.t.Helper()
	outages, components := 3, 2
	calls := 1 + int(*stormLasts/(5*time.Minute))
	most := 3 * outages * (components + calls + 1)
	all, loudest := 0, 0
	seconds := map[time.Time]int{}
	for _, e := range es {
		if e.Kind == deliver.KindUpdate || e.Kind == deliver.KindConfirmation {
			continue
		}
		all++
		at := e.SentAt.Truncate(time.Second)
		seconds[at]++
		loudest = max(loudest, seconds[at])
	}
	if all == 0 || all > most || loudest > operatorRate {
		d.breaks("I9", "operators got %d messages, up to %d in a second; %d are enough", all, loudest, most)
	}
	return loudest
}

// TestStormOfOneAlarm sends one alarm and nothing else: its notice comes soon
// after the end of the hold though nothing else happens that would wake anybody.
func TestStormOfOneAlarm(t *testing.T) {
	d := newDriver(t, 1, groupedAlarms)
	r := rung{"login-0", "alarm", now()}
	d.ask(r.call())
	ctx, cancel := context.WithTimeout(t.Context(), 2*soonEnough)
	defer cancel()
	look := time.NewTicker(soonEnough / 50)
	defer look.Stop()
	for {
		if es := d.inbox(); slices.ContainsFunc(es, func(e embedded.Entry) bool { return e.Kind == deliver.KindUpdate }) {
			return
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			t.Fatalf("nobody was told of an alarm %s after it rang, with a hold of 1s", 2*soonEnough)
		}
	}
}
