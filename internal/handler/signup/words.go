package signup

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"

	"golang.org/x/text/language"

	"shirase/internal/locale"
)

//go:embed locales templates assets
var files embed.FS

// languages are the languages of the pages, first one first.
var languages = []string{"ja", "en"}

// words are the texts of one language, by name.
type words map[string]string

// loadWords reads every locale file, once.
var loadWords = sync.OnceValues(func() (map[string]words, error) {
	all := map[string]words{}
	for _, lang := range languages {
		var w words
		if err := locale.Read(files, lang, &w); err != nil {
			return nil, err
		}
		all[lang] = w
	}
	return all, nil
})

// say answers a text with its places filled in from pairs of name and value. An
// unknown name is an error, so that no page is shown with a gap.
func (w words) say(name string, pairs ...string) (string, error) {
	s, ok := w[name]
	if !ok {
		return "", fmt.Errorf("no words for %q", name)
	}
	for n := 0; n+1 < len(pairs); n += 2 {
		pairs[n] = "{" + pairs[n] + "}"
	}
	return strings.NewReplacer(pairs...).Replace(s), nil
}

// consent names the text of consent as it was shown, so that the ledger proves
// which it was.
func (w words) consent(lang string) string {
	sum := sha256.Sum256([]byte(w["consent"]))
	return lang + "-" + hex.EncodeToString(sum[:6])
}

// maxAccept bounds what is read of an Accept-Language header.
const maxAccept = 200

// languageOf answers the language of a page: the one asked for by name, else the
// browser's, else the organisation's first that we have, else the first of all.
func languageOf(r *http.Request, asked string, organisation []string) string {
	if has(asked) {
		return asked
	}
	if accept := r.Header.Get("Accept-Language"); len(accept) <= maxAccept {
		tags, weights, err := language.ParseAcceptLanguage(accept)
		for n, t := range tags {
			if base, _ := t.Base(); err == nil && weights[n] > 0 && has(base.String()) {
				return base.String()
			}
		}
	}
	for _, lang := range organisation {
		if has(lang) {
			return lang
		}
	}
	return languages[0]
}

func has(lang string) bool { return slices.Contains(languages, lang) }
