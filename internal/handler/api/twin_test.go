package api_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"shirase/internal/incident"
)

// meanwhile is a store on which something else happens once, right before or
// right after an incident is read.
type meanwhile struct {
	*shaky
	before, after func()
}

// Incident implements announce.Reader.
func (m *meanwhile) Incident(ctx context.Context, id incident.ID) (incident.Incident, error) {
	once(&m.before)
	defer once(&m.after)
	return m.shaky.Incident(ctx, id)
}

func once(do *func()) {
	if f := *do; f != nil {
		*do = nil
		f()
	}
}

// interrupted is the API with one incident, at version 3, on which something may
// happen in the middle of a request.
func interrupted(t *testing.T) (post func(path, body string, header ...string) *httptest.ResponseRecorder, m *meanwhile) {
	t.Helper()
	m = &meanwhile{}
	h, _, _ := mount(t, 0, func(s *shaky, p *ports) { m.shaky, p.reader = s, m })
	c := &client{bench: newBench(h)}
	open := request{verb: "open", who: "responder", kind: "incident", severity: "major", components: []string{"invoices"}}
	open.body = open.json()
	at := "/v1/incidents/" + c.call(open).id
	return func(path, body string, header ...string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodPost, at+path, strings.NewReader(body))
		r.Header.Set("Authorization", "Bearer responder")
		for n := 0; n+1 < len(header); n += 2 {
			r.Header.Set(header[n], header[n+1])
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}, m
}

// A repeat that comes while the first is under way is that request, not one more
// that comes too late.
func TestTwinIsAnsweredTheSame(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, path, body string
		header           []string
	}{
		{"a stage that cannot follow itself", "/updates", `{"stage":"resolved"}`, []string{"Idempotency-Key", "k"}},
		{"an update that is withdrawn by it", "/retract", `{"of":1}`, []string{"Idempotency-Key", "k"}},
		{"a version that has moved on with it", "/notes", `{"text":"Looking."}`, []string{"Idempotency-Key", "k", "If-Match", "3"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			post, m := interrupted(t)
			var twin *httptest.ResponseRecorder
			m.before = func() { twin = post(c.path, c.body, c.header...) }
			got := post(c.path, c.body, c.header...)
			if got.Code != http.StatusCreated || got.Body.String() != twin.Body.String() {
				t.Errorf("POST %s = %d %s, want what its twin got, %d %s", c.path, got.Code, got.Body, twin.Code, twin.Body)
			}
		})
	}
}

// What changes nothing has an answer, too, and a key stands for one.
func TestTwinOfWhatChangesNothing(t *testing.T) {
	t.Parallel()
	post, m := interrupted(t)
	header := []string{"Idempotency-Key", "k", "If-Match", "3"}
	var twin *httptest.ResponseRecorder
	m.after = func() {
		post("/notes", `{"text":"Looking."}`)
		twin = post("/ack", "", header...)
	}
	if got := post("/ack", "", header...); got.Code != twin.Code {
		t.Errorf("POST /ack = %d %s, want what its twin got, %d", got.Code, got.Body, twin.Code)
	}
}

func TestRetractionOfTheNewestIsRepeated(t *testing.T) {
	t.Parallel()
	post, _ := interrupted(t)
	first := post("/retract", `{}`, "Idempotency-Key", "k")
	again := post("/retract", `{}`, "Idempotency-Key", "k")
	if first.Code != http.StatusCreated || again.Code != first.Code || again.Body.String() != first.Body.String() {
		t.Errorf("POST /retract again = %d %s, want %d %s", again.Code, again.Body, first.Code, first.Body)
	}
}

// The newest update is the newest when the retraction is made, not when somebody
// began to think about it.
func TestRetractionTakesTheNewest(t *testing.T) {
	t.Parallel()
	post, m := interrupted(t)
	m.after = func() { post("/updates", `{"stage":"identified"}`) }
	if got := post("/retract", `{}`); !strings.Contains(got.Body.String(), `"of":2`) {
		t.Errorf("POST /retract = %d %s, want it to take back update 2", got.Code, got.Body)
	}
}
