package main

import (
	"errors"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestPatchesApply looks at each bug without building it: what it replaces
// stands in its file once, and what comes out is another Go file.
func TestPatchesApply(t *testing.T) {
	t.Parallel()
	bugs, err := load()
	if err != nil {
		t.Fatal(err)
	}
	if len(bugs) < 80 {
		t.Errorf("load() = %d bugs, want at least 80", len(bugs))
	}
	root, err := moduleRoot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	kebab := regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`)
	same := map[string]string{}
	for _, b := range bugs {
		t.Run(b.name, func(t *testing.T) {
			if !kebab.MatchString(b.name) {
				t.Errorf("name %q must be lower-case words with hyphens", b.name)
			}
			if !strings.HasPrefix(b.file, "internal/") || strings.HasSuffix(b.file, "_test.go") {
				t.Errorf("file %q must be one that ships", b.file)
			}
			source, err := os.ReadFile(filepath.Join(root, b.file))
			if err != nil {
				t.Fatal(err)
			}
			patched, err := b.apply(string(source))
			if err != nil {
				t.Fatal(err)
			}
			if patched == string(source) {
				t.Error("apply changes nothing")
			}
			if other := same[b.file+patched]; other != "" {
				t.Errorf("it is the same bug as %s", other)
			}
			same[b.file+patched] = b.name
			if _, err := parser.ParseFile(token.NewFileSet(), b.file, patched, parser.SkipObjectResolution); err != nil {
				t.Errorf("what comes out is no Go: %v", err)
			}
		})
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	const parts = "-- file --\na/b.go\n-- old --\n\tif x {\n\t}\n-- new --\n"
	for _, tc := range []struct {
		name, data string
		want       bug
		fails      bool
	}{
		{"lines", "I2: It is lost.\n" + parts + "\tif y {\n\t}\n", bug{"b", "I2", "It is lost.", "a/b.go", "\tif x {\n\t}", "\tif y {\n\t}"}, false},
		{"nothing instead", "I2: It is lost.\n" + parts, bug{"b", "I2", "It is lost.", "a/b.go", "\tif x {\n\t}", ""}, false},
		{"no invariant", "It is lost.\n" + parts, bug{}, true},
		{"no sentence", "I2: \n" + parts, bug{}, true},
		{"no patch", "I2: It is lost.\n-- file --\na/b.go\n-- old --\nx\n", bug{}, true},
		{"another order", "I2: It is lost.\n-- old --\nx\n-- file --\na/b.go\n-- new --\ny\n", bug{}, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got, err := parse("b", []byte(tc.data))
			if err != nil != tc.fails {
				t.Fatalf("parse(%q) = %v, want an error: %t", tc.data, err, tc.fails)
			}
			if diff := cmp.Diff(tc.want, got, cmp.AllowUnexported(bug{})); diff != "" {
				t.Errorf("parse(%q) (-want +got):\n%s", tc.data, diff)
			}
		})
	}
}

func TestApplyWantsOne(t *testing.T) {
	t.Parallel()
	b := bug{name: "b", file: "f.go", old: "x", new: "y"}
	for _, tc := range []struct {
		source, want string
		fails        bool
	}{
		{"a x b", "a y b", false},
		{"a b", "", true},
		{"x x", "", true},
	} {
		got, err := b.apply(tc.source)
		if got != tc.want || err != nil != tc.fails {
			t.Errorf("apply(%q) = %q, %v, want %q and an error: %t", tc.source, got, err, tc.want, tc.fails)
		}
	}
}

func TestRead(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		said string
		want found
		end  error
	}{
		{"FAULT seed=3 code=I15 at   3:08:38.746: no end\nseeds: 12 run, 1 failed; 9 faults\n", found{"I15", "3", 12}, nil},
		{"FAULT seed=17 code=I4: older\nFAULT seed=18 code=I2 lost\nseeds: 20 run, 2 failed\n", found{"I4", "17", 20}, nil},
		{"no FAULT seed=17 code=I4\nseeds: 20 run, 0 failed; 9 faults\n", found{}, errMissed},
		{"FAULT seed=17 code=I4\npanic: …\n", found{}, errStopped},
		{"seeds: 20 run, 10 failed\n", found{}, errStopped},
		{"", found{}, errStopped},
	} {
		got, err := read(strings.NewReader(tc.said))
		if got != tc.want || !errors.Is(err, tc.end) {
			t.Errorf("read(%q) = %v, %v, want %v, %v", tc.said, got, err, tc.want, tc.end)
		}
	}
}

func TestReport(t *testing.T) {
	t.Parallel()
	hit := func(name string, after int) planted {
		return planted{bug: bug{name: name}, found: found{"I2", "7", after}}
	}
	missed := planted{bug: bug{name: "m"}, err: errMissed}
	for _, tc := range []struct {
		name  string
		all   []planted
		want  string
		fails bool
	}{
		{"all", []planted{hit("a", 9), hit("b", 1), hit("c", 4)}, "planted bugs: 3 of 3 found, median seed 4, latest seed 9 (a)\n", false},
		{"one missed", []planted{hit("a", 9), missed}, "planted bugs: 1 of 2 found, median seed 9, latest seed 9 (a)\n", true},
		{"none", []planted{missed}, "planted bugs: 0 of 1 found\n", true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var out strings.Builder
			err := report(&out, tc.all)
			if out.String() != tc.want || err != nil != tc.fails {
				t.Errorf("report(%s) = %q, %v, want %q and an error: %t", tc.name, out.String(), err, tc.want, tc.fails)
			}
		})
	}
}
