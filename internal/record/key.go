package record

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"time"

	"shirase/internal/access"
)

// Key is an API key as a store keeps it.
type Key struct {
	ID    string      `json:"id"`
	Label string      `json:"label"`
	Role  access.Role `json:"role"`
	Hash  string      `json:"hash"` // in hexadecimal digits
	At    time.Time   `json:"at"`
	By    string      `json:"by"`
}

// NewKey makes the record of k.
func NewKey(k access.Key) Key {
	return Key{k.ID, k.Label, k.Role, hex.EncodeToString(k.Hash[:]), k.At, k.By}
}

// Key answers the key that was kept, or an error where its hash is damaged: a
// key must never be checked against half of one.
func (r Key) Key() (access.Key, error) {
	k := access.Key{ID: r.ID, Label: r.Label, Role: r.Role, At: r.At, By: r.By}
	b, err := hex.DecodeString(r.Hash)
	if err != nil || len(b) != sha256.Size {
		return access.Key{}, errors.New("read key: its hash is damaged")
	}
	copy(k.Hash[:], b)
	return k, nil
}

// Keys answers the keys that were kept, in order.
func Keys(rs []Key) ([]access.Key, error) {
	ks := make([]access.Key, len(rs))
	for n, r := range rs {
		var err error
		if ks[n], err = r.Key(); err != nil {
			return nil, err
		}
	}
	return ks, nil
}
