package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"shirase/internal/incident"
	"shirase/internal/subscribe"
)

// setup is what a seed is about, before anything happens.
type setup struct {
	// large is a world of several times the usual size.
	large bool
	// words uses the real templates.
	words   bool
	stories int
	updates int
	readers int
	// channels are those that readers are told on.
	channels []incident.Channel
	// target is where we post to; empty where we do not.
	target incident.Channel
	quiet  bool
	// outage is what is wrong with the provider of a channel for long, if anything.
	outage fault
	victim incident.Channel
	// hard is how often things go wrong, in 1/10,000 of the port calls.
	hard int
}

func (w *world) draft() setup {
	s := setup{
		large: w.seed%50 == 49, words: w.seed%250 == 7,
		// Mostly small: what can go wrong mostly does so between a few.
		stories: []int{1, 1, 1, 1, 2, 3}[w.rng.IntN(6)], updates: []int{1, 1, 2, 2, 3, 4}[w.rng.IntN(6)],
		readers:  []int{1, 1, 2, 2, 3, 5}[w.rng.IntN(6)],
		channels: []incident.Channel{incident.Email, incident.SMS, incident.Webhook},
		quiet:    w.rng.IntN(10) == 0,
		hard:     []int{20, 60, 150, 400}[w.rng.IntN(4)],
	}
	w.rng.Shuffle(len(s.channels), func(a, b int) { s.channels[a], s.channels[b] = s.channels[b], s.channels[a] })
	s.channels = s.channels[:1+w.rng.IntN(3)]
	slices.Sort(s.channels)
	if len(s.channels) < 3 {
		s.target = []incident.Channel{"", "mastodon", "slack"}[w.rng.IntN(3)]
	}
	if s.words {
		s.stories, s.updates = 1, min(s.updates, 2)
	}
	switch n := w.rng.IntN(60); {
	case n == 0:
		s.outage = outageDay
	case n < 3:
		s.outage = revoked
	case n < 9:
		s.outage = outageHour
	}
	s.victim = s.channels[w.rng.IntN(len(s.channels))]
	if s.target != "" && w.rng.IntN(3) == 0 {
		s.victim = s.target
	}
	if s.large {
		s.stories, s.updates, s.readers = 4+w.rng.IntN(2), 4+w.rng.IntN(3), 12+w.rng.IntN(20)
	}
	return s
}

// planSource writes the plan of a world.
func (s setup) planSource() string {
	var b strings.Builder
	b.WriteString(`organisation:
  name: Minato Billing
  contact: help@minato.test
  zone: Asia/Tokyo
  locales: [en]
components:
  - {id: checkout, name: Online payments, effect: Online payments cannot be made.}
  - {id: search, name: Search, effect: Invoices and customers cannot be searched.}
  - {id: login, name: Logging in, effect: It is not possible to log in.}
audiences: [engineering, customers]
members:
  - {id: sato, email: sato@minato.test, sms: "+44 7700 900101"}
  - {id: mori, email: mori@minato.test}
oncall: [sato, mori]
drill_recipients: [mori]
alarms:
  hold: 60s
  rules:
    - {name: checkout*, component: checkout, severity: critical, publish: auto, after: 5m}
    - {name: search*, component: search, severity: minor}
    - {name: login*, component: login, severity: major, group: login}
`)
	next := "{critical: 10m, major: 15m, minor: 20m, internal: 20m}"
	if s.outage == outageDay {
		next = "2h" // nobody has news all day
	}
	fmt.Fprintf(&b, "timing: {next: %s, monitoring: %s, escalate: 8m}\n", next, next)
	if s.target != "" {
		address, server := "#status", ""
		if s.target == "mastodon" {
			address, server = "@minato@social.test", ", server: https://social.test"
		}
		fmt.Fprintf(&b, "targets:\n  - {id: account, channel: %s, audience: customers, address: %q%s}\n", s.target, address, server)
	}
	b.WriteString("cadence:\n")
	for _, c := range []incident.Channel{incident.Email, incident.SMS, incident.Webhook, "mastodon", "slack"} {
		if !slices.Contains(s.channels, c) && c != s.target { // nobody is there, so nobody is looked for
			fmt.Fprintf(&b, "  - {audience: customers, channel: %s, tell: never}\n", c)
		}
		if c != incident.Email && c != incident.SMS {
			fmt.Fprintf(&b, "  - {audience: engineering, channel: %s, tell: never}\n", c)
		}
	}
	if s.quiet { // an hour or so after the world begins, in Tokyo
		b.WriteString("quiet: \"13:00-14:30\"\n")
	}
	return b.String()
}

