//go:build browser

package main

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"shirase/internal/config"
	"shirase/internal/embedded"
	"shirase/internal/incident"
)

// A browser is a headless Chromium, driven over two pipes.
type browser struct {
	in     io.Writer
	out    *bufio.Reader
	last   int
	events []word
}

// A word is what the browser says: an answer to a command, or an event.
type word struct {
	Session string `json:"sessionId"`
	ID      int    `json:"id"`
	Method  string `json:"method"`
	Error   *struct {
		Message string `json:"message"`
	} `json:"error"`
	Params json.RawMessage `json:"params"`
	Result json.RawMessage `json:"result"`
}

// chromium starts a browser that ends with the test.
func chromium(t *testing.T) *browser {
	t.Helper()
	// Helpers of the browser may still write to it when the browser has ended.
	profile, err := os.MkdirTemp("", "chromium-") //nolint:usetesting // t.TempDir fails where that happens
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(profile) })
	commands, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	out, answers, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "/usr/bin/chromium",
		"--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync",
		"--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
		"--user-data-dir="+profile, "--remote-debugging-pipe")
	cmd.ExtraFiles = []*os.File{commands, answers}
	if err := cmd.Start(); err != nil {
		t.Fatalf("start chromium: %v", err)
	}
	_, _ = commands.Close(), answers.Close() // the browser has its own
	b := &browser{in: in, out: bufio.NewReader(out)}
	t.Cleanup(func() {
		_ = in.Close() // it ends when nobody commands it
		_ = cmd.Wait()
		_ = out.Close()
	})
	return b
}

// call gives a command and answers its result.
func (b *browser) call(t *testing.T, session, method string, params, into any) {
	t.Helper()
	b.last++
	id := b.last
	command, err := json.Marshal(map[string]any{"id": id, "sessionId": session, "method": method, "params": params})
	if err != nil {
		t.Fatal(err)
	}
	if session == "" {
		command = bytes.Replace(command, []byte(`,"sessionId":""`), nil, 1)
	}
	if _, err := b.in.Write(append(command, 0)); err != nil {
		t.Fatalf("%s: %v", method, err)
	}
	for {
		e := b.read(t)
		if e.ID != id {
			continue
		}
		if e.Error != nil {
			t.Fatalf("%s: %s", method, e.Error.Message)
		}
		if into != nil {
			if err := json.Unmarshal(e.Result, into); err != nil {
				t.Fatalf("%s: %v", method, err)
			}
		}
		return
	}
}

// read takes the next word of the browser and keeps it if it is an event.
func (b *browser) read(t *testing.T) word {
	t.Helper()
	line, err := b.out.ReadBytes(0)
	if err != nil {
		t.Fatalf("read from chromium: %v", err)
	}
	var e word
	if err := json.Unmarshal(bytes.TrimSuffix(line, []byte{0}), &e); err != nil {
		t.Fatalf("read from chromium: %v", err)
	}
	if e.Method != "" {
		b.events = append(b.events, e)
	}
	return e
}

// A browserTab shows one page.
type browserTab struct {
	b       *browser
	session string
}

// open loads a page in a window of a size and waits until all of it is there.
func (b *browser) open(t *testing.T, address string, width, height int, dark bool) browserTab {
	t.Helper()
	b.events = nil
	var made struct {
		TargetID string `json:"targetId"`
	}
	b.call(t, "", "Target.createTarget", map[string]any{"url": "about:blank"}, &made)
	var at struct {
		SessionID string `json:"sessionId"`
	}
	b.call(t, "", "Target.attachToTarget", map[string]any{"targetId": made.TargetID, "flatten": true}, &at)
	tab := browserTab{b, at.SessionID}
	for _, domain := range []string{"Page", "Runtime", "Log", "Network"} {
		tab.call(t, domain+".enable", nil, nil)
	}
	scheme := "light"
	if dark {
		scheme = "dark"
	}
	tab.call(t, "Emulation.setEmulatedMedia", map[string]any{
		"features": []map[string]string{{"name": "prefers-color-scheme", "value": scheme}},
	}, nil)
	tab.call(t, "Emulation.setDeviceMetricsOverride", map[string]any{
		"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500,
	}, nil)
	tab.call(t, "Page.navigate", map[string]any{"url": address}, nil)
	for !tab.saw("Page.loadEventFired") {
		b.read(t)
	}
	return tab
}

func (p browserTab) call(t *testing.T, method string, params, into any) {
	t.Helper()
	p.b.call(t, p.session, method, params, into)
}

func (p browserTab) saw(method string) bool {
	for _, e := range p.b.events {
		if e.Session == p.session && e.Method == method {
			return true
		}
	}
	return false
}

