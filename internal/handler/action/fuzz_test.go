package action_test

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"shirase/internal/embedded"
	"shirase/internal/handler/web/webtest"
)

// forgetful is a store that, from some time on, answers every write as ever and
// then undoes it, so that each form meets the same draft.
type forgetful struct {
	embedded.KV
	now bool
}

var errUndone = errors.New("undone")

func (f *forgetful) Update(fn func(embedded.Tx) error) error {
	if !f.now {
		return f.KV.Update(fn)
	}
	err := f.KV.Update(func(tx embedded.Tx) error {
		if err := fn(tx); err != nil {
			return err
		}
		return errUndone
	})
	if errors.Is(err, errUndone) {
		return nil
	}
	return err
}

// FuzzForm posts anything to a draft's page. The fault is never ours, and every
// page that answers is as safe as the others.
func FuzzForm(f *testing.F) {
	const kind = "application/x-www-form-urlencoded"
	for _, form := range []url.Values{
		{"do": {"publish"}, "digest": {"x"}},
		{"do": {"dismiss"}, "version": {"1"}},
		{"do": {"ack"}},
		{"do": {"edit"}, "version": {"3"}, "effect_ja": {"請求書を送信できません。"}, "effect_en": {"Invoices cannot be sent."}, "severity": {"minor"}},
		{"do": {"edit"}, "version": {"3"}, "next": {"2026-09-15T15:00"}, "next_was": {"2026-09-15T14:37"}, "text_ja": {"hmm"}},
		{"do": {"edit"}, "version": {"3"}, "next": {"0000-00-00 99:99:99"}, "text_en": {"SECRET"}},
		{"do": {"edit"}, "version": {"-1"}, "effect_ja": {""}, "effect_en": {""}, "severity": {"worst"}},
		{"do": {"edit"}, "version": {"x"}, "text_en": {"<script>\xff\x00" + strings.Repeat("x", 3000)}},
		{"do": {"<script>"}},
		{},
	} {
		f.Add(kind, form.Encode())
	}
	f.Add(kind, "do=%zz;&&=")
	f.Add(kind+"; charset=\"", "do=ack")
	f.Add("multipart/form-data; boundary=x", "--x\r\n")
	f.Add("", "")

	kv := &forgetful{KV: embedded.NewMemory()}
	var r *rig
	var path string
	f.Fuzz(func(t *testing.T, kind, body string) {
		if r == nil { // a rig belongs to a test, and each worker is a process of its own
			r = newRigOn(t, kv)
			r.handler.Log = slog.New(slog.DiscardHandler)
			path = r.path(r.drafted("login-failures").ID, "sato")
			kv.now = true
		}
		req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, strings.NewReader(body))
		req.Header.Set("Content-Type", kind)
		req.Header.Set("Sec-Fetch-Site", "same-origin")
		w := httptest.NewRecorder()
		r.handler.ServeHTTP(w, req)
		page, err := io.ReadAll(w.Body)
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case w.Code >= http.StatusInternalServerError:
			t.Errorf("%q = %d, want no fault of ours\n%s", body, w.Code, page)
		case w.Code == http.StatusSeeOther:
			if at := w.Header().Get("Location"); !strings.HasPrefix(at, path+"?done=") {
				t.Errorf("%q leads to %s, want back to the page", body, at)
			}
		default:
			webtest.Secure(t, w.Header())
		}
		if strings.Contains(strings.ToLower(string(page)), "<script") {
			t.Errorf("%q = a page with a script\n%s", body, page)
		}
	})
}
