package bus_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"shirase/internal/aws/bus"
	"shirase/internal/deliver"
	"shirase/internal/incident"
	"shirase/internal/message"
)

var soon = start.Add(time.Minute)

func TestPointerOfAnUpdateBringsTheEngineeringText(t *testing.T) {
	t.Parallel()
	const team = `
organisation: {name: {en: Minato}, contact: "https://minato.test/help", from: notice@minato.test, zone: UTC, locales: [en]}
components: [{id: invoices, name: {en: Sending invoices}, effect: {en: Invoices cannot be sent.}}]
audiences: [team, customers]
`
	for _, tt := range []struct {
		name, plan string
		reader     incident.Audience
	}{
		{"the engineers' own", company(t), incident.Engineering},
		{"the team inherits it", team, "team"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, "i-1", tt.plan)
			w.accept(t, incident.Proposal{Stage: incident.Investigating}, incident.Customers)
			var s stub
			p := deliver.Pointer{Incident: "i-1", Seq: 1}
			if err := bus.New(s.client(), topics, w.reading(), now, quiet()).Publish(t.Context(), p, soon); err != nil {
				t.Fatal(err)
			}
			want := w.said(1, tt.reader)
			if want.Text == "" || strings.Contains(want.Text, "⟦") || want.Text == w.said(1, incident.Customers).Text {
				t.Fatalf("the text for %s = %q, want one of its own without places", tt.reader, want.Text)
			}
			if len(s.seen) != 1 {
				t.Fatalf("Publish(%+v) made %d calls, want 1", p, len(s.seen))
			}
			got := s.seen[0]
			pointer := `{"incident":"i-1","seq":1}`
			if d := cmp.Diff(map[string]string{"default": pointer, "sqs": pointer, "email": want.Text}, got.bodies(t)); d != "" {
				t.Errorf("bodies differ (-want +got):\n%s", d)
			}
			if got.Subject != want.Subject || got.Topic != topics.Updates {
				t.Errorf("subject %q on %s, want %q on %s", got.Subject, got.Topic, want.Subject, topics.Updates)
			}
			if d := cmp.Diff(map[string]string{"kind": "String update", "mode": "String real"}, got.Attributes); d != "" {
				t.Errorf("attributes differ (-want +got):\n%s", d)
			}
		})
	}
}

func TestPointersSayWhatTheyAre(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		in   deliver.Pointer
		want map[string]string
		text bool
	}{
		{"an update", deliver.Pointer{Incident: "i-1", Seq: 1}, map[string]string{"kind": "String update", "mode": "String real"}, true},
		{"a memo", deliver.Pointer{Incident: "i-1", Slot: "draft#1"}, map[string]string{"kind": "String memo", "mode": "String real"}, false},
		{"a late reader", deliver.Pointer{Incident: "i-1", Seq: 1, Late: "r", Channel: incident.Email}, map[string]string{"kind": "String late", "mode": "String real"}, false},
		{"a drill", deliver.Pointer{Incident: "drill-1", Seq: 1}, map[string]string{"kind": "String update", "mode": "String drill"}, true},
		{"a drill's memo", deliver.Pointer{Incident: "drill-1", Slot: "draft#1"}, map[string]string{"kind": "String memo", "mode": "String drill"}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, tt.in.Incident, company(t))
			w.accept(t, incident.Proposal{Stage: incident.Investigating}, incident.Customers)
			var s stub
			if err := bus.NewPublisher(bus.New(s.client(), topics, w.reading(), now, quiet())).Publish(t.Context(), tt.in); err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.want, s.seen[0].Attributes); d != "" {
				t.Errorf("attributes differ (-want +got):\n%s", d)
			}
			bodies := s.seen[0].bodies(t)
			for _, protocol := range []string{"default", "sqs"} {
				var got deliver.Pointer
				if err := json.Unmarshal([]byte(bodies[protocol]), &got); err != nil || got != tt.in {
					t.Errorf("the body for %s = %+v, %v, want %+v", protocol, got, err, tt.in)
				}
			}
			if _, text := bodies["email"]; text != tt.text || (s.seen[0].Subject != "") != tt.text {
				t.Errorf("a mail's text is there: %t, subject %q, want %t", text, s.seen[0].Subject, tt.text)
			}
			if tt.text != (w.reads > 0) {
				t.Errorf("%d reads for a pointer that brings a text: %t", w.reads, tt.text)
			}
		})
	}
}

func TestPointerGoesWithoutATextThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		spoil func(w *world)
		warns int
	}{
		{"none is stored", func(w *world) { w.texts = nil }, 0},
		{"the store fails", func(w *world) { w.lost = errors.New("table is gone") }, 1},
		{"the store hangs", func(w *world) { w.stuck = true }, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, "i-1", company(t))
			w.accept(t, incident.Proposal{Stage: incident.Investigating}, incident.Customers)
			tt.spoil(w)
			synctest.Test(t, func(t *testing.T) {
				s := stub{fault: func(publication, int) string { time.Sleep(100 * time.Millisecond); return "" }} // the bubble's time
				var log bytes.Buffer
				err := bus.New(s.client(), topics, w.reading(), now, slog.New(slog.NewTextHandler(&log, nil))).
					Publish(t.Context(), deliver.Pointer{Incident: "i-1", Seq: 1}, soon)
				if err != nil || len(s.seen) != 1 {
					t.Fatalf("Publish() = %v after %d calls, want nil after 1", err, len(s.seen))
				}
				pointer := `{"incident":"i-1","seq":1}`
				if d := cmp.Diff(map[string]string{"default": pointer, "sqs": pointer}, s.seen[0].bodies(t)); d != "" {
					t.Errorf("bodies differ (-want +got):\n%s", d)
				}
				if n := strings.Count(log.String(), "level=WARN"); n != tt.warns {
					t.Errorf("log = %q, want %d warnings", log.String(), tt.warns)
				}
			})
		})
	}
}

