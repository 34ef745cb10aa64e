package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"shirase/internal/ready"
)

var update = flag.Bool("update", false, "write the golden files anew")

func report() ready.Report {
	minutes := 3.8
	return ready.Report{
		At: time.Date(2026, 9, 15, 12, 0, 0, 0, time.UTC), State: ready.Fail,
		Checks: []ready.Check{
			{Name: "plan", State: ready.OK, Detail: "version 3"},
			{Name: "mail.sandbox", State: ready.Fail, Detail: "the account is in the SES sandbox", Next: "ask for production access"},
			{Name: "mail.dkim", State: ready.Warn, Detail: "mail is not signed\x1b[2J", Next: "put three records\ninto DNS"},
		},
		Audiences: []ready.Size{{Audience: "customers", Channel: "email", Subscribers: 9_999}, {Audience: "engineering", Channel: "email", Plan: 1}},
		Update: []ready.Estimate{
			{Channel: "email", Recipients: 10_000, Minutes: &minutes, Costs: []ready.Cost{{USD: 1, If: "there is no pricing plan"}, {USD: 1.6, If: "it is Essentials"}}},
			{Channel: "slack", Recipients: 2, Note: "prices of slack are not known here"},
			{Channel: "sms", Recipients: 3, Costs: []ready.Cost{{USD: 0.23}}, Note: "one part each"},
			{Channel: "fax", Recipients: 1},
		},
		Prices: []ready.Price{
			{Name: "mail", USD: 0.0001, Unit: "recipient", AsOf: "2026-07-22", Source: "a list"},
			{Name: "SMS", USD: 0.01, Unit: "part", AsOf: "2026-05-26", Source: "another", About: true},
		},
	}
}

// serve answers a report with a status, to those who have the key.
func serve(t *testing.T, status int, body any) string {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v1/readiness" || r.Header.Get("Authorization") != "Bearer shk_key" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		w.Header().Set("Location", "https://elsewhere.example/")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(body)
	}))
	t.Cleanup(srv.Close)
	return srv.URL
}

func ask(t *testing.T, args ...string) (status int, out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	status = run(t.Context(), args, func(string) string { return "shk_key" }, &o, &e)
	return status, o.String(), e.String()
}

func TestTable(t *testing.T) {
	t.Parallel()
	status, out, errs := ask(t, "-url", serve(t, http.StatusOK, report()))
	if status != statusFails || errs != "" {
		t.Errorf("run = %d %s, want %d", status, errs, statusFails)
	}
	const golden = "testdata/table.golden"
	if *update {
		if err := os.WriteFile(golden, []byte(out), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), out); d != "" {
		t.Errorf("table (-want +got):\n%s", d)
	}
}

func TestStatus(t *testing.T) {
	t.Parallel()
	for state, want := range map[ready.State]int{ready.OK: statusReady, ready.Warn: statusReady, ready.Fail: statusFails} {
		r := report()
		r.State = state
		if status, out, _ := ask(t, "-json", "-url", serve(t, http.StatusOK, r)+"/"); status != want || !strings.HasPrefix(out, `{"at":`) {
			t.Errorf("run of %s = %d %.40s, want %d and JSON", state, status, out, want)
		}
	}
}

func TestNoAnswer(t *testing.T) {
	t.Parallel()
	good := serve(t, http.StatusOK, report())
	for _, c := range []struct {
		name string
		args []string
		want string
	}{
		{"a wrong key", []string{"-url", good, "-key", "shk_canary"}, "not known"},
		{"no key", []string{"-url", good, "-key", ""}, "SHIRASE_KEY"},
		{"a viewer's key", []string{"-url", serve(t, http.StatusForbidden, nil)}, "viewer"},
		{"a redirect", []string{"-url", serve(t, http.StatusFound, nil)}, "302"},
		{"a fault", []string{"-url", serve(t, http.StatusInternalServerError, nil)}, "500"},
		{"another page", []string{"-url", serve(t, http.StatusOK, "hello")}, "is the URL right"},
		{"an empty report", []string{"-url", serve(t, http.StatusOK, ready.Report{})}, "is the URL right"},
		{"no URL", []string{"-url", "status.example.com"}, "must be a URL"},
		{"a key in the clear", []string{"-url", "http://status.example.com"}, "https://"},
		{"an argument", []string{"now"}, "flags only"},
		{"an unknown flag", []string{"-now"}, "not defined"},
	} {
		status, out, errs := ask(t, c.args...)
		if status != statusUnknown || out != "" || !strings.Contains(errs, c.want) || strings.Contains(errs, "canary") {
			t.Errorf("run(%s) = %d %q, %q, want %d and %q", c.name, status, out, errs, statusUnknown, c.want)
		}
	}
}

func TestHelpShowsNoKey(t *testing.T) {
	t.Parallel()
	if status, _, errs := ask(t, "-h"); status != statusUnknown || strings.Contains(errs, "shk_key") || !strings.Contains(errs, "-url") {
		t.Errorf("run(-h) = %d %s, want the flags without the key", status, fmt.Sprint(errs))
	}
}
