// Package judge holds what recipients came to see against what they were
// promised. The simulator and the driver of real processes share it, so that
// both mean the same by "in order", "once" and "told the end".
package judge

import (
	"fmt"
	"slices"
	"strings"

	"shirase/internal/incident"
)

// Code names the invariant that was broken, as docs/reliability.md lists them.
type Code string

// The invariants that can be seen from what one recipient saw.
const (
	Once   Code = "I3"  // visible once
	Order  Code = "I4"  // never an older text after a newer one
	Mended Code = "I2"  // whoever was told what was wrong is told that it was
	Told   Code = "I6"  // nobody hears of a mistake they were never told
	End    Code = "I15" // whoever was told the beginning is told the end
)

// A Fault is a promise that was broken for one recipient.
type Fault struct {
	Code Code
	What string
}

func fault(c Code, format string, args ...any) Fault { return Fault{c, fmt.Sprintf(format, args...)} }

// Sight is a text of an update that a recipient saw.
type Sight struct {
	// Seq is the number of the update whose text it is.
	Seq int
	// Plain tells that it is the text of a correction that mentions no mistake.
	Plain bool
}

// Next judges a text that a recipient comes to see after others of the same
// incident. Keyed tells that the provider takes a key; without one a text may be
// seen twice, once more after a try whose end nobody knows.
func Next(lines []incident.Line, before []Sight, s Sight, keyed bool) []Fault {
	var out []Fault
	l, times := lines[s.Seq-1], 1
	for _, was := range before {
		if was.Seq == s.Seq {
			times++
		}
		b := lines[was.Seq-1]
		if was.Seq > s.Seq && !l.Kind.Mends() && b.Kind != incident.Retraction && !b.Withdrawn() {
			out = append(out, fault(Order, "%d is shown after %d", s.Seq, was.Seq))
		}
	}
	if keyed && times > 1 || times > 2 {
		out = append(out, fault(Once, "%d is shown %d times", s.Seq, times))
	}
	if s.Plain && saw(before, l.Of) {
		out = append(out, fault(Told, "%d is the plain correction, to one who was told %d", s.Seq, l.Of))
	}
	return out
}

// Rest judges what a recipient saw of an incident once all is at rest. Fate
// reports whether it is known what became of a text: it was told, or given up
// with a reason. Timeline tells that each text names the last stages.
func Rest(lines []incident.Line, seen []Sight, fate func(seq int) bool, timeline bool) []Fault {
	if len(seen) == 0 {
		return nil
	}
	var out []Fault
	end := 0
	for _, l := range lines {
		if l.Kind.Mends() && saw(seen, l.Of) && !fate(l.Seq) && !pointless(lines, l) && !named(lines, l, fate, timeline) {
			out = append(out, fault(Mended, "%d was told and never its %s, %d", l.Of, l.Kind, l.Seq))
		}
		if closes(l) {
			end = l.Seq
		}
	}
	if end > 0 && !fate(end) && !after(lines, end, fate) {
		out = append(out, fault(End, "the beginning was told and never the end, %d", end))
	}
	return out
}

// History writes the updates of an incident in short.
func History(id incident.ID, lines []incident.Line) string {
	var b strings.Builder
	b.WriteString(string(id) + ":")
	for _, l := range lines {
		fmt.Fprintf(&b, " %d %s/%s", l.Seq, l.Kind, l.Stage)
		if l.Of > 0 {
			fmt.Fprintf(&b, " of %d", l.Of)
		}
		if l.Withdrawn() {
			b.WriteString(" (withdrawn)")
		}
	}
	return b.String()
}

func saw(seen []Sight, seq int) bool {
	return slices.ContainsFunc(seen, func(s Sight) bool { return s.Seq == seq })
}

// pointless reports whether what mends an update need not be told any more: it
// was taken back itself, or what it corrects was.
func pointless(lines []incident.Line, l incident.Line) bool {
	return l.Withdrawn() || l.Kind == incident.Correction && lines[l.Of-1].Withdrawn()
}

// timelineLength is how many of the last stages a text with a timeline names.
const timelineLength = 5

// named reports whether a newer text, whose fate is known, names it.
func named(lines []incident.Line, l incident.Line, fate func(int) bool, timeline bool) bool {
	for n := l.Seq + 1; timeline && n < l.Seq+timelineLength && n <= len(lines); n++ {
		if fate(n) {
			return true
		}
	}
	return false
}

// closes reports whether an update that stands ends the incident for readers.
func closes(l incident.Line) bool {
	switch l.Kind {
	case incident.Notice, incident.ScopeUpdate, incident.Progress, incident.Automatic, incident.Holding:
		return !l.Withdrawn() && (l.Stage == incident.Resolved || l.Stage == incident.Completed)
	case incident.Correction, incident.Retraction, incident.Report, incident.FollowUp:
	}
	return false
}

// after reports whether something newer that stands has a fate.
func after(lines []incident.Line, seq int, fate func(int) bool) bool {
	for n := seq + 1; n <= len(lines); n++ {
		if fate(n) && !lines[n-1].Withdrawn() {
			return true
		}
	}
	return false
}
