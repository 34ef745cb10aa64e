package web

import (
	"regexp"
	"strings"
)

// A Line is a line of a text, cut where its links begin and end.
type Line []Span

// A Span is a stretch of plain text, or a link.
type Span struct {
	Text string
	Link bool
}

// urlPattern finds links as they stand in our texts: in ASCII, without quotes
// and angle brackets.
var urlPattern = regexp.MustCompile(`https?://[!#-&(-;=?-~]+`)

// Paragraphs reads a stored text: an empty line begins a paragraph.
func Paragraphs(text string) [][]Line {
	var out [][]Line
	var p []Line
	flush := func() {
		if len(p) > 0 {
			out = append(out, p)
		}
		p = nil
	}
	for l := range strings.SplitSeq(text, "\n") {
		if l = strings.TrimSpace(l); l == "" {
			flush()
			continue
		}
		p = append(p, spans(l))
	}
	flush()
	return out
}

func spans(l string) Line {
	var out Line
	at := 0
	add := func(s string, link bool) {
		if s != "" {
			out = append(out, Span{s, link})
		}
	}
	for _, m := range urlPattern.FindAllStringIndex(l, -1) {
		// What ends a sentence is not part of the link.
		end := m[0] + len(strings.TrimRight(l[m[0]:m[1]], `.,;:!?)`))
		add(l[at:m[0]], false)
		add(l[m[0]:end], true)
		at = end
	}
	add(l[at:], false)
	return out
}
