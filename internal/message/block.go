package message

import (
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	"shirase/internal/incident"
	"shirase/internal/plan"
)

// A rule finds what must not be in a text.
type rule struct {
	id      string
	level   Level
	problem string
	// everywhere rules hold for readers inside, too.
	everywhere bool
	find       func(text string) bool
}

// pattern compiles an expression when it is first asked for.
func pattern(expr string) func(string) bool {
	re := lazy(expr)
	return func(s string) bool { return re().MatchString(s) }
}

func lazy(expr string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expr) })
}

// rules are the ones that need nothing but the text. The order is that of the findings.
var rules = []rule{
	{
		id: "SEC-01", level: Block, find: internalName,
		problem: "holds an internal name (host, address, instance, ARN, ticket or stack trace); say what readers notice instead",
	},
	{
		id: "SEC-02", level: Block, everywhere: true, find: secret,
		problem: "holds what looks like a secret (key, token or password); take it out, and change the secret if it is real",
	},
	{
		id: "SEC-03", level: Block, find: personal,
		problem: "holds a mail address or phone number that is not the plan's contact; use the contact",
	},
	{
		id: "HOLE-01", level: Block, everywhere: true, find: hole,
		problem: "holds a place that was never filled in; fill it in or take it out",
	},
}

var (
	internalPattern = pattern(`(?i)\barn:aws[\w-]*:|\bip-\d+-\d+-\d+-\d+|\b(?:i|vol|eni|eni-attach|sg|subnet|vpc|ami|snap|rtb|nat|igw|eipalloc)-[0-9a-f]{8,17}\b` +
		`|\b[\w-]+(?:\.[\w-]+)*\.(?:internal|local|lan|corp|intra)\b|\bamazonaws\.com\b` +
		`|goroutine \d+ \[|Traceback \(most recent|Exception in thread|\bat [\w.$]+\([\w.]+:\d+\)|\b[\w/]+\.(?:go|py|java|rb|js|ts|php):\d+\b|panic: `)
	ipv4Pattern   = pattern(`\b(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)\b`)
	ticketPattern = lazy(`\b([A-Z][A-Z0-9]{1,9})-\d{2,}\b`)
	// Names that look like tickets and are words.
	notTickets = []string{"COVID", "ISO", "UTF", "SHA", "RFC", "UTC", "GMT", "JIS", "AES", "RSA", "HTTP", "TLS", "CP"}

	secretPattern = pattern(`\b(?:AKIA|ASIA|AROA|AIDA)[0-9A-Z]{16}\b|\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*|-----BEGIN [A-Z ]*PRIVATE KEY` +
		`|(?i:aws_secret_access_key|aws_session_token)|\bgh[pousr]_\w{20,}|\bgithub_pat_\w{20,}|\bxox[abeoprs]-[\w-]{10,}|\bsk_(?:live|test)_\w{10,}` +
		`|\bshk_\w+_\w+|\bwhsec_[\w+/=]{16,}|\bAIza[\w-]{30,}|(?i:\bbearer\s+[\w.~+/=-]{16,})|https?://[^\s/@]+:[^\s/@]+@`)
	assignPattern = pattern(`(?i)(?:\b(?:password|passwd|pwd|secret|token|api[_-]?key|access[_-]?key)|パスワード|暗証番号)["']?\s*(?:[=＝]\s*["']?[!-~]{4,}|[:：]\s*["']?[!-~]*[0-9][!-~]*)`)

	mailPattern  = pattern(`[\w.+%-]+@[\w-]+(?:\.[\w-]+)+`)
	phonePattern = pattern(`(?:^|[^\d.:/-])(?:\+\d{1,3}[ -]?\(?\d{1,4}\)?(?:[ -]?\d{2,4}){2,3}|\(?0\d{1,4}\)?-\d{1,4}-\d{3,4}|0[5789]0\d{8}|0120\d{6}|\(?\d{3}\)?[-. ]\d{3}[-. ]\d{4})(?:$|\D)`)

	holePattern = pattern(`\{\{|\}\}|\$\{[^}]*\}|(?i:<\s*(?:tbd|todo|tbc|fixme|insert|name|time|date|here|no value|nil)\b[^>]*>)|\b(?:TBD|TODO|TBC|FIXME)\b` +
		`|(?i:\bxx:xx\b|\bhh:mm\b)|××:××|[○〇◯●]{2,}|[○◯●](?:時|分|月|日|件|%|％|名|社)|[(（【]要確認|%!\w\(`)

	// Names of machines by their part, as "db01" and "web-3".
	hostPattern = pattern(`(?i)\b(?:db|web|app|api|srv|node|host|redis|mysql|pg|lb|cache|queue|worker)[-_]?\d+\b`)

	// Words of a guess; from the lists of plain language EN-13 and JA-11. "You may
	// have to sign in again" is none.
	guessPattern = pattern(`(?i)\b(?:probably|perhaps|maybe|we think|we believe|seems?|suspect(?:s|ed)?|(?:may|might|could) have been|might be|may be caused|likely)\b` +
		`|と思われ|可能性が|とみられ|と見られ|と考えられ|おそらく|恐らく|たぶん|かもしれ|(?:^|[^手])はず(?:です|だ|と|。|$)`)
)

