package public_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"shirase/internal/announce"
	"shirase/internal/handler/web"
	"shirase/internal/handler/web/webtest"
	"shirase/internal/incident"
	"shirase/internal/message"
)

// story announces, corrects, withdraws and resolves.
func story(r *rig) incident.ID {
	id := r.open()
	r.update(id, announce.UpdateInput{Stage: incident.Identified, Text: incident.Text{"ja": "原因は時計です。", "en": "The clock did it."}})
	r.update(id, announce.UpdateInput{Kind: incident.Correction, Of: 1, Text: incident.Text{"ja": "始まりは14:00でした。", "en": "It began at 14:00."}})
	r.update(id, announce.UpdateInput{Kind: incident.Retraction, Of: 2})
	r.update(id, announce.UpdateInput{Stage: incident.Monitoring, Components: []incident.ComponentID{"invoices", "login"}})
	return id
}

func TestPageInEachLanguage(t *testing.T) {
	t.Parallel()
	r := newRig(t, planSource)
	id := story(r)
	for _, lang := range []string{"ja", "en"} {
		a := r.do(http.MethodGet, "/i/"+string(id)+"?lang="+lang)
		r.page(a, http.StatusOK)
		webtest.Golden(t, lang+".html", strings.NewReplacer(web.Style(), "STYLE").Replace(a.body))
	}
}

func TestTimeline(t *testing.T) {
	t.Parallel()
	r := newRig(t, planSource)
	p := r.get(story(r), "en")
	r.says(p,
		"customers text 5 in en.", "customers text 1 in en.", "Sending invoices, Logging in",
		"This corrects the update of 14:12 JST (05:12 UTC) on Tue 15 Sep 2026.", "It began at 14:00.", "This update has been corrected. customers text 1",
		"The update of 14:26 JST (05:26 UTC) on Tue 15 Sep 2026 was withdrawn at 14:54 JST (05:54 UTC) on Tue 15 Sep 2026.",
		"This withdraws the update of 14:26 JST", "Next update by 16:08 JST")
	r.silent(p, "The clock did it.", "text 2", "INSIDE", "engineering", "⟦")
	if got := strings.Count(p.Text, "customers text 5 in en."); got != 1 {
		t.Errorf("the newest text stands %d times, want once", got)
	}
	newest, oldest := strings.Index(p.Text, "customers text 5"), strings.Index(p.Text, "customers text 1")
	if newest > oldest {
		t.Error("the newest text must come first")
	}
}

func TestWhatWasNeverToldIsNotThere(t *testing.T) {
	t.Parallel()
	r := newRig(t, planSource)
	id := r.open()
	facts := incident.Facts{
		Cause: incident.Fact[incident.Text]{Value: incident.Text{"en": "db-7 was full"}, State: incident.Hypothesis},
		Scope: incident.Fact[incident.Text]{Value: incident.Text{"en": "tenant Acme"}, State: incident.Confirmed},
	}
	if _, err := r.service.Know(t.Context(), id, facts, ops); err != nil {
		t.Fatal(err)
	}
	if _, err := r.service.AddNote(t.Context(), id, "blame nobody", ops); err != nil {
		t.Fatal(err)
	}
	r.silent(r.get(id, "en"), "db-7", "tenant Acme", "blame nobody", "INSIDE", "ops", "major")
}

func TestMergedComponentsAreNamed(t *testing.T) {
	t.Parallel()
	r := newRig(t, planSource)
	id := r.open()
	other := r.open(func(in *announce.OpenInput) { in.Components = []incident.ComponentID{"login"} })
	if _, err := r.service.Merge(t.Context(), other, id, ops); err != nil {
		t.Fatal(err)
	}
	// The other's readers are sent here, and must find what they were told of.
	if p := r.get(id, "en"); !strings.Contains(p.Text, "Logging in") {
		t.Errorf("the page does not name the merged incident's component:\n%s", p.Text)
	}
}

func TestMergedLeadsOn(t *testing.T) {
	t.Parallel()
	r := newRig(t, planSource)
	a, b := r.open(), r.open()
	if _, err := r.service.Merge(t.Context(), b, a, ops); err != nil {
		t.Fatal(err)
	}
	p := r.get(b, "en")
	r.says(p, "This notice has been joined with another one.")
	r.silent(p, "Next update by")
	if want := "/i/" + string(a) + "?lang=en"; !slices.Contains(p.Links, want) {
		t.Errorf("links = %v, want %q among them", p.Links, want)
	}
}

