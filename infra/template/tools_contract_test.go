//go:build contract

package template_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"shirase/infra/template"
)

// run runs a tool and answers all it says. A tool that is missing fails the test.
func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Env = append(os.Environ(), "SAM_CLI_TELEMETRY=0", "AWS_DEFAULT_REGION=ap-northeast-1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

func TestLintersSayNothing(t *testing.T) {
	t.Parallel()
	for path := range choices {
		if out := run(t, "cfn-lint", path); out != "" {
			t.Errorf("cfn-lint %s = %s, want nothing", path, out)
		}
		absolute, err := filepath.Abs(path)
		if err != nil {
			t.Fatal(err)
		}
		// It says that a template is good, and nothing else.
		if out := strings.TrimSpace(run(t, "sam", "validate", "--lint", "--template", path)); out != absolute+" is a valid SAM Template" {
			t.Errorf("sam validate --lint %s = %s, want no finding", path, out)
		}
	}
}

// TestWhatSAMMakesKeepsTheRules judges the template once more as CloudFormation
// gets to see it.
func TestWhatSAMMakesKeepsTheRules(t *testing.T) {
	t.Parallel()
	for path, ways := range choices {
		made := run(t, "python3", "testdata/transform.py", path)
		doc, err := template.Parse([]byte(made))
		if err != nil {
			t.Fatal(err)
		}
		for name, parameters := range ways {
			s, err := doc.Resolve(parameters)
			if err != nil {
				t.Fatalf("%s, %s: %v", path, name, err)
			}
			if n := len(s.Of("AWS::Serverless::Function")); n != 0 {
				t.Errorf("%s, %s: %d functions of SAM are left", path, name, n)
			}
			for _, f := range template.Check(s) {
				t.Errorf("%s, %s: %s", path, name, f)
			}
		}
		// cfn-lint judges the made template, too.
		file := filepath.Join(t.TempDir(), "made.json")
		if err := os.WriteFile(file, []byte(made), 0o600); err != nil {
			t.Fatal(err)
		}
		if out := run(t, "cfn-lint", file); out != "" {
			t.Errorf("cfn-lint of what SAM makes of %s = %s, want nothing", path, out)
		}
	}
}
