package log_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/slogtest"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/google/go-cmp/cmp"

	"shirase/internal/aws/log"
	"shirase/internal/aws/metric"
	"shirase/internal/config"
	"shirase/internal/deliver"
	"shirase/internal/incident"
	"shirase/internal/message"
)

// lines decodes what was written.
func lines(tb testing.TB, b *bytes.Buffer) []map[string]any {
	tb.Helper()
	var out []map[string]any
	for l := range bytes.Lines(b.Bytes()) {
		var m map[string]any
		if err := json.Unmarshal(l, &m); err != nil {
			tb.Fatal(err)
		}
		out = append(out, m)
	}
	return out
}

// invocation is the context of a function, as the runtime makes it.
func invocation(ctx context.Context, trace string) context.Context {
	ctx = lambdacontext.NewContext(ctx, &lambdacontext.LambdaContext{AwsRequestID: "req-1"})
	return context.WithValue(ctx, "x-amzn-trace-id", trace) //nolint:staticcheck // the runtime's key is a plain text
}

func TestLineHasTheFormOfLambda(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	ctx := invocation(t.Context(), "Root=1-65f0c0de-0123456789abcdef01234567;Parent=53995c3f42cd8ad8;Sampled=0")
	log.New(&b, slog.LevelInfo).With("function", "api").WarnContext(ctx, "record kept for later", "attempt", 2)
	got := lines(t, &b)[0]
	if _, err := time.Parse(time.RFC3339, fmt.Sprint(got["timestamp"])); err != nil {
		t.Errorf("timestamp = %v, want RFC 3339", got["timestamp"])
	}
	delete(got, "timestamp")
	want := map[string]any{
		"level": "WARN", "message": "record kept for later", "function": "api", "attempt": 2.0,
		"requestId": "req-1", "trace_id": "1-65f0c0de-0123456789abcdef01234567",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("line (-want +got):\n%s", diff)
	}
}

func TestLineOutsideAnInvocation(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	l := log.New(&b, slog.LevelInfo)
	l.Info("starting")
	l.InfoContext(invocation(t.Context(), "Parent=1;Root="+strings.Repeat("9", 65)), "odd trace")
	for _, got := range lines(t, &b) {
		if _, ok := got["trace_id"]; ok {
			t.Errorf("line = %v, want no trace", got)
		}
	}
}

const summary = metric.Summary

func TestLevel(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	l := log.New(&b, slog.LevelWarn)
	l.Info("left out")
	l.Warn("written")
	l.Info(summary, "records", 3)
	got := lines(t, &b)
	if len(got) != 2 || got[0]["message"] != "written" || got[1]["_aws"] == nil {
		t.Errorf("lines = %v, want the warning and the metrics", got)
	}
}

const canary = "canary"

// masked says nothing of itself.
type masked struct{ Inner string }

func (masked) LogValue() slog.Value { return slog.StringValue("[masked]") }

// TestNothingLeaks logs what holds an address or a secret in every way that may
// happen by mistake.
func TestNothingLeaks(t *testing.T) {
	t.Parallel()
	address := incident.Address(canary + "@reader.example")
	envelope := deliver.Envelope{To: address, Secret: canary, Content: message.Content{Text: canary}}
	subscriber := incident.Subscriber{Address: address, Secret: canary}
	rows := map[string]any{
		"address":    address,
		"addresses":  []incident.Address{address},
		"envelope":   envelope,
		"envelopes":  []deliver.Envelope{envelope},
		"pointer":    &envelope,
		"subscriber": subscriber,
		"map":        map[string]string{"to": canary},
		"texts":      []string{canary},
		"bytes":      []byte(canary),
		"raw":        json.RawMessage(`"` + canary + `"`),
		"setting":    config.Secret(canary),
		"settings":   config.AWS{Key: config.Secret(canary)},
		"masked":     masked{canary},
		"func":       func() string { return canary },
		"chan":       make(chan string),
		"error":      fmt.Errorf("send to %s: %w", address, &deliver.Failure{Reason: deliver.Rejected}),
		"joined":     errors.Join(fmt.Errorf("%v", envelope.To), fmt.Errorf("%q", address)),
	}
	for name, v := range rows {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var b bytes.Buffer
			l := log.New(&b, slog.LevelDebug)
			l.Info("by key", slog.Any("value", v))
			l.Info("in a group", slog.Group("g", slog.Any("value", v)))
			l.With(slog.Any("value", v)).Info("by with")
			l.WithGroup("g").With(slog.Any("value", v)).Info("by with, in a group")
			if strings.Contains(b.String(), canary) || strings.Contains(b.String(), "Y2FuYXJ5") {
				t.Errorf("lines show the canary:\n%s", b.String())
			}
			if n := strings.Count(b.String(), "\n"); n != 4 {
				t.Errorf("wrote %d lines, want 4", n)
			}
		})
	}
}

// TestPlainValuesStay wants redaction to leave what operators need.
func TestPlainValuesStay(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	var none *deliver.Failure
	log.New(&b, slog.LevelInfo).Info("m",
		"text", "t", "number", 7, "truth", true, "wait", 1500*time.Millisecond, "at", time.Unix(0, 0).UTC(),
		"incident", incident.ID("01J9"), "reason", deliver.Throttled, "error", errors.New("broken"),
		"nothing", nil, "none", none, "struct", deliver.Chunk{}, slog.Group("g", "inner", 1))
	got := lines(t, &b)[0]
	for _, key := range []string{"timestamp", "level", "message"} {
		delete(got, key)
	}
	want := map[string]any{
		"text": "t", "number": 7.0, "truth": true, "wait": 1.5e9, "at": "1970-01-01T00:00:00Z",
		"incident": "01J9", "reason": "throttled", "error": "broken", "nothing": nil, "none": nil,
		"struct": "[deliver.Chunk]", "g": map[string]any{"inner": 1.0},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("line (-want +got):\n%s", diff)
	}
}

func TestLoggerKeepsTheRulesOfSlog(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	err := slogtest.TestHandler(log.New(&b, slog.LevelInfo).Handler(), func() []map[string]any {
		out := lines(t, &b)
		for _, l := range out { // Lambda has other names for two of them
			for from, to := range map[string]string{"timestamp": slog.TimeKey, "message": slog.MessageKey} {
				if v, ok := l[from]; ok {
					l[to] = v
				}
			}
		}
		return out
	})
	if err != nil {
		t.Error(err)
	}
}
