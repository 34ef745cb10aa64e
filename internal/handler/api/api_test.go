package api_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	"shirase/internal/access"
	"shirase/internal/announce"
	"shirase/internal/deliver"
	"shirase/internal/embedded"
	"shirase/internal/handler/api"
	"shirase/internal/incident"
	"shirase/internal/message"
	"shirase/internal/plan"
)

var noon = time.Date(2026, 9, 15, 5, 7, 0, 0, time.UTC)

// served is the API over the embedded engine, on a real server.
type served struct {
	t   *testing.T
	url string
	ids atomic.Int64
}

// keys are one key for each role, named after it, and those that were made.
type keys struct{ made *access.Service }

func (k keys) Key(ctx context.Context, token string) (api.Principal, bool, error) {
	for _, r := range []api.Role{api.Viewer, api.Responder, api.Approver, api.Admin} {
		if token == string(r) {
			return api.Principal{Name: token, Role: r}, true, nil
		}
	}
	if k.made == nil {
		return api.Principal{}, false, nil
	}
	return k.made.Key(ctx, token)
}

type nowhere struct{}

func (nowhere) Publish(context.Context, deliver.Pointer, time.Time) error { return nil }

type links struct{}

func (links) Incident(id incident.ID) string { return "https://minato.test/i/" + string(id) }
func (links) Draft(announce.DraftID, plan.MemberID, time.Time) string {
	return "https://minato.test/act/x"
}

func serve(t *testing.T) *served {
	t.Helper()
	s := &served{t: t}
	kv := embedded.NewMemory()
	t.Cleanup(func() { _ = kv.Close() })
	srv := httptest.NewServer(s.handler(t, kv))
	t.Cleanup(srv.Close)
	s.url = srv.URL
	return s
}

