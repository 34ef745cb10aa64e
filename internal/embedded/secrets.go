package embedded

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"shirase/internal/incident"
)

// Secrets reads credentials from files: <data>/secrets/<name>, readable by their
// owner alone. A file is read at each call, so that a new credential holds at once.
type Secrets struct{ folder string }

// NewSecrets makes the secrets of a data folder.
func NewSecrets(folder string) *Secrets { return &Secrets{filepath.Join(folder, "secrets")} }

// Secret implements channel.Secrets.
func (s *Secrets) Secret(_ context.Context, name string) (string, error) {
	if name == "" || strings.ContainsAny(name, `/\`) || strings.HasPrefix(name, ".") {
		return "", fmt.Errorf("secret %q: %w", name, incident.ErrNotFound)
	}
	root, err := os.OpenRoot(s.folder)
	if err != nil {
		return "", missing(name, err)
	}
	defer func() { _ = root.Close() }() // nothing was written
	info, err := root.Stat(name)
	if err != nil {
		return "", missing(name, err)
	}
	if open := info.Mode().Perm() & 0o077; open != 0 && runtime.GOOS != "windows" {
		return "", fmt.Errorf("secret %q may be read by others (mode %o); make it 600: %w", name, info.Mode().Perm(), incident.ErrDenied)
	}
	b, err := root.ReadFile(name)
	if err != nil {
		return "", missing(name, err)
	}
	return strings.TrimSpace(string(b)), nil
}

// missing answers ErrNotFound for a file that is not there.
func missing(name string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("secret %q: %w", name, incident.ErrNotFound)
	}
	return fmt.Errorf("read secret %q: %w", name, err)
}
