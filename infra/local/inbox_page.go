package main

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"shirase/internal/deliver"
	"shirase/internal/embedded"
	"shirase/internal/incident"
)

const kindUpdate = deliver.KindUpdate

// inboxView is what the template shows: every choice is made, every time is written.
type inboxView struct {
	Total     int
	Now, Zone string
	// Help is set while there is nothing to see.
	Help *help

	Incidents []tab
	Incident  *headline
	Columns   []column
	Groups    []group
	Readers   int
	Cut       bool
	Most      int

	Others    []other
	OthersCut int

	Shown *shown
}

type help struct{ Demo, Curl string }

type tab struct {
	Link, Topic, Stage, At string
	Drill, Current         bool
}

type headline struct {
	ID, Topic, Aside, Stage, Severity, Kind, Since, Link string
	AsideLocale                                          incident.Locale
	Drill                                                bool
	// Promise says when the next update is promised, or how the last one ended.
	Promise string
	Late    bool
	Kept    string
	End     string
}

type column struct {
	Seq             int
	Stage, Kind, At string
	Plain           bool // a notice: its kind goes without saying
	Withdrawn       string
	Of              int
	Told            int
}

type group struct {
	Name string
	Told int
	Rows []row
}

type row struct {
	Anchor, Icon, Channel, Name string
	// Address is cut where a line may break.
	Address []string
	Locale  incident.Locale
	Cells   []cell
	Current bool
}

type cell struct {
	Seq  int
	Sent []note
	Gap  gap
	// Stage colours the cell.
	Stage string
}

// A note is one message in a cell.
type note struct {
	Link, At, Snippet string
	Locale            incident.Locale
	Current           bool
}

type other struct {
	Anchor, Link, Kind, Icon, To, At, Snippet string
	Locale                                    incident.Locale
	Drill, Current                            bool
}

// newInboxPage lays the page out.
func newInboxPage(s sight, w wish) *inboxView {
	v := &inboxView{
		Total: len(s.entries), Now: s.moment(s.now), Zone: s.zone().String(), Readers: len(s.readers), Cut: s.cut, Most: maxReaders,
	}
	if len(s.entries) == 0 {
		v.Help = s.help()
	}
	if s.chosen.ID != "" {
		v.Incident = s.headline()
		v.Incidents = s.tabs()
	}
	e, ok := entryByID(s.entries, w.Message)
	if !ok {
		w.Message = ""
		e, ok = s.first()
	}
	if ok {
		v.Shown = s.show(e, w)
	}
	v.Columns, v.Groups = s.columns(), s.groups(e.ID, w.As)
	v.Others, v.OthersCut = s.others(e.ID, w.As)
	if v.Shown != nil {
		v.Shown.Back = v.back()
	}
	return v
}

// back answers the anchor of the row or line of the message that is shown.
func (v *inboxView) back() string {
	for _, g := range v.Groups {
		for _, r := range g.Rows {
			if r.Current {
				return r.Anchor
			}
		}
	}
	for _, o := range v.Others {
		if o.Current {
			return o.Anchor
		}
	}
	return ""
}

// first answers what is shown while nothing is asked for: the newest mail to a
// customer, or else the newest message of the incident.
func (s sight) first() (found embedded.Entry, ok bool) {
	best := -1
	for _, e := range s.entries {
		if e.Kind != kindUpdate || e.Incident != s.chosen.ID {
			continue
		}
		n := 0
		if e.Channel == incident.Email {
			n++
		}
		if e.Audience == incident.Customers {
			n += 2
		}
		if n > best || n == best && e.Seq > found.Seq {
			found, best = e, n
		}
	}
	return found, best >= 0
}

