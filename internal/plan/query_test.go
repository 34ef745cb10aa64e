package plan_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"shirase/internal/incident"
	"shirase/internal/plan"
)

// occasions are the updates of an incident as the cadence sees them.
var occasions = []struct {
	name string
	of   plan.Occasion
}{
	{"first notice", plan.Occasion{Kind: incident.Notice, First: true, StageChanged: true}},
	{"automatic first notice", plan.Occasion{Kind: incident.Automatic, First: true, StageChanged: true}},
	{"new stage", plan.Occasion{Kind: incident.Notice, StageChanged: true}},
	{"new outlook", plan.Occasion{Kind: incident.Progress, OutlookChanged: true}},
	{"progress", plan.Occasion{Kind: incident.Progress}},
	{"holding", plan.Occasion{Kind: incident.Holding}},
	{"correction", plan.Occasion{Kind: incident.Correction}},
	{"resolved", plan.Occasion{Kind: incident.Notice, StageChanged: true, Final: true}},
	{"report", plan.Occasion{Kind: incident.Report, StageChanged: true, Final: true}},
}

// TestCadence shows who is told what on both embedded plans: one line per kind
// of incident, severity and occasion, with the audiences of each channel.
func TestCadence(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"team", "company"} {
		p := embedded(t, name)
		var b strings.Builder
		for _, kind := range []incident.Kind{incident.Outage, incident.Maintenance} {
			for _, sev := range incident.Severities() {
				fmt.Fprintf(&b, "%s, %s\n", kind, sev)
				for _, o := range occasions {
					occasion := o.of
					occasion.Incident, occasion.Severity = kind, sev
					fmt.Fprintf(&b, "  %-23s%s\n", o.name, routes(p, occasion))
				}
			}
		}
		golden(t, "cadence/"+name+".txt", b.String())
	}
}

// routes says in one line which audiences are told on which channel.
func routes(p *plan.Plan, o plan.Occasion) string {
	told := map[incident.Channel][]string{}
	for _, r := range p.Routes(o, families) {
		told[r.Channel] = append(told[r.Channel], string(r.Audience))
	}
	var b strings.Builder
	for _, c := range slices.Sorted(maps.Keys(told)) {
		who := "all"
		if len(told[c]) < len(p.Audiences) {
			who = strings.Join(told[c], "+")
		}
		fmt.Fprintf(&b, " %s: %s", c, who)
	}
	return b.String()
}

// TestCadenceKeepsItsWord holds every plan to two things readers rely on:
// whoever can be told anything of an incident is told its end and what was wrong.
func TestCadenceKeepsItsWord(t *testing.T) {
	t.Parallel()
	events := []string{"first", "stage", "outlook", "end", "final", "update", "mend"}
	rapid.Check(t, func(t *rapid.T) {
		var rules []string
		for range rapid.IntRange(0, 4).Draw(t, "rules") {
			tell := rapid.SliceOfNDistinct(rapid.SampledFrom(events), 1, 4, rapid.ID[string]).Draw(t, "tell")
			rule := "tell: [" + strings.Join(tell, ", ") + "]"
			if rapid.Bool().Draw(t, "never") {
				rule = "tell: never"
			}
			for _, field := range []struct {
				key    string
				values []string
			}{
				{"audience", []string{"engineering", "customers"}},
				{"family", []string{"email", "sms", "social", "chat", "webhook"}},
				{"severity", []string{"critical", "major", "minor", "internal"}},
				{"kind", []string{"incident", "maintenance"}},
			} {
				if rapid.Bool().Draw(t, field.key+" given") {
					rule += ", " + field.key + ": " + rapid.SampledFrom(field.values).Draw(t, field.key)
				}
			}
			rules = append(rules, "- {"+rule+"}\n")
		}
		src := "organisation: {name: Aoba, contact: help@aoba.test}\n" +
			"components: [{id: booking, name: Booking, effect: Bookings cannot be made.}]\n"
		if len(rules) > 0 {
			src += "cadence:\n" + strings.Join(rules, "")
		}
		p, err := plan.Parse([]byte(src), families)
		if err != nil {
			t.Fatalf("Parse(%s) = %v", src, err)
		}
		base := plan.Occasion{
			Incident: rapid.SampledFrom([]incident.Kind{incident.Outage, incident.Maintenance}).Draw(t, "kind"),
			Severity: rapid.SampledFrom(incident.Severities()).Draw(t, "severity"),
			Kind:     incident.Notice,
		}
		routes := func(change func(*plan.Occasion)) []incident.Route {
			o := base
			change(&o)
			return p.Routes(o, families)
		}
		end := routes(func(o *plan.Occasion) { o.Final = true })
		mend := routes(func(o *plan.Occasion) { o.Kind = incident.Retraction })
		for _, o := range occasions {
			for _, r := range routes(func(out *plan.Occasion) {
				*out = o.of
				out.Incident, out.Severity = base.Incident, base.Severity
			}) {
				if !slices.Contains(end, r) {
					t.Fatalf("Routes(end) = %v, want %v too, which is told of the %s\n%s", end, r, o.name, src)
				}
				if !slices.Contains(mend, r) {
					t.Fatalf("Routes(retraction) = %v, want %v too, which is told of the %s\n%s", mend, r, o.name, src)
				}
			}
		}
	})
}

