package main

import (
	"maps"
	"slices"
	"time"

	"shirase/infra/judge"
	"shirase/internal/deliver"
	"shirase/internal/incident"
)

// judgeLate looks at those who confirmed while an incident went on. They are told
// of it where something was routed to them since, or where there was time enough
// before its end.
func (w *world) judgeLate(lines map[deliver.Key]deliver.Item) {
	for _, r := range slices.SortedFunc(maps.Keys(w.late), compareRecipients) {
		for _, id := range slices.Sorted(maps.Keys(w.late[r])) {
			inc, err := w.incident(bg, id)
			if err != nil {
				panic(err)
			}
			snap := inc.Snapshot()
			routed := false
			for _, to := range w.expected[id] {
				routed = routed || slices.Contains(to, r)
			}
			slow := w.cells[atTopic][late]+w.cells[atSchedule][late]+w.cells[atFanOut][stall]+w.cells[atDelivery][stall] > 0
			inTime := !slow && snap.EndedAt.Sub(w.late[r][id]) > 20*time.Minute
			if it := lines[deliver.Key{Incident: id, Channel: r.channel, Recipient: r.id}]; len(it.Marks) == 0 && snap.End == incident.EndStage && (routed || inTime) {
				w.fault("I2", "%s %s confirmed while %s went on and was told nothing (%s)", r.channel, short(r.id), id, history(snap))
			}
		}
	}
}

// judgeIncident looks at everyone an incident concerns.
func (w *world) judgeIncident(id incident.ID, lines map[deliver.Key]deliver.Item) {
	inc, err := w.incident(bg, id)
	if err != nil {
		w.fault("I1", "%s is not in the store", id)
		return
	}
	snap := inc.Snapshot()
	us, err := w.store.Updates(bg, id)
	if err != nil || len(us) != snap.Seq {
		w.fault("I1", "%s has %d updates and keeps %d: %v", id, snap.Seq, len(us), err)
		return
	}
	concerned := map[recipient]int{} // since which update
	for seq := snap.Seq; seq > 0; seq-- {
		for _, r := range w.expected[id][seq] {
			concerned[r] = seq
		}
	}
	for k := range w.seen {
		if k.Incident == id && k.Slot == "" {
			if r := (recipient{k.Channel, k.Recipient}); concerned[r] == 0 {
				concerned[r] = w.seen[k][0].seq
			}
		}
	}
	for _, r := range slices.SortedFunc(maps.Keys(concerned), compareRecipients) {
		k := deliver.Key{Incident: id, Channel: r.channel, Recipient: r.id}
		w.judgeReader(reader{recipient: r, key: k, item: lines[k], inc: snap, updates: us}, concerned[r])
	}
}

func compareRecipients(a, b recipient) int {
	return compareKeys(deliver.Key{Channel: a.channel, Recipient: a.id}, deliver.Key{Channel: b.channel, Recipient: b.id})
}

// reader is somebody an incident concerned, at the end.
type reader struct {
	recipient
	key     deliver.Key
	item    deliver.Item
	inc     incident.Snapshot
	updates []incident.Update
}

func (r reader) mark(seq int) (deliver.Mark, bool) {
	n := slices.IndexFunc(r.item.Marks, func(m deliver.Mark) bool { return m.Text == seq })
	if n < 0 {
		return deliver.Mark{}, false
	}
	return r.item.Marks[n], true
}

// fate reports whether it is known what became of a text: the reader was told
// it, or it was given up with a reason.
func (r reader) fate(seq int) bool {
	m, ok := r.mark(seq)
	switch m.Result {
	case deliver.Sent, deliver.Unknown, deliver.Refused, deliver.Failed, deliver.Unsubscribed:
		return ok
	case deliver.Superseded, deliver.Withdrawn:
	}
	return false
}

// after reports whether something that is newer than a text, and stands, has a fate.
func (r reader) after(seq int) bool {
	for n := seq + 1; n <= r.inc.Seq; n++ {
		if r.fate(n) && !r.inc.Lines[n-1].Withdrawn() {
			return true
		}
	}
	return false
}

// judgeReader holds what a reader saw against what they were to be told.
func (w *world) judgeReader(r reader, since int) {
	if w.gone(r.recipient) {
		return
	}
	seen := map[int]bool{}
	for _, s := range w.seen[r.key] {
		seen[s.seq] = true
	}
	name := line(r.key)
	for _, u := range r.updates {
		l := r.inc.Lines[u.Seq-1]
		expected := slices.Contains(w.expected[r.inc.ID][u.Seq], r.recipient)
		if w.moved[r.recipient] && len(seen) == 0 {
			expected = false // the fan-out may have come after their change
		}
		if expected && !l.Withdrawn() && !r.fate(u.Seq) && !r.after(u.Seq) && (r.inc.End != incident.EndMerged || len(seen) > 0) {
			w.fault("I2", "%s: nobody knows what became of %d (%s): %+v", name, u.Seq, history(r.inc), r.item)
		}
	}
	for _, f := range judge.Rest(r.inc.Lines, w.sawOf(r.key), r.fate, w.rig.families[r.channel].Timeline()) {
		w.fault(string(f.Code), "%s: %s (%s): %+v", name, f.What, history(r.inc), r.item)
	}
	w.judgeMerged(r, seen)
}

// judgeMerged looks at those of a merged incident: they go on in the other.
func (w *world) judgeMerged(r reader, seen map[int]bool) {
	if r.inc.End != incident.EndMerged || len(seen) == 0 {
		return
	}
	into, err := w.incident(bg, r.inc.MergedInto)
	if err != nil {
		w.fault("I1", "%s is merged into %s, which is not in the store", r.inc.ID, r.inc.MergedInto)
		return
	}
	snap := into.Snapshot()
	if snap.End != incident.EndStage {
		return // itself merged, or withdrawn
	}
	k := r.key
	k.Incident = snap.ID
	items, err := w.store.Items(bg, []deliver.Key{k})
	if err != nil {
		panic(err)
	}
	told := slices.ContainsFunc(items[0].Marks, func(m deliver.Mark) bool {
		return m.Result != deliver.Superseded && m.Result != deliver.Withdrawn
	})
	ended := slices.ContainsFunc(snap.Lines, func(l incident.Line) bool {
		return l.At.After(r.inc.EndedAt) && !l.Kind.Mends() && l.Stage == incident.Resolved && !l.Withdrawn()
	})
	if ended && !told {
		w.fault("I15", "%s was told of %s, which went on as %s, and never the end there (%s)", line(r.key), r.inc.ID, snap.ID, history(snap))
	}
	w.rare("reader of a merged incident")
}

// gone reports whether somebody is no reader any more, or was none for a while.
func (w *world) gone(r recipient) bool {
	for _, ct := range w.plan().Contacts(r.channel) {
		if w.rig.hash(r.channel, ct.Address) == r.id {
			return false
		}
	}
	subs, err := w.book.Find(bg, r.channel, []incident.RecipientID{r.id})
	if err != nil {
		panic(err)
	}
	return !slices.ContainsFunc(subs[r.id], func(s incident.Subscriber) bool { return s.State == incident.Active }) || w.left[r]
}

// history writes the updates of an incident in short, and its end.
func history(s incident.Snapshot) string { return judge.History(s.ID, s.Lines) + " " + string(s.End) }
