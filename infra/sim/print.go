package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"shirase/internal/deliver"
	"shirase/internal/incident"
)

// explain writes what happened in a failing run: what people did and what went
// wrong, and what each recipient it is about came to see.
func explain(out io.Writer, w *world) {
	var b strings.Builder
	type entry struct {
		at   time.Time
		text string
	}
	var all []entry
	for _, a := range w.acts {
		all = append(all, entry{a.at, a.String()})
	}
	for _, i := range w.happened {
		all = append(all, entry{i.at, i.String()})
	}
	slices.SortStableFunc(all, func(a, b entry) int { return a.at.Compare(b.at) })
	fmt.Fprintf(&b, "seed %d, shortened: %d acts and %d faults\n", w.seed, len(w.acts), len(w.happened))
	for _, e := range all {
		b.WriteString(e.text + "\n")
	}
	for _, f := range w.found {
		fmt.Fprintf(&b, "%s  %s %s\n", clock(f.at), f.code, f.what)
	}
	w.timelines(&b)
	fmt.Fprintf(&b, "replay: go run ./infra/sim -seed %d -trace\n", w.seed)
	_, _ = io.WriteString(out, b.String())
}

// maxTimelines is how many recipients are shown where the finding names none.
const maxTimelines = 20

// timelines writes what the recipients that a finding names came to see, or some
// where it names none.
func (w *world) timelines(b *strings.Builder) {
	lines := w.ledger()
	for k := range w.seen {
		if _, ok := lines[k]; !ok {
			lines[k] = deliver.Item{}
		}
	}
	keys := slices.SortedFunc(maps.Keys(lines), compareKeys)
	named := slices.DeleteFunc(slices.Clone(keys), func(k deliver.Key) bool {
		return !strings.Contains(w.found[0].what, short(k.Recipient))
	})
	if len(named) == 0 {
		named = keys[:min(len(keys), maxTimelines)]
	}
	for _, k := range named {
		fmt.Fprintf(b, "%s:", line(k))
		for _, s := range w.seen[k] {
			fmt.Fprintf(b, " [%s saw %d]", clock(s.at), s.seq)
		}
		it := lines[k]
		fmt.Fprintf(b, "\n    ledger: seq %d text %d %s", it.Seq, it.Text, it.State)
		for _, m := range it.Marks {
			fmt.Fprintf(b, "; %d %s %s", m.Text, m.Result, m.Reason)
		}
		b.WriteString("\n")
	}
	ids := map[incident.ID]bool{}
	for _, k := range named {
		ids[k.Incident] = true
	}
	for _, id := range slices.Sorted(maps.Keys(ids)) {
		if inc, err := w.incident(bg, id); err == nil {
			fmt.Fprintf(b, "%s\n", history(inc.Snapshot()))
		}
	}
}
