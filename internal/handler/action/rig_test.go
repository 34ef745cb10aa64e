package action_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"shirase/internal/announce"
	"shirase/internal/deliver"
	"shirase/internal/embedded"
	"shirase/internal/handler/action"
	"shirase/internal/handler/web/webtest"
	"shirase/internal/incident"
	"shirase/internal/message"
	"shirase/internal/plan"
	"shirase/internal/token"
)

const planSource = `
organisation:
  name: {ja: ミナト請求, en: Minato Billing}
  contact: https://minato.test/help
  from: notice@minato.test
  zone: Asia/Tokyo
  locales: [ja, en]
components:
  - {id: invoices, name: {ja: 請求書の送信, en: Sending invoices}, effect: {ja: 請求書を送信できません。, en: Invoices cannot be sent.}}
  - {id: login, name: {ja: ログイン, en: Logging in}, effect: {ja: ログインできません。, en: It is not possible to log in.}}
members:
  - {id: sato, name: 佐藤 健, email: sato@minato.test}
  - {id: clarke, name: Emma Clarke, locale: en, zone: Europe/London, email: clarke@minato.test}
oncall: [sato, clarke]
targets:
  - {id: slack-ja, channel: slack, audience: customers, locale: ja, address: "#minato"}
alarms:
  hold: 60s
  rules:
    - {name: pay*, component: invoices, severity: critical, publish: auto, after: 5m}
    - {name: login*, component: login, severity: major}
    - {name: "*", component: invoices, severity: major}
`

var start = time.Date(2026, 9, 15, 5, 7, 0, 0, time.UTC)

// A rig is the page over the real use case and the store in memory.
type rig struct {
	t       *testing.T
	store   *embedded.Store
	service *announce.Service
	handler *action.Handler
	links   action.Links
	server  *httptest.Server
	now     time.Time
	ids     int
	commits int
}

// commits counts what is written.
type commits struct {
	announce.Committer
	n *int
}

func (c commits) Commit(ctx context.Context, ch announce.Change) error {
	*c.n++
	return c.Committer.Commit(ctx, ch)
}

type silent struct{}

func (silent) Publish(context.Context, deliver.Pointer, time.Time) error { return nil }

func newRig(t *testing.T) *rig {
	t.Helper()
	return newRigOn(t, embedded.NewMemory())
}

func newRigOn(t *testing.T, kv embedded.KV) *rig {
	t.Helper()
	r := &rig{t: t, now: start}
	now := func() time.Time { return r.now }
	pl, err := plan.Parse([]byte(planSource), message.Families())
	if err != nil {
		t.Fatal(err)
	}
	r.store = embedded.New(kv, now)
	if _, err := r.store.SavePlan(t.Context(), 0, pl); err != nil {
		t.Fatal(err)
	}
	tokens, err := token.New(token.Key{ID: "1", Secret: []byte("a secret of this test")})
	if err != nil {
		t.Fatal(err)
	}
	r.links = action.Links{Base: "https://status.minato.test/", Tokens: tokens}
	r.service = &announce.Service{
		Incidents: r.store, History: r.store, Watch: r.store, Drafts: r.store, Plans: r.store, Agenda: r.store,
		Store: commits{r.store, &r.commits}, Bus: silent{}, Links: r.links, Render: plainTexts, Memo: message.RenderMemo,
		Hash: func(c incident.Channel, a incident.Address) incident.RecipientID {
			return incident.RecipientID("r-" + string(c) + a.Reveal())
		},
		Families: message.Families(), Now: now, NewID: func() string { r.ids++; return fmt.Sprintf("ID%04d", r.ids) },
		Log: slog.New(slog.DiscardHandler),
	}
	r.handler = &action.Handler{Drafts: r.service, Plans: r.store, Tokens: tokens, Base: "https://status.minato.test", Now: now}
	r.server = httptest.NewServer(r.handler)
	t.Cleanup(r.server.Close)
	return r
}

// plainTexts stands in for the templates of package message, so that a change
// of wording there changes no page here. Words of the author that hold "SECRET"
// are blocked, those that hold "hmm" are noted.
func plainTexts(in message.Input) ([]message.Message, []message.Finding, error) {
	var ms []message.Message
	var fs []message.Finding
	for _, a := range in.Plan.Audiences {
		for _, l := range in.Plan.Organisation.Locales {
			effect, ok := in.Update.Facts.Effect.Value.In(l)
			if !ok {
				var all []string
				for _, id := range in.Update.Components {
					c, _ := in.Plan.Component(id)
					all = append(all, c.Effect[l])
				}
				effect = strings.Join(all, " ")
			}
			extra := in.Update.Text[l]
			next := "-"
			if !in.Update.Next.IsZero() {
				next = in.Update.Next.In(in.Plan.Organisation.Zone).Format("15:04")
			}
			body := fmt.Sprintf("<%s/%s %s> %s\n\nnext %s", a.ID, l, in.Update.Kind, effect, next)
			if extra != "" {
				body += "\n\n" + extra
			}
			title := fmt.Sprintf("[%s] %s", in.Update.Stage, effect)
			hook, err := json.Marshal(map[string]any{"data": map[string]string{"title": title, "text": body}})
			if err != nil {
				return nil, nil, err
			}
			ms = append(ms, message.Message{
				Incident: in.Update.Incident, Seq: in.Update.Seq, Audience: a.ID, Locale: l,
				Contents: map[incident.Family]message.Content{
					incident.FamilyEmail:   {Subject: title, Text: body + "\n\n" + in.Link + "\n⟦links⟧\n"},
					incident.FamilySMS:     {Text: "sms " + effect},
					incident.FamilyChat:    {Text: "chat " + effect},
					incident.FamilySocial:  {Text: "social " + effect},
					incident.FamilyWebhook: {Text: string(hook)},
				},
			})
			if strings.Contains(extra, "SECRET") {
				fs = append(fs, message.Finding{ID: "SEC-01", Level: message.Block, To: a.ID, In: l, By: incident.FamilyEmail, Problem: "holds a secret; take it out"})
			}
			if strings.Contains(extra, "hmm") {
				fs = append(fs, message.Finding{ID: "EN-01", Level: message.Warn, To: a.ID, In: l, Problem: "is vague"})
			}
		}
	}
	return ms, fs, nil
}

