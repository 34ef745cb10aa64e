package message

import (
	"fmt"
	"html/template"
	"strings"
	"sync"

	"shirase/internal/incident"
	"shirase/internal/plan"
)

// page is the frame of a mail in HTML. It is a whole document that works
// without images, and it is well-formed, so that a test can read it strictly.
var page = sync.OnceValues(func() (*template.Template, error) {
	return template.ParseFS(files, "templates/frame/email.html.tmpl")
})

// A sheet is what a mail consists of. Both forms are made from it, so that
// they always say the same.
type sheet struct {
	Locale   incident.Locale
	Title    string
	Body     []paragraph
	More     string
	Link     string
	Heading  string
	Timeline []string
	Footer   []string
	// Links is the place of the reader's own links, empty where there are none.
	Links string
	// Rest is what stands after the link.
	Rest []paragraph
	// bullet begins a line of the timeline in plain text.
	bullet string
}

func email(d draft, a plan.Audience) (Content, error) {
	v, la := d.view, d.c.language
	s := sheet{
		Locale: la.locale, Title: v.Title(), Body: d.body, More: la.Footer.More, Link: v.Link,
		Heading: la.Timeline.Heading, Timeline: timeline(v), Links: linksToken, bullet: la.Bullet,
	}
	s.Footer = footer(la, v.Org, v.Contact)
	if a.Public {
		s.Footer = append(s.Footer, fill(la.Footer.Why, "org", v.Org))
	} else {
		s.Footer = append(s.Footer, fill(la.Footer.WhyAudience, "org", v.Org, "audience", audienceName(la, a)))
	}
	return s.content()
}

func footer(la *language, org, contact string) []string {
	out := []string{fill(la.Footer.Sender, "org", org)}
	if contact != "" {
		out = append(out, fill(la.Footer.Contact, "contact", contact))
	}
	return out
}

func audienceName(la *language, a plan.Audience) string {
	if s, ok := worded(a.Name, la.locale); ok {
		return s
	}
	if s, ok := la.Audiences[string(a.ID)]; ok {
		return s
	}
	return oneLine(string(a.ID))
}

// content writes the sheet as plain text and as HTML.
func (s sheet) content() (Content, error) {
	var b strings.Builder
	b.WriteString(flat(s.Body) + "\n\n")
	if s.Link != "" {
		b.WriteString(s.More + " " + s.Link + "\n\n")
	}
	if len(s.Rest) > 0 {
		b.WriteString(flat(s.Rest) + "\n\n")
	}
	if len(s.Timeline) > 0 {
		b.WriteString(s.Heading + "\n")
		for _, l := range s.Timeline {
			b.WriteString(s.bullet + l + "\n")
		}
		b.WriteString("\n")
	}
	b.WriteString("--\n" + strings.Join(s.Footer, "\n") + "\n")
	if s.Links != "" {
		b.WriteString(s.Links + "\n")
	}
	tmpl, err := page()
	if err != nil {
		return Content{}, fmt.Errorf("read the frame of a mail: %w", err)
	}
	var h strings.Builder
	if err := tmpl.Execute(&h, s); err != nil {
		return Content{}, fmt.Errorf("write a mail in HTML: %w", err)
	}
	return Content{Subject: s.Title, Text: b.String(), HTML: h.String()}, nil
}
