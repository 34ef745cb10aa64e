package public_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"shirase/internal/announce"
	"shirase/internal/deliver"
	"shirase/internal/embedded"
	"shirase/internal/handler/public"
	"shirase/internal/handler/web/webtest"
	"shirase/internal/incident"
	"shirase/internal/message"
	"shirase/internal/plan"
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
`

var (
	start = time.Date(2026, 9, 15, 5, 12, 0, 0, time.UTC)
	ops   = announce.Actor{Name: "ops"}
)

// A rig is the page over the real use case and the store in memory.
type rig struct {
	t       *testing.T
	store   *embedded.Store
	service *announce.Service
	handler *public.Handler
	server  *httptest.Server
	now     time.Time
	ids     int
}

type silent struct{}

func (silent) Publish(context.Context, deliver.Pointer, time.Time) error { return nil }

type links struct{}

func (links) Incident(id incident.ID) string { return "https://status.minato.test/i/" + string(id) }
func (links) Draft(announce.DraftID, plan.MemberID, time.Time) string {
	return "https://status.minato.test/act/x"
}

func newRig(t *testing.T, source string) *rig {
	t.Helper()
	r := &rig{t: t, now: start}
	now := func() time.Time { return r.now }
	pl, err := plan.Parse([]byte(source), message.Families())
	if err != nil {
		t.Fatal(err)
	}
	r.store = embedded.New(embedded.NewMemory(), now)
	if _, err := r.store.SavePlan(t.Context(), 0, pl); err != nil {
		t.Fatal(err)
	}
	r.service = &announce.Service{
		Incidents: r.store, History: r.store, Watch: r.store, Drafts: r.store, Plans: r.store, Agenda: r.store,
		Store: r.store, Bus: silent{}, Links: links{}, Render: plainTexts, Memo: message.RenderMemo,
		Hash: func(c incident.Channel, a incident.Address) incident.RecipientID {
			return incident.RecipientID("r-" + string(c) + a.Reveal())
		},
		Families: message.Families(), Now: now, NewID: func() string { r.ids++; return fmt.Sprintf("id%04d", r.ids) },
		Log: slog.New(slog.DiscardHandler),
	}
	r.handler = &public.Handler{Incidents: r.store, History: r.store, Plans: r.store}
	r.server = httptest.NewServer(r.handler)
	t.Cleanup(r.server.Close)
	return r
}

// plainTexts stands in for the templates of package message, so that a change
// of wording there changes no page here. Texts for readers inside hold words
// that must never be seen outside.
func plainTexts(in message.Input) ([]message.Message, []message.Finding, error) {
	var ms []message.Message
	u := in.Update
	for _, a := range in.Plan.Audiences {
		for _, l := range in.Plan.Organisation.Locales {
			title := fmt.Sprintf("[%s %s] %s", u.Stage, u.Kind, u.Components)
			body := fmt.Sprintf("%s text %d in %s.\nSecond line.", a.ID, u.Seq, l)
			if s, ok := u.Text.In(l); ok {
				body += "\n\n" + s
			}
			if !a.Public {
				body += "\n\nINSIDE " + u.Facts.Cause.Value[l]
			}
			hook, err := json.Marshal(map[string]any{"data": map[string]string{"title": title, "text": body}})
			if err != nil {
				return nil, nil, err
			}
			ms = append(ms, message.Message{
				Incident: u.Incident, Seq: u.Seq, Audience: a.ID, Locale: l,
				Contents: map[incident.Family]message.Content{
					incident.FamilyEmail:   {Subject: title, Text: body + "\n\n" + in.Link + "\n⟦links⟧\n"},
					incident.FamilyWebhook: {Text: string(hook)},
				},
			})
		}
	}
	return ms, nil, nil
}

// open announces an incident.
func (r *rig) open(over ...func(*announce.OpenInput)) incident.ID {
	r.t.Helper()
	in := announce.OpenInput{Components: []incident.ComponentID{"invoices"}, Severity: incident.Major}
	for _, fn := range over {
		fn(&in)
	}
	res, err := r.service.Open(r.t.Context(), in, ops)
	if err != nil {
		r.t.Fatal(err)
	}
	return res.Incident.ID
}

// update announces more, some minutes later.
func (r *rig) update(id incident.ID, in announce.UpdateInput) {
	r.t.Helper()
	r.now = r.now.Add(14 * time.Minute)
	if _, err := r.service.Update(r.t.Context(), id, in, ops); err != nil {
		r.t.Fatal(err)
	}
}

type answer struct {
	status int
	header http.Header
	body   string
}

func (r *rig) do(method, path string, header ...string) answer {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), method, r.server.URL+path, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	for n := 0; n < len(header); n += 2 {
		req.Header.Set(header[n], header[n+1])
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		r.t.Fatal(err)
	}
	b, err := io.ReadAll(resp.Body)
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		r.t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, string(b)}
}

func (r *rig) page(a answer, status int) *webtest.Page {
	r.t.Helper()
	if a.status != status {
		r.t.Fatalf("status = %d, want %d\n%s", a.status, status, a.body)
	}
	webtest.Secure(r.t, a.header)
	return webtest.Read(r.t, a.body)
}

func (r *rig) get(id incident.ID, lang string) *webtest.Page {
	r.t.Helper()
	return r.page(r.do(http.MethodGet, "/i/"+string(id)+"?lang="+lang), http.StatusOK)
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
