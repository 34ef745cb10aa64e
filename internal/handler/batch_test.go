package handler_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"shirase/internal/deliver"
	"shirase/internal/handler"
	"shirase/internal/incident"
)

// work answers by the number of the update that a pointer or chunk names.
type work struct {
	more  map[int]bool
	again map[int]time.Time
	errs  map[int]error
	panic map[int]bool
	seen  []int
	ends  []time.Time
}

func (w *work) Pointer(_ context.Context, p deliver.Pointer, end time.Time) (bool, error) {
	w.seen, w.ends = append(w.seen, p.Seq), append(w.ends, end)
	if w.panic[p.Seq] {
		var none []bool
		return none[p.Seq], nil
	}
	return w.more[p.Seq], w.errs[p.Seq]
}

func (w *work) Chunk(_ context.Context, c deliver.Chunk, end time.Time) (time.Time, error) {
	w.seen, w.ends = append(w.seen, c.FromSeq), append(w.ends, end)
	if w.panic[c.FromSeq] {
		panic("user@mail.example")
	}
	return w.again[c.FromSeq], w.errs[c.FromSeq]
}

func queue() (handler.Queue, *hidden, *lot) {
	v, p := &hidden{}, &lot{}
	return handler.Queue{Visibility: v, Parking: p, Now: atNoon}, v, p
}

func pointerBody(seq int) string { return fmt.Sprintf(`{"incident":"i-1","seq":%d}`, seq) }

func chunkBody(seq int) string {
	return fmt.Sprintf(`{"incident":"i-1","channel":"email","from_seq":%d,"recipients":["r-1","r-2"]}`, seq)
}

func TestMixedBatchIsExact(t *testing.T) {
	t.Parallel()
	boom := errors.New("away")
	rapid.Check(t, func(t *rapid.T) {
		outcomes := rapid.SliceOfN(rapid.SampledFrom([]string{
			"done", "fails", "panics", "again", "again-past", "again-far", "poison", "poison-parking-down", "refused", "no-message",
		}), 0, 12).Draw(t, "outcomes")
		q, v, p := queue()
		w := &work{again: map[int]time.Time{}, errs: map[int]error{}, panic: map[int]bool{}}
		want, waits, parked := []string{}, map[string]time.Duration{}, 0
		event := struct{ Records []any }{Records: []any{}}
		parkingDown := rapid.Bool().Draw(t, "parking down")
		if parkingDown {
			p.err = boom
		}
		for i, o := range outcomes {
			seq, id := i+1, fmt.Sprintf("m%d", i)
			m := message(id, chunkBody(seq))
			count := rapid.IntRange(1, 1000).Draw(t, "count")
			m.Attributes["ApproximateReceiveCount"] = fmt.Sprint(count)
			stay := func(wait time.Duration) { want = append(want, id); waits[m.ReceiptHandle] = wait }
			after := min(15*time.Minute, 2*time.Second<<min(count-1, 20))
			patient := handler.Patience(count)
			park := func() {
				if parked++; parkingDown {
					stay(after)
				}
			}
			var record any = &m
			switch o {
			case "fails":
				w.errs[seq] = boom
				stay(after)
			case "panics":
				w.panic[seq] = true
				stay(after)
			case "again":
				w.again[seq] = noon.Add(42 * time.Second)
				stay(max(42*time.Second, patient))
			case "again-past":
				w.again[seq] = noon.Add(-time.Hour)
				stay(patient)
			case "again-far":
				w.again[seq] = noon.Add(24 * time.Hour)
				stay(15 * time.Minute)
			case "poison", "poison-parking-down":
				m.Body = rapid.SampledFrom([]string{"", "null", "[]", `{"incident":"i-1"}`, chunkBody(0), "{", strings.Repeat(" ", 65<<10)}).Draw(t, "body")
				park()
			case "refused":
				w.errs[seq] = incident.Invalid("chunk", "cannot be")
				park()
			case "no-message":
				record = map[string]any{
					"messageId": id, "receiptHandle": m.ReceiptHandle, "body": 5,
					"eventSource": "aws:sqs", "attributes": m.Attributes,
				}
				after = 2 * time.Second // the attributes are not read of what is no message
				park()
			}
			event.Records = append(event.Records, record)
		}
		raw, err := json.Marshal(event)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := handler.Delivery{Queue: q, Chunks: w}.Handle(context.Background(), raw)
		if err != nil {
			t.Fatalf("Handle(%v) = %v, want no error", outcomes, err)
		}
		got := []string{}
		for _, f := range answer.(events.SQSEventResponse).BatchItemFailures {
			got = append(got, f.ItemIdentifier)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("Handle(%v) failed (-want +got):\n%s", outcomes, d)
		}
		if v.waits == nil {
			v.waits = map[string]time.Duration{}
		}
		if d := cmp.Diff(waits, v.waits); d != "" {
			t.Errorf("Handle(%v) postponed (-want +got):\n%s", outcomes, d)
		}
		if len(p.bodies) != parked {
			t.Errorf("Handle(%v) parked %d, want %d", outcomes, len(p.bodies), parked)
		}
	})
}

