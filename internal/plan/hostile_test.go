package plan_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"shirase/internal/incident"
	"shirase/internal/plan"
)

// TestHostile reads files that were made to hurt: each is refused for a reason,
// and none takes long or brings the program down.
func TestHostile(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, src, want string }{
		{"too large", strings.Repeat("#", 1<<20+1), "larger than 1 MiB"},
		{"not text", "organisation: \xff\n", "line 1, column 15: is not UTF-8"},
		{"control", "quiet: あ\x00\n", "line 1, column 9: holds a control character"},
		{"alias bomb", "a: &a [x]\nb: &b [*a, *a]\nc: [*b, *b]\n", "aliases (*) are not allowed"},
		{"brackets", strings.Repeat("[", 1<<12), "nested too deeply"},
		{"braces", strings.Repeat("{a: ", 1<<12), "nested too deeply"},
		{"dashes", strings.Repeat("- ", 1<<12), "nested too deeply"},
		{"questions", strings.Repeat("? ", 1<<12), "complex keys (?) are not allowed"},
		{"tokens", strings.Repeat("a: b\n", 1<<15), "holds too much"},
		{"many faults", "components:\n" + strings.Repeat("- {}\n", 1<<12), "components[0].id: is missing"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := plan.Parse([]byte(tt.src), families)
			file, ok := errors.AsType[*plan.FileError](err)
			if !ok || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("Parse() = %.200v, want a FileError with %q", err, tt.want)
			}
			if len(file.Faults) > 100 {
				t.Errorf("Parse() = %d faults, want at most 100", len(file.Faults))
			}
		})
	}
}

// TestErrorKeepsSecrets holds the error to what may be logged: no address, no
// credential and no key of the file that is not one of ours in form.
func TestErrorKeepsSecrets(t *testing.T) {
	t.Parallel()
	_, err := plan.Parse([]byte(`
organisation: {name: Aoba, contact: "sato@home", from: "sato at home.test"}
components: [{id: a, name: A, effect: It fails.}]
members: [{id: sato, email: sato@home, sms: 090-1234-5678, "sato@key.test": x}]
targets:
- {id: t, channel: slack, audience: engineering, address: "#a", secret: xoxb-31337-abcdef, oops: 3f9a7c1e5b2d8f604a6c9e1b}
`), families)
	if err == nil {
		t.Fatal("Parse() = nil, want faults")
	}
	for _, secret := range []string{"sato@", "home.test", "1234", "31337", "3f9a"} {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("Parse() = %v, want no %q in it", err, secret)
		}
	}
	for _, secret := range []string{"31337", "3f9a"} {
		if strings.Contains(drawing(err), secret) {
			t.Errorf("the drawing shows %q, want it masked:\n%s", secret, drawing(err))
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, name := range []string{"team", "company"} {
		src, err := plan.Embedded(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(src)
	}
	faulty, err := filepath.Glob("testdata/faults/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range faulty {
		src, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(src)
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		p, err := plan.Parse(src, families)
		if err != nil {
			file, ok := errors.AsType[*plan.FileError](err)
			if !ok || len(file.Faults) == 0 || !errors.Is(err, incident.ErrInvalid) {
				t.Fatalf("Parse() = %v, want a FileError with faults", err)
			}
			for _, fault := range file.Faults {
				if fault.Line < 1 || fault.Column < 1 || fault.Problem == "" || !strings.HasSuffix(fault.String(), "^") {
					t.Fatalf("fault %+v, want a place, a problem and a drawing", fault)
				}
			}
			return
		}
		if !bytes.Equal(p.Source, src) {
			t.Fatal("Source differs from the file")
		}
		plan.Check(p)
		if err := plan.Print(&bytes.Buffer{}, p); err != nil {
			t.Fatalf("Print() = %v", err)
		}
		for _, a := range p.Audiences {
			for _, l := range p.Organisation.Locales {
				if _, ok := a.Name.In(l); !ok {
					t.Fatalf("audience %s has no name in %s", a.ID, l)
				}
			}
		}
		for _, c := range p.Components {
			for _, l := range p.Organisation.Locales {
				name, _ := c.Name.In(l)
				effect, _ := c.Effect.In(l)
				if c.ID == "" || name == "" || effect == "" {
					t.Fatalf("component %+v, want an id and both texts in %s", c, l)
				}
			}
		}
	})
}
