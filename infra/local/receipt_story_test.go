package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"shirase/internal/config"
	"shirase/internal/deliver"
	"shirase/internal/incident"
)

// receipt hands what a provider says later to the function.
func (r *running) receipt(body string) {
	r.t.Helper()
	event, err := json.Marshal(map[string]any{"Records": []any{map[string]any{"messageId": "1", "eventSource": "aws:sqs", "body": body}}})
	if err != nil {
		r.t.Fatal(err)
	}
	if status, b := r.do(http.MethodPost, "/invoke/receipt", string(event)); status != http.StatusOK || !strings.Contains(string(b), `"batchItemFailures":[]`) {
		r.t.Fatalf("POST /invoke/receipt = %d %s, want it taken", status, b)
	}
}

// TestReceiptsEndWhatReadersHear bounces one reader's mail and lets another's
// phone say stop: neither is told the end. A member's mail bounces too: the
// member goes on being told, and an operator hears of it.
func TestReceiptsEndWhatReadersHear(t *testing.T) {
	t.Parallel()
	r := launch(t, config.Config{}, noon)
	o := r.open(three)
	r.settle()
	first := map[string]string{} // one reader by channel
	member := ""
	for _, e := range r.updates() {
		switch {
		case e.Audience == incident.Customers && (e.Channel == incident.Email || e.Channel == incident.SMS):
			first[string(e.Channel)] = e.To
		case e.Channel == incident.Email:
			member = e.To
		}
	}
	if first["email"] == "" || first["sms"] == "" || member == "" {
		t.Fatalf("told %v and the member %q, want somebody on each channel", first, member)
	}
	bounce := func(to string) string {
		return `{"eventType":"Bounce","bounce":{"bounceType":"Permanent","bounceSubType":"NoEmail","bouncedRecipients":[{"emailAddress":"` + to +
			`"}]},"mail":{"destination":["` + to + `"],"tags":{"incident":["` + o.ID + `"]}}}`
	}
	r.receipt(bounce(first["email"]))
	r.receipt(bounce(member))
	r.receipt(`{"originationNumber":"` + first["sms"] + `","messageBody":"配信停止","inboundMessageId":"x"}`)
	before := len(r.updates())
	r.must(http.MethodPost, "/v1/incidents/"+o.ID+"/updates", `{"stage":"resolved"}`, nil)
	r.settle()
	heard := map[string]bool{}
	for _, e := range r.updates()[before:] {
		heard[e.To] = true
	}
	if heard[first["email"]] || heard[first["sms"]] {
		t.Errorf("told the end: by mail %t, by SMS %t, want neither", heard[first["email"]], heard[first["sms"]])
	}
	if !heard[member] || len(heard) < 3 {
		t.Errorf("%d are told the end, the member among them: %t, want the member and the others", len(heard), heard[member])
	}
	told := 0
	for _, e := range r.inbox() {
		gone := strings.Contains(e.Text, "宛先がなくなっています") || strings.Contains(e.Text, "The address no longer exists")
		if e.Kind == deliver.KindOperator && gone {
			told++
		}
	}
	if told == 0 {
		t.Error("no operator heard that a member's mail bounced")
	}
}

// TestKeysAndReadinessOfOneMachine makes a key, uses it, and asks what would keep
// updates back.
func TestKeysAndReadinessOfOneMachine(t *testing.T) {
	t.Parallel()
	r := launch(t, config.Config{}, noon)
	var made struct{ Key string }
	r.must(http.MethodPost, "/v1/keys", `{"label":"console","role":"responder"}`, &made)
	r.p.key, made.Key = made.Key, r.p.key // from here on with the new one
	var report struct {
		State  string
		Checks []struct{ Name, State string }
		Update []struct {
			Channel    string
			Recipients int
		}
	}
	r.must(http.MethodGet, "/v1/readiness", "", &report)
	states := map[string]string{}
	for _, c := range report.Checks {
		states[c.Name] = c.State
	}
	if report.State != "warn" || states["mail.provider"] != "warn" || states["plan"] != "ok" || len(report.Update) < 3 {
		t.Errorf("GET /v1/readiness = %+v, want that mail stays in the inbox", report)
	}
	if status, b := r.do(http.MethodGet, "/v1/keys", ""); status != http.StatusForbidden {
		t.Errorf("GET /v1/keys by a responder = %d %s, want 403", status, b)
	}
}
