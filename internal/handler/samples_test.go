package handler_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestEverySampleHasASource(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile(filepath.Join(eventsRoot, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	for name := range samples(t, eventsRoot) {
		if !strings.Contains(string(readme), "`"+strings.TrimSuffix(name, ".json")+"`") {
			t.Errorf("events/README.md does not name %s", name)
		}
	}
}
