package web_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"shirase/internal/handler/web"
	"shirase/internal/handler/web/webtest"
	"shirase/internal/incident"
	"shirase/internal/message"
)

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

func TestClock(t *testing.T) {
	t.Parallel()
	tokyo, london, delhi := zone(t, "Asia/Tokyo"), zone(t, "Europe/London"), zone(t, "Asia/Kolkata")
	at := time.Date(2026, 9, 14, 15, 7, 30, 0, time.UTC)
	for _, c := range []struct {
		name  string
		clock web.Clock
		at    time.Time
		want  string
	}{
		{"ja", web.NewClock("ja", tokyo, nil), at, "9月15日(火)00:07"},
		{"ja with years", web.NewClock("ja", tokyo, nil).Years(), at, "2026年9月15日(火)00:07"},
		{"ja read in London", web.NewClock("ja", tokyo, london), at, "9月15日(火)00:07(お手元の時刻で9月14日(月)16:07)"},
		{"en, another day in UTC", web.NewClock("en", tokyo, nil), at, "00:07 JST on Tue 15 Sep (15:07 UTC on Mon 14 Sep)"},
		{"en", web.NewClock("en", tokyo, nil), at.Add(10 * time.Hour), "10:07 JST (01:07 UTC) on Tue 15 Sep"},
		{"en with years", web.NewClock("en", tokyo, nil).Years(), at.Add(10 * time.Hour), "10:07 JST (01:07 UTC) on Tue 15 Sep 2026"},
		{"en read in London", web.NewClock("en", tokyo, london), at.Add(10 * time.Hour), "10:07 JST (02:07 your time) on Tue 15 Sep"},
		{"en read at home", web.NewClock("en", tokyo, tokyo), at, "00:07 JST on Tue 15 Sep"},
		{"en of UTC", web.NewClock("en", nil, nil), at, "15:07 UTC on Mon 14 Sep"},
		{"en of London in summer", web.NewClock("en", london, nil), at, "16:07 BST (15:07 UTC) on Mon 14 Sep"},
		{"en of Delhi", web.NewClock("en", delhi, nil), at, "20:37 IST (15:07 UTC) on Mon 14 Sep"},
	} {
		if got := c.clock.At(c.at); got != c.want {
			t.Errorf("%s: At() = %q, want %q", c.name, got, c.want)
		}
	}
	if got, want := web.NewClock("ja", tokyo, nil).Machine(at), "2026-09-14T15:07:30Z"; got != want {
		t.Errorf("Machine() = %q, want %q", got, want)
	}
}

func TestZone(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 9, 14, 15, 7, 0, 0, time.UTC)
	for _, c := range []struct {
		locale incident.Locale
		zone   *time.Location
		want   string
	}{
		{"ja", zone(t, "Asia/Tokyo"), "日本時間"},
		{"en", zone(t, "Asia/Tokyo"), "Japan time (JST)"},
		{"en", zone(t, "Europe/London"), "BST"},
		{"en", zone(t, "America/Sao_Paulo"), "UTC-3"},
		{"en", zone(t, "Asia/Kathmandu"), "UTC+5:45"},
		{"ja", time.UTC, "協定世界時(UTC)"},
	} {
		if got := web.NewClock(c.locale, c.zone, nil).Zone(at); got != c.want {
			t.Errorf("Zone(%s, %s) = %q, want %q", c.locale, c.zone, got, c.want)
		}
	}
}

func TestLocalesSayTheSame(t *testing.T) {
	t.Parallel()
	// How a time is put together differs by language.
	webtest.Parity(t, os.DirFS("."), "at", "at_off", "date", "date_year", "aside_utc", "aside_utc_day", "aside_mine_day")
}

func TestWords(t *testing.T) {
	t.Parallel()
	w := web.Load(os.DirFS("testdata"))("en")
	for _, c := range []struct {
		key   string
		pairs []string
		want  string
	}{
		{"hello", []string{"name", "Ada"}, "Hello, Ada!"},
		{"hello", []string{"name", "{name} {other}"}, "Hello, {name} {other}!"},
		{"plain", nil, "Nothing to fill in."},
	} {
		if got, err := w.Say(c.key, c.pairs...); err != nil || got != c.want {
			t.Errorf("Say(%q, %q) = %q, %v, want %q", c.key, c.pairs, got, err, c.want)
		}
	}
	if got, err := w.Say("missing"); err == nil {
		t.Errorf("Say(missing) = %q, want an error", got)
	}
	if got := w.Name("color", "red"); got != "Red" {
		t.Errorf("Name(color, red) = %q, want Red", got)
	}
	if got := w.Name("color", incident.Channel("beige")); got != "beige" {
		t.Errorf("Name(color, beige) = %q, want beige", got)
	}
	if got := w.Locale(); got != "en" {
		t.Errorf("Locale() = %q, want en", got)
	}
}