// eval answers what a script says about the page.
func (p browserTab) eval(t *testing.T, script string, into any) {
	t.Helper()
	var out struct {
		Result struct {
			Value json.RawMessage `json:"value"`
		} `json:"result"`
		Exception json.RawMessage `json:"exceptionDetails"`
	}
	p.call(t, "Runtime.evaluate", map[string]any{"expression": script, "returnByValue": true}, &out)
	if out.Exception != nil {
		t.Fatalf("evaluate %q: %s", script, out.Exception)
	}
	if err := json.Unmarshal(out.Result.Value, into); err != nil {
		t.Fatalf("evaluate %q: %v", script, err)
	}
}

// picture keeps what the window shows, or the whole page, in the artifacts.
func (p browserTab) picture(t *testing.T, name string, whole bool) {
	t.Helper()
	var shot struct {
		Data string `json:"data"`
	}
	p.call(t, "Page.captureScreenshot", map[string]any{"format": "png", "captureBeyondViewport": whole}, &shot)
	png, err := base64.StdEncoding.DecodeString(shot.Data)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(t.ArtifactDir(), name+".png"), png, 0o600); err != nil {
		t.Fatal(err)
	}
}

// clean checks that the page complained of nothing and asked nobody else.
func (p browserTab) clean(t *testing.T, base string) {
	t.Helper()
	for _, e := range p.b.events {
		var v struct {
			Type    string `json:"type"`
			Request struct {
				URL string `json:"url"`
			} `json:"request"`
			Entry struct {
				Level, Text string
			} `json:"entry"`
		}
		if err := json.Unmarshal(e.Params, &v); err != nil {
			continue // events of other domains have other shapes
		}
		switch {
		case e.Method == "Runtime.exceptionThrown", e.Method == "Runtime.consoleAPICalled" && v.Type == "error":
			t.Errorf("the page says %s", e.Params)
		case e.Method == "Log.entryAdded" && (v.Entry.Level == "error" || v.Entry.Level == "warning"):
			t.Errorf("the browser says of the page: %s", v.Entry.Text)
		case strings.HasPrefix(v.Request.URL, "data:"): // the browser's own, such as the icon of a date field
		case e.Method == "Network.requestWillBeSent" && !strings.HasPrefix(v.Request.URL, base+"/"):
			t.Errorf("the page asks for %s, which is not ours", v.Request.URL)
		}
	}
}

// fits checks that the page is no wider than its window.
func (p browserTab) fits(t *testing.T, width int) {
	t.Helper()
	var wide []string
	p.eval(t, `(() => {
		const w = innerWidth, out = [];
		if (document.documentElement.scrollWidth > w || document.body.scrollWidth > w) {
			for (const e of document.querySelectorAll("body *")) {
				if (e.getBoundingClientRect().right > w + .5) out.push(e.tagName + "." + e.className);
			}
			out.push("page: " + document.documentElement.scrollWidth);
		}
		return out.slice(-12);
	})()`, &wide)
	if len(wide) > 0 {
		t.Errorf("the page is wider than %d px: %q", width, wide)
	}
}

// A rehearsal is a running program with a story in it.
type rehearsal struct {
	*player
	entries []embedded.Entry
	draft   string // the path of the page of a draft that waits
}

// rehearse runs the program in this process and plays two outages: one to its
// end, and one whose draft waits for a person.
func rehearse(t *testing.T) *rehearsal {
	t.Helper()
	s := &rehearsal{player: localPage(t)}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(s.advance("0s"))
	var made struct{ ID string }
	must(s.call(http.MethodPost, "/v1/incidents", map[string]any{
		"components": []string{"invoices"}, "severity": "major",
		"effect": map[string]string{"ja": "請求書を送信できません。", "en": "Invoices cannot be sent."},
	}, &made))
	s.incident = made.ID
	must(s.advance("1s"))
	must(s.identified())
	must(s.monitoring())
	must(s.resolved())
	must(s.advance("1h"))
	must(s.call(http.MethodPost, "/invoke/alarm", []byte(event(t, "alarm/five/login-failures.json", s.now)), nil))
	must(s.advance("61s"))
	var err error
	s.entries, err = s.inbox()
	must(err)
	for _, e := range s.entries {
		if link := actionLink.FindString(e.Text); link != "" && e.Channel == incident.Email {
			s.draft = link
		}
	}
	if s.draft == "" {
		t.Fatal("no mail holds the link to a draft")
	}
	return s
}

// localPage runs the program until the test ends and answers who can talk to it.
func localPage(t *testing.T) *player {
	t.Helper()
	r := launch(t, config.Config{}, noon)
	return &player{ctx: t.Context(), base: r.url, key: r.p.key, out: io.Discard}
}

// find answers the last entry of a kind, channel and language.
func (s *rehearsal) find(t *testing.T, kind string, c incident.Channel, a incident.Audience, l incident.Locale) embedded.Entry {
	t.Helper()
	for _, e := range slices.Backward(s.entries) {
		if e.Kind == kind && e.Channel == c && cmp.Or(a, e.Audience) == e.Audience && e.Locale == l {
			return e
		}
	}
	t.Fatalf("the inbox has no %s on %s for %s in %s", kind, c, a, l)
	return embedded.Entry{}
}

