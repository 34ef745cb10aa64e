package main

import (
	"bytes"
	"encoding/json"
	"net/url"
	"regexp"
	"strings"

	"shirase/internal/embedded"
	"shirase/internal/message"
)

// A stretch is a piece of a text, or a link in it.
type stretch struct {
	Text string
	Link bool
}

var linkPattern = regexp.MustCompile(`https?://[!-~]+`)

// stretches cuts a text where its links begin and end. Only http and https make
// a link; everything else stays text, and the template escapes all of it.
func stretches(text string) []stretch {
	var out []stretch
	add := func(s string, link bool) {
		if s != "" {
			out = append(out, stretch{s, link})
		}
	}
	at := 0
	for _, m := range linkPattern.FindAllStringIndex(text, -1) {
		// What ends a sentence, or stands around a link, is not part of it.
		raw := text[m[0]:m[1]]
		if n := strings.IndexAny(raw, `<>"`); n >= 0 {
			raw = raw[:n]
		}
		raw = strings.TrimRight(raw, `.,;:!?)'`)
		if u, err := url.Parse(raw); err != nil || u.Host == "" {
			continue
		}
		add(text[at:m[0]], false)
		add(raw, true)
		at = m[0] + len(raw)
	}
	add(text[at:], false)
	return out
}

// A shortMessage is what a phone makes of an SMS.
type shortMessage struct {
	Parts            int
	Coding           string
	Used, Room, Left int
}

// measure counts an SMS as a phone does. What is left is how many plain letters
// still fit into the same number of parts.
func measure(text string) shortMessage {
	parts, unicode := message.Parts(text)
	m := shortMessage{Parts: parts, Coding: "GSM-7"}
	if unicode {
		m.Coding = "UCS-2"
	}
	longer := func(n int) int { p, _ := message.Parts(text + strings.Repeat("a", n)); return p }
	for longer(m.Left+1) == parts {
		m.Left++
	}
	m.Room = room(parts, unicode)
	m.Used = m.Room - m.Left
	return m
}

// room answers how many plain letters so many parts hold.
func room(parts int, unicode bool) int {
	letter := "a"
	if unicode {
		letter = "あ"
	}
	for n := 0; ; n++ {
		if p, _ := message.Parts(strings.Repeat(letter, n+1)); p > parts {
			return n
		}
	}
}

// A jsonLine is a line of indented JSON, cut into what is coloured apart.
type jsonLine struct{ Indent, Key, Rest string }

var jsonKey = regexp.MustCompile(`^( *)("(?:[^"\\]|\\.)*":)?(.*)$`)

// pretty indents JSON; ok is false where the text is none.
func pretty(text string) (out []jsonLine, ok bool) {
	var b bytes.Buffer
	if err := json.Indent(&b, []byte(text), "", "  "); err != nil {
		return nil, false
	}
	for l := range strings.SplitSeq(b.String(), "\n") {
		m := jsonKey.FindStringSubmatch(l)
		out = append(out, jsonLine{m[1], m[2], m[3]})
	}
	return out, true
}

// edits answers the records of one post, oldest first: those that the entry
// took the place of, the entry, and those that took its place.
func edits(es []embedded.Entry, e embedded.Entry) []embedded.Entry {
	before, after := map[string]embedded.Entry{}, map[string]embedded.Entry{}
	for _, o := range es {
		before[o.ID] = o
		if o.Replaces != "" {
			after[o.Replaces] = o
		}
	}
	first := e
	for seen := map[string]bool{}; first.Replaces != "" && !seen[first.ID]; {
		seen[first.ID] = true
		o, ok := before[first.Replaces]
		if !ok {
			break
		}
		first = o
	}
	out := []embedded.Entry{first}
	for seen := map[string]bool{first.ID: true}; ; {
		o, ok := after[out[len(out)-1].ID]
		if !ok || seen[o.ID] {
			return out
		}
		seen[o.ID] = true
		out = append(out, o)
	}
}

// firstLine answers how a text begins, to tell cells apart.
func firstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	if rs := []rune(line); len(rs) > 80 {
		return string(rs[:80]) + "…"
	}
	return line
}
