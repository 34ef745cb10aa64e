package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"shirase/infra/judge"
	"shirase/internal/announce"
	"shirase/internal/deliver"
	"shirase/internal/incident"
)

// slack is how much later than planned a thing may happen by itself when nothing
// goes wrong: the sweep comes once a minute.
const slack = 3 * time.Minute

// checkPromises looks, in the quiet, at what must have happened by itself.
func (w *world) checkPromises() {
	is, err := w.store.Live(bg)
	if err != nil {
		panic(err)
	}
	p := w.plan()
	for _, i := range is {
		snap := i.Snapshot()
		if pr, ok := i.Promise(); ok && w.now.Sub(pr.By) > p.Timing.Hold+slack {
			w.fault("I2", "%s promised a word by %s and nothing came", snap.ID, clock(pr.By))
		}
		if snap.Seq == 0 {
			w.checkDetected(i)
		}
	}
}

// checkDetected looks at an incident that nobody outside has heard of.
func (w *world) checkDetected(i incident.Incident) {
	snap, p := i.Snapshot(), w.plan()
	ds, err := w.store.Drafts(bg, snap.ID)
	if err != nil {
		panic(err)
	}
	firing := false
	as, err := w.store.Alarms(bg, snap.ID)
	if err != nil {
		panic(err)
	}
	var fired time.Time
	for _, a := range as {
		if a.Firing && a.Incident == snap.ID {
			firing = true
			if a.At.After(fired) {
				fired = a.At
			}
		}
	}
	old := w.now.Sub(snap.OpenedAt) > 2*p.Alarms.Hold+slack && w.now.Sub(fired) > 2*p.Alarms.Hold+slack
	if !firing || !old {
		return
	}
	if len(ds) == 0 {
		w.fault("I2", "%s fires for long and nobody was asked what to say of it", snap.ID)
	}
	for _, d := range ds {
		switch {
		case d.State != announce.DraftOpen || snap.AckedBy != "":
		case d.Called < 2 && w.now.Sub(d.At) > p.Timing.Escalate+slack && w.now.Sub(snap.OpenedAt) > p.Timing.Escalate+p.Alarms.Hold+slack:
			w.fault("I2", "nobody took %s on and nobody else was called", snap.ID)
		case !d.AutoAt.IsZero() && w.now.Sub(d.AutoAt) > slack:
			w.fault("I2", "%s was to publish itself by %s", snap.ID, clock(d.AutoAt))
		}
	}
}

// judge looks at everything once it is at rest.
func (w *world) judge() {
	if len(w.found) > 0 {
		return
	}
	lines := w.ledger()
	for _, k := range slices.SortedFunc(maps.Keys(lines), compareKeys) {
		w.judgeLine(k, lines[k])
	}
	for _, id := range slices.Sorted(maps.Keys(w.routes)) {
		w.judgeIncident(id, lines)
	}
	w.judgeLate(lines)
	w.judgeMemos(lines)
	w.judgeSignals()
}

func compareKeys(a, b deliver.Key) int {
	return cmp.Or(
		cmp.Compare(a.Incident, b.Incident), cmp.Compare(a.Channel, b.Channel), cmp.Compare(a.Recipient, b.Recipient), cmp.Compare(a.Slot, b.Slot),
	)
}

// ledger reads the whole ledger.
func (w *world) ledger() map[deliver.Key]deliver.Item {
	out := map[deliver.Key]deliver.Item{}
	ids := map[incident.ID]bool{deliver.NoIncident: true}
	is, _, err := w.store.Incidents(bg, "", 0)
	if err != nil {
		panic(err)
	}
	for _, i := range is {
		ids[i.ID()] = true
	}
	for id := range ids {
		ds, _, err := w.store.Deliveries(bg, id, "", 0)
		if err != nil {
			panic(err)
		}
		for _, d := range ds {
			out[d.Key] = d.Item
		}
	}
	return out
}

