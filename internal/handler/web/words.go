package web

import (
	"fmt"
	"io/fs"
	"strings"
	"sync"

	"shirase/internal/incident"
	"shirase/internal/locale"
)

// Words is what a page says in one locale: patterns by key, whose places stand
// in braces.
type Words struct {
	locale   incident.Locale
	patterns map[string]string
}

// Load reads the words of the embedded files when a locale is first
// asked for. A fault in an embedded file is a bug, so it panics.
func Load(files fs.FS) func(incident.Locale) Words {
	var mu sync.Mutex
	known := map[incident.Locale]Words{}
	return func(l incident.Locale) Words {
		mu.Lock()
		defer mu.Unlock()
		w, ok := known[l]
		if !ok {
			w = mustRead(files, l)
			known[l] = w
		}
		return w
	}
}

func mustRead(files fs.FS, l incident.Locale) Words {
	w := Words{locale: l}
	if err := locale.Read(files, string(l), &w.patterns); err != nil {
		panic(err)
	}
	return w
}

// Locale answers the locale of the words.
func (w Words) Locale() incident.Locale { return w.locale }

// Say answers the words of a key with values put into their places. Values are
// put in once and never read as patterns.
func (w Words) Say(key string, pairs ...string) (string, error) {
	p, ok := w.patterns[key]
	if !ok {
		return "", fmt.Errorf("locale %s has no words for %q", w.locale, key)
	}
	return fill(p, pairs...), nil
}

// Name answers the words of a closed list, such as "channel" and "email", or
// the name itself where the list does not hold it.
func (w Words) Name(list string, name any) string {
	s := fmt.Sprint(name)
	if p, ok := w.patterns[list+"_"+s]; ok {
		return p
	}
	return s
}

func fill(pattern string, pairs ...string) string {
	with := make([]string, len(pairs))
	for n, s := range pairs {
		if n%2 == 0 {
			s = "{" + s + "}"
		}
		with[n] = s
	}
	return strings.NewReplacer(with...).Replace(pattern)
}
