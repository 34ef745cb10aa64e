package action_test

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"shirase/internal/announce"
	"shirase/internal/handler/action"
	"shirase/internal/token"
)

func TestLinks(t *testing.T) {
	t.Parallel()
	tokens, err := token.New(token.Key{ID: "1", Secret: []byte("a secret of this test")})
	if err != nil {
		t.Fatal(err)
	}
	for _, base := range []string{"https://status.minato.test", "https://status.minato.test/"} {
		l := action.Links{Base: base, Tokens: tokens}
		if got, want := l.Incident("inc-1"), "https://status.minato.test/i/inc-1"; got != want {
			t.Errorf("Incident(inc-1) = %q, want %q", got, want)
		}
		got := l.Draft("d1", "sato", start)
		tok, ok := strings.CutPrefix(got, "https://status.minato.test/act/")
		if !ok {
			t.Fatalf("Draft() = %q, want it under /act/", got)
		}
		if _, err := tokens.Verify(action.Purpose, tok, start.Add(-time.Second)); err != nil {
			t.Errorf("Verify() = %v, want nil", err)
		}
		if _, err := tokens.Verify(action.Purpose, tok, start); !errors.Is(err, token.ErrExpired) {
			t.Errorf("Verify() at the end = %v, want %v", err, token.ErrExpired)
		}
	}
}

func TestLinksThatOpenNothingLookAlike(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	d := r.drafted("api-errors")
	good := r.path(d.ID, "sato")
	sign := func(purpose string, claims []string, until time.Time) string {
		return "/act/" + r.links.Tokens.Sign(purpose, claims, until)
	}
	later := r.now.Add(time.Hour)
	paths := map[string]string{
		"cut short":        good[:len(good)-2],
		"changed":          good[:len(good)-3] + "AAA",
		"expired":          sign("draft", []string{string(d.ID), "sato"}, r.now),
		"another purpose":  sign("manage", []string{string(d.ID), "sato"}, later),
		"no such draft":    sign("draft", []string{"none", "sato"}, later),
		"no such member":   sign("draft", []string{string(d.ID), "gone"}, later),
		"too few claims":   sign("draft", []string{string(d.ID)}, later),
		"too many claims":  sign("draft", []string{string(d.ID), "sato", "x"}, later),
		"nothing":          "/act/",
		"another path":     "/elsewhere",
		"something longer": good + "/x",
	}
	var want string
	for name, path := range paths {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			a := r.do(method, path, url.Values{"do": {"publish"}, "digest": {d.Digest}})
			p := r.page(a, http.StatusNotFound)
			r.says(p, "このリンクは使えません")
			if want == "" {
				want = a.body
			}
			if a.body != want {
				t.Errorf("%s: %s differs from the others:\n%s", name, method, a.body)
			}
		}
	}
	if got := r.incident().Seq; got != 0 {
		t.Errorf("seq = %d, want 0", got)
	}
	english := r.page(r.do(http.MethodGet, "/act/x", nil, "Accept-Language", "en-GB,en;q=0.9,ja;q=0.1"), http.StatusNotFound)
	r.says(english, "This link does not work")
}

func TestFormsOfOtherSitesDoNothing(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		header []string
		status int
	}{
		{"our page", []string{"Sec-Fetch-Site", "same-origin", "Origin", "https://status.minato.test"}, http.StatusSeeOther},
		{"our page in an old browser", []string{"Origin", "https://status.minato.test"}, http.StatusSeeOther},
		{"no browser", nil, http.StatusSeeOther},
		{"another site", []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.test"}, http.StatusForbidden},
		{"a sister site", []string{"Sec-Fetch-Site", "same-site", "Origin", "https://shop.minato.test"}, http.StatusForbidden},
		{"another site in an old browser", []string{"Origin", "https://evil.test"}, http.StatusForbidden},
		{"a hidden origin", []string{"Origin", "null"}, http.StatusForbidden},
		{"another scheme", []string{"Origin", "http://status.minato.test"}, http.StatusForbidden},
		{"a forged host", []string{"Origin", "https://evil.test", "X-Forwarded-Host", "evil.test"}, http.StatusForbidden},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			d := r.drafted("api-errors")
			a := r.do(http.MethodPost, r.path(d.ID, "sato"), url.Values{"do": {"publish"}, "digest": {d.Digest}}, c.header...)
			if a.status != c.status {
				t.Errorf("status = %d, want %d", a.status, c.status)
			}
			if got, want := r.incident().Seq == 1, c.status == http.StatusSeeOther; got != want {
				t.Errorf("published = %t, want %t", got, want)
			}
			if strings.Contains(a.header.Get("Location"), "//") {
				t.Errorf("Location = %q, want a path", a.header.Get("Location"))
			}
		})
	}
}

func TestPageBelowAPath(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.handler.Base = "https://minato.test/status/"
	d := r.drafted("api-errors")
	path := r.path(d.ID, "sato")
	a := r.do(http.MethodGet, path, nil)
	for _, want := range []string{`href="/status/assets/style-`, `action="/status` + path + `"`} {
		if !strings.Contains(a.body, want) {
			t.Errorf("the page has no %s", want)
		}
	}
	a = r.post(path, r.page(a, http.StatusOK), "publish")
	if got, want := a.header.Get("Location"), "/status"+path+"?done=publish"; got != want {
		t.Errorf("Location = %q, want %q", got, want)
	}
	if p := r.get(path); !slices.Contains(p.Links, "/status/i/"+string(r.incident().ID)) {
		t.Errorf("links = %v, want the public page below /status", p.Links)
	}
}

func TestFormsThatCannotBeRead(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	d := r.drafted("api-errors")
	path := r.path(d.ID, "clarke")
	r.says(r.page(r.do(http.MethodPost, path, url.Values{"do": {"explode"}}), http.StatusBadRequest), "could not be read")
	r.says(r.page(r.do(http.MethodPost, path, url.Values{}), http.StatusBadRequest), "could not be read")
	r.says(r.page(r.do(http.MethodPost, path, url.Values{"do": {"edit"}, "text_en": {strings.Repeat("x", 65<<10)}}), http.StatusRequestEntityTooLarge), "too long")
	a := r.do(http.MethodPut, path, url.Values{})
	r.says(r.page(a, http.StatusMethodNotAllowed), "cannot be done")
	if got, want := a.header.Get("Allow"), "GET, HEAD, POST"; got != want {
		t.Errorf("Allow = %q, want %q", got, want)
	}
	a = r.do(http.MethodPost, path, nil, "Content-Type", "application/json")
	r.page(a, http.StatusBadRequest)
}

func TestNothingSecretIsLogged(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var log bytes.Buffer
	r.handler.Log = slog.New(slog.NewTextHandler(&log, nil))
	d := r.drafted("api-errors")
	path := r.path(d.ID, "clarke")
	seen := r.get(path)
	r.handler.Drafts = broken{r.service, errors.New("the store is down")}
	r.post(path, seen, "edit", "text_en", "words of a person")
	r.post(path, seen, "publish")
	if got := strings.Count(log.String(), "the store is down"); got != 2 {
		t.Errorf("logged %d times, want 2:\n%s", got, log.String())
	}
	for _, secret := range []string{strings.TrimPrefix(path, "/act/"), "words of a person", "clarke@"} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("the log holds %q", secret)
		}
	}
}

var _ announce.Links = action.Links{}
