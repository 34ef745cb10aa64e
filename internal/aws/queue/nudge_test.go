package queue_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"shirase/internal/announce"
	"shirase/internal/aws/queue"
	"shirase/internal/incident"
)

const nudgeURL = "https://q.test/nudge"

var noon = time.Date(2026, 9, 15, 3, 0, 0, 0, time.UTC)

func atNoon() time.Time { return noon }

func TestNudgesWakeInTimeAndNeverEarly(t *testing.T) {
	t.Parallel()
	due := func(after time.Duration, k announce.DueKind) announce.Due {
		return announce.Due{ID: announce.DueID(after.String()), Kind: k, At: noon.Add(after)}
	}
	type sent struct {
		Delay int
		At    string
	}
	tests := []struct {
		name  string
		due   []announce.Due
		kinds []announce.DueKind
		want  []sent
	}{
		{name: "nothing due"},
		{name: "whole seconds", due: []announce.Due{due(time.Minute, announce.DueHold)}, want: []sent{{60, "2026-09-15T03:01:00Z"}}},
		{name: "rounded up", due: []announce.Due{due(60*time.Second+time.Millisecond, announce.DueHold)}, want: []sent{{61, "2026-09-15T03:01:00.001Z"}}},
		{name: "as far as SQS can", due: []announce.Due{due(15*time.Minute, announce.DueAuto)}, want: []sent{{900, "2026-09-15T03:15:00Z"}}},
		{name: "too far for SQS", due: []announce.Due{due(15*time.Minute+time.Millisecond, announce.DueAuto)}},
		{name: "now", due: []announce.Due{due(0, announce.DueAuto)}, want: []sent{{1, "2026-09-15T03:00:00Z"}}},
		{name: "overdue", due: []announce.Due{due(-time.Hour, announce.DueAuto)}, want: []sent{{1, "2026-09-15T02:00:00Z"}}},
		{
			name: "one for a second",
			due: []announce.Due{
				due(5*time.Second, announce.DueAuto), due(4100*time.Millisecond, announce.DueEscalate),
				due(5100*time.Millisecond, announce.DueRemind), due(4900*time.Millisecond, announce.DueRemind),
			},
			want: []sent{{5, "2026-09-15T03:00:05Z"}, {6, "2026-09-15T03:00:05.1Z"}},
		},
		{
			name:  "the due function's own",
			due:   []announce.Due{due(time.Second, announce.DueEscalate), due(2*time.Second, announce.DueAuto), due(3*time.Second, announce.DueHold)},
			kinds: []announce.DueKind{announce.DueHold, announce.DueAuto},
			want:  []sent{{2, "2026-09-15T03:00:02Z"}, {3, "2026-09-15T03:00:03Z"}},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var s stub
			st := &store{}
			n := queue.NewNudges(st, s.client(t, func(c call, _ int) answer { return taken(c) }), nudgeURL, atNoon, slog.New(slog.DiscardHandler), tt.kinds...)
			if err := n.Commit(t.Context(), announce.Change{Due: tt.due}); err != nil || st.commits != 1 {
				t.Fatalf("Commit() = %v with %d commits, want nil with 1", err, st.commits)
			}
			var got []sent
			for _, c := range s.seen() {
				if c.QueueUrl != nudgeURL {
					t.Errorf("a nudge went to %s, want %s", c.QueueUrl, nudgeURL)
				}
				for _, e := range c.Entries {
					var body struct{ At string }
					if err := json.Unmarshal([]byte(e.MessageBody), &body); err != nil {
						t.Fatal(err)
					}
					got = append(got, sent{e.DelaySeconds, body.At})
				}
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("nudges differ (-want +got):\n%s", d)
			}
		})
	}
}

func TestManyNudgesTakeSeveralCalls(t *testing.T) {
	t.Parallel()
	var due []announce.Due
	for n := range 23 {
		due = append(due, announce.Due{Kind: announce.DueReminder, At: noon.Add(time.Duration(n+1) * time.Second)})
	}
	var s stub
	n := queue.NewNudges(&store{}, s.client(t, func(c call, _ int) answer { return taken(c) }), nudgeURL, atNoon, slog.New(slog.DiscardHandler))
	if err := n.Commit(t.Context(), announce.Change{Due: due}); err != nil {
		t.Fatal(err)
	}
	sent := 0
	for _, c := range s.seen() {
		sent += len(c.Entries)
	}
	if sent != len(due) || len(s.seen()) != 3 {
		t.Errorf("%d nudges in %d calls, want %d in 3", sent, len(s.seen()), len(due))
	}
}

func TestNudgeThatFailsFailsNoCommit(t *testing.T) {
	t.Parallel()
	for name, a := range map[string]answer{
		"queue gone": {fault: "QueueDoesNotExist"}, "throttled": {fault: "RequestThrottled"}, "down": {fault: "ServiceUnavailable"},
		"refused": {body: map[string]any{"Failed": []map[string]any{{"Id": "0", "Code": "InternalError", "SenderFault": false}}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var s stub
			var log bytes.Buffer
			n := queue.NewNudges(&store{}, s.client(t, func(call, int) answer { return a }), nudgeURL, atNoon, slog.New(slog.NewTextHandler(&log, nil)))
			if err := n.Commit(t.Context(), announce.Change{Due: []announce.Due{{At: noon}}}); err != nil {
				t.Errorf("Commit() = %v, want nil", err)
			}
			if got := log.String(); strings.Count(got, "level=WARN") != 1 || !strings.Contains(got, `msg="nudge not sent" count=1 error=`) {
				t.Errorf("log = %q, want one warning", got)
			}
		})
	}
}

func TestNoNudgeForWhatWasNotCommitted(t *testing.T) {
	t.Parallel()
	var s stub
	st := &store{err: incident.ErrConflict}
	n := queue.NewNudges(st, s.client(t, func(c call, _ int) answer { return taken(c) }), nudgeURL, atNoon, slog.New(slog.DiscardHandler))
	if err := n.Commit(t.Context(), announce.Change{Due: []announce.Due{{At: noon}}}); !errors.Is(err, incident.ErrConflict) {
		t.Errorf("Commit() = %v, want ErrConflict", err)
	}
	if n := len(s.seen()); n != 0 {
		t.Errorf("%d calls, want none", n)
	}
}
