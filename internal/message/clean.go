package message

import (
	"strings"
	"unicode"

	"shirase/internal/incident"
)

// Two separators that no data can hold, since clean takes them out: they carry
// a person's line and paragraph breaks through a template, whose own newlines
// only separate sentences.
const (
	lineBreak      = "\u2028"
	paragraphBreak = "\u2029"
)

var breaks = strings.NewReplacer("\r\n", "\n", "\r", "\n", lineBreak, "\n", paragraphBreak, "\n\n", "\u0085", "\n",
	"\t", " ", tokenOpen, "[", tokenClose, "]")

// clean makes a text from outside safe to put anywhere: valid UTF-8, no control
// character, nothing that turns the direction of writing, and none of the
// brackets that tokens are made of. Newlines become "\n".
func clean(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	s = breaks.Replace(s)
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n':
			return r
		case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r), r == '\uFEFF', r >= 0xFFF9 && r <= 0xFFFB, r&0xFFFE == 0xFFFE:
			return -1
		}
		return r
	}, s)
}

// oneLine is clean for what has no line breaks of its own: names, facts and
// everything that reaches a header.
func oneLine(s string) string { return strings.Join(strings.Fields(clean(s)), " ") }

// prose is clean for what a person wrote in lines and paragraphs.
func prose(s string) string {
	var paragraphs []string
	for p := range strings.SplitSeq(clean(s), "\n\n") {
		var lines []string
		for l := range strings.SplitSeq(p, "\n") {
			if l = strings.Join(strings.Fields(l), " "); l != "" {
				lines = append(lines, l)
			}
		}
		if len(lines) > 0 {
			paragraphs = append(paragraphs, strings.Join(lines, lineBreak))
		}
	}
	return strings.Join(paragraphs, paragraphBreak)
}

// worded answers the words of a locale on one line, and whether there are any.
func worded(t incident.Text, l incident.Locale) (string, bool) {
	s, _ := t.In(l)
	s = oneLine(s)
	return s, s != ""
}

// A paragraph is a list of lines.
type paragraph []string

// pilcrow on a line of its own ends a paragraph in a template.
const pilcrow = "¶"

// paragraphs reads what a template put out: a pilcrow ends a paragraph, a
// newline only separates sentences, which are joined as the locale does.
func paragraphs(out, join string) []paragraph {
	var ps []paragraph
	out = strings.ReplaceAll(out, paragraphBreak, "\n"+pilcrow+"\n")
	var sentences []string
	flush := func() {
		var p paragraph
		for l := range strings.SplitSeq(strings.Join(sentences, join), lineBreak) {
			if l = strings.TrimSpace(l); l != "" {
				p = append(p, l)
			}
		}
		if len(p) > 0 {
			ps = append(ps, p)
		}
		sentences = nil
	}
	for l := range strings.SplitSeq(out, "\n") {
		switch l = strings.Trim(l, " "); l {
		case "":
		case pilcrow:
			flush()
		default:
			sentences = append(sentences, l)
		}
	}
	flush()
	return ps
}

// flat writes paragraphs as plain text.
func flat(ps []paragraph) string {
	out := make([]string, len(ps))
	for n, p := range ps {
		out[n] = strings.Join(p, "\n")
	}
	return strings.Join(out, "\n\n")
}
