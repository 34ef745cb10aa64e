package incident

// Audience is a group of people who are told the same truth in their own words.
type Audience string

// The audiences that have texts of their own. A plan may use fewer.
const (
	Engineering Audience = "engineering"
	Support     Audience = "support"
	Management  Audience = "management"
	Marketing   Audience = "marketing"
	Customers   Audience = "customers"
	Staff       Audience = "staff"
)

// Audiences lists the audiences in the order in which they are told: those who
// must answer questions hear before or with those who ask them.
func Audiences() []Audience {
	return []Audience{Engineering, Support, Management, Marketing, Staff, Customers}
}

// Channel is a way to reach somebody: "email", "sms", "mastodon", "slack",
// "webhook". Which channels there are is data of package message.
type Channel string

// The channels whose names the rules speak of.
const (
	Email   Channel = "email"
	SMS     Channel = "sms"
	Webhook Channel = "webhook"
)

// Family is a kind of text that several channels share.
type Family string

// The families. A webhook has no words: it is built from facts.
const (
	FamilyEmail   Family = "email"
	FamilySMS     Family = "sms"
	FamilySocial  Family = "social"
	FamilyChat    Family = "chat"
	FamilyWebhook Family = "webhook"
)

// Timeline reports whether a text of the family carries the last stages in
// short. Where it does not, each text stands alone with a link.
func (f Family) Timeline() bool {
	return f == FamilyEmail || f == FamilyChat || f == FamilyWebhook
}

// A Route is one audience on one channel: the unit in which a plan decides who
// is told an update.
type Route struct {
	Audience Audience `json:"audience"`
	Channel  Channel  `json:"channel"`
}
