package main

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// localKey is the admin key on loopback.
const localKey = "local"

// kept answers the bytes of a file in the data folder, making it at random if
// it is not there. One that is cut short is never replaced: links in mails that
// were sent, and who asked not to be written to, hang on the key.
func kept(folder, name string, bytes int) ([]byte, error) {
	path := filepath.Join(folder, name)
	b, err := os.ReadFile(path) //nolint:gosec // the folder is the operator's own
	switch {
	case err == nil && len(b) >= bytes*2:
		return b, nil
	case err == nil:
		return nil, fmt.Errorf("%s in the data folder is damaged: it must hold %d hexadecimal digits", name, bytes*2)
	case !errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	raw := make([]byte, bytes)
	if _, err := rand.Read(raw); err != nil {
		return nil, fmt.Errorf("make %s: %w", name, err)
	}
	b = []byte(hex.EncodeToString(raw))
	temp := path + ".new"
	if err := writeDurably(temp, b); err != nil {
		return nil, fmt.Errorf("write %s: %w", name, err)
	}
	if err := os.Rename(temp, path); err != nil {
		return nil, fmt.Errorf("write %s: %w", name, err)
	}
	return b, nil
}

// writeDurably writes a file that survives the machine's sudden end.
func writeDurably(path string, b []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600) //nolint:gosec // the folder is the operator's own
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	return errors.Join(err, f.Sync(), f.Close())
}
