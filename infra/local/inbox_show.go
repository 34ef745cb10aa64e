package main

import (
	"maps"
	"net/textproto"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"shirase/internal/embedded"
	"shirase/internal/incident"
	"shirase/internal/message"
)

// A shown is one message as its reader sees it. Exactly one of its forms is set.
type shown struct {
	ID, Kind, Channel, To, Audience, Update, At string
	Locale                                      incident.Locale
	Drill                                       bool
	Steps                                       []step
	// Back leads to the row or line of the message; empty where it has none.
	Back string
	// Asked tells that this message was asked for, not put there to begin with.
	Asked bool

	Mail  *mail
	Phone *phone
	Post  *post
	Chat  *chat
	Hook  *hook
	Other []stretch
}

// A step leads to another update that the same reader got.
type step struct {
	Link, Name, Stage string
	Seq               int
	Current           bool
}

type header struct{ Name, Value string }

type mail struct {
	Initial, From, Address, Subject, To, Date string
	Headers                                   []header
	// Frame is the address of the mail as its own document; empty where it is shown plain.
	Frame               string
	Plain               []stretch
	AsHTML, AsPlain     string
	HasHTML, HasHeaders bool
}

type phone struct {
	Sender  string
	Bubbles []bubble
	Count   shortMessage
}

type bubble struct {
	At      string
	Text    []stretch
	Current bool
}

type post struct {
	Initial, Name, Handle string
	// Before are the posts that this one answers, oldest first.
	Before    []toot
	This      toot
	Used, Max int
}

type toot struct {
	At   string
	Text []stretch
}

type chat struct {
	Initial, Name, Room, At string
	Edited                  bool
	Text                    []stretch
	Thread                  []reply
}

type reply struct {
	Update, At string
	Text       []stretch
	First      bool
	Current    bool
}

type hook struct {
	Path, Host string
	Headers    []header
	Size       int
	JSON       []jsonLine
	Raw        string
}

// show makes what the panel shows of an entry.
func (s sight) show(e embedded.Entry, w wish) *shown {
	v := &shown{
		ID: e.ID, Kind: e.Kind, Channel: string(e.Channel), To: e.To, Audience: string(e.Audience), Locale: e.Locale,
		Drill: e.Drill, At: s.moment(e.SentAt), Asked: w.Message != "",
	}
	if e.Kind == kindUpdate {
		v.Update = updateName(e)
	}
	mates := s.sameReader(e)
	if len(mates) > 1 {
		for _, m := range mates {
			v.Steps = append(v.Steps, step{s.link(m.ID, w.As), updateName(m), string(m.Stage), m.Seq, m.ID == e.ID})
		}
	}
	switch s.families[e.Channel] {
	case incident.FamilyEmail:
		v.Mail = s.mail(e, w)
	case incident.FamilySMS:
		v.Phone = s.phone(e)
	case incident.FamilySocial:
		v.Post = s.post(e, mates)
	case incident.FamilyChat:
		v.Chat = s.chat(e)
	case incident.FamilyWebhook:
		v.Hook = newHook(e)
	default:
		v.Other = stretches(e.Text)
	}
	return v
}

// sameReader answers what the reader of an entry got of the incident, oldest first.
func (s sight) sameReader(e embedded.Entry) []embedded.Entry {
	if e.Kind != kindUpdate {
		return []embedded.Entry{e}
	}
	var out []embedded.Entry
	for _, o := range s.entries {
		if o.Kind == kindUpdate && o.Channel == e.Channel && o.To == e.To && o.Incident == e.Incident {
			out = append(out, o)
		}
	}
	return out
}

func (s sight) mail(e embedded.Entry, w wish) *mail {
	m := &mail{
		From: s.speaker(e.Locale), Address: e.Headers["From"], Subject: e.Subject, To: e.To, Date: s.minute(e.SentAt),
		HasHTML: e.HTML != "", AsHTML: s.link(e.ID, "html"), AsPlain: s.link(e.ID, "plain"), Headers: headers(e.Headers),
	}
	m.Initial = initial(m.From)
	m.HasHeaders = len(m.Headers) > 0
	if m.HasHTML && w.As != "plain" {
		m.Frame = "/inbox/" + url.PathEscape(e.ID) + ".html"
	} else {
		m.Plain = stretches(strings.TrimRight(e.Text, "\n"))
	}
	return m
}