// holds reports whether a text holds any of the words. It is what makes looking
// at every text cheap: an expression runs only where one could match.
func holds(s string, words ...string) bool {
	return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(s, w) })
}

// joined reports whether a "-" or "." stands inside a word, as in names of
// machines and never at the end of a sentence.
func joined(s string) bool {
	for i := 0; i+1 < len(s); i++ {
		if c := s[i+1]; (s[i] == '-' || s[i] == '.') && (c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z') {
			return true
		}
	}
	return false
}

func internalName(s string) bool {
	if strings.ContainsAny(s, "0123456789") && hostPattern(s) {
		return true
	}
	if low := strings.ToLower(s); !joined(s) && strings.Count(s, ":") < 2 && !holds(low, "arn:", "goroutine ", "traceback", "exception in", "panic: ") {
		return false
	}
	if internalPattern(s) || ipv4Pattern(s) {
		return true
	}
	for _, m := range ticketPattern().FindAllStringSubmatch(s, -1) {
		if !slices.Contains(notTickets, m[1]) {
			return true
		}
	}
	for _, w := range strings.FieldsFunc(s, func(r rune) bool { return !strings.ContainsRune("0123456789abcdefABCDEF:.%", r) }) {
		if strings.Count(w, ":") < 2 {
			continue
		}
		if a, err := netip.ParseAddr(strings.Trim(w, ".")); err == nil && a.IsValid() && len(w) > 3 {
			return true
		}
	}
	return false
}

func secret(s string) bool {
	low := strings.ToLower(s)
	return holds(low, "akia", "asia", "aroa", "aida", "eyj", "private key", "aws_s", "gh", "xox", "sk_", "shk_", "whsec_", "aiza", "bearer", "://") &&
		secretPattern(s) ||
		holds(low, "pass", "pwd", "secret", "token", "key", "パスワード", "暗証番号") && assignPattern(s)
}

func personal(s string) bool {
	var digits int
	for i := range len(s) {
		if s[i] >= '0' && s[i] <= '9' {
			digits++
		}
	}
	return strings.Contains(s, "@") && mailPattern(s) || digits >= minPhone && phonePattern(s)
}

// minPhone is how many digits a phone number has at least.
const minPhone = 9

func hole(s string) bool {
	return (holds(strings.ToLower(s), "{{", "}}", "${", "<", "tbd", "todo", "tbc", "fixme", "xx:xx", "hh:mm", "××:××", "要確認", "%!") ||
		strings.ContainsAny(s, "○〇◯●")) && holePattern(s)
}

// allowed takes out of a text what the plan itself says in public, so that a
// component may be called what it is called.
type allowed struct {
	r *strings.Replacer
	// seen remembers lines, since most stand in many texts.
	seen map[string][]bool
}

func allowedBy(in Input) allowed {
	var names []string
	add := func(ss ...string) {
		for _, s := range ss {
			if s = oneLine(s); s != "" {
				names = append(names, s)
			}
		}
	}
	texts := func(t incident.Text) {
		for _, s := range t {
			add(s)
		}
	}
	o := in.Plan.Organisation
	add(o.Contact, o.URL, in.Link, in.Into)
	texts(o.Name)
	for _, c := range in.Plan.Components {
		texts(c.Name)
		texts(c.Effect)
	}
	add(string(in.Update.Incident))
	// The longest goes first, so that a name inside another leaves no rest; the
	// order is fixed whatever the order of the maps.
	slices.SortFunc(names, func(a, b string) int {
		if len(a) != len(b) {
			return len(b) - len(a)
		}
		return strings.Compare(a, b)
	})
	var pairs []string
	for _, s := range slices.Compact(names) {
		pairs = append(pairs, s, " ")
	}
	return allowed{strings.NewReplacer(pairs...), map[string][]bool{}}
}

// broken answers for each rule whether a line of the text breaks it.
func (a allowed) broken(text string) []bool {
	out := make([]bool, len(rules))
	for line := range strings.SplitSeq(text, "\n") {
		hit, ok := a.seen[line]
		if !ok {
			bare := a.strip(line)
			hit = make([]bool, len(rules))
			for n, r := range rules {
				hit[n] = r.find(bare)
			}
			a.seen[line] = hit
		}
		for n := range out {
			out[n] = out[n] || hit[n]
		}
	}
	return out
}

