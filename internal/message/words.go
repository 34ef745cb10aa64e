package message

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"text/template"

	"shirase/internal/incident"
	"shirase/internal/locale"
)

//go:embed locales templates
var files embed.FS

// words is a locale file: every word and pattern that does not stand in a
// template. Patterns name their places in braces.
type words struct {
	// Join stands between two sentences, Stop ends one, Bullet begins a line of a list.
	Join   string `json:"join"`
	Stop   string `json:"stop"`
	Bullet string `json:"bullet"`

	Weekdays []string `json:"weekdays"`
	Months   []string `json:"months"`
	Time     struct {
		Date      string            `json:"date"`
		DateYear  string            `json:"date_year"`
		At        string            `json:"at"`
		AtDay     string            `json:"at_day"`
		AtDayOff  string            `json:"at_day_off"`
		Aside     string            `json:"aside"`
		AsideUTC  string            `json:"aside_utc"`
		UTC       string            `json:"utc"`
		UTCDay    string            `json:"utc_day"`
		UTCSpan   string            `json:"utc_span"`
		ReaderAnd string            `json:"reader_and"`
		Reader    string            `json:"reader"`
		ReaderDay string            `json:"reader_day"`
		Between   string            `json:"between"`
		Through   string            `json:"through"`
		Dash      string            `json:"dash"`
		FromDay   string            `json:"from_day"`
		ToDay     string            `json:"to_day"`
		FromCross string            `json:"from_cross"`
		ToCross   string            `json:"to_cross"`
		Short     string            `json:"short"`
		ShortDay  string            `json:"short_day"`
		ShortDate string            `json:"short_date"`
		ShortSpan string            `json:"short_span"`
		Zone      string            `json:"zone"`
		Minutes   string            `json:"minutes"`
		Minute    string            `json:"minute"`
		Hours     string            `json:"hours"`
		HourMin   string            `json:"hour_minute"`
		Zones     map[string]string `json:"zones"`
	} `json:"time"`
	List struct {
		Separator string `json:"separator"`
		Last      string `json:"last"`
		Name      string `json:"name"`
		Short     string `json:"short"`
		Told      string `json:"told"`
		// Of stands before a sentence that does not say itself what it is about.
		Of string `json:"of"`
	} `json:"list"`

	States     map[string]string `json:"states"`
	Severities map[string]string `json:"severities"`
	Audiences  map[string]string `json:"audiences"`
	Channels   map[string]string `json:"channels"`
	// Alarms are the words for what a monitor says.
	Alarms  map[string]string `json:"signals"`
	Reasons map[string]string `json:"reasons"`
	// Subjects are patterns by shape; "default" serves the rest.
	Subjects map[string]string `json:"subjects"`
	Drill    struct {
		Mark string `json:"mark"`
		Body string `json:"body"`
	} `json:"drill"`
	Timeline struct {
		Heading    string `json:"heading"`
		Line       string `json:"line"`
		Withdrawn  string `json:"withdrawn"`
		Correction string `json:"correction"`
		Retraction string `json:"retraction"`
	} `json:"timeline"`
	Footer struct {
		More        string `json:"more"`
		Sender      string `json:"sender"`
		Contact     string `json:"contact"`
		Why         string `json:"why"`
		WhyAudience string `json:"why_audience"`
		Manage      string `json:"manage"`
		Unsubscribe string `json:"unsubscribe"`
		MemoWhy     string `json:"memo_why"`
		Open        string `json:"open"`
		// Page stands before the page that customers read, Open before what asks for a deed.
		Page string `json:"page"`
	} `json:"footer"`
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
	la := &language{locale: l}
	err := locale.Read(files, string(l), &la.words)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, incident.Invalid("locale", "must be one that there are texts for, not %q", string(l))
	}
	if err != nil {
		return nil, err
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
	var out []incident.Locale
	for _, l := range locale.Languages(files) {
		out = append(out, incident.Locale(l))
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
