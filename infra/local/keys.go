package main

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"shirase/internal/handler/api"
)

// localKey is the admin key on loopback.
const localKey = "local"

// oneKey knows the program's admin key and no other.
type oneKey struct {
	token, name string
}

// Key implements api.Keys.
func (k oneKey) Key(_ context.Context, token string) (api.Principal, bool, error) {
	if subtle.ConstantTimeCompare([]byte(token), []byte(k.token)) != 1 {
		return api.Principal{}, false, nil
	}
	return api.Principal{Name: k.name, Role: api.Admin}, true, nil
}

// kept answers the bytes of a file in the data folder, making it at random if
// it is not there.
func kept(folder, name string, bytes int) ([]byte, error) {
	path := filepath.Join(folder, name)
	b, err := os.ReadFile(path) //nolint:gosec // the folder is the operator's own
	if err == nil && len(b) >= bytes*2 {
		return b, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	raw := make([]byte, bytes)
	if _, err := rand.Read(raw); err != nil {
		return nil, fmt.Errorf("make %s: %w", name, err)
	}
	b = []byte(hex.EncodeToString(raw))
	temp := path + ".new"
	if err := os.WriteFile(temp, b, 0o600); err != nil {
		return nil, fmt.Errorf("write %s: %w", name, err)
	}
	if err := os.Rename(temp, path); err != nil {
		return nil, fmt.Errorf("write %s: %w", name, err)
	}
	return b, nil
}
