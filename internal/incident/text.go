package incident

import (
	"maps"
	"strings"
)

// Locale is a language that readers are written to in, such as "ja" or "en".
type Locale string

// Text is one thing said in several languages. Each value is a whole sentence
// or name written by a person, never glued from parts.
type Text map[Locale]string

// In answers the text in a locale, and whether there is one.
func (t Text) In(l Locale) (string, bool) {
	s := strings.TrimSpace(t[l])
	return s, s != ""
}

// Clone answers a copy that shares nothing with t.
func (t Text) Clone() Text { return maps.Clone(t) }

// Empty reports whether no locale has words.
func (t Text) Empty() bool {
	for _, s := range t {
		if strings.TrimSpace(s) != "" {
			return false
		}
	}
	return true
}
