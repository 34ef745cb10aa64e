package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestKeptIsNeverReplaced makes a key once, and refuses one that was cut short
// instead of making another.
func TestKeptIsNeverReplaced(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	first, err := kept(folder, "root.key", 32)
	if err != nil || len(first) != 64 {
		t.Fatalf("kept() = %d bytes, %v, want 64", len(first), err)
	}
	if again, err := kept(folder, "root.key", 32); err != nil || string(again) != string(first) {
		t.Errorf("kept() again = %v, want the same key", err)
	}
	for _, damaged := range []string{"", "00", string(first[:63])} {
		path := filepath.Join(folder, "root.key")
		if err := os.WriteFile(path, []byte(damaged), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := kept(folder, "root.key", 32); err == nil || !strings.Contains(err.Error(), "damaged") {
			t.Errorf("kept() with %d digits there = %v, want that it is damaged", len(damaged), err)
		}
		if b, err := os.ReadFile(path); err != nil || string(b) != damaged {
			t.Errorf("kept() changed %d digits to %d, %v", len(damaged), len(b), err)
		}
	}
}
