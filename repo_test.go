// Package shirase_test holds the rules of the house as tests.
package shirase_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"log/slog"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"shirase/events"
	"shirase/internal/config"
	"shirase/internal/handler"
	"shirase/internal/incident"
	"shirase/internal/message"
	"shirase/internal/plan"
)

// layers says how high each package stands. Imports point down, to a lower
// number; packages of one layer do not know each other.
var layers = map[string]int{
	"events":            1,
	"internal/incident": 1,
	"internal/token":    1,
	"internal/locale":   1,
	"internal/config":   1,
	"internal/plan":     2,
	"internal/message":  3,
	"internal/deliver":  4,
	"internal/announce": 5, "internal/subscribe": 5,
	"internal/access": 5, "internal/ready": 5,
	"internal/record":  6, // how stores write what hides its addresses
	"internal/channel": 6, "internal/embedded": 7, "internal/handler": 6,
	"internal/aws":         7,
	"internal/handler/web": 6, // what the pages share
	"internal/porttest":    7,
	"infra/judge":          6,
	"infra/local":          9, "infra/sim": 9, "infra/sim/bulk": 8,
	"infra/template": 8, "infra/runtime": 8, "infra/bench": 9, "infra/ready": 9,
	"functions/wire": 8, "functions": 9,
}

// layer answers the layer of a package, that of the nearest folder above it
// that has one. A package below such a folder stands a little higher.
func layer(dir string) (n int, ok bool) {
	for d := dir; d != "."; d = path.Dir(d) {
		if n, ok := layers[d]; ok {
			n *= 2
			if d != dir {
				n++
			}
			return n, true
		}
	}
	return 0, false
}

type file struct {
	path string // from the root, with slashes
	ast  *ast.File
	test bool
}

func (f file) dir() string { return path.Dir(f.path) }

func files(t *testing.T) []file {
	t.Helper()
	var out []file
	fset := token.NewFileSet()
	err := filepath.WalkDir(".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (strings.HasPrefix(d.Name(), ".") && p != "." || d.Name() == "testdata") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(p, ".go") {
			return nil
		}
		a, err := parser.ParseFile(fset, p, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		out = append(out, file{filepath.ToSlash(p), a, strings.HasSuffix(p, "_test.go")})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out) < 50 {
		t.Fatalf("found %d Go files, the walk is broken", len(out))
	}
	return out
}

func imports(f file) []string {
	var out []string
	for _, i := range f.ast.Imports {
		p, err := strconv.Unquote(i.Path.Value)
		if err == nil {
			out = append(out, p)
		}
	}
	return out
}

func TestImportsPointDown(t *testing.T) {
	t.Parallel()
	for _, f := range files(t) {
		own, ok := layer(f.dir())
		if !ok {
			if f.dir() != "." {
				t.Errorf("%s: its folder stands in no layer; add it to layers", f.path)
			}
			continue
		}
		if f.test {
			continue
		}
		for _, p := range imports(f) {
			dir, ours := strings.CutPrefix(p, "shirase/")
			if !ours || dir == f.dir() {
				continue
			}
			if other, _ := layer(dir); other >= own && !sameFamily(f.dir(), dir) {
				t.Errorf("%s imports %s, which does not stand below it", f.path, dir)
			}
		}
	}
}

// sameFamily lets the parts of one thing know each other: what is below one
// folder, as internal/channel/webhook and internal/channel/challenge.
func sameFamily(a, b string) bool {
	return slices.ContainsFunc([]string{"internal/channel/", "internal/aws/", "internal/subscribe/", "functions/wire/"}, func(folder string) bool {
		return strings.HasPrefix(a, folder) && strings.HasPrefix(b, folder)
	})
}

func TestDomainUsesStandardLibraryOnly(t *testing.T) {
	t.Parallel()
	for _, f := range files(t) {
		if d := f.dir(); f.test || d != "internal/incident" && d != "internal/token" {
			continue
		}
		for _, p := range imports(f) {
			if first, _, _ := strings.Cut(p, "/"); strings.Contains(first, ".") || first == "shirase" {
				t.Errorf("%s imports %s", f.path, p)
			}
		}
	}
}

