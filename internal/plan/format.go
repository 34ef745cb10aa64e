package plan

// format lists the keys of each section of a plan file: what is not here is a
// fault, and docs/plan-format.md explains each.
var format = map[string][]string{
	"plan": {
		"organisation", "components", "audiences", "members", "oncall", "targets",
		"cadence", "alarms", "timing", "quiet", "words", "drill_recipients",
	},
	"organisation": {"name", "contact", "from", "zone", "locales", "url"},
	"components":   {"id", "name", "effect"},
	"audiences":    {"id", "name", "texts", "public"},
	"members":      {"id", "name", "audiences", "locale", "zone"},
	"targets":      {"id", "channel", "audience", "locale", "address", "server", "secret", "oncall"},
	"cadence":      {"audience", "channel", "family", "severity", "kind", "tell"},
	"alarms":       {"rules", "hold", "ignore"},
	"alarms.rules": {"name", "account", "region", "tags", "component", "severity", "group", "publish", "after"},
	"timing": {
		"next", "monitoring", "remind", "holding", "escalate", "draft_life",
		"outlook_warn", "maintenance_remind",
	},
}

// What a value may refer to, as faults name it.
const (
	refLocale    = "locale"
	refComponent = "component"
	refAudience  = "audience"
	refMember    = "member"
	refChannel   = "channel"
)