// help says how to make messages.
func (s sight) help() *help {
	h := &help{Demo: "go run ./infra/local -demo"}
	if len(s.plan.Components) == 0 {
		return h
	}
	c := s.plan.Components[0]
	body, err := json.Marshal(map[string]any{
		"components": []incident.ComponentID{c.ID}, "severity": incident.Major, "effect": c.Effect,
	})
	if err != nil {
		return h // texts always encode
	}
	h.Curl = fmt.Sprintf("curl %s/v1/incidents \\\n  -H 'Authorization: Bearer %s' \\\n  -H 'Content-Type: application/json' \\\n  -d '%s'",
		s.base, s.key, strings.ReplaceAll(string(body), "'", `'\''`))
	return h
}

func (s sight) headline() *headline {
	c := s.chosen
	h := &headline{
		ID: string(c.ID), Topic: s.topic(c, "en"), Stage: string(c.Stage), Severity: string(c.Severity), Kind: string(c.Kind),
		Since: s.moment(c.OpenedAt), Link: "/i/" + url.PathEscape(string(c.ID)), Drill: c.ID.Drill(), End: ends[c.End],
	}
	if l := s.plan.Organisation.Locales[0]; s.topic(c, l) != h.Topic {
		h.Aside, h.AsideLocale = s.topic(c, l), l
	}
	kept := 0
	for _, p := range c.Promises {
		if p.Met() {
			kept++
		}
		if p.Open() {
			h.Promise, h.Late = "next update by "+s.hour(p.By), s.now.After(p.By)
		}
	}
	if n := len(c.Promises); n > 0 && h.Promise == "" {
		h.Kept = fmt.Sprintf("%d of %d promises kept", kept, n)
	} else if n > 1 {
		h.Kept = fmt.Sprintf("%d of %d kept so far", kept, n-1)
	}
	return h
}

// ends says why an incident is over where its stage does not.
var ends = map[incident.End]string{
	incident.EndMerged: "merged into another", incident.EndDismissed: "dismissed", incident.EndWithdrawn: "withdrawn",
}

// topic names the components of an incident.
func (s sight) topic(c incident.Snapshot, l incident.Locale) string {
	names := make([]string, len(c.Components))
	for n, id := range c.Components {
		names[n] = string(id)
		if comp, ok := s.plan.Component(id); ok {
			if name := named(comp.Name, l, s.plan.Organisation.Locales); name != "" {
				names[n] = name
			}
		}
	}
	return strings.Join(names, " · ")
}

func (s sight) tabs() []tab {
	if len(s.incidents) < 2 {
		return nil
	}
	out := make([]tab, len(s.incidents))
	for n, c := range s.incidents {
		q := url.Values{"i": {string(c.ID)}}
		out[n] = tab{"/inbox?" + q.Encode(), s.topic(c, "en"), string(c.Stage), s.moment(c.OpenedAt), c.ID.Drill(), c.ID == s.chosen.ID}
	}
	return out
}

func (s sight) columns() []column {
	told := map[int]int{}
	for _, e := range s.entries {
		if e.Kind == kindUpdate && e.Incident == s.chosen.ID {
			told[e.Seq]++
		}
	}
	out := make([]column, len(s.chosen.Lines))
	for n, l := range s.chosen.Lines {
		out[n] = column{
			Seq: l.Seq, Stage: string(l.Stage), Kind: spaced(string(l.Kind)), Plain: l.Kind == incident.Notice,
			At: s.hour(l.At), Of: l.Of, Told: told[l.Seq],
		}
		if l.Withdrawn() {
			out[n].Withdrawn = s.hour(l.WithdrawnAt)
		}
	}
	return out
}