func TestMatch(t *testing.T) {
	t.Parallel()
	company := embedded(t, "company")
	team := embedded(t, "team")
	own := parse(t, `
organisation: {name: Aoba, contact: help@aoba.test}
components: [{id: booking, name: Booking, effect: Bookings cannot be made.}]
alarms:
  rules:
  - {name: "prod/*/down", account: 1234*, region: ap-northeast-1, tags: {team: pay, env: prod*}, component: booking}
`)
	one := parse(t, `
organisation: {name: Aoba, contact: help@aoba.test}
components: [{id: booking, name: Booking, effect: Bookings cannot be made.}]
`)
	several := parse(t, `
organisation: {name: Aoba, contact: help@aoba.test}
components:
- {id: mail, name: Mail, effect: Mail does not arrive.}
- {id: mail-gateway, name: Gateway, effect: Mail does not leave.}
`)
	pay := map[string]string{"team": "pay", "env": "production"}
	tests := []struct {
		name   string
		plan   *plan.Plan
		signal incident.Signal
		want   string // component severity publish after; empty for no rule
	}{
		{"checkout publishes itself", company, incident.Signal{Alarm: "checkout-down"}, "checkout critical auto 5m0s"},
		{"latency before the rest of api", company, incident.Signal{Alarm: "api-latency"}, "api minor draft 0s"},
		{"api", company, incident.Signal{Alarm: "api-5xx"}, "api major draft 0s"},
		{"search", company, incident.Signal{Alarm: "search-errors"}, "search minor draft 0s"},
		{"login", company, incident.Signal{Alarm: "login-failures"}, "login critical draft 0s"},
		{"mail", company, incident.Signal{Alarm: "mail-queue-age"}, "mail minor draft 0s"},
		{"report", company, incident.Signal{Alarm: "report-builder"}, "reports minor draft 0s"},
		{"by tag", company, incident.Signal{Alarm: "p99", Tags: map[string]string{"service": "invoices"}}, "invoices major draft 0s"},
		{"no rule", company, incident.Signal{Alarm: "disk-full"}, ""},
		{"case counts", company, incident.Signal{Alarm: "Checkout-down"}, ""},
		{"all conditions", own, incident.Signal{Alarm: "prod/a/b/down", Account: "123456789012", Region: "ap-northeast-1", Tags: pay}, "booking major draft 0s"},
		{"other region", own, incident.Signal{Alarm: "prod/a/down", Account: "123456789012", Region: "us-east-1", Tags: pay}, ""},
		{"other account", own, incident.Signal{Alarm: "prod/a/down", Account: "999", Region: "ap-northeast-1", Tags: pay}, ""},
		{"missing tag", own, incident.Signal{Alarm: "prod/a/down", Account: "1234", Region: "ap-northeast-1"}, ""},
		{"one component takes all", one, incident.Signal{Alarm: "anything"}, "booking major draft 0s"},
		{"default by name", team, incident.Signal{Alarm: "booking-5xx"}, "booking major draft 0s"},
		{"default by tag", team, incident.Signal{Alarm: "x", Tags: map[string]string{"service": "mail"}}, "mail major draft 0s"},
		{"default knows no more", team, incident.Signal{Alarm: "disk-full"}, ""},
		{"longest id first", several, incident.Signal{Alarm: "mail-gateway-down"}, "mail-gateway major draft 0s"},
		{"shorter id", several, incident.Signal{Alarm: "mail-down"}, "mail major draft 0s"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := ""
			if r, ok := tt.plan.Match(tt.signal); ok {
				got = fmt.Sprint(r.Component, " ", r.Severity, " ", r.Publish, " ", r.After)
			}
			if got != tt.want {
				t.Errorf("Match(%s) = %q, want %q", tt.signal.Alarm, got, tt.want)
			}
		})
	}
}

func TestIgnores(t *testing.T) {
	t.Parallel()
	p := embedded(t, "company")
	for name, want := range map[string]bool{
		"Shirase-dead-letters":                      true,
		"TargetTracking-table/orders-AlarmHigh-1a2": true,
		"awseb-e-abc-stack-AWSEBCloudwatchAlarmLow": true,
		"sandbox-api":      true,
		"checkout-down":    false,
		"my-Shirase-alarm": false,
	} {
		if got := p.Ignores(incident.Signal{Alarm: name}); got != want {
			t.Errorf("Ignores(%s) = %v, want %v", name, got, want)
		}
	}
}

