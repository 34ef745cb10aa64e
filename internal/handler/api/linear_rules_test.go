package api_test

import (
	"slices"
	"strings"
)

// onward says what may follow a stage.
var onward = map[string]string{
	"incident detected":       "investigating identified monitoring resolved",
	"incident investigating":  "investigating identified monitoring resolved",
	"incident identified":     "investigating identified monitoring resolved",
	"incident monitoring":     "investigating identified monitoring resolved",
	"incident resolved":       "investigating postmortem",
	"incident postmortem":     "investigating",
	"maintenance detected":    "scheduled in_progress",
	"maintenance scheduled":   "scheduled in_progress completed",
	"maintenance in_progress": "in_progress verifying completed",
	"maintenance verifying":   "in_progress verifying completed",
	"maintenance completed":   "",
}

func isFinal(stage string) bool {
	return stage == "resolved" || stage == "postmortem" || stage == "completed"
}

// published is an incident after an update, with what the update says.
type published struct {
	inc  inc
	text string
}

// publish makes the next update, or says why it cannot be made.
func (i inc) publish(in request) (published, reply) {
	none := published{}
	mends := in.kind == "correction" || in.kind == "retraction"
	if mends && in.of == 0 {
		if in.of = i.newest(); in.of == 0 {
			return none, conflict
		}
	}
	stage := in.stage
	if stage == "" {
		stage = i.Stage
		if stage == "detected" {
			stage = map[string]string{"incident": "investigating", "maintenance": "scheduled"}[i.Kind]
		}
	}
	kind := in.kind
	if kind == "" {
		kind = "progress"
		if stage != i.Stage {
			kind = "notice"
		}
	}
	if _, ok := onward[i.Kind+" "+stage]; !ok || mends && (in.of > i.Seq || i.Lines[in.of-1].Kind == "retraction") {
		return none, invalid
	}
	if mends && i.Lines[in.of-1].Withdrawn || i.End == "merged" {
		return none, conflict
	}
	past := (mends || kind == "report" || kind == "follow_up") && stage == i.Stage && i.Seq > 0
	allowed := onward[i.Kind+" "+i.Stage]
	if !past && !slices.Contains(strings.Fields(allowed), stage) {
		return none, reply{status: 409, problem: "conflict", allowed: allowed}
	}

	i.Seq++
	i.Version++
	i.Lines = append(slices.Clone(i.Lines), told{Seq: i.Seq, Stage: stage, Kind: kind, Of: in.of})
	if in.severity != "" {
		i.Severity = in.severity
	}
	if in.components != nil {
		i.Components = in.components
	}
	i.Stage, i.End = stage, ""
	if isFinal(stage) {
		i.End = "stage"
	}
	if kind == "retraction" {
		i.Lines[in.of-1].Withdrawn = true
		if n := i.newest(); n > 0 {
			i.Stage = i.Lines[n-1].Stage
			i.End = ""
			if isFinal(i.Stage) {
				i.End = "stage"
			}
		} else {
			i.Stage = map[string]string{"incident": "resolved", "maintenance": "completed"}[i.Kind]
			i.End = "withdrawn"
		}
		i.Lines[i.Seq-1].Stage = i.Stage
	}
	i.By, i.From = 0, 0
	switch {
	case i.End != "" && in.next != 0:
		return none, invalid
	case i.End == "":
		i.By, i.From = in.next, i.Seq
		if i.By == 0 {
			i.By = i.usual(stage)
		}
	}
	return published{i, in.text}, reply{}
}

// newest is the newest update that says something that still holds; 0 for none.
func (i inc) newest() int {
	for _, l := range slices.Backward(i.Lines) {
		if !l.Withdrawn && l.Kind != "retraction" {
			return l.Seq
		}
	}
	return 0
}

// usual is when the next update is promised where nobody says: of planned work
// by its window, otherwise by severity.
func (i inc) usual(stage string) int {
	switch stage {
	case "scheduled":
		return windowFrom
	case "in_progress":
		return windowTo
	case "monitoring", "verifying":
		return map[string]int{"critical": 30, "major": 60, "minor": 120, "internal": 120}[i.Severity]
	}
	return map[string]int{"critical": 20, "major": 30, "minor": 60, "internal": 60}[i.Severity]
}

// refuses reports whether one incident cannot go on in the other.
func (i inc) refuses(from inc) bool {
	return from.End != "" || i.End != "" || from.Seq > 0 && i.Seq == 0
}

func (p paper) merge(in request, from inc) (reply, paper) {
	into, ok := p.incs[in.into]
	switch {
	case in.into == in.id:
		return invalid, p
	case !ok:
		return reply{status: 404, problem: "not-found"}, p
	case into.refuses(from):
		return conflict, p
	}
	into.Version++
	for _, c := range from.Components {
		if !slices.Contains(into.Components, c) {
			into.Components = append(slices.Clone(into.Components), c)
		}
	}
	order := []string{"internal", "minor", "major", "critical"}
	if slices.Index(order, from.Severity) > slices.Index(order, into.Severity) {
		into.Severity = from.Severity
	}
	into.Absorbed = slices.Concat(into.Absorbed, from.Absorbed, []string{in.id})
	if from.By != 0 {
		into.By = min(into.By, from.By)
	}
	from.Version++
	from.End, from.Into, from.By, from.From = "merged", in.into, 0, 0
	if from.Seq > 0 {
		from.Seq++
		from.Lines = append(slices.Clone(from.Lines), told{Seq: from.Seq, Stage: from.Stage, Kind: "notice"})
	}
	return from.reply(200), p.with(in.id, from).with(in.into, into)
}