func TestAWSStaysAtTheEdge(t *testing.T) {
	t.Parallel()
	for _, f := range files(t) {
		edge := strings.HasPrefix(f.path, "internal/handler/") || strings.HasPrefix(f.path, "internal/aws/") ||
			strings.HasPrefix(f.path, "functions/") || strings.HasPrefix(f.path, "infra/")
		for _, p := range imports(f) {
			aws := strings.HasPrefix(p, "github.com/aws/")
			if aws && !edge {
				t.Errorf("%s imports %s; AWS belongs in handler, aws and mains", f.path, p)
			}
			if strings.HasPrefix(p, "github.com/aws/aws-sdk-go-v2") && strings.HasPrefix(f.path, "infra/local/") {
				t.Errorf("%s imports %s; the local program calls no AWS service", f.path, p)
			}
		}
	}
}

// TestTimeChanceAndEnvironmentAreInjected lets only mains and config ask for
// what makes a run differ from the last.
func TestTimeChanceAndEnvironmentAreInjected(t *testing.T) {
	t.Parallel()
	forbidden := map[string][]string{
		"time": {"Now", "Since", "Until", "Sleep", "After", "Tick", "NewTimer", "NewTicker"},
		"os":   {"Getenv", "LookupEnv", "Environ"},
	}
	for _, f := range files(t) {
		if f.test || strings.HasPrefix(f.path, "infra/") || strings.HasPrefix(f.path, "functions/") ||
			strings.HasPrefix(f.path, "internal/config/") || strings.HasPrefix(f.path, "internal/channel/twin/") {
			continue
		}
		for _, p := range imports(f) {
			if p == "math/rand" || p == "math/rand/v2" || p == "crypto/rand" {
				t.Errorf("%s imports %s; chance is injected", f.path, p)
			}
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if x, ok := sel.X.(*ast.Ident); ok && x.Obj == nil && slices.Contains(forbidden[x.Name], sel.Sel.Name) {
				t.Errorf("%s uses %s.%s; it is injected", f.path, x.Name, sel.Sel.Name)
			}
			return true
		})
	}
}

// TestGoroutinesStartInAdaptersOnly keeps handlers and use cases sequential, so
// that a simulator can replay any run.
func TestGoroutinesStartInAdaptersOnly(t *testing.T) {
	t.Parallel()
	for _, f := range files(t) {
		if f.test || strings.HasPrefix(f.path, "infra/") || strings.HasPrefix(f.path, "internal/channel/") ||
			strings.HasPrefix(f.path, "internal/embedded/") || strings.HasPrefix(f.path, "internal/porttest/") ||
			strings.HasPrefix(f.path, "internal/aws/") || strings.HasPrefix(f.path, "functions/") {
			continue
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			if _, ok := n.(*ast.GoStmt); ok {
				t.Errorf("%s starts a goroutine", f.path)
			}
			return true
		})
		if slices.Contains(imports(f), "golang.org/x/sync/errgroup") {
			t.Errorf("%s starts goroutines by errgroup", f.path)
		}
	}
}

func TestOnePackageCommentEach(t *testing.T) {
	t.Parallel()
	comments := map[string][]string{}
	dirs := map[string]bool{}
	for _, f := range files(t) {
		if f.test {
			continue
		}
		dirs[f.dir()] = true
		if f.ast.Doc != nil {
			comments[f.dir()] = append(comments[f.dir()], f.path)
		}
	}
	for d := range dirs {
		if n := len(comments[d]); n != 1 {
			t.Errorf("%s has %d package comments %v, want 1", d, n, comments[d])
		}
	}
}

func TestPackageNamesSayWhatTheyGive(t *testing.T) {
	t.Parallel()
	banned := []string{"util", "utils", "common", "helpers", "types", "models", "base", "manager", "misc"}
	for _, f := range files(t) {
		if name := f.ast.Name.Name; slices.Contains(banned, name) {
			t.Errorf("%s: package %s says nothing", f.path, name)
		}
	}
}

