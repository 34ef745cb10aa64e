package ready_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"shirase/internal/incident"
	"shirase/internal/message"
	"shirase/internal/plan"
	"shirase/internal/ready"
)

var noon = time.Date(2026, 9, 15, 12, 0, 0, 0, time.UTC)

// world is what a report looks at. Its zero values are those of an account that
// was never set up.
type world struct {
	plan    *plan.Plan
	planErr error

	mail ready.MailState
	sms  ready.SMSState
	// count is of customers, by channel.
	count   map[incident.Channel]int
	missing []string

	mailErr, smsErr, secretsErr, countErr error

	asked []string // names of secrets
	from  incident.Address
}

func (w *world) Current(context.Context) (*plan.Plan, error) { return w.plan, w.planErr }

func (w *world) Mail(_ context.Context, from incident.Address) (ready.MailState, error) {
	w.from = from
	return w.mail, w.mailErr
}

func (w *world) SMS(context.Context) (ready.SMSState, error) { return w.sms, w.smsErr }

func (w *world) Missing(_ context.Context, names []string) ([]string, error) {
	w.asked = names
	return w.missing, w.secretsErr
}

func (w *world) Count(_ context.Context, a incident.Audience, c incident.Channel) (int, error) {
	if a != incident.Customers {
		return 0, w.countErr
	}
	return w.count[c], w.countErr
}

// good answers an account in which nothing is wrong, and 10,000 readers by mail,
// 100 by SMS and 5 webhooks, beside one member.
func good(t *testing.T) *world {
	t.Helper()
	p, err := plan.Parse([]byte(`
organisation:
  name: { en: Minato Billing }
  contact: help@minato.test
  from: status@minato.test
  zone: Asia/Tokyo
  locales: [en]
components:
  - id: invoices
    name: { en: Sending invoices }
    effect: { en: Invoices cannot be sent. }
members:
  - id: sato
    email: sato@minato.test
targets:
  - id: toots
    channel: mastodon
    audience: customers
    address: "@minato"
    server: https://social.minato.test
    secret: shirase/mastodon
oncall: [sato]
`), message.Families())
	if err != nil {
		t.Fatal(err)
	}
	return &world{
		plan: p,
		mail: ready.MailState{
			Provider: ready.ProviderAWS, Enabled: true, Standing: "HEALTHY", Rate: 50, Quota: 100_000, Used: 100, Plan: "ESSENTIALS",
			Verified: true, Signed: true, Events: ready.EventsOn,
		},
		sms:   ready.SMSState{Provider: ready.ProviderAWS, Limit: 100, Known: true, Rate: 20},
		count: map[incident.Channel]int{incident.Email: 9_999, incident.SMS: 100, incident.Webhook: 5},
	}
}

