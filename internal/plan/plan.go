package plan

import (
	"time"

	"shirase/internal/incident"
)

// A Plan is a communication plan with all defaults filled in. It is built by
// [Parse] and never changed afterwards, so it may be shared. Stores keep what
// [Plan.Encode] makes of it.
type Plan struct {
	// Version is given by the store that keeps the plan; 0 before that.
	Version int `json:"-"`
	// Source is the file the plan was read from, byte for byte.
	Source []byte `json:"-"`

	Organisation Organisation `json:"organisation"`
	Components   []Component  `json:"components"`
	// Audiences are in the order in which they are told, which also decides in
	// which audience a person is who belongs to several.
	Audiences []Audience `json:"audiences"`
	// Members are the people of the stakeholder groups.
	Members []Member `json:"members"`
	// Targets are the accounts, rooms and endpoints we post to.
	Targets []Target `json:"targets"`
	// OnCall names members in the order in which they are called.
	OnCall []MemberID `json:"on_call"`
	// Cadence decides who gets which update, first match first.
	Cadence []Rule `json:"cadence"`
	Alarms  Alarms `json:"alarms"`
	Timing  Timing `json:"timing"`
	Quiet   Quiet  `json:"quiet"`
	// DrillRecipients are the only addresses a rehearsal reaches.
	DrillRecipients []MemberID `json:"drill_recipients"`

	// families are the channels there were when the plan was read.
	families map[incident.Channel]incident.Family
}

// Organisation is who speaks.
type Organisation struct {
	// Name is the name readers know, per locale.
	Name incident.Text `json:"name"`
	// Contact is where readers turn: a URL or a mail address.
	Contact string `json:"contact"`
	// From is the mail address updates come from.
	From string `json:"from"`
	// Zone is the organisation's time zone; times are shown in it.
	Zone *time.Location `json:"-"`
	// Locales are the languages of every text, first one first.
	Locales []incident.Locale `json:"locales"`
	// URL begins every link, without a slash at the end. Empty means the
	// address the program is reached at.
	URL string `json:"url"`
}

// Component is a service as users know it.
type Component struct {
	ID incident.ComponentID `json:"id"`
	// Name is the topic as it stands in a subject: "請求書の送信", "Sending invoices".
	Name incident.Text `json:"name"`
	// Effect is a whole sentence: what readers cannot do when it fails.
	Effect incident.Text `json:"effect"`
}

// Audience is a group that is told in its own words.
type Audience struct {
	ID   incident.Audience `json:"id"`
	Name incident.Text     `json:"name"`
	// Texts names the audience whose templates are used: its own, or the one it inherits from.
	Texts incident.Audience `json:"texts"`
	// Public audiences take subscribers from outside and are told confirmed facts only.
	Public bool `json:"public"`
}

// MemberID names a member, such as "sato".
type MemberID string

// Member is a person of a stakeholder group.
type Member struct {
	ID        MemberID            `json:"id"`
	Name      string              `json:"name"`
	Audiences []incident.Audience `json:"audiences"`
	Locale    incident.Locale     `json:"locale"`
	Zone      string              `json:"zone"`
	// Addresses holds one address per channel.
	Addresses map[incident.Channel]incident.Address `json:"addresses"`
}

// TargetID names a target, such as "slack-incidents".
type TargetID string

// Target is an account, room or endpoint we post to. It has one locale; two
// languages are two targets.
type Target struct {
	ID       TargetID          `json:"id"`
	Channel  incident.Channel  `json:"channel"`
	Audience incident.Audience `json:"audience"`
	Locale   incident.Locale   `json:"locale"`
	// Address is what readers know it by: an account, a room, a URL.
	Address incident.Address `json:"address"`
	// Server is the origin of the provider's API where the channel has many, such as a Mastodon instance.
	Server string `json:"server"`
	// Secret is the name of the credential, never the credential. Empty means
	// that there is none, and a local program delivers to its mailbox.
	Secret string `json:"secret"`
	// OnCall marks the room that drafts, reminders and escalations also go to.
	OnCall bool `json:"on_call"`
}

// Event is a reason for telling: what an update is, seen by the cadence.
type Event string

// The events. An update may be several at once: the first notice of an incident
// is both first and stage.
const (
	EventFirst   Event = "first"   // the first notice, also after a reopening
	EventStage   Event = "stage"   // the stage changed
	EventOutlook Event = "outlook" // the outlook changed
	EventFinal   Event = "final"   // resolved, completed, postmortem, merged
	EventEnd     Event = "end"     // final, but for the report and what follows it
	EventUpdate  Event = "update"  // any update at all
	EventMend    Event = "mend"    // correction or retraction
)

// Rule says on which events an audience hears on a channel. Empty fields match
// everything; the first rule that matches decides.
type Rule struct {
	Audience incident.Audience   `json:"audience"`
	Channel  incident.Channel    `json:"channel"`
	Family   incident.Family     `json:"family"`
	Severity []incident.Severity `json:"severity"`
	Kind     incident.Kind       `json:"kind"`
	// Tell lists the events; empty means never.
	Tell []Event `json:"tell"`
}

// Publish says what an alarm may do without a person.
type Publish string

// The ways to publish. Auto with a delay is a draft that publishes itself
// unless a person decides before.
const (
	PublishDraft Publish = "draft"
	PublishAuto  Publish = "auto"
)

// Alarms says how signals become incidents.
type Alarms struct {
	Rules []AlarmRule `json:"rules"`
	// Hold is how long an alarm must last before anyone outside hears, and how
	// long others may join it; alarms that clear within it were a flap.
	Hold time.Duration `json:"hold"`
	// Ignore lists name patterns of alarms that are our own or autoscaling's.
	Ignore []string `json:"ignore"`
}

// AlarmRule says which component an alarm is about. Empty fields match
// everything. Patterns are those of path.Match.
type AlarmRule struct {
	Name      string               `json:"name"`
	Account   string               `json:"account"`
	Region    string               `json:"region"`
	Tags      map[string]string    `json:"tags"`
	Component incident.ComponentID `json:"component"`
	Severity  incident.Severity    `json:"severity"`
	// Group collects alarms into one incident; the default is "all".
	Group   string  `json:"group"`
	Publish Publish `json:"publish"`
	// After delays automatic publishing; 0 is at the end of the hold.
	After time.Duration `json:"after"`
}

// Timing holds the durations of the plan.
type Timing struct {
	// Next is how long after an update the next is promised, by severity.
	Next map[incident.Severity]time.Duration `json:"next"`
	// Monitoring is the same while the stage is monitoring or verifying.
	Monitoring map[incident.Severity]time.Duration `json:"monitoring"`
	// Remind is how long before a promise lapses its author is reminded.
	Remind time.Duration `json:"remind"`
	// Hold is how long after a lapsed promise the holding text goes out; negative means never.
	Hold time.Duration `json:"hold"`
	// Escalate is how long a member has to acknowledge before the next is called.
	Escalate time.Duration `json:"escalate"`
	// DraftLife is how long a draft may be published.
	DraftLife time.Duration `json:"draft_life"`
	// OutlookWarn is how long before an outlook expires a newer update is asked for.
	OutlookWarn time.Duration `json:"outlook_warn"`
	// MaintenanceRemind lists how long before planned work readers are reminded.
	MaintenanceRemind []time.Duration `json:"maintenance_remind"`
}

// Quiet is the time of day in which SMS waits, in the organisation's zone.
// The zero Quiet is none.
type Quiet struct {
	From, To string // "23:00"
	Set      bool   `json:"set"`
}
