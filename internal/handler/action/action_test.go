package action_test

import (
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"shirase/internal/announce"
	"shirase/internal/handler/web"
	"shirase/internal/handler/web/webtest"
	"shirase/internal/incident"
	"shirase/internal/message"
	"shirase/internal/plan"
)

func TestPageIsWrittenForItsReader(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, member string }{{"ja.html", "sato"}, {"en.html", "clarke"}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			d := r.drafted("pay-errors")
			path := r.path(d.ID, plan.MemberID(c.member))
			a := r.do(http.MethodGet, path, nil, "Accept-Language", "fr")
			r.page(a, http.StatusOK)
			webtest.Golden(t, c.name, strings.NewReplacer(path, "/act/TOKEN", web.Style(), "STYLE").Replace(a.body))
		})
	}
}

func TestPageBeginsWithWhatCustomersReadAndTheButton(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	d := r.drafted("api-errors")
	body := r.do(http.MethodGet, r.path(d.ID, "clarke"), nil).body
	text := strings.Index(body, "&lt;customers/en notice&gt; Invoices cannot be sent.")
	button := strings.Index(body, `value="publish"`)
	idle := strings.Index(body, "If you do nothing")
	rest := strings.Index(body, `id="facts"`)
	if text < 0 || text > button || button > idle || idle > rest {
		t.Errorf("places of text, button, idle, rest = %d, %d, %d, %d, want them in this order", text, button, idle, rest)
	}
}

func TestReadingChangesNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	d := r.drafted("pay-errors")
	was, inc, commits := r.draft(), r.incident(), r.commits
	for _, query := range []string{"", "?do=publish&digest=" + d.Digest, "?do=dismiss", "?do=ack", "?done=publish"} {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			a := r.do(method, r.path(d.ID, "sato")+query, nil)
			if a.status != http.StatusOK {
				t.Errorf("%s %q = %d, want 200", method, query, a.status)
			}
			if method == http.MethodHead && a.body != "" {
				t.Errorf("HEAD has a body of %d bytes", len(a.body))
			}
			if got := a.header.Get("Cache-Control"); got != "no-store" {
				t.Errorf("Cache-Control = %q, want no-store", got)
			}
			if strings.Contains(a.body, "公開しました") {
				t.Errorf("GET %q says that it is published", query)
			}
		}
	}
	if r.commits != commits {
		t.Errorf("writes = %d, want none", r.commits-commits)
	}
	if diff := cmp.Diff(was, r.draft(), cmp.AllowUnexported(incident.Outlook{})); diff != "" {
		t.Errorf("the draft changed:\n%s", diff)
	}
	if diff := cmp.Diff(inc, r.incident(), cmp.AllowUnexported(incident.Outlook{})); diff != "" {
		t.Errorf("the incident changed:\n%s", diff)
	}
}

func TestPublish(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	d := r.drafted("api-errors")
	path := r.path(d.ID, "sato")
	before := r.get(path)
	a := r.post(path, before, "publish")
	after := r.follow(a)
	r.says(after, "公開しました", "公開済みです(公開: 佐藤 健)")
	if len(after.Buttons) != 0 {
		t.Errorf("buttons of a published draft = %v, want none", after.Buttons)
	}
	inc := r.incident()
	if inc.Seq != 1 || inc.Stage != incident.Investigating || inc.AckedBy != "sato" {
		t.Errorf("incident = seq %d, %s, acked by %q, want 1, investigating, sato", inc.Seq, inc.Stage, inc.AckedBy)
	}
	ms, err := r.store.Messages(t.Context(), inc.ID, 1)
	if err != nil {
		t.Fatal(err)
	}
	// The store lists by audience, the draft in plan order.
	got, want := texts(ms), texts(d.Messages)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("published other texts than were shown:\n%s", diff)
	}
	if !slices.Contains(after.Links, "/i/"+string(inc.ID)) {
		t.Errorf("links = %v, want the public page among them", after.Links)
	}

	// Thumbs tap twice, and colleagues press too.
	r.follow(r.post(path, before, "publish"))
	r.follow(r.post(r.path(d.ID, "clarke"), before, "publish"))
	if got := r.incident().Seq; got != 1 {
		t.Errorf("seq after publishing again = %d, want 1", got)
	}
}

