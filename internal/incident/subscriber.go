package incident

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"time"
)

// RecipientID names an address on a channel without telling it: a keyed hash of
// the normalised address.
type RecipientID string

// A Subscriber is a person or endpoint that asked to be told, or was imported
// with a recorded basis.
type Subscriber struct {
	ID       RecipientID
	Audience Audience
	Channel  Channel
	Address  Address
	Locale   Locale
	// Zone is the reader's own time zone, an IANA name.
	Zone string
	// Components limits what the subscriber hears; empty means everything.
	Components []ComponentID
	Tags       map[string]string
	State      SubscriberState
	// Secret signs webhook deliveries; empty for other channels.
	Secret string
	// Epoch rises when links given out earlier must stop working.
	Epoch     int
	CreatedAt time.Time
	// ConfirmedAt is when consent was proved; Consent is the text version it was given to.
	ConfirmedAt time.Time
	Consent     string
}

// SubscriberState is where a subscription stands.
type SubscriberState string

// The states of a subscription.
const (
	Pending      SubscriberState = "pending"
	Active       SubscriberState = "active"
	Unsubscribed SubscriberState = "unsubscribed"
	Suppressed   SubscriberState = "suppressed"
)

// Hears reports whether the subscriber's filter lets an incident through that
// has named these components so far.
func (s Subscriber) Hears(named []ComponentID) bool {
	if len(s.Components) == 0 {
		return true
	}
	return slices.ContainsFunc(s.Components, func(c ComponentID) bool { return slices.Contains(named, c) })
}

// NewRecipientID names a normalised address on a channel by a keyed hash, so
// that stores, queues and logs hold no address. The same key, channel and
// address always give the same id.
func NewRecipientID(key []byte, c Channel, normalised Address) RecipientID {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("recipient\x00" + string(c) + "\x00" + string(normalised)))
	return RecipientID(hex.EncodeToString(mac.Sum(nil)[:16]))
}
