package web

import (
	"net/http"
	"slices"

	"golang.org/x/text/language"

	"shirase/internal/incident"
)

// maxAccept bounds how much of an Accept-Language header is read.
const maxAccept = 512

// Locale answers the language of a page: what the query asks for by lang, else
// what the browser likes best, else the first that is offered.
func Locale(r *http.Request, offered []incident.Locale) incident.Locale {
	if l := incident.Locale(r.URL.Query().Get("lang")); slices.Contains(offered, l) {
		return l
	}
	accept := r.Header.Get("Accept-Language")
	if accept == "" || len(accept) > maxAccept {
		return offered[0]
	}
	wanted, _, err := language.ParseAcceptLanguage(accept)
	if err != nil {
		return offered[0]
	}
	tags := make([]language.Tag, len(offered))
	for n, l := range offered {
		tags[n] = language.Make(string(l))
	}
	_, n, confidence := language.NewMatcher(tags).Match(wanted...)
	if confidence == language.No {
		return offered[0]
	}
	return offered[n]
}