func TestPublishWhatIsNoLongerSo(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	d := r.drafted("api-errors")
	path := r.path(d.ID, "sato")
	seen := r.get(path)
	r.alarm("login-errors", "more")
	p := r.page(r.post(path, seen, "publish"), http.StatusConflict)
	r.says(p, "まだ公開していません。", "文面を作り直しました", "請求書を送信できません。 ログインできません。")
	if got := r.incident().Seq; got != 0 {
		t.Fatalf("seq = %d, want 0", got)
	}
	if p.Values["digest"] == seen.Values["digest"] {
		t.Fatal("the page still asks for the old texts")
	}
	r.follow(r.post(path, p, "publish"))
	if got := r.incident().Seq; got != 1 {
		t.Errorf("seq = %d, want 1", got)
	}
}

func TestPublishAfterALongTime(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	d := r.drafted("api-errors")
	path := r.path(d.ID, "sato")
	old := r.get(path)
	r.now = r.now.Add(2 * time.Hour)
	fresh := r.get(path)
	if old.Values["digest"] == fresh.Values["digest"] {
		t.Fatal("the page shows texts of two hours ago")
	}
	r.page(r.post(path, old, "publish"), http.StatusConflict)
	if got := r.incident().Seq; got != 0 {
		t.Fatalf("seq = %d, want 0", got)
	}
	// What is seen is what is sent, so it is sent at once.
	r.follow(r.post(path, fresh, "publish"))
	if got := r.incident().Seq; got != 1 {
		t.Errorf("seq = %d, want 1", got)
	}
}

func TestPublishTellsWhatBlocks(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	d := r.drafted("api-errors")
	path := r.path(d.ID, "clarke")
	clean := r.get(path)
	p := r.follow(r.post(path, clean, "edit", "text_en", "the SECRET, hmm"))
	r.says(p, "This cannot be published as it is.", "Must be changed", "holds a secret; take it out", "Customers / English / Email", "is vague")
	if slices.Contains(p.Buttons, "publish") {
		t.Error("the page offers to publish what is blocked")
	}
	form := url.Values{"do": {"publish"}, "digest": {r.draft().Digest}}
	p = r.page(r.do(http.MethodPost, path, form), http.StatusUnprocessableEntity)
	r.says(p, "Not published yet.", "holds a secret; take it out")
	if got := r.incident().Seq; got != 0 {
		t.Errorf("seq = %d, want 0", got)
	}
}

func TestAcknowledge(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	d := r.drafted("pay-errors")
	path := r.path(d.ID, "clarke")
	p := r.get(path)
	r.says(p, "If you do nothing, an automatic notice will be published at 14:13 JST (06:13 your time) on Tue 15 Sep.", "This stops the automatic notice")
	p = r.follow(r.post(path, p, "ack"))
	r.says(p, "You have taken this on.", "Emma Clarke has been on this since", "If you do nothing, nothing is sent to anybody.")
	if slices.Contains(p.Buttons, "ack") {
		t.Error("the page still offers to take it on")
	}
	if got := r.incident().AckedBy; got != "clarke" {
		t.Errorf("acked by %q, want clarke", got)
	}
	r.advance(10 * time.Minute)
	if got := r.incident().Seq; got != 0 {
		t.Errorf("seq = %d, want 0: the automatic notice must not go out", got)
	}
	r.follow(r.post(path, r.get(path), "publish"))
}

func TestAutomaticNoticeIsAnnounced(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	d := r.drafted("pay-errors")
	r.now = d.AutoAt.Add(time.Second)
	r.says(r.get(r.path(d.ID, "sato")), "まもなく、自動のお知らせを公開します。")
	r.advance(time.Minute)
	if got := r.incident().Seq; got != 1 {
		t.Fatalf("seq = %d, want 1", got)
	}
	p := r.get(r.path(d.ID, "sato"))
	r.silent(p, "自動のお知らせを公開します")
}

