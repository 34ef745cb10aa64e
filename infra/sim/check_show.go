package main

import (
	"slices"
	"strings"
	"time"

	"shirase/infra/judge"
	"shirase/internal/deliver"
	"shirase/internal/incident"
)

// margin is how long before the end of its lease a send must be over.
const margin = 10 * time.Second

// show takes down what a recipient comes to see, and holds it against what they
// have seen before and against what its sender knew.
func (w *world) show(p *provider, e deliver.Envelope) {
	k := deliver.Key{Incident: e.Incident, Channel: e.Channel, Recipient: e.Recipient}
	s := sight{key: k, at: w.now, kind: e.Kind}
	if e.Kind == deliver.KindUpdate {
		l := labelOf(e)
		s.seq, s.plain = l.seq, l.plain
		if l.audience != e.Audience || l.family != w.rig.families[e.Channel] {
			w.fault("I6", "%s: a text for %s by %s goes to %s by %s", line(k), l.audience, l.family, e.Audience, e.Channel)
		}
		w.checkClaim(k, s)
		w.checkUpdate(p, e, s)
	} else {
		s.key = w.checkMemo(e)
	}
	if w.rig.hash(e.Channel, e.To) != e.Recipient {
		w.fault("I6", "%s: the envelope for one is addressed to another", line(k))
	}
	w.sights = append(w.sights, s)
	w.seen[s.key] = append(w.seen[s.key], s)
	if w.tracing {
		w.tracef("SHOWN %s: %d plain=%t kind=%s", line(s.key), s.seq, s.plain, s.kind)
	}
	if e.Kind == deliver.KindConfirmation {
		if n := strings.Index(e.Content.Text, publicURL+"/confirm"); n >= 0 {
			link, _, _ := strings.Cut(e.Content.Text[n:], " ")
			link, _, _ = strings.Cut(link, "\n")
			w.confirm(link)
		}
	}
}

// checkClaim sees to it that the claim was written before anything was sent, that
// what it depends on was read after that, and that its lease is good.
func (w *world) checkClaim(k deliver.Key, s sight) {
	read := w.current.read
	c, ok := read.claimed[k]
	meta, found := read.meta[k.Incident], read.found[recipient{k.Channel, k.Recipient}]
	switch {
	case !ok:
		w.fault("I4", "%s: %d is sent without a claim", line(k), s.seq)
		return
	case c.text != s.seq:
		w.fault("I4", "%s: %d is sent under a claim for %d", line(k), s.seq, c.text)
	case meta.turn < c.turn:
		w.fault("I4", "%s: %d is sent and the incident was not read after the claim", line(k), s.seq)
	case found.turn < c.turn:
		w.fault("I6", "%s: %d is sent and the reader was not read after the claim", line(k), s.seq)
	}
	w.checkLease(k, c)
}

// checkLease sees to it that a send is over in time, and that its channel is open.
func (w *world) checkLease(k deliver.Key, c claimed) {
	if !w.clock().Before(c.until.Add(-margin)) {
		w.fault("I4", "%s: %d is sent %s before the end of its lease", line(k), c.text, c.until.Sub(w.clock()))
	}
	if since, ok := w.off[k.Channel]; ok && w.now.Sub(since) > 30*time.Second+lease+margin {
		w.fault("I9", "%s: %d is sent %s after the channel was switched off", line(k), c.text, w.now.Sub(since))
	}
}

// checkUpdate holds an update that is shown against the incident and against
// what the same recipient has seen.
func (w *world) checkUpdate(p *provider, e deliver.Envelope, s sight) {
	inc, err := w.incident(bg, e.Incident)
	if err != nil {
		w.fault("I2", "%s: a text of an incident that is not there", line(s.key))
		return
	}
	now := inc.Snapshot()
	if s.seq > now.Seq {
		w.fault("I1", "%s: %d is shown and was never accepted", line(s.key), s.seq)
		return
	}
	l, known := now.Lines[s.seq-1], w.current.read.meta[e.Incident].snap
	for _, f := range judge.Next(now.Lines, w.sawOf(s.key), judge.Sight{Seq: s.seq, Plain: s.plain}, p.keyed) {
		w.fault(string(f.Code), "%s: %s", line(s.key), f.What)
	}
	if slices.ContainsFunc(w.seen[s.key], func(x sight) bool { return x.seq == s.seq }) {
		w.rare(shownTwice)
	}
	if known.Seq < s.seq {
		w.fault("I4", "%s: %d is shown and its sender knew of no more than %d", line(s.key), s.seq, known.Seq)
		return
	}
	w.checkKnown(s, l, known)
	w.checkReader(e, s, now)
	if l.Kind == incident.Retraction {
		w.rare("retraction shown")
		if !w.handed(s.key, l.Of) {
			w.fault("I6", "%s: retraction %d of %d, which was never told", line(s.key), s.seq, l.Of)
		}
	}
	if l.Kind == incident.Correction {
		if s.plain {
			w.rare("plain correction")
		} else if !w.handed(s.key, l.Of) {
			w.fault("I6", "%s: correction %d speaks of %d, which was never told", line(s.key), s.seq, l.Of)
		}
	}
}

