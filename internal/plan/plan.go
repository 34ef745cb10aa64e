package plan

import (
	"time"

	"shirase/internal/incident"
)

// A Plan is a communication plan with all defaults filled in. It is built by
// [Parse] and never changed afterwards, so it may be shared.
type Plan struct {
	// Version is given by the store that keeps the plan; 0 before that.
	Version int
	// Source is the file the plan was read from, byte for byte.
	Source []byte

	Organisation Organisation
	Components   []Component
	// Audiences are in the order in which they are told, which also decides in
	// which audience a person is who belongs to several.
	Audiences []Audience
	// Members are the people of the stakeholder groups.
	Members []Member
	// Targets are the accounts, rooms and endpoints we post to.
	Targets []Target
	// OnCall names members in the order in which they are called.
	OnCall []MemberID
	// Cadence decides who gets which update, first match first.
	Cadence []Rule
	Alarms  Alarms
	Timing  Timing
	Quiet   Quiet
	// DrillRecipients are the only addresses a rehearsal reaches.
	DrillRecipients []MemberID

	// families are the channels there were when the plan was read.
	families map[incident.Channel]incident.Family
}

// Organisation is who speaks.
type Organisation struct {
	// Name is the name readers know, per locale.
	Name incident.Text
	// Contact is where readers turn: a URL or a mail address.
	Contact string
	// From is the mail address updates come from.
	From string
	// Zone is the organisation's time zone; times are shown in it.
	Zone *time.Location
	// Locales are the languages of every text, first one first.
	Locales []incident.Locale
	// URL begins every link, without a slash at the end. Empty means the
	// address the program is reached at.
	URL string
}

// Component is a service as users know it.
type Component struct {
	ID incident.ComponentID
	// Name is the topic as it stands in a subject: "請求書の送信", "Sending invoices".
	Name incident.Text
	// Effect is a whole sentence: what readers cannot do when it fails.
	Effect incident.Text
}

// Audience is a group that is told in its own words.
type Audience struct {
	ID   incident.Audience
	Name incident.Text
	// Texts names the audience whose templates are used: its own, or the one it inherits from.
	Texts incident.Audience
	// Public audiences take subscribers from outside and are told confirmed facts only.
	Public bool
}

// MemberID names a member, such as "sato".
type MemberID string

// Member is a person of a stakeholder group.
type Member struct {
	ID        MemberID
	Name      string
	Audiences []incident.Audience
	Locale    incident.Locale
	Zone      string
	// Addresses holds one address per channel.
	Addresses map[incident.Channel]incident.Address
}

// TargetID names a target, such as "slack-incidents".
type TargetID string

// Target is an account, room or endpoint we post to. It has one locale; two
// languages are two targets.
type Target struct {
	ID       TargetID
	Channel  incident.Channel
	Audience incident.Audience
	Locale   incident.Locale
	// Address is what readers know it by: an account, a room, a URL.
	Address incident.Address
	// Server is the origin of the provider's API where the channel has many, such as a Mastodon instance.
	Server string
	// Secret is the name of the credential, never the credential. Empty means
	// that there is none, and a local program delivers to its mailbox.
	Secret string
	// OnCall marks the room that drafts, reminders and escalations also go to.
	OnCall bool
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
	Audience incident.Audience
	Channel  incident.Channel
	Family   incident.Family
	Severity []incident.Severity
	Kind     incident.Kind
	// Tell lists the events; empty means never.
	Tell []Event
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
	Rules []AlarmRule
	// Hold is how long an alarm must last before anyone outside hears, and how
	// long others may join it; alarms that clear within it were a flap.
	Hold time.Duration
	// Ignore lists name patterns of alarms that are our own or autoscaling's.
	Ignore []string
}

// AlarmRule says which component an alarm is about. Empty fields match
// everything. Patterns are those of path.Match.
type AlarmRule struct {
	Name      string
	Account   string
	Region    string
	Tags      map[string]string
	Component incident.ComponentID
	Severity  incident.Severity
	// Group collects alarms into one incident; the default is "all".
	Group   string
	Publish Publish
	// After delays automatic publishing; 0 is at the end of the hold.
	After time.Duration
}

// Timing holds the durations of the plan.
type Timing struct {
	// Next is how long after an update the next is promised, by severity.
	Next map[incident.Severity]time.Duration
	// Monitoring is the same while the stage is monitoring or verifying.
	Monitoring map[incident.Severity]time.Duration
	// Remind is how long before a promise lapses its author is reminded.
	Remind time.Duration
	// Hold is how long after a lapsed promise the holding text goes out; negative means never.
	Hold time.Duration
	// Escalate is how long a member has to acknowledge before the next is called.
	Escalate time.Duration
	// DraftLife is how long a draft may be published.
	DraftLife time.Duration
	// OutlookWarn is how long before an outlook expires a newer update is asked for.
	OutlookWarn time.Duration
	// MaintenanceRemind lists how long before planned work readers are reminded.
	MaintenanceRemind []time.Duration
}

// Quiet is the time of day in which SMS waits, in the organisation's zone.
// The zero Quiet is none.
type Quiet struct {
	From, To string // "23:00"
	Set      bool
}
