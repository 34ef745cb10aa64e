package message

import (
	"slices"

	"shirase/internal/incident"
)

// A shape is what an update looks like to a reader: it names the templates.
type shape string

// The shapes. The stages of planned work name theirs.
const (
	shapeFirst      shape = "first"
	shapeReopened   shape = "reopened"
	shapeScope      shape = "scope"
	shapeProgress   shape = "progress"
	shapeIdentified shape = "identified"
	shapeMonitoring shape = "monitoring"
	shapeResolved   shape = "resolved"
	shapeReport     shape = "report"
	shapeFollowUp   shape = "follow_up"
	shapeAutomatic  shape = "automatic"
	shapeHolding    shape = "holding"
	shapeRetraction shape = "retraction"
	shapeMerged     shape = "merged"
	shapeScheduled  shape = "scheduled"
	shapeInProgress shape = "in_progress"
	shapeVerifying  shape = "verifying"
	shapeCompleted  shape = "completed"
)

// shapes lists them all; each has a template for every audience and locale.
func shapes() []shape {
	return []shape{
		shapeFirst, shapeReopened, shapeScope, shapeProgress, shapeIdentified, shapeMonitoring, shapeResolved, shapeReport,
		shapeFollowUp, shapeAutomatic, shapeHolding, shapeRetraction, shapeMerged,
		shapeScheduled, shapeInProgress, shapeVerifying, shapeCompleted,
	}
}

// before answers the newest update that stands before this one.
func before(in Input) (last incident.Line, ok bool) {
	for _, l := range in.Incident.Lines {
		if l.Seq < in.Update.Seq && l.Kind != incident.Retraction && !l.Withdrawn() {
			last, ok = l, true
		}
	}
	return last, ok
}

// suspicion reports whether an update of the kind can go out before a person has
// confirmed anything.
func suspicion(k incident.UpdateKind) bool { return k == incident.Automatic || k == incident.Holding }

// confirmed reports whether anything that stands was said by a person: before
// that, readers only know of a suspicion.
func confirmed(in Input) bool {
	return slices.ContainsFunc(in.Incident.Lines, func(l incident.Line) bool {
		return l.Seq < in.Update.Seq && !l.Withdrawn() && !suspicion(l.Kind) && l.Kind != incident.Retraction
	})
}

// shapeOf answers what an update looks like. A correction looks like the state
// that it puts right; that it corrects is said beside it.
func shapeOf(in Input) shape {
	u := in.Update
	prev, known := before(in)
	changed := !known || prev.Stage != u.Stage
	switch {
	case u.MergedInto != "":
		return shapeMerged
	case u.Kind == incident.Retraction:
		return shapeRetraction
	case u.Kind == incident.FollowUp:
		return shapeFollowUp
	case u.Kind == incident.Report, u.Stage == incident.Postmortem:
		return shapeReport
	case in.Incident.Kind == incident.Maintenance:
		return shape(u.Stage)
	case u.Kind == incident.Automatic:
		return shapeAutomatic
	case u.Stage == incident.Resolved:
		return shapeResolved
	case u.Kind == incident.Holding:
		return shapeHolding
	case u.Stage == incident.Investigating && u.By != automaticAuthor && !confirmed(in):
		return shapeFirst
	case changed && u.Stage == incident.Investigating && prev.Stage != incident.Identified:
		return shapeReopened
	case changed && u.Stage == incident.Identified:
		return shapeIdentified
	case changed && u.Stage == incident.Monitoring:
		return shapeMonitoring
	case u.Kind == incident.ScopeUpdate:
		return shapeScope
	}
	return shapeProgress
}

// state names the word that the subject begins with.
func (s shape) state(in Input) string {
	if in.Incident.Kind == incident.Maintenance && s != shapeRetraction {
		return "maintenance"
	}
	switch s {
	case shapeFirst, shapeReopened:
		return "first"
	case shapeScope, shapeProgress, shapeHolding, shapeMerged:
		if in.Update.Stage == incident.Monitoring && s != shapeMerged {
			return "monitoring"
		}
		return "update"
	case shapeFollowUp:
		return "report"
	case shapeIdentified:
		if !found(in.Update.Facts.Cause) {
			return "update" // the word for this stage claims a cause
		}
	case shapeAutomatic, shapeMonitoring, shapeResolved, shapeReport, shapeRetraction,
		shapeScheduled, shapeInProgress, shapeVerifying, shapeCompleted:
	}
	return string(s)
}

// found reports whether a cause is confirmed: the stage alone tells only where
// the problem is.
func found(cause incident.Fact[incident.Text]) bool {
	return cause.State == incident.Confirmed && !cause.Value.Empty()
}

// lineState names the word for an update in a timeline.
func lineState(k incident.Kind, l incident.Line, first, found bool) string {
	switch {
	case k == incident.Maintenance:
		return string(l.Stage)
	case l.Kind == incident.Automatic:
		return "automatic"
	case l.Kind == incident.Report, l.Kind == incident.FollowUp, l.Stage == incident.Postmortem:
		return "report"
	case l.Stage == incident.Resolved, l.Stage == incident.Monitoring:
		return string(l.Stage)
	case l.Kind == incident.Holding:
		return "update"
	case first:
		return "first"
	case l.Stage == incident.Identified && l.Kind == incident.Notice && found:
		return "identified"
	}
	return "update"
}