func TestContacts(t *testing.T) {
	t.Parallel()
	p := parse(t, `
organisation: {name: Aoba, contact: help@aoba.test, locales: [ja, en]}
components: [{id: booking, name: {ja: 予約, en: Booking}, effect: {ja: 予約できません。, en: Bookings cannot be made.}}]
audiences: [support, engineering, customers]
members:
- {id: sato, audiences: [engineering, support], email: sato@aoba.test, sms: "+81 90-1234-5678"}
- {id: mori, audiences: engineering, email: mori@aoba.test, locale: en, zone: Europe/London}
- {id: ito, email: ito@aoba.test}
targets:
- {id: list, channel: email, audience: engineering, locale: en, address: dev@aoba.test}
`)
	got := p.Contacts(incident.Email)
	want := []plan.Contact{
		{Audience: "support", Channel: "email", Address: "sato@aoba.test", Locale: "ja", Member: "sato"},
		{Audience: "support", Channel: "email", Address: "ito@aoba.test", Locale: "ja", Member: "ito"},
		{Audience: "engineering", Channel: "email", Address: "mori@aoba.test", Locale: "en", Zone: "Europe/London", Member: "mori"},
		{Audience: "engineering", Channel: "email", Address: "dev@aoba.test", Locale: "en", Target: "list"},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("Contacts(email) differs (-want +got):\n%s", d)
	}
	if got := p.Contacts(incident.SMS); len(got) != 1 || got[0].Address.Reveal() != "+819012345678" {
		t.Errorf("Contacts(sms) = %v, want sato with the separators taken out", got)
	}
}

func TestPromise(t *testing.T) {
	t.Parallel()
	p := parse(t, `
organisation: {name: Aoba, contact: help@aoba.test}
components: [{id: booking, name: Booking, effect: Bookings cannot be made.}]
timing: {next: {critical: 15m}, monitoring: 45m}
`)
	tests := []struct {
		sev   incident.Severity
		stage incident.Stage
		want  time.Duration
	}{
		{incident.Critical, incident.Investigating, 15 * time.Minute},
		{incident.Major, incident.Identified, 30 * time.Minute},
		{incident.Minor, incident.Investigating, time.Hour},
		{incident.Minor, incident.Monitoring, 45 * time.Minute},
		{incident.Critical, incident.Verifying, 45 * time.Minute},
		{incident.Internal, incident.Scheduled, time.Hour},
	}
	for _, tt := range tests {
		if got := p.Promise(tt.sev, tt.stage); got != tt.want {
			t.Errorf("Promise(%s, %s) = %v, want %v", tt.sev, tt.stage, got, tt.want)
		}
	}
}

func TestQuietUntil(t *testing.T) {
	t.Parallel()
	const head = `
organisation: {name: Aoba, contact: help@aoba.test, zone: Asia/Tokyo}
components: [{id: booking, name: Booking, effect: Bookings cannot be made.}]
`
	night, noon, none := parse(t, head+"quiet: 23:00-06:00"), parse(t, head+"quiet: 12:00-13:00"), parse(t, head)
	tests := []struct {
		plan     *plan.Plan
		at, want string // UTC; empty for not quiet
	}{
		{night, "2026-09-15T13:59:59Z", ""},
		{night, "2026-09-15T14:00:00Z", "2026-09-15T21:00:00Z"},
		{night, "2026-09-15T20:59:59Z", "2026-09-15T21:00:00Z"},
		{night, "2026-09-15T21:00:00Z", ""},
		{noon, "2026-09-15T03:30:00Z", "2026-09-15T04:00:00Z"},
		{noon, "2026-09-15T04:00:00Z", ""},
		{noon, "2026-09-15T02:59:00Z", ""},
		{none, "2026-09-15T15:00:00Z", ""},
	}
	for _, tt := range tests {
		at, err := time.Parse(time.RFC3339, tt.at)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if until, quiet := tt.plan.QuietUntil(at); quiet {
			got = until.UTC().Format(time.RFC3339)
		}
		if got != tt.want {
			t.Errorf("QuietUntil(%s) = %q, want %q", tt.at, got, tt.want)
		}
	}
}

func TestFind(t *testing.T) {
	t.Parallel()
	p := embedded(t, "company")
	if c, ok := p.Component("checkout"); !ok || c.Effect["en"] != "Online payments cannot be made." {
		t.Errorf("Component(checkout) = %v, %v, want it", c, ok)
	}
	if _, ok := p.Component("other"); ok {
		t.Error("Component(other) = true, want false")
	}
	if a, ok := p.Audience("support"); !ok || a.Name["ja"] != "サポート" {
		t.Errorf("Audience(support) = %v, %v, want it", a, ok)
	}
	if _, ok := p.Audience("other"); ok {
		t.Error("Audience(other) = true, want false")
	}
	if m, ok := p.Member("clarke"); !ok || m.Locale != "en" {
		t.Errorf("Member(clarke) = %v, %v, want it", m, ok)
	}
	if _, ok := p.Member("other"); ok {
		t.Error("Member(other) = true, want false")
	}
	if target, ok := p.Target("mastodon-ja"); !ok || target.Server != "https://social.test" {
		t.Errorf("Target(mastodon-ja) = %v, %v, want it", target, ok)
	}
	if _, ok := p.Target("other"); ok {
		t.Error("Target(other) = true, want false")
	}
}
