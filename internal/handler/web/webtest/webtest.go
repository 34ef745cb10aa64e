// Package webtest checks in tests what every page for people must keep to: that
// it is well formed, runs and loads nothing, can be read by a screen reader, and
// says the same things in every locale.
package webtest

import (
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"shirase/internal/locale"
)

var update = flag.Bool("update", false, "write the golden files anew")

// A Page is a page that was read.
type Page struct {
	// Text is all that a reader sees, with each run of white space as one space.
	Text string
	// Values are the values of named inputs, text areas and chosen options.
	Values map[string]string
	// Buttons are the values of buttons.
	Buttons []string
	// Links are the targets of links.
	Links []string
	// Invalid are the names of inputs that are marked as wrong.
	Invalid []string
}

// elements are the only ones that a page may hold.
var elements = strings.Fields(`html head meta title link body header main footer nav section h1 h2 h3 h4 p a br span strong
	ul ol li dl dt dd time details summary pre div form fieldset legend label input select option textarea button`)

// Read reads a page strictly: each element is closed, is one of those that only
// show something, and carries no style, script or handler of its own. There is
// one main heading, no level of heading is skipped, and every input has a label.
func Read(t *testing.T, body string) *Page {
	t.Helper()
	if !strings.HasPrefix(body, "<!DOCTYPE html>") {
		t.Errorf("the page begins with %.20q, want a doctype", body)
	}
	r := reader{t: t, page: &Page{Values: map[string]string{}}, ids: map[string]bool{}, labels: map[string]bool{}}
	d := xml.NewDecoder(strings.NewReader(body))
	d.Strict, d.AutoClose, d.Entity = false, []string{"meta", "link", "br", "input"}, xml.HTMLEntity
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("the page is not well formed: %v\n%s", err, body)
		}
		switch e := token.(type) {
		case xml.StartElement:
			r.start(e)
		case xml.EndElement:
			r.end(e.Name.Local)
		case xml.CharData:
			r.words(string(e))
		case xml.Comment:
			t.Errorf("the page holds a comment: %s", e)
		}
	}
	if len(r.open) > 0 {
		t.Errorf("left open: %v", r.open)
	}
	for _, name := range r.inputs {
		if !r.labels[name] {
			t.Errorf("input %q has no label", name)
		}
	}
	for _, name := range r.refs {
		if !r.ids[name] {
			t.Errorf("the page refers to %q, which is nowhere", name)
		}
	}
	if r.h1 != 1 {
		t.Errorf("main headings = %d, want 1", r.h1)
	}
	r.page.Text = strings.Join(strings.Fields(r.text.String()), " ")
	return r.page
}

type reader struct {
	t            *testing.T
	page         *Page
	open         []string
	ids, labels  map[string]bool
	inputs, refs []string
	h1, level    int
	text         strings.Builder
	area, choice string
}

func (r *reader) start(e xml.StartElement) {
	r.t.Helper()
	name := e.Name.Local
	r.open = append(r.open, name)
	if !slices.Contains(elements, name) {
		r.t.Errorf("the page holds <%s>", name)
	}
	a := map[string]string{}
	for _, at := range e.Attr {
		k := at.Name.Local
		a[k] = at.Value
		if k == "style" || strings.HasPrefix(k, "on") || k == "src" || k == "srcset" {
			r.t.Errorf("<%s> has the attribute %s", name, k)
		}
		if (k == "href" || k == "action") && !plainTarget.MatchString(at.Value) {
			r.t.Errorf("<%s %s=%q> leads elsewhere", name, k, at.Value)
		}
	}
	if id := a["id"]; id != "" {
		if r.ids[id] {
			r.t.Errorf("id %q stands twice", id)
		}
		r.ids[id] = true
	}
	for _, k := range []string{"aria-labelledby", "aria-describedby", "for"} {
		if a[k] != "" {
			r.refs = append(r.refs, a[k])
		}
	}
	switch name {
	case "h1", "h2", "h3", "h4":
		level := int(name[1] - '0')
		if level > r.level+1 {
			r.t.Errorf("<%s> follows a heading of level %d", name, r.level)
		}
		if r.level = level; level == 1 {
			r.h1++
		}
	case "label":
		r.labels[a["for"]] = true
	case "a":
		r.page.Links = append(r.page.Links, a["href"])
	case "button":
		r.page.Buttons = append(r.page.Buttons, a["value"])
	case "form":
		if a["method"] != "post" {
			r.t.Errorf("a form has the method %q, want post", a["method"])
		}
	}
	r.input(name, a)
	r.text.WriteString(" ")
}

