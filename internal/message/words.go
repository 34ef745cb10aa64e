package message

import (
	"embed"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"text/template"

	"github.com/goccy/go-yaml"

	"shirase/internal/incident"
)

//go:embed locales templates
var files embed.FS

// words is a locale file: every word and pattern that does not stand in a
// template. Patterns name their places in braces.
type words struct {
	// Join stands between two sentences, Stop ends one, Bullet begins a line of a list.
	Join   string `yaml:"join"`
	Stop   string `yaml:"stop"`
	Bullet string `yaml:"bullet"`

	Weekdays []string `yaml:"weekdays"`
	Months   []string `yaml:"months"`
	Time     struct {
		Date      string            `yaml:"date"`
		DateYear  string            `yaml:"date_year"`
		At        string            `yaml:"at"`
		AtDay     string            `yaml:"at_day"`
		AtDayOff  string            `yaml:"at_day_off"`
		Aside     string            `yaml:"aside"`
		AsideUTC  string            `yaml:"aside_utc"`
		UTC       string            `yaml:"utc"`
		UTCDay    string            `yaml:"utc_day"`
		UTCSpan   string            `yaml:"utc_span"`
		ReaderAnd string            `yaml:"reader_and"`
		Reader    string            `yaml:"reader"`
		ReaderDay string            `yaml:"reader_day"`
		Between   string            `yaml:"between"`
		Through   string            `yaml:"through"`
		Dash      string            `yaml:"dash"`
		FromDay   string            `yaml:"from_day"`
		ToDay     string            `yaml:"to_day"`
		FromCross string            `yaml:"from_cross"`
		ToCross   string            `yaml:"to_cross"`
		Short     string            `yaml:"short"`
		ShortDay  string            `yaml:"short_day"`
		ShortDate string            `yaml:"short_date"`
		ShortSpan string            `yaml:"short_span"`
		Zone      string            `yaml:"zone"`
		Minutes   string            `yaml:"minutes"`
		Minute    string            `yaml:"minute"`
		Hours     string            `yaml:"hours"`
		HourMin   string            `yaml:"hour_minute"`
		Zones     map[string]string `yaml:"zones"`
	} `yaml:"time"`
	List struct {
		Separator string `yaml:"separator"`
		Last      string `yaml:"last"`
		Name      string `yaml:"name"`
		Short     string `yaml:"short"`
		Told      string `yaml:"told"`
		// Of stands before a sentence that does not say itself what it is about.
		Of string `yaml:"of"`
	} `yaml:"list"`

	States     map[string]string `yaml:"states"`
	Severities map[string]string `yaml:"severities"`
	Audiences  map[string]string `yaml:"audiences"`
	Channels   map[string]string `yaml:"channels"`
	// Alarms are the words for what a monitor says.
	Alarms  map[string]string `yaml:"signals"`
	Reasons map[string]string `yaml:"reasons"`
	// Subjects are patterns by shape; "default" serves the rest.
	Subjects map[string]string `yaml:"subjects"`
	Drill    struct {
		Mark string `yaml:"mark"`
		Body string `yaml:"body"`
	} `yaml:"drill"`
	Timeline struct {
		Heading    string `yaml:"heading"`
		Line       string `yaml:"line"`
		Withdrawn  string `yaml:"withdrawn"`
		Correction string `yaml:"correction"`
		Retraction string `yaml:"retraction"`
	} `yaml:"timeline"`
	Footer struct {
		More        string `yaml:"more"`
		Sender      string `yaml:"sender"`
		Contact     string `yaml:"contact"`
		Why         string `yaml:"why"`
		WhyAudience string `yaml:"why_audience"`
		Manage      string `yaml:"manage"`
		Unsubscribe string `yaml:"unsubscribe"`
		MemoWhy     string `yaml:"memo_why"`
		Open        string `yaml:"open"`
		// Page stands before the page that customers read, Open before what asks for a deed.
		Page string `yaml:"page"`
	} `yaml:"footer"`
}

