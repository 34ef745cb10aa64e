package message_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"shirase/internal/incident"
	"shirase/internal/message"
)

var update = flag.Bool("update", false, "rewrite the samples in docs/samples")

// golden compares a document with its file, or rewrites it.
func golden(t *testing.T, path, got string) {
	t.Helper()
	path = filepath.Join("..", "..", "docs", "samples", path)
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("read the sample (rewrite with -update): %v", err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs (rewrite with -update, and read it aloud):\n%s", path, diff)
	}
}

// fence shows a text as it stands.
func fence(b *strings.Builder, label, text string) {
	fmt.Fprintf(b, "%s\n\n```text\n%s\n```\n\n", label, strings.TrimRight(text, "\n"))
}

// shown writes what a reader of each family sees.
func shown(b *strings.Builder, l incident.Locale, contents map[incident.Family]message.Content, all bool, zone *time.Location) {
	var own [2]string // members inside have no links of their own
	if all {
		own = [2]string{"https://minato.test/unsubscribe?t=example", "https://minato.test/manage?t=example"}
	}
	mail := message.Resolve(contents[incident.FamilyEmail], incident.FamilyEmail, l, message.Reader{
		Unsubscribe: own[0], Manage: own[1],
	}, zone)
	fence(b, "Email: **"+mail.Subject+"**", mail.Text)
	sms := contents[incident.FamilySMS].Text
	parts, unicode := message.Parts(sms)
	count := "1 part"
	if parts > 1 {
		count = fmt.Sprintf("%d parts", parts)
	}
	alphabet := "GSM-7"
	if unicode {
		alphabet = "Unicode"
	}
	fence(b, fmt.Sprintf("SMS, %s, %s:", count, alphabet), sms)
	if all {
		fence(b, "Social:", contents[incident.FamilySocial].Text)
		fence(b, "Chat:", contents[incident.FamilyChat].Text)
	}
}

func TestSamples(t *testing.T) {
	p := minato(t)
	for _, s := range stories(t) {
		ins := told(t, p, s)
		for _, l := range p.Organisation.Locales {
			var b strings.Builder
			fmt.Fprintf(&b, "# %s, %s\n\nWritten by the tests of package message; rewrite with `go test ./internal/message -update`.\n\n", s.name, l)
			for n, in := range ins {
				ms, fs := render(t, in)
				if message.Blocks(fs) {
					t.Errorf("Render(%s, %s) = %+v, want nothing that blocks", s.name, s.steps[n].name, fs)
				}
				fmt.Fprintf(&b, "## %s, customers\n\n", s.steps[n].name)
				m := textFor(t, ms, incident.Customers, l)
				shown(&b, l, m.Contents, true, p.Organisation.Zone)
				if m.Plain != nil {
					fmt.Fprintf(&b, "### For those who never got the wrong notice\n\n")
					shown(&b, l, m.Plain, true, p.Organisation.Zone)
				}
				if s.name != "outage" && s.name != "automatic" && s.name != "maintenance" && s.name != "retraction" {
					continue
				}
				for _, a := range []incident.Audience{
					incident.Support, incident.Management, incident.Marketing, incident.Engineering, incident.Staff,
				} {
					fmt.Fprintf(&b, "## %s, %s\n\n", s.steps[n].name, a)
					shown(&b, l, textFor(t, ms, a, l).Contents, false, p.Organisation.Zone)
				}
			}
			golden(t, filepath.Join(string(l), s.name+".md"), b.String())
		}
	}
}