var windows = []struct {
	name          string
	width, height int
	dark          bool
}{{"phone", 375, 800, false}, {"desk", 1280, 900, false}, {"phone-dark", 375, 800, true}, {"desk-dark", 1280, 900, true}}

func TestBrowserInbox(t *testing.T) {
	s, b := rehearse(t), chromium(t)
	of := func(e embedded.Entry, as string) string {
		return "/inbox?" + url.Values{"i": {s.incident}, "m": {e.ID}, "as": {as}}.Encode() + "#message"
	}
	pages := []struct{ name, path, wants string }{
		{"grid", "/inbox?i=" + url.QueryEscape(s.incident), "#people tbody tr[id] .sent"},
		{"mail", of(s.find(t, kindUpdate, incident.Email, "customers", "ja"), "html"), ".shown .mail iframe"},
		{"mail-plain", of(s.find(t, kindUpdate, incident.Email, "customers", "en"), "plain"), ".shown .mail .plain a[rel=noreferrer]"},
		{"sms", of(s.find(t, kindUpdate, incident.SMS, "customers", "ja"), ""), ".shown .phone .current"},
		{"post", of(s.find(t, kindUpdate, "mastodon", "customers", "ja"), ""), ".shown .post.current"},
		{"chat", of(s.find(t, kindUpdate, "slack", "customers", "en"), ""), ".shown .chat .edited"},
		{"webhook", of(s.find(t, kindUpdate, incident.Webhook, "customers", "ja"), ""), ".shown .hook .k"},
		{"draft", of(s.find(t, "operator", incident.Email, "", "ja"), "plain"), ".shown .mail .plain"},
		{"newest", "/inbox", "#people, .quiet"},
	}
	for _, page := range pages {
		for _, win := range windows {
			t.Run(page.name+"/"+win.name, func(t *testing.T) {
				tab := b.open(t, s.base+page.path, win.width, win.height, win.dark)
				var n int
				tab.eval(t, fmt.Sprintf("document.querySelectorAll(%q).length", page.wants), &n)
				if n == 0 {
					t.Errorf("%s: the page has no %s", page.path, page.wants)
				}
				tab.fits(t, win.width)
				tab.clean(t, s.base)
				tab.picture(t, page.name+"-"+win.name, page.name == "grid")
			})
		}
	}
}

// TestBrowserMail looks at mails as documents of their own, outside the frame.
func TestBrowserMail(t *testing.T) {
	s, b := rehearse(t), chromium(t)
	e := s.find(t, kindUpdate, incident.Email, "customers", "ja")
	tab := b.open(t, s.base+"/inbox/"+e.ID+".html", 375, 800, false)
	var heading string
	tab.eval(t, `document.querySelector("h1").textContent`, &heading)
	if heading != e.Subject {
		t.Errorf("the heading of the mail = %q, want its subject %q", heading, e.Subject)
	}
	tab.fits(t, 375)
	tab.clean(t, s.base)
}

func TestBrowserInboxWhileEmpty(t *testing.T) {
	s, b := localPage(t), chromium(t)
	for _, win := range windows {
		t.Run(win.name, func(t *testing.T) {
			tab := b.open(t, s.base+"/inbox", win.width, win.height, win.dark)
			var text string
			tab.eval(t, `document.querySelector(".help").innerText`, &text)
			if !strings.Contains(text, "-demo") || !strings.Contains(text, "curl "+s.base+"/v1/incidents") {
				t.Errorf("the empty inbox says %q, want how to make messages", text)
			}
			tab.fits(t, win.width)
			tab.clean(t, s.base)
			tab.picture(t, "empty-"+win.name, false)
		})
	}
}

// TestBrowserDraft looks at the page that the engineer on call decides on.
func TestBrowserDraft(t *testing.T) {
	s, b := rehearse(t), chromium(t)
	for _, win := range windows {
		t.Run(win.name, func(t *testing.T) {
			tab := b.open(t, s.base+s.draft, win.width, win.height, win.dark)
			var box struct{ Top, Bottom, Left, Right, Height float64 }
			tab.eval(t, `(() => { const r = document.querySelector("button[value=publish], [name=do][value=publish] ~ button, .publish button").getBoundingClientRect();
				return {top: r.top, bottom: r.bottom, left: r.left, right: r.right, height: r.height} })()`, &box)
			if box.Top < 0 || box.Bottom > float64(win.height) || box.Left < 0 || box.Right > float64(win.width) {
				t.Errorf("the button that publishes stands at %+v, want it in the first screen of %d × %d", box, win.width, win.height)
			}
			if box.Height < 44 {
				t.Errorf("the button that publishes is %v px high, want at least 44", box.Height)
			}
			tab.fits(t, win.width)
			tab.clean(t, s.base)
			tab.picture(t, "act-"+win.name, false)
		})
	}
}
