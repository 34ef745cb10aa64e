package slack

import (
	"strings"
	"testing"
	"time"

	"shirase/internal/channel"
)

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"ok":true,"channel":"C0123","ts":"1789442520.000100"}`))
	f.Add([]byte(`{"ok":false,"error":"ratelimited"}`))
	f.Add([]byte(`{"ok":false,"error":"see https://hooks.example/secret"}`))
	f.Add([]byte(`ok`))
	s := &Sender{now: func() time.Time { return time.Time{} }}
	f.Fuzz(func(t *testing.T, body []byte) {
		a, err := decode(body)
		if err != nil {
			return
		}
		if a.OK {
			i := id{channel: a.Channel, ts: a.TS}
			if got := parseID(i.String(), "other"); got != i {
				t.Errorf("parseID(%q) = %v, want %v", i, got, i)
			}
			return
		}
		failure := s.refused(channel.Answer{Status: 200, Body: body}, word(a.Error))
		if strings.ContainsAny(failure.Error(), "/@\"'<>\r\n") || failure.Reason == "" {
			t.Errorf("refused(%q) = %q, want nothing of the answer but a code", body, failure)
		}
	})
}
