package signup_test

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"shirase/internal/handler/signup"
	"shirase/internal/incident"
	"shirase/internal/subscribe"
	"shirase/internal/subscribe/subscribetest"
)

const (
	mail  = "sato@reader.example"
	phone = "+819012345678"
	hook  = "https://hooks.example/a"
)

// site is the pages on a real HTTP server, with the world behind them.
type site struct {
	world   *subscribetest.World
	service *subscribe.Service
	url     string
	client  *http.Client
}

func open(t *testing.T) *site {
	t.Helper()
	w := subscribetest.New()
	w.Plan.Organisation.Contact = "https://minato.test/contact"
	cfg := w.Config()
	cfg.Caps.Network = subscribe.Cap{N: 1 << 20, Per: time.Hour}
	return serve(t, w, subscribe.New(cfg))
}

func serve(t *testing.T, w *subscribetest.World, s *subscribe.Service) *site {
	t.Helper()
	h, err := signup.New(signup.Config{Service: s, URL: "https://minato.test", Now: w.Now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatalf("New() = %v, want no error", err)
	}
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	client := server.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &site{w, s, server.URL, client}
}

type answer struct {
	status int
	header http.Header
	body   string
}

// fails is what tests of both kinds, plain and rapid, can do.
type fails interface {
	Helper()
	Fatalf(format string, args ...any)
}

func (s *site) send(t fails, r *http.Request) answer {
	t.Helper()
	resp, err := s.client.Do(r)
	if err != nil {
		t.Fatalf("%s %s: %v", r.Method, r.URL.Path, err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("%s %s: %v", r.Method, r.URL.Path, err)
	}
	return answer{resp.StatusCode, resp.Header, string(body)}
}

func (s *site) do(t *testing.T, method, path, kind, body string) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatalf("request: %v", err)
	}
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	r.Header.Set("Accept-Language", "en")
	return s.send(t, r)
}

func (s *site) get(t *testing.T, path string) answer {
	t.Helper()
	return s.do(t, http.MethodGet, path, "", "")
}

func (s *site) post(t *testing.T, path string, form url.Values) answer {
	t.Helper()
	return s.do(t, http.MethodPost, path, "application/x-www-form-urlencoded", form.Encode())
}

func wants(t *testing.T, what string, a answer, status int, parts ...string) {
	t.Helper()
	if a.status != status {
		t.Errorf("%s = %d, want %d\n%s", what, a.status, status, a.body)
	}
	for _, p := range parts {
		if !strings.Contains(a.body, p) {
			t.Errorf("%s lacks %q:\n%s", what, p, a.body)
		}
	}
}

func email(fields ...string) url.Values {
	v := url.Values{"channel": {"email"}, "address": {mail}, "locale": {"ja"}, "zone": {"Asia/Tokyo"}}
	for n := 0; n+1 < len(fields); n += 2 {
		v[fields[n]] = []string{fields[n+1]}
	}
	return v
}

// between answers what stands between two marks of a page.
func between(t *testing.T, body, from, to string) string {
	t.Helper()
	_, rest, ok := strings.Cut(body, from)
	out, _, ok2 := strings.Cut(rest, to)
	if !ok || !ok2 {
		t.Fatalf("page lacks %q … %q:\n%s", from, to, body)
	}
	return out
}

// subscribed signs the mail address up and answers its confirm, manage and
// unsubscribe tokens.
func (s *site) subscribed(t *testing.T) (confirm, manage, unsubscribe string) {
	t.Helper()
	wants(t, "POST /subscribe", s.post(t, "/subscribe", email()), http.StatusOK)
	confirm = s.world.Token(incident.Email, mail)
	a := s.post(t, "/confirm", url.Values{"t": {confirm}})
	wants(t, "POST /confirm", a, http.StatusOK)
	manage = between(t, a.body, "/manage?t=", "&amp;")
	unsubscribe = between(t, s.get(t, "/manage?t="+manage).body, "/unsubscribe?t=", "&amp;")
	return confirm, manage, unsubscribe
}

