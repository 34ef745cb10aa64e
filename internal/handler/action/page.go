package action

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"shirase/internal/announce"
	"shirase/internal/handler/web"
	"shirase/internal/incident"
	"shirase/internal/message"
	"shirase/internal/plan"
)

//go:embed locales page.html.tmpl
var files embed.FS

var words = web.Load(files)

// pages is parsed when the first page is asked for.
var pages = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("").Option("missingkey=error").ParseFS(files, "page.html.tmpl"))
})

// author is who publishes what nobody decided.
const author = "shirase"

// A page is what the template shows: every choice is made, every time is written.
type page struct {
	web.Words
	Style string
	Self  string
	// Why is set on a page that only says why there is nothing more.
	Why string

	// Notice says what was done, Alert what was not; both are keys.
	Notice, Alert string

	Drill                            bool
	Open, Published, Dismissed       bool
	Acked, Auto, AutoLate, Escalates bool
	// Unheard tells that nobody outside has heard of the incident.
	Unheard  bool
	Blocked  bool
	Editing  bool
	Severity string
	Stage    string
	Topic    string
	Zone     string
	Detected instant
	Next     instant
	AutoAt   instant
	AckedBy  string
	AckedAt  instant
	By       string
	Public   string

	Digest  string
	Version string

	First    text
	To       []recipients
	Texts    []audienceTexts
	Alarms   []alarm
	Findings []finding
	Form     form
	// Kept is what was typed into a form that can no longer be used.
	Kept []field
}

// An instant is a time as people and as programs read it; empty for none.
type instant struct{ Words, Machine string }

// Known reports whether there is a time.
func (i instant) Known() bool { return i.Machine != "" }

// A text is one stored text, exactly as it is sent.
type text struct {
	Family, Lang, Subject, Text string
	// Told tells that this update starts deliveries of it.
	Told bool
	// Data tells that it is written for programs.
	Data bool
	// Plain tells that it is for those who never got what it corrects.
	Plain bool
}

type localeTexts struct {
	Lang, Name string
	Texts      []text
}

type audienceTexts struct {
	Name    string
	Told    bool
	Locales []localeTexts
}

// Recipients are the ways in which an audience is told.
type recipients struct {
	Name string
	Ways []way
}

type way struct {
	Channel string
	// Count is how many the plan names; the rest have signed up.
	Count string
}

type alarm struct {
	Name, State, Where, Reason string
	At                         instant
}

type finding struct {
	Rule, Where, Problem string
	Block                bool
}

// CanPublish reports whether the button that publishes is there: not while
// something must be put right, nor beside words that were typed and not saved.
func (p *page) CanPublish() bool { return p.Open && !p.Blocked && !p.Editing }

// page reads the draft and lays its page out.
func (v visit) page() (*page, error) {
	dv, err := v.h.Drafts.Draft(v.r.Context(), v.draft)
	if err != nil {
		return nil, err
	}
	return v.lay(dv), nil
}

// layout is a draft with what it takes to write about it.
type layout struct {
	visit
	words web.Words
	clock web.Clock
	view  announce.DraftView
}

func (v visit) layout(dv announce.DraftView) layout {
	zone := v.plan.Organisation.Zone
	return layout{visit: v, words: words(v.locale), clock: web.NewClock(v.locale, zone, zoneOf(v.member)), view: dv}
}

// zoneOf answers the member's own zone, nil where there is none.
func zoneOf(m plan.Member) *time.Location {
	if m.Zone == "" {
		return nil
	}
	loc, err := time.LoadLocation(m.Zone)
	if err != nil {
		return nil // the plan was checked; a machine without zones still shows the page
	}
	return loc
}