// plainTarget is where links and forms of a page may lead.
var plainTarget = regexp.MustCompile(`^(/[^/]|#|\?|https?://)`)

func (r *reader) input(name string, a map[string]string) {
	switch name {
	case "input", "select", "textarea":
	case "option":
		if _, ok := a["selected"]; ok {
			r.page.Values[r.choice] = a["value"]
		}
		return
	default:
		return
	}
	if a["type"] != "hidden" {
		r.inputs = append(r.inputs, a["id"])
	}
	if a["aria-invalid"] == "true" {
		r.page.Invalid = append(r.page.Invalid, a["name"])
	}
	switch name {
	case "input":
		r.page.Values[a["name"]] = a["value"]
	case "select":
		r.choice = a["name"]
	case "textarea":
		r.area = a["name"]
		r.page.Values[r.area] = ""
	}
}

func (r *reader) end(name string) {
	if n := len(r.open) - 1; n >= 0 && r.open[n] == name {
		r.open = r.open[:n]
	} else {
		r.t.Errorf("</%s> closes %v", name, r.open)
	}
	if name == "textarea" {
		r.area = ""
	}
	r.text.WriteString(" ")
}

func (r *reader) words(s string) {
	if r.area != "" {
		r.page.Values[r.area] += strings.TrimPrefix(s, "\n") // a browser drops the first newline
		return
	}
	r.text.WriteString(s)
}

// Golden compares a page with its golden file. With -update it writes the file,
// which is then to be looked at.
func Golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file) //nolint:gosec // the test names it
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs (-want +got); if it is right, run with -update:\n%s", name, diff)
	}
}

var place = regexp.MustCompile(`\{[a-z_]+\}`)

// Parity checks that the locale files hold the same keys with the same places,
// and that none is empty but those that are empty in purpose.
func Parity(t *testing.T, files fs.FS, empty ...string) {
	t.Helper()
	names := locale.Languages(files)
	if len(names) < 2 {
		t.Fatalf("locale files = %v, want two or more", names)
	}
	type pattern struct {
		Places []string
		Empty  bool
	}
	var first map[string]pattern
	for _, name := range names {
		var words map[string]string
		if err := locale.Read(files, name, &words); err != nil {
			t.Fatal(err)
		}
		got := map[string]pattern{}
		for k, s := range words {
			p := pattern{}
			if !slices.Contains(empty, k) {
				p = pattern{place.FindAllString(s, -1), strings.TrimSpace(s) == ""}
				slices.Sort(p.Places)
			}
			got[k] = p
			if p.Empty {
				t.Errorf("%s: %q is empty", name, k)
			}
		}
		if first == nil {
			first = got
		} else if diff := cmp.Diff(first, got); diff != "" {
			t.Errorf("%s and %s differ:\n%s", names[0], name, diff)
		}
	}
}

// Secure checks the headers of a page.
func Secure(t *testing.T, h http.Header) {
	t.Helper()
	for k, want := range map[string]string{
		"Content-Security-Policy": "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
		"X-Content-Type-Options":  "nosniff",
		"X-Frame-Options":         "DENY",
		"Referrer-Policy":         "strict-origin",
		"Content-Type":            "text/html; charset=utf-8",
	} {
		if got := h.Get(k); got != want {
			t.Errorf("%s = %q, want %q", k, got, want)
		}
	}
	if got := h.Values("Set-Cookie"); len(got) > 0 {
		t.Errorf("the page sets %d cookies", len(got))
	}
}
