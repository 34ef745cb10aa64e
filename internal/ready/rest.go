package ready

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"shirase/internal/incident"
)

// channels answers every channel, sorted.
func (l *looking) channels() []incident.Channel { return slices.Sorted(maps.Keys(l.Families)) }

// personal reports whether people subscribe on channels of a family.
func personal(f incident.Family) bool {
	return f == incident.FamilyEmail || f == incident.FamilySMS || f == incident.FamilyWebhook
}

// secrets looks for what the plan's targets need.
func (l *looking) secrets(ctx context.Context) {
	var names []string
	var bare []string
	for _, t := range l.plan.Targets {
		switch f := l.Families[t.Channel]; {
		case t.Secret != "":
			names = append(names, t.Secret)
		case f == incident.FamilySocial || f == incident.FamilyChat:
			bare = append(bare, string(t.ID))
		}
	}
	slices.Sort(names)
	names = slices.Compact(names)
	if len(bare) > 0 {
		l.add("targets", Warn, "no credential is named, so nothing is posted: "+strings.Join(bare, ", "),
			"store the credential and name it in the plan: secret")
	} else if len(l.plan.Targets) > 0 {
		l.add("targets", OK, fmt.Sprintf("%d name what they need", len(l.plan.Targets)), "")
	}
	if len(names) == 0 {
		l.add("secrets", OK, "the plan names none", "")
		return
	}
	missing, err := l.Secrets.Missing(ctx, names)
	switch {
	case err != nil:
		l.unread(ctx, "secrets", err)
	case len(missing) > 0:
		l.add("secrets", Fail, "not there: "+strings.Join(missing, ", "), "store each under its name")
	default:
		l.add("secrets", OK, fmt.Sprintf("all %d are there", len(names)), "")
	}
}

// rest adds what an update takes on the channels that are neither mail nor SMS.
func (l *looking) rest() {
	for _, c := range l.channels() {
		f := l.Families[c]
		if l.people[c] == 0 || f == incident.FamilyEmail || f == incident.FamilySMS {
			continue
		}
		e := Estimate{Channel: c, Recipients: l.people[c], Costs: []Cost{}, Note: "prices of " + string(c) + " are not known here"}
		if f == incident.FamilyWebhook {
			e.Note = "a call costs nothing but what AWS takes for running us"
		}
		l.report.Update = append(l.report.Update, e)
	}
}

// minutes answers how long n take at so many a second, rounded up to tenths; nil
// where the rate is not known.
func minutes(n int, rate float64) *float64 {
	if rate <= 0 {
		return nil
	}
	m := math.Ceil(float64(n)/rate/60*10) / 10
	return &m
}

// priced adds prices to those that were used.
func (l *looking) priced(ps ...Price) { l.report.Prices = append(l.report.Prices, ps...) }
