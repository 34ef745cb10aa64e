package main

import (
	"fmt"
	"html"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"shirase/internal/channel/twin"
	"shirase/internal/config"
	"shirase/internal/embedded"
)

// postForm sends a form as a browser does, without a key.
func postForm(t *testing.T, to string, v url.Values) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, to, strings.NewReader(v.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close() //nolint:errcheck // it was only read
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

// person is a sign-up.
func person(channel, address, locale, zone string, components ...string) url.Values {
	return url.Values{
		"channel": {channel}, "address": {address}, "locale": {locale}, "zone": {zone}, "component": components, "lang": {"en"},
	}
}

// signUp signs somebody up and answers the page that says what to do next.
func (r *running) signUp(v url.Values) string {
	r.t.Helper()
	status, body := postForm(r.t, r.url+"/subscribe", v)
	if status != http.StatusOK {
		r.t.Fatalf("POST /subscribe %v = %d %s", v, status, body)
	}
	r.settle()
	return body
}

var (
	confirmLink     = regexp.MustCompile(`/confirm\?t=[A-Za-z0-9_.~-]+`)
	unsubscribeLink = regexp.MustCompile(`/unsubscribe\?t=[A-Za-z0-9_.~-]+`)
	refInput        = regexp.MustCompile(`name="ref" value="([^"]+)"`)
	sixDigits       = regexp.MustCompile(`\b[0-9]{6}\b`)
)

// received answers what somebody has in the inbox, oldest first.
func received(es []embedded.Entry, address, kind string) (out []embedded.Entry) {
	for _, e := range es {
		if e.To == address && e.Kind == kind {
			out = append(out, e)
		}
	}
	return out
}

// seqs answers the numbers of the updates that somebody got, in order.
func (r *running) seqs(address string) string {
	r.t.Helper()
	var out []int
	for _, e := range received(r.inbox(), address, "update") {
		out = append(out, e.Seq)
	}
	return fmt.Sprint(out)
}

// confirmation answers the link of the newest confirmation that somebody got.
func confirmation(t *testing.T, es []embedded.Entry, address string) string {
	t.Helper()
	mails := received(es, address, "confirmation")
	if len(mails) == 0 {
		t.Fatalf("no confirmation for %s", address)
	}
	link := confirmLink.FindString(mails[len(mails)-1].Text)
	if link == "" {
		t.Fatalf("the confirmation has no link:\n%s", mails[len(mails)-1].Text)
	}
	return link
}

// join signs somebody up by mail and confirms.
func (r *running) join(v url.Values) {
	r.t.Helper()
	r.signUp(v)
	if status, body := postForm(r.t, r.url+confirmation(r.t, r.inbox(), v.Get("address")), nil); status != http.StatusOK {
		r.t.Fatalf("POST /confirm = %d %s", status, body)
	}
	r.settle()
}

func (r *running) update(id, body string) opened {
	r.t.Helper()
	var o opened
	r.must(http.MethodPost, "/v1/incidents/"+id+"/updates", body, &o)
	r.settle()
	return o
}

func about(component, severity string) string {
	return fmt.Sprintf(`{"components":[%q],"severity":%q,"effect":{"ja":"いま使えません。","en":"It cannot be used at the moment."}}`, component, severity)
}

func TestMailSubscriberHearsWhatTheyAskedForOnceTheyConfirm(t *testing.T) {
	t.Parallel()
	r := launch(t, config.Config{}, noon)
	const dana, emi, idle = "dana@reader.test", "emi@reader.test", "idle@reader.test"
	r.signUp(person("email", dana, "en", "America/New_York", "search"))
	r.join(person("email", emi, "ja", "", "checkout"))
	r.signUp(person("email", idle, "en", ""))

	link := confirmation(t, r.inbox(), dana)
	for range 2 { // a scanner opens links, and changes nothing by it
		if status, page := r.do(http.MethodGet, link, ""); status != http.StatusOK || strings.Contains(string(page), dana) {
			t.Errorf("GET %s = %d, want 200 and no whole address", link, status)
		}
	}
	o := r.open(about("search", "major"))
	r.settle()
	if got := r.seqs(dana); got != "[]" {
		t.Errorf("before confirming dana has %s, want nothing", got)
	}
	r.update(o.ID, `{"stage":"resolved"}`)

	if status, _ := postForm(t, r.url+link, nil); status != http.StatusOK {
		t.Fatalf("POST confirm = %d", status)
	}
	r.settle()
	if got := r.seqs(dana); got != "[]" {
		t.Errorf("dana, who confirmed after the end, has %s, want nothing", got)
	}
	o = r.open(about("search", "major"))
	r.open(about("checkout", "major"))
	r.settle()
	r.update(o.ID, `{"stage":"resolved"}`)
	if got := r.seqs(dana); got != "[1 2]" {
		t.Errorf("dana, who asked for search, has %s, want [1 2]", got)
	}
	if got := r.seqs(emi); got != "[1]" {
		t.Errorf("emi, who asked for checkout, has %s, want [1]", got)
	}
	if got := r.seqs(idle); got != "[]" {
		t.Errorf("somebody who never confirmed has %s, want nothing", got)
	}
	first := received(r.inbox(), dana, "update")[0]
	if first.Locale != "en" || !strings.Contains(first.Text, "01:37") || !strings.Contains(first.Text, "14:37") {
		t.Errorf("dana reads English in New York, and got in %s:\n%s", first.Locale, first.Text)
	}
	if e := received(r.inbox(), emi, "update")[0]; e.Locale != "ja" || !strings.Contains(e.Subject, "障害発生") {
		t.Errorf("emi reads Japanese and got %s %q", e.Locale, e.Subject)
	}
}

func TestSMSSubscriberConfirmsByCode(t *testing.T) {
	t.Parallel()
	r := launch(t, config.Config{}, noon)
	const number = "+819012345678"
	page := r.signUp(person("sms", "090-1234-5678", "en", ""))
	m := refInput.FindStringSubmatch(page)
	if m == nil {
		t.Fatalf("the page asks for no code:\n%s", page)
	}
	ref := html.UnescapeString(m[1])
	got := received(r.inbox(), number, "confirmation")
	if len(got) != 1 {
		t.Fatalf("%d confirmations, want 1", len(got))
	}
	code := sixDigits.FindString(got[0].Text)
	wrong := "000000"
	if code == wrong {
		wrong = "000001"
	}
	if status, _ := postForm(t, r.url+"/confirm", url.Values{"ref": {ref}, "code": {wrong}}); status != http.StatusUnprocessableEntity {
		t.Errorf("a wrong code = %d, want 422", status)
	}
	r.open(about("search", "major"))
	r.settle()
	if got := r.seqs(number); got != "[]" {
		t.Errorf("after a wrong code: %s, want nothing", got)
	}
	if status, body := postForm(t, r.url+"/confirm", url.Values{"ref": {ref}, "code": {code[:3] + " " + code[3:]}}); status != http.StatusOK {
		t.Fatalf("the right code = %d %s", status, body)
	}
	r.settle()
	if got := r.seqs(number); got != "[1]" {
		t.Errorf("after the right code: %s, want [1]: the incident goes on", got)
	}
}

// TestEndpointAnswersItsChallengeOverTLS signs up real endpoints: one that
// answers its challenge, and one that does not.
func TestEndpointAnswersItsChallengeOverTLS(t *testing.T) {
	t.Parallel()
	good, dumb := twin.NewWebhookTLS(), twin.NewWebhookTLS()
	t.Cleanup(good.Close)
	t.Cleanup(dumb.Close)
	dumb.Next(twin.Reply{Status: http.StatusOK, Body: `{"challenge":"anything"}`})
	r := launch(t, config.Config{Allow: []string{"127.0.0.0/8"}}, noon, func(p *program) {
		p.roots = good.Roots()
		if err := p.wire(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
	pages := []string{
		r.signUp(person("webhook", good.URL()+"/hook", "en", "")),
		r.signUp(person("webhook", dumb.URL()+"/hook", "en", "")),
	}
	if a, b := strings.ReplaceAll(pages[0], good.URL(), "#"), strings.ReplaceAll(pages[1], dumb.URL(), "#"); a != b {
		t.Errorf("the page tells whether an endpoint answered:\n%s\n%s", a, b)
	}
	o := r.open(about("search", "major"))
	r.settle()
	r.update(o.ID, `{"stage":"resolved"}`)
	rs := good.Requests()
	if len(rs) != 3 {
		t.Fatalf("the endpoint was called %d times, want a challenge and two updates", len(rs))
	}
	for n, q := range rs {
		if !strings.HasPrefix(q.Header.Get("Webhook-Signature"), "v1,") || q.Header.Get("Webhook-Id") == "" {
			t.Errorf("call %d is not signed: %v", n, q.Header)
		}
	}
	if !strings.Contains(string(rs[1].Body), `"stage":"investigating"`) || !strings.Contains(string(rs[2].Body), `"stage":"resolved"`) {
		t.Errorf("the calls were\n%s\n%s", rs[1], rs[2])
	}
	if n := len(dumb.Requests()); n != 1 {
		t.Errorf("an endpoint that did not answer its challenge was called %d times, want only that once", n)
	}
}

func TestWhoConfirmsMeanwhileGetsTheStateOnce(t *testing.T) {
	t.Parallel()
	r := launch(t, config.Config{}, noon)
	const late = "late@reader.test"
	o := r.open(three)
	r.settle()
	r.update(o.ID, `{"stage":"identified"}`)
	r.join(person("email", late, "en", "", "invoices"))
	if got := r.seqs(late); got != "[2]" {
		t.Fatalf("who confirmed during the second stage has %s, want [2]", got)
	}
	link := confirmation(t, r.inbox(), late)
	if status, _ := postForm(t, r.url+link, nil); status != http.StatusOK {
		t.Errorf("confirming twice = %d, want 200", status)
	}
	r.join(person("email", late, "en", "", "invoices", "editor")) // signs up once more, for more
	r.advance("2m")
	if got := r.seqs(late); got != "[2]" {
		t.Errorf("after confirming again: %s, want [2]", got)
	}
	r.update(o.ID, `{"stage":"resolved"}`)
	if got := r.seqs(late); got != "[2 3]" {
		t.Errorf("in the end: %s, want [2 3]", got)
	}
}

func TestWhoLeftGetsNothingMoreNotEvenTheEnd(t *testing.T) {
	t.Parallel()
	r := launch(t, config.Config{}, noon)
	o := r.open(three)
	r.settle()
	link := map[string]string{}
	for _, who := range []string{"hana@reader.test", "alice@reader.test", "bob@reader.test"} {
		header := received(r.inbox(), who, "update")[0].Headers
		if header["List-Unsubscribe-Post"] != "List-Unsubscribe=One-Click" {
			t.Errorf("%s cannot leave by one click: %v", who, header)
		}
		link[who] = unsubscribeLink.FindString(header["List-Unsubscribe"])
	}
	status, body := postForm(t, r.url+link["hana@reader.test"], url.Values{"List-Unsubscribe": {"One-Click"}})
	if status != http.StatusOK || body != "" {
		t.Errorf("one click = %d %q, want 200 and nothing", status, body)
	}
	if status, _ := postForm(t, r.url+link["alice@reader.test"], url.Values{}); status != http.StatusOK {
		t.Errorf("the button = %d, want 200", status)
	}
	if status, _ := r.do(http.MethodGet, link["bob@reader.test"], ""); status != http.StatusOK {
		t.Errorf("GET = %d, want 200", status)
	}
	r.update(o.ID, `{"stage":"identified"}`)
	r.update(o.ID, `{"stage":"resolved"}`)
	for who, want := range map[string]string{"hana@reader.test": "[1]", "alice@reader.test": "[1]", "bob@reader.test": "[1 2 3]"} {
		if got := r.seqs(who); got != want {
			t.Errorf("%s has %s, want %s", who, got, want)
		}
	}
	if status, _ := postForm(t, r.url+link["hana@reader.test"], url.Values{"List-Unsubscribe": {"One-Click"}}); status != http.StatusOK {
		t.Errorf("one click again = %d, want 200", status)
	}
}

// TestWhoLeavesBeforeTheirTurnGetsNothing has mail waiting behind a closed
// switch while somebody leaves.
func TestWhoLeavesBeforeTheirTurnGetsNothing(t *testing.T) {
	t.Parallel()
	r := launch(t, config.Config{}, noon)
	o := r.open(three)
	r.settle()
	r.must(http.MethodPut, "/v1/channels/email", `{"off":true}`, nil)
	r.update(o.ID, `{"stage":"identified"}`)
	leave := unsubscribeLink.FindString(received(r.inbox(), "hana@reader.test", "update")[0].Headers["List-Unsubscribe"])
	if status, _ := postForm(t, r.url+leave, url.Values{}); status != http.StatusOK {
		t.Fatalf("leaving = %d", status)
	}
	r.must(http.MethodPut, "/v1/channels/email", `{"off":false}`, nil)
	r.advance("1m")
	for who, want := range map[string]string{"hana@reader.test": "[1]", "alice@reader.test": "[1 2]"} {
		if got := r.seqs(who); got != want {
			t.Errorf("%s has %s, want %s", who, got, want)
		}
	}
}

// TestSignUpTellsNothingOfWhoIsKnown compares the answers for a subscriber, a
// stranger, and somebody who left.
func TestSignUpTellsNothingOfWhoIsKnown(t *testing.T) {
	t.Parallel()
	r := launch(t, config.Config{}, noon)
	o := r.open(three)
	r.settle()
	left := unsubscribeLink.FindString(received(r.inbox(), "keiko@reader.test", "update")[0].Headers["List-Unsubscribe"])
	if status, _ := postForm(t, r.url+left, url.Values{}); status != http.StatusOK {
		t.Fatalf("leaving = %d", status)
	}
	r.update(o.ID, `{"stage":"resolved"}`)
	var first string
	for _, who := range []string{"hana@reader.test", "stranger@reader.test", "keiko@reader.test"} {
		page := strings.ReplaceAll(r.signUp(person("email", who, "ja", "")), who, "#")
		if first == "" {
			first = page
		}
		if page != first {
			t.Errorf("the page for %s differs:\n%s\n%s", who, page, first)
		}
		if n := len(received(r.inbox(), who, "confirmation")); n != 1 {
			t.Errorf("%s got %d confirmations, want 1", who, n)
		}
	}
	var pages []string
	for _, number := range []string{"+819012345678", "+819012345678", "+818012345678"} {
		page := r.signUp(person("sms", number, "en", ""))
		m := refInput.FindStringSubmatch(page)
		codes := received(r.inbox(), number, "confirmation")
		if m == nil || len(codes) == 0 {
			t.Fatalf("no reference, or no code in %d messages:\n%s", len(codes), page)
		}
		if len(pages) == 0 {
			code := sixDigits.FindString(codes[0].Text)
			if status, _ := postForm(t, r.url+"/confirm", url.Values{"ref": {html.UnescapeString(m[1])}, "code": {code}}); status != http.StatusOK {
				t.Fatalf("POST confirm = %d", status)
			}
		}
		pages = append(pages, strings.NewReplacer(html.UnescapeString(m[1]), "#", number, "#").Replace(html.UnescapeString(page)))
	}
	if pages[1] != pages[0] || pages[2] != pages[0] {
		t.Errorf("the pages for an unknown, a known and another number differ:\n%s", strings.Join(pages, "\n"))
	}
}

// TestKilledRightAfterConfirming kills the program as soon as it has answered a
// confirmation, or while it is about to. Whoever confirmed hears what goes on,
// once.
func TestKilledRightAfterConfirming(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	const rounds = 4
	address := func(n int) string { return fmt.Sprintf("reader-%d@reader.test", n) }
	p := start(t, data)
	var o opened
	p.ask(http.MethodPost, "/v1/incidents", three, &o)
	for n := range rounds {
		if status, body := postForm(t, p.url+"/subscribe", person("email", address(n), "en", "")); status != http.StatusOK {
			t.Fatalf("POST /subscribe = %d %s", status, body)
		}
	}
	p.ask(http.MethodPost, "/clock", `{"advance":"0s"}`, nil)
	var es []embedded.Entry
	p.ask(http.MethodGet, "/inbox.json", "", &es)
	for n := range rounds {
		link := confirmation(t, es, address(n))
		if n%2 == 0 {
			if status, _ := postForm(t, p.url+link, nil); status != http.StatusOK {
				t.Fatalf("POST confirm = %d", status)
			}
		} else {
			fire(t, p.url, link)
		}
		p.kill()
		p = start(t, data)
		if n%2 == 1 { // the reader saw no answer and presses again
			if status, _ := postForm(t, p.url+link, nil); status != http.StatusOK {
				t.Fatalf("POST confirm again = %d", status)
			}
		}
	}
	p.ask(http.MethodPost, "/clock", `{"advance":"3m"}`, nil)
	p.ask(http.MethodGet, "/inbox.json", "", &es)
	for n := range rounds {
		if got := received(es, address(n), "update"); len(got) != 1 || got[0].Seq != 1 {
			t.Errorf("%s got %d updates, want the one that stands", address(n), len(got))
		}
	}
}

// fire sends a form and does not wait for the answer.
func fire(t *testing.T, base, path string) {
	t.Helper()
	host := strings.TrimPrefix(base, "http://")
	c, err := new(net.Dialer).DialContext(t.Context(), "tcp", host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_, err = fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 0\r\n\r\n", path, host)
	if err != nil {
		t.Fatal(err)
	}
}