func TestPageBelowAPath(t *testing.T) {
	t.Parallel()
	r := newRig(t, planSource)
	r.handler.Base = "https://minato.test/status"
	a, b := r.open(), r.open()
	if _, err := r.service.Merge(t.Context(), b, a, ops); err != nil {
		t.Fatal(err)
	}
	got := r.do(http.MethodGet, "/i/"+string(b))
	for _, want := range []string{`href="/status/assets/style-`, `href="/status/i/` + string(a) + `?lang=ja"`} {
		if !strings.Contains(got.body, want) {
			t.Errorf("the page has no %s", want)
		}
	}
}

func TestWithdrawnWhole(t *testing.T) {
	t.Parallel()
	r := newRig(t, planSource)
	id := r.open(func(in *announce.OpenInput) { in.Text = incident.Text{"en": "a false alarm"} })
	r.update(id, announce.UpdateInput{Kind: incident.Retraction, Of: 1, Text: incident.Text{"en": "It did not happen."}})
	p := r.get(id, "en")
	r.says(p, "[resolved retraction]", "It did not happen.", "was withdrawn at")
	r.silent(p, "a false alarm", "Next update by")
}

func TestDrillIsMarked(t *testing.T) {
	t.Parallel()
	r := newRig(t, planSource)
	id := r.open(func(in *announce.OpenInput) { in.Drill = true })
	a := r.do(http.MethodGet, "/i/"+string(id)+"?lang=ja")
	r.says(r.page(a, http.StatusOK), "これは訓練です。実際の障害ではありません。")
	if got, want := a.header.Get("X-Robots-Tag"), "noindex, nofollow"; got != want {
		t.Errorf("X-Robots-Tag = %q, want %q", got, want)
	}
	r.silent(r.get(r.open(), "ja"), "訓練")
}

func TestPlannedWork(t *testing.T) {
	t.Parallel()
	r := newRig(t, planSource)
	id := r.open(func(in *announce.OpenInput) {
		in.Kind = incident.Maintenance
		in.Window = incident.Window{From: start.Add(24 * time.Hour), To: start.Add(26 * time.Hour)}
	})
	r.says(r.get(id, "ja"), "予定の時間 2026年9月16日(水)14:12から2026年9月16日(水)16:12まで")
	r.says(r.get(id, "en"), "Planned time from 14:12 JST (05:12 UTC) on Wed 16 Sep 2026 to 16:12 JST (07:12 UTC) on Wed 16 Sep 2026")
}

