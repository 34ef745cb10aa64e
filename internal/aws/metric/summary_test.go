package metric_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"testing"
	"time"

	"shirase/internal/handler"
	"shirase/internal/incident"
)

// still gives every line the same time.
type still struct{ slog.Handler }

func (h still) Handle(ctx context.Context, r slog.Record) error {
	r.Time = noon
	return h.Handler.Handle(ctx, r)
}

func (h still) WithAttrs(attrs []slog.Attr) slog.Handler { return still{h.Handler.WithAttrs(attrs)} }
func (h still) WithGroup(name string) slog.Handler       { return still{h.Handler.WithGroup(name)} }

// intake takes every alarm.
type intake struct{}

func (intake) Signal(context.Context, incident.Signal) error         { return nil }
func (intake) Unreadable(context.Context, []byte, string) error      { return nil }
func (intake) Postpone(context.Context, string, time.Duration) error { return nil }

// TestTheHandlersSummaryIsOne lets a real handler end an invocation: its message
// and keys must be those that become metrics.
func TestTheHandlersSummaryIsOne(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	at := noon
	now := func() time.Time {
		at = at.Add(7 * time.Millisecond)
		return at
	}
	h := handler.Alarm{
		Intake: intake{}, Visibility: intake{}, Now: now, Log: logger(&b, slog.LevelInfo),
	}
	event := `{"Records":[{"messageId":"m1","eventSource":"aws:sqs","body":"no alarm"}]}`
	if _, err := h.Handle(t.Context(), json.RawMessage(event)); err != nil {
		t.Fatal(err)
	}
	var last []byte
	for l := range bytes.Lines(b.Bytes()) {
		last = l
	}
	l := decode(t, last)
	if len(l.AWS.CloudWatchMetrics) != 1 {
		t.Fatalf("summary = %s, want metrics", last)
	}
	got := map[string]string{}
	for _, m := range l.AWS.CloudWatchMetrics[0].Metrics {
		got[m.Name] = m.Unit
	}
	for name, unit := range map[string]string{"records": "Count", "unreadable": "Count", "took_ms": "Milliseconds"} {
		if got[name] != unit {
			t.Errorf("metric %s has the unit %q, want %q; all are %v", name, got[name], unit, got)
		}
	}
	if d := l.AWS.CloudWatchMetrics[0].Dimensions; len(d) != 1 || len(d[0]) != 1 || d[0][0] != "function" {
		t.Errorf("dimensions = %v, want the function", d)
	}
}
