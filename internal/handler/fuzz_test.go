package handler_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"shirase/internal/handler"
	"shirase/internal/incident"
)

func seed(f *testing.F, dirs ...string) {
	f.Helper()
	for _, dir := range dirs {
		for _, raw := range samples(f, dir) {
			f.Add(raw)
		}
	}
}

// checkSignal holds what is true of any signal, whatever arrived.
func checkSignal(t *testing.T, s incident.Signal) {
	t.Helper()
	for name, v := range map[string]struct {
		text  string
		limit int
	}{
		"id": {s.ID, 32}, "alarm": {s.Alarm, 255}, "arn": {s.ARN, 600}, "account": {s.Account, 12}, "region": {s.Region, 32},
		"contributor": {s.Contributor, 255}, "reason": {s.Reason, 1000}, "description": {s.Description, 1024},
		"children": {strings.Join(s.Children, ""), 100 * 600},
	} {
		if utf8.RuneCountInString(v.text) > v.limit || !utf8.ValidString(v.text) || strings.ContainsFunc(v.text, unicode.IsControl) {
			t.Errorf("%s = %q, want at most %d plain characters", name, v.text, v.limit)
		}
	}
	if !s.State.Valid() || s.Previous != "" && !s.Previous.Valid() || len(s.Tags) > 50 || len(s.Children) > 100 {
		t.Errorf("signal = %+v, want valid states and bounded lists", s)
	}
	for k, v := range s.Tags {
		if k == "" || utf8.RuneCountInString(k) > 128 || utf8.RuneCountInString(v) > 256 || strings.ContainsFunc(k+v, unicode.IsControl) {
			t.Errorf("tag %q = %q, want bounded and plain", k, v)
		}
	}
	if len(s.ID) != 32 || s.Alarm == "" || !strings.HasSuffix(s.ARN, ":alarm:"+s.Alarm) || s.At.Nanosecond()%1e6 != 0 || s.At.Year() < 2000 || s.At.Year() > 2099 {
		t.Errorf("signal = %+v, want an id, a name, its ARN and a time to the millisecond", s)
	}
}

func FuzzAlarm(f *testing.F) {
	seed(f, eventsRoot+"/alarm", "testdata/odd", "testdata/broken")
	f.Fuzz(func(t *testing.T, raw []byte) {
		h, in, _ := newAlarm()
		if _, err := h.Handle(t.Context(), raw); err != nil && !strings.Contains(err.Error(), "message id") {
			t.Fatalf("Handle = %v, want no error", err)
		}
		for _, s := range in.signals {
			checkSignal(t, s)
		}
		for _, u := range in.unreadable {
			if len(u.Raw) > handler.MaxBody || len(u.Why) > 200 || u.Why == "" {
				t.Errorf("unreadable: %d bytes because of %q, want bounded and a reason", len(u.Raw), u.Why)
			}
		}
		again, twice, _ := newAlarm()
		_, _ = again.Handle(t.Context(), raw)
		if d := cmp.Diff(in.signals, twice.signals); d != "" {
			t.Errorf("the same bytes gave other signals:\n%s", d)
		}
	})
}

func FuzzSNSEnvelope(f *testing.F) {
	for _, raw := range samples(f, eventsRoot+"/alarm") {
		f.Add(string(raw))
		var e events.SNSEvent
		if json.Unmarshal(raw, &e) == nil && len(e.Records) == 1 {
			f.Add(e.Records[0].SNS.Message)
		}
	}
	f.Fuzz(func(t *testing.T, message string) {
		if !utf8.ValidString(message) || len(message) > handler.MaxBody/8 {
			return // JSON carries valid text only, and escapes make it longer
		}
		plain, want, _ := newAlarm()
		if _, err := plain.Handle(t.Context(), json.RawMessage(message)); err != nil {
			return // a batch whose record has no id
		}
		var inQueue struct{ Records []json.RawMessage }
		if json.Unmarshal([]byte(message), &inQueue) == nil && inQueue.Records != nil {
			return // an envelope holds one alarm, no batch
		}
		text, err := json.Marshal(map[string]string{"Type": "Notification", "Message": message, "Subject": "ALARM"})
		if err != nil {
			t.Fatal(err)
		}
		event, err := json.Marshal(events.SNSEvent{Records: []events.SNSEventRecord{{EventSource: "aws:sns", SNS: events.SNSEntity{Type: "Notification", Message: message}}}})
		if err != nil {
			t.Fatal(err)
		}
		for way, raw := range map[string]json.RawMessage{"envelope": text, "event": event, "queue": mustBatch(t, string(text))} {
			h, got, _ := newAlarm()
			if _, err := h.Handle(t.Context(), raw); err != nil {
				t.Fatalf("Handle(%s) = %v, want no error", way, err)
			}
			if d := cmp.Diff(want.signals, got.signals); d != "" && !deep(want, got) {
				t.Errorf("%s (-plain +wrapped):\n%s", way, d)
			}
		}
	})
}