func TestWhatReadersMayNotSeeIsNotThere(t *testing.T) {
	t.Parallel()
	r := newRig(t, planSource)
	unheard, err := incident.Open(incident.Opening{
		ID: "unheard", Kind: incident.Outage, Severity: incident.Major, Components: []incident.ComponentID{"invoices"},
		DetectedAt: start, At: start, By: "alarm", Plan: 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.store.Commit(t.Context(), announce.Change{Incidents: []announce.Versioned{{Incident: unheard}}}); err != nil {
		t.Fatal(err)
	}
	inside := r.open(func(in *announce.OpenInput) { in.Severity = incident.Internal })
	var want string
	for _, path := range []string{
		"/i/none", "/i/unheard", "/i/" + string(inside), "/i/", "/i", "/i/UPPER", "/i/a/b", "/i/a%2Fb", "/i/..%00", "/i/" + strings.Repeat("a", 65),
	} {
		a := r.do(http.MethodGet, path)
		r.says(r.page(a, http.StatusNotFound), "お知らせが見つかりません")
		if want == "" {
			want = a.body
		}
		if a.body != want {
			t.Errorf("%s differs from the others", path)
		}
		if got := a.header.Get("Cache-Control"); got != "no-store" {
			t.Errorf("%s: Cache-Control = %q, want no-store: it may be announced any moment", path, got)
		}
		if a.header.Get("ETag") != "" {
			t.Errorf("%s has an ETag", path)
		}
	}
}

func TestWhoWasToldTheBeginningFindsTheEnd(t *testing.T) {
	t.Parallel()
	r := newRig(t, planSource)
	id := r.open()
	r.update(id, announce.UpdateInput{Severity: incident.Internal})
	r.says(r.get(id, "en"), "customers text 2 in en.")
}

func TestLanguage(t *testing.T) {
	t.Parallel()
	r := newRig(t, planSource)
	id := r.open()
	for _, c := range []struct{ name, query, accept, want string }{
		{"nothing said", "", "", "ja"},
		{"browser in English", "", "en-US,en;q=0.9", "en"},
		{"browser likes Japanese better", "", "en;q=0.5, ja", "ja"},
		{"browser in another language", "", "fr-FR,fr;q=0.9", "ja"},
		{"browser in another, then English", "", "fr, en;q=0.1", "en"},
		{"asked for", "?lang=en", "ja", "en"},
		{"asked for what is not there", "?lang=xx", "en", "en"},
		{"nonsense", "", ";;;===", "ja"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := r.do(http.MethodGet, "/i/"+string(id)+c.query, "Accept-Language", c.accept)
			p := r.page(a, http.StatusOK)
			if got := a.header.Get("Content-Language"); got != c.want {
				t.Errorf("language = %q, want %q", got, c.want)
			}
			if !strings.Contains(a.body, `<html lang="`+c.want+`">`) || !strings.Contains(p.Text, "customers text 1 in "+c.want) {
				t.Errorf("the page is not in %q:\n%s", c.want, p.Text)
			}
			other := map[string]string{"ja": "?lang=en", "en": "?lang=ja"}[c.want]
			if !slices.Contains(p.Links, other) {
				t.Errorf("links = %v, want %q among them", p.Links, other)
			}
			if got := a.header.Get("Vary"); got != "Accept-Language" {
				t.Errorf("Vary = %q, want Accept-Language", got)
			}
		})
	}
}

func TestOneLanguageOnly(t *testing.T) {
	t.Parallel()
	r := newRig(t, `
organisation: {name: {en: Minato}, contact: help@minato.test, zone: Europe/London, locales: [en]}
components: [{id: invoices, name: {en: Sending invoices}, effect: {en: Invoices cannot be sent.}}]
members: [{id: sato, email: sato@minato.test}]
`)
	a := r.do(http.MethodGet, "/i/"+string(r.open())+"?lang=ja", "Accept-Language", "ja")
	p := r.page(a, http.StatusOK)
	if got := a.header.Get("Content-Language"); got != "en" {
		t.Errorf("language = %q, want en", got)
	}
	if slices.ContainsFunc(p.Links, func(s string) bool { return strings.HasPrefix(s, "?lang=") }) {
		t.Errorf("links = %v, want no switch between one language", p.Links)
	}
}

func TestCaching(t *testing.T) {
	t.Parallel()
	r := newRig(t, planSource)
	id := r.open()
	path := "/i/" + string(id) + "?lang=en"
	first := r.do(http.MethodGet, path)
	tag := first.header.Get("ETag")
	if tag == "" || first.header.Get("Cache-Control") != "public, max-age=10" {
		t.Fatalf("ETag, Cache-Control = %q, %q, want some, public, max-age=10", tag, first.header.Get("Cache-Control"))
	}
	for header, want := range map[string]int{tag: 304, "W/" + tag: 304, `"x", ` + tag: 304, "*": 304, `"x"`: 200, "": 200} {
		a := r.do(http.MethodGet, path, "If-None-Match", header)
		if a.status != want {
			t.Errorf("If-None-Match %q = %d, want %d", header, a.status, want)
		}
		if a.status == http.StatusNotModified && a.body != "" {
			t.Errorf("a 304 has a body of %d bytes", len(a.body))
		}
	}
	if a := r.do(http.MethodGet, "/i/"+string(id)+"?lang=ja", "If-None-Match", tag); a.status != http.StatusOK {
		t.Errorf("the other language = %d, want 200", a.status)
	}
	head := r.do(http.MethodHead, path)
	if head.status != http.StatusOK || head.body != "" || head.header.Get("ETag") != tag {
		t.Errorf("HEAD = %d, %d bytes, %q, want 200, 0, %q", head.status, len(head.body), head.header.Get("ETag"), tag)
	}
	r.update(id, announce.UpdateInput{})
	if a := r.do(http.MethodGet, path, "If-None-Match", tag); a.status != http.StatusOK || !strings.Contains(a.body, "text 2") {
		t.Errorf("after an update = %d, want 200 with it", a.status)
	}
}

func TestOnlyReading(t *testing.T) {
	t.Parallel()
	r := newRig(t, planSource)
	id := r.open()
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete, "PROPFIND"} {
		a := r.do(method, "/i/"+string(id))
		r.page(a, http.StatusMethodNotAllowed)
		if got := a.header.Get("Allow"); got != "GET, HEAD" {
			t.Errorf("%s: Allow = %q, want GET, HEAD", method, got)
		}
	}
}

