package challenge

import (
	"strings"
	"testing"
)

// FuzzAnswer reads what an endpoint that anybody may name gives back. Its errors
// say nothing of what that was.
func FuzzAnswer(f *testing.F) {
	for _, body := range []string{
		`{"challenge":"v4lue"}`, `{"challenge":""}`, `{"ok":true}`, `<html>`, ``, `{"challenge":1}`, `{"challenge":"a"}{}`,
		`{"challenge":"` + strings.Repeat("v", maxValue+1) + `"}`, `{"challenge":"\ud800\u0000"}`, `null`, `[[[[`,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := decode(body)
		if (err == nil) != (got != "") || len(got) > maxValue {
			t.Errorf("decode(%q) = %q, %v, want a bounded value or an error", body, got, err)
		}
		if err != nil && err.Error() != "answer of the endpoint is not JSON" && err.Error() != "answer of the endpoint has no challenge" {
			t.Errorf("decode(%q) = %v, want an error that says nothing of it", body, err)
		}
	})
}
