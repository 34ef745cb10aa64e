package record

import (
	"time"

	"shirase/internal/incident"
	"shirase/internal/subscribe"
)

// Subscription is a subscriber as a store keeps one, address and all. It must
// never stand in an error or a log line.
type Subscription struct {
	ID          incident.RecipientID     `json:"id"`
	Audience    incident.Audience        `json:"audience"`
	Channel     incident.Channel         `json:"channel"`
	Address     string                   `json:"address"`
	Locale      incident.Locale          `json:"locale"`
	Zone        string                   `json:"zone,omitempty"`
	Components  []incident.ComponentID   `json:"components,omitempty"`
	Tags        map[string]string        `json:"tags,omitempty"`
	State       incident.SubscriberState `json:"state"`
	Secret      string                   `json:"secret,omitempty"`
	Epoch       int                      `json:"epoch,omitempty"`
	CreatedAt   time.Time                `json:"created_at,omitzero"`
	ConfirmedAt time.Time                `json:"confirmed_at,omitzero"`
	Consent     string                   `json:"consent,omitempty"`
	Version     int                      `json:"version"`
	Ask         *Ask                     `json:"ask,omitempty"`
	Confirmed   string                   `json:"confirmed,omitempty"`
	Tries       int                      `json:"tries,omitempty"`
}

// Ask is a sign-up that waits.
type Ask struct {
	ID         string                 `json:"id"`
	At         time.Time              `json:"at"`
	Until      time.Time              `json:"until"`
	Locale     incident.Locale        `json:"locale"`
	Zone       string                 `json:"zone,omitempty"`
	Components []incident.ComponentID `json:"components,omitempty"`
	Consent    string                 `json:"consent,omitempty"`
}

// NewSubscription makes the record of r at the version that r has.
func NewSubscription(r subscribe.Record) Subscription {
	s := r.Subscriber
	out := Subscription{
		ID: s.ID, Audience: s.Audience, Channel: s.Channel, Address: s.Address.Reveal(), Locale: s.Locale, Zone: s.Zone,
		Components: s.Components, Tags: s.Tags, State: s.State, Secret: s.Secret, Epoch: s.Epoch,
		CreatedAt: s.CreatedAt, ConfirmedAt: s.ConfirmedAt, Consent: s.Consent,
		Version: r.Version, Confirmed: r.Confirmed, Tries: r.Tries,
	}
	if a := r.Ask; a != nil {
		out.Ask = &Ask{a.ID, a.At, a.Until, a.Prefs.Locale, a.Prefs.Zone, a.Prefs.Components, a.Consent}
	}
	return out
}

// Subscriber answers whom the record is of.
func (s Subscription) Subscriber() incident.Subscriber {
	return incident.Subscriber{
		ID: s.ID, Audience: s.Audience, Channel: s.Channel, Address: incident.Address(s.Address), Locale: s.Locale, Zone: s.Zone,
		Components: s.Components, Tags: s.Tags, State: s.State, Secret: s.Secret, Epoch: s.Epoch,
		CreatedAt: s.CreatedAt, ConfirmedAt: s.ConfirmedAt, Consent: s.Consent,
	}
}

// Record answers all that was kept.
func (s Subscription) Record() subscribe.Record {
	r := subscribe.Record{Subscriber: s.Subscriber(), Version: s.Version, Confirmed: s.Confirmed, Tries: s.Tries}
	if a := s.Ask; a != nil {
		r.Ask = &subscribe.Ask{
			ID: a.ID, At: a.At, Until: a.Until, Consent: a.Consent,
			Prefs: subscribe.Prefs{Locale: a.Locale, Zone: a.Zone, Components: a.Components},
		}
	}
	return r
}

// Consent is an entry of the consent ledger. Whose it is stands in its key.
type Consent struct {
	At    time.Time       `json:"at"`
	Event subscribe.Event `json:"event"`
	Text  string          `json:"text,omitempty"`
	How   subscribe.How   `json:"how,omitempty"`
	IP    string          `json:"ip,omitempty"`
	Basis string          `json:"basis,omitempty"`
}

// NewConsent makes the record of c.
func NewConsent(c subscribe.Consent) Consent {
	return Consent{c.At, c.Event, c.Text, c.How, c.IP, c.Basis}
}

// Work is an item of work.
type Work struct {
	ID       string               `json:"id"`
	Kind     subscribe.WorkKind   `json:"kind"`
	Audience incident.Audience    `json:"audience"`
	Channel  incident.Channel     `json:"channel"`
	To       incident.RecipientID `json:"to"`
	Due      time.Time            `json:"due"`
	Ask      string               `json:"ask,omitempty"`
}

// NewWork makes the record of w.
func NewWork(w subscribe.Work) Work {
	return Work{w.ID, w.Kind, w.Key.Audience, w.Key.Channel, w.Key.ID, w.Due, w.Ask}
}

// Work answers the item of work that was kept.
func (w Work) Work() subscribe.Work {
	k := subscribe.Key{Audience: w.Audience, Channel: w.Channel, ID: w.To}
	return subscribe.Work{ID: w.ID, Kind: w.Kind, Key: k, Due: w.Due, Ask: w.Ask}
}

// Suppression says why an address must not be sent to. Whose it is stands in
// its key.
type Suppression struct {
	Reason subscribe.SuppressReason `json:"reason"`
	At     time.Time                `json:"at"`
}

// NewSuppression makes the record of s.
func NewSuppression(s subscribe.Suppression) Suppression { return Suppression{s.Reason, s.At} }
