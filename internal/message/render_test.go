package message_test

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"shirase/internal/incident"
	"shirase/internal/message"
	"shirase/internal/plan"
)

// tags are all that a mail may be made of, with their attributes.
var tags = map[string][]string{
	"html": {"lang"}, "head": nil, "meta": {"charset", "name", "content"}, "title": nil, "body": {"style"}, "h1": {"style"},
	"h2": {"style"}, "p": nil, "br": nil, "ul": nil, "li": nil, "a": {"href"}, "hr": nil,
}

// checkHTML reads a mail as strict XML, which it is written as, and holds it
// to the allowed tags. It answers the text of the document.
func checkHTML(t *testing.T, doc string) string {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(doc))
	var text strings.Builder
	for {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			return text.String()
		}
		if err != nil {
			t.Fatalf("the mail is not well-formed: %v\n%s", err, doc)
		}
		switch e := tok.(type) {
		case xml.StartElement:
			attrs, ok := tags[e.Name.Local]
			if !ok {
				t.Fatalf("the mail holds the tag %s:\n%s", e.Name.Local, doc)
			}
			for _, a := range e.Attr {
				if !slices.Contains(attrs, a.Name.Local) {
					t.Fatalf("the tag %s has the attribute %s:\n%s", e.Name.Local, a.Name.Local, doc)
				}
				if a.Name.Local == "href" && !strings.HasPrefix(a.Value, "https://minato.test/") {
					t.Fatalf("the mail leads to %q:\n%s", a.Value, doc)
				}
			}
		case xml.CharData:
			text.Write(e)
		}
	}
}

func TestMailIsWellFormedAndSaysTheSameTwice(t *testing.T) {
	space := regexp.MustCompile(`\s+`)
	for _, s := range stories(t) {
		for _, in := range told(t, minato(t), s) {
			ms, _ := render(t, in)
			for _, m := range ms {
				c := m.Contents[incident.FamilyEmail]
				html := space.ReplaceAllString(checkHTML(t, c.HTML), "")
				for line := range strings.SplitSeq(c.Text, "\n") {
					line = strings.TrimLeft(line, "・-")
					if want := space.ReplaceAllString(line, ""); !strings.Contains(html, want) {
						t.Errorf("%s, %s: the HTML lacks the line %q", m.Audience, m.Locale, line)
					}
				}
			}
		}
	}
}

// hostile spoils an input with one text in every place that an operator writes.
func hostile(tb testing.TB, text string) message.Input {
	tb.Helper()
	p := minato(tb)
	p.Organisation.Name = both("ミナト"+text, "Minato"+text)
	p.Components[0].Name = both("送信"+text, "Sending"+text)
	p.Audiences = []plan.Audience{p.Audiences[0], p.Audiences[5]} // the one that is told most, and the one outside
	in := told(tb, p, outage(tb, "01KHOSTILE"))[2]
	at := in.Update.At
	in.Update.Text = both(text, text)
	in.Update.Facts.Effect = sure(both(text, text), at)
	in.Update.Facts.Scope = sure(both(text, text), at)
	in.Update.Facts.Cause = sure(both(text, text), at)
	in.Signals = []incident.Signal{{Alarm: text, Reason: text, State: incident.SignalAlarm, At: at}}
	return in
}

