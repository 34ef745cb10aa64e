package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"

	verdict "shirase/infra/judge"
	"shirase/internal/deliver"
	"shirase/internal/incident"
)

// whole is an incident with all that is known of it.
type whole struct {
	changed
	Components []incident.ComponentID `json:"components"`
	Promises   []incident.Promise     `json:"promises"`
	Notes      []json.RawMessage      `json:"notes"`
	told       []toldUpdate
	// fates are the lines of the ledger.
	fates map[deliver.Key]toldLine
}

// toldLine is a line of the ledger.
type toldLine struct {
	Recipient incident.RecipientID `json:"recipient"`
	Channel   incident.Channel     `json:"channel"`
	Slot      string               `json:"slot"`
	State     deliver.State        `json:"state"`
	Results   []deliver.Mark       `json:"results"`
}

// told reports whether a text was told, or may have been.
func (l toldLine) told(seq int) bool {
	return slices.ContainsFunc(l.Results, func(m deliver.Mark) bool {
		return m.Text == seq && (m.Result == deliver.Sent || m.Result == deliver.Unknown)
	})
}

// fate answers whether it is known what became of a text: it was seen, or given
// up with a reason. What the ledger counts as told does not help a reader.
func (l toldLine) fate(sights []verdict.Sight) func(seq int) bool {
	return func(seq int) bool {
		return slices.ContainsFunc(sights, func(s verdict.Sight) bool { return s.Seq == seq }) ||
			slices.ContainsFunc(l.Results, func(m deliver.Mark) bool {
				return m.Text == seq && (m.Result == deliver.Refused || m.Result == deliver.Failed || m.Result == deliver.Unsubscribed)
			})
	}
}

// pages reads a list to its end.
func pages[T any](d *driver, path string) (out []T) {
	d.t.Helper()
	for cursor := ""; ; {
		var page struct {
			Items []T
			Next  string
		}
		d.read(path+"?limit=200&cursor="+url.QueryEscape(cursor), &page)
		out = append(out, page.Items...)
		if cursor = page.Next; cursor == "" {
			return out
		}
	}
}

// wholes reads every incident.
func (d *driver) wholes() map[incident.ID]*whole {
	d.t.Helper()
	out := map[incident.ID]*whole{}
	for _, i := range pages[changed](d, "/v1/incidents") {
		w := &whole{fates: map[deliver.Key]toldLine{}}
		path := "/v1/incidents/" + string(i.ID)
		d.read(path, w)
		for seq := 1; seq <= w.Seq; seq++ {
			var u toldUpdate
			d.read(fmt.Sprintf("%s/updates/%d", path, seq), &u)
			w.told = append(w.told, u)
		}
		for _, l := range pages[toldLine](d, path+"/deliveries") {
			w.fates[deliver.Key{Incident: i.ID, Channel: l.Channel, Recipient: l.Recipient, Slot: l.Slot}] = l
		}
		out[i.ID] = w
	}
	return out
}

// summary tells what a run was about.
func (d *driver) summary(is map[incident.ID]*whole) string {
	n := map[string]int{}
	for _, w := range is {
		for _, l := range w.Updates {
			n[string(l.Kind)]++
		}
		for _, l := range w.fates {
			for _, m := range l.Results {
				n[string(m.Result)]++
			}
		}
	}
	for _, p := range d.people {
		if !p.left.IsZero() {
			n["left"]++
		}
	}
	return fmt.Sprintf("%d incidents, %d signals, %d requests of which %d got no answer at first, %d sign-ups, texts under another number %d, %v",
		len(is), len(d.rang), d.calls, d.unanswered, len(d.people)-len(sampleReaders()), d.renumbered, n)
}

// signals answers what monitors said, as it is kept.
func (d *driver) signals() (out []rung) {
	d.t.Helper()
	for _, s := range pages[struct{ Signal rung }](d, "/v1/signals") {
		out = append(out, rung{s.Signal.Alarm, s.Signal.State, s.Signal.At.UTC()})
	}
	return out
}

// String writes the updates of an incident in short, and its end.
func (w *whole) String() string {
	return verdict.History(w.ID, w.Updates) + " " + cmp.Or(string(w.End), "live")
}
