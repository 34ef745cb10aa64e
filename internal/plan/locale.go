package plan

import (
	"embed"
	"fmt"
	"sync"
	"time"

	"shirase/internal/incident"
	"shirase/internal/locale"
)

//go:embed locales
var localeFiles embed.FS

// words is what this package itself says to people in one locale.
type words struct {
	Audiences  map[incident.Audience]string `json:"audiences"`
	Channels   map[incident.Channel]string  `json:"channels"`
	Severities map[incident.Severity]string `json:"severities"`
	Events     map[Event]string             `json:"events"`
	Locales    map[incident.Locale]string   `json:"locales"`
	// Page holds the words of the printed page, Questions those of Init.
	Page      map[string]string `json:"page"`
	Duration  map[string]string `json:"duration"`
	Questions map[string]string `json:"questions"`
	// File holds the comments of the file that Init writes.
	File map[string]string `json:"file"`
	// Sample is the component that Init begins with.
	Sample struct {
		Name   string `json:"name"`
		Effect string `json:"effect"`
	} `json:"sample"`
}

// Locales lists the locales that texts exist for.
func Locales() []incident.Locale { return []incident.Locale{"ja", "en"} }

// lexicons reads the locale files once, on first use.
var lexicons = sync.OnceValue(func() map[incident.Locale]words {
	out := make(map[incident.Locale]words, len(Locales()))
	for _, l := range Locales() {
		out[l] = mustWords(l)
	}
	return out
})

// mustWords reads one embedded locale file; a fault in it is a bug.
func mustWords(l incident.Locale) words {
	var w words
	if err := locale.Read(localeFiles, string(l), &w); err != nil {
		panic(err)
	}
	return w
}

func lexicon(l incident.Locale) words { return lexicons()[l] }

// span says a duration in the largest units that leave nothing over.
func (w words) span(d time.Duration) string {
	unit, n := "second", int(d/time.Second)
	switch {
	case d%time.Hour == 0 && d > 0:
		unit, n = "hour", int(d/time.Hour)
	case d%time.Minute == 0 && d > 0:
		unit, n = "minute", int(d/time.Minute)
	}
	if n != 1 {
		unit += "s"
	}
	return fmt.Sprintf(w.Duration[unit], n)
}
