package bus_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"shirase/internal/aws/bus"
)

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
			var s stub
			if err := bus.NewOperators(s.client(), "arn:operators").Tell(t.Context(), tt.in, "text"); err != nil {
				t.Fatal(err)
			}
			got := s.seen[0]
			if got.Subject != tt.want || got.Topic != "arn:operators" || got.Message != "text" || got.Structure != "" {
				t.Errorf("Tell(%q) published %+v, want the subject %q", tt.in, got, tt.want)
			}
			if n := utf8.RuneCountInString(got.Subject); n >= 100 || strings.ContainsFunc(got.Subject, unicode.IsControl) {
				t.Errorf("Tell(%q) has a subject of %d characters: %q", tt.in, n, got.Subject)
			}
		})
	}
}

func TestOperatorsAreTold(t *testing.T) {
	t.Parallel()
	tell := func(s *stub, text string) error {
		return bus.NewOperators(s.client(), "arn:operators").Tell(t.Context(), "Alarm not readable", text)
	}
	var s stub
	if err := tell(&s, ""); err != nil || s.seen[0].Message != "Alarm not readable" {
		t.Errorf("Tell(no text) = %v, published %+v, want the subject as the text", err, s.seen[0])
	}
	s = stub{}
	if err := tell(&s, strings.Repeat("障", 100_000)); err != nil || len(s.seen[0].Message) > 256<<10 || !utf8.ValidString(s.seen[0].Message) {
		t.Errorf("Tell(300 kB) = %v with %d bytes, want whole characters of at most 256 KiB", err, len(s.seen[0].Message))
	}
	s = stub{fault: func(p publication, _ int) string {
		if p.Subject != "" {
			return "InvalidParameter"
		}
		return ""
	}}
	if err := tell(&s, "text"); err != nil || len(s.seen) != 2 {
		t.Errorf("Tell() with a subject that is refused = %v after %d calls, want nil after 2", err, len(s.seen))
	}
	s = stub{fault: func(publication, int) string { return "NotFound" }}
	if err := tell(&s, "text"); err == nil {
		t.Error("Tell() on a topic that is gone = nil, want an error")
	}
}
