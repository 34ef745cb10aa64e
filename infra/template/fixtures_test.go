package template_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"shirase/infra/template"
)

var update = flag.Bool("update", false, "write what the rules find into testdata")

// TestEveryRuleFinds has a template for each rule that breaks it, and beside it
// what is to be found.
func TestEveryRuleFinds(t *testing.T) {
	t.Parallel()
	check := map[string]func(*template.Stack) []template.Finding{
		"P3": func(s *template.Stack) []template.Finding {
			return template.Grants(s, "functions/one", []string{
				"dynamodb.GetItem", "dynamodb.TransactWriteItems", "dynamodb.TransactWriteItems/Put", "sesv2.SendEmail",
			})
		},
	}
	for _, r := range template.Rules() {
		check[r.Name] = r.Check
	}
	for name, find := range check {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join("testdata", strings.ToLower(name))
			doc, err := template.Read(path + ".yaml")
			if err != nil {
				t.Fatal(err)
			}
			s, err := doc.Resolve(nil)
			if err != nil {
				t.Fatal(err)
			}
			var got strings.Builder
			for _, f := range find(s) {
				got.WriteString(f.String() + "\n")
			}
			if *update {
				if err := os.WriteFile(path+".txt", []byte(got.String()), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path + ".txt")
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(want), got.String()); d != "" || len(want) == 0 {
				t.Errorf("%s(%s.yaml) differs, or finds nothing (-want +got):\n%s", name, path, d)
			}
		})
	}
}
