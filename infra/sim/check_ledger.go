package main

import (
	"context"
	"slices"
	"time"

	"shirase/internal/deliver"
	"shirase/internal/incident"
)

// reading is what a task has read and claimed, in the order it did: the rules of
// delivery speak of what comes before what.
type reading struct {
	turn    int
	meta    map[incident.ID]metaRead
	found   map[recipient]foundRead
	claimed map[deliver.Key]claimed
	// asks are the recipients who want to be left alone for a while.
	asks map[deliver.Key]time.Time
}

type metaRead struct {
	turn int
	snap incident.Snapshot
}

type foundRead struct {
	turn int
	subs []incident.Subscriber
}

type claimed struct {
	turn  int
	text  int
	until time.Time
}

// noteIncident notes what the task that runs has read of an incident.
func (w *world) noteIncident(inc incident.Incident) {
	t := w.current
	if t == nil || t.function != "delivery" {
		return
	}
	if t.read.meta == nil {
		t.read.meta = map[incident.ID]metaRead{}
	}
	t.read.turn++
	t.read.meta[inc.ID()] = metaRead{t.read.turn, inc.Snapshot()}
}

// noteFound notes who was read from the book, as they truly are at that moment.
func (w *world) noteFound(c incident.Channel, ids []incident.RecipientID) {
	t := w.current
	if t == nil || t.function != "delivery" {
		return
	}
	subs, err := w.book.Find(bg, c, ids)
	if err != nil {
		panic(err)
	}
	if t.read.found == nil {
		t.read.found = map[recipient]foundRead{}
	}
	t.read.turn++
	for _, id := range ids {
		t.read.found[recipient{c, id}] = foundRead{t.read.turn, subs[id]}
	}
}

// most are how many a chunk may name (design §5): whoever is slow delays no other.
var most = map[incident.Family]int{
	incident.FamilyEmail: 50, incident.FamilySMS: 10, incident.FamilyWebhook: 1, incident.FamilySocial: 1, incident.FamilyChat: 1,
}

// noteChunk looks at a chunk that is queued.
func (w *world) noteChunk(c deliver.Chunk) {
	if n := len(c.Recipients); n > most[w.rig.families[c.Channel]] {
		w.fault("I9", "a chunk of %d recipients for %s", n, c.Channel)
	}
}

// claim lets the ledger decide, and looks at what it decides.
func (w *world) claim(ctx context.Context, asks []deliver.Ask) ([]deliver.Decision, error) {
	keys := make([]deliver.Key, len(asks))
	for n, a := range asks {
		keys[n] = a.Key
	}
	before := w.items(keys)
	ds, err := w.store.Claim(ctx, asks)
	if err != nil {
		return nil, err
	}
	for n, it := range before {
		if ds[n].Verdict == deliver.Granted && it.State == deliver.Claimed && w.now.Before(it.LeaseUntil.Add(-margin)) {
			w.fault("I4", "%s: a live lease is taken over %s before its end", line(keys[n]), it.LeaseUntil.Sub(w.now))
		}
	}
	t := w.current
	if t.read.claimed == nil {
		t.read.claimed = map[deliver.Key]claimed{}
	}
	t.read.turn++
	for n, d := range ds {
		w.rares["claim "+string(d.Verdict)]++
		if d.Verdict == deliver.Granted {
			w.undead[asks[n].Key] = t.zombie
			t.read.claimed[asks[n].Key] = claimed{t.read.turn, d.Item.Text, asks[n].Until}
		}
		if d.Repeat {
			w.rare("repeat without a key")
		}
	}
	return ds, nil
}

// settle lets the ledger decide, and sees to it that what was told stays told.
func (w *world) settle(ctx context.Context, ss []deliver.Settlement) ([]bool, error) {
	keys := make([]deliver.Key, len(ss))
	for n, s := range ss {
		keys[n] = s.Key
	}
	before := w.items(keys)
	taken, err := w.store.Settle(ctx, ss)
	if err != nil {
		return nil, err
	}
	after := w.items(keys)
	for n := range ss {
		if until, ok := w.current.read.asks[keys[n]]; ok && taken[n] {
			w.asked[keys[n]] = until
		}
		delete(w.current.read.asks, keys[n])
		if len(before) > 0 {
			w.compare(keys[n], before[n], after[n])
			if taken[n] && before[n].Lease != ss[n].Lease {
				w.fault("I4", "%s is settled under a lease that is not its newest", line(keys[n]))
			}
		}
		if taken[n] && ss[n].Result == deliver.Superseded && keys[n].Slot != "" {
			w.checkVoid(keys[n])
		}
		switch {
		case !taken[n] && w.current.zombie:
			w.rare("zombie's settle refused")
		case !taken[n]:
			w.rare("settle refused")
		default:
			w.rares["settled "+string(ss[n].Result)]++
		}
	}
	return taken, nil
}

// items reads lines of the ledger as they truly are. Reading the ledger twice
// more each time takes long, so one seed in three does: not those in three that
// have more shards, or a longer quiet.
func (w *world) items(keys []deliver.Key) []deliver.Item {
	if w.seed/3%3 != 0 {
		return nil
	}
	items, err := w.store.Items(bg, keys)
	if err != nil {
		panic(err)
	}
	return items
}

func (w *world) compare(k deliver.Key, a, b deliver.Item) {
	if b.Seq < a.Seq {
		w.fault("I4", "%s: the highest claimed sequence fell from %d to %d", line(k), a.Seq, b.Seq)
	}
	for _, m := range a.Marks {
		n := slices.IndexFunc(b.Marks, func(x deliver.Mark) bool { return x.Text == m.Text })
		if n < 0 || m.Result == deliver.Sent && b.Marks[n].Result != deliver.Sent {
			w.fault("I10", "%s: what became of %d is forgotten", line(k), m.Text)
		}
	}
}
