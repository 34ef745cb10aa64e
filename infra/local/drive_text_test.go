package main

import (
	"regexp"
	"slices"
	"strings"

	verdict "shirase/infra/judge"
	"shirase/internal/deliver"
	"shirase/internal/embedded"
	"shirase/internal/incident"
	"shirase/internal/message"
)

// toldUpdate is an update as the API answers it, with the texts that were stored.
type toldUpdate struct {
	incident.Line
	By       string            `json:"by"`
	Next     *struct{}         `json:"promise"`
	Routes   []incident.Route  `json:"routes"`
	Messages []message.Message `json:"messages"`
}

// whose finds out which update's text a record of the inbox carries. Its seq is
// the number under which it was claimed, and after a retraction that is not the
// text's own. So its words are held against the stored texts of every update.
// A mail also names its text by its Message-ID; elsewhere, where two updates say
// the very same words, the number decides, or else the newer one before it.
func (d *driver) whose(e embedded.Entry, us []toldUpdate) (s verdict.Sight, ok bool) {
	var fits []verdict.Sight
	for _, u := range us {
		for _, m := range u.Messages {
			if m.Audience != e.Audience || m.Locale != e.Locale {
				continue
			}
			f := message.Families()[e.Channel]
			switch {
			case says(e, m.Contents[f], f):
				fits = append(fits, verdict.Sight{Seq: u.Seq})
			case says(e, m.Plain[f], f):
				fits = append(fits, verdict.Sight{Seq: u.Seq, Plain: true})
			}
		}
	}
	if message.Families()[e.Channel] == incident.FamilyEmail {
		n := slices.IndexFunc(fits, func(s verdict.Sight) bool { return d.named(e, s.Seq) })
		if n < 0 {
			return s, false
		}
		return fits[n], true
	}
	for _, f := range fits {
		if f.Seq == e.Seq || s.Seq != e.Seq && f.Seq < e.Seq {
			s, ok = f, true
		}
	}
	return s, ok
}

// named reports whether a mail's Message-ID is that of an update.
func (d *driver) named(e embedded.Entry, seq int) bool {
	k := deliver.Key{Incident: e.Incident, Channel: e.Channel, Recipient: d.recipient(e.Channel, e.To)}
	return strings.HasPrefix(e.Headers["Message-ID"], "<"+deliver.EnvelopeKey(k, seq)+"@")
}

// places are what a stored mail leaves open for its reader: see [message.Resolve].
var places = regexp.MustCompile(`⟦[^⟧]*⟧\n?`)

// says reports whether a record says what was stored.
func says(e embedded.Entry, c message.Content, f incident.Family) bool {
	if c.Text == "" || e.Subject != c.Subject {
		return false
	}
	if f != incident.FamilyEmail {
		return e.Text == c.Text
	}
	text := e.Text
	for n, part := range places.Split(c.Text, -1) {
		at := strings.Index(text, part)
		if at < 0 || n == 0 && at > 0 {
			return false
		}
		text = text[at+len(part):]
	}
	return text == "" || places.MatchString(c.Text)
}
