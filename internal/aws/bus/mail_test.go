package bus_test

import (
	"fmt"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"shirase/internal/aws/bus"
	"shirase/internal/deliver"
	"shirase/internal/incident"
	"shirase/internal/message"
)

// mailed stores a mail in place of the one that an audience was to get.
func (w *world) mailed(a incident.Audience, subject, text string) {
	w.texts[fmt.Sprint("i-1", 1, a, w.plan.Organisation.Locales[0])] = message.Message{
		Contents: map[incident.Family]message.Content{incident.FamilyEmail: {Subject: subject, Text: text}},
	}
}

func TestSubjectsAreWhatSNSTakes(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, in, want string }{
		{"plain", "【障害発生】請求書の送信", "【障害発生】請求書の送信"},
		{"lines", "one\r\ntwo\tthree\u2028four", "one two three four"},
		{"controls", "\x00a\x1b[31m\u0085b\x7f", "a [31m b"},
		{"no UTF-8", "a\xffb", "a\uFFFDb"},
		{"at the limit", strings.Repeat("あ", 99), strings.Repeat("あ", 99)},
		{"over it", strings.Repeat("あ", 100), strings.Repeat("あ", 98) + "…"},
		{"ends within a flag", strings.Repeat("あ", 97) + "🇯🇵🇯🇵", strings.Repeat("あ", 97) + "…"},
		{"empty", "\n", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, "i-1", company(t))
			w.accept(t, incident.Proposal{Stage: incident.Investigating}, incident.Customers)
			w.mailed(incident.Engineering, tt.in, "text")
			w.mailed(incident.Customers, tt.in, "text")
			var s stub
			if err := bus.New(s.client(), starter, w.reading(), now, quiet()).Publish(t.Context(), deliver.Pointer{Incident: "i-1", Seq: 1}, soon); err != nil {
				t.Fatal(err)
			}
			if len(s.seen) != 2 {
				t.Fatalf("Publish() made %d calls, want the notice and the pointer", len(s.seen))
			}
			for _, got := range s.seen {
				if got.Subject != tt.want {
					t.Errorf("the subject %q went to %s as %q, want %q", tt.in, got.Topic, got.Subject, tt.want)
				}
				if n := utf8.RuneCountInString(got.Subject); n >= 100 || strings.ContainsFunc(got.Subject, unicode.IsControl) {
					t.Errorf("the subject %q went to %s with %d characters: %q", tt.in, got.Topic, n, got.Subject)
				}
			}
		})
	}
}

func TestNoticesAreWhatSNSTakes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "i-1", company(t))
	w.accept(t, incident.Proposal{Stage: incident.Investigating}, incident.Customers)
	w.mailed(incident.Customers, "Outage", strings.Repeat("障", 100_000))
	s := stub{fault: func(p publication, _ int) string {
		if p.Topic == starter.Notices && p.Subject != "" {
			return "InvalidParameter"
		}
		return ""
	}}
	if err := bus.New(s.client(), starter, w.reading(), now, quiet()).Publish(t.Context(), deliver.Pointer{Incident: "i-1", Seq: 1}, soon); err != nil {
		t.Fatal(err)
	}
	got := s.on(starter.Notices)
	if len(got) != 2 || got[1].Subject != "" {
		t.Fatalf("%d notices, the last with a subject: %t; want 2, the last without, since it was refused", len(got), got[len(got)-1].Subject != "")
	}
	for _, p := range got {
		if p.Structure != "" || len(p.Message) > 256<<10 || len(p.Message) < 240<<10 || !utf8.ValidString(p.Message) {
			t.Errorf("a notice of 300 kB has %d bytes and structure %q, want whole characters of at most 256 KiB and none", len(p.Message), p.Structure)
		}
	}
}