func (a allowed) strip(s string) string { return a.r.Replace(s) }

// An input is something an operator wrote, under the name of its field.
type input struct {
	field string
	text  incident.Text
	state incident.FactState
	guess bool // whether it must hold no speculation
}

// inputs lists what an operator wrote for this update, in order.
func inputs(u incident.Update) []input {
	f := u.Facts
	return []input{
		{field: "effect", text: f.Effect.Value, state: f.Effect.State, guess: true},
		{field: "scope", text: f.Scope.Value, state: f.Scope.State, guess: true},
		{field: "workaround", text: f.Workaround.Value, state: f.Workaround.State, guess: true},
		{field: "outlook.basis", text: f.Outlook.Value.Basis(), state: f.Outlook.State},
		{field: "cause", text: f.Cause.Value, state: f.Cause.State, guess: true},
		{field: "prevention", text: f.Prevention.Value, state: f.Prevention.State, guess: true},
		{field: "text", text: u.Text, state: incident.Confirmed, guess: true},
	}
}

// findings looks at what operators wrote and at every text that was made.
func findings(in Input, ms []Message) []Finding {
	ok := allowedBy(in)
	var out []Finding
	out = append(out, inputFindings(in, ok)...)
	blamed := map[string]bool{} // rules that an input already broke, by locale
	for _, f := range out {
		blamed[f.ID+string(f.In)] = true
	}
	for _, m := range ms {
		a, _ := in.Plan.Audience(m.Audience)
		if !a.Public && a.Texts == incident.Customers {
			a.Public = true
		}
		for _, contents := range []map[incident.Family]Content{m.Contents, m.Plain} {
			for _, f := range textFindings(in, ok, a, m, contents) {
				if !blamed[f.ID+string(f.In)] {
					out = append(out, f)
				}
			}
		}
	}
	return compact(append(out, shortened(in, ms)...))
}

func inputFindings(in Input, ok allowed) []Finding {
	var out []Finding
	u := in.Update
	for _, i := range inputs(u) {
		for _, l := range in.Plan.Organisation.Locales {
			s, has := i.text.In(l)
			if !has {
				if f, missing := untranslated(i, l); missing {
					out = append(out, f)
				}
				continue
			}
			if strings.ContainsFunc(strings.ReplaceAll(s, "\r\n", "\n"), control) {
				out = append(out, Finding{
					ID: "HOLE-03", Level: Block, Field: i.field, In: l,
					Problem: "The " + i.field + " must not hold control characters, nor marks that turn the direction of writing; type it anew.",
				})
			}
			hit := ok.broken(clean(s))
			for n, r := range rules {
				if (r.everywhere || i.state == incident.Confirmed) && hit[n] {
					out = append(out, Finding{ID: r.id, Level: r.level, Field: i.field, In: l, Problem: "The " + i.field + " " + r.problem + "."})
				}
			}
			if drillMark(s) && !u.Incident.Drill() {
				out = append(out, Finding{
					ID: "DRILL-01", Level: Block, Field: i.field, In: l,
					Problem: "The " + i.field + " carries the mark of a drill, but this is no drill; take it out.",
				})
			}
			if i.state == incident.Confirmed && i.guess && guessPattern(s) {
				out = append(out, Finding{
					ID: "FACT-02", Level: Block, Field: i.field, In: l,
					Problem: "The " + i.field + " reads like a guess; say what is confirmed, or leave it out until it is.",
				})
			}
		}
	}
	out = append(out, quoted(in)...)
	if u.Kind == incident.Correction && !right(in) {
		out = append(out, Finding{
			ID: "HOLE-02", Level: Block, Field: "text",
			Problem: "A correction must say what is right; state the fact anew, or write it in the text.",
		})
	}
	if !u.Stage.Final() && u.MergedInto == "" && in.Incident.End == "" && u.Next.IsZero() {
		out = append(out, Finding{
			ID: "NEXT-01", Level: Block, Field: "next",
			Problem: "The update is not final and does not say when the next one comes; give a time.",
		})
	}
	return out
}

// control reports whether a character is one that no reader sees and that can
// change how the rest is read.
func control(r rune) bool {
	return r != '\n' && unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)
}

// untranslated answers the finding for words that a locale lacks while another has them.
func untranslated(i input, l incident.Locale) (Finding, bool) {
	if i.text.Empty() || i.state == "" {
		return Finding{}, false
	}
	if i.field == "effect" {
		return Finding{
			ID: "LOC-01", Level: Warn, Field: i.field, In: l,
			Problem: "The effect has no words in " + string(l) + "; readers get the component's own sentence of the plan instead.",
		}, true
	}
	return Finding{
		ID: "LOC-02", Level: Warn, Field: i.field, In: l,
		Problem: "The " + i.field + " has no words in " + string(l) + "; texts in that language leave it out.",
	}, true
}