func TestFanOut(t *testing.T) {
	t.Parallel()
	q, v, p := queue()
	w := &work{more: map[int]bool{2: true}, errs: map[int]error{3: errors.New("away"), 4: incident.ErrNotFound}, panic: map[int]bool{5: true}}
	m3 := message("c", pointerBody(3))
	m3.Attributes["ApproximateReceiveCount"] = "3"
	answer, err := handler.FanOut{Queue: q, Pointers: w}.Handle(t.Context(), batchOf(t,
		message("a", pointerBody(1)), message("b", pointerBody(2)), m3, message("d", pointerBody(4)),
		message("e", pointerBody(5)), message("f", "not json"), message("g", pointerBody(7))))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"b", "c", "d", "e"}, failedIDs(t, answer)); d != "" {
		t.Errorf("failed (-want +got):\n%s", d)
	}
	if d := cmp.Diff([]int{1, 2, 3, 4, 5, 7}, w.seen); d != "" {
		t.Errorf("seen (-want +got):\n%s", d)
	}
	waits := map[string]time.Duration{"receipt-b": 0, "receipt-c": 8 * time.Second, "receipt-d": 2 * time.Second, "receipt-e": 2 * time.Second}
	if d := cmp.Diff(waits, v.waits); d != "" {
		t.Errorf("postponed (-want +got):\n%s", d)
	}
	if len(p.bodies) != 1 || p.bodies[0] != "not json" || p.queues[0] != message("f", "").EventSourceARN {
		t.Errorf("parked = %q of %q, want the one that is not JSON", p.bodies, p.queues)
	}
	for _, end := range w.ends {
		if want := noon.Add(30 * time.Second); !end.Equal(want) {
			t.Errorf("deadline = %v, want %v", end, want)
		}
	}
}

func TestSamplesOfOurQueues(t *testing.T) {
	t.Parallel()
	parks := map[string]int{"fanout/batch.json": 2, "delivery/batch.json": 2}
	for _, dir := range []string{"fanout", "delivery"} {
		for name, raw := range samples(t, eventsRoot+"/"+dir) {
			q, _, p := queue()
			w := &work{}
			var h interface {
				Handle(context.Context, json.RawMessage) (any, error)
			} = handler.FanOut{Queue: q, Pointers: w}
			if dir == "delivery" {
				h = handler.Delivery{Queue: q, Chunks: w}
			}
			answer, err := h.Handle(t.Context(), raw)
			if err != nil || len(failedIDs(t, answer)) > 0 || len(w.seen) == 0 || len(p.bodies) != parks[dir+"/"+name] {
				t.Errorf("Handle(%s/%s) = %v, %v, %d handled, %d parked, want all handled and %d parked",
					dir, name, answer, err, len(w.seen), len(p.bodies), parks[dir+"/"+name])
			}
		}
	}
}