func (v visit) lay(dv announce.DraftView) *page {
	l := v.layout(dv)
	d, inc, now := dv.Draft, dv.Incident, v.h.Now()
	p := &page{
		Words: l.words, Style: v.under() + web.Style(), Self: v.self(), Drill: inc.ID.Drill(),
		Open: d.State == announce.DraftOpen, Published: d.State == announce.DraftPublished, Dismissed: d.State == announce.DraftDismissed,
		Acked: inc.AckedBy != "", AckedBy: l.who(inc.AckedBy), AckedAt: l.at(inc.AckedAt), By: l.who(d.By), Unheard: inc.Seq == 0,
		Severity: l.words.Name("severity", inc.Severity), Stage: l.words.Name("stage", inc.Stage), Topic: l.topic(inc.Components),
		Zone: l.clock.Zone(now), Detected: l.at(inc.DetectedAt), Digest: d.Digest, Version: strconv.Itoa(inc.Version),
		Public: v.under() + "/i/" + string(inc.ID), First: l.first(), Texts: l.texts(), Alarms: l.alarms(),
	}
	if !p.Open {
		return p
	}
	u := dv.Update
	p.Severity, p.Stage, p.Topic = l.words.Name("severity", u.Severity), l.words.Name("stage", u.Stage), l.topic(u.Components)
	p.Next, p.To = l.at(d.Next), l.recipients()
	// The same conditions under which the automatic notice goes out.
	if !d.AutoAt.IsZero() && p.Unheard && !p.Acked && !inc.Facts.Data.Value.Grave() {
		p.Auto, p.AutoLate, p.AutoAt = true, !d.AutoAt.After(now), l.at(d.AutoAt)
	}
	p.Escalates = !p.Acked && len(v.plan.OnCall) > 1
	p.Form = l.form()
	p.Findings = l.findings(dv.Findings)
	p.Blocked = message.Blocks(dv.Findings)
	return p
}

// block shows findings that stopped the draft from being published.
func (p *page) block(fs []message.Finding) {
	p.Blocked = true
	p.Findings = layout{words: p.Words}.findings(fs)
}

func (l layout) at(t time.Time) instant {
	if t.IsZero() {
		return instant{}
	}
	return instant{l.clock.At(t), l.clock.Machine(t)}
}

// who names a member, or else the key or alarm that acted.
func (l layout) who(id string) string {
	if id == author {
		return l.words.Name("by", id)
	}
	if m, ok := l.plan.Member(plan.MemberID(id)); ok {
		return m.Name
	}
	return id
}

func (l layout) topic(cs []incident.ComponentID) string {
	names := make([]string, len(cs))
	for n, id := range cs {
		names[n] = string(id)
		if c, ok := l.view.Plan.Component(id); ok {
			names[n] = in(c.Name, l.locale, string(id))
		}
	}
	return strings.Join(names, l.words.Name("list", "separator"))
}

// in answers a text in a locale, else what stands in for it.
func in(t incident.Text, l incident.Locale, instead string) string {
	if s, ok := t.In(l); ok {
		return s
	}
	return instead
}

// audiences answers the plan's audiences, those that read what customers read first.
func (l layout) audiences() []plan.Audience {
	out := slices.Clone(l.view.Plan.Audiences)
	rank := func(a plan.Audience) int {
		switch {
		case a.ID == incident.Customers:
			return 0
		case a.Public:
			return 1
		}
		return 2
	}
	slices.SortStableFunc(out, func(a, b plan.Audience) int { return rank(a) - rank(b) })
	return out
}

// locales answers the organisation's locales, the reader's own first.
func (l layout) locales() []incident.Locale {
	out := slices.Clone(l.view.Plan.Organisation.Locales)
	slices.SortStableFunc(out, func(a, b incident.Locale) int {
		switch {
		case a == b:
			return 0
		case a == l.locale:
			return -1
		case b == l.locale:
			return 1
		}
		return 0
	})
	return out
}

// families lists the families in the order in which their texts are shown: the
// fullest first.
func families() []incident.Family {
	return []incident.Family{
		incident.FamilyEmail, incident.FamilyChat, incident.FamilySocial, incident.FamilySMS, incident.FamilyWebhook,
	}
}

// told reports whether the update starts deliveries to an audience in a family.
func (l layout) told(a incident.Audience, f incident.Family) bool {
	return slices.ContainsFunc(l.view.Update.Routes, func(r incident.Route) bool {
		has, ok := message.FamilyOf(r.Channel)
		return ok && r.Audience == a && has == f
	})
}

func (l layout) text(a incident.Audience, m message.Message, f incident.Family, c message.Content) text {
	c = message.Resolve(c, f, m.Locale, message.Reader{}, l.plan.Organisation.Zone)
	return text{
		Family: l.words.Name("family", f), Lang: string(m.Locale), Subject: c.Subject, Text: strings.TrimSpace(c.Text),
		Told: l.told(a, f), Data: f == incident.FamilyWebhook,
	}
}

