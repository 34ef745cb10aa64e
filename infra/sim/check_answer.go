package main

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"strings"
)

// checkAnswer holds an answer against the store and against earlier answers to
// the same request.
func (w *world) checkAnswer(c call, a answered) {
	if c.leaves.id != "" && a.status < http.StatusMultipleChoices && !w.left[c.leaves] {
		w.fault("I1", "%s is told that they will hear no more, and is a reader still", short(c.leaves.id))
	}
	if a.status >= http.StatusMultipleChoices || c.key == "" || c.function != "api" || c.form || c.other || strings.HasSuffix(c.path, "/preview") {
		return
	}
	if was, ok := w.answers[c.key]; ok {
		w.rare("answered again by key")
		if was != string(a.body) {
			w.fault("I1", "%s %s was answered differently the second time", c.method, c.path)
		}
	}
	w.answers[c.key] = string(a.body)
	if a.incident.ID == "" || a.incident.Version == 0 {
		return // a note
	}
	inc, err := w.incident(bg, a.incident.ID)
	if err != nil || inc.Version() < a.incident.Version || inc.Seq() < a.incident.Seq {
		w.fault("I1", "%s %s was answered %d for %s version %d, which is not in the store: %v", c.method, c.path, a.status, a.incident.ID, a.incident.Version, err)
	}
}

// witness reads what is logged: no address may stand in it.
type witness struct {
	r *rig
	// with are the attributes of all that is logged through it.
	with []slog.Attr
}

// Enabled implements slog.Handler. Everything is read in some seeds; in the
// others it would only take time.
func (h witness) Enabled(_ context.Context, l slog.Level) bool {
	return l >= slog.LevelWarn || h.r.w.seed%10 == 3
}

// Handle implements slog.Handler.
func (h witness) Handle(_ context.Context, rec slog.Record) error {
	var b strings.Builder
	b.WriteString(rec.Message)
	write := func(a slog.Attr) bool { b.WriteString(" " + a.Key + "=" + a.Value.Resolve().String()); return true }
	for _, a := range h.with {
		write(a)
	}
	rec.Attrs(write)
	w := h.r.w
	for _, canary := range []string{".test", "+4477", "shk_", "4477009"} {
		if strings.Contains(b.String(), canary) {
			w.fault("I14", "a log line holds %q: %s", canary, b.String())
		}
	}
	if strings.Contains(b.String(), "panic") && w.current != nil && !w.current.dead {
		w.fault("I2", "a function panicked: %s", b.String())
	}
	return nil
}

// WithAttrs implements slog.Handler.
func (h witness) WithAttrs(as []slog.Attr) slog.Handler {
	return witness{h.r, slices.Concat(h.with, as)}
}

// WithGroup implements slog.Handler.
func (h witness) WithGroup(string) slog.Handler { return h }
