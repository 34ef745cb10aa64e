package plan

import (
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"

	"shirase/internal/incident"
)

// scalar answers a node as the text it was written as: an account number or a
// phone number without quotes is a number to YAML, and text to us.
func scalar(n ast.Node) (string, bool) {
	switch v := n.(type) {
	case *ast.StringNode:
		return v.Value, true
	case *ast.LiteralNode:
		return v.Value.Value, true
	case *ast.IntegerNode:
		return v.Token.Value, true
	case *ast.FloatNode:
		return v.Token.Value, true
	}
	return "", false
}

// word reads one line of text.
func (r *reader) word(i item) (string, bool) {
	s, ok := scalar(i.node)
	if !ok {
		r.fault(i, "must be text")
		return "", false
	}
	s = strings.TrimSpace(s)
	switch {
	case s == "":
		r.fault(i, "is empty")
	case strings.ContainsFunc(s, func(c rune) bool { return unicode.IsControl(c) || unicode.Is(unicode.Bidi_Control, c) }):
		r.fault(i, "must be one line without control characters")
	case utf8.RuneCountInString(s) > maxWord:
		r.fault(i, "is longer than %d characters", maxWord)
	case credential(s):
		r.fault(i, "looks like a credential; a plan holds the names of secrets only")
	default:
		return s, true
	}
	return "", false
}

// maxWord is the longest single value.
const maxWord = 400

// truth reads true or false.
func (r *reader) truth(i item) bool {
	b, ok := i.node.(*ast.BoolNode)
	if !ok {
		r.fault(i, "must be true or false")
		return false
	}
	return b.Value
}

// id reads an identifier.
func (r *reader) id(i item) (string, bool) {
	s, ok := r.word(i)
	if !ok {
		return "", false
	}
	bad := func(c rune) bool { return (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' }
	if len(s) > 40 || strings.ContainsFunc(s, bad) || s[0] == '-' || s[len(s)-1] == '-' {
		r.fault(i, "must be of small letters a-z, digits and inner hyphens, at most 40")
		return "", false
	}
	return s, true
}

// choice reads one of a closed list of words.
func choice[T ~string](r *reader, i item, allowed ...T) (T, bool) {
	s, ok := r.word(i)
	if !ok {
		return "", false
	}
	if slices.Contains(allowed, T(s)) {
		return T(s), true
	}
	r.fault(i, "must be %s", either(allowed))
	return "", false
}

// either joins words as in "a, b or c".
func either[T ~string](words []T) string {
	var b strings.Builder
	for n, w := range words {
		switch {
		case n == 0:
		case n == len(words)-1:
			b.WriteString(" or ")
		default:
			b.WriteString(", ")
		}
		b.WriteString(string(w))
	}
	return b.String()
}

// known reads a word that must name something the file, or the program, has.
// Where the list it refers to is itself at fault nothing is said.
func known[T ~string](r *reader, i item, what string, has []T) (T, bool) {
	s, ok := r.word(i)
	if !ok {
		return "", false
	}
	if slices.Contains(has, T(s)) {
		return T(s), true
	}
	if !r.wide[what] {
		there := "none is declared"
		if len(has) > 0 {
			there = "known: " + shorten(has)
		}
		r.fault(i, "names no %s; %s", what, there)
	}
	return "", false
}

// shorten joins names, and stops where a list grows long.
func shorten[T ~string](names []T) string {
	const most = 12
	parts := make([]string, 0, most+1)
	for n, name := range names {
		if n == most {
			parts = append(parts, "…")
			break
		}
		parts = append(parts, string(name))
	}
	return strings.Join(parts, ", ")
}

// maxDuration is the longest duration a plan may name.
const maxDuration = 30 * 24 * time.Hour

// duration reads a duration such as 15m.
func (r *reader) duration(i item, least time.Duration) (time.Duration, bool) {
	s, ok := r.word(i)
	if !ok {
		return 0, false
	}
	d, err := time.ParseDuration(s)
	switch {
	case err != nil:
		r.fault(i, "must be a duration such as 90s, 15m or 1h30m")
	case d < least || d > maxDuration || d%time.Second != 0:
		r.fault(i, "must be from %s to 720h, in whole seconds", short(least))
	default:
		return d, true
	}
	return 0, false
}

// short prints a duration as people write it: 15m, not 15m0s.
func short(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = s[:len(s)-2]
	}
	if strings.HasSuffix(s, "h0m") {
		s = s[:len(s)-2]
	}
	return s
}

// text reads a text for every locale of the organisation. One text alone is
// enough where there is one locale, or where it is a name that is the same in
// every language.
func (r *reader) text(i item, longest int, same bool) incident.Text {
	out := incident.Text{}
	locales := r.plan.Organisation.Locales
	if _, ok := scalar(i.node); ok {
		if len(locales) > 1 && !same {
			r.fault(i, "must have one text per locale: {%s}", sample(locales))
			return out
		}
		if s, ok := r.line(i, longest); ok {
			for _, l := range locales {
				out[l] = s
			}
		}
		return out
	}
	ps, ok := r.pairs(i, "a text, or one per locale: {"+sample(locales)+"}")
	if !ok {
		return out
	}
	for _, p := range ps {
		if !slices.Contains(locales, incident.Locale(p.key)) {
			if !r.wide[refLocale] {
				r.fault(p.name, "is not a locale of the organisation; it has %s", shorten(locales))
			}
			continue
		}
		if s, ok := r.line(p.value, longest); ok {
			out[incident.Locale(p.key)] = s
		}
	}
	for _, l := range locales {
		if _, ok := out[l]; !ok && !r.faulty(i.child(string(l))) {
			r.fault(item{i.node, i.child(string(l))}, "is missing")
		}
	}
	return out
}

func sample(locales []incident.Locale) string {
	parts := make([]string, len(locales))
	for n, l := range locales {
		parts[n] = string(l) + ": …"
	}
	return strings.Join(parts, ", ")
}

// line reads a text that readers see, of bounded length.
func (r *reader) line(i item, longest int) (string, bool) {
	s, ok := r.word(i)
	if ok && utf8.RuneCountInString(s) > longest {
		r.fault(i, "is longer than %d characters", longest)
		return "", false
	}
	return s, ok
}
