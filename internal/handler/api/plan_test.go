package api_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"shirase/internal/announce"
	"shirase/internal/embedded"
	"shirase/internal/handler/api"
	"shirase/internal/message"
	"shirase/internal/plan"
)

// TestFirstPlanOfAnEmptyStore is what everybody does first on AWS.
func TestFirstPlanOfAnEmptyStore(t *testing.T) {
	t.Parallel()
	now := func() time.Time { return noon }
	parse := func(b []byte) (*plan.Plan, error) { return plan.Parse(b, message.Families()) }
	store := embedded.New(embedded.NewMemory(), now)
	h := api.New(api.Config{
		Announce: &announce.Service{Plans: store}, Keys: keys{}, Parse: parse, Families: message.Families(),
		Now: now, Log: slog.New(slog.DiscardHandler),
	})
	source, err := plan.Embedded("team")
	if err != nil {
		t.Fatal(err)
	}
	ask := func(method, ifMatch, body string) int {
		r := httptest.NewRequest(method, "/v1/plan", strings.NewReader(body))
		r.Header.Set("Authorization", "Bearer admin")
		if body != "" {
			r.Header.Set("Content-Type", "application/yaml")
		}
		if ifMatch != "" {
			r.Header.Set("If-Match", ifMatch)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Code
	}
	if got := ask(http.MethodGet, "", ""); got != http.StatusNotFound {
		t.Errorf("GET of no plan = %d, want 404", got)
	}
	if got := ask(http.MethodPut, `"3"`, string(source)); got != http.StatusPreconditionFailed {
		t.Errorf("PUT over version 3 where there is none = %d, want 412", got)
	}
	if got := ask(http.MethodPut, "", string(source)); got != http.StatusOK {
		t.Errorf("PUT of the first plan = %d, want 200", got)
	}
	if p, err := store.Current(t.Context()); err != nil || p.Version != 1 {
		t.Errorf("Current() = %v, %v, want version 1", p, err)
	}
}
