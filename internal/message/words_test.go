package message

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"shirase/internal/incident"
)

// keys lists every key of the words, and whether it has a value.
func keys(v reflect.Value, path string, out map[string]bool) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			keys(v.Field(i), path+"."+v.Type().Field(i).Name, out)
		}
	case reflect.Map:
		if strings.HasSuffix(path, ".Zones") {
			return // zones go by names where a language has them
		}
		for _, k := range v.MapKeys() {
			keys(v.MapIndex(k), path+"."+k.String(), out)
		}
	case reflect.Slice:
		for i := range v.Len() {
			keys(v.Index(i), path+"."+string(rune('a'+i)), out)
		}
	default:
		out[path] = v.String() != ""
	}
}

func TestEveryKeyAndTemplateIsInEveryLocale(t *testing.T) {
	type side struct {
		keys      map[string]bool
		templates []string
	}
	read := func(l incident.Locale) side {
		la, err := languageOf(l)
		if err != nil {
			t.Fatalf("languageOf(%s) = %v, want no error", l, err)
		}
		s := side{keys: map[string]bool{}}
		keys(reflect.ValueOf(la.words), "", s.keys)
		for _, tmpl := range la.tmpl.Templates() {
			s.templates = append(s.templates, tmpl.Name())
		}
		slices.Sort(s.templates)
		return s
	}
	want := read("en")
	for _, l := range Locales() {
		got := read(l)
		if diff := cmp.Diff(want.templates, got.templates); diff != "" {
			t.Errorf("templates of %s differ from those of en:\n%s", l, diff)
		}
		for k := range want.keys {
			if _, ok := got.keys[k]; !ok {
				t.Errorf("locale %s lacks the key %s", l, k)
			}
		}
		for k, filled := range got.keys {
			if _, ok := want.keys[k]; !ok {
				t.Errorf("locale %s has the key %s, which en lacks", l, k)
			}
			if !filled && k != ".Join" {
				t.Errorf("locale %s has nothing under %s", l, k)
			}
		}
	}
}

func TestEveryAudienceHasEveryShape(t *testing.T) {
	for _, l := range Locales() {
		la, err := languageOf(l)
		if err != nil {
			t.Fatal(err)
		}
		for _, sh := range shapes() {
			names := []string{"sms/" + string(sh), "social/" + string(sh)}
			for _, a := range incident.Audiences() {
				names = append(names, string(a)+"/"+string(sh))
			}
			for _, n := range names {
				if la.tmpl.Lookup(n) == nil {
					t.Errorf("locale %s lacks the template %s", l, n)
				}
			}
		}
		for _, k := range []MemoKind{
			MemoDraft, MemoJoined, MemoCleared, MemoEscalation, MemoReminder, MemoOutlook, MemoUnreadable, MemoUndelivered, MemoConfirm,
		} {
			for _, part := range []string{"/subject", "/body", "/sms"} {
				if n := "memo/" + string(k) + part; la.tmpl.Lookup(n) == nil {
					t.Errorf("locale %s lacks the template %s", l, n)
				}
			}
		}
	}
}

// Words that the house does not use in text for readers, whatever the author thinks of them.
func TestTemplatesKeepTheTrapsOut(t *testing.T) {
	traps := map[string]*regexp.Regexp{
		"ja": regexp.MustCompile(`お客様|弊社|インシデント|監視中|解決済|特定済|現在調査|SNS|本日|順次|鋭意|させていただ|。https?|[0-9]{1,2}時[0-9]`),
		"en": regexp.MustCompile(`(?i)\boutage\b|\bdown\b|\bsoon\b|\bshould\b|inconvenience|intermittent|some users|[‘’“”–—…]`),
	}
	names, err := filepath.Glob("templates/*/*.tmpl")
	if err != nil || len(names) == 0 {
		t.Fatalf("Glob() = %v, %v, want templates", names, err)
	}
	for _, n := range names {
		src, err := os.ReadFile(n)
		if err != nil {
			t.Fatal(err)
		}
		re, ok := traps[strings.Split(n, "/")[1]]
		if !ok {
			continue
		}
		for i, line := range strings.Split(string(src), "\n") {
			if m := re.FindString(line); m != "" {
				t.Errorf("%s:%d says %q: %s", n, i+1, m, line)
			}
		}
	}
	monitoring := regexp.MustCompile(`(?s){{define "(?:customers|sms|social)/monitoring"}}.*?\n{{define`)
	for _, n := range []string{"templates/ja/customers.tmpl", "templates/ja/short.tmpl"} {
		src, err := os.ReadFile(n)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range monitoring.FindAllString(string(src), -1) {
			if strings.Contains(m, "復旧") {
				t.Errorf("%s says 復旧 while the stage is monitoring, which readers take as final:\n%s", n, m)
			}
		}
	}
}

func TestList(t *testing.T) {
	for _, c := range []struct {
		name      string
		locale    incident.Locale
		in        []string
		all, some string
	}{
		{"none", "en", nil, "", ""},
		{"one", "en", []string{"A"}, `"A"`, "A"},
		{"two", "en", []string{"A", "B"}, `"A" and "B"`, "A and B"},
		{"three", "en", []string{"A", "B", "C"}, `"A", "B" and "C"`, "A, B and C"},
		{"five", "en", []string{"A", "B", "C", "D", "E"}, `"A", "B", "C", "D" and "E"`, "A and 4 more"},
		{"one", "ja", []string{"甲"}, "甲", "甲"},
		{"two", "ja", []string{"甲", "乙"}, "甲、乙", "甲、乙"},
		{"three", "ja", []string{"甲", "乙", "丙"}, "甲、乙、丙", "甲、乙、丙"},
		{"five", "ja", []string{"甲", "乙", "丙", "丁", "戊"}, "甲、乙、丙、丁、戊", "甲など5件"},
	} {
		t.Run(string(c.locale)+" "+c.name, func(t *testing.T) {
			la, err := languageOf(c.locale)
			if err != nil {
				t.Fatal(err)
			}
			if got := la.all(c.in); got != c.all {
				t.Errorf("all(%v) = %q, want %q", c.in, got, c.all)
			}
			if got := la.few(c.in, maxNames); got != c.some {
				t.Errorf("few(%v) = %q, want %q", c.in, got, c.some)
			}
		})
	}
}