// judgeLine holds a line of the ledger against what was seen: what counts as
// sent was seen, and what was seen counts as told.
func (w *world) judgeLine(k deliver.Key, it deliver.Item) {
	zombies := w.cells[atDelivery][zombieBefore] + w.cells[atDelivery][zombieAfter]
	if it.Seq > 0 && it.State != deliver.Done && it.LeaseUntil.Before(w.now) && zombies > 0 {
		// A zombie claimed after all others were done with the message. Nobody is left
		// to settle; the claim counts as one that may have been told.
		w.rare("claim left by a zombie")
	} else if it.Seq > 0 && it.State != deliver.Done {
		w.fault("I2", "%s is at rest and not done: %+v", line(k), it)
	}
	shown := map[int]bool{}
	for _, s := range w.seen[k] {
		if k.Slot != "" {
			s.seq = 1
		}
		shown[s.seq] = true
	}
	for _, m := range it.Marks {
		w.rares["fate "+string(m.Result)]++
		if m.Result == deliver.Refused && m.Reason != deliver.Forbidden && k.Slot == "" && !w.refused[k][m.Text] {
			w.fault("I10", "%s: %d counts as refused (%s) and nobody refused it", line(k), m.Text, m.Reason)
		}
		if m.Result == deliver.Failed && m.Reason == deliver.Exhausted && k.Slot == "" && !w.killed() && w.tries[k][m.Text] < 8 {
			w.fault("I2", "%s: %d is given up after %d tries", line(k), m.Text, w.tries[k][m.Text])
		}
		if m.Result == deliver.Sent && !shown[m.Text] {
			w.fault("I10", "%s: %d counts as sent and was never seen", line(k), m.Text)
		}
	}
	for _, seq := range slices.Sorted(maps.Keys(shown)) {
		if !it.Told(seq) {
			w.fault("I10", "%s: %d was seen and does not count as told: %+v", line(k), seq, it)
		}
	}
}

// killed reports whether a sender may have died with a claim in hand, which
// counts as a try.
func (w *world) killed() bool {
	n := 0
	for _, b := range []boundary{atDelivery, atProvider} {
		for _, f := range []fault{crashBefore, crashAfter, zombieBefore, zombieAfter, timeoutKept, timeoutLost, timeoutKilled} {
			n += w.cells[b][f]
		}
	}
	return n > 0
}

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

// judgeMemos sees to it that each memo was told or has become void.
func (w *world) judgeMemos(lines map[deliver.Key]deliver.Item) {
	for _, m := range w.memos {
		k := deliver.Key{Incident: m.Incident, Channel: m.Channel, Recipient: m.Recipient, Slot: m.Slot}
		it, ok := lines[k]
		if !ok || it.State != deliver.Done || len(it.Marks) == 0 {
			w.fault("I2", "nobody knows what became of %s: %+v", line(k), it)
		}
	}
}

// judgeSignals sees to it that whatever monitors said is kept, and that the
// newest word of each holds.
func (w *world) judgeSignals() {
	es, _, err := w.store.Signals(bg, "", "", 0)
	if err != nil {
		panic(err)
	}
	kept, raw := map[said]bool{}, map[string]bool{}
	for _, e := range es {
		if e.Outcome == incident.OutcomeUnreadable {
			raw[e.Raw] = true
			continue
		}
		kept[said{e.Signal.Alarm, states[e.Signal.State], e.Signal.At.UTC()}] = true
		w.rares["signal "+string(e.Outcome)]++
	}
	newest := map[string]said{}
	for s := range w.monitored {
		if !kept[s] {
			w.fault("I10", "alarm %s said %s at %s and it is not kept", s.alarm, s.state, clock(s.at))
		}
		if n, ok := newest[s.alarm]; !ok || s.at.After(n.at) {
			newest[s.alarm] = s
		}
	}
	for body := range w.unreadable {
		if !raw[body] {
			w.fault("I10", "an alarm in no known shape is not kept: %q", body)
		}
	}
	for name, s := range newest {
		a, err := w.store.Alarm(bg, arn(name))
		if err != nil || !a.At.Equal(s.at) || states[a.State] != s.state {
			w.fault("I4", "alarm %s last said %s at %s and the store has %s at %s: %v", name, s.state, clock(s.at), a.State, clock(a.At), err)
		}
	}
}

// states are CloudWatch's words for those of a signal.
var states = map[incident.SignalState]string{
	incident.SignalAlarm: "ALARM", incident.SignalOK: "OK", incident.SignalInsufficient: "INSUFFICIENT_DATA",
}

// history writes the updates of an incident in short.
func history(s incident.Snapshot) string {
	var b strings.Builder
	b.WriteString(string(s.ID) + ":")
	for _, l := range s.Lines {
		fmt.Fprintf(&b, " %d %s/%s", l.Seq, l.Kind, l.Stage)
		if l.Of > 0 {
			fmt.Fprintf(&b, " of %d", l.Of)
		}
		if l.Withdrawn() {
			b.WriteString(" (withdrawn)")
		}
	}
	return b.String() + " " + string(s.End)
}
