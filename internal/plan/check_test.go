package plan_test

import (
	"strings"
	"testing"

	"shirase/internal/plan"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	const bare = `
organisation: {name: Aoba, contact: help@aoba.test, locales: [ja, en]}
audiences: [engineering, support, customers]
components:
- {id: booking, name: {ja: 予約, en: Booking}, effect: {ja: 予約できません, en: Bookings cannot be made}}
- {id: mail, name: {ja: メール, en: Mail}, effect: {ja: メールが届きません。, en: Mail does not arrive.}}
`
	const busy = `
organisation: {name: Aoba, contact: help@aoba.test, url: https://status.aoba.test}
audiences: [engineering]
components:
- {id: booking, name: Booking, effect: Bookings cannot be made.}
members:
- {id: sato, email: all@aoba.test}
- {id: mori, email: all@aoba.test, sms: "+81 90 1234 5678"}
oncall: [sato]
drill_recipients: []
quiet: 23:00-06:00
targets:
- {id: room, channel: slack, audience: engineering, address: "#incident", oncall: true}
alarms:
  rules:
  - {component: booking, publish: auto}
  - {name: x, component: booking}
timing:
  next: {critical: 4m, major: 9m, minor: 5h}
  holding: never
  draft_life: 4m
`
	const auto = `
organisation: {name: Aoba, contact: help@aoba.test}
components: [{id: booking, name: Booking, effect: Bookings cannot be made.}]
members: [{id: sato, email: sato@aoba.test, sms: "+819012345678"}, {id: mori, sms: "+819012345679"}]
timing: {draft_life: 5m}
alarms: {rules: [{component: booking, publish: auto, after: 5m}]}
`
	const late = `
organisation: {name: Aoba, contact: help@aoba.test}
components: [{id: booking, name: Booking, effect: Bookings cannot be made.}]
members: [{id: sato, email: sato@aoba.test, sms: "+819012345678"}, {id: mori, sms: "+819012345679"}]
oncall: [sato, mori]
timing: {draft_life: 5m}
`
	for name, src := range map[string]string{"bare": bare, "busy": busy, "auto": auto, "late": late} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			golden(t, "check/"+name+".txt", advice(parse(t, src)))
		})
	}
	for _, name := range []string{"team", "company"} {
		golden(t, "check/"+name+".txt", advice(embedded(t, name)))
	}
}

func advice(p *plan.Plan) string {
	var b strings.Builder
	for _, a := range plan.Check(p) {
		b.WriteString(a.String() + "\n")
	}
	return b.String()
}
