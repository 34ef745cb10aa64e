package metric

import (
	"context"
	"log/slog"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"
)

// Namespace is that of all metrics.
const Namespace = "Shirase"

// The messages of the lines that become metrics.
const (
	// Summary ends each invocation; internal/handler writes it.
	Summary = "invocation done"
	// Deliveries tells what became of the deliveries on a channel; see [Counts].
	Deliveries = "deliveries counted"
)

// What the format, and we, allow.
const (
	// maxMetrics is how many metrics a line may have.
	maxMetrics = 100
	// maxName is how long a name or the value of a dimension may be. The format
	// allows 1,024; ours are words.
	maxName = 64
	// maxSeries is how many values all dimensions together may take in the life of
	// a process. Each costs money, so a value that should not be one stays a log.
	maxSeries = 50
)

// dimensions are the keys whose values tell metrics apart; of at most 30 that the
// format allows.
var dimensions = []string{"channel", "function", "stack"}

// Handler is a slog.Handler that adds the metrics to the lines that have them and
// hands every line on.
type Handler struct {
	next   slog.Handler
	with   map[string]string // the dimensions given by With
	inside bool              // in a group, where no number stands at the root
	series *series
}

// New makes a handler in front of one that writes JSON with attributes at the root
// of the line.
func New(next slog.Handler) *Handler {
	return &Handler{next: next, series: &series{seen: map[string]bool{}}}
}

// Enabled lets lines from Info up through whatever the level is, since metrics do
// not depend on how much is logged. [Handler.Handle] drops the others.
func (h *Handler) Enabled(ctx context.Context, l slog.Level) bool {
	return l >= slog.LevelInfo || h.next.Enabled(ctx, l)
}

// WithAttrs implements slog.Handler.
func (h *Handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	c := *h
	c.next = h.next.WithAttrs(attrs)
	c.with = maps.Clone(h.with)
	for _, a := range attrs {
		c.with = dimension(c.with, a)
	}
	return &c
}

// WithGroup implements slog.Handler.
func (h *Handler) WithGroup(name string) slog.Handler {
	c := *h
	c.next, c.inside = h.next.WithGroup(name), h.inside || name != ""
	return &c
}

// Handle implements slog.Handler.
func (h *Handler) Handle(ctx context.Context, r slog.Record) error {
	if r.Message != Summary && r.Message != Deliveries || h.inside {
		if !h.next.Enabled(ctx, r.Level) {
			return nil
		}
		return h.next.Handle(ctx, r)
	}
	dims := maps.Clone(h.with)
	var metrics []definition
	r.Attrs(func(a slog.Attr) bool {
		dims = dimension(dims, a)
		if d := (definition{Name: a.Key, Unit: unit(a.Key)}); number(a.Value) && word(a.Key) && !slices.Contains(metrics, d) {
			metrics = append(metrics, d)
		}
		return len(metrics) < maxMetrics
	})
	if len(metrics) == 0 {
		return h.next.Handle(ctx, r)
	}
	r = r.Clone()
	r.AddAttrs(slog.Any("_aws", block{ //nolint:sloglint // as CloudWatch calls it
		Timestamp: r.Time.UnixMilli(),
		Directives: []directive{{
			Namespace: Namespace, Dimensions: [][]string{h.series.admit(dims)}, Metrics: metrics,
		}},
	}))
	return h.next.Handle(ctx, r)
}

// block is the member of a line that CloudWatch reads.
type block struct {
	Timestamp  int64
	Directives []directive `json:"CloudWatchMetrics"`
}

type directive struct {
	Namespace  string
	Dimensions [][]string
	Metrics    []definition
}

type definition struct{ Name, Unit string }

// dimension adds an attribute to the dimensions if it is one. The name of a stack
// may have capitals.
func dimension(dims map[string]string, a slog.Attr) map[string]string {
	if !slices.Contains(dimensions, a.Key) || a.Value.Kind() != slog.KindString || !word(strings.ToLower(a.Value.String())) {
		return dims
	}
	if dims == nil {
		dims = map[string]string{}
	}
	dims[a.Key] = a.Value.String()
	return dims
}

// word reports whether a text is one of ours, and not an address or a sentence.
func word(s string) bool {
	for _, b := range []byte(s) {
		if (b < 'a' || b > 'z') && (b < '0' || b > '9') && b != '-' && b != '_' {
			return false
		}
	}
	return s != "" && len(s) <= maxName
}

// number reports whether a value is a number that is worth a metric. CloudWatch
// bills a metric for each hour in which it has a value, and a sum is the same
// without zeros.
func number(v slog.Value) bool {
	switch v.Kind() {
	case slog.KindInt64:
		return v.Int64() != 0
	case slog.KindUint64:
		return v.Uint64() != 0
	case slog.KindFloat64:
		return v.Float64() != 0 && !math.IsNaN(v.Float64()) && !math.IsInf(v.Float64(), 0)
	default:
		return false
	}
}

func unit(key string) string {
	switch {
	case strings.HasSuffix(key, "_ms"):
		return "Milliseconds"
	case strings.HasSuffix(key, "_bytes"):
		return "Bytes"
	}
	return "Count"
}

// series remembers which values the dimensions have had.
type series struct {
	mu   sync.Mutex
	seen map[string]bool
}

// admit answers the names of the dimensions, sorted; none where their values are
// more than there may be.
func (s *series) admit(dims map[string]string) []string {
	names := slices.Sorted(maps.Keys(dims))
	var key strings.Builder
	for _, n := range names {
		key.WriteString(n + "\x00" + dims[n] + "\x00")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.seen[key.String()] && len(s.seen) >= maxSeries {
		return []string{}
	}
	s.seen[key.String()] = true
	if names == nil {
		return []string{}
	}
	return names
}
