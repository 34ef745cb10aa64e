package plan

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

// TestDocumented compares the keys of the format with docs/plan-format.md: each
// section has its heading, and each key its row there.
func TestDocumented(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile("../../docs/plan-format.md")
	if err != nil {
		t.Fatal(err)
	}
	sections := map[string]string{}
	for section := range strings.SplitSeq(string(doc), "\n## ") {
		title, body, _ := strings.Cut(section, "\n")
		sections[title] = body
	}
	for _, name := range slices.Sorted(maps.Keys(format)) {
		if name == "plan" {
			for _, key := range format[name] {
				if _, ok := sections[key]; !ok {
					t.Errorf("docs/plan-format.md has no heading %q", key)
				}
			}
			continue
		}
		title, _, _ := strings.Cut(name, ".")
		for _, key := range format[name] {
			if !strings.Contains(sections[title], "\n| `"+key+"` |") {
				t.Errorf("docs/plan-format.md explains no key %q under %q", key, title)
			}
		}
	}
	for _, e := range Events() {
		if !strings.Contains(sections["cadence"], "\n| `"+string(e)+"` |") {
			t.Errorf("docs/plan-format.md explains no event %q", e)
		}
	}
}

// TestExample holds the example of the document to the plan that it shows.
func TestExample(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile("../../docs/plan-format.md")
	if err != nil {
		t.Fatal(err)
	}
	team, err := Embedded("team")
	if err != nil {
		t.Fatal(err)
	}
	_, shown, _ := strings.Cut(string(team), "organisation:")
	if !strings.Contains(string(doc), "```yaml\norganisation:"+shown+"```") {
		t.Error("the example of docs/plan-format.md differs from plans/team.yaml")
	}
}

// TestWords holds the locale files to each other: a key or word that stands in
// one stands in all.
func TestWords(t *testing.T) {
	t.Parallel()
	keys := func(w words) []string {
		var out []string
		add := func(section string, m map[string]string) {
			for k, v := range m {
				if strings.TrimSpace(v) == "" {
					t.Errorf("%s.%s is empty", section, k)
				}
				out = append(out, section+"."+k+strings.Repeat(" %", strings.Count(v, "%")))
			}
		}
		add("audiences", plain(w.Audiences))
		add("channels", plain(w.Channels))
		add("severities", plain(w.Severities))
		add("events", plain(w.Events))
		add("locales", plain(w.Locales))
		add("page", w.Page)
		add("duration", w.Duration)
		add("questions", w.Questions)
		add("file", w.File)
		add("sample", map[string]string{"name": w.Sample.Name, "effect": w.Sample.Effect})
		slices.Sort(out)
		return out
	}
	want := keys(lexicon("en"))
	for _, l := range Locales() {
		if got := keys(lexicon(l)); !slices.Equal(got, want) {
			t.Errorf("locales/%s.json has %v, want %v", l, got, want)
		}
		for _, r := range Locales() {
			if lexicon(l).Locales[r] == "" {
				t.Errorf("locales/%s.json has no name for %s", l, r)
			}
		}
	}
}

func plain[K ~string](m map[K]string) map[string]string {
	out := make(map[string]string, len(m))
	for k, v := range m {
		out[string(k)] = v
	}
	return out
}