func TestPublishKeepsItsDeadline(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "i-1", company(t))
	var s stub
	b := bus.New(s.client(), topics, w.reading(), now, quiet())
	if err := b.Publish(t.Context(), deliver.Pointer{Incident: "i-1", Seq: 1}, start); !errors.Is(err, context.DeadlineExceeded) || len(s.seen) != 0 || w.reads != 0 {
		t.Errorf("Publish() at the deadline = %v after %d calls and %d reads, want DeadlineExceeded after none", err, len(s.seen), w.reads)
	}
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		s := stub{hangs: true}
		err := bus.New(s.client(), topics, w.reading(), now, quiet()).Publish(t.Context(), deliver.Pointer{Incident: "i-1", Slot: "s"}, soon)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Publish() to an SNS that hangs = %v, want DeadlineExceeded", err)
		}
		if took := time.Since(began); len(s.seen) != 1 || took != soon.Sub(start) { // the bubble's time
			t.Errorf("Publish() tried %d times in %s, want once in %s", len(s.seen), took, soon.Sub(start))
		}
	})
}

func TestPublishAgainstFaults(t *testing.T) {
	t.Parallel()
	first := func(code string) func(publication, int) string {
		return func(_ publication, n int) string {
			if n == 0 {
				return code
			}
			return ""
		}
	}
	where := func(odd func(publication) bool) func(publication, int) string {
		return func(p publication, _ int) string {
			if odd(p) {
				return "InvalidParameter"
			}
			return ""
		}
	}
	named := func(p publication) bool { return p.Subject != "" }
	worded := func(p publication) bool { return strings.Contains(p.Message, `"email"`) }
	always := func(code string) func(publication, int) string { return func(publication, int) string { return code } }
	for _, tt := range []struct {
		name  string
		fault func(publication, int) string
		calls int
		left  string // what the last call has left beside the pointer
		ok    bool
	}{
		{"throttled once", first("Throttling"), 2, "text and subject", true},
		{"throttled", always("Throttling"), 3, "text and subject", false},
		{"an error inside once", first("InternalFailure"), 1, "text and subject", false}, // as 400, which is not tried again
		{"the subject refused", where(named), 2, "text", true},
		{"the text refused", where(worded), 3, "nothing", true},
		{"all refused", always("InvalidParameter"), 3, "nothing", false},
		{"no such topic", always("NotFound"), 1, "text and subject", false},
		{"not allowed", always("AuthorizationError"), 1, "text and subject", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, "i-1", company(t))
			w.accept(t, incident.Proposal{Stage: incident.Investigating}, incident.Customers)
			s := stub{fault: tt.fault}
			err := bus.New(s.client(), topics, w.reading(), now, quiet()).Publish(t.Context(), deliver.Pointer{Incident: "i-1", Seq: 1}, soon)
			if (err == nil) != tt.ok || len(s.seen) != tt.calls {
				t.Fatalf("Publish() = %v after %d calls, want ok=%t after %d", err, len(s.seen), tt.ok, tt.calls)
			}
			last := s.seen[len(s.seen)-1]
			_, text := last.bodies(t)["email"]
			if text != strings.Contains(tt.left, "text") || (last.Subject != "") != strings.Contains(tt.left, "subject") {
				t.Errorf("the last call has a text: %t, subject %q, want %s", text, last.Subject, tt.left)
			}
			if got := last.bodies(t)["sqs"]; got != `{"incident":"i-1","seq":1}` {
				t.Errorf("the last call holds %s, want the pointer", got)
			}
		})
	}
}

func TestLongTextIsCutAndThePointerIsNot(t *testing.T) {
	t.Parallel()
	family := "👨‍👩‍👧‍👦" // one character of 25 bytes
	for name, long := range map[string]string{
		"letters": strings.Repeat("word ", 80_000), "characters": strings.Repeat("障害", 60_000), "families": strings.Repeat(family, 12_000),
		"marks": strings.Repeat(`"\<&>`+"\n", 60_000), "controls": strings.Repeat("\x01", 200_000),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, "i-1", company(t))
			w.texts[fmt.Sprint("i-1", 1, incident.Engineering, "ja")] = message.Message{
				Contents: map[incident.Family]message.Content{incident.FamilyEmail: {Subject: "s", Text: long}},
			}
			var s stub
			if err := bus.New(s.client(), topics, w.reading(), now, quiet()).Publish(t.Context(), deliver.Pointer{Incident: "i-1", Seq: 1}, soon); err != nil {
				t.Fatal(err)
			}
			got := s.seen[0]
			if n := len(got.Message); n > 256<<10-1<<10 {
				t.Errorf("the message has %d bytes, want less than 256 KiB", n)
			}
			bodies := got.bodies(t)
			if want := `{"incident":"i-1","seq":1}`; bodies["sqs"] != want || bodies["default"] != want {
				t.Errorf("the pointer = %q, want %q", bodies["sqs"], want)
			}
			text := strings.TrimRight(bodies["email"], ".…")
			if !strings.HasPrefix(long, text) || !utf8.ValidString(text) || len(text) < 30<<10 || name != "controls" && len(text) < 120<<10 || text == long {
				t.Errorf("the text of %d bytes was cut to %d, want a beginning of a good length", len(long), len(text))
			}
			if name == "families" && len(text)%len(family) != 0 {
				t.Errorf("the text ends within a character")
			}
		})
	}
}
