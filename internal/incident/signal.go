package incident

import (
	"maps"
	"slices"
	"time"
)

// SignalState is what a monitor says of the thing it watches.
type SignalState string

// The states of a signal. Insufficient clears nothing.
const (
	SignalAlarm        SignalState = "alarm"
	SignalOK           SignalState = "ok"
	SignalInsufficient SignalState = "insufficient_data"
)

// Valid reports whether s is one of the states.
func (s SignalState) Valid() bool {
	return s == SignalAlarm || s == SignalOK || s == SignalInsufficient
}

// A Signal is what a monitor said, decoded and bounded in size. Signals that
// join an incident are its evidence.
type Signal struct {
	// ID is a digest of what was said, so that a repeat has the same id.
	ID string `json:"id"`
	// Alarm is the alarm's name, ARN its full name.
	Alarm string `json:"alarm"`
	ARN   string `json:"arn"`
	// Account and Region are where it comes from; Region is the code, never the display name.
	Account string `json:"account"`
	Region  string `json:"region"`
	// Contributor tells the series of a multi-series alarm apart; empty otherwise.
	Contributor string `json:"contributor,omitempty"`
	// Form is the kind of alarm: metric, math, composite, contributor or promql.
	Form string `json:"form"`
	// Path is how it reached us: eventbridge, sns or lambda.
	Path string `json:"path"`

	State    SignalState `json:"state"`
	Previous SignalState `json:"previous,omitempty"`
	Reason   string      `json:"reason,omitempty"`
	// At is the monitor's time of the state, the only time that orders signals of one alarm.
	At time.Time `json:"at"`
	// ReceivedAt is when we first saw it.
	ReceivedAt time.Time `json:"received_at"`

	// Suppressed and Muted tell that CloudWatch itself took no action.
	Suppressed bool `json:"suppressed,omitempty"`
	Muted      bool `json:"muted,omitempty"`
	// WasSuppressed tells that the previous state was, so that ALARM after ALARM is news.
	WasSuppressed bool `json:"was_suppressed,omitempty"`

	Description string            `json:"description,omitempty"`
	Tags        map[string]string `json:"tags,omitempty"`
	// Children are the alarms that a composite alarm was raised by.
	Children []string `json:"children,omitempty"`
}

// Fingerprint names the watched thing: all states of one alarm, or of one
// contributor of it, share it.
func (s Signal) Fingerprint() string {
	if s.Contributor == "" {
		return s.ARN
	}
	return s.ARN + "#" + s.Contributor
}

// Clone answers a copy that shares nothing with s.
func (s Signal) Clone() Signal {
	s.Tags, s.Children = maps.Clone(s.Tags), slices.Clone(s.Children)
	return s
}

// Outcome is what became of a signal when it arrived.
type Outcome string

// The outcomes of a signal.
const (
	OutcomeOpened     Outcome = "opened"     // it opened an incident
	OutcomeJoined     Outcome = "joined"     // it joined one
	OutcomeCleared    Outcome = "cleared"    // OK of an alarm whose incident lives
	OutcomeOld        Outcome = "old"        // not newer than what we had
	OutcomeSuppressed Outcome = "suppressed" // suppressed or muted: recorded only
	OutcomeUnmatched  Outcome = "unmatched"  // no rule of the plan
	OutcomeIgnored    Outcome = "ignored"    // our own alarm, or autoscaling's
	OutcomeNoted      Outcome = "noted"      // nothing to do: kept as it is
	OutcomeUnreadable Outcome = "unreadable" // no shape we know: kept raw
)
