package access

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"shirase/internal/incident"
)

const (
	// MaxKeys is how many keys there may be beside the first. People and programs
	// have one each; more are keys that were forgotten.
	MaxKeys = 100
	// maxLabel is how long a label may be, in characters.
	maxLabel = 64
	// idTries is how often an id is made anew that was taken.
	idTries = 4
)

// Service makes, checks and revokes keys. All fields must be set but First.
type Service struct {
	Store Store
	// First is the token of the key that is there from the beginning, an admin's.
	// It is no business of the store, cannot be revoked here, and holds also while
	// the store does not answer. Empty is none.
	First Token
	// FirstName is who uses it.
	FirstName string
	// Random gives the chance that keys are made of: crypto/rand.Reader.
	Random io.Reader
	Now    func() time.Time
}

// Key answers whose key a token is; ok is false for any other token. It compares
// in constant time, and what cannot be a token costs no read.
func (s *Service) Key(ctx context.Context, sent string) (p Principal, ok bool, err error) {
	if s.First != "" && subtle.ConstantTimeCompare([]byte(sent), []byte(s.First)) == 1 {
		return Principal{Name: s.FirstName, Role: Admin}, true, nil
	}
	id, secret, ok := parse(sent)
	if !ok {
		return Principal{}, false, nil
	}
	k, err := s.Store.Load(ctx, id)
	if err != nil && !errors.Is(err, incident.ErrNotFound) {
		return Principal{}, false, fmt.Errorf("read key: %w", err)
	}
	// An id that is not known is compared too, with a hash that nothing has.
	got := sha256.Sum256([]byte(secret))
	if subtle.ConstantTimeCompare(got[:], k.Hash[:]) != 1 || err != nil || !k.Role.Valid() {
		return Principal{}, false, nil
	}
	return Principal{Name: k.Label, Role: k.Role}, true, nil
}

// Issue makes a key and answers its token, which nobody is ever shown again. The
// errors are every fault of the input at once, and ErrConflict where the label is
// taken or there are [MaxKeys]. Called twice it makes one key: the second time
// the label is taken.
func (s *Service) Issue(ctx context.Context, label string, r Role, by string) (Key, Token, error) {
	label = strings.TrimSpace(label)
	if err := errors.Join(checkLabel(label), checkRole(r)); err != nil {
		return Key{}, "", err
	}
	kept, err := s.Keys(ctx)
	if err != nil {
		return Key{}, "", err
	}
	if len(kept) >= MaxKeys {
		return Key{}, "", fmt.Errorf("%d keys are there, revoke one: %w", len(kept), incident.ErrConflict)
	}
	taken := label == s.FirstName
	for _, k := range kept {
		taken = taken || k.Label == label
	}
	if taken {
		return Key{}, "", fmt.Errorf("another key has this label: %w", incident.ErrConflict)
	}
	secret, err := s.chance(secretBytes)
	if err != nil {
		return Key{}, "", err
	}
	k := Key{Label: label, Role: r, Hash: sha256.Sum256([]byte(secret)), At: s.Now().UTC().Truncate(time.Millisecond), By: by}
	for n := 1; ; n++ {
		if k.ID, err = s.chance(idBytes); err != nil {
			return Key{}, "", err
		}
		err := s.Store.Add(ctx, k)
		if err == nil {
			return k, token(k.ID, secret), nil
		}
		if n == idTries || !errors.Is(err, incident.ErrConflict) {
			return Key{}, "", fmt.Errorf("keep key: %w", err)
		}
	}
}

func checkLabel(label string) error {
	if n := utf8.RuneCountInString(label); n == 0 || n > maxLabel || !utf8.ValidString(label) ||
		strings.ContainsFunc(label, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return incident.Invalid("label", "must say whose key it is, in 1 to %d plain characters", maxLabel)
	}
	return nil
}

func checkRole(r Role) error {
	if !r.Valid() {
		return incident.Invalid("role", "must be viewer, responder, approver or admin")
	}
	return nil
}

// Keys answers every key but the first, by id.
func (s *Service) Keys(ctx context.Context) ([]Key, error) {
	ks, err := s.Store.List(ctx)
	if err != nil {
		return nil, fmt.Errorf("list keys: %w", err)
	}
	return ks, nil
}

// Revoke makes a key worthless at once. The error is ErrNotFound where there is
// none, also the second time.
func (s *Service) Revoke(ctx context.Context, id string) error {
	if !plain(id, idLength) {
		return fmt.Errorf("key: %w", incident.ErrNotFound)
	}
	if _, err := s.Store.Load(ctx, id); err != nil {
		return fmt.Errorf("read key: %w", err)
	}
	if err := s.Store.Delete(ctx, id); err != nil {
		return fmt.Errorf("revoke key: %w", err)
	}
	return nil
}
