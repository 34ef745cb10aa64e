package metric_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/slogtest"
	"time"

	"github.com/google/go-cmp/cmp"

	"shirase/internal/aws/metric"
	"shirase/internal/channel/golden"
	"shirase/internal/deliver"
)

// summary is the message of the line that ends an invocation.
const summary = metric.Summary

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// logger writes to b, with the time always the same.
func logger(b *bytes.Buffer, level slog.Level) *slog.Logger {
	return slog.New(still{metric.New(slog.NewJSONHandler(b, &slog.HandlerOptions{Level: level}))})
}

// line is what CloudWatch reads of a line.
type line struct {
	AWS struct {
		Timestamp         int64
		CloudWatchMetrics []struct {
			Namespace  string
			Dimensions [][]string
			Metrics    []struct{ Name, Unit string }
		}
	} `json:"_aws"`
}

func decode(tb testing.TB, b []byte) line {
	tb.Helper()
	var l line
	if err := json.Unmarshal(b, &l); err != nil {
		tb.Fatal(err)
	}
	return l
}

// TestLines compares what is written with what was looked at.
func TestLines(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	log := logger(&b, slog.LevelInfo)
	log.With("function", "fanout").Info(summary,
		"records", 3, "failed", 0, "took_ms", int64(41), "share", 0.5, "largest_bytes", uint64(2048))
	log.Warn(summary, "records", 1)
	log.With("function", "fanout").Info("record parked", "records", 1)
	var counts metric.Counts
	counts.Add("sms", deliver.TickRetry, 1)
	counts.Add("email", deliver.TickSent, 16)
	counts.Add("email", deliver.TickSent, 4)
	counts.Add("email", deliver.TickUnknown, 1)
	counts.Flush(t.Context(), log)
	counts.Flush(t.Context(), log) // which has nothing left to tell
	golden.Compare(t, "lines.golden", b.String())
}

// TestNumbersStandAtTheRoot wants every metric that a line names to be a number
// there, since CloudWatch drops a line otherwise.
func TestNumbersStandAtTheRoot(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	attrs := []slog.Attr{
		slog.String("function", "api"), slog.String("text", "7"), slog.Duration("took", time.Second),
		slog.Float64("broken", math.NaN()), slog.Float64("endless", math.Inf(1)),
		slog.Int("zero", 0), slog.Uint64("nought", 0), slog.Float64("nil", 0),
		slog.Int("Upper", 1), slog.Int("a@reader.example", 1), slog.Int("", 1), //nolint:sloglint // what must not be a name
		slog.Int("twice", 1), slog.Int("twice", 2), slog.Int("good", -1), slog.Group("g", slog.Int("inner", 1)),
	}
	logger(&b, slog.LevelInfo).With("function", "due", "records", 9).LogAttrs(t.Context(), slog.LevelInfo, summary, attrs...)
	l := decode(t, b.Bytes())
	var names []string
	for _, m := range l.AWS.CloudWatchMetrics[0].Metrics {
		names = append(names, m.Name)
	}
	if diff := cmp.Diff([]string{"twice", "good"}, names); diff != "" {
		t.Errorf("metrics (-want +got):\n%s", diff)
	}
	if l.AWS.Timestamp != noon.UnixMilli() {
		t.Errorf("timestamp = %d, want %d", l.AWS.Timestamp, noon.UnixMilli())
	}
}

func TestLinesWithoutMetricsStayAsTheyAre(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	log := logger(&b, slog.LevelInfo)
	log.Info("record parked", "records", 1)
	log.Info(summary, "function", "due")
	log.WithGroup("g").Info(summary, "records", 1)
	log.WithGroup("").With("a", 1).Info("record parked")
	if strings.Contains(b.String(), "_aws") || strings.Count(b.String(), "\n") != 4 {
		t.Errorf("lines = %s, want four without metrics", b.String())
	}
}

func TestMetricsDoNotDependOnTheLevel(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	log := logger(&b, slog.LevelError)
	log.Info(summary, "records", 1)
	log.Info("record parked", "records", 1)
	log.Debug(summary, "records", 1)
	if !strings.Contains(b.String(), `"_aws"`) || strings.Count(b.String(), "\n") != 1 {
		t.Errorf("lines = %s, want the summary alone", b.String())
	}
}

func TestALineHasNoMoreThanItMay(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	var many []any
	for n := range 150 {
		many = append(many, fmt.Sprintf("n%d", n), n+1)
	}
	logger(&b, slog.LevelInfo).Info(summary, many...)
	if n := len(decode(t, b.Bytes()).AWS.CloudWatchMetrics[0].Metrics); n != 100 {
		t.Errorf("line has %d metrics, want 100", n)
	}
}

func TestDimensionsAreBounded(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	log := logger(&b, slog.LevelInfo)
	dimensions := func() []string {
		defer b.Reset()
		return decode(t, b.Bytes()).AWS.CloudWatchMetrics[0].Dimensions[0]
	}
	for _, value := range []any{"ada@reader.example", "+447700900123", strings.Repeat("x", 65), "", 7} {
		log.Info(summary, "function", value, "records", 1)
		if got := dimensions(); len(got) != 0 {
			t.Errorf("dimensions with %v = %v, want none", value, got)
		}
	}
	for n := range 60 {
		log.With("channel", fmt.Sprintf("c%d", n)).Info(summary, "function", "delivery", "records", 1)
		got := dimensions()
		if n < 40 && !slices.Equal(got, []string{"channel", "function"}) || n >= 50 && len(got) != 0 {
			t.Errorf("dimensions of value %d = %v", n, got)
		}
	}
	log.With("channel", "c0").Info(summary, "function", "delivery", "records", 1)
	if got := dimensions(); len(got) != 2 {
		t.Errorf("dimensions of a value that is known = %v, want both", got)
	}
}

func TestHandlerKeepsTheRulesOfSlog(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	err := slogtest.TestHandler(metric.New(slog.NewJSONHandler(&b, nil)), func() []map[string]any {
		var out []map[string]any
		for l := range bytes.Lines(b.Bytes()) {
			var m map[string]any
			if err := json.Unmarshal(l, &m); err != nil {
				t.Fatal(err)
			}
			out = append(out, m)
		}
		return out
	})
	if err != nil {
		t.Error(err)
	}
}