func TestEmailFromStartToEnd(t *testing.T) {
	t.Parallel()
	s := open(t)
	wants(t, "GET /subscribe", s.get(t, "/subscribe"), http.StatusOK,
		`<html lang="en">`, "Service notices from Minato Billing", "Sending invoices", `autocomplete="email"`, "Asia/Tokyo (UTC&#43;09:00)",
		`href="https://minato.test/contact"`)

	a := s.post(t, "/subscribe", email("component", "login"))
	wants(t, "POST /subscribe", a, http.StatusOK, "Check your email", mail)
	tok := s.world.Token(incident.Email, mail)
	wants(t, "GET /confirm", s.get(t, "/confirm?t="+tok), http.StatusOK, "Complete sign-up", "s•••@reader.example")
	if got := s.world.Record(incident.Email, mail).Subscriber.State; got != incident.Pending {
		t.Errorf("state after GET /confirm = %s, want pending", got)
	}
	a = s.post(t, "/confirm", url.Values{"t": {tok}})
	wants(t, "POST /confirm", a, http.StatusOK, "You are signed up")
	wants(t, "GET /confirm again", s.get(t, "/confirm?t="+tok), http.StatusOK, "You are signed up")
	sub := s.world.Record(incident.Email, mail).Subscriber
	if !strings.HasPrefix(sub.Consent, "en-") || sub.Locale != "ja" || !slices.Equal(sub.Components, []incident.ComponentID{"login"}) {
		t.Errorf("subscriber = %+v, want consent to the English text, locale ja, component login", sub)
	}

	manage := between(t, a.body, "/manage?t=", "&amp;")
	a = s.get(t, "/manage?t="+manage)
	wants(t, "GET /manage", a, http.StatusOK, `value="login" checked`, `<option value="ja" selected>Japanese`)
	a = s.post(t, "/manage", url.Values{"t": {manage}, "locale": {"en"}, "zone": {"Europe/Paris"}, "component": {"export", "login"}})
	wants(t, "POST /manage", a, http.StatusOK, "Your changes are saved.", `value="export" checked`, `<option value="Europe/Paris" selected>`)

	leave := between(t, a.body, "/unsubscribe?t=", "&amp;")
	wants(t, "GET /unsubscribe", s.get(t, "/unsubscribe?t="+leave), http.StatusOK, "Stop the notices", "s•••@reader.example")
	wants(t, "POST /unsubscribe", s.post(t, "/unsubscribe", url.Values{"t": {leave}}), http.StatusOK, "The notices have stopped")
	wants(t, "GET /unsubscribe again", s.get(t, "/unsubscribe?t="+leave), http.StatusOK, "The notices have stopped")
	wants(t, "GET /manage afterwards", s.get(t, "/manage?t="+manage), http.StatusGone, "no longer valid")
	if rec := s.world.Record(incident.Email, mail); rec.Subscriber.State != incident.Unsubscribed || rec.Subscriber.Address != "" {
		t.Errorf("record = %s with address %t, want unsubscribed without it", rec.Subscriber.State, rec.Subscriber.Address != "")
	}
}

func TestSMSCode(t *testing.T) {
	t.Parallel()
	s := open(t)
	wants(t, "GET /subscribe", s.get(t, "/subscribe?channel=sms"), http.StatusOK, `type="tel"`, "Mobile number")
	a := s.post(t, "/subscribe", url.Values{"channel": {"sms"}, "address": {"090-1234-5678"}, "locale": {"ja"}})
	wants(t, "POST /subscribe", a, http.StatusOK, "Enter your code", `autocomplete="one-time-code"`)
	ref := between(t, a.body, `name="ref" value="`, `"`)
	code := s.world.Memo(incident.SMS, phone)
	a = s.post(t, "/confirm", url.Values{"ref": {ref}, "code": {"abc"}})
	wants(t, "POST /confirm wrong", a, http.StatusUnprocessableEntity, "This code is wrong or too old", `name="ref" value="`+ref)
	wants(t, "POST /confirm right", s.post(t, "/confirm", url.Values{"ref": {ref}, "code": {code}}), http.StatusOK, "You are signed up", "••• 5678")
	wants(t, "POST /confirm with another's reference", s.post(t, "/confirm", url.Values{"ref": {"x"}, "code": {code}}), http.StatusBadRequest)
}

func TestWebhookChallenge(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.world.Answer = func(c subscribe.Challenge) string { return c.Value }
	a := s.post(t, "/subscribe", url.Values{"channel": {"webhook"}, "address": {hook}, "locale": {"en"}})
	wants(t, "POST /subscribe", a, http.StatusOK, "Checking your endpoint")
	if got := s.world.Record(incident.Webhook, hook).Subscriber.State; got != incident.Active {
		t.Errorf("state = %s, want active", got)
	}
}