func TestDismiss(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	d := r.drafted("api-errors")
	path := r.path(d.ID, "sato")
	seen := r.get(path)
	r.says(seen, "誰にも知らせないまま終わります")
	body := r.do(http.MethodGet, path, nil).body
	if open, button := strings.LastIndex(body, "<details>"), strings.Index(body, `value="dismiss"`); open < 0 || open > button {
		t.Error("one tap dismisses: the button must lie in what has to be opened first")
	}

	r.alarm("login-errors", "news that the page did not show")
	p := r.page(r.post(path, seen, "dismiss"), http.StatusConflict)
	r.says(p, "まだ何もしていません", "ログイン")
	if got := r.draft().State; got != announce.DraftOpen {
		t.Fatalf("draft = %s, want open", got)
	}
	r.page(r.do(http.MethodPost, path, url.Values{"do": {"dismiss"}}), http.StatusConflict)

	done := r.follow(r.post(path, p, "dismiss"))
	r.says(done, "下書きを取り下げました。", "取り下げ済みです(取り下げ: 佐藤 健)")
	r.follow(r.post(path, p, "dismiss")) // the same form twice
	if inc := r.incident(); inc.End != incident.EndDismissed || inc.Seq != 0 {
		t.Errorf("incident = %q, seq %d, want dismissed, 0", inc.End, inc.Seq)
	}
	if a := r.do(http.MethodPost, path, url.Values{"do": {"publish"}, "digest": {d.Digest}}); a.status != http.StatusConflict {
		t.Errorf("publishing a dismissed draft = %d, want 409", a.status)
	}
}

func TestHostileTextsAreInert(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	const bad = `"><script>alert(1)</script><img src=x onerror=alert(1)>' onfocus=alert(1) {{.Digest}} </textarea>javascript:alert(1)`
	r.alarm("api-"+bad, bad)
	r.advance(time.Minute)
	path := r.path(r.draft().ID, "clarke")
	p := r.follow(r.post(path, r.get(path), "edit", "effect_en", bad, "text_en", bad, "effect_ja", bad))
	r.says(p, bad) // as text; webtest.Read refuses every such element and attribute
	if got := p.Values["effect_en"]; got != bad {
		t.Errorf("effect_en = %q, want what was typed", got)
	}
	fault := r.page(r.post(path, p, "edit", "next", bad), http.StatusUnprocessableEntity)
	if got := fault.Values["next"]; got != bad {
		t.Errorf("next = %q, want what was typed", got)
	}
}

func TestDrillIsMarked(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	in := announce.OpenInput{Components: []incident.ComponentID{"invoices"}, Severity: incident.Major, Drill: true}
	res, err := r.service.Open(t.Context(), in, announce.Actor{Name: "ops"})
	if err != nil {
		t.Fatal(err)
	}
	d := announce.Draft{
		ID: "d1", Incident: res.Incident.ID, Revision: 1, Base: res.Incident.Version, State: announce.DraftOpen,
		Next: r.now.Add(time.Hour), Until: r.now.Add(time.Hour),
	}
	if err := r.store.Commit(t.Context(), announce.Change{Drafts: []announce.Draft{d}}); err != nil {
		t.Fatal(err)
	}
	r.says(r.get(r.path("d1", "sato")), "これは訓練です。", "訓練用の宛先だけに送ります", "障害のお知らせは、これまでのまま続きます")
}

func TestLocalesSayTheSame(t *testing.T) {
	t.Parallel()
	webtest.Parity(t, os.DirFS("."))
}

func TestRealTexts(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.service.Render = message.Render
	d := r.drafted("pay-errors")
	path := r.path(d.ID, "sato")
	p := r.get(path)
	r.says(p, "請求書の送信", "【障害発生】")
	r.silent(p, "⟦", "⟧")
	p = r.follow(r.post(path, p, "edit", "effect_ja", "請求書の送信に時間がかかっています。", "text_ja", "急ぎの方はPDFをお使いください。"))
	r.says(p, "請求書の送信に時間がかかっています。", "急ぎの方はPDFをお使いください。")
	r.follow(r.post(path, p, "publish"))
	if got := r.incident().Seq; got != 1 {
		t.Errorf("seq = %d, want 1", got)
	}
}

func texts(ms []message.Message) map[string]map[incident.Family]message.Content {
	out := map[string]map[incident.Family]message.Content{}
	for _, m := range ms {
		out[string(m.Audience)+"/"+string(m.Locale)] = m.Contents
	}
	return out
}
