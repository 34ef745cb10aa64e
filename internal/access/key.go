package access

import (
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"
)

// Key is an API key as it is kept: without its secret.
type Key struct {
	// ID is the middle part of the token, by which the key is found.
	ID string
	// Label says whose it is. No two keys have the same.
	Label string
	Role  Role
	// Hash is the SHA-256 of the secret.
	Hash [sha256.Size]byte
	// At is when it was made, and By the label of the key it was made with.
	At time.Time
	By string
}

// A Token is a key as its owner sends it. It prints masked.
type Token string

// Reveal answers the token itself, for the one answer that shows it.
func (t Token) Reveal() string { return string(t) }

// String masks the token.
func (Token) String() string { return "[key]" }

// Format masks the token for every verb, also those that do not fit a text, for
// which package fmt would otherwise print the value as it is.
func (t Token) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, t.String()) }

// LogValue masks the token in structured logs.
func (Token) LogValue() slog.Value { return slog.StringValue("[key]") }

// MarshalJSON masks the token, so that no encoder shows it by mistake.
func (Token) MarshalJSON() ([]byte, error) { return []byte(`"[key]"`), nil }

const (
	prefix = "shk_"
	// idBytes and secretBytes are how much chance a key holds.
	idBytes, secretBytes = 5, 32
	// maxToken bounds what is looked at all.
	maxToken = 256
)

// letters are those of base 32 in small letters: none is mistaken for another, a
// double click takes all of them, and none is an underscore.
var letters = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

var (
	idLength     = letters.EncodedLen(idBytes)
	secretLength = letters.EncodedLen(secretBytes)
)

func token(id, secret string) Token { return Token(prefix + id + "_" + secret) }

// parse reads the parts of a token; ok is false for what cannot be one of ours.
func parse(s string) (id, secret string, ok bool) {
	rest, ok := strings.CutPrefix(s, prefix)
	if !ok || len(s) > maxToken {
		return "", "", false
	}
	id, secret, ok = strings.Cut(rest, "_")
	return id, secret, ok && plain(id, idLength) && plain(secret, secretLength)
}

// plain reports whether s is of our letters, and this many.
func plain(s string, length int) bool {
	return len(s) == length && !strings.ContainsFunc(s, func(r rune) bool { return (r < 'a' || r > 'z') && (r < '2' || r > '7') })
}

// chance makes n bytes of chance into letters.
func (s *Service) chance(n int) (string, error) {
	b := make([]byte, n)
	if _, err := io.ReadFull(s.Random, b); err != nil {
		return "", fmt.Errorf("make a key: %w", err)
	}
	return letters.EncodeToString(b), nil
}