// A known address and an unknown one, whatever we know of it, get the same
// answer, byte for byte, in every form of asking.
func TestEnumeration(t *testing.T) {
	t.Parallel()
	states := map[string]func(*testing.T, *site, incident.Channel, string){
		"unknown": func(*testing.T, *site, incident.Channel, string) {},
		"pending": func(t *testing.T, s *site, c incident.Channel, a string) { t.Helper(); s.ask(t, c, a) },
		"active":  func(t *testing.T, s *site, c incident.Channel, a string) { t.Helper(); s.activate(t, c, a) },
		"unsubscribed": func(t *testing.T, s *site, c incident.Channel, a string) {
			t.Helper()
			s.activate(t, c, a)
			sub := s.world.Record(c, incident.Address(a)).Subscriber
			_, tok, _ := strings.Cut(s.world.Config().Links.Unsubscribe(sub), "?t=")
			wants(t, "POST /unsubscribe", s.post(t, "/unsubscribe", url.Values{"t": {tok}}), http.StatusOK)
		},
		"suppressed": func(t *testing.T, s *site, c incident.Channel, a string) {
			t.Helper()
			if err := s.service.Suppress(t.Context(), c, s.world.ID(c, incident.Address(a)).ID, subscribe.Bounced); err != nil {
				t.Fatalf("Suppress() = %v, want no error", err)
			}
		},
		"capped": func(t *testing.T, s *site, c incident.Channel, a string) {
			t.Helper()
			for range 3 {
				s.ask(t, c, a)
			}
		},
	}
	for c, a := range map[incident.Channel]string{incident.Email: mail, incident.SMS: phone, incident.Webhook: hook} {
		for _, kind := range []string{"form", "json"} {
			t.Run(string(c)+" "+kind, func(t *testing.T) {
				t.Parallel()
				answers := map[string]answer{}
				for state, prepare := range states {
					s := open(t)
					s.world.Answer = func(c subscribe.Challenge) string { return c.Value }
					prepare(t, s, c, a)
					got := s.askAs(t, kind, c, a)
					got.header.Del("Date")
					answers[state] = got
				}
				for state, got := range answers {
					if want := answers["unknown"]; got.status != want.status || got.body != want.body || !cmp.Equal(got.header, want.header) {
						t.Errorf("answer for %s differs from unknown: %d, want %d\n%s", state, got.status, want.status, cmp.Diff(want.body, got.body))
					}
				}
			})
		}
	}
}

// What an unsubscribed or unknown number answers to a code is the same too.
func TestEnumerationByCode(t *testing.T) {
	t.Parallel()
	var bodies []string
	for _, suppressed := range []bool{false, true} {
		s := open(t)
		if suppressed {
			if err := s.service.Suppress(t.Context(), incident.SMS, s.world.ID(incident.SMS, phone).ID, subscribe.OptedOut); err != nil {
				t.Fatalf("Suppress() = %v, want no error", err)
			}
		}
		ref := between(t, s.askAs(t, "form", incident.SMS, phone).body, `name="ref" value="`, `"`)
		for range 7 {
			a := s.post(t, "/confirm", url.Values{"ref": {ref}, "code": {"x"}})
			bodies = append(bodies, fmt.Sprint(a.status, a.body))
		}
	}
	if got := slices.Compact(bodies); len(got) != 1 {
		t.Errorf("POST /confirm gave %d different answers, want 1:\n%s", len(got), strings.Join(got, "\n"))
	}
}

func (s *site) ask(t *testing.T, c incident.Channel, a string) { t.Helper(); s.askAs(t, "form", c, a) }

func (s *site) askAs(t *testing.T, kind string, c incident.Channel, a string) answer {
	t.Helper()
	if kind == "json" {
		return s.do(t, http.MethodPost, "/subscribe", "application/json", fmt.Sprintf(`{"channel":%q,"address":%q,"locale":"en"}`, c, a))
	}
	return s.post(t, "/subscribe", url.Values{"channel": {string(c)}, "address": {a}, "locale": {"en"}})
}

func (s *site) activate(t *testing.T, c incident.Channel, a string) {
	t.Helper()
	got := s.askAs(t, "form", c, a)
	if c == incident.Email {
		wants(t, "POST /confirm", s.post(t, "/confirm", url.Values{"t": {s.world.Token(c, incident.Address(a))}}), http.StatusOK)
	}
	if c == incident.SMS {
		ref := between(t, got.body, `name="ref" value="`, `"`)
		wants(t, "POST /confirm", s.post(t, "/confirm", url.Values{"ref": {ref}, "code": {s.world.Memo(c, incident.Address(a))}}), http.StatusOK)
	}
}

