package message_test

import (
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/rivo/uniseg"
	"pgregory.net/rapid"

	"shirase/internal/incident"
	"shirase/internal/message"
)

func TestParts(t *testing.T) {
	for _, c := range []struct {
		name    string
		in      string
		parts   int
		unicode bool
	}{
		{"empty", "", 1, false},
		{"160 plain", strings.Repeat("a", 160), 1, false},
		{"161 plain", strings.Repeat("a", 161), 2, false},
		{"306 plain", strings.Repeat("a", 306), 2, false},
		{"307 plain", strings.Repeat("a", 307), 3, false},
		{"brackets count twice", strings.Repeat("[", 80), 1, false},
		{"81 brackets", strings.Repeat("[", 81), 2, false},
		{"a bracket is not split", strings.Repeat("a", 152) + "[" + strings.Repeat("a", 152), 3, false},
		{"70 Japanese", strings.Repeat("あ", 70), 1, true},
		{"71 Japanese", strings.Repeat("あ", 71), 2, true},
		{"emoji count twice", strings.Repeat("😀", 35), 1, true},
		{"36 emoji", strings.Repeat("😀", 36), 2, true},
		{"one curly quote", "’" + strings.Repeat("a", 70), 2, true},
		{"accents of the alphabet", "café", 1, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if parts, unicode := message.Parts(c.in); parts != c.parts || unicode != c.unicode {
				t.Errorf("Parts(%q) = %d, %v, want %d, %v", c.in, parts, unicode, c.parts, c.unicode)
			}
		})
	}
}

// limits are those of the channels, and a few that pinch.
func limits(tb testing.TB) map[string]message.Limit {
	tb.Helper()
	out := map[string]message.Limit{
		"40 runes":     {Unit: message.Runes, Max: 40},
		"300 bytes":    {Unit: message.Bytes, Max: 300},
		"60 graphemes": {Unit: message.Graphemes, Max: 60, URL: 23},
		"2 parts":      {Unit: message.SMSParts, Max: 2},
	}
	for _, c := range []incident.Channel{incident.SMS, "mastodon", "slack", incident.Webhook} {
		l, ok := message.LimitOf(c)
		if !ok {
			tb.Fatalf("LimitOf(%s) = _, false, want a limit", c)
		}
		out[string(c)] = l
	}
	return out
}

const link = "https://m.test/7K2Q"

// checkFit holds Fit to its word.
func checkFit(t interface {
	Helper()
	Fatalf(string, ...any)
}, text, link string, l message.Limit,
) {
	t.Helper()
	got := message.Fit(text, link, l)
	text = strings.TrimSpace(text)
	if !l.Fits(got) {
		t.Fatalf("Fit(%q) = %q, which takes %d of %d %s", text, got, l.Measure(got), l.Max, l.Unit)
	}
	if l.Fits(strings.TrimLeft(text+" "+link, " ")) {
		if want := strings.TrimLeft(text+" "+link, " "); got != want {
			t.Fatalf("Fit(%q) = %q, want it whole", text, got)
		}
		return
	}
	rest, ok := strings.CutSuffix(got, link)
	if !ok {
		t.Fatalf("Fit(%q) = %q, want the link last", text, got)
	}
	rest = strings.TrimSuffix(rest, " ")
	if rest == "" {
		return
	}
	cut, dots := strings.CutSuffix(rest, "…")
	if !dots {
		if cut, dots = strings.CutSuffix(rest, "..."); !dots {
			t.Fatalf("Fit(%q) = %q, want an ellipsis", text, got)
		}
	}
	if !strings.HasPrefix(text, cut) {
		t.Fatalf("Fit(%q) = %q, want a beginning of the text", text, got)
	}
	at := 0
	for g := uniseg.NewGraphemes(text); at < len(cut) && g.Next(); {
		_, at = g.Positions()
	}
	if at != len(cut) {
		t.Fatalf("Fit(%q) = %q, which splits a character", text, got)
	}
}

