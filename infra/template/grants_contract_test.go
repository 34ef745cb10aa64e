//go:build contract

package template_test

import (
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"shirase/infra/template"
)

// TestFunctionsGetWhatTheyUse judges P3: what each function may do is what its
// code calls, no less and no more. The same holds for its variables.
func TestFunctionsGetWhatTheyUse(t *testing.T) {
	doc, err := template.Read("../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	stack, err := doc.Resolve(choices["../../template.yaml"]["all"])
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range folders(t) {
		t.Run(dir, func(t *testing.T) {
			use, err := template.Uses(t.Context(), "../..", "./functions/"+dir)
			if err != nil {
				t.Fatal(err)
			}
			if len(use.Calls) == 0 || len(use.Needs) == 0 || len(use.Reads) == 0 {
				t.Fatalf("Uses(%s) = %v, the walk is broken", dir, use)
			}
			for _, f := range template.Grants(stack, "functions/"+dir, use.Calls) {
				t.Error(f)
			}
			for _, f := range stack.Functions() {
				if f.Text("CodeUri") != "functions/"+dir+"/" {
					continue
				}
				given := f.Environment()
				for _, v := range use.Needs {
					if given[v] == "" {
						t.Errorf("%s is not given %s, without which it does not start", f.Name, v)
					}
				}
				for v := range given {
					if !slices.Contains(use.Reads, v) && !slices.Contains(use.Needs, v) {
						t.Errorf("%s is given %s, which it does not read", f.Name, v)
					}
				}
			}
		})
	}
}

// folders answers the folders of functions that hold a main.
func folders(t *testing.T) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir("../../functions", func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.Name() == "main.go" {
			out = append(out, strings.TrimPrefix(filepath.ToSlash(filepath.Dir(name)), "../../functions/"))
		}
		return err
	})
	if err != nil || len(out) != 10 {
		t.Fatalf("found the functions %v, %v, want ten", out, err)
	}
	return out
}