func TestAssets(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(web.Assets{})
	defer server.Close()
	for _, c := range []struct {
		method, path string
		status       int
		kind         string
		empty        bool
	}{
		{http.MethodGet, web.Style(), http.StatusOK, "text/css; charset=utf-8", false},
		{http.MethodHead, web.Style(), http.StatusOK, "text/css; charset=utf-8", true},
		{http.MethodPost, web.Style(), http.StatusMethodNotAllowed, "text/plain; charset=utf-8", false},
		{http.MethodGet, web.Prefix + "style-0.css", http.StatusNotFound, "text/plain; charset=utf-8", false},
		{http.MethodGet, web.Prefix + "../style.css", http.StatusNotFound, "text/plain; charset=utf-8", false},
	} {
		req, err := http.NewRequestWithContext(t.Context(), c.method, server.URL+c.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(resp.Body)
		if err := errors.Join(err, resp.Body.Close()); err != nil {
			t.Fatal(err)
		}
		if resp.StatusCode != c.status || resp.Header.Get("Content-Type") != c.kind || (len(b) == 0) != c.empty {
			t.Errorf("%s %s = %d, %q, empty %t, want %d, %q, %t", c.method, c.path,
				resp.StatusCode, resp.Header.Get("Content-Type"), len(b) == 0, c.status, c.kind, c.empty)
		}
		if resp.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s %s may be sniffed", c.method, c.path)
		}
	}
}

func TestStyleLoadsNothing(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	web.Assets{}.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, web.Style(), nil))
	for _, word := range []string{"url(", "@import", "http:", "https:", "expression"} {
		if strings.Contains(w.Body.String(), word) {
			t.Errorf("the stylesheet holds %q", word)
		}
	}
	for _, word := range []string{"prefers-color-scheme: dark", ":focus-visible", "color-scheme: light dark"} {
		if !strings.Contains(w.Body.String(), word) {
			t.Errorf("the stylesheet holds no %q", word)
		}
	}
}

func TestCrossSite(t *testing.T) {
	t.Parallel()
	const base = "https://status.minato.test:8443/sub"
	for _, c := range []struct {
		site, origin string
		want         bool
	}{
		{"", "", false},
		{"same-origin", "", false},
		{"none", "", false},
		{"same-site", "", true},
		{"cross-site", "https://status.minato.test:8443", true},
		{"something new", "", true},
		{"", "https://status.minato.test:8443", false},
		{"", "https://status.minato.test", true},
		{"", "http://status.minato.test:8443", true},
		{"", "null", true},
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/act/x", nil)
		r.Host = "evil.test"
		r.Header.Set("Sec-Fetch-Site", c.site)
		r.Header.Set("Origin", c.origin)
		if got := web.CrossSite(r, base); got != c.want {
			t.Errorf("CrossSite(%q, %q) = %t, want %t", c.site, c.origin, got, c.want)
		}
	}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/act/x", nil)
	r.Header.Set("Origin", "https://evil.test")
	r.Host = "evil.test"
	if !web.CrossSite(r, "") {
		t.Error("CrossSite() without a public URL = false, want true: the Host header proves nothing")
	}
}

func TestUnder(t *testing.T) {
	t.Parallel()
	for base, want := range map[string]string{
		"https://status.minato.test": "", "https://status.minato.test/": "", "https://minato.test/status/": "/status",
		"https://minato.test/a/b c": "/a/b%20c", "": "", "://": "",
	} {
		if got := web.Under(base); got != want {
			t.Errorf("Under(%q) = %q, want %q", base, got, want)
		}
	}
}

func TestParagraphs(t *testing.T) {
	t.Parallel()
	got := web.Paragraphs("One. https://a.test/x?y=1&z=2.\nTwo\n\n\n (https://b.test) \n")
	want := [][]web.Line{
		{{{Text: "One. "}, {Text: "https://a.test/x?y=1&z=2", Link: true}, {Text: "."}}, {{Text: "Two"}}},
		{{{Text: "("}, {Text: "https://b.test", Link: true}, {Text: ")"}}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Paragraphs() differs (-want +got):\n%s", diff)
	}
}

func TestParagraphsKeepEveryWord(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in := rapid.StringMatching(`(a|。|https://|"|<| |\n|\.|\)|é)*`).Draw(t, "text")
		var out strings.Builder
		for _, p := range web.Paragraphs(in) {
			for _, l := range p {
				for _, s := range l {
					out.WriteString(s.Text)
					if s.Link && !strings.HasPrefix(s.Text, "http") {
						t.Fatalf("Paragraphs(%q) makes a link of %q", in, s.Text)
					}
				}
			}
		}
		drop := func(s string) string { return strings.Join(strings.Fields(s), "") }
		if got, want := drop(out.String()), drop(in); got != want {
			t.Fatalf("Paragraphs(%q) = %q, want %q", in, got, want)
		}
	})
}

func TestBody(t *testing.T) {
	t.Parallel()
	mail := message.Content{Subject: "Mail", Text: "mail text\n⟦links⟧\n"}
	for _, c := range []struct{ name, hook, title, text string }{
		{"event", `{"data":{"title":"T","text":"a\nb"}}`, "T", "a\nb"},
		{"none", "", "Mail", "mail text\n"},
		{"no text in it", `{"data":{"title":"T"}}`, "Mail", "mail text\n"},
		{"broken", `{"data":`, "Mail", "mail text\n"},
	} {
		title, text := web.Body(map[incident.Family]message.Content{
			incident.FamilyEmail: mail, incident.FamilyWebhook: {Text: c.hook},
		}, "en")
		if title != c.title || text != c.text {
			t.Errorf("%s: Body() = %q, %q, want %q, %q", c.name, title, text, c.title, c.text)
		}
	}
}