// sawOf answers what a recipient has seen of an incident.
func (w *world) sawOf(k deliver.Key) []judge.Sight {
	out := make([]judge.Sight, len(w.seen[k]))
	for n, s := range w.seen[k] {
		out[n] = judge.Sight{Seq: s.seq, Plain: s.plain}
	}
	return out
}

// checkKnown sees to it that a sender sends the best it knows of: nothing that
// it knows to be withdrawn, and nothing stale.
func (w *world) checkKnown(s sight, l incident.Line, known incident.Snapshot) {
	if known.Lines[s.seq-1].Withdrawn() {
		w.fault("I4", "%s: %d is shown and its sender knew that it is withdrawn", line(s.key), s.seq)
	}
	newest := 0
	for _, x := range known.Lines {
		if !x.Withdrawn() && x.Kind != incident.Retraction {
			newest = x.Seq
		}
	}
	if s.seq < newest && !l.Kind.Mends() {
		w.fault("I12", "%s: %d is shown and its sender knew of %d", line(s.key), s.seq, newest)
	}
	if known.End == incident.EndMerged && s.seq < newest && !l.Kind.Mends() {
		w.fault("I4", "%s: %d is shown of an incident that is merged", line(s.key), s.seq)
	}
}

// shownTwice counts what a reader saw twice, where the provider takes no key.
const shownTwice = "shown twice without a key"

// maxCalls bounds the tries of one text for one recipient: 32 under each number
// that it is claimed under, of which there are few.
const maxCalls = 120

// handing notes that a text is given to a provider.
func (w *world) handing(e deliver.Envelope) {
	if e.Kind != deliver.KindUpdate {
		return
	}
	k := deliver.Key{Incident: e.Incident, Channel: e.Channel, Recipient: e.Recipient}
	if w.tries[k] == nil {
		w.tries[k] = map[int]int{}
	}
	seq := labelOf(e).seq
	w.tries[k][seq]++
	w.checkWaits(k, seq)
	if n := w.tries[k][seq]; n > maxCalls && !w.providers[e.Channel].revoked.holds(w.now) {
		w.fault("I9", "%s: %d is tried %d times", line(k), seq, n)
	}
}

// failing notes how a call fails.
func (w *world) failing(e deliver.Envelope, r deliver.Reason, after time.Duration, one bool) {
	if e.Kind != deliver.KindUpdate {
		return
	}
	k := deliver.Key{Incident: e.Incident, Channel: e.Channel, Recipient: e.Recipient}
	seq := labelOf(e).seq
	switch {
	case r == deliver.Rejected || r == deliver.Gone:
		if w.refused[k] == nil {
			w.refused[k] = map[int]bool{}
		}
		w.refused[k][seq] = true
	case r == deliver.Throttled && one:
		if w.current.read.asks == nil {
			w.current.read.asks = map[deliver.Key]time.Time{}
		}
		w.current.read.asks[k] = w.now.Add(after)
	}
}

// calledAt is when a provider was called last for a recipient, with what text.
type calledAt struct {
	seq int
	at  time.Time
}

// checkWaits sees to it that nothing is tried again at once, nor before a
// recipient who asked for a while. What another text went between begins anew.
// Where clocks differ it cannot be told.
func (w *world) checkWaits(k deliver.Key, seq int) {
	last, again := w.called[k], w.called[k].seq == seq
	w.called[k] = calledAt{seq, w.now}
	if w.odds[atDelivery][skewed] > 0 {
		return
	}
	if again && w.now.Sub(last.at) < 2*time.Second {
		w.fault("I9", "%s: %d is tried again after %s", line(k), seq, w.now.Sub(last.at))
	}
	if until := w.asked[k]; w.now.Before(until.Add(-time.Second)) {
		w.fault("I9", "%s: %d is tried %s before the recipient allows", line(k), seq, until.Sub(w.now))
	}
}

