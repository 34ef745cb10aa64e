package incident

import "slices"

// Kind tells an outage from planned work.
type Kind string

// The kinds of an incident.
const (
	Outage      Kind = "incident"
	Maintenance Kind = "maintenance"
)

// Valid reports whether k is one of the kinds.
func (k Kind) Valid() bool { return k == Outage || k == Maintenance }

// Stage is how far an incident has come, as readers are told.
type Stage string

// The stages. Detected comes before the first notice; only operators see it.
const (
	Detected Stage = "detected"

	Investigating Stage = "investigating"
	Identified    Stage = "identified"
	Monitoring    Stage = "monitoring"
	Resolved      Stage = "resolved"
	Postmortem    Stage = "postmortem"

	Scheduled  Stage = "scheduled"
	InProgress Stage = "in_progress"
	Verifying  Stage = "verifying"
	Completed  Stage = "completed"
)

var outageStages = []Stage{Investigating, Identified, Monitoring, Resolved, Postmortem}

var maintenanceStages = []Stage{Scheduled, InProgress, Verifying, Completed}

// Stages lists the public stages of a kind, in their usual order.
func Stages(k Kind) []Stage {
	switch k {
	case Outage:
		return slices.Clone(outageStages)
	case Maintenance:
		return slices.Clone(maintenanceStages)
	}
	return nil
}

// next lists what may follow a stage. A stage that may follow itself allows a
// further update that changes no stage.
var next = map[Kind]map[Stage][]Stage{
	Outage: {
		Detected:      {Investigating, Identified, Monitoring, Resolved},
		Investigating: {Investigating, Identified, Monitoring, Resolved},
		Identified:    {Investigating, Identified, Monitoring, Resolved},
		Monitoring:    {Investigating, Identified, Monitoring, Resolved},
		Resolved:      {Investigating, Postmortem},
		Postmortem:    {Investigating},
	},
	Maintenance: {
		Detected:   {Scheduled, InProgress},
		Scheduled:  {Scheduled, InProgress, Completed},
		InProgress: {InProgress, Verifying, Completed},
		Verifying:  {InProgress, Verifying, Completed},
		Completed:  {},
	},
}

// Next lists the stages that may follow a stage, in their usual order.
func Next(k Kind, from Stage) []Stage { return slices.Clone(next[k][from]) }

// CanFollow reports whether to may follow from.
func CanFollow(k Kind, from, to Stage) bool { return slices.Contains(next[k][from], to) }

// Valid reports whether s is a stage of the kind.
func (s Stage) Valid(k Kind) bool { _, ok := next[k][s]; return ok }

// Final reports whether readers are promised no further update after s.
func (s Stage) Final() bool { return s == Resolved || s == Postmortem || s == Completed }

// Severity says how bad an incident is.
type Severity string

// The severities, worst first. Internal has no effect that customers see.
const (
	Critical Severity = "critical"
	Major    Severity = "major"
	Minor    Severity = "minor"
	Internal Severity = "internal"
)

// Severities lists them, worst first.
func Severities() []Severity { return []Severity{Critical, Major, Minor, Internal} }

// Valid reports whether s is one of the severities.
func (s Severity) Valid() bool { return slices.Contains(Severities(), s) }

// Worse reports whether s is worse than t. What is no severity is never worse.
func (s Severity) Worse(t Severity) bool {
	return s.Valid() && slices.Index(Severities(), s) < slices.Index(Severities(), t)
}