func TestNoBatchIsAnError(t *testing.T) {
	t.Parallel()
	q, _, _ := queue()
	for _, raw := range []string{`{}`, `null`, `[]`, `5`, `{"Records":5}`, `{"Records":null}`} {
		if _, err := (handler.FanOut{Queue: q, Pointers: &work{}}).Handle(t.Context(), json.RawMessage(raw)); !errors.Is(err, incident.ErrInvalid) {
			t.Errorf("Handle(%s) = %v, want ErrInvalid", raw, err)
		}
	}
}

func TestRecordWithoutIDFailsTheInvocation(t *testing.T) {
	t.Parallel()
	q, _, _ := queue()
	w := &work{errs: map[int]error{1: errors.New("away")}}
	answer, err := handler.FanOut{Queue: q, Pointers: w}.Handle(t.Context(), batchOf(t, message("", pointerBody(1)), message("b", pointerBody(2))))
	if err == nil || answer != nil {
		t.Errorf("Handle(no id) = %v, %v, want an error alone", answer, err)
	}
	if d := cmp.Diff([]int{1, 2}, w.seen); d != "" {
		t.Errorf("seen (-want +got):\n%s", d)
	}
}

func TestSameIDIsReportedOnce(t *testing.T) {
	t.Parallel()
	q, _, _ := queue()
	w := &work{errs: map[int]error{1: errors.New("away")}}
	answer, err := handler.FanOut{Queue: q, Pointers: w}.Handle(t.Context(), batchOf(t, message("a", pointerBody(1)), message("a", pointerBody(1))))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"a"}, failedIDs(t, answer)); d != "" {
		t.Errorf("failed (-want +got):\n%s", d)
	}
}

func TestPostponeMayFail(t *testing.T) {
	t.Parallel()
	q, v, _ := queue()
	v.err = errors.New("throttled")
	w := &work{more: map[int]bool{1: true}}
	answer, err := handler.FanOut{Queue: q, Pointers: w}.Handle(t.Context(), batchOf(t, message("a", pointerBody(1))))
	if err != nil || len(failedIDs(t, answer)) != 1 {
		t.Errorf("Handle = %v, %v, want the record reported all the same", answer, err)
	}
}

// What stays says how long it has been there, however often it was received.
func TestSummarySaysHowLongWorkHasWaited(t *testing.T) {
	t.Parallel()
	old := func(id string, seq int, age time.Duration) events.SQSMessage {
		m := message(id, chunkBody(seq))
		m.Attributes["SentTimestamp"] = fmt.Sprint(noon.Add(-age).UnixMilli())
		m.Attributes["ApproximateReceiveCount"] = "900"
		return m
	}
	for _, tt := range []struct {
		name   string
		events []events.SQSMessage
		want   float64
	}{
		{"nothing stays", []events.SQSMessage{old("m1", 9, time.Hour)}, 0},
		{"the oldest of two that stay", []events.SQSMessage{old("m1", 1, time.Minute), old("m2", 2, time.Hour), old("m3", 9, 2*time.Hour)}, 3_600_000},
		{"a clock behind", []events.SQSMessage{old("m1", 1, -time.Minute)}, 0},
		{"no word of it", []events.SQSMessage{message("m1", chunkBody(1))}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			q, _, _ := queue()
			q.Log = slog.New(slog.NewJSONHandler(&out, nil))
			w := &work{again: map[int]time.Time{1: noon.Add(time.Second)}, errs: map[int]error{2: errors.New("away")}}
			raw, err := json.Marshal(events.SQSEvent{Records: tt.events})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := (handler.Delivery{Queue: q, Chunks: w}).Handle(t.Context(), raw); err != nil {
				t.Fatal(err)
			}
			var last map[string]any
			for l := range bytes.Lines(out.Bytes()) {
				if err := json.Unmarshal(l, &last); err != nil {
					t.Fatal(err)
				}
			}
			if last["waited_ms"] != tt.want {
				t.Errorf("summary = %v, want waited_ms %v", last, tt.want)
			}
		})
	}
}