// handler makes the API over a store, which it gives a plan.
func (s *served) handler(tb testing.TB, kv embedded.KV) http.Handler {
	tb.Helper()
	now := func() time.Time { return noon }
	parse := func(b []byte) (*plan.Plan, error) { return plan.Parse(b, message.Families()) }
	store := embedded.New(kv, now)
	source, err := plan.Embedded("company")
	if err != nil {
		tb.Fatal(err)
	}
	pl, err := parse(source)
	if err != nil {
		tb.Fatal(err)
	}
	if _, err := store.SavePlan(tb.Context(), 0, pl); err != nil {
		tb.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	svc := &announce.Service{
		Incidents: store, History: store, Watch: store, Drafts: store, Plans: store, Store: store, Agenda: store,
		Bus: nowhere{}, Links: links{}, Render: message.Render, Memo: message.RenderMemo,
		Hash: func(c incident.Channel, a incident.Address) incident.RecipientID {
			return incident.NewRecipientID([]byte("key"), c, a)
		},
		Families: message.Families(), Now: now, Log: log,
		NewID: func() string { return fmt.Sprintf("id%06d", s.ids.Add(1)) },
	}
	made := &access.Service{Store: embedded.NewAccess(kv), FirstName: "root", Random: rand.Reader, Now: now}
	return api.New(api.Config{
		Announce: svc, Listing: store, Switches: embedded.NewRates(kv, nil), Status: store, Parse: parse,
		Keys: keys{made}, Access: made, Readiness: readiness(tb, kv, store),
		Families: message.Families(), Now: now, Log: log,
	})
}

// answer is what a request was answered with.
type answer struct {
	status int
	header http.Header
	body   map[string]any
	raw    string
}

func (s *served) ask(key, method, path, body string, header ...string) answer {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	if key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	req.Header.Set("Content-Type", "application/json")
	for n := 0; n+1 < len(header); n += 2 {
		req.Header.Set(header[n], header[n+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	a := answer{status: resp.StatusCode, header: resp.Header, raw: string(raw)}
	if bytes.HasPrefix(raw, []byte("{")) {
		if err := json.Unmarshal(raw, &a.body); err != nil {
			s.t.Fatalf("%s %s: %v in %s", method, path, err, raw)
		}
	}
	return a
}

const three = `{"components":["invoices"],"severity":"major","effect":"請求書を送信できません。"}`

func (s *served) open() string {
	s.t.Helper()
	a := s.ask("responder", http.MethodPost, "/v1/incidents", three)
	if a.status != http.StatusCreated {
		s.t.Fatalf("POST /v1/incidents = %d %s, want 201", a.status, a.raw)
	}
	return a.body["id"].(string)
}

func TestThreeInputsOpenAnIncident(t *testing.T) {
	t.Parallel()
	s := serve(t)
	a := s.ask("responder", http.MethodPost, "/v1/incidents", three)
	if a.status != http.StatusCreated || a.body["stage"] != "investigating" || a.body["seq"] != 1.0 || a.body["promise"] == nil {
		t.Fatalf("POST /v1/incidents = %d %s, want 201 with a promise", a.status, a.raw)
	}
	id := a.body["id"].(string)
	if got := s.ask("viewer", http.MethodGet, "/v1/incidents/"+id, ""); got.status != http.StatusOK || got.header.Get("ETag") == "" {
		t.Errorf("GET = %d, ETag %q, want 200 and one", got.status, got.header.Get("ETag"))
	}
	list := s.ask("viewer", http.MethodGet, "/v1/incidents", "")
	if items := list.body["items"].([]any); len(items) != 1 || list.body["next"] != "" {
		t.Errorf("GET /v1/incidents = %s, want one item and no next", list.raw)
	}
}

func TestCurlNeedsNoContentType(t *testing.T) {
	t.Parallel()
	s := serve(t)
	if a := s.ask("responder", http.MethodPost, "/v1/incidents", three, "Content-Type", "application/x-www-form-urlencoded"); a.status != 201 {
		t.Errorf("as curl -d sends it = %d %s, want 201", a.status, a.raw)
	}
}

func TestPreviewOfOpeningSaysWhatFallsBack(t *testing.T) {
	t.Parallel()
	s := serve(t)
	a := s.ask("viewer", http.MethodPost, "/v1/preview", three)
	if a.status != http.StatusOK || !strings.Contains(a.raw, "LOC-01") {
		t.Errorf("POST /v1/preview = %d %.400s, want 200 with the finding that English uses the plan's sentence", a.status, a.raw)
	}
	if list := s.ask("viewer", http.MethodGet, "/v1/incidents", ""); len(list.body["items"].([]any)) != 0 {
		t.Error("a preview has opened an incident")
	}
}

func TestWholeLife(t *testing.T) {
	t.Parallel()
	s := serve(t)
	at := "/v1/incidents/" + s.open()
	steps := []struct {
		method, path, body string
		want               int
	}{
		{http.MethodPatch, "/facts", `{"cause":{"value":{"ja":"設定かもしれません。","en":"Perhaps a setting."},"state":"hypothesis"}}`, 200},
		{http.MethodPost, "/notes", `{"text":"looking at the queue"}`, 201},
		{http.MethodPost, "/ack", ``, 200},
		{http.MethodPost, "/updates", `{"stage":"identified","cause":{"ja":"設定の変更が原因です。","en":"A changed setting is the cause."},"outlook":{"kind":"window","from":"2026-09-15T06:00:00Z","to":"2026-09-15T06:30:00Z"}}`, 201},
		{http.MethodPost, "/correct", `{"of":1,"text":{"ja":"閲覧はできます。","en":"Viewing works."}}`, 201},
		{http.MethodPost, "/updates", `{"stage":"monitoring","next":"45m"}`, 201},
		{http.MethodPost, "/retract", `{}`, 201},
		{http.MethodPost, "/updates", `{"stage":"resolved","data_effect":"none"}`, 201},
		{http.MethodPost, "/updates", `{"stage":"monitoring"}`, 409},
	}
	for _, st := range steps {
		if a := s.ask("responder", st.method, at+st.path, st.body); a.status != st.want {
			t.Fatalf("%s %s %s = %d %s, want %d", st.method, st.path, st.body, a.status, a.raw, st.want)
		}
	}
	a := s.ask("viewer", http.MethodGet, at, "")
	if n := len(a.body["updates"].([]any)); n != 6 {
		t.Errorf("the incident has %d updates, want 6", n)
	}
	if got := s.ask("viewer", http.MethodGet, at+"/updates/6", ""); got.status != 200 || len(got.body["messages"].([]any)) != 12 {
		t.Errorf("GET updates/6 = %d, want 200 with 12 texts", got.status)
	}
	if got := s.ask("viewer", http.MethodGet, at+"/deliveries", ""); got.status != 200 {
		t.Errorf("GET deliveries = %d %s, want 200", got.status, got.raw)
	}
}

func TestMendIsPreviewed(t *testing.T) {
	t.Parallel()
	s := serve(t)
	at := "/v1/incidents/" + s.open()
	const right, other = `"text":{"ja":"閲覧はできます。","en":"Viewing works."}`, `"text":{"ja":"閲覧もできません。","en":"Viewing does not work either."}`
	for _, st := range []struct{ verb, kind, of string }{
		{"correct", "correction", `"of":1,`},
		{"retract", "retraction", ``}, // the newest that stands
	} {
		seen := s.ask("viewer", http.MethodPost, at+"/preview", `{"kind":"`+st.kind+`",`+st.of+right+`}`)
		if seen.status != http.StatusOK || seen.body["kind"] != st.kind {
			t.Fatalf("POST preview of a %s = %d %.400s, want 200", st.kind, seen.status, seen.raw)
		}
		hash := `,"hash":"` + seen.body["hash"].(string) + `"}`
		if a := s.ask("responder", http.MethodPost, at+"/"+st.verb, "{"+st.of+other+hash); a.status != http.StatusConflict || !strings.Contains(a.raw, "problem:stale") {
			t.Errorf("POST %s of another text = %d %.400s, want 409 stale", st.verb, a.status, a.raw)
		}
		if a := s.ask("responder", http.MethodPost, at+"/"+st.verb, "{"+st.of+right+hash); a.status != http.StatusCreated {
			t.Errorf("POST %s of what was seen = %d %.400s, want 201", st.verb, a.status, a.raw)
		}
	}
}

func TestWhatCannotBeSaidIsRefused(t *testing.T) {
	t.Parallel()
	s := serve(t)
	at := "/v1/incidents/" + s.open()
	for _, c := range []struct{ path, body, want string }{
		{"/v1/incidents", `{"components":["invoices"],"severity":"major","effect":"   "}`, "/effect"},
		{"/v1/incidents", `{"components":["invoices"],"severity":"major","effect":{"fr":"Rien ne va plus."}}`, "/effect"},
		{"/v1/preview", `{"components":["invoices"],"severity":"major","effect":"x","started_at":"2026-09-15T06:00:00Z"}`, "/started_at"},
		{
			"/v1/incidents",
			`{"kind":"maintenance","components":["search"],"severity":"minor","effect":"検索できません。","window":{"from":"2026-09-15T01:00:00Z","to":"2026-09-15T02:00:00Z"}}`,
			"/window/to",
		},
		{at + "/correct", `{"of":1}`, "/text"},
		{at + "/updates", `{"text":{"xx":"?"}}`, "/text"},
		{at + "/preview", `{"kind":"correction","of":1,"text":"閲覧はできます。","stage":"resolved"}`, "/stage"},
	} {
		a := s.ask("responder", http.MethodPost, c.path, c.body)
		if a.status != http.StatusUnprocessableEntity || !strings.Contains(a.raw, `"`+c.want+`"`) {
			t.Errorf("POST %s %s = %d %s, want 422 that names %s", c.path, c.body, a.status, a.raw, c.want)
		}
	}
}

func TestProblemsNameEveryFault(t *testing.T) {
	t.Parallel()
	s := serve(t)
	cases := []struct {
		name, body string
		status     int
		pointers   []string
	}{
		{"nothing", `{}`, 422, []string{"/components", "/severity", "/effect"}},
		{"unknown field", `{"components":["invoices"],"severity":"major","effect":"x","nope":1}`, 422, []string{"/nope"}},
		{"bad values", `{"components":["nope","also"],"severity":"major","effect":"x"}`, 422, []string{"/components/0", "/components/1"}},
		{"bad next", `{"components":["invoices"],"severity":"major","effect":"x","next":"soon"}`, 422, []string{"/next"}},
		{"narrow window", `{"components":["invoices"],"severity":"major","effect":"x","outlook":{"kind":"window","from":"2026-09-15T06:00:00Z","to":"2026-09-15T06:01:00Z"}}`, 422, []string{"/outlook/to"}},
		{"broken", `{"components":`, 400, nil},
		{"not an object", `[]`, 422, nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			a := s.ask("responder", http.MethodPost, "/v1/incidents", c.body)
			if a.status != c.status || a.header.Get("Content-Type") != "application/problem+json" {
				t.Fatalf("= %d %s %s, want %d and a problem", a.status, a.header.Get("Content-Type"), a.raw, c.status)
			}
			for _, p := range c.pointers {
				if !strings.Contains(a.raw, `"pointer":"`+p+`"`) && !strings.Contains(a.raw, strings.TrimPrefix(p, "/")) {
					t.Errorf("problem %s does not name %s", a.raw, p)
				}
			}
		})
	}
}

func TestProblemsEchoNothing(t *testing.T) {
	t.Parallel()
	s := serve(t)
	for _, body := range []string{
		`{"components":"` + canary + `"}`, `{"severity":"` + canary + `","components":["` + canary + `"],"effect":"x"}`,
		`{"` + canary, canary, `{"components":["invoices"],"severity":"major","effect":"x","next":"` + canary + `"}`,
	} {
		if a := s.ask("responder", http.MethodPost, "/v1/incidents", body); strings.Contains(a.raw, canary) {
			t.Errorf("POST %s echoes it: %s", body, a.raw)
		}
	}
}

func TestSameKeySameAnswer(t *testing.T) {
	t.Parallel()
	s := serve(t)
	first := s.ask("responder", http.MethodPost, "/v1/incidents", three, "Idempotency-Key", "k1")
	again := s.ask("responder", http.MethodPost, "/v1/incidents", three, "Idempotency-Key", "k1")
	if first.status != 201 || again.status != 201 || first.raw != again.raw {
		t.Errorf("the repeat = %d %s, want %d %s", again.status, again.raw, first.status, first.raw)
	}
	if a := s.ask("responder", http.MethodPost, "/v1/incidents", strings.Replace(three, "major", "minor", 1), "Idempotency-Key", "k1"); a.status != 422 {
		t.Errorf("the key with another body = %d, want 422", a.status)
	}
	if a := s.ask("admin", http.MethodPost, "/v1/incidents", three, "Idempotency-Key", "k1"); a.status != 201 || a.body["id"] == first.body["id"] {
		t.Errorf("another's key of the same name = %d %s, want a request of its own", a.status, a.raw)
	}
}

func TestIfMatch(t *testing.T) {
	t.Parallel()
	s := serve(t)
	at := "/v1/incidents/" + s.open()
	tag := s.ask("viewer", http.MethodGet, at, "").header.Get("ETag")
	if a := s.ask("responder", http.MethodPost, at+"/updates", `{}`, "If-Match", tag); a.status != 201 {
		t.Errorf("with the ETag = %d %s, want 201", a.status, a.raw)
	}
	if a := s.ask("responder", http.MethodPost, at+"/updates", `{}`, "If-Match", tag); a.status != 412 || a.body["version"] == nil {
		t.Errorf("with the old ETag = %d %s, want 412 with the version", a.status, a.raw)
	}
}

func TestPlanIsCheckedAndKept(t *testing.T) {
	t.Parallel()
	s := serve(t)
	team, err := plan.Embedded("team")
	if err != nil {
		t.Fatal(err)
	}
	yaml := []string{"Content-Type", "application/yaml"}
	if a := s.ask("viewer", http.MethodPost, "/v1/plan/check", string(team), yaml...); a.status != 200 || a.body["ok"] != true {
		t.Errorf("check = %d %s, want ok", a.status, a.raw)
	}
	if a := s.ask("viewer", http.MethodPost, "/v1/plan/check", "organisation: 3\n", yaml...); a.status != 200 || a.body["ok"] != false || !strings.Contains(a.raw, `"line":1`) {
		t.Errorf("check of a bad plan = %d %s, want its faults with lines", a.status, a.raw)
	}
	if a := s.ask("responder", http.MethodPut, "/v1/plan", string(team), yaml...); a.status != 403 {
		t.Errorf("PUT by a responder = %d, want 403", a.status)
	}
	if a := s.ask("admin", http.MethodPut, "/v1/plan", "nope: 1\n", yaml...); a.status != 422 {
		t.Errorf("PUT of a bad plan = %d, want 422", a.status)
	}
	if a := s.ask("admin", http.MethodPut, "/v1/plan", string(team), yaml...); a.status != 200 || a.body["version"] != 2.0 {
		t.Errorf("PUT = %d %s, want version 2", a.status, a.raw)
	}
	if a := s.ask("admin", http.MethodPut, "/v1/plan", string(team)+"# more\n", append(yaml, "If-Match", `"1"`)...); a.status != 412 {
		t.Errorf("PUT over an old version = %d, want 412", a.status)
	}
}

func TestComponentsAndChannels(t *testing.T) {
	t.Parallel()
	s := serve(t)
	s.open()
	if a := s.ask("viewer", http.MethodGet, "/v1/components/invoices", ""); a.body["status"] != "partial_outage" {
		t.Errorf("status = %v, want partial_outage while a major incident lives", a.body["status"])
	}
	if a := s.ask("responder", http.MethodPut, "/v1/components/search", `{"status":"degraded_performance"}`); a.body["status"] != "degraded_performance" {
		t.Errorf("PUT = %d %s, want it set", a.status, a.raw)
	}
	if a := s.ask("viewer", http.MethodGet, "/v1/components/nope", ""); a.status != 404 {
		t.Errorf("an unknown component = %d, want 404", a.status)
	}
	if a := s.ask("responder", http.MethodPut, "/v1/channels/sms", `{"off":true}`); a.status != 200 || a.body["off"] != true {
		t.Errorf("PUT channel = %d %s, want it off", a.status, a.raw)
	}
	if a := s.ask("viewer", http.MethodGet, "/v1/channels", ""); !strings.Contains(a.raw, `"channel":"sms","family":"sms","off":true`) {
		t.Errorf("GET channels = %s, want sms off", a.raw)
	}
}

// TestEveryRouteIsGuarded asks every route of the served document without a
// key, with an unknown one and with one of a lesser role.
func TestEveryRouteIsGuarded(t *testing.T) {
	t.Parallel()
	s := serve(t)
	doc := s.document()
	routes := 0
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			routes++
			at := strings.NewReplacer("{id}", "x", "{seq}", "1", "{channel}", "sms").Replace(path)
			if a := s.ask("", method, at, `{}`); a.status != 401 {
				t.Errorf("%s %s without a key = %d, want 401", method, path, a.status)
			}
			if a := s.ask("guess", method, at, `{}`); a.status != 401 {
				t.Errorf("%s %s with an unknown key = %d, want 401", method, path, a.status)
			}
			if !strings.Contains(op.Description, "the role viewer") {
				if a := s.ask("viewer", method, at, `{}`); a.status != 403 {
					t.Errorf("%s %s with a viewer's key = %d, want 403", method, path, a.status)
				}
			}
		}
	}
	if routes < 20 {
		t.Errorf("the document has %d operations, want all of them", routes)
	}
}

func (s *served) document() *openapi3.T {
	s.t.Helper()
	a := s.ask("", http.MethodGet, "/v1/openapi.json", "")
	if a.status != 200 {
		s.t.Fatalf("GET /v1/openapi.json = %d", a.status)
	}
	doc, err := openapi3.NewLoader().LoadFromData([]byte(a.raw))
	if err != nil {
		s.t.Fatalf("load the document: %v", err)
	}
	return doc
}

func TestWhatNoRouteTakesIsAProblem(t *testing.T) {
	t.Parallel()
	s := serve(t)
	if a := s.ask("admin", http.MethodDelete, "/v1/incidents", ""); a.status != 405 || a.header.Get("Allow") == "" || a.body["type"] == nil {
		t.Errorf("DELETE = %d %s, want a problem of 405 that says what is allowed", a.status, a.raw)
	}
	if a := s.ask("admin", http.MethodGet, "/v1/nothing", ""); a.status != 404 || a.body["type"] == nil {
		t.Errorf("an unknown path = %d %s, want a problem of 404", a.status, a.raw)
	}
}

func TestLiveIncidentsAlone(t *testing.T) {
	t.Parallel()
	s := serve(t)
	first, second := s.open(), s.open()
	if a := s.ask("responder", http.MethodPost, "/v1/incidents/"+first+"/updates", `{"stage":"resolved"}`); a.status != 201 {
		t.Fatal(a.raw)
	}
	a := s.ask("viewer", http.MethodGet, "/v1/incidents?live=true", "")
	if items := a.body["items"].([]any); len(items) != 1 || !strings.Contains(a.raw, second) {
		t.Errorf("GET ?live=true = %s, want only %s", a.raw, second)
	}
}

func TestEveryFaultAtOnce(t *testing.T) {
	t.Parallel()
	s := serve(t)
	a := s.ask("responder", http.MethodPost, "/v1/incidents", `{"components":["nope"],"severity":"major","effect":"x","next":"soon"}`)
	for _, want := range []string{`"/next"`, `"/components/0"`} {
		if !strings.Contains(a.raw, want) {
			t.Errorf("problem %s does not name %s", a.raw, want)
		}
	}
}

func TestDocumentIsValid(t *testing.T) {
	t.Parallel()
	s := serve(t)
	doc := s.document()
	if !strings.HasPrefix(doc.OpenAPI, "3.1") {
		t.Errorf("openapi = %s, want 3.1", doc.OpenAPI)
	}
	seen := map[string]bool{}
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			if op.OperationID == "" || op.Summary == "" || seen[op.OperationID] {
				t.Errorf("%s %s has no summary, or no id of its own", method, path)
			}
			seen[op.OperationID] = true
		}
	}
}
