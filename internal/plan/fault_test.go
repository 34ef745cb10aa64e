package plan_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"shirase/internal/incident"
	"shirase/internal/plan"
)

// TestFaults reads each faulty plan of testdata/faults and compares what its
// author is shown with the golden file beside it.
func TestFaults(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/faults/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("Glob() = %v, %v, want files", files, err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".yaml")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			src, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			_, err = plan.Parse(src, families)
			if !errors.Is(err, incident.ErrInvalid) {
				t.Fatalf("Parse(%s) = %v, want ErrInvalid", name, err)
			}
			golden(t, "faults/"+name+".txt", drawing(err))
		})
	}
}