// Mail scanners open every link. Whatever is read, with whatever token and
// whatever else in the URL, changes nothing.
func TestReadingChangesNothing(t *testing.T) {
	t.Parallel()
	s := open(t)
	confirmed, manage, unsubscribe := s.subscribed(t)
	s.ask(t, incident.Email, mail)
	fresh := s.world.Token(incident.Email, mail)
	ref := between(t, s.askAs(t, "form", incident.SMS, phone).body, `name="ref" value="`, `"`)
	code := s.world.Memo(incident.SMS, phone)
	before := s.world.Dump()
	rapid.Check(t, func(t *rapid.T) {
		q := url.Values{
			"t":                {rapid.SampledFrom([]string{"", "x", confirmed, fresh, manage, unsubscribe, ref}).Draw(t, "token")},
			"ref":              {ref},
			"code":             {code},
			"List-Unsubscribe": {"One-Click"},
			"lang":             {rapid.SampledFrom([]string{"", "ja", "en", "xx"}).Draw(t, "lang")},
			"channel":          {rapid.SampledFrom([]string{"", "email", "sms", "webhook", "<b>"}).Draw(t, "channel")},
			"address":          {mail},
		}
		path := rapid.SampledFrom([]string{"/subscribe", "/confirm", "/manage", "/unsubscribe", "/assets/signup.css", "/nothing"}).Draw(t, "path")
		method := rapid.SampledFrom([]string{http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodPut, http.MethodDelete, http.MethodPatch}).Draw(t, "method")
		r, err := http.NewRequestWithContext(t.Context(), method, s.url+path+"?"+q.Encode(), nil)
		if err != nil {
			t.Fatalf("request: %v", err)
		}
		a := s.send(t, r)
		if a.status >= 500 || a.header.Get("Set-Cookie") != "" || a.header.Get("Location") != "" {
			t.Fatalf("%s %s = %d with cookie %q to %q, want an answer with neither", method, path, a.status, a.header.Get("Set-Cookie"), a.header.Get("Location"))
		}
		if got := s.world.Dump(); got != before {
			t.Fatalf("%s %s changed something:\n%s", method, path, cmp.Diff(before, got))
		}
	})
}

func TestOneClick(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, kind, body string }{
		{"urlencoded", "application/x-www-form-urlencoded", "List-Unsubscribe=One-Click"},
		{"multipart", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			kind, body := tt.kind, tt.body
			if kind == "" {
				var b strings.Builder
				m := multipart.NewWriter(&b)
				if err := m.WriteField("List-Unsubscribe", "One-Click"); err != nil {
					t.Fatal(err)
				}
				if err := m.Close(); err != nil {
					t.Fatal(err)
				}
				kind, body = m.FormDataContentType(), b.String()
			}
			s := open(t)
			_, _, tok := s.subscribed(t)
			for range 2 {
				a := s.do(t, http.MethodPost, "/unsubscribe?t="+tok, kind, body)
				if a.status != http.StatusOK || a.body != "" || a.header.Get("Set-Cookie") != "" || a.header.Get("Location") != "" {
					t.Errorf("POST one-click = %d %q, want a plain 200", a.status, a.body)
				}
			}
			if got := s.world.Record(incident.Email, mail).Subscriber.State; got != incident.Unsubscribed {
				t.Errorf("state = %s, want unsubscribed", got)
			}
			if got := s.world.Consents[len(s.world.Consents)-1].How; got != subscribe.HowOneClick {
				t.Errorf("consent entry came by %s, want %s", got, subscribe.HowOneClick)
			}
		})
	}
}

func TestTokenMisuse(t *testing.T) {
	t.Parallel()
	s := open(t)
	confirm, manage, unsubscribe := s.subscribed(t)
	tokens := map[string]string{"/confirm": confirm, "/manage": manage, "/unsubscribe": unsubscribe}
	before := s.world.Dump()
	for path := range tokens {
		for made, tok := range tokens {
			if made == path {
				tok = tok[:len(tok)-1]
			}
			wants(t, "GET "+path+" with a token for "+made, s.get(t, path+"?t="+tok), http.StatusBadRequest, "This link does not work")
			wants(t, "POST "+path+" with a token for "+made, s.post(t, path, url.Values{"t": {tok}}), http.StatusBadRequest)
		}
	}
	if s.world.Dump() != before {
		t.Errorf("a wrong token changed something, want nothing changed")
	}
}

