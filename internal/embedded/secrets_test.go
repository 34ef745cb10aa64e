package embedded_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"shirase/internal/channel"
	"shirase/internal/embedded"
	"shirase/internal/incident"
)

var _ channel.Secrets = (*embedded.Secrets)(nil)

func TestSecrets(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	s := embedded.NewSecrets(folder)
	want := func(name, value string, kind error) {
		t.Helper()
		got, err := s.Secret(t.Context(), name)
		if got != value || !errors.Is(err, kind) {
			t.Errorf("Secret(%q) = %q, %v, want %q, %v", name, got, err, value, kind)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("Secret(%q) tells the secret in its error", name)
		}
	}
	want("slack", "", incident.ErrNotFound)
	if err := os.Mkdir(filepath.Join(folder, "secrets"), 0o700); err != nil {
		t.Fatal(err)
	}
	write := func(path string, mode os.FileMode) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(folder, path), []byte("hunter2\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(filepath.Join(folder, path), mode); err != nil {
			t.Fatal(err)
		}
	}
	write("secrets/slack", 0o600)
	write("secrets/open", 0o644)
	write("outside", 0o600)
	want("slack", "hunter2", nil)
	want("other", "", incident.ErrNotFound)
	want("open", "", incident.ErrDenied)
	for _, name := range []string{"", ".", "..", "../outside", `..\outside`, "/etc/hosts"} {
		want(name, "", incident.ErrNotFound)
	}
	if err := os.Symlink("../outside", filepath.Join(folder, "secrets", "link")); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Secret(t.Context(), "link"); err == nil {
		t.Errorf("Secret of a link out of the folder = %q, want an error", got)
	}
}