func (w *world) report(t *testing.T) ready.Report {
	t.Helper()
	s := ready.Service{
		Plans: w, Mail: w, SMS: w, Secrets: w, Counter: w, Families: message.Families(), Now: func() time.Time { return noon },
		Log: slog.New(slog.DiscardHandler),
	}
	r, err := s.Report(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// short answers the checks that are not ok as "name state".
func short(r ready.Report) []string {
	var out []string
	for _, c := range r.Checks {
		if c.State != ready.OK {
			out = append(out, c.Name+" "+string(c.State))
		}
	}
	return out
}

func TestNothingIsWrong(t *testing.T) {
	t.Parallel()
	w := good(t)
	r := w.report(t)
	if r.State != ready.OK || !r.At.Equal(noon) || len(short(r)) > 0 {
		t.Errorf("Report = %s, %v, want ok", r.State, short(r))
	}
	for _, c := range r.Checks {
		if c.Detail == "" || c.Next != "" {
			t.Errorf("check %+v, want a detail and nothing to do", c)
		}
	}
	if d := cmp.Diff([]string{"shirase/mastodon"}, w.asked); d != "" || w.from != "status@minato.test" {
		t.Errorf("asked about secrets, and mail from %q (-want +got):\n%s", w.from.Reveal(), d)
	}
	if d := cmp.Diff([]ready.Size{
		{Audience: "engineering", Channel: "email", Plan: 1},
		{Audience: "customers", Channel: "email", Subscribers: 9_999},
		{Audience: "customers", Channel: "mastodon", Plan: 1},
		{Audience: "customers", Channel: "sms", Subscribers: 100},
		{Audience: "customers", Channel: "webhook", Subscribers: 5},
	}, r.Audiences); d != "" {
		t.Errorf("Audiences (-want +got):\n%s", d)
	}
}

func TestWhatAnUpdateTakes(t *testing.T) {
	t.Parallel()
	// 10,000 at 45 a second, since a tenth of 50 is kept: 3.7 minutes. 100 parts at
	// 20 a second: 0.1.
	mail, sms := 3.8, 0.1
	want := []ready.Estimate{
		{Channel: "email", Recipients: 10_000, Minutes: &mail, Costs: []ready.Cost{{USD: 1.60}}},
		{
			Channel: "sms", Recipients: 100, Minutes: &sms, Note: "one part each; prices of other countries are not known here",
			Costs: []ready.Cost{{USD: 7.46, If: "all numbers are in Japan"}, {USD: 1, If: "all numbers are in the United States"}},
		},
		{Channel: "mastodon", Recipients: 1, Costs: []ready.Cost{}, Note: "prices of mastodon are not known here"},
		{Channel: "webhook", Recipients: 5, Costs: []ready.Cost{}, Note: "a call costs nothing but what AWS takes for running us"},
	}
	r := good(t).report(t)
	if d := cmp.Diff(want, r.Update); d != "" {
		t.Errorf("Update (-want +got):\n%s", d)
	}
	if len(r.Prices) != 3 {
		t.Errorf("Prices = %+v, want the three that were used", r.Prices)
	}
	for _, p := range ready.Prices() {
		if _, err := time.Parse(time.DateOnly, p.AsOf); err != nil || p.Source == "" || p.USD <= 0 || p.Unit == "" {
			t.Errorf("price %+v, want a date, a source and an amount", p)
		}
	}
}

func TestWhatMailCostsDependsOnThePlan(t *testing.T) {
	t.Parallel()
	for name, want := range map[string][]float64{
		"NONE": {1}, "ESSENTIALS": {1.6}, "PRO": {2.2}, "ENTERPRISE": {2.3}, "": {1, 1.6}, "NEW": nil,
	} {
		w := good(t)
		w.mail.Plan = name
		var got []float64
		for _, c := range w.report(t).Update[0].Costs {
			got = append(got, c.USD)
			if (c.If != "") != (name == "") {
				t.Errorf("plan %q costs %+v, want an assumption only where the plan is not known", name, c)
			}
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("10,000 mails in the plan %q (-want +got):\n%s", name, d)
		}
	}
}

func TestWhatIsWrong(t *testing.T) {
	t.Parallel()
	denied := fmt.Errorf("read: %w", incident.ErrDenied)
	for _, c := range []struct {
		name  string
		plant func(*world)
		want  []string
	}{
		{"mail sandbox", func(w *world) { w.mail.Sandbox = true }, []string{"mail.sandbox fail"}},
		{"mail sandbox, nobody signed up", func(w *world) { w.mail.Sandbox, w.count = true, nil }, []string{"mail.sandbox warn"}},
		{"paused", func(w *world) { w.mail.Enabled = false }, []string{"mail.sending fail"}},
		{"shut down", func(w *world) { w.mail.Standing = "SHUTDOWN" }, []string{"mail.sending fail"}},
		{"probation", func(w *world) { w.mail.Standing = "PROBATION" }, []string{"mail.sending warn"}},
		{"quota of one update", func(w *world) { w.mail.Used = 90_000 }, []string{"mail.quota warn"}},
		{"no quota for an update", func(w *world) { w.mail.Used = 90_001 }, []string{"mail.quota fail"}},
		{"more used than there is", func(w *world) { w.mail.Used = 200_000 }, []string{"mail.quota fail"}},
		{"no limit", func(w *world) { w.mail.Quota = -1 }, nil},
		{"not verified", func(w *world) { w.mail.Verified = false }, []string{"mail.identity fail"}},
		{"not signed", func(w *world) { w.mail.Signed, w.mail.Signing = false, "PENDING" }, []string{"mail.dkim warn"}},
		{"no configuration set", func(w *world) { w.mail.Events = ready.EventsOff }, []string{"mail.events warn"}},
		{"its state not known", func(w *world) { w.mail.Events = "" }, []string{"mail.events warn"}},
		{"a set that is not there", func(w *world) { w.mail.Events = ready.EventsMissing }, []string{"mail.events fail"}},
		{"a set that is stopped", func(w *world) { w.mail.Events = ready.EventsStopped }, []string{"mail.events fail"}},
		{"no sender", func(w *world) { w.plan.Organisation.From = "" }, []string{"mail.from fail"}},
		{"an inbox", func(w *world) { w.mail = ready.MailState{Provider: ready.ProviderInbox} }, []string{"mail.provider warn"}},
		{"a relay", func(w *world) { w.mail = ready.MailState{Provider: ready.ProviderRelay} }, nil},
		{"nobody takes mail", func(w *world) { w.mail = ready.MailState{Provider: ready.ProviderNone} }, []string{"mail.provider fail"}},
		{"SMS sandbox", func(w *world) { w.sms.Sandbox = true }, []string{"sms.sandbox fail"}},
		{"the first dollar", func(w *world) { w.sms.Limit = 1 }, []string{"sms.spend_limit warn"}},
		{"too few dollars", func(w *world) { w.sms.Limit = 0.99 }, []string{"sms.spend_limit fail"}},
		{"limit not known", func(w *world) { w.sms.Known = false }, []string{"sms.spend_limit warn"}},
		{"SMS stay here", func(w *world) { w.sms = ready.SMSState{Provider: ready.ProviderInbox} }, []string{"sms.provider warn"}},
		{"nobody takes SMS", func(w *world) { w.sms = ready.SMSState{Provider: ready.ProviderNone} }, []string{"sms.provider fail"}},
		{"nobody takes SMS, nobody wants any", func(w *world) {
			w.sms = ready.SMSState{Provider: ready.ProviderNone}
			delete(w.count, incident.SMS)
		}, nil},
		{"a secret is missing", func(w *world) { w.missing = []string{"shirase/mastodon"} }, []string{"secrets fail"}},
		{"no secret is named", func(w *world) { w.plan.Targets[0].Secret = "" }, []string{"targets warn"}},
		{"no targets", func(w *world) { w.plan.Targets = nil }, nil},
		{"nobody", func(w *world) { w.count, w.plan.Members, w.plan.Targets = nil, nil, nil }, []string{"audiences warn"}},
		{"mail not read", func(w *world) { w.mailErr = denied }, []string{"mail warn"}},
		{"SMS not read", func(w *world) { w.smsErr = denied }, []string{"sms warn"}},
		{"secrets not read", func(w *world) { w.secretsErr = denied }, []string{"secrets warn"}},
		{"readers not counted", func(w *world) { w.countErr = denied }, []string{"audiences warn"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := good(t)
			c.plant(w)
			r := w.report(t)
			if d := cmp.Diff(c.want, short(r)); d != "" {
				t.Errorf("checks that are not ok (-want +got):\n%s", d)
			}
			want := ready.OK
			for _, k := range r.Checks {
				if k.State == ready.Fail || k.State == ready.Warn && want == ready.OK {
					want = k.State
				}
				if (k.Next == "") != (k.State == ready.OK) && !strings.HasSuffix(k.Name, ".provider") {
					t.Errorf("check %+v, want something to do unless it is ok", k)
				}
			}
			if r.State != want {
				t.Errorf("State = %s, want %s", r.State, want)
			}
		})
	}
}

func TestWithoutAPlan(t *testing.T) {
	t.Parallel()
	w := good(t)
	w.plan, w.planErr = nil, fmt.Errorf("plan: %w", incident.ErrNotFound)
	r := w.report(t)
	if d := cmp.Diff([]string{"plan fail"}, short(r)); d != "" || r.State != ready.Fail || len(r.Checks) != 1 {
		t.Errorf("Report = %s with %d checks (-want +got):\n%s", r.State, len(r.Checks), d)
	}
	w.planErr = errors.New("away")
	if _, err := (&ready.Service{Plans: w, Now: time.Now}).Report(t.Context()); err == nil {
		t.Error("Report while the plan cannot be read = nil, want an error")
	}
}

// TestWhatIsNotReadIsLogged wants the log to say which check it was, and why, and
// the report to hold no inner error.
func TestWhatIsNotReadIsLogged(t *testing.T) {
	t.Parallel()
	w := good(t)
	w.mailErr = errors.New("read mail account: code Throttling")
	var log bytes.Buffer
	s := ready.Service{
		Plans: w, Mail: w, SMS: w, Secrets: w, Counter: w, Families: message.Families(), Now: func() time.Time { return noon },
		Log: slog.New(slog.NewTextHandler(&log, nil)),
	}
	r, err := s.Report(t.Context())
	if err != nil || !strings.Contains(log.String(), "check=mail") || !strings.Contains(log.String(), "Throttling") {
		t.Errorf("Report = %v, log %q, want the check and the error", err, log.String())
	}
	if b := fmt.Sprintf("%+v", r); strings.Contains(b, "Throttling") {
		t.Errorf("the report holds an inner error: %s", b)
	}
}
