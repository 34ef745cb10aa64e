package main

import (
	"cmp"
	"maps"
	"slices"

	"shirase/internal/deliver"
	"shirase/internal/incident"
)

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
	if it.Seq > 0 && it.State != deliver.Done && it.LeaseUntil.Before(w.now) && w.undead[k] {
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
