package message_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"shirase/internal/incident"
	"shirase/internal/message"
)

func TestResolve(t *testing.T) {
	ms, _ := render(t, firstNotice(t, "01KRESOLVE"))
	own := message.Reader{Unsubscribe: "https://minato.test/u?a=1&b=2", Manage: "https://minato.test/m"}
	abroad := own
	abroad.Zone = "America/Los_Angeles"
	home := own
	home.Zone = "Asia/Seoul" // the same clock as Tokyo
	for _, c := range []struct {
		name    string
		locale  incident.Locale
		reader  message.Reader
		has     []string
		hasnt   []string
		html    []string
		htmlNot []string
	}{
		{
			"a subscriber", "ja", own,
			[]string{"14:30までにお送りします", "\n配信を止める: https://minato.test/u?a=1&b=2\n", "\n受け取り方を変える: https://minato.test/m\n"},
			[]string{"お手元"},
			[]string{`<a href="https://minato.test/u?a=1&amp;b=2">`},
			nil,
		},
		{
			"a member", "ja",
			message.Reader{},
			[]string{"14:30までにお送りします"},
			[]string{"配信を止める", "\n\n\n", "お手元"},
			nil,
			[]string{"<p></p>", "配信を止める"},
		},
		{
			"abroad, in Japanese", "ja", abroad,
			[]string{"14:30(お手元の時刻で9月14日(月)22:30)までにお送りします"},
			nil,
			[]string{"お手元の時刻で9月14日(月)22:30"},
			nil,
		},
		{
			"abroad, in English", "en", abroad,
			[]string{"by 14:30 JST (05:30 UTC, your time 22:30 on Mon 14 Sep).", "Stop these emails: https://minato.test/u?a=1&b=2"},
			nil, nil, nil,
		},
		{"with the same clock", "en", home, []string{"by 14:30 JST (05:30 UTC)."}, []string{"your time"}, nil, nil},
		{"an unknown zone", "en", message.Reader{Zone: "Nowhere/At_all"}, []string{"by 14:30 JST (05:30 UTC)."}, []string{"your time"}, nil, nil},
		{
			"a link that is none", "en", message.Reader{Unsubscribe: "javascript:alert(1)"}, nil, []string{"javascript", "Stop these"}, nil, []string{"javascript"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			stored := textFor(t, ms, incident.Customers, c.locale).Contents[incident.FamilyEmail]
			got := message.Resolve(stored, incident.FamilyEmail, c.locale, c.reader, tokyo(t))
			checkHTML(t, got.HTML)
			for _, s := range c.has {
				if !strings.Contains(got.Text, s) {
					t.Errorf("Resolve() = %q, want %q in it", got.Text, s)
				}
			}
			for _, s := range append(c.hasnt, "⟦", "⟧") {
				if strings.Contains(got.Text, s) {
					t.Errorf("Resolve() = %q, want no %q in it", got.Text, s)
				}
			}
			for _, s := range c.html {
				if !strings.Contains(got.HTML, s) {
					t.Errorf("Resolve() = %q, want %q in it", got.HTML, s)
				}
			}
			for _, s := range c.htmlNot {
				if strings.Contains(got.HTML, s) {
					t.Errorf("Resolve() = %q, want no %q in it", got.HTML, s)
				}
			}
			if got.Subject != stored.Subject {
				t.Errorf("Resolve() changed the subject to %q", got.Subject)
			}
		})
	}
}

func TestResolveKeepsTheLinksOfAReaderOfAnotherLanguage(t *testing.T) {
	ms, _ := render(t, firstNotice(t, "01KFRENCH"))
	stored := textFor(t, ms, incident.Customers, "ja").Contents[incident.FamilyEmail]
	got := message.Resolve(stored, incident.FamilyEmail, "fr", message.Reader{Unsubscribe: "https://minato.test/u"}, tokyo(t))
	if !strings.Contains(got.Text, "https://minato.test/u") {
		t.Errorf("Resolve() = %q, want the way out in it", got.Text)
	}
}

func TestOtherFamiliesHoldNoTokens(t *testing.T) {
	ms, _ := render(t, firstNotice(t, "01KTOKENS"))
	for _, m := range ms {
		for f, c := range m.Contents {
			if f == incident.FamilyEmail {
				continue
			}
			if diff := cmp.Diff(c, message.Resolve(c, f, m.Locale, message.Reader{Unsubscribe: "https://minato.test/u", Zone: "Europe/Paris"}, tokyo(t))); diff != "" {
				t.Errorf("Resolve() changed the text of %s:\n%s", f, diff)
			}
			if strings.ContainsAny(c.Text+c.Subject, "⟦⟧") {
				t.Errorf("%s holds a token: %q", f, c.Text)
			}
		}
	}
}