// groups puts the readers under their audiences, with a cell for each update.
func (s sight) groups(current, as string) []group {
	got := map[seat]map[int][]embedded.Entry{}
	for _, e := range s.entries {
		if e.Kind != kindUpdate || e.Incident != s.chosen.ID {
			continue
		}
		at := seat{e.Channel, s.ids[place{e.Channel, e.To}]}
		if got[at] == nil {
			got[at] = map[int][]embedded.Entry{}
		}
		got[at][e.Seq] = append(got[at][e.Seq], e)
	}
	var out []group
	for n, r := range s.readers {
		if n == 0 || r.audience != s.readers[n-1].audience {
			out = append(out, group{Name: s.audience(r.audience)})
		}
		g := &out[len(out)-1]
		rw := row{
			Anchor: anchor(r.seat()), Icon: string(s.families[r.channel]), Channel: string(r.channel),
			Address: breaks(r.address), Name: r.name, Locale: r.locale,
		}
		for _, u := range s.updates {
			c := cell{Seq: u.Seq, Stage: string(u.Stage)}
			for _, e := range got[r.seat()][u.Seq] {
				c.Sent = append(c.Sent, note{s.link(e.ID, as), s.hour(e.SentAt), s.snippet(e), e.Locale, e.ID == current})
				rw.Current = rw.Current || e.ID == current
			}
			if len(c.Sent) == 0 {
				c.Gap = s.why(r, u)
			}
			rw.Cells = append(rw.Cells, c)
		}
		if len(got[r.seat()]) > 0 {
			g.Told++
		}
		g.Rows = append(g.Rows, rw)
	}
	return out
}

func (s sight) audience(id incident.Audience) string {
	if a, ok := s.plan.Audience(id); ok {
		if n := named(a.Name, "en", s.plan.Organisation.Locales); n != "" {
			return n
		}
	}
	return string(id)
}

// anchor names a row, so that the way back from a message leads to it.
func anchor(at seat) string { return "r-" + string(at.channel) + "-" + string(at.id) }

// snippet is what a message is known by in a list.
func (s sight) snippet(e embedded.Entry) string {
	switch {
	case s.families[e.Channel] == incident.FamilyWebhook:
		return "POST " + bytesOf(len(e.Text))
	case e.Subject != "":
		return e.Subject
	}
	return firstLine(e.Text)
}

func bytesOf(n int) string {
	if n < 1000 {
		return strconv.Itoa(n) + " B"
	}
	return fmt.Sprintf("%.1f kB", float64(n)/1000)
}

// others lists what was sent that is no update, newest first, and how many more
// there are.
func (s sight) others(current, as string) (out []other, more int) {
	for _, e := range slices.Backward(s.entries) {
		if e.Kind == kindUpdate {
			continue
		}
		if len(out) == maxOthers {
			more++
			continue
		}
		out = append(out, other{
			"m-" + e.ID, s.link(e.ID, as), e.Kind, string(s.families[e.Channel]), e.To, s.moment(e.SentAt), s.snippet(e),
			e.Locale, e.Drill, e.ID == current,
		})
	}
	return out, more
}

// link leads to the page with a message open.
func (s sight) link(id, as string) string {
	q := url.Values{"m": {id}}
	if s.chosen.ID != "" {
		q.Set("i", string(s.chosen.ID))
	}
	if as == "plain" || as == "html" {
		q.Set("as", as)
	}
	return "/inbox?" + q.Encode() + "#message"
}

// moment writes a time with its day and zone.
func (s sight) moment(t time.Time) string { return t.In(s.zone()).Format("Mon 2 Jan 15:04:05 MST") }

// updateName names the update that an entry is of.
func updateName(e embedded.Entry) string {
	if e.Kind != kindUpdate {
		return e.Kind
	}
	return fmt.Sprintf("#%d %s", e.Seq, spaced(string(e.Stage)))
}

// minute writes a time as a phone or a mail program does.
func (s sight) minute(t time.Time) string { return t.In(s.zone()).Format("Mon 2 Jan 15:04") }

// breaks cuts an address before its @ and behind its slashes.
func breaks(address string) []string {
	var out []string
	at := 0
	for n, r := range address {
		if n > at && (r == '@' || address[n-1] == '/' && r != '/') {
			out, at = append(out, address[at:n]), n
		}
	}
	return append(out, address[at:])
}

func spaced(s string) string { return strings.ReplaceAll(s, "_", " ") }