func checkHostile(t *testing.T, text string) {
	t.Helper()
	ms, _ := render(t, hostile(t, text))
	for _, m := range ms {
		for f, c := range m.Contents {
			for _, r := range c.Subject {
				if r < ' ' || r == '\u0085' || r == '\u2028' || r == '\u2029' {
					t.Fatalf("Render(%q): the subject %q holds %U", text, c.Subject, r)
				}
			}
			if f == incident.FamilyChat && strings.ContainsAny(c.Text, "<>") {
				t.Fatalf("Render(%q): the chat text holds markup: %q", text, c.Text)
			}
			if f == incident.FamilyWebhook && !json.Valid([]byte(c.Text)) {
				t.Fatalf("Render(%q): the webhook is no JSON: %q", text, c.Text)
			}
			if f != incident.FamilyEmail {
				continue
			}
			r := message.Resolve(c, f, m.Locale, message.Reader{
				Unsubscribe: "https://minato.test/u?t=1&x=%3Cb%3E", Manage: "https://minato.test/m", Zone: "Europe/Paris",
			}, tokyo(t))
			checkHTML(t, r.HTML)
			if strings.ContainsAny(r.Text+r.HTML, "⟦⟧") {
				t.Fatalf("Render(%q) left a token: %q", text, r.Text)
			}
			if n := strings.Count(r.Text, "https://minato.test/u?t=1"); n != 1 {
				t.Fatalf("Render(%q) holds the reader's own link %d times, want once:\n%s", text, n, r.Text)
			}
		}
	}
}

var attacks = []string{
	"<script>alert(1)</script>", "</p><img src=x onerror=alert(1)>", "\r\nBcc: evil@example.test", "a\rb\nc\u2028d\u2029e\u0085f",
	"⟦links⟧", "⟦and 2026-09-15T05:05:00Z/2026-09-15T05:05:00Z⟧", "{{.Facts}}", "{topic} {org} {state}", "]]>&amp;<!--", "¶",
	"\x00\x07\u202eevil\u2066", "\xff\xfe", "javascript:alert(1)", `" onmouseover="x`, "0 x\n9 y", "⟦or⟧", "R&D",
}

func TestHostileText(t *testing.T) {
	for _, a := range attacks {
		checkHostile(t, a)
	}
	ms, _ := render(t, hostile(t, "R&D <b>"))
	m := textFor(t, ms, incident.Customers, "en")
	if c := m.Contents[incident.FamilyEmail]; !strings.Contains(c.HTML, "R&amp;D &lt;b&gt;") || !strings.Contains(c.Text, "R&D <b>") {
		t.Errorf("mail = %q, want it escaped once in HTML and not at all in text", c)
	}
	if c := m.Contents[incident.FamilyChat]; !strings.Contains(c.Text, "R&amp;D &lt;b&gt;") || strings.Contains(c.Text, "&amp;amp;") {
		t.Errorf("chat = %q, want it escaped once", c.Text)
	}
}

func FuzzRenderAndResolve(f *testing.F) {
	for _, a := range attacks {
		f.Add(a)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) < 500 {
			checkHostile(t, text)
		}
	})
}

func TestLongTextIsCutNotLost(t *testing.T) {
	in := told(t, minato(t), outage(t, "01KLONG"))[3]
	in.Update.Text = both(strings.Repeat("請求書を送信できるようになりました。", 2000), strings.Repeat("Invoices can be sent again. ", 2000))
	ms, fs := render(t, in)
	if message.Blocks(fs) {
		t.Errorf("Render() found %+v, want long words to be cut, not blocked", fs)
	}
	for _, m := range ms {
		for _, c := range []incident.Channel{"slack", incident.Webhook, "mastodon", incident.SMS} {
			l, _ := message.LimitOf(c)
			if text := m.Contents[l.Family].Text; !l.Fits(text) || !strings.Contains(text, in.Link) {
				t.Errorf("%s, %s: %s takes %d of %d and must hold the link", m.Audience, m.Locale, c, l.Measure(text), l.Max)
			}
		}
	}
	at := in.Update.At
	in.Update.Facts.Scope = sure(both(strings.Repeat("長", 30_000), "x"), at)
	if _, fs = render(t, in); len(found(fs, "LEN-02")) == 0 {
		t.Errorf("Render() with a scope of 30,000 characters found %+v, want LEN-02", fs)
	}
}