// alarm lets an alarm come in.
func (r *rig) alarm(name, reason string) {
	r.t.Helper()
	sig := incident.Signal{
		ID: name + r.now.String(), Alarm: name, ARN: "arn:aws:cloudwatch:ap-northeast-1:111122223333:alarm:" + name, Account: "111122223333",
		Region: "ap-northeast-1", Form: "metric", Path: "sns", State: incident.SignalAlarm, Reason: reason, At: r.now.Add(-20 * time.Second),
	}
	if err := r.service.Signal(r.t.Context(), sig); err != nil {
		r.t.Fatal(err)
	}
}

// advance moves the clock and does what falls due.
func (r *rig) advance(d time.Duration) {
	r.t.Helper()
	r.now = r.now.Add(d)
	if err := r.service.Sweep(r.t.Context(), r.now); err != nil {
		r.t.Fatal(err)
	}
}

// drafted answers the draft that an alarm leads to.
func (r *rig) drafted(name string) announce.Draft {
	r.t.Helper()
	r.alarm(name, "Threshold Crossed: 3 datapoints were greater than the threshold (5.0).")
	r.advance(time.Minute)
	return r.draft()
}

// draft answers the newest draft there is.
func (r *rig) draft() announce.Draft {
	r.t.Helper()
	is, _, err := r.store.Incidents(r.t.Context(), "", 1)
	if err != nil || len(is) == 0 {
		r.t.Fatalf("Incidents() = %v, %v, want one", is, err)
	}
	ds, err := r.store.Drafts(r.t.Context(), is[0].ID())
	if err != nil || len(ds) == 0 {
		r.t.Fatalf("Drafts() = %v, %v, want one", ds, err)
	}
	return ds[len(ds)-1]
}

func (r *rig) incident() incident.Snapshot {
	r.t.Helper()
	inc, err := r.store.Incident(r.t.Context(), r.draft().Incident)
	if err != nil {
		r.t.Fatal(err)
	}
	return inc.Snapshot()
}

// path answers the path of a draft's page for a member.
func (r *rig) path(d announce.DraftID, m plan.MemberID) string {
	r.t.Helper()
	u, err := url.Parse(r.links.Draft(d, m, r.now.Add(24*time.Hour)))
	if err != nil {
		r.t.Fatal(err)
	}
	return u.EscapedPath()
}

type answer struct {
	status int
	header http.Header
	body   string
}

func (r *rig) do(method, path string, form url.Values, header ...string) answer {
	r.t.Helper()
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	req, err := http.NewRequestWithContext(r.t.Context(), method, r.server.URL+path, body)
	if err != nil {
		r.t.Fatal(err)
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for n := 0; n < len(header); n += 2 {
		req.Header.Set(header[n], header[n+1])
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	b, err := io.ReadAll(resp.Body)
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		r.t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, string(b)}
}

// page reads a page that must have a status.
func (r *rig) page(a answer, status int) *webtest.Page {
	r.t.Helper()
	if a.status != status {
		r.t.Fatalf("status = %d, want %d\n%s", a.status, status, a.body)
	}
	webtest.Secure(r.t, a.header)
	return webtest.Read(r.t, a.body)
}

// get reads a page that must be there.
func (r *rig) get(path string) *webtest.Page {
	r.t.Helper()
	return r.page(r.do(http.MethodGet, path, nil), http.StatusOK)
}

// post sends one of the page's forms, as its button does.
func (r *rig) post(path string, p *webtest.Page, do string, over ...string) answer {
	r.t.Helper()
	if !slices.Contains(p.Buttons, do) {
		r.t.Fatalf("buttons = %v, want %q among them", p.Buttons, do)
	}
	form := url.Values{"do": {do}}
	for k, v := range p.Values {
		form.Set(k, v)
	}
	for n := 0; n < len(over); n += 2 {
		form.Set(over[n], over[n+1])
	}
	path, _, _ = strings.Cut(path, "?")
	return r.do(http.MethodPost, path, form, "Sec-Fetch-Site", "same-origin")
}

// follow goes where a form leads after it was taken.
func (r *rig) follow(a answer) *webtest.Page {
	r.t.Helper()
	if a.status != http.StatusSeeOther {
		r.t.Fatalf("status = %d, want 303\n%s", a.status, a.body)
	}
	return r.get(a.header.Get("Location"))
}

func (r *rig) says(p *webtest.Page, words ...string) {
	r.t.Helper()
	for _, w := range words {
		if !strings.Contains(p.Text, w) {
			r.t.Errorf("the page does not say %q:\n%s", w, p.Text)
		}
	}
}

func (r *rig) silent(p *webtest.Page, words ...string) {
	r.t.Helper()
	for _, w := range words {
		if strings.Contains(p.Text, w) {
			r.t.Errorf("the page says %q:\n%s", w, p.Text)
		}
	}
}
