package signup_test

import (
	"encoding/json"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"shirase/events"
	"shirase/internal/handler/signup"
	"shirase/internal/subscribe"
	"shirase/internal/subscribe/subscribetest"
)

const formKind = "application/x-www-form-urlencoded"

// fuzzed is the pages over a world in which one address waits to be confirmed.
// Forget takes the world back to that.
func fuzzed(f *testing.F) (h http.Handler, w *subscribetest.World, forget func()) {
	f.Helper()
	w = subscribetest.New()
	h, err := signup.New(signup.Config{Service: subscribe.New(w.Config()), URL: "https://minato.test", Now: w.Now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		f.Fatal(err)
	}
	w.Answer = func(c subscribe.Challenge) string { return c.Value }
	if a := ask(f, h, http.MethodPost, "/subscribe", "", formKind, email().Encode()); a.Code != http.StatusOK {
		f.Fatalf("POST /subscribe = %d %s, want 200", a.Code, a.Body)
	}
	records, works, consents, memos, pointers := maps.Clone(w.Records), maps.Clone(w.Works), w.Consents, w.Memos, w.Pointers
	return h, w, func() {
		w.Records, w.Works, w.Takes = maps.Clone(records), maps.Clone(works), map[string][]time.Time{}
		w.Consents, w.Memos, w.Pointers, w.Challenges = consents, memos, pointers, nil
		clear(w.Banned)
	}
}

func ask(tb testing.TB, h http.Handler, method, path, query, kind, body string) *httptest.ResponseRecorder {
	tb.Helper()
	r := httptest.NewRequestWithContext(tb.Context(), method, path, strings.NewReader(body))
	r.URL.RawQuery = query
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// FuzzSubscribe posts anything to the pages, as a form and as a program's JSON,
// and asks for them with anything as the query. The fault is never ours, no page
// holds a script, and asking for a page changes nothing.
func FuzzSubscribe(f *testing.F) {
	h, world, forget := fuzzed(f)
	paths := []string{"/subscribe", "/confirm", "/manage", "/unsubscribe"}
	tok := url.Values{"t": {world.Token("email", mail)}}.Encode()
	for n := range paths {
		for _, form := range []string{
			email().Encode(), email("component", "login").Encode(), email("address", "<script>@x").Encode(), tok, "t=" + tok + "&", "t=EXAMPLE",
			"channel=sms&address=090-1234-5678&locale=ja", "channel=webhook&address=https%3A%2F%2Fhooks.example%2Fa&locale=en",
			"ref=x&code=123456", "List-Unsubscribe=One-Click&" + tok, "lang=<script>&channel=%00", "%zz", "",
		} {
			f.Add(uint8(n), formKind, form)
		}
		f.Add(uint8(n), "multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=\"address\"\r\n\r\na@b.example\r\n--x--\r\n")
		f.Add(uint8(n), "", "x")
	}
	for _, body := range []string{
		`{"channel":"email","address":"sato@reader.example","locale":"ja","zone":"Asia/Tokyo","components":["login"]}`,
		`{"channel":"sms","address":"+819012345678"}`, `{"channel":"email","address":"x","nope":1}`, `{"components":["",null,"x","y","z"]}`,
		`{}{}`, `[]`, `{`, `null`, `{"channel":"\ud800","address":"\u0000@\u0000"}`,
	} {
		f.Add(uint8(0), "application/json", body)
	}
	for _, name := range []string{"signup/one-click.json", "signup/manage.json", "signup/escaped-path.json"} {
		raw, err := events.Files.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		var e struct {
			RawQueryString, Body string
		}
		if err := json.Unmarshal(raw, &e); err != nil {
			f.Fatal(err)
		}
		f.Add(uint8(3), formKind, e.RawQueryString)
		f.Add(uint8(3), formKind, e.Body)
	}
	f.Fuzz(func(t *testing.T, page uint8, kind, body string) {
		path := paths[int(page)%len(paths)]
		forget()
		before := world.Dump()
		for _, query := range []string{body, tok + "&" + body} {
			a := ask(t, h, http.MethodGet, path, query, "", "")
			if a.Code >= http.StatusInternalServerError || strings.Contains(strings.ToLower(a.Body.String()), "<script") {
				t.Errorf("GET %s?%s = %d, want a page without a fault of ours\n%s", path, query, a.Code, a.Body)
			}
			if after := world.Dump(); after != before {
				t.Errorf("GET %s?%s has changed\n%s\nto\n%s", path, query, before, after)
			}
		}
		a := ask(t, h, http.MethodPost, path, "", kind, body)
		if a.Code >= http.StatusInternalServerError {
			t.Errorf("POST %s %q = %d, want no fault of ours\n%s", path, body, a.Code, a.Body)
		}
		switch got := a.Header().Get("Content-Type"); {
		case strings.HasSuffix(got, "json") && !json.Valid(a.Body.Bytes()):
			t.Errorf("POST %s %q = %s, want JSON", path, body, a.Body)
		case strings.HasPrefix(got, "text/html") && strings.Contains(strings.ToLower(a.Body.String()), "<script"):
			t.Errorf("POST %s %q = a page with a script\n%s", path, body, a.Body)
		}
	})
}
