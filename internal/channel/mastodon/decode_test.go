package mastodon

import (
	"strings"
	"testing"
	"time"

	"shirase/internal/deliver"
	"shirase/internal/plan"
)

func TestOriginFromAccount(t *testing.T) {
	t.Parallel()
	e := deliver.Envelope{Target: plan.Target{Address: "@status@social.example"}}
	if got, ok := origin(e); !ok || got != "https://social.example" {
		t.Errorf("origin = %q, %v, want https://social.example", got, ok)
	}
}

func FuzzPosted(f *testing.F) {
	f.Add([]byte(`{"id":"1123"}`))
	f.Add([]byte(`{"id":1123}`))
	f.Add([]byte(`[{"id":"a/b"}]`))
	f.Add([]byte(`{"error":"x"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		id, err := posted(body)
		if (err == nil) != (id != "") {
			t.Errorf("posted(%q) = %q, %v, want one of both", body, id, err)
		}
		if strings.ContainsAny(id, "/?#%.: \r\n") {
			t.Errorf("posted(%q) = %q, an id that is none", body, id)
		}
	})
}

func FuzzAmong(f *testing.F) {
	f.Add([]byte(`[{"id":"7","created_at":"2026-09-15T05:07:01.000Z","content":"<p>a &amp; b<br />c</p>"}]`), "a & b\nc")
	f.Add([]byte(`[{"id":"7","created_at":"2026-09-15T05:07:01.000Z","content":"<<p>"}]`), "<")
	since := time.Date(2026, 9, 15, 5, 7, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, body []byte, text string) {
		if id := among(body, text, since); id != "" && !strings.Contains(string(body), `"`+id+`"`) {
			t.Errorf("among(%q, %q) = %q, which is not there", body, text, id)
		}
	})
}