// quoted finds facts that are not confirmed inside words that customers read.
func quoted(in Input) []Finding {
	var out []Finding
	all := inputs(in.Update)
	for _, l := range in.Plan.Organisation.Locales {
		for _, guess := range all {
			g, has := guess.text.In(l)
			g = strings.TrimRight(oneLine(g), ".。!！ ")
			if !has || guess.state == incident.Confirmed || guess.state == "" || len([]rune(g)) < minQuote {
				continue
			}
			for _, i := range all {
				if s, _ := i.text.In(l); i.state == incident.Confirmed && strings.Contains(strings.ToLower(oneLine(s)), strings.ToLower(g)) {
					out = append(out, Finding{
						ID: "FACT-01", Level: Block, Field: i.field, In: l,
						Problem: "The " + i.field + " tells customers the " + guess.field + ", which is not confirmed; confirm it first or take it out.",
					})
				}
			}
		}
	}
	return out
}

// minQuote is how long an unconfirmed fact must be to be recognised in another text.
const minQuote = 4

// textFindings looks at the texts of one audience and locale. Rules for public
// texts hold where readers outside see them, and on social networks always.
func textFindings(in Input, ok allowed, a plan.Audience, m Message, contents map[incident.Family]Content) []Finding {
	var out []Finding
	drill := in.Update.Incident.Drill()
	for _, f := range []incident.Family{
		incident.FamilyEmail, incident.FamilySMS, incident.FamilySocial, incident.FamilyChat, incident.FamilyWebhook,
	} {
		c, has := contents[f]
		if !has {
			continue
		}
		found := func(id, problem string) {
			out = append(out, Finding{ID: id, Level: Block, To: m.Audience, In: m.Locale, By: f, Problem: "The text " + problem + "."})
		}
		text := unread(c.Subject + "\n" + c.Text)
		if f != incident.FamilyWebhook { // it says the same, between marks of JSON
			hit := ok.broken(text)
			for n, r := range rules {
				if (r.everywhere || a.Public || f == incident.FamilySocial) && hit[n] {
					found(r.id, r.problem)
				}
			}
		}
		if limit := tightest(f); !limit.Fits(c.Text) {
			found("LEN-02", "is longer than the channel carries; shorten what you wrote, or the link")
		}
		if marked := drillMark(c.Text) && (c.Subject == "" || drillMark(c.Subject)); marked != drill && f != incident.FamilyWebhook {
			if drill {
				found("DRILL-01", "lacks the mark of a drill")
			} else {
				found("DRILL-01", "carries the mark of a drill, but this is no drill")
			}
		}
	}
	return out
}

// drillMarks are the marks of a drill in all languages.
var drillMarks = sync.OnceValue(func() (marks []string) {
	for _, l := range Locales() {
		if la, err := languageOf(l); err == nil {
			marks = append(marks, la.Drill.Mark)
		}
	}
	return marks
})

// drillMark reports whether a text carries the mark of a drill in any language.
func drillMark(s string) bool {
	return slices.ContainsFunc(drillMarks(), func(m string) bool { return strings.Contains(s, m) })
}

// shortened warns where a short message had no room for the link, or beside it
// for the time of the next update.
func shortened(in Input, ms []Message) []Finding {
	zone := in.Plan.Organisation.Zone
	if zone == nil {
		zone = time.UTC
	}
	link := oneLine(in.Link)
	if in.Update.MergedInto != "" && in.Into != "" {
		link = oneLine(in.Into)
	}
	var out []Finding
	for _, m := range ms {
		text := m.Contents[incident.FamilySMS].Text
		warn := func(id, problem string) {
			out = append(out, Finding{ID: id, Level: Warn, To: m.Audience, In: m.Locale, By: incident.FamilySMS, Problem: problem})
		}
		switch {
		case !strings.HasSuffix(text, link):
			warn("SMS-02", "The short message has no room for the link, which is left out; a shorter public URL gives it back.")
		case !in.Update.Next.IsZero() && shapeOf(in) != shapeScheduled && !strings.Contains(text, hm(in.Update.Next.In(zone))):
			warn("SMS-01", "The short message has no room for the time of the next update beside the link; a shorter public URL gives it back.")
		}
	}
	return out
}

// compact takes out findings that say the same twice.
func compact(fs []Finding) []Finding {
	seen := map[Finding]bool{}
	return slices.DeleteFunc(fs, func(f Finding) bool {
		dup := seen[f]
		seen[f] = true
		return dup
	})
}