func TestLapsedLink(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.ask(t, incident.Email, mail)
	tok := s.world.Token(incident.Email, mail)
	s.world.Time = s.world.Time.Add(48*time.Hour - time.Second)
	wants(t, "GET /confirm in the last second", s.get(t, "/confirm?t="+tok), http.StatusOK)
	s.world.Time = s.world.Time.Add(time.Second)
	wants(t, "GET /confirm after 48 h", s.get(t, "/confirm?t="+tok), http.StatusGone, "no longer valid")
	wants(t, "POST /confirm after 48 h", s.post(t, "/confirm", url.Values{"t": {tok}}), http.StatusGone)
}

// What was entered stays in the form, and each fault stands beside its field.
func TestFormFaults(t *testing.T) {
	t.Parallel()
	s := open(t)
	a := s.post(t, "/subscribe", url.Values{
		"channel": {"email"}, "address": {`sato"><script>alert(1)</script>`}, "locale": {"en"}, "zone": {"Nowhere/Land"}, "component": {"export"}, "lang": {"ja"},
	})
	wants(t, "POST /subscribe", a, http.StatusUnprocessableEntity,
		`<html lang="ja">`, "入力を確かめてください", `<p class="fault" id="address-fault">`, `aria-describedby="address-hint address-fault" aria-invalid="true"`,
		`<p class="fault" id="zone-fault">`, `value="sato&#34;&gt;&lt;script&gt;`, `value="export" checked`, `<option value="en" selected>`)
	if strings.Contains(a.body, "<script") {
		t.Errorf("POST /subscribe echoed a script:\n%s", a.body)
	}
	if s.world.Writes != 0 {
		t.Errorf("POST /subscribe (bad) wrote %d times, want 0", s.world.Writes)
	}
	a = s.post(t, "/subscribe", url.Values{"channel": {"fax"}, "address": {"1"}})
	wants(t, "POST /subscribe by fax", a, http.StatusUnprocessableEntity, `id="channel-fault"`)

	_, manage, _ := s.subscribed(t)
	a = s.post(t, "/manage", url.Values{"t": {manage}, "locale": {"fr"}, "component": {"export", "nothing"}})
	wants(t, "POST /manage", a, http.StatusUnprocessableEntity, `id="locale-fault"`, `id="components-fault"`, `value="export" checked`)
}

func TestFailureOnOurSide(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.world.Conflicts = 1000
	a := s.post(t, "/subscribe", email("component", "export"))
	wants(t, "POST /subscribe", a, http.StatusServiceUnavailable, "A problem on our side", `value="`+mail+`"`, `value="export" checked`)
	if a.header.Get("Retry-After") == "" || strings.Contains(a.body, "conflict") {
		t.Errorf("POST /subscribe shows %q with Retry-After %q, want a time and no inner error", a.body, a.header.Get("Retry-After"))
	}
}

