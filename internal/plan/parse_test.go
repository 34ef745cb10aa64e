package plan_test

import (
	"errors"
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"shirase/internal/incident"
	"shirase/internal/plan"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// families are the channels there are in these tests.
var families = map[incident.Channel]incident.Family{
	incident.Email:   incident.FamilyEmail,
	incident.SMS:     incident.FamilySMS,
	incident.Webhook: incident.FamilyWebhook,
	"mastodon":       incident.FamilySocial,
	"slack":          incident.FamilyChat,
}

func embedded(t *testing.T, name string) *plan.Plan {
	t.Helper()
	src, err := plan.Embedded(name)
	if err != nil {
		t.Fatal(err)
	}
	return parse(t, string(src))
}

func parse(t *testing.T, src string) *plan.Plan {
	t.Helper()
	p, err := plan.Parse([]byte(src), families)
	if err != nil {
		t.Fatal(drawing(err))
	}
	return p
}

// drawing answers the faults of an error as their author sees them.
func drawing(err error) string {
	file, ok := errors.AsType[*plan.FileError](err)
	if !ok {
		return err.Error()
	}
	var b strings.Builder
	for _, f := range file.Faults {
		b.WriteString(f.String() + "\n")
	}
	return b.String()
}

// golden compares a text with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := "testdata/" + name
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s differs (-want +got):\n%s", name, d)
	}
}

func TestEmbedded(t *testing.T) {
	t.Parallel()
	for name, audiences := range map[string]int{"team": 2, "company": 6} {
		src, err := plan.Embedded(name)
		if err != nil {
			t.Fatalf("Embedded(%s) = %v", name, err)
		}
		p := parse(t, string(src))
		if len(p.Audiences) != audiences {
			t.Errorf("Embedded(%s) has %d audiences, want %d", name, len(p.Audiences), audiences)
		}
		if string(p.Source) != string(src) {
			t.Errorf("Parse(%s).Source differs from the file", name)
		}
	}
	if _, err := plan.Embedded("other"); !errors.Is(err, incident.ErrNotFound) {
		t.Errorf("Embedded(other) = %v, want ErrNotFound", err)
	}
}

// TestTeamIsShort holds the promise of the docs: fifteen lines are enough.
func TestTeamIsShort(t *testing.T) {
	t.Parallel()
	src, err := plan.Embedded("team")
	if err != nil {
		t.Fatal(err)
	}
	lines := 0
	for line := range strings.Lines(string(src)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			lines++
		}
	}
	if lines > 15 {
		t.Errorf("the team plan has %d lines, want at most 15", lines)
	}
	if n := len(embedded(t, "team").Members); n != 5 {
		t.Errorf("the team plan has %d members, want 5", n)
	}
}

// TestDefaults shows everything that a plan means which says only what it must.
func TestDefaults(t *testing.T) {
	t.Parallel()
	const src = `organisation: {name: Aoba, contact: help@aoba.test}
components: [{id: booking, name: Booking, effect: Bookings cannot be made.}]
members: [{id: sato, email: sato@aoba.test}]
oncall: [sato]
`
	en := func(s string) incident.Text { return incident.Text{"en": s} }
	all := []plan.Event{plan.EventUpdate}
	want := &plan.Plan{
		Source: []byte(src),
		Organisation: plan.Organisation{
			Name: en("Aoba"), Contact: "help@aoba.test", From: "help@aoba.test", Zone: time.UTC, Locales: []incident.Locale{"en"},
		},
		Components: []plan.Component{{ID: "booking", Name: en("Booking"), Effect: en("Bookings cannot be made.")}},
		Audiences: []plan.Audience{
			{ID: "engineering", Name: en("Engineering"), Texts: "engineering"},
			{ID: "customers", Name: en("Customers"), Texts: "customers", Public: true},
		},
		Members: []plan.Member{{
			ID: "sato", Name: "sato", Audiences: []incident.Audience{"engineering"}, Locale: "en",
			Addresses: map[incident.Channel]incident.Address{"email": "sato@aoba.test"},
		}},
		OnCall: []plan.MemberID{"sato"},
		Cadence: []plan.Rule{
			{Audience: "customers", Severity: []incident.Severity{"internal"}},
			{Family: "email", Tell: all},
			{Family: "sms", Tell: []plan.Event{"first", "end", "mend"}},
			{Family: "social", Tell: []plan.Event{"first", "outlook", "final", "mend"}},
			{Family: "chat", Tell: all},
			{Family: "webhook", Tell: all},
		},
		Alarms: plan.Alarms{
			Rules:  []plan.AlarmRule{{Component: "booking", Severity: "major", Group: "all", Publish: "draft"}},
			Hold:   time.Minute,
			Ignore: []string{"Shirase-*", "TargetTracking-*", "awseb-*"},
		},
		Timing: plan.Timing{
			Next: map[incident.Severity]time.Duration{
				"critical": 20 * time.Minute, "major": 30 * time.Minute, "minor": time.Hour, "internal": time.Hour,
			},
			Monitoring: map[incident.Severity]time.Duration{
				"critical": 30 * time.Minute, "major": time.Hour, "minor": 2 * time.Hour, "internal": 2 * time.Hour,
			},
			Remind: 5 * time.Minute, Hold: 2 * time.Minute, Escalate: 5 * time.Minute, DraftLife: 30 * time.Minute,
			OutlookWarn: 10 * time.Minute, MaintenanceRemind: []time.Duration{24 * time.Hour, time.Hour},
		},
		DrillRecipients: []plan.MemberID{"sato"},
	}
	opts := cmp.Options{
		cmpopts.IgnoreUnexported(plan.Plan{}),
		cmp.Comparer(func(a, b *time.Location) bool { return a.String() == b.String() }),
	}
	if d := cmp.Diff(want, parse(t, src), opts); d != "" {
		t.Errorf("Parse(the least there is) differs (-want +got):\n%s", d)
	}
}