// A language is a locale ready to write in.
type language struct {
	locale incident.Locale
	words
	tmpl *template.Template
}

var (
	languagesMu sync.Mutex
	languages   = map[incident.Locale]*language{}
)

// languageOf reads a locale's words and templates when they are first asked
// for, so that a cold start does not pay for what it does not write.
func languageOf(l incident.Locale) (*language, error) {
	languagesMu.Lock()
	defer languagesMu.Unlock()
	if la, ok := languages[l]; ok {
		return la, nil
	}
	if l == "" || strings.Trim(string(l), "abcdefghijklmnopqrstuvwxyz-") != "" {
		return nil, incident.Invalid("locale", "must be one that there are texts for, such as ja or en")
	}
	src, err := files.ReadFile("locales/" + string(l) + ".yaml")
	if err != nil {
		return nil, incident.Invalid("locale", "must be one that there are texts for, not %q", string(l))
	}
	la := &language{locale: l}
	if err := yaml.UnmarshalWithOptions(src, &la.words, yaml.Strict()); err != nil {
		return nil, fmt.Errorf("read the words of locale %s: %w", l, err)
	}
	la.tmpl, err = template.New("").Option("missingkey=error").ParseFS(files, "templates/"+string(l)+"/*.tmpl")
	if err != nil {
		return nil, fmt.Errorf("read the templates of locale %s: %w", l, err)
	}
	languages[l] = la
	return la, nil
}

// Locales lists the locales that there are texts for, sorted.
func Locales() []incident.Locale {
	names, _ := fs.Glob(files, "locales/*.yaml")
	out := make([]incident.Locale, len(names))
	for n, name := range names {
		out[n] = incident.Locale(strings.TrimSuffix(strings.TrimPrefix(name, "locales/"), ".yaml"))
	}
	return out
}

// write executes a template of the language.
func (la *language) write(name string, data any) (string, error) {
	var b strings.Builder
	if err := la.tmpl.ExecuteTemplate(&b, name, data); err != nil {
		return "", fmt.Errorf("write %s in %s: %w", name, la.locale, err)
	}
	return b.String(), nil
}

// fill puts values into the places of a pattern. Values are put in once and
// never read as patterns themselves.
func fill(pattern string, pairs ...string) string {
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(pattern, "{")
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		name, after, _ := strings.Cut(rest, "}")
		for pair := range slices.Chunk(pairs, 2) {
			if pair[0] == name {
				b.WriteString(pair[1])
			}
		}
		pattern = after
	}
}

// sentence ends a text as a sentence where its author did not.
func (la *language) sentence(s string) string {
	if s == "" || strings.ContainsAny(s[len(s)-1:], ".!?)") || endsWith(s, "。", "！", "？", "」", "）", "…", "\"", "”") {
		return s
	}
	if ascii(s) {
		return s + "." // words of another language, such as a reason from a machine
	}
	return s + la.Stop
}

func endsWith(s string, ends ...string) bool {
	for _, e := range ends {
		if strings.HasSuffix(s, e) {
			return true
		}
	}
	return false
}

// all joins names by the grammar of the language: 「A、B、C」, "A, B and C".
func (la *language) all(names []string) string {
	quoted := make([]string, len(names))
	for n, s := range names {
		quoted[n] = fill(la.List.Name, "name", s)
	}
	return la.join(quoted)
}

func (la *language) join(names []string) string {
	switch n := len(names); n {
	case 0:
		return ""
	case 1:
		return names[0]
	default:
		return strings.Join(names[:n-1], la.List.Separator) + la.List.Last + names[n-1]
	}
}

// maxNames is how many names a subject holds before it counts the rest.
const maxNames = 3

// few is all for where there is little room: more than three names become the
// first and a count. Names stand unquoted, as in a title.
func (la *language) few(names []string, most int) string {
	if len(names) <= most {
		return la.join(names)
	}
	return fill(la.List.Short, "first", names[0], "count", fmt.Sprint(len(names)), "more", fmt.Sprint(len(names)-1))
}
