package ready

import (
	"slices"
	"time"

	"shirase/internal/incident"
)

// State is how a check ended.
type State string

// The states, best first.
const (
	OK   State = "ok"
	Warn State = "warn" // works, but not as well as it should, or nobody can tell
	Fail State = "fail" // somebody would not be told
)

var states = []State{OK, Warn, Fail}

// worse answers the worse of two.
func worse(a, b State) State {
	return states[max(slices.Index(states, a), slices.Index(states, b), 0)]
}

// Report is what there is to know before an outage.
type Report struct {
	At time.Time `json:"at"`
	// State is the worst of the checks.
	State  State   `json:"state" enum:"ok,warn,fail" doc:"The worst of the checks."`
	Checks []Check `json:"checks" doc:"In a fixed order."`
	// Audiences are who would be told.
	Audiences []Size `json:"audiences" doc:"Who would be told, by audience and channel: subscribers, and those of the plan."`
	// Update is what one update to everybody takes, whatever the cadence.
	Update []Estimate `json:"update" doc:"What one update to everybody takes on each channel."`
	Prices []Price    `json:"prices" doc:"The list prices that were used, with their date and source."`
}

// Check is one thing that was looked at.
type Check struct {
	Name  string `json:"name" doc:"Such as mail.sandbox."`
	State State  `json:"state" enum:"ok,warn,fail"`
	// Detail says what is; Next what to do about it, empty if nothing.
	Detail string `json:"detail"`
	Next   string `json:"next,omitempty" doc:"What to do about it."`
}

// Size is how many an audience has on a channel.
type Size struct {
	Audience    incident.Audience `json:"audience"`
	Channel     incident.Channel  `json:"channel"`
	Subscribers int               `json:"subscribers"`
	// Plan counts members and targets.
	Plan int `json:"plan" doc:"Members and targets of the plan."`
}

// Estimate is what one update to everybody takes on a channel.
type Estimate struct {
	Channel    incident.Channel `json:"channel"`
	Recipients int              `json:"recipients"`
	// Minutes is how long it takes, rounded up to tenths; nil is not known.
	Minutes *float64 `json:"minutes,omitempty" doc:"How long it takes; missing where the rate is not known."`
	// Costs are what it costs, by what is assumed; none where no price is known.
	Costs []Cost `json:"costs" doc:"What it costs, each under what it assumes; empty where no price is known."`
	Note  string `json:"note,omitempty"`
}

// Cost is an amount under an assumption.
type Cost struct {
	// USD is in US dollars, rounded up to cents.
	USD float64 `json:"usd"`
	// If says what it assumes; empty if nothing.
	If string `json:"if,omitempty"`
}