// first answers what customers are told in the reader's language: the running
// text that their mail, chat and page share.
func (l layout) first() text {
	for _, a := range l.audiences() {
		for _, locale := range l.locales() {
			for _, m := range l.view.Draft.Messages {
				if m.Audience == a.ID && m.Locale == locale {
					title, body := web.Body(m.Contents, locale)
					return text{Lang: string(locale), Subject: title, Text: body}
				}
			}
		}
	}
	return text{}
}

func (l layout) texts() []audienceTexts {
	var out []audienceTexts
	for _, a := range l.audiences() {
		at := audienceTexts{Name: in(a.Name, l.locale, string(a.ID))}
		for _, locale := range l.locales() {
			for _, m := range l.view.Draft.Messages {
				if m.Audience != a.ID || m.Locale != locale {
					continue
				}
				lt := localeTexts{Lang: string(locale), Name: l.words.Name("lang", locale)}
				for _, f := range families() {
					if c, ok := m.Contents[f]; ok {
						lt.Texts = append(lt.Texts, l.text(a.ID, m, f, c))
					}
					if c, ok := m.Plain[f]; ok {
						t := l.text(a.ID, m, f, c)
						t.Plain = true
						lt.Texts = append(lt.Texts, t)
					}
				}
				at.Locales = append(at.Locales, lt)
			}
		}
		if len(at.Locales) == 0 {
			continue
		}
		at.Told = slices.ContainsFunc(families(), func(f incident.Family) bool { return l.told(a.ID, f) })
		out = append(out, at)
	}
	return out
}

// recipients answers who is told on which channels, and how many of them the
// plan names. Those who have signed up come on top; how many they are is not
// counted on the way of an incident.
func (l layout) recipients() []recipients {
	var out []recipients
	for _, a := range l.audiences() {
		rs := recipients{Name: in(a.Name, l.locale, string(a.ID))}
		for _, r := range l.view.Update.Routes {
			if r.Audience != a.ID {
				continue
			}
			w := way{Channel: l.words.Name("channel", r.Channel)}
			n := 0
			for _, c := range l.plan.Contacts(r.Channel) {
				if c.Audience == a.ID {
					n++
				}
			}
			switch f, _ := message.FamilyOf(r.Channel); {
			case n > 0:
				w.Count = strconv.Itoa(n)
			case !a.Public, f == incident.FamilySocial, f == incident.FamilyChat:
				continue // nobody signs up from inside, or for an account or a room
			}
			rs.Ways = append(rs.Ways, w)
		}
		if len(rs.Ways) > 0 {
			out = append(out, rs)
		}
	}
	return out
}

func (l layout) alarms() []alarm {
	out := make([]alarm, len(l.view.Signals))
	for n, s := range l.view.Signals {
		name := s.Alarm
		if s.Contributor != "" {
			name += " / " + s.Contributor
		}
		out[n] = alarm{
			Name: name, State: l.words.Name("signal", s.State), At: l.at(s.At), Reason: s.Reason,
			Where: strings.Trim(s.Account+" / "+s.Region, " /"),
		}
	}
	return out
}

// findings puts what blocks first and says where each was found.
func (l layout) findings(fs []message.Finding) []finding {
	var out []finding
	for _, level := range []message.Level{message.Block, message.Warn} {
		for _, f := range fs {
			if f.Level != level {
				continue
			}
			var where []string
			add := func(list string, name string) {
				if name != "" {
					where = append(where, l.words.Name(list, name))
				}
			}
			add("field", f.Field)
			add("audience", string(f.To))
			add("lang", string(f.In))
			add("family", string(f.By))
			out = append(out, finding{f.ID, strings.Join(where, " / "), f.Problem, level == message.Block})
		}
	}
	return out
}

// write executes the template and answers with the page.
func (v visit) write(w http.ResponseWriter, status int, p *page) {
	var b bytes.Buffer
	if err := pages().ExecuteTemplate(&b, "page", p); err != nil {
		v.h.log(v, err)
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Language", string(p.Locale()))
	web.Write(w, status, b.Bytes())
}