func mustBatch(t *testing.T, body string) json.RawMessage {
	t.Helper()
	return batchOf(t, message("1", body))
}

// deep tells that wrapping once more was once too often.
func deep(plain, wrapped *intake) bool {
	return len(wrapped.signals) < len(plain.signals) &&
		slices.ContainsFunc(wrapped.unreadable, func(u unread) bool { return u.Why == "wrapped too often" })
}

func FuzzSQSBatch(f *testing.F) {
	seed(f, eventsRoot+"/alarm", eventsRoot+"/fanout", eventsRoot+"/delivery", eventsRoot+"/due")
	f.Fuzz(func(t *testing.T, raw []byte) {
		away := errors.New("away")
		ids := map[string]bool{}
		var e struct{ Records []map[string]json.RawMessage }
		if json.Unmarshal(raw, &e) == nil {
			for _, r := range e.Records {
				for k, v := range r {
					var id string
					if strings.EqualFold(k, "messageId") && json.Unmarshal(v, &id) == nil {
						ids[id] = true
					}
				}
			}
		}
		check := func(name string, answer any, err error) {
			r, ok := answer.(events.SQSEventResponse)
			if err != nil || !ok {
				return
			}
			seen := map[string]bool{}
			for _, item := range r.BatchItemFailures {
				id := item.ItemIdentifier
				if id == "" || seen[id] || !ids[id] {
					t.Errorf("%s failed %q, want ids of the batch, each once", name, id)
				}
				seen[id] = true
			}
		}
		a, in, _ := newAlarm()
		in.fail, in.failRaw = func(incident.Signal) error { return away }, func([]byte) error { return away }
		answer, err := a.Handle(t.Context(), raw)
		check("alarm", answer, err)

		q, _, p := queue()
		p.err = away
		w := &work{errs: map[int]error{1: away, 2: away, 3: away}}
		answer, err = handler.FanOut{Queue: q, Pointers: w}.Handle(t.Context(), raw)
		check("fanout", answer, err)
		answer, err = handler.Delivery{Queue: q, Chunks: w}.Handle(t.Context(), raw)
		check("delivery", answer, err)
		answer, err = handler.Due{Sweep: &sweeps{err: away}, Visibility: &hidden{}, Now: atNoon}.Handle(t.Context(), raw)
		check("due", answer, err)
	})
}

func FuzzHTTPEvent(f *testing.F) {
	seed(f, eventsRoot+"/api", eventsRoot+"/signup")
	f.Fuzz(func(t *testing.T, raw []byte) {
		var seen *http.Request
		var body bytes.Buffer
		h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			seen = r
			if _, err := body.ReadFrom(r.Body); err != nil {
				t.Errorf("read = %v, want no error", err)
			}
			_, _ = w.Write(body.Bytes())
		})
		answer, err := handler.Gateway{Handler: h}.Handle(t.Context(), raw)
		if err != nil {
			t.Fatalf("Handle = %v, want no error", err)
		}
		resp, ok := answer.(events.APIGatewayV2HTTPResponse)
		if !ok {
			t.Fatalf("Handle = %T, want a response", answer)
		}
		w := httptest.NewRecorder()
		if err := handler.WriteResponse(w, resp); err != nil {
			t.Fatalf("WriteResponse = %v, want no error", err)
		}
		if seen == nil {
			if w.Code < 400 || w.Header().Get("Content-Type") != handler.ProblemType {
				t.Errorf("refused with %d %v, want a problem", w.Code, w.Header())
			}
			return
		}
		if body.Len() > 64<<10 || seen.ContentLength != int64(body.Len()) || !strings.HasPrefix(seen.URL.Path, "/") {
			t.Errorf("request of %d bytes (%d said) at %q, want bounded and rooted", body.Len(), seen.ContentLength, seen.URL.Path)
		}
		for name, values := range seen.Header {
			if strings.ContainsAny(name+strings.Join(values, ""), "\r\n\x00") {
				t.Errorf("header %q: %q, want no line break", name, values)
			}
		}
		// What came through makes an event again that says the same.
		seen.Body = http.NoBody
		e, err := handler.Request(seen, "id", noon)
		if err != nil {
			t.Fatal(err)
		}
		first := seen
		if _, err := handler.Serve(h)(t.Context(), e); err != nil {
			t.Fatal(err)
		}
		if seen == first || seen.URL.Path != first.URL.Path || seen.URL.RawQuery != first.URL.RawQuery || seen.Method != first.Method {
			t.Errorf("second time round: %s %s, want %s %s", seen.Method, seen.URL, first.Method, first.URL)
		}
	})
}
