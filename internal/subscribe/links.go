package subscribe

import (
	"errors"
	"strconv"
	"time"

	"shirase/internal/incident"
	"shirase/internal/token"
)

// Purpose is what a link may be used for.
type Purpose string

// The purposes. A token for one is worth nothing for another.
const (
	PurposeConfirm     Purpose = "confirm"
	PurposeCode        Purpose = "code"
	PurposeManage      Purpose = "manage"
	PurposeUnsubscribe Purpose = "unsubscribe"
)

// manageLife is how long a link to the preferences works. Each mail brings a
// fresh one.
const manageLife = 90 * 24 * time.Hour

// Links makes the links that are a subscriber's own. Sender and sign-up share it.
type Links struct {
	Tokens *token.Codec
	// URL is the configured public URL, without a slash at the end.
	URL string
}

// Unsubscribe answers the link that stops everything sent to the subscriber. It
// never dies.
func (l Links) Unsubscribe(s incident.Subscriber) string {
	return l.URL + "/unsubscribe?t=" + l.unsubscribe(keyOf(s))
}

// Manage answers the link to the subscriber's preferences. It is the same all
// day, so that a mail that is tried again is the same mail.
func (l Links) Manage(s incident.Subscriber, now time.Time) string {
	return l.URL + "/manage?t=" + l.manage(s, now)
}

func (l Links) confirm(k Key, ask Ask) string {
	return l.URL + "/confirm?t=" + l.sign(PurposeConfirm, k, ask.ID, ask.Until)
}

func (l Links) unsubscribe(k Key) string { return l.sign(PurposeUnsubscribe, k, "", time.Time{}) }

func (l Links) manage(s incident.Subscriber, now time.Time) string {
	until := now.UTC().Truncate(24 * time.Hour).Add(24*time.Hour + manageLife)
	return l.sign(PurposeManage, keyOf(s), strconv.Itoa(s.Epoch), until)
}

// code answers the reference that goes with an SMS code. It names the number
// and no sign-up, so that it looks the same whether or not one was recorded.
func (l Links) code(k Key, until time.Time) string { return l.sign(PurposeCode, k, "", until) }

func (l Links) sign(p Purpose, k Key, extra string, until time.Time) string {
	return l.Tokens.Sign(string(p), []string{string(k.Audience), string(k.Channel), string(k.ID), extra}, until)
}

// read answers whom a token speaks of. The errors are [ErrLink] and [ErrLapsed].
func (l Links) read(p Purpose, tok string, now time.Time) (k Key, extra string, err error) {
	claims, err := l.Tokens.Verify(string(p), tok, now)
	switch {
	case errors.Is(err, token.ErrExpired):
		return Key{}, "", ErrLapsed
	case err != nil || len(claims) != 4:
		return Key{}, "", ErrLink
	}
	k = Key{incident.Audience(claims[0]), incident.Channel(claims[1]), incident.RecipientID(claims[2])}
	return k, claims[3], nil
}

func keyOf(s incident.Subscriber) Key { return Record{Subscriber: s}.Key() }
