package metric

import (
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"slices"
	"sync"

	"shirase/internal/deliver"
	"shirase/internal/incident"
)

// Counts sums up what the senders of one process count. The zero Counts is ready
// and safe for use by several at once.
type Counts struct {
	mu  sync.Mutex
	per map[incident.Channel]map[deliver.Tick]int
}

// Add counts n of something on a channel. It fits the Count of deliver.Send.
func (c *Counts) Add(ch incident.Channel, what deliver.Tick, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.per == nil {
		c.per = map[incident.Channel]map[deliver.Tick]int{}
	}
	if c.per[ch] == nil {
		c.per[ch] = map[deliver.Tick]int{}
	}
	c.per[ch][what] += n
}

// Flush writes one line for each channel that something was counted on since the
// last time, and begins anew. A main calls it at the end of each invocation, with
// a logger whose handler is a [Handler].
func (c *Counts) Flush(ctx context.Context, log *slog.Logger) {
	c.mu.Lock()
	per := c.per
	c.per = nil
	c.mu.Unlock()
	for _, ch := range slices.Sorted(maps.Keys(per)) {
		attrs := []slog.Attr{slog.String("channel", string(ch))}
		for _, what := range slices.Sorted(maps.Keys(per[ch])) {
			attrs = append(attrs, slog.Int(string(what), per[ch][what]))
		}
		log.LogAttrs(ctx, slog.LevelInfo, Deliveries, attrs...)
	}
}

// Flushed answers a handler that flushes at the end of each invocation.
func (c *Counts) Flushed(h Handle, log *slog.Logger) Handle {
	return func(ctx context.Context, raw json.RawMessage) (any, error) {
		defer c.Flush(ctx, log)
		return h(ctx, raw)
	}
}

// Handle takes one raw event.
type Handle = func(context.Context, json.RawMessage) (any, error)