func TestTimesAndNumbersAreTheSameInBothLanguages(t *testing.T) {
	times := regexp.MustCompile(`\b\d\d:\d\d\b`)
	numbers := regexp.MustCompile(`\b\d+%|\b842\b|\b67\b`)
	for _, s := range stories(t) {
		for n, in := range told(t, minato(t), s) {
			ms, _ := render(t, in)
			for _, a := range incident.Audiences() {
				ja := textFor(t, ms, a, "ja").Contents[incident.FamilyChat].Text
				en := textFor(t, ms, a, "en").Contents[incident.FamilyChat].Text
				local := map[string]bool{}
				for _, hm := range times.FindAllString(ja, -1) {
					local[hm] = true
					if !strings.Contains(en, hm) {
						t.Errorf("%s, %s, %s: the English text lacks %s", s.name, s.steps[n].name, a, hm)
					}
				}
				utc := map[string]bool{}
				for hm := range local {
					at, err := time.Parse("15:04", hm)
					if err != nil {
						t.Fatal(err)
					}
					utc[at.Add(-9*time.Hour).Format("15:04")] = true
				}
				for _, hm := range times.FindAllString(en, -1) {
					if !local[hm] && !utc[hm] {
						t.Errorf("%s, %s, %s: the Japanese text lacks %s", s.name, s.steps[n].name, a, hm)
					}
				}
				if diff := cmp.Diff(sorted(numbers.FindAllString(ja, -1)), sorted(numbers.FindAllString(en, -1))); diff != "" {
					t.Errorf("%s, %s, %s: numbers differ:\n%s", s.name, s.steps[n].name, a, diff)
				}
			}
		}
	}
}

func sorted(in []string) []string {
	slices.Sort(in)
	return slices.Compact(in)
}

func TestOneSubjectStemThroughAllStages(t *testing.T) {
	for _, in := range told(t, minato(t), outage(t, "01KSTEM")) {
		ms, _ := render(t, in)
		ja, en := textFor(t, ms, incident.Customers, "ja"), textFor(t, ms, incident.Customers, "en")
		if s := ja.Contents[incident.FamilyEmail].Subject; !regexp.MustCompile(`^【(障害発生|障害発生・続報|障害発生・原因判明|経過確認中|復旧|障害報告)】.*請求書の送信.*\(ミナト請求\)$`).MatchString(s) {
			t.Errorf("subject = %q, want a state word, the topic and the organisation", s)
		}
		if s := en.Contents[incident.FamilyEmail].Subject; !regexp.MustCompile(`^\[(Investigating|Update|Cause found|Fix in place|Resolved|Report)\] Minato Billing: Sending invoices`).MatchString(s) {
			t.Errorf("subject = %q, want a state word, the organisation and the topic", s)
		}
	}
}

func TestFiveComponents(t *testing.T) {
	for _, s := range others(t) {
		if s.name != "five" {
			continue
		}
		ms, _ := render(t, told(t, minato(t), s)[0])
		ja, en := textFor(t, ms, incident.Customers, "ja"), textFor(t, ms, incident.Customers, "en")
		for _, c := range []struct{ got, want string }{
			{ja.Contents[incident.FamilyEmail].Subject, "【障害発生】請求書の送信など5件(ミナト請求)"},
			{en.Contents[incident.FamilyEmail].Subject, "[Investigating] Minato Billing: Sending invoices and 4 more"},
		} {
			if c.got != c.want {
				t.Errorf("subject = %q, want %q", c.got, c.want)
			}
		}
		if text := ja.Contents[incident.FamilyEmail].Text; !strings.Contains(text, "請求書の送信、支払いの記録、検索、帳票の出力、ログイン") {
			t.Errorf("mail = %q, want all five by name", text)
		}
		if text := en.Contents[incident.FamilyEmail].Text; !strings.Contains(text, `"Sending invoices", "Payment records", "Search", "Exports" and "Signing in"`) {
			t.Errorf("mail = %q, want all five by name", text)
		}
	}
}

