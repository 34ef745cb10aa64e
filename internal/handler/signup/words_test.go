package signup

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"shirase/internal/subscribe"
)

var place = regexp.MustCompile(`\{[a-z]+\}`)

// Every text is there in every language, with the same places to fill in.
func TestLanguagesMatch(t *testing.T) {
	t.Parallel()
	all, err := loadWords()
	if err != nil {
		t.Fatalf("loadWords() = %v, want no error", err)
	}
	first := all[languages[0]]
	for _, lang := range languages[1:] {
		if diff := cmp.Diff(slices.Sorted(maps.Keys(first)), slices.Sorted(maps.Keys(all[lang]))); diff != "" {
			t.Errorf("names in %s and %s differ (-%s +%s):\n%s", languages[0], lang, languages[0], lang, diff)
		}
		for name, text := range all[lang] {
			a, b := place.FindAllString(text, -1), place.FindAllString(first[name], -1)
			slices.Sort(a)
			slices.Sort(b)
			if !slices.Equal(a, b) {
				t.Errorf("%s has places %v in %s and %v in %s, want the same", name, a, lang, b, languages[0])
			}
		}
	}
}

// Words keep to the house's rules: no markup, no doubled spaces, each language
// in its own letters and signs.
func TestWordsAreClean(t *testing.T) {
	t.Parallel()
	all, err := loadWords()
	if err != nil {
		t.Fatalf("loadWords() = %v, want no error", err)
	}
	japanese := regexp.MustCompile(`[\p{Hiragana}\p{Katakana}\p{Han}、。「」]`)
	for lang, w := range all {
		for name, text := range w {
			if text == "" || strings.TrimSpace(text) != text || strings.Contains(text, "  ") || strings.ContainsAny(text, "<>&") {
				t.Errorf("%s in %s = %q, want clean words", name, lang, text)
			}
			if lang == "en" && japanese.MatchString(text) {
				t.Errorf("%s in en = %q, want no Japanese", name, text)
			}
			if lang == "ja" && name != "channel_sms" && name != "channel_webhook" && !japanese.MatchString(text) {
				t.Errorf("%s in ja = %q, want Japanese", name, text)
			}
			for _, bad := range []string{"お客様", "弊社", "下さい", "出来", "インシデント", "soon", "any inconvenience"} {
				if strings.Contains(text, bad) {
					t.Errorf("%s in %s holds %q", name, lang, bad)
				}
			}
		}
	}
}

// Every fault has words, and every word is used.
func TestWordsAreUsed(t *testing.T) {
	t.Parallel()
	all, err := loadWords()
	if err != nil {
		t.Fatalf("loadWords() = %v, want no error", err)
	}
	w := all[languages[0]]
	used := map[string]bool{"language": true}
	for _, c := range subscribe.Codes() {
		used["fault_"+string(c)] = true
	}
	for _, c := range []string{"email", "sms", "webhook"} {
		for _, n := range []string{"channel_", "address_", "hint_", "sent_", "sent_title_", "help_"} {
			used[n+c] = true
		}
	}
	for _, lang := range languages {
		used["locale_"+lang] = true
	}
	var src strings.Builder
	for _, pattern := range []string{"*.go", "templates/*.html"} {
		names, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range names {
			if strings.HasSuffix(n, "_test.go") {
				continue
			}
			b, err := os.ReadFile(n) // #nosec G304 -- a file of this package
			if err != nil {
				t.Fatal(err)
			}
			src.Write(b)
		}
	}
	for name := range w {
		base := strings.TrimSuffix(strings.TrimSuffix(name, "_title"), "_text")
		if !used[name] && !strings.Contains(src.String(), `"`+name+`"`) && !strings.Contains(src.String(), `"`+base+`"`) {
			t.Errorf("%s is used nowhere", name)
		}
	}
	for name := range used {
		if _, ok := w[name]; !ok {
			t.Errorf("%s has no words", name)
		}
	}
	for _, m := range regexp.MustCompile(`\.T "([a-z_]+)"`).FindAllStringSubmatch(src.String(), -1) {
		if _, ok := w[m[1]]; !ok {
			t.Errorf("a template asks for %s, which has no words", m[1])
		}
	}
}

func TestSayRefusesGaps(t *testing.T) {
	t.Parallel()
	w := words{"a": "{x} and {y}"}
	if got, err := w.say("a", "x", "1", "y", "{x}"); err != nil || got != "1 and {x}" {
		t.Errorf("say(a) = %q, %v, want what is filled in left alone", got, err)
	}
	if _, err := w.say("b"); err == nil {
		t.Errorf("say(b) = nil, want an error")
	}
}

func TestContactLink(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"https://minato.test/help": "https://minato.test/help", "help@minato.test": "mailto:help@minato.test",
		"http://minato.test": "", "javascript:alert(1)": "", "Room 5": "", "a@b?subject=x": "",
	} {
		if got := href(in); got != want {
			t.Errorf("href(%q) = %q, want %q", in, got, want)
		}
	}
}
