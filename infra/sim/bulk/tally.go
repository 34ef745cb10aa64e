package bulk

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"shirase/internal/deliver"
	"shirase/internal/incident"
)

// A tally counts what went into a storm, and is every provider in it.
type tally struct {
	now func() time.Time

	// newest is what we know of each alarm, by the rule of the promise.
	newest map[string]change
	// taken are the signals of this very moment: the same one that two pollers
	// take in at once is one.
	taken   map[string]bool
	takenAt time.Time
	// signals were taken in: fresh ones, old ones, and repeats.
	signals, fresh, old, repeats, unreadable int
	// kept is how often an alarm went back to the queue.
	kept int
	// first is when the first notice of an incident was handed over.
	first map[incident.ID]time.Time
	// operators counts what each of them is sent in a minute, memos all of it,
	// updates what readers are sent.
	operators map[string]*counter
	memos     int
	updates   int
}

func newTally() tally {
	return tally{newest: map[string]change{}, taken: map[string]bool{}, first: map[incident.ID]time.Time{}, operators: map[string]*counter{}}
}

// signal counts one that was taken in.
func (t *tally) signal(sig incident.Signal) {
	t.signals++
	if now := t.now(); !now.Equal(t.takenAt) {
		clear(t.taken)
		t.takenAt = now
	}
	once := !t.taken[sig.ID]
	t.taken[sig.ID] = true
	was, known := t.newest[sig.Alarm]
	switch {
	case !known || sig.At.After(was.at):
		t.newest[sig.Alarm] = change{sig.Alarm, sig.State, sig.At}
		t.fresh++
	case sig.At.Equal(was.at) && sig.State == was.state, !once:
		t.repeats++
	default:
		t.old++
	}
}

// Keyed implements deliver.Sender.
func (t *tally) Keyed() bool { return true }

// Send implements deliver.Sender: everything is taken.
func (t *tally) Send(_ context.Context, es []deliver.Envelope, _ time.Time) []deliver.Outcome {
	now := t.now()
	for _, e := range es {
		if e.Kind == deliver.KindUpdate {
			t.updates++
			if _, ok := t.first[e.Incident]; !ok {
				t.first[e.Incident] = now
			}
			continue
		}
		t.memos++
		to := string(e.Channel) + "/" + string(e.Recipient)
		if t.operators[to] == nil {
			t.operators[to] = &counter{}
		}
		t.operators[to].add(now)
	}
	return make([]deliver.Outcome, len(es))
}

// Weather is what a storm came to.
type Weather struct {
	// Alarms is how many messages there were, Signals how many were taken in:
	// Fresh ones and Old ones are kept as evidence, Repeats are not.
	Alarms, Signals, Fresh, Old, Repeats, Unreadable int
	// Kept is how often a message went back to the queue, Left how many never came
	// to their end.
	Kept, Left int
	// Evidence is how many signals the store lists.
	Evidence int
	// Incidents are those that were opened, by group.
	Incidents map[string]int
	// Late is how long after its hold, and the time its rule leaves to a person,
	// the latest first notice was handed over; Silent are the groups without one.
	Late   time.Duration
	Silent []string
	// Memos is how much operators were sent, Most by minute to one of them.
	Memos, Most int
	// Updates is how much readers were sent.
	Updates int
}

// weather reads the store and sums up.
func (s *storm) weather() (Weather, error) {
	t := &s.tally
	w := Weather{
		Alarms: s.Alarms, Signals: t.signals, Fresh: t.fresh, Old: t.old, Repeats: t.repeats, Unreadable: t.unreadable,
		Kept: t.kept, Left: len(s.queue), Incidents: map[string]int{}, Memos: t.memos, Updates: t.updates,
	}
	for _, c := range t.operators {
		w.Most = max(w.Most, c.most)
	}
	for cursor := ""; ; {
		es, next, err := s.store.Signals(s.ctx, "", cursor, 1000)
		if err != nil {
			return w, err
		}
		w.Evidence += len(es)
		if cursor = next; next == "" {
			break
		}
	}
	told := map[string]bool{}
	for cursor := ""; ; {
		is, next, err := s.store.Incidents(s.ctx, cursor, 100)
		if err != nil {
			return w, err
		}
		for _, inc := range is {
			w.see(s, inc.Snapshot(), told)
		}
		if cursor = next; next == "" {
			break
		}
	}
	for _, f := range fronts {
		if !told[f.group] {
			w.Silent = append(w.Silent, f.group)
		}
	}
	return w, nil
}

// see counts an incident and how late its first notice was.
func (w *Weather) see(s *storm, snap incident.Snapshot, told map[string]bool) {
	group := strings.Join(snap.Groups, "+")
	w.Incidents[group]++
	first, ok := s.tally.first[snap.ID]
	if !ok {
		return
	}
	told[group] = true
	hold := s.plan.Alarms.Hold
	for _, r := range s.plan.Alarms.Rules {
		if r.Group == group {
			hold += r.After
			break
		}
	}
	w.Late = max(w.Late, first.Sub(snap.OpenedAt.Add(hold)))
}

// String writes one line.
func (w Weather) String() string {
	var opened []string
	for _, g := range slices.Sorted(maps.Keys(w.Incidents)) {
		opened = append(opened, fmt.Sprintf("%s:%d", g, w.Incidents[g]))
	}
	return fmt.Sprintf("alarms=%d signals=%d fresh=%d old=%d repeats=%d evidence=%d kept=%d left=%d incidents=%s late=%s silent=%d memos=%d most=%d/minute updates=%d",
		w.Alarms, w.Signals, w.Fresh, w.Old, w.Repeats, w.Evidence, w.Kept, w.Left, strings.Join(opened, ","), w.Late,
		len(w.Silent), w.Memos, w.Most, w.Updates)
}

// The bounds of a storm.
const (
	// noticeWithin is when the first notice must be out after the hold.
	noticeWithin = 10 * time.Second
	// operatorRate is how much an operator may be sent in a minute: the room of a
	// chat takes one message a second.
	operatorRate = 60
)

// Check answers what is wrong.
func (w Weather) Check() error {
	var faults []error
	wrong := func(is bool, format string, args ...any) {
		if is {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	wrong(w.Signals != w.Alarms || w.Left > 0, "%d of %d alarms were taken in, %d are left", w.Signals, w.Alarms, w.Left)
	wrong(w.Unreadable > 0, "%d alarms could not be read", w.Unreadable)
	wrong(w.Evidence != w.Fresh+w.Old, "%d signals are kept, want %d", w.Evidence, w.Fresh+w.Old)
	for _, g := range slices.Sorted(maps.Keys(w.Incidents)) {
		wrong(w.Incidents[g] != 1, "%s opened %d incidents, want one", g, w.Incidents[g])
	}
	wrong(len(w.Incidents) != len(fronts), "%d outages became incidents, want %d", len(w.Incidents), len(fronts))
	wrong(len(w.Silent) > 0, "nobody was told of %s", strings.Join(w.Silent, ", "))
	wrong(w.Late > noticeWithin, "the first notice came %s after the hold, want %s", w.Late, noticeWithin)
	wrong(w.Most > operatorRate, "an operator was sent %d messages in a minute, want up to %d", w.Most, operatorRate)
	return errors.Join(faults...)
}