// customers answers what customers read in a step of a story, all families of
// one locale in one text.
func customers(t *testing.T, name string, step int, l incident.Locale) (all, plain string) {
	t.Helper()
	for _, s := range others(t) {
		if s.name != name {
			continue
		}
		ms, _ := render(t, told(t, minato(t), s)[step])
		m := textFor(t, ms, incident.Customers, l)
		for _, f := range []incident.Family{incident.FamilyEmail, incident.FamilySMS, incident.FamilySocial, incident.FamilyChat, incident.FamilyWebhook} {
			all += m.Contents[f].Subject + "\n" + m.Contents[f].Text + "\n"
			plain += m.Plain[f].Subject + "\n" + m.Plain[f].Text + "\n"
		}
	}
	return all, plain
}

func TestAutomaticClaimsNothing(t *testing.T) {
	for l, no := range map[incident.Locale]*regexp.Regexp{
		"ja": regexp.MustCompile(`調べています|対応|申し訳|原因|送信できません|担当`),
		"en": regexp.MustCompile(`(?i)investigating|engineers|looking|sorry|\bcause\b|cannot`),
	} {
		for step := range 2 { // the notice, and the holding text that follows it
			got, _ := customers(t, "automatic", step, l)
			got = strings.ReplaceAll(got, `"stage":"investigating"`, "") // what programs read
			if step == 1 {
				no = regexp.MustCompile(strings.NewReplacer("|申し訳", "", "|sorry", "").Replace(no.String())) // it is late
			}
			if m := no.FindString(got); m != "" {
				t.Errorf("%s, step %d says %q:\n%s", l, step, m, got)
			}
		}
	}
}

func TestLateUpdatesSaySo(t *testing.T) {
	for l, want := range map[incident.Locale]string{"ja": "12分遅れ", "en": "12 minutes late"} {
		for s := range strings.SplitSeq(want, "|") {
			got, _ := customers(t, "late", 1, l)
			if strings.Count(got, s) < 4 {
				t.Errorf("%s: holding text says %q %d times, want it in mail, SMS, social and chat:\n%s", l, s, strings.Count(got, s), got)
			}
		}
	}
}

func TestCorrectionHasTwoTexts(t *testing.T) {
	for l, mistake := range map[incident.Locale]*regexp.Regexp{
		"ja": regexp.MustCompile(`訂正|誤り|すべてのお客さま`), "en": regexp.MustCompile(`(?i)correct|wrong|no customer`),
	} {
		got, plain := customers(t, "correction", 2, l)
		if !mistake.MatchString(got) {
			t.Errorf("%s: those who were told read %q, want the mistake named", l, got)
		}
		if m := mistake.FindString(plain); m != "" || !strings.Contains(plain, "30%") {
			t.Errorf("%s: those who were not read %q in\n%s\nwant the truth alone", l, m, plain)
		}
	}
}

func TestRetractionNeverRepeatsTheText(t *testing.T) {
	for _, l := range []incident.Locale{"ja", "en"} {
		for step := 2; step < 4; step++ {
			got, _ := customers(t, "retraction", step, l)
			if strings.Contains(got, "すべてのお客さま") || strings.Contains(got, "No customer") {
				t.Errorf("%s, step %d repeats the text that is taken back:\n%s", l, step, got)
			}
		}
	}
}

func TestMergeLeadsToTheOther(t *testing.T) {
	for _, l := range []incident.Locale{"ja", "en"} {
		got, _ := customers(t, "merge", 1, l)
		if !strings.Contains(got, "https://minato.test/i/9p4rx2") || strings.Contains(got, "https://minato.test/i/7k2qm4") {
			t.Errorf("%s: a merge leads to\n%s\nwant the other incident's page alone", l, got)
		}
	}
}