func TestWhatTheTimeDoesNotSufficeForGoesBack(t *testing.T) {
	t.Parallel()
	q, v, _ := queue()
	now := noon
	q.Now = func() time.Time { return now }
	q.Budget = 10 * time.Second
	w := &work{}
	slow := pointersFunc(func(ctx context.Context, p deliver.Pointer, end time.Time) (bool, error) {
		now = now.Add(6 * time.Second)
		return w.Pointer(ctx, p, end)
	})
	answer, err := handler.FanOut{Queue: q, Pointers: slow}.Handle(t.Context(), batchOf(t,
		message("a", pointerBody(1)), message("b", pointerBody(2)), message("c", pointerBody(3))))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"c"}, failedIDs(t, answer)); d != "" {
		t.Errorf("failed (-want +got):\n%s", d)
	}
	if d := cmp.Diff(map[string]time.Duration{"receipt-c": 0}, v.waits); d != "" {
		t.Errorf("postponed (-want +got):\n%s", d)
	}
}

type pointersFunc func(context.Context, deliver.Pointer, time.Time) (bool, error)

func (f pointersFunc) Pointer(ctx context.Context, p deliver.Pointer, end time.Time) (bool, error) {
	return f(ctx, p, end)
}

func TestLogsHoldNoPayload(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	q, _, _ := queue()
	q.Log = slog.New(slog.NewJSONHandler(&out, nil))
	w := &work{panic: map[int]bool{1: true, 2: true}}
	body := strings.Replace(chunkBody(1), "r-1", "user@mail.example", 1)
	raw := batchOf(t, message("a", body), message("b", `{"to":"user@mail.example"`), message("c", "user@mail.example"))
	if _, err := (handler.Delivery{Queue: q, Chunks: w}).Handle(t.Context(), raw); err != nil {
		t.Fatal(err)
	}
	h, in, _ := newAlarm()
	h.Log, in.fail = q.Log, func(incident.Signal) error { panic("user@mail.example") }
	if _, err := h.Handle(t.Context(), batchOf(t, message("d", string(sample(t, "alarm/metric-eventbridge.json"))))); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out.String(), "mail.example") {
		t.Errorf("log = %s, want no payload", out.String())
	}
	if n := strings.Count(out.String(), `"msg":"invocation done"`); n != 2 {
		t.Errorf("summary lines = %d, want 2:\n%s", n, out.String())
	}
}

type sweeps struct {
	at  []time.Time
	err error
	bug bool
}

func (s *sweeps) Sweep(_ context.Context, now time.Time) error {
	s.at = append(s.at, now)
	if s.bug {
		panic("bug")
	}
	return s.err
}

func TestDue(t *testing.T) {
	t.Parallel()
	away := errors.New("away")
	for _, c := range []struct {
		name, file string
		err        error
		bug        bool
		failed     int
		wantErr    bool
	}{
		{name: "rule", file: "schedule"},
		{name: "scheduler", file: "scheduler"},
		{name: "nudge", file: "nudge"},
		{name: "nudges are one sweep", file: "nudges"},
		{name: "rule fails", file: "schedule", err: away, wantErr: true},
		{name: "rule panics", file: "schedule", bug: true, wantErr: true},
		{name: "nudges fail", file: "nudges", err: away, failed: 3},
		{name: "nudges panic", file: "nudges", bug: true, failed: 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s, v := &sweeps{err: c.err, bug: c.bug}, &hidden{}
			answer, err := handler.Due{Sweep: s, Visibility: v, Now: atNoon}.Handle(t.Context(), sample(t, "due/"+c.file+".json"))
			if (err != nil) != c.wantErr {
				t.Fatalf("Handle(%s) = %v, want error %v", c.file, err, c.wantErr)
			}
			if len(s.at) != 1 || !s.at[0].Equal(noon) {
				t.Errorf("swept at %v, want once at %v", s.at, noon)
			}
			if strings.HasPrefix(c.file, "nudge") {
				if n := len(failedIDs(t, answer)); n != c.failed || len(v.waits) != c.failed {
					t.Errorf("failed = %d, postponed %d, want %d", n, len(v.waits), c.failed)
				}
			}
		})
	}
}