// TestConfigurationIsDocumented compares the tables in docs with the structs: the
// second is that of functions.
func TestConfigurationIsDocumented(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile("docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	local, functions, _ := strings.Cut(string(doc), "\n## On AWS")
	for _, x := range []struct {
		doc    string
		fields reflect.Type
	}{{local, reflect.TypeFor[config.Config]()}, {functions, reflect.TypeFor[config.AWS]()}} {
		got := map[string]string{}
		for _, m := range regexp.MustCompile("(?m)^\\| `(SHIRASE_[A-Z_]+)` \\| ([^|]*) \\|").FindAllStringSubmatch(x.doc, -1) {
			got[m[1]] = strings.Trim(strings.TrimSpace(m[2]), "`")
		}
		want := map[string]string{}
		for f := range x.fields.Fields() {
			if name := f.Tag.Get("env"); strings.HasPrefix(name, "SHIRASE_") {
				want[name] = f.Tag.Get("envDefault")
			}
		}
		for name, def := range want {
			if g, ok := got[name]; !ok {
				t.Errorf("docs/configuration.md has no row for %s of %s", name, x.fields)
			} else if g != def {
				t.Errorf("docs/configuration.md gives %s the default %q, want %q", name, g, def)
			}
		}
		for name := range got {
			if _, ok := want[name]; !ok {
				t.Errorf("docs/configuration.md has a row for %s, which is no setting of %s", name, x.fields)
			}
		}
	}
}

// TestSampleAlarmsMatchTheSamplePlan hands every sample under events/alarm to the
// real handler and wants each signal to be known by the plan the program runs
// with, or to be one that nobody is to hear of.
func TestSampleAlarmsMatchTheSamplePlan(t *testing.T) {
	t.Parallel()
	source, err := plan.Embedded("company")
	if err != nil {
		t.Fatal(err)
	}
	p, err := plan.Parse(source, message.Families())
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	err = fs.WalkDir(events.Files, "alarm", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		event, err := events.Files.ReadFile(name)
		if err != nil {
			return err
		}
		in := &taken{}
		h := handler.Alarm{Intake: in, Visibility: in, Now: time.Now, Log: slog.New(slog.DiscardHandler)}
		if _, err := h.Handle(t.Context(), event); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if len(in.signals) == 0 {
			t.Errorf("%s holds no alarm that is read", name)
		}
		for _, s := range in.signals {
			found++
			if _, ok := p.Match(s); !ok && !p.Ignores(s) {
				t.Errorf("%s: the sample plan has no rule for %s", name, s.Alarm)
			}
		}
		return nil
	})
	if err != nil || found < 30 {
		t.Errorf("read %d signals, %v, want all of the samples'", found, err)
	}
}

// taken remembers what the handler read.
type taken struct{ signals []incident.Signal }

func (t *taken) Signal(_ context.Context, s incident.Signal) error {
	t.signals = append(t.signals, s)
	return nil
}

func (*taken) Unreadable(context.Context, []byte, string) error      { return nil }
func (*taken) Postpone(context.Context, string, time.Duration) error { return nil }

// TestSampleEventsDecode wants every sample to be JSON under the folder of a
// function, since that is how they are found.
func TestSampleEventsDecode(t *testing.T) {
	t.Parallel()
	functions := []string{"alarm", "api", "signup", "due", "fanout", "delivery", "receipt"}
	err := fs.WalkDir(events.Files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := events.Files.ReadFile(name)
		if err != nil {
			return err
		}
		if function, _, _ := strings.Cut(name, "/"); !slices.Contains(functions, function) {
			t.Errorf("%s stands under no function", name)
		}
		if !json.Valid(b) {
			t.Errorf("%s is no JSON", name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestNoReplaceInGoMod(t *testing.T) {
	t.Parallel()
	mod, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(mod), "\nreplace") {
		t.Error("go.mod replaces a module")
	}
}

// A reader of JSON takes the last of two without a word, so that an editor's
// change to the first would be lost.
func TestLocaleFilesSayEachThingOnce(t *testing.T) {
	t.Parallel()
	names, err := filepath.Glob("internal/*/locales/*.json")
	more, _ := filepath.Glob("internal/*/*/locales/*.json")
	if names = append(names, more...); err != nil || len(names) < 12 {
		t.Fatalf("locale files = %v, %v, want a dozen", names, err)
	}
	for _, name := range names {
		src, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := twice(json.NewDecoder(bytes.NewReader(src))); err != nil || len(again) > 0 {
			t.Errorf("%s: %v, says twice %q", name, err, again)
		}
	}
}

// twice answers the keys that a value has twice.
func twice(d *json.Decoder) (out []string, err error) {
	tok, err := d.Token()
	begin, deep := tok.(json.Delim)
	if err != nil || !deep {
		return nil, err
	}
	seen := map[json.Token]bool{}
	for d.More() {
		if begin == '{' {
			key, err := d.Token()
			if err != nil {
				return nil, err
			}
			if seen[key] {
				out = append(out, fmt.Sprint(key))
			}
			seen[key] = true
		}
		more, err := twice(d)
		if err != nil {
			return nil, err
		}
		out = append(out, more...)
	}
	_, err = d.Token()
	return out, err
}
