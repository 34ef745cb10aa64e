package message

import (
	"fmt"
	"html"
	"strings"
	"time"

	"shirase/internal/incident"
)

// Tokens stand between these brackets. No data can hold them: clean turns
// them into ordinary ones before anything is rendered.
const (
	tokenOpen  = "⟦"
	tokenClose = "⟧"
)

// The tokens: the reader's own links, a reader's time inside brackets that are
// there already, and one that brings its own.
const (
	tokenLinks = "links"
	tokenAnd   = "and"
	tokenTime  = "time"
)

// fallback is the language of the links of a reader whose own we do not write.
const fallback incident.Locale = "en"

// linksToken stands on a line of its own, which goes with it.
const linksToken = tokenOpen + tokenLinks + tokenClose

var tokenPattern = lazy(tokenOpen + `(links|and|time)(?: ([0-9TZ:-]+)/([0-9TZ:-]+))?` + tokenClose)

// unread closes the places for a reader's time, for what is no mail.
func unread(s string) string {
	if !strings.Contains(s, tokenOpen) {
		return s
	}
	return tokenPattern().ReplaceAllString(s, "")
}

func readerToken(name string, from, to time.Time) string {
	return fmt.Sprintf("%s%s %s/%s%s", tokenOpen, name, from.UTC().Format(time.RFC3339), to.UTC().Format(time.RFC3339), tokenClose)
}

// Resolve puts a reader's own links and times into a stored text. Where the
// reader has none, the places close without a trace. Only email holds such
// places; other families come back as they are.
func Resolve(c Content, f incident.Family, l incident.Locale, r Reader, orgZone *time.Location) Content {
	if f != incident.FamilyEmail {
		return c
	}
	la, err := languageOf(l)
	if err != nil {
		// A reader of a language we do not write still has a right to the links.
		if la, err = languageOf(fallback); err != nil {
			la, r = &language{}, Reader{}
		}
	}
	zone := readerZone(r.Zone, orgZone)
	plain := la.links(r, func(label, url string) string { return fill(label, "url", url) }, "\n")
	rich := la.links(r, func(label, url string) string {
		u := html.EscapeString(url)
		return fill(html.EscapeString(label), "url", `<a href="`+u+`">`+u+`</a>`)
	}, "<br/>")
	if rich != "" {
		rich = "<p>" + rich + "</p>"
	}
	c.Text = resolve(c.Text, plain, la, zone, orgZone)
	c.HTML = resolve(c.HTML, rich, la, zone, orgZone)
	return c
}

// links writes the lines that lead to the reader's own pages.
func (la *language) links(r Reader, line func(label, url string) string, join string) string {
	var out []string
	add := func(label, url string) {
		if url = oneLine(url); strings.HasPrefix(url, "https://") || strings.HasPrefix(url, "http://") {
			out = append(out, line(label, url))
		}
	}
	add(la.Footer.Manage, r.Manage)
	add(la.Footer.Unsubscribe, r.Unsubscribe)
	return strings.Join(out, join)
}

func resolve(text, links string, la *language, zone, orgZone *time.Location) string {
	if links == "" {
		text = strings.ReplaceAll(text, linksToken+"\n", "")
	}
	return tokenPattern().ReplaceAllStringFunc(text, func(tok string) string {
		m := tokenPattern().FindStringSubmatch(tok)
		if m[1] == tokenLinks {
			return links
		}
		from, err := time.Parse(time.RFC3339, m[2])
		if err != nil || zone == nil {
			return ""
		}
		to, err := time.Parse(time.RFC3339, m[3])
		if err != nil {
			return ""
		}
		return la.readerTime(m[1], from.In(zone), to.In(zone), orgZone)
	})
}

// readerZone answers the reader's zone, nil where it adds nothing.
func readerZone(name string, org *time.Location) *time.Location {
	if name == "" || name == "Local" || org != nil && org.String() == name {
		return nil
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return nil
	}
	return loc
}

// readerTime writes a time or a span in the reader's zone, nothing where the
// clocks there show the same.
func (la *language) readerTime(name string, from, to time.Time, org *time.Location) string {
	if org == nil {
		org = time.UTC
	}
	_, mine := from.Zone()
	if _, theirs := from.In(org).Zone(); mine == theirs {
		return ""
	}
	c := newClock(la, from.Location(), from.In(org))
	one := func(t time.Time) string {
		if sameDay(t, t.In(org)) {
			return hm(t)
		}
		return fill(la.Time.ReaderDay, "time", hm(t), "date", c.date(t))
	}
	at := one(from)
	if !from.Equal(to) {
		at += la.Time.Dash + one(to)
	}
	p := la.Time.Reader
	if name == tokenAnd {
		p = la.Time.ReaderAnd
	}
	return fill(p, "time", at)
}