func TestExpiredOutlookIsNotTold(t *testing.T) {
	in := told(t, minato(t), outage(t, "01KEXPIRED"))[2]
	in.Update.At = clock(t, 15, 41)
	in.Update.Next = clock(t, 16, 0)
	ms, _ := render(t, in)
	for _, m := range ms {
		for f, c := range m.Contents {
			if strings.Contains(c.Text, "15:40") || strings.Contains(c.Text, "06:40") {
				t.Errorf("%s, %s, %s tells an outlook that has expired:\n%s", m.Audience, m.Locale, f, c.Text)
			}
		}
	}
}

func TestNoDataClaimFromAnEmptyFact(t *testing.T) {
	for _, state := range []incident.FactState{"", incident.Reported, incident.Hypothesis} {
		in := told(t, minato(t), outage(t, "01KDATA"))[4]
		in.Update.Facts.Data = incident.Fact[incident.DataEffect]{}
		if state != "" {
			in.Update.Facts.Data = incident.Fact[incident.DataEffect]{Value: incident.DataNone, State: state}
		}
		ms, _ := render(t, in)
		for _, l := range []incident.Locale{"ja", "en"} {
			for f, c := range textFor(t, ms, incident.Customers, l).Contents {
				if strings.Contains(c.Text, "失われ") || strings.Contains(c.Text, "No data") || strings.Contains(c.Text, `"data":"none"`) {
					t.Errorf("%s, %s with the data effect %q says that none was lost:\n%s", l, f, state, c.Text)
				}
			}
		}
	}
}

func TestWebhookIsACloudEvent(t *testing.T) {
	in := told(t, minato(t), outage(t, "01KEVENT"))[2]
	ms, _ := render(t, in)
	text := textFor(t, ms, incident.Customers, "en").Contents[incident.FamilyWebhook].Text
	var got map[string]any
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		t.Fatal(err)
	}
	data, ok := got["data"].(map[string]any)
	if !ok {
		t.Fatalf("data = %v, want an object", got["data"])
	}
	delete(got, "data")
	want := map[string]any{
		"specversion": "1.0", "id": "01KEVENT/3/customers/en", "source": "https://minato.test", "type": "shirase.incident.update.v1",
		"time": "2026-09-15T05:50:00Z", "subject": "01KEVENT", "datacontenttype": "application/json",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the envelope differs:\n%s", diff)
	}
	for k, v := range map[string]any{
		"incident": "01KEVENT", "seq": 3.0, "kind": "notice", "stage": "identified", "severity": "major", "locale": "en", "drill": false,
		"title": "[Cause found] Minato Billing: Sending invoices", "next_update_by": "2026-09-15T06:20:00Z", "link": "https://minato.test/i/7k2qm4",
		"components": []any{map[string]any{"id": "send", "name": "Sending invoices"}},
	} {
		if diff := cmp.Diff(v, data[k]); diff != "" {
			t.Errorf("data.%s differs:\n%s", k, diff)
		}
	}
	again, _ := render(t, in)
	if diff := cmp.Diff(ms, again); diff != "" {
		t.Errorf("the same input gives other texts:\n%s", diff)
	}
}

func TestUnknownLocale(t *testing.T) {
	in := firstNotice(t, "01KLOCALE")
	in.Plan.Organisation.Locales = []incident.Locale{"ja", "../x"}
	if _, _, err := message.Render(in); !errors.Is(err, incident.ErrInvalid) {
		t.Errorf("Render() = %v, want %v", err, incident.ErrInvalid)
	}
}

func TestDigest(t *testing.T) {
	in := firstNotice(t, "01KDIGEST")
	ms, _ := render(t, in)
	in.Update.At = in.Update.At.Add(20 * time.Second) // when it is accepted is not known while a draft waits
	later, _ := render(t, in)
	if a, b := message.Digest(ms), message.Digest(later); a != b || len(a) != 64 {
		t.Errorf("Digest() = %s and %s, want the same for the same words", a, b)
	}
	in.Update.Text = both("追記です。", "More.")
	other, _ := render(t, in)
	if a, b := message.Digest(ms), message.Digest(other); a == b {
		t.Errorf("Digest() = %s for other words, too", a)
	}
}
