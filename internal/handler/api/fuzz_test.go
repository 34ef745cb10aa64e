package api_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"shirase/events"
	"shirase/internal/embedded"
	"shirase/internal/handler"
	"shirase/internal/plan"
)

const canary = "canary-value-9731"

// forgetful is a store that, from some time on, answers every write as ever and
// then undoes it, so that each input meets the same state.
type forgetful struct {
	embedded.KV
	now bool
}

var errUndone = errors.New("undone")

func (f *forgetful) Update(fn func(embedded.Tx) error) error {
	if !f.now {
		return f.KV.Update(fn)
	}
	err := f.KV.Update(func(tx embedded.Tx) error {
		if err := fn(tx); err != nil {
			return err
		}
		return errUndone
	})
	if errors.Is(err, errUndone) {
		return nil
	}
	return err
}

// fuzzed is the API with one incident, which nothing that follows changes.
func fuzzed(f *testing.F) (h http.Handler, incident string) {
	f.Helper()
	kv := &forgetful{KV: embedded.NewMemory()}
	h = (&served{}).handler(f, kv)
	w := post(f, h, "/v1/incidents", three)
	var opened struct{ ID string }
	if err := json.Unmarshal(w.Body.Bytes(), &opened); err != nil || opened.ID == "" {
		f.Fatalf("POST /v1/incidents = %d %s, want an incident", w.Code, w.Body)
	}
	kv.now = true
	return h, "/v1/incidents/" + opened.ID
}

func post(tb testing.TB, h http.Handler, path, body string) *httptest.ResponseRecorder {
	tb.Helper()
	method := http.MethodPost
	if strings.HasSuffix(path, "/facts") {
		method = http.MethodPatch
	}
	r := httptest.NewRequestWithContext(tb.Context(), method, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer admin")
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// checkAnswer holds what is true of any answer, whatever was sent: the fault is
// never ours, and what is refused is refused with a problem that echoes no value.
func checkAnswer(t *testing.T, body string, w *httptest.ResponseRecorder) {
	t.Helper()
	if !json.Valid(w.Body.Bytes()) || w.Code >= 500 || w.Code < 200 {
		t.Fatalf("%q = %d %s, want JSON and no fault of ours", body, w.Code, w.Body)
	}
	if w.Code < 300 {
		return
	}
	var p struct {
		Type, Title string
		Status      int
		Preview     json.RawMessage
	}
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Header().Get("Content-Type") != handler.ProblemType ||
		p.Type == "" || p.Title == "" || p.Status != w.Code {
		t.Fatalf("%q = %d %s %s, want a problem", body, w.Code, w.Header().Get("Content-Type"), w.Body)
	}
	// A preview shows the texts that would be sent; the name of a field says where
	// the fault is.
	if p.Preview == nil && !named(body) && strings.Contains(w.Body.String(), canary) {
		t.Fatalf("%q = %s, which echoes it", body, w.Body)
	}
}

// named tells that the canary is in the name of a field, not in a value.
func named(body string) bool {
	var in func(v any) bool
	in = func(v any) bool {
		switch v := v.(type) {
		case map[string]any:
			for k, e := range v {
				if strings.Contains(k, canary) || in(e) {
					return true
				}
			}
		case []any:
			return slices.ContainsFunc(v, in)
		}
		return false
	}
	var v any
	return json.Unmarshal([]byte(body), &v) == nil && in(v)
}

func FuzzOpen(f *testing.F) {
	h, _ := fuzzed(f)
	raw, err := events.Files.ReadFile("api/open-incident.json")
	if err != nil {
		f.Fatal(err)
	}
	var e struct{ Body string }
	if err := json.Unmarshal(raw, &e); err != nil {
		f.Fatal(err)
	}
	for _, body := range []string{
		e.Body, three, `{}`, `[]`, ``, `{"components":`, canary,
		strings.Replace(three, "invoices", canary, 1), strings.Replace(three, "major", canary, 1),
		strings.Replace(three, "請求書を送信できません。", canary, 1),
		`{"components":["invoices"],"severity":"major","effect":"x","next":"` + canary + `","hash":"` + canary + `"}`,
		`{"kind":"maintenance","components":["invoices"],"severity":"minor","effect":"x。","window":{"from":"2026-09-16T06:00:00Z","to":"2026-09-16T07:00:00Z"}}`,
		`{"components":["invoices"],"severity":"major","effect":{"value":{"ja":"x。"},"state":"` + canary + `"},"started_at":"2026-09-15T05:00:00Z","outlook":{"kind":"window","from":"2026-09-15T06:00:00Z","to":"2026-09-15T06:01:00Z"},"drill":true}`,
	} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		checkAnswer(t, body, post(t, h, "/v1/incidents", body))
	})
}

func FuzzUpdate(f *testing.F) {
	h, at := fuzzed(f)
	paths := []string{"/updates", "/facts", "/correct", "/retract", "/notes", "/merge", "/preview"}
	for _, body := range []string{
		`{"stage":"identified","cause":{"ja":"設定の変更が原因です。","en":"A changed setting is the cause."},"outlook":{"kind":"window","from":"2026-09-15T06:00:00Z","to":"2026-09-15T06:30:00Z"}}`,
		`{"cause":{"value":{"ja":"設定かもしれません。","en":"Perhaps a setting."},"state":"hypothesis"}}`,
		`{"of":1,"text":{"ja":"閲覧はできます。","en":"Viewing works."}}`,
		`{}`, `{"text":"` + canary + `"}`, `{"into":"` + canary + `"}`, `{"stage":"monitoring","next":"` + canary + `"}`,
		`{"stage":"resolved","data_effect":"none","components":["` + canary + `"]}`,
		`{"of":99,"next":"-1h"}`, `{"hash":"` + canary + `"}`, `{"severity":"` + canary + `"}`, `{"window":{"from":"` + canary + `"}}`,
	} {
		for p := range paths {
			f.Add(uint8(p), body)
		}
	}
	f.Fuzz(func(t *testing.T, path uint8, body string) {
		checkAnswer(t, body, post(t, h, at+paths[int(path)%len(paths)], body))
	})
}

func FuzzPlanCheck(f *testing.F) {
	h, _ := fuzzed(f)
	for _, name := range []string{"team", "company"} {
		source, err := plan.Embedded(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(source))
	}
	for _, source := range []string{"", "organisation: 3\n", "nope: 1\n", "- [", "a: &a [*a]\n", "organisation: {name: " + canary + "}\n", "\x00\xff"} {
		f.Add(source)
	}
	f.Fuzz(func(t *testing.T, source string) {
		w := post(t, h, "/v1/plan/check", source)
		if w.Code != http.StatusOK && w.Code != http.StatusRequestEntityTooLarge && w.Code != http.StatusBadRequest {
			t.Errorf("check of %q = %d %s, want an answer", source, w.Code, w.Body)
		}
		checkAnswer(t, source, w)
	})
}
