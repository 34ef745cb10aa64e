package incident

import "slices"

// ComponentID names a service as users know it, such as "checkout".
type ComponentID string

// ComponentStatus is how a component is doing, in the words of the Statuspage API.
type ComponentStatus string

// The statuses of a component.
const (
	Operational         ComponentStatus = "operational"
	DegradedPerformance ComponentStatus = "degraded_performance"
	PartialOutage       ComponentStatus = "partial_outage"
	MajorOutage         ComponentStatus = "major_outage"
	UnderMaintenance    ComponentStatus = "under_maintenance"
)

// ComponentStatuses lists the statuses, best first.
func ComponentStatuses() []ComponentStatus {
	return []ComponentStatus{Operational, UnderMaintenance, DegradedPerformance, PartialOutage, MajorOutage}
}

// Valid reports whether s is one of the statuses.
func (s ComponentStatus) Valid() bool { return slices.Contains(ComponentStatuses(), s) }
