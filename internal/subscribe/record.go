package subscribe

import (
	"slices"
	"time"

	"shirase/internal/deliver"
	"shirase/internal/incident"
)

// A Key names a subscription: one address on one channel, for one audience.
type Key struct {
	Audience incident.Audience
	Channel  incident.Channel
	ID       incident.RecipientID
}

// A Record is all that is kept of one subscription.
type Record struct {
	Subscriber incident.Subscriber
	// Version rises by one at each write; 0 means that nothing is kept.
	Version int
	// Ask is the sign-up that waits to be confirmed; nil if none does. A
	// subscriber who is active already may have one: confirming it changes what
	// they hear.
	Ask *Ask
	// Confirmed is the sign-up that was confirmed last, so that confirming it
	// again does no harm. Unsubscribing forgets it.
	Confirmed string
	// Tries counts the wrong codes for the newest sign-up.
	Tries int
}

// Key answers what names the record.
func (r Record) Key() Key {
	return Key{Audience: r.Subscriber.Audience, Channel: r.Subscriber.Channel, ID: r.Subscriber.ID}
}

// Clone answers a copy that shares nothing with r.
func (r Record) Clone() Record {
	r.Subscriber.Components = slices.Clone(r.Subscriber.Components)
	r.Subscriber.Tags = cloneTags(r.Subscriber.Tags)
	if r.Ask != nil {
		a := *r.Ask
		a.Prefs.Components = slices.Clone(a.Prefs.Components)
		r.Ask = &a
	}
	return r
}

// An Ask is a sign-up that waits to be confirmed.
type Ask struct {
	ID string
	At time.Time
	// Until is when it dies.
	Until time.Time
	Prefs Prefs
	// Consent is the version of the text that was agreed to.
	Consent string
}

// Prefs is what a subscriber chooses.
type Prefs struct {
	Locale incident.Locale
	// Zone is an IANA name; empty means the organisation's.
	Zone string
	// Components limits what is heard; empty means everything.
	Components []incident.ComponentID
}

// Event is what a consent entry records.
type Event string

// The events of the consent ledger.
const (
	EventAsked        Event = "asked"
	EventConfirmed    Event = "confirmed"
	EventChanged      Event = "changed"
	EventUnsubscribed Event = "unsubscribed"
	EventSuppressed   Event = "suppressed"
	EventImported     Event = "imported"
)

// A Consent is one entry of the consent ledger, which only ever grows. It holds
// no address.
type Consent struct {
	Key   Key
	At    time.Time
	Event Event
	// Text is the version of the text that was agreed to.
	Text string
	// How is the way it reached us: see the constants of [How].
	How How
	// IP is a keyed hash of the network it came from; empty if it came from none.
	IP string
	// Basis says why somebody was imported, or why suppressed.
	Basis string
}

// How is the way in which a wish reached us.
type How string

// The ways.
const (
	HowPage      How = "page"
	HowJSON      How = "json"
	HowOneClick  How = "one_click"
	HowChallenge How = "challenge"
	HowImport    How = "import"
	HowReceipt   How = "receipt"
)

// WorkKind says what an item of work is about.
type WorkKind string

// The kinds of work.
const (
	// WorkMemo: the pointer of a confirmation memo is to be published.
	WorkMemo WorkKind = "memo"
	// WorkWelcome: a subscriber is to be told of the incidents that go on.
	WorkWelcome WorkKind = "welcome"
	// WorkLapse: a sign-up that was not confirmed is to be forgotten.
	WorkLapse WorkKind = "lapse"
)

// A Work is something that a change has caused and that must happen. It is
// stored with the change. Doing it twice does no harm.
type Work struct {
	ID   string
	Kind WorkKind
	Key  Key
	// Due is when the sweep takes it up.
	Due time.Time
	// Ask is the sign-up it belongs to; empty for a welcome.
	Ask string
}

// A Change is one write, all or nothing.
type Change struct {
	// Record is what is to be kept. Its Version is the one that was read; the
	// write raises it.
	Record Record
	// Delete removes the record instead.
	Delete bool
	// Consent is added to the ledger.
	Consent []Consent
	// Memo is stored where deliver.Messages finds it; nil if there is none.
	Memo *deliver.Memo
	// Work is stored until it is done.
	Work []Work
}

// SuppressReason is why an address must not be sent to.
type SuppressReason string

// The reasons of a suppression.
const (
	Bounced    SuppressReason = "bounced"
	Complained SuppressReason = "complained"
	OptedOut   SuppressReason = "opted_out"
)

// Valid reports whether r is one of the reasons.
func (r SuppressReason) Valid() bool { return r == Bounced || r == Complained || r == OptedOut }

// A Suppression keeps an address from ever being sent to, for any audience.
type Suppression struct {
	Channel incident.Channel
	ID      incident.RecipientID
	Reason  SuppressReason
	At      time.Time
}
