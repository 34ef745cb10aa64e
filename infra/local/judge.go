package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"shirase/internal/embedded"
	"shirase/internal/incident"
)

// report is what the inbox of a whole incident shows.
type report struct {
	messages, recipients int
	channels             []string
	locales              []string
	stages               []string
	// first is when the first update reached anybody.
	first time.Time
	// doubled counts repeats of one update to one recipient, disorder updates
	// that came after a newer one.
	doubled, disorder int
	// missing names what customers should have been told and were not.
	missing []string
}

// judge looks at what readers got, knowing nothing of how it was sent.
func judge(es []embedded.Entry) report {
	type to struct {
		incident incident.ID
		channel  incident.Channel
		address  string
	}
	var r report
	newest := map[to]int{}
	seen := map[string]bool{}
	got := map[string]bool{} // channel/locale/stage for customers
	channels, locales := map[string]bool{}, map[string]bool{}
	for _, e := range es {
		if e.Kind != "update" {
			continue
		}
		r.messages++
		if r.first.IsZero() {
			r.first = e.SentAt
		}
		channels[string(e.Channel)], locales[string(e.Locale)] = true, true
		if s := string(e.Stage); !slices.Contains(r.stages, s) {
			r.stages = append(r.stages, s)
		}
		at := to{e.Incident, e.Channel, e.To}
		once := fmt.Sprintf("%v/%d", at, e.Seq)
		if seen[once] {
			r.doubled++
		}
		seen[once] = true
		if e.Seq < newest[at] {
			r.disorder++
		}
		newest[at] = max(newest[at], e.Seq)
		if e.Audience == incident.Customers {
			got[strings.Join([]string{string(e.Channel), string(e.Locale), string(e.Stage)}, "/")] = true
		}
	}
	r.recipients = len(newest)
	r.channels, r.locales = slices.Sorted(maps.Keys(channels)), slices.Sorted(maps.Keys(locales))
	every := []incident.Stage{incident.Investigating, incident.Identified, incident.Monitoring, incident.Resolved}
	ends := []incident.Stage{incident.Investigating, incident.Resolved}
	for _, locale := range []string{"en", "ja"} {
		for channel, stages := range map[string][]incident.Stage{
			"email": every, "mastodon": every, "slack": every, "webhook": every, "sms": ends,
		} {
			for _, s := range stages {
				if want := strings.Join([]string{channel, locale, string(s)}, "/"); !got[want] {
					r.missing = append(r.missing, want)
				}
			}
		}
	}
	slices.Sort(r.missing)
	return r
}