// handed reports whether a text may have been given to a recipient: it was
// shown, or nobody can know.
func (w *world) handed(k deliver.Key, seq int) bool {
	if w.tries[k][seq] > 0 {
		return true
	}
	items, err := w.store.Items(bg, []deliver.Key{k})
	if err != nil {
		panic(err)
	}
	return slices.ContainsFunc(items[0].Marks, func(m deliver.Mark) bool { return m.Text == seq && m.Result == deliver.Unknown })
}

// checkReader sees to it that the reader is one of those it is for.
func (w *world) checkReader(e deliver.Envelope, s sight, now incident.Snapshot) {
	to := recipient{e.Channel, e.Recipient}
	contact := false
	for _, ct := range w.plan().Contacts(e.Channel) {
		if w.rig.hash(e.Channel, ct.Address) == e.Recipient {
			contact = contact || ct.Audience == e.Audience
			if now.ID.Drill() && !slices.Contains(w.plan().DrillRecipients, ct.Member) {
				w.fault("I6", "%s: a rehearsal reaches one who takes no part in it", line(s.key))
			}
		}
	}
	active := slices.ContainsFunc(w.current.read.found[to].subs, func(x incident.Subscriber) bool {
		return x.State == incident.Active && x.Audience == e.Audience
	})
	if !contact && (!active || now.ID.Drill()) {
		w.fault("I6", "%s: %d is shown to one who is no active reader of %s", line(s.key), s.seq, e.Audience)
	}
	routed, concerned := false, len(w.seen[s.key]) > 0
	for _, id := range append([]incident.ID{now.ID}, now.Absorbed...) {
		routed = routed || w.routes[id][incident.Route{Audience: e.Audience, Channel: e.Channel}]
		concerned = concerned || w.ever[id][to] || len(w.seen[deliver.Key{Incident: id, Channel: e.Channel, Recipient: e.Recipient}]) > 0
	}
	if !routed {
		w.fault("I6", "%s: %d is shown to %s, whom the plan does not tell of it on %s", line(s.key), s.seq, e.Audience, e.Channel)
	}
	if !concerned && !contact {
		w.fault("I6", "%s: %d is shown to one whom it does not concern", line(s.key), s.seq)
	}
}

// checkMemo looks at what is no update, and answers its line in the ledger.
func (w *world) checkMemo(e deliver.Envelope) deliver.Key {
	var k deliver.Key
	for slot, c := range w.current.read.claimed {
		if slot.Slot != "" && slot.Recipient == e.Recipient && slot.Incident == e.Incident && (k.Slot == "" || c.turn > w.current.read.claimed[k].turn) {
			k = slot
		}
	}
	if k.Slot == "" {
		w.fault("I4", "%s to %s is sent without a claim", e.Kind, short(e.Recipient))
		return deliver.Key{Incident: e.Incident, Channel: e.Channel, Recipient: e.Recipient, Slot: "?"}
	}
	w.checkLease(k, w.current.read.claimed[k])
	times := len(w.seen[k]) + 1
	if w.providers[e.Channel].keyed && times > 1 || times > 2 {
		w.fault("I3", "%s is shown %d times", line(k), times)
	}
	known, ok := w.current.read.meta[e.Incident]
	if e.Kind == deliver.KindReminder && ok && !liveSnapshot(known.snap) {
		w.fault("I5", "%s is shown after the end", line(k))
	}
	if e.Kind == deliver.KindConfirmation {
		return k
	}
	for _, m := range w.memos {
		if m.Slot == k.Slot && m.Incident == k.Incident && ok && m.VoidAfter >= 0 && (known.snap.Seq > m.VoidAfter || !liveSnapshot(known.snap)) {
			w.fault("I5", "%s is shown although update %d has made it void", line(k), known.snap.Seq)
		}
	}
	return k
}

// checkVoid sees to it that a memo which is held back has become void.
func (w *world) checkVoid(k deliver.Key) {
	m, err := w.store.Memo(bg, k.Incident, k.Slot)
	if err != nil {
		w.fault("I2", "%s: a memo that is not there is held back: %v", line(k), err)
		return
	}
	void := !m.Until.IsZero() && !w.clock().Before(m.Until)
	if !void && m.VoidAfter >= 0 && m.Incident != deliver.NoIncident {
		inc, err := w.incident(bg, m.Incident)
		void = err == nil && (!inc.Live() || inc.Seq() > m.VoidAfter || w.reopened[m.Incident])
	}
	if !void {
		w.fault("I2", "%s: %s is held back and has not become void", line(k), m.Kind)
	}
}

func liveSnapshot(s incident.Snapshot) bool { return s.End == "" }
