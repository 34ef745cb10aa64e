package api_test

import (
	"context"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"shirase/internal/embedded"
	"shirase/internal/incident"
	"shirase/internal/message"
	"shirase/internal/ready"
)

// nothing is a machine that sends nothing.
type nothing struct{}

func (nothing) Mail(context.Context, incident.Address) (ready.MailState, error) {
	return ready.MailState{Provider: ready.ProviderInbox}, nil
}

func (nothing) SMS(context.Context) (ready.SMSState, error) {
	return ready.SMSState{Provider: ready.ProviderNone}, nil
}

func (nothing) Missing(_ context.Context, names []string) ([]string, error) { return names, nil }

func readiness(tb testing.TB, kv embedded.KV, plans ready.Plans) *ready.Service {
	tb.Helper()
	book, err := embedded.NewBook(kv, 1)
	if err != nil {
		tb.Fatal(err)
	}
	return &ready.Service{
		Plans: plans, Mail: nothing{}, SMS: nothing{}, Secrets: nothing{}, Counter: book, Families: message.Families(),
		Now: func() time.Time { return noon }, Log: slog.New(slog.DiscardHandler),
	}
}

func TestReadiness(t *testing.T) {
	t.Parallel()
	s := serve(t)
	a := s.ask("responder", http.MethodGet, "/v1/readiness", "")
	if a.status != http.StatusOK || a.body["state"] != "fail" || a.body["at"] != "2026-09-15T05:07:00Z" {
		t.Fatalf("GET /v1/readiness = %d %.300s, want 200 and what is wrong", a.status, a.raw)
	}
	states := map[string]any{}
	for _, c := range a.body["checks"].([]any) {
		c := c.(map[string]any)
		states[c["name"].(string)] = c["state"]
	}
	if states["plan"] != "ok" || states["mail.provider"] != "warn" || states["sms.provider"] != "fail" {
		t.Errorf("checks = %v, want plan ok, mail.provider warn and sms.provider fail", states)
	}
	if n := len(a.body["update"].([]any)); n == 0 {
		t.Errorf("update = %v, want what one takes", a.body["update"])
	}
}
