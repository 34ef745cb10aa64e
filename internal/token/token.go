// Package token makes and checks short signed tokens for links: a purpose, a
// few claims and an expiry, under HMAC-SHA256. A token says who may do what; it
// is not encrypted, so claims hold no secret and no address.
//
// The purpose is part of what is signed and not part of the token, so that a
// token made for one thing is worth nothing for another. The first key signs,
// all keys verify: to rotate, put a new key in front and drop the old one when
// the last token under it may die.
package token

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// The ways in which a token is no good.
var (
	// ErrInvalid says that the token was not made by us for this purpose.
	ErrInvalid = errors.New("token not valid")
	// ErrExpired says that it was, but its time is over.
	ErrExpired = errors.New("token expired")
)

// MaxLength is the most characters that [Codec.Verify] looks at.
const MaxLength = 512

const (
	version = 1
	// context separates these signatures from any other use of the same key.
	context = "shirase token 1\x00"
	// macSize keeps 128 bits of the signature (RFC 2104, section 5), so that a
	// link stays short enough to be copied by hand.
	macSize = 16
	// minSecret is the least a key must hold.
	minSecret = 16
	maxKeyID  = 16
	maxClaims = 16
)

// encoding refuses what decodes to the same bytes by another spelling.
var encoding = base64.RawURLEncoding.Strict()

// A Key signs and verifies. Its id stands in the token and is public.
type Key struct {
	ID     string
	Secret []byte
}

// A Codec signs and verifies tokens. It never changes and may be shared.
type Codec struct{ keys []Key }

// New makes a codec: the first key signs, all of them verify. It refuses no
// keys, a key that is too short to be a secret, and two keys of one id.
func New(keys ...Key) (*Codec, error) {
	if len(keys) == 0 {
		return nil, errors.New("token keys: there must be at least one")
	}
	c := &Codec{}
	for n, k := range keys {
		switch {
		case k.ID == "" || len(k.ID) > maxKeyID:
			return nil, fmt.Errorf("token key %d: its id must have 1 to %d bytes", n+1, maxKeyID)
		case len(k.Secret) < minSecret:
			return nil, fmt.Errorf("token key %q: its secret must have at least %d bytes", k.ID, minSecret)
		}
		if _, ok := c.key(k.ID); ok {
			return nil, fmt.Errorf("token key %q: its id is used twice", k.ID)
		}
		c.keys = append(c.keys, Key{ID: k.ID, Secret: slices.Clone(k.Secret)})
	}
	return c, nil
}

// Sign makes a token for a purpose with the claims in order. It is good before
// expires, cut to whole seconds; the zero time means for ever. About 100 bytes
// of claims fit in 200 characters.
func (c *Codec) Sign(purpose string, claims []string, expires time.Time) string {
	k := c.keys[0]
	body := []byte{version}
	body = appendString(body, k.ID)
	body = binary.AppendUvarint(body, stamp(expires))
	for _, s := range claims {
		body = appendString(body, s)
	}
	return encoding.EncodeToString(append(body, sign(k, purpose, body)...))
}

// Verify answers the claims of a token that was signed for the purpose and is
// good now. The errors are [ErrInvalid] and [ErrExpired]; a token that is not
// ours is never called expired.
func (c *Codec) Verify(purpose, tok string, now time.Time) ([]string, error) {
	if len(tok) > MaxLength {
		return nil, ErrInvalid
	}
	// The decoder skips line breaks; a token has none.
	raw, err := encoding.DecodeString(tok)
	if err != nil || len(raw) <= macSize || strings.ContainsAny(tok, "\r\n") {
		return nil, ErrInvalid
	}
	body, mac := raw[:len(raw)-macSize], raw[len(raw)-macSize:]
	if body[0] != version {
		return nil, ErrInvalid
	}
	id, rest, ok := cutString(body[1:])
	if !ok {
		return nil, ErrInvalid
	}
	k, ok := c.key(id)
	if !ok || !hmac.Equal(mac, sign(k, purpose, body)) {
		return nil, ErrInvalid
	}
	until, n := binary.Uvarint(rest)
	if n <= 0 {
		return nil, ErrInvalid
	}
	claims, ok := cutStrings(rest[n:])
	if !ok {
		return nil, ErrInvalid
	}
	if until != 0 && stamp(now) >= until {
		return nil, ErrExpired
	}
	return claims, nil
}

func (c *Codec) key(id string) (Key, bool) {
	n := slices.IndexFunc(c.keys, func(k Key) bool { return k.ID == id })
	if n < 0 {
		return Key{}, false
	}
	return c.keys[n], true
}

// stamp is a time in whole seconds, with 0 kept for "no time". Whatever lies
// before 1970 counts as its first second: long over.
func stamp(t time.Time) uint64 {
	if t.IsZero() {
		return 0
	}
	return uint64(max(t.Unix(), 1)) // #nosec G115 -- at least 1
}

// sign answers the signature of a body for a purpose. The length before the
// purpose keeps purpose and body apart.
func sign(k Key, purpose string, body []byte) []byte {
	mac := hmac.New(sha256.New, k.Secret)
	mac.Write([]byte(context))
	mac.Write(appendString(nil, purpose))
	mac.Write(body)
	return mac.Sum(nil)[:macSize]
}

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func cutString(b []byte) (s string, rest []byte, ok bool) {
	size, n := binary.Uvarint(b)
	if n <= 0 || size > uint64(len(b)-n) {
		return "", nil, false
	}
	b = b[n:]
	return string(b[:size]), b[size:], true
}

func cutStrings(b []byte) ([]string, bool) {
	claims := []string{}
	for len(b) > 0 {
		s, rest, ok := cutString(b)
		if !ok || len(claims) == maxClaims {
			return nil, false
		}
		claims, b = append(claims, s), rest
	}
	return claims, true
}