func TestLimit(t *testing.T) {
	t.Parallel()
	w := subscribetest.New()
	s := serve(t, w, subscribe.New(w.Config()))
	for n := range 10 {
		wants(t, "POST /subscribe", s.post(t, "/subscribe", email("address", fmt.Sprintf("r%d@reader.example", n))), http.StatusOK)
	}
	a := s.post(t, "/subscribe", email())
	wants(t, "POST /subscribe, the 11th", a, http.StatusTooManyRequests, "about 4 hours")
	if got := a.header.Get("Retry-After"); got != "14400" {
		t.Errorf("Retry-After = %q, want 14400", got)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/subscribe", strings.NewReader(email().Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("X-Forwarded-For", "198.51.100.1")
	if a := s.send(t, r); a.status != http.StatusTooManyRequests {
		t.Errorf("POST /subscribe with a forged X-Forwarded-For = %d, want 429", a.status)
	}
}

func TestJSON(t *testing.T) {
	t.Parallel()
	s := open(t)
	long := `{"address":"` + strings.Repeat("a", 70<<10) + `"}`
	for _, tt := range []struct {
		name, body string
		status     int
		pointers   []string
	}{
		{name: "good", body: `{"channel":"email","address":"sato@reader.example","locale":"ja","components":["login"]}`, status: http.StatusAccepted},
		{name: "faults", body: `{"channel":"email","address":"x","locale":"fr","components":["login","nope"]}`, status: http.StatusUnprocessableEntity, pointers: []string{"/address", "/locale", "/components/1"}},
		{name: "unknown field", body: `{"chanel":"email"}`, status: http.StatusBadRequest},
		{name: "two values", body: `{} {}`, status: http.StatusBadRequest},
		{name: "array", body: `[]`, status: http.StatusBadRequest},
		{name: "cut off", body: `{"channel":`, status: http.StatusBadRequest},
		{name: "empty", body: ``, status: http.StatusBadRequest},
		{name: "large", body: long, status: http.StatusRequestEntityTooLarge},
	} {
		a := s.do(t, http.MethodPost, "/subscribe", "application/json; charset=utf-8", tt.body)
		var got struct {
			Status any
			Type   string
			Errors []struct{ Pointer, Code, Detail string }
		}
		if err := json.Unmarshal([]byte(a.body), &got); err != nil || a.status != tt.status {
			t.Errorf("%s = %d %q, %v, want %d and JSON", tt.name, a.status, a.body, err, tt.status)
			continue
		}
		var pointers []string
		for _, e := range got.Errors {
			pointers = append(pointers, e.Pointer)
			if e.Code == "" || e.Detail == "" {
				t.Errorf("%s: fault %+v, want a code and words", tt.name, e)
			}
		}
		kind := "application/problem+json"
		if tt.status == http.StatusAccepted {
			kind = "application/json"
		}
		if !slices.Equal(pointers, tt.pointers) || a.header.Get("Content-Type") != kind {
			t.Errorf("%s = %q as %s, want faults at %q as %s", tt.name, pointers, a.header.Get("Content-Type"), tt.pointers, kind)
		}
	}
}

func TestRequestsRefused(t *testing.T) {
	t.Parallel()
	s := open(t)
	for _, tt := range []struct {
		name, method, path, kind, body string
		status                         int
	}{
		{"no such page", http.MethodGet, "/nothing", "", "", http.StatusNotFound},
		{"put", http.MethodPut, "/subscribe", "", "", http.StatusMethodNotAllowed},
		{"delete", http.MethodDelete, "/unsubscribe", "", "", http.StatusMethodNotAllowed},
		{"no content type", http.MethodPost, "/subscribe", "", "channel=email", http.StatusUnsupportedMediaType},
		{"xml", http.MethodPost, "/subscribe", "text/xml", "<a/>", http.StatusUnsupportedMediaType},
		{"json elsewhere", http.MethodPost, "/unsubscribe", "application/json", "{}", http.StatusUnsupportedMediaType},
		{"large", http.MethodPost, "/subscribe", "application/x-www-form-urlencoded", "address=" + strings.Repeat("a", 70<<10), http.StatusRequestEntityTooLarge},
		{"bad escape", http.MethodPost, "/subscribe", "application/x-www-form-urlencoded", "address=%zz", http.StatusBadRequest},
		{"bad multipart", http.MethodPost, "/subscribe", "multipart/form-data; boundary=x", "--y", http.StatusBadRequest},
	} {
		wants(t, tt.name, s.do(t, tt.method, tt.path, tt.kind, tt.body), tt.status, "<h1>")
	}
}

// Links begin at the configured address, whatever the request says.
func TestHostileHost(t *testing.T) {
	t.Parallel()
	s := open(t)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/subscribe", strings.NewReader(email().Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Host = "evil.example"
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("X-Forwarded-Host", "evil.example")
	r.Header.Set("Forwarded", "host=evil.example")
	a := s.send(t, r)
	if strings.Contains(a.body+fmt.Sprint(a.header), "evil.example") {
		t.Errorf("the page holds the forged host:\n%s", a.body)
	}
	if got := s.world.Memo(incident.Email, mail); !strings.HasPrefix(got, "https://minato.test/confirm?t=") {
		t.Errorf("the mail links to %q, want the configured address", got)
	}
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	s := open(t)
	want := map[string]string{
		"Content-Security-Policy":   "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
		"X-Content-Type-Options":    "nosniff",
		"Referrer-Policy":           "no-referrer",
		"Cache-Control":             "no-store",
		"X-Frame-Options":           "DENY",
		"X-Robots-Tag":              "noindex",
		"Strict-Transport-Security": "max-age=31536000",
	}
	for _, path := range []string{"/confirm", "/manage", "/unsubscribe", "/nothing"} {
		a := s.get(t, path)
		for _, name := range slices.Sorted(maps.Keys(want)) {
			if got := a.header.Get(name); got != want[name] {
				t.Errorf("GET %s: %s = %q, want %q", path, name, got, want[name])
			}
		}
		for _, bad := range []string{"<script", "style=", " on", "http://"} {
			if _, body, _ := strings.Cut(a.body, "<body>"); strings.Contains(tags(body), bad) {
				t.Errorf("GET %s holds %q:\n%s", path, bad, a.body)
			}
		}
	}
	css := s.get(t, "/assets/signup.css")
	wants(t, "GET stylesheet", css, http.StatusOK, "max-width")
	if got := css.header.Get("Content-Type"); got != "text/css; charset=utf-8" {
		t.Errorf("stylesheet is %q, want text/css", got)
	}
}

// tags answers what stands within the tags of a page.
func tags(body string) string {
	var b strings.Builder
	for part := range strings.SplitSeq(body, "<") {
		tag, _, _ := strings.Cut(part, ">")
		b.WriteString("<" + tag)
	}
	return b.String()
}

func TestLanguage(t *testing.T) {
	t.Parallel()
	s := open(t)
	for _, tt := range []struct{ name, query, accept, want string }{
		{"nothing said", "", "", "ja"},
		{"browser", "", "en-GB,en;q=0.9,ja;q=0.5", "en"},
		{"browser, other first", "", "fr, ja;q=0.8, en;q=0.7", "ja"},
		{"browser refuses", "", "en;q=0, fr", "ja"},
		{"asked", "?lang=en", "ja", "en"},
		{"asked for none we have", "?lang=fr", "en", "en"},
		{"junk", "", strings.Repeat("en-", 400), "ja"},
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/subscribe"+tt.query, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Accept-Language", tt.accept)
		a := s.send(t, r)
		if !strings.Contains(a.body, `<html lang="`+tt.want+`">`) || a.header.Get("Content-Language") != tt.want {
			t.Errorf("%s: Content-Language = %q, want %q", tt.name, a.header.Get("Content-Language"), tt.want)
		}
	}
	// The switch keeps what the page is about.
	_, manage, _ := s.subscribed(t)
	wants(t, "GET /manage", s.get(t, "/manage?t="+manage), http.StatusOK, `href="/manage?lang=ja&amp;t=`+manage+`" lang="ja"`)
	wants(t, "GET /subscribe", s.get(t, "/subscribe?channel=sms"), http.StatusOK, `href="/subscribe?channel=sms&amp;lang=ja"`)
}

