package plan

import (
	"embed"
	"fmt"
	"sync"
	"time"

	"github.com/goccy/go-yaml"

	"shirase/internal/incident"
)

//go:embed locales/*.yaml
var localeFiles embed.FS

// words is what this package itself says to people in one locale.
type words struct {
	Audiences  map[incident.Audience]string `yaml:"audiences"`
	Channels   map[incident.Channel]string  `yaml:"channels"`
	Severities map[incident.Severity]string `yaml:"severities"`
	Events     map[Event]string             `yaml:"events"`
	Locales    map[incident.Locale]string   `yaml:"locales"`
	// Page holds the words of the printed page, Questions those of Init.
	Page      map[string]string `yaml:"page"`
	Duration  map[string]string `yaml:"duration"`
	Questions map[string]string `yaml:"questions"`
	// File holds the comments of the file that Init writes.
	File map[string]string `yaml:"file"`
	// Sample is the component that Init begins with.
	Sample struct {
		Name   string `yaml:"name"`
		Effect string `yaml:"effect"`
	} `yaml:"sample"`
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
	b, err := localeFiles.ReadFile("locales/" + string(l) + ".yaml")
	if err != nil {
		panic(err)
	}
	var w words
	if err := yaml.UnmarshalWithOptions(b, &w, yaml.Strict()); err != nil {
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
