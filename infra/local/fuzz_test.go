package main

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"shirase/events"
	"shirase/internal/embedded"
	"shirase/internal/message"
)

// FuzzClock posts anything to /clock: the clock moves forwards, at most a year,
// or not at all.
func FuzzClock(f *testing.F) {
	for _, body := range []string{
		`{"advance":"31m"}`, `{"advance":"0"}`, `{"advance":"-1s"}`, `{"advance":"8760h"}`, `{"advance":"8761h"}`, `{"advance":31}`,
		`{"advance":"1m","by":1}`, `{"advance":"9999999999h"}`, `{}`, `[]`, `null`, ``, `{"advance":`,
	} {
		f.Add([]byte(body))
	}
	c := &clock{}
	kv := embedded.NewMemory()
	store := embedded.New(kv, c.now)
	e := newEngine(&engine{clock: c, store: store, queues: embedded.NewQueues(kv, c.now, message.Families(), store), log: slog.New(slog.DiscardHandler)})
	p := &program{clock: c, engine: e, log: e.log}
	book, err := embedded.NewBook(kv, 1)
	if err != nil {
		f.Fatal(err)
	}
	p.book = book
	f.Fuzz(func(t *testing.T, body []byte) {
		c.standing, c.at = true, noon
		w := httptest.NewRecorder()
		p.moveClock(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/clock", bytes.NewReader(body)))
		by := c.now().Sub(noon)
		if !json.Valid(w.Body.Bytes()) || w.Code != http.StatusOK && w.Code != http.StatusUnprocessableEntity {
			t.Fatalf("%q = %d %s, want 200 or 422", body, w.Code, w.Body)
		}
		if by < 0 || by > 365*24*time.Hour || w.Code != http.StatusOK && by != 0 {
			t.Errorf("%q = %d moves the clock by %s, want a move forwards only where it was taken", body, w.Code, by)
		}
	})
}

// FuzzInvoke posts anything as an alarm. What reaches the function is JSON, and
// JSON reaches it as it is.
func FuzzInvoke(f *testing.F) {
	for _, name := range []string{"alarm/metric-sns.json", "alarm/metric-eventbridge.json", "alarm/sqs-mixed.json"} {
		b, err := events.Files.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
		f.Add(b[:len(b)/2])
	}
	f.Add([]byte(nil))
	f.Add([]byte("\xff\x00\"\\"))
	f.Add([]byte(`{} {}`))
	var got []byte
	alarm := function(func(_ context.Context, event json.RawMessage) (any, error) {
		got = bytes.Clone(event)
		return struct{}{}, nil
	})
	p := &program{engine: &engine{handlers: map[string]lambda.Handler{"alarm": alarm}}, log: slog.New(slog.DiscardHandler)}
	f.Fuzz(func(t *testing.T, body []byte) {
		got = nil
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/invoke/alarm", bytes.NewReader(body))
		r.SetPathValue("function", "alarm")
		w := httptest.NewRecorder()
		p.invokeRaw(w, r)
		if w.Code != http.StatusOK || !json.Valid(got) {
			t.Fatalf("%q = %d %s with %q for the function, want 200 with JSON", body, w.Code, w.Body, got)
		}
		if json.Valid(body) && !bytes.Equal(got, bytes.TrimSpace(body)) {
			t.Errorf("the function got %q, want %q", got, body)
		}
	})
}