// TestChoices reads what the defaults leave out.
func TestChoices(t *testing.T) {
	t.Parallel()
	p := parse(t, "\ufeff"+strings.ReplaceAll(`# with a mark of byte order and line ends of Windows
organisation:
  name: {ja: あおば, en: Aoba}
  contact: https://aoba.test/help
  from: status@aoba.test
  zone: Asia/Tokyo
  locales: [ja, en]
  url: https://status.aoba.test/
components:
- id: booking
  name: {ja: 予約, en: Booking}
  effect:
    en: Bookings cannot be made.
    ja: >-
      予約を
      受け付けられません。
audiences:
- engineering
- {id: partners, public: true, name: {ja: 提携先, en: Partners}}
- {id: press, texts: marketing}
- customers
members:
- {id: sato, name: 佐藤, audiences: press, sms: +81 (90) 1234-5678, slack: "#sato", locale: en, zone: Asia/Tokyo}
oncall: sato
drill_recipients: []
targets:
- {id: t, channel: mastodon, audience: customers, address: "@a@b.test", server: https://b.test/, secret: /shirase/mastodon, locale: en}
- {id: w, channel: webhook, audience: partners, address: "https://p.test/x?y=1"}
cadence:
- {channel: mastodon, kind: maintenance, tell: never}
- {audience: press, severity: internal, family: sms, tell: first}
alarms:
  hold: 0s
  ignore: "*-test"
  rules: []
timing: {remind: 10m, holding: never, escalate: 3m, draft_life: 1h, outlook_warn: 5m, maintenance_remind: 48h}
quiet: 22:30-07:00
words: warn
`, "\n", "\r\n"))
	type chosen struct {
		URL, From, Effect                    string
		Partners, Press, Customers           plan.Audience
		Sato                                 plan.Member
		Drill                                []plan.MemberID
		Targets                              []plan.Target
		Rules                                []plan.Rule
		Hold                                 time.Duration
		Ignore                               []string
		AlarmRules                           int
		Remind, Holding, Escalate, Life, Out time.Duration
		Before                               []time.Duration
		Quiet                                plan.Quiet
	}
	got := chosen{
		URL: p.Organisation.URL, From: p.Organisation.From, Effect: p.Components[0].Effect["ja"],
		Partners: p.Audiences[1], Press: p.Audiences[2], Customers: p.Audiences[3],
		Sato: p.Members[0], Drill: p.DrillRecipients, Targets: p.Targets, Rules: p.Cadence[:2],
		Hold: p.Alarms.Hold, Ignore: p.Alarms.Ignore[3:], AlarmRules: len(p.Alarms.Rules),
		Remind: p.Timing.Remind, Holding: p.Timing.Hold, Escalate: p.Timing.Escalate, Life: p.Timing.DraftLife, Out: p.Timing.OutlookWarn,
		Before: p.Timing.MaintenanceRemind, Quiet: p.Quiet,
	}
	want := chosen{
		URL: "https://status.aoba.test", From: "status@aoba.test", Effect: "予約を 受け付けられません。",
		Partners:  plan.Audience{ID: "partners", Name: incident.Text{"ja": "提携先", "en": "Partners"}, Texts: "customers", Public: true},
		Press:     plan.Audience{ID: "press", Name: incident.Text{"ja": "press", "en": "press"}, Texts: "marketing"},
		Customers: plan.Audience{ID: "customers", Name: incident.Text{"ja": "お客さま", "en": "Customers"}, Texts: "customers", Public: true},
		Sato: plan.Member{
			ID: "sato", Name: "佐藤", Audiences: []incident.Audience{"press"}, Locale: "en", Zone: "Asia/Tokyo",
			Addresses: map[incident.Channel]incident.Address{"sms": "+819012345678", "slack": "#sato"},
		},
		Targets: []plan.Target{
			{ID: "t", Channel: "mastodon", Audience: "customers", Locale: "en", Address: "@a@b.test", Server: "https://b.test", Secret: "/shirase/mastodon"},
			{ID: "w", Channel: "webhook", Audience: "partners", Locale: "ja", Address: "https://p.test/x?y=1"},
		},
		Rules: []plan.Rule{
			{Channel: "mastodon", Kind: incident.Maintenance, Severity: []incident.Severity{"critical", "major", "minor"}},
			{Audience: "press", Severity: []incident.Severity{"internal"}, Family: "sms", Tell: []plan.Event{"first", "end", "mend"}},
		},
		Ignore: []string{"*-test"},
		Remind: 10 * time.Minute, Holding: -1, Escalate: 3 * time.Minute, Life: time.Hour, Out: 5 * time.Minute,
		Before: []time.Duration{48 * time.Hour}, Quiet: plan.Quiet{From: "22:30", To: "07:00", Set: true},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("Parse(every choice) differs (-want +got):\n%s", d)
	}
}
