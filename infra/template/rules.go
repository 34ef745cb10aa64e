package template

import (
	"cmp"
	"fmt"
	"slices"
)

// A Finding is one place where a stack breaks a rule.
type Finding struct {
	Rule, Resource, What string
}

// String answers the finding on one line.
func (f Finding) String() string { return fmt.Sprintf("%s %s: %s", f.Rule, f.Resource, f.What) }

// A Rule is one of P1 to P16. P3, that a role holds what its binary calls, needs
// the binaries and is judged by [Grants]; P17 is about the status page, which is
// no part of the stack yet.
type Rule struct {
	// Name is P1 to P16, Says what the rule asks for.
	Name, Says string
	check      func(*Stack, report)
}

// report takes a finding.
type report func(resource, format string, args ...any)

// Check answers where a stack breaks the rule.
func (r Rule) Check(s *Stack) []Finding {
	var out []Finding
	r.check(s, func(resource, format string, args ...any) {
		out = append(out, Finding{r.Name, resource, fmt.Sprintf(format, args...)})
	})
	return out
}

// Rules answers all rules.
func Rules() []Rule {
	return []Rule{
		{"P1", "one role for each function, no wildcards", roles},
		{"P2", "nobody passes roles on, nobody is everybody", principals},
		{"P4", "a service is let in for one source of this account only", sources},
		{"P5", "an own key rotates, lets services in and is used everywhere", keys},
		{"P6", "tables survive mistakes", tables},
		{"P7", "buckets are closed and keep versions", buckets},
		{"P8", "what fails goes to a dead-letter queue", failures},
		{"P9", "somebody hears of our own troubles, by nothing of ours", alarms},
		{"P10", "logs are declared and end", logGroups},
		{"P11", "functions log JSON", logFormat},
		{"P12", "no secret stands in a variable", secrets},
		{"P13", "routes are listed, throttled and logged", routes},
		{"P14", "times nest, and nothing starves the intake", times},
		{"P15", "functions run on arm64, traced, outside of any VPC", runtimes},
		{"P16", "no function may change what is deployed", control},
	}
}

// Check answers where a stack breaks any rule, in the order of the rules.
func Check(s *Stack) []Finding {
	var out []Finding
	for _, r := range Rules() {
		found := r.Check(s)
		slices.SortStableFunc(found, func(a, b Finding) int { return cmp.Compare(a.Resource, b.Resource) })
		out = append(out, found...)
	}
	return out
}