// Below a path, every link stays below it.
func TestPublicURLWithPath(t *testing.T) {
	t.Parallel()
	w := subscribetest.New()
	h, err := signup.New(signup.Config{
		Service: subscribe.New(w.Config()), URL: "https://minato.test/status", Now: w.Now, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatalf("New() = %v, want no error", err)
	}
	server := httptest.NewServer(http.StripPrefix("/status", h))
	t.Cleanup(server.Close)
	s := &site{world: w, url: server.URL, client: server.Client()}
	wants(t, "GET /status/subscribe", s.get(t, "/status/subscribe"), http.StatusOK,
		`action="/status/subscribe"`, `href="/status/assets/signup.css"`, `href="/status/subscribe?`)
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	for _, u := range []string{"", "minato.test", "ftp://minato.test", "https://", ":"} {
		if _, err := signup.New(signup.Config{URL: u}); err == nil {
			t.Errorf("New(%q) = nil, want an error", u)
		}
	}
}

func TestClosed(t *testing.T) {
	t.Parallel()
	s := open(t)
	_, manage, unsubscribe := s.subscribed(t)
	s.world.Plan.Audiences[1].Public = false
	wants(t, "GET /subscribe", s.get(t, "/subscribe"), http.StatusNotFound, "Sign-up is not offered")
	wants(t, "POST /subscribe", s.post(t, "/subscribe", email()), http.StatusNotFound)
	wants(t, "GET /manage", s.get(t, "/manage?t="+manage), http.StatusOK)
	wants(t, "POST /unsubscribe", s.post(t, "/unsubscribe", url.Values{"t": {unsubscribe}}), http.StatusOK, "have stopped")
}
