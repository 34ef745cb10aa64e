package main

import (
	"bytes"
	"crypto/sha256"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func rigOf(t *testing.T) *rig {
	t.Helper()
	r, err := newRig()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.threads.close)
	return r
}

// traced runs a seed and answers a digest of all that happened in it.
func traced(r *rig, seed uint64) (sum [32]byte, lines int) {
	h := sha256.New()
	w := newWorld(r, seed, without{})
	w.tracing, w.trace = true, func(l string) { lines++; h.Write([]byte(l + "\n")) }
	w.run()
	return [32]byte(h.Sum(nil)), lines
}

func TestSameSeedSameBytes(t *testing.T) {
	t.Parallel()
	a, b := rigOf(t), rigOf(t)
	for seed := range uint64(100) {
		x, n := traced(a, seed)
		if n == 0 {
			t.Fatalf("seed %d: nothing happened", seed)
		}
		if seed%2 == 0 {
			traced(b, seed+1000) // whatever ran before
		}
		if y, _ := traced(b, seed); x != y {
			t.Errorf("seed %d came out differently the second time", seed)
		}
	}
}

func TestSeeds(t *testing.T) {
	t.Parallel()
	all, err := campaign(append(ever(), seedsFrom(0, 100)...), 1, 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range all.failures {
		t.Errorf("seed %d: %s %s", f.seed, f.found[0].code, f.found[0].what)
	}
	if all.seeds < 100 || all.told() == 0 {
		t.Errorf("campaign ran %d seeds and told %d texts", all.seeds, all.told())
	}
}

// Some points of the small story; all of them: go run ./infra/sim -points.
func TestPoints(t *testing.T) {
	t.Parallel()
	r := rigOf(t)
	clean := script(r, &point{call: -1})
	if found := clean.run(); len(found) > 0 {
		t.Fatalf("without any fault: %s %s", found[0].code, found[0].what)
	}
	if n := clean.rares["update notice"]; n != 3 {
		t.Fatalf("the small story has %d updates, want 3", n)
	}
	for call := 1; call <= clean.calls; call += 17 {
		p := &point{call: call, what: pointFaults[call%len(pointFaults)]}
		w := script(r, p)
		if found := w.run(); len(found) > 0 {
			t.Errorf("%s at call %d, %s: %s %s", p.what, call, p.op, found[0].code, found[0].what)
		}
		if !p.hit {
			t.Errorf("call %d was never made", call)
		}
	}
}

// TestShrink shortens a failure that is no fault of the program: here a text is
// called shown twice whenever a retraction is.
func TestShrink(t *testing.T) {
	t.Parallel()
	r := rigOf(t)
	for seed := range uint64(200) {
		w := newWorld(r, seed, without{})
		w.planted = "retraction shown"
		found := w.run()
		if len(found) == 0 || len(w.acts) < 8 || len(w.happened) < 10 {
			continue
		}
		s := &shrinking{rig: r, seed: seed, code: found[0].code, planted: w.planted}
		best := s.run()
		if len(best.acts) >= len(w.acts) || len(best.happened) >= len(w.happened) {
			t.Errorf("seed %d was shortened from %d acts and %d faults to %d and %d", seed, len(w.acts), len(w.happened), len(best.acts), len(best.happened))
		}
		var out bytes.Buffer
		explain(&out, best)
		for _, want := range []string{"an operator retracts", "ledger:", "replay: go run ./infra/sim -seed"} {
			if !strings.Contains(out.String(), want) {
				t.Errorf("explain() has no %q:\n%s", want, out.String())
			}
		}
		return
	}
	t.Fatal("no seed retracts anything in a story of some length")
}

func TestTableIsUpToDate(t *testing.T) {
	t.Parallel()
	want := new(bytes.Buffer)
	writeTable(want)
	got, err := os.ReadFile("../../docs/reliability-matrix.md")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want.String(), string(got)); diff != "" {
		t.Errorf("docs/reliability-matrix.md is not what -table prints (-want +got):\n%s", diff)
	}
}

// TestNamedTestsExist keeps the table from naming tests that are gone.
func TestNamedTestsExist(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), "grep", "-rhoE", "^func (Test|Fuzz)[A-Za-z0-9_]+", "--include=*_test.go", "../..").Output()
	if err != nil {
		t.Fatal(err)
	}
	var have []string
	for l := range strings.Lines(string(out)) {
		have = append(have, strings.TrimPrefix(strings.TrimSpace(l), "func "))
	}
	for _, e := range elsewhere {
		for _, name := range e.tests {
			if !slices.Contains(have, name) {
				t.Errorf("%s: there is no %s", e.what, name)
			}
		}
	}
}

func TestUncoveredIsSaid(t *testing.T) {
	t.Parallel()
	all := newTotal()
	cells, missing := all.uncovered()
	if len(cells) != 0 || len(missing) < 100 {
		t.Errorf("uncovered() of nothing = %d cells, %d missing, want 0 and all", len(cells), len(missing))
	}
	if !strings.Contains(all.coverLine(), "never: crash before the effect at API") {
		t.Errorf("coverLine() = %s, want what was never reached", all.coverLine())
	}
}