func TestFitKeepsItsWord(t *testing.T) {
	pieces := []string{"請求書を送信できません。", "👨‍👩‍👧‍👦", "が", "e\u0301", "🇯🇵", "Invoices cannot be sent. ", "https://a.test/x?y=1 ", "[", " ", "\n", "x"}
	for name, l := range limits(t) {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				text := strings.Join(rapid.SliceOfN(rapid.OneOf(rapid.SampledFrom(pieces), rapid.StringN(0, 8, -1)), 0, 60).Draw(t, "text"), "")
				checkFit(t, text, link, l)
			})
		})
	}
}

func TestFitSplitsNoLink(t *testing.T) {
	l := message.Limit{Unit: message.Runes, Max: 60}
	got := message.Fit("Please read https://minato.test/a/very/long/path/that/goes/on first.", link, l)
	if want := "Please read... " + link; got != want {
		t.Errorf("Fit() = %q, want %q", got, want)
	}
}

func FuzzFit(f *testing.F) {
	f.Add("請求書を送信できません。", 10)
	f.Add("👨‍👩‍👧‍👦👨‍👩‍👧‍👦 https://a.test/b", 40)
	f.Add("[[[[[[[[[[", 100)
	f.Fuzz(func(t *testing.T, text string, most int) {
		if most < 30 || most > 2000 || len(text) > 4000 || !utf8.ValidString(text) {
			return
		}
		for _, u := range []message.Unit{message.Runes, message.Graphemes, message.Bytes} {
			checkFit(t, text, link, message.Limit{Unit: u, Max: most})
		}
		checkFit(t, text, link, message.Limit{Unit: message.SMSParts, Max: 1 + most%3})
	})
}

// long draws names and sentences of every size.
func long(t *rapid.T, what string, pieces ...string) string {
	return strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 1, 40).Draw(t, what), "")
}

// saysState reports whether a short message says its state without the status
// word: who speaks, what cannot be done, or by whom, as a whole sentence, or that
// there is a problem.
func saysState(in message.Input, m message.Message, sms string) bool {
	says := []string{"障害", "訂正", "取り消し", "新しい情報なし", "に問題", "の問題", "再発", "復旧", "経過確認中", "できな", "できません", "roblem with", "cannot", "is in place", "The problem is back"}
	if org, ok := in.Plan.Organisation.Name.In(m.Locale); ok {
		says = append(says, strings.Join(strings.Fields(strings.NewReplacer("‘", "'", "’", "'").Replace(org)), " "))
	}
	told := []incident.Text{in.Update.Facts.Scope.Value, in.Update.Facts.Effect.Value}
	for _, c := range in.Plan.Components {
		told = append(told, c.Effect)
	}
	for _, t := range told {
		if s, ok := t.In(m.Locale); ok {
			says = append(says, strings.TrimRight(s, "。."))
		}
	}
	return slices.ContainsFunc(says, func(s string) bool { return strings.Contains(sms, s) })
}

func TestEveryShortTextFitsWhateverItsNames(t *testing.T) {
	type key struct{ story, step int }
	var keys []key
	all := stories(t)
	for s := range all {
		for n := range all[s].steps {
			keys = append(keys, key{s, n})
		}
	}
	rapid.Check(t, func(rt *rapid.T) {
		k := rapid.SampledFrom(keys).Draw(rt, "step")
		p := minato(t)
		p.Audiences = p.Audiences[1:]
		p.Organisation.Name = both(long(rt, "organisation", "ミナト", "請求", "株式会社", "👨‍👩‍👧‍👦"), long(rt, "organization", "Minato ", "Billing ", "R&D ", "‘x’ "))
		for n := range p.Components {
			p.Components[n].Name = both(long(rt, "name", "請求書", "の送信", "🇯🇵"), long(rt, "name", "Sending ", "invoices ", "— "))
			p.Components[n].Effect = both(long(rt, "effect", "請求書を", "送信できません。"), long(rt, "effect", "Invoices cannot be sent. ", "naïve "))
		}
		in := told(t, p, all[k.story])[k.step]
		ms, _ := render(t, in)
		for _, m := range ms {
			for _, contents := range []map[incident.Family]message.Content{m.Contents, m.Plain} {
				if contents == nil {
					continue
				}
				sms := contents[incident.FamilySMS].Text
				if parts, _ := message.Parts(sms); parts != 1 {
					rt.Fatalf("%s, %s, %s: Parts(%q) = %d, want 1", all[k.story].name, m.Audience, m.Locale, sms, parts)
				}
				end := in.Link
				if in.Into != "" {
					end = in.Into
				}
				for _, f := range []incident.Family{incident.FamilySMS, incident.FamilySocial} {
					if text := contents[f].Text; !strings.HasSuffix(text, " "+end) {
						rt.Fatalf("%s text = %q, want the link last after a space", f, text)
					}
				}
				state, _, _ := strings.Cut(strings.TrimLeft(contents[incident.FamilyEmail].Subject, "【["), "】")
				state, _, _ = strings.Cut(state, "]")
				if strings.HasPrefix(state, "訓練") || strings.HasPrefix(state, "DRILL") {
					state = strings.Trim(state, "【[")
				}
				if !strings.Contains(sms, state) && !saysState(in, m, sms) {
					rt.Fatalf("SMS = %q, want the status word %q whole, or what says the same", sms, state)
				}
			}
		}
	})
}