// components are those of the plan.
var components = []incident.ComponentID{"checkout", "search", "login"}

// savePlan keeps a plan as the version after base.
func (w *world) savePlan(base int, source string) error {
	p, err := parsePlan([]byte(source))
	if err != nil {
		return err
	}
	_, err = w.store.SavePlan(bg, base, p)
	return err
}

// prepare sets everything up: the plan, those who read, what they will do and
// what will go wrong.
func (w *world) prepare() {
	w.setup = w.draft()
	if err := w.savePlan(0, w.setup.planSource()); err != nil {
		panic(err)
	}
	var readers []subscribe.Entry
	for n := range w.setup.readers {
		c := w.setup.channels[w.rng.IntN(len(w.setup.channels))]
		readers = append(readers, subscribe.Entry{
			Audience: incident.Customers, Channel: c, Address: address(c, n), Prefs: subscribe.Prefs{Locale: "en", Components: w.wish()},
		})
	}
	if err := w.rig.subscribe.Import(bg, readers, "readers of the simulation"); err != nil {
		panic(err)
	}
	w.people = readers
	w.brew()
	w.live()
}

// wish is what a reader wants to hear of: everything, or one or two things.
func (w *world) wish() []incident.ComponentID {
	if w.rng.IntN(2) == 0 {
		return nil
	}
	from := w.rng.IntN(len(components))
	return append([]incident.ComponentID(nil), components[from:min(len(components), from+1+w.rng.IntN(2))]...)
}

// address is that of reader n on a channel.
func address(c incident.Channel, n int) incident.Address {
	switch c {
	case incident.SMS:
		return incident.Address(fmt.Sprintf("+4477009002%02d", n))
	case incident.Webhook:
		return incident.Address(fmt.Sprintf("https://hook%d.reader.test/in", n))
	default:
		return incident.Address(fmt.Sprintf("reader%d@reader.test", n))
	}
}

// brew decides what goes wrong: a few kinds of fault at a few boundaries, so
// that no seed is just noise.
func (w *world) brew() {
	for b := range boundaries {
		for f := crashBefore; f < faults; f++ {
			if w.luck.IntN(3) == 0 {
				w.odds[b][f] = 1 + w.luck.IntN(w.setup.hard)
			}
		}
	}
	// A boundary that is really bad: up to three calls in ten go wrong.
	if w.luck.IntN(4) == 0 {
		b := boundary(w.luck.IntN(int(boundaries)))
		f := portFaults[w.luck.IntN(len(portFaults))]
		w.odds[b][f] = 500 + w.luck.IntN(1500)
	}
	for b := range boundaries { // what stops a task for long is rarer
		w.odds[b][zombieBefore] /= 4
		w.odds[b][zombieAfter] /= 4
		w.odds[b][skewed] *= 20
	}
	w.odds[atTopic][late] /= 4
	hours := func(from, to int) time.Duration {
		return w.span(time.Duration(from)*time.Minute, time.Duration(to)*time.Minute)
	}
	w.end = start.Add(hours(8, 35))
	if f := w.setup.outage; f != noFault && w.inject(atProvider, f, string(w.setup.victim)) != noFault {
		p, begin := w.providers[w.setup.victim], start.Add(hours(0, 30))
		switch f {
		case outageDay:
			p.down = span{begin, begin.Add(12 * time.Hour)}
		case outageHour:
			p.down = span{begin, begin.Add(time.Hour)}
		default:
			p.revoked = span{begin, begin.Add(hours(2, 40))}
		}
		for _, s := range []span{p.down, p.revoked} { // it ends by itself, not with the world
			if s.to.After(w.end) {
				w.end = s.to
			}
		}
	}
	if w.luck.IntN(8) == 0 {
		names := []string{"alarm", "email", "fanout", "post", "sms", "webhook"}
		q := w.queues[names[w.luck.IntN(len(names))]]
		at := boundaryOf[q.function]
		if w.inject(at, stall, q.name) != noFault {
			q.stalled = start.Add(hours(8, 45))
		}
	}
}