// headers puts those first that a reader looks at, then the others by name.
func headers(hs map[string]string) []header {
	var out []header
	first := []string{"From", "To", "Subject", "Date", "Message-ID"}
	for _, name := range first {
		if v, ok := hs[name]; ok {
			out = append(out, header{name, v})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(hs)) {
		if !slices.Contains(first, name) {
			out = append(out, header{name, hs[name]})
		}
	}
	return out
}

// thread is how many messages of one reader are shown together.
const thread = 4

func (s sight) phone(e embedded.Entry) *phone {
	p := &phone{Sender: s.speaker(e.Locale), Count: measure(e.Text)}
	var all []embedded.Entry
	for _, o := range s.entries {
		if o.Channel == e.Channel && o.To == e.To {
			all = append(all, o)
		}
	}
	for _, o := range around(all, e.ID) {
		p.Bubbles = append(p.Bubbles, bubble{s.minute(o.SentAt), stretches(o.Text), o.ID == e.ID})
	}
	return p
}

// around answers the messages up to the one with an id, and those before it as
// far as there is room.
func around(es []embedded.Entry, id string) []embedded.Entry {
	n := slices.IndexFunc(es, func(e embedded.Entry) bool { return e.ID == id })
	return es[max(0, n+1-thread) : n+1]
}

// post shows a post under those that it answers.
func (s sight) post(e embedded.Entry, mates []embedded.Entry) *post {
	p := &post{Name: s.speaker(e.Locale), Handle: e.To}
	p.Initial = initial(p.Name)
	p.This = toot{s.minute(e.SentAt), stretches(e.Text)}
	for _, o := range around(mates, e.ID) {
		if o.ID != e.ID {
			p.Before = append(p.Before, toot{s.minute(o.SentAt), stretches(o.Text)})
		}
	}
	if l, ok := message.LimitOf(e.Channel); ok {
		p.Used, p.Max = l.Measure(e.Text), l.Max
	}
	return p
}

// chat shows a post as it now stands, with what was said before in its thread.
func (s sight) chat(e embedded.Entry) *chat {
	all := edits(s.entries, e)
	newest := all[len(all)-1]
	c := &chat{
		Name: s.speaker(e.Locale), Room: e.To, At: s.minute(all[0].SentAt), Edited: len(all) > 1, Text: stretches(newest.Text),
	}
	c.Initial = initial(c.Name)
	if !c.Edited {
		return c
	}
	for n, o := range all {
		c.Thread = append(c.Thread, reply{updateName(o), s.minute(o.SentAt), stretches(o.Text), n == 0, o.ID == e.ID})
	}
	return c
}

func newHook(e embedded.Entry) *hook {
	h := &hook{Path: "/", Headers: headers(e.Headers), Size: len(e.Text)}
	if u, err := url.Parse(e.To); err == nil && u.Host != "" {
		h.Path, h.Host = u.RequestURI(), u.Host
	}
	for n := range h.Headers {
		h.Headers[n].Name = textproto.CanonicalMIMEHeaderKey(h.Headers[n].Name)
	}
	var ok bool
	if h.JSON, ok = pretty(e.Text); !ok {
		h.Raw = e.Text
	}
	return h
}

// speaker is the organisation as a reader of a language knows it.
func (s sight) speaker(l incident.Locale) string {
	return named(s.plan.Organisation.Name, l, s.plan.Organisation.Locales)
}

// named answers a name in a language, or else in the first that has one.
func named(t incident.Text, l incident.Locale, locales []incident.Locale) string {
	for _, l := range append([]incident.Locale{l}, locales...) {
		if n, ok := t.In(l); ok {
			return n
		}
	}
	return ""
}

// initial is the letter of an avatar.
func initial(name string) string {
	r, _ := utf8.DecodeRuneInString(strings.TrimLeft(name, "@#"))
	if r == utf8.RuneError {
		return "?"
	}
	return string(unicode.ToUpper(r))
}