func TestHostileTextsAreInert(t *testing.T) {
	t.Parallel()
	r := newRig(t, planSource)
	const bad = `"><script>alert(1)</script><img src=x onerror=alert(1)> {{.Org}} javascript:alert(1)`
	id := r.open(func(in *announce.OpenInput) {
		in.Text = incident.Text{"en": bad + "\nsee https://ok.test/a?b=c&d=e. or https://x.test/\"onclick=alert(1)"}
	})
	p := r.get(id, "en")
	r.says(p, bad)
	for _, want := range []string{"https://ok.test/a?b=c&d=e", "https://x.test/"} {
		if !slices.Contains(p.Links, want) {
			t.Errorf("links = %q, want %q among them", p.Links, want)
		}
	}
}

func TestRealTexts(t *testing.T) {
	t.Parallel()
	r := newRig(t, planSource)
	r.service.Render = message.Render
	id := r.open()
	r.update(id, announce.UpdateInput{Stage: incident.Monitoring})
	p := r.get(id, "ja")
	r.says(p, "【障害発生】請求書の送信(ミナト請求)", "【経過確認中】請求書の送信(ミナト請求)", "次のお知らせは、")
	r.silent(p, "⟦", "最新の状況:", "送信者:")
}

func TestMailServesWhereThereIsNoOtherText(t *testing.T) {
	t.Parallel()
	r := newRig(t, planSource)
	r.service.Render = func(in message.Input) ([]message.Message, []message.Finding, error) {
		return []message.Message{{
			Incident: in.Update.Incident, Seq: in.Update.Seq, Audience: incident.Customers, Locale: "ja",
			Contents: map[incident.Family]message.Content{incident.FamilyEmail: {Subject: "件名", Text: "本文\n⟦links⟧\n"}},
		}}, nil, nil
	}
	a := r.do(http.MethodGet, "/i/"+string(r.open())+"?lang=en")
	p := r.page(a, http.StatusOK)
	r.says(p, "件名", "本文")
	r.silent(p, "⟦")
	if !strings.Contains(a.body, `<h1 lang="ja">件名</h1>`) {
		t.Error("the page does not say that its title is in another language")
	}
}

type broken struct {
	*rig
	err error
}

func (b broken) Updates(context.Context, incident.ID) ([]incident.Update, error) { return nil, b.err }

func (b broken) Messages(context.Context, incident.ID, int) ([]message.Message, error) {
	return nil, b.err
}

func TestFaultOfOurs(t *testing.T) {
	t.Parallel()
	for _, err := range []error{errors.New("inner word"), incident.ErrNotFound} {
		r := newRig(t, planSource)
		var log bytes.Buffer
		r.handler.Log = slog.New(slog.NewTextHandler(&log, nil))
		id := r.open()
		r.handler.History = broken{r, err}
		a := r.do(http.MethodGet, "/i/"+string(id)+"?lang=en")
		p := r.page(a, http.StatusInternalServerError)
		r.says(p, "Something went wrong on our side")
		r.silent(p, "inner word")
		if got := a.header.Get("Cache-Control"); got != "no-store" || a.header.Get("ETag") != "" {
			t.Errorf("Cache-Control, ETag = %q, %q, want no-store and none", got, a.header.Get("ETag"))
		}
		if strings.Count(log.String(), "incident page failed") != 1 {
			t.Errorf("log = %q, want one line", log.String())
		}
	}
}

// texts fails only when the page is being written.
type texts struct{ broken }

func (b texts) Updates(ctx context.Context, id incident.ID) ([]incident.Update, error) {
	return b.store.Updates(ctx, id)
}

func TestFaultOfOursIsNotCached(t *testing.T) {
	t.Parallel()
	r := newRig(t, planSource)
	id := r.open()
	r.handler.History = texts{broken{r, errors.New("down")}}
	a := r.do(http.MethodGet, "/i/"+string(id))
	r.page(a, http.StatusInternalServerError)
	if got := a.header.Get("Cache-Control"); got != "no-store" || a.header.Get("ETag") != "" {
		t.Errorf("Cache-Control, ETag = %q, %q, want no-store and none", got, a.header.Get("ETag"))
	}
}

func TestLocalesSayTheSame(t *testing.T) {
	t.Parallel()
	webtest.Parity(t, os.DirFS("."))
}