// TestEveryShortMessageSaysWhatAndOfWhom holds every shape to its topic or
// effect, and to the company's name or a word of state, beside links as they are.
func TestEveryShortMessageSaysWhatAndOfWhom(t *testing.T) {
	words := map[incident.Locale][]string{
		"ja": {"ミナト請求", "障害", "復旧", "訂正", "取り消し", "メンテナンス", "経過確認中"},
		"en": {"Minato Billing", "[Investigating]", "[Possible problem]", "[Update]", "[Cause found]", "[Fix in place]", "[Resolved]", "[Report]", "[Withdrawn]", "[Correction]", "[Maintenance"},
	}
	all := stories(t)
	rapid.Check(t, func(rt *rapid.T) {
		p := minato(t)
		p.Audiences = p.Audiences[3:]
		p.Components[0].Name = both(rapid.SampledFrom([]string{"請求書の送信", "ほかのソフトとの連携"}).Draw(rt, "ja"), "Sending invoices")
		p.Components[0].Effect = both("カードでお支払いができません。", "Invoices cannot be sent.")
		s := rapid.SampledFrom(all).Draw(rt, "story")
		in := rapid.SampledFrom(told(t, p, s)).Draw(rt, "step")
		ids := []incident.ComponentID{"send", "pay", "search", "export", "login"}
		in.Update.Components = ids[:rapid.IntRange(1, len(ids)).Draw(rt, "components")]
		if d := rapid.SampledFrom([]incident.DataEffect{"", incident.DataNone, incident.DataDelayed, incident.DataWrong, incident.DataLost, incident.DataExposed}).Draw(rt, "data"); d != "" {
			in.Update.Facts.Data = sure(d, in.Update.At)
		}
		if rapid.Bool().Draw(rt, "no start") {
			in.Update.Facts.StartedAt = incident.Fact[time.Time]{}
		}
		link := "https://minato.test/i/" + rapid.StringMatching(`[a-z0-9]{6,9}`).Draw(rt, "link")
		in.Link = link
		if in.Into != "" {
			in.Into = link
		}
		ms, _ := render(t, in)
		for _, m := range ms {
			first := p.Components[0]
			name, _ := first.Name.In(m.Locale)
			effect, _ := first.Effect.In(m.Locale)
			for _, contents := range []map[incident.Family]message.Content{m.Contents, m.Plain} {
				sms, told := contents[incident.FamilySMS].Text, contents != nil
				if !told {
					continue
				}
				if parts, _ := message.Parts(sms); parts != 1 || !strings.HasSuffix(sms, " "+link) {
					rt.Fatalf("SMS = %q, want one part with its link", sms)
				}
				has := func(s string) bool { return strings.Contains(sms, s) }
				if !has(name) && !has(strings.TrimRight(effect, "。.")) {
					rt.Fatalf("SMS = %q, want %q or %q", sms, name, effect)
				}
				if strings.Contains(sms, "…") || has("...") || !slices.ContainsFunc(words[m.Locale], has) {
					rt.Fatalf("SMS = %q, want nothing cut, and the name or a word of state", sms)
				}
			}
		}
	})
}
