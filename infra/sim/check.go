package main

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"shirase/internal/announce"
	"shirase/internal/deliver"
	"shirase/internal/incident"
	"shirase/internal/plan"
	"shirase/internal/subscribe"
)

// A finding is a promise that was broken: the invariant of design §5 and
// docs/reliability.md, and how.
type finding struct {
	code string
	at   time.Time
	what string
}

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

// recipient is somebody on a channel.
type recipient struct {
	channel incident.Channel
	id      incident.RecipientID
}

// sight is a text that a recipient has come to see.
type sight struct {
	key   deliver.Key
	at    time.Time
	seq   int // of the text; 0 for memos
	plain bool
	kind  string
}

// checker holds what is known of the truth beside the store.
type checker struct {
	found   []finding
	tracing bool
	closing bool
	// planted is a rare state that is to count as a fault, to try the checker.
	planted  string
	planned  int
	finished int
	// waiting are the asynchronous invocations that are to be tried again.
	waiting int
	people  []subscribe.Entry

	// sights are in the order in which they were seen; seen are those of one line.
	sights []sight
	seen   map[deliver.Key][]sight
	// tries counts the calls for one text.
	tries map[deliver.Key]map[int]int
	// ever are those who were to hear of an incident at some moment.
	ever map[incident.ID]map[recipient]bool
	// expected are those an update was routed to when it was accepted.
	expected map[incident.ID]map[int][]recipient
	// told are the routes of all updates of an incident so far.
	routes map[incident.ID]map[incident.Route]bool
	memos  []deliver.Memo
	// answers are what each request was answered with.
	answers map[string]string
	// monitored are the signals that were sent, unreadable the bodies that are none.
	monitored  map[said]bool
	unreadable map[string]bool
	// broken are the messages that nobody can read.
	broken map[string]bool
	off    map[incident.Channel]time.Time
	// worked tells that there was planned work.
	worked bool
	// left are those who were no readers at some moment, moved those who have
	// changed what they want to hear of.
	left, moved map[recipient]bool
	// late are those who confirmed while an incident went on, and when.
	late map[recipient]map[incident.ID]time.Time
	// named are all components that an incident ever had.
	named map[incident.ID]map[incident.ComponentID]bool
	// reopened are the incidents that were over at some moment and went on.
	reopened map[incident.ID]bool
	// made are the idempotency keys under which a change was made.
	made map[string]bool
	// refused are the texts that a provider refused for good.
	refused map[deliver.Key]map[int]bool
	// called is what a recipient's provider was called for last. Asked is until
	// when it wants to be left alone, as far as that was settled.
	called map[deliver.Key]calledAt
	asked  map[deliver.Key]time.Time
}

func newChecker() checker {
	return checker{
		seen: map[deliver.Key][]sight{}, tries: map[deliver.Key]map[int]int{}, ever: map[incident.ID]map[recipient]bool{},
		expected: map[incident.ID]map[int][]recipient{}, routes: map[incident.ID]map[incident.Route]bool{},
		answers: map[string]string{}, monitored: map[said]bool{}, unreadable: map[string]bool{}, broken: map[string]bool{}, off: map[incident.Channel]time.Time{},
		left: map[recipient]bool{}, moved: map[recipient]bool{},
		late: map[recipient]map[incident.ID]time.Time{}, named: map[incident.ID]map[incident.ComponentID]bool{}, made: map[string]bool{}, reopened: map[incident.ID]bool{},
		refused: map[deliver.Key]map[int]bool{}, called: map[deliver.Key]calledAt{}, asked: map[deliver.Key]time.Time{},
	}
}

// fault records that a promise was broken.
func (w *world) fault(code, format string, args ...any) {
	if w.closing || len(w.found) > 0 { // what follows a fault says little
		return
	}
	f := finding{code, w.now, fmt.Sprintf(format, args...)}
	w.found = append(w.found, f)
	w.tracef("FAULT %s %s", f.code, f.what)
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

// noteChunk looks at a chunk that is queued.
func (w *world) noteChunk(c deliver.Chunk) {
	if len(c.Recipients) > 50 {
		w.fault("I9", "a chunk of %d recipients", len(c.Recipients))
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
// more each time takes long, so one seed in three does.
func (w *world) items(keys []deliver.Key) []deliver.Item {
	if w.seed%3 != 0 {
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

// commit makes a change, and looks at what it makes of incidents.
func (w *world) commit(ctx context.Context, c announce.Change) error {
	before := make([]incident.Incident, len(c.Incidents))
	for n, v := range c.Incidents {
		before[n], _ = w.incident(bg, v.Incident.ID()) // the zero one where it is new
	}
	holders := w.holders(c)
	err := w.store.Commit(ctx, c)
	w.forget(c)
	if err != nil {
		w.rare("lost a race")
		return err
	}
	if a := c.Answer; a != nil {
		if w.made[a.Key] {
			w.fault("I1", "a request is made twice under one key")
		}
		w.made[a.Key] = true
	}
	for n, v := range c.Incidents {
		w.checkChange(before[n].Snapshot(), v.Incident.Snapshot())
	}
	for _, u := range c.Updates {
		w.accepted(u)
	}
	for _, d := range c.Drafts {
		w.checkDraft(d)
	}
	for _, m := range c.Memos {
		if !slices.ContainsFunc(w.memos, func(x deliver.Memo) bool { return x.Incident == m.Incident && x.Slot == m.Slot }) {
			w.memos = append(w.memos, m)
			w.rares["memo "+m.Kind]++
		}
	}
	if len(c.Incidents) > 0 {
		var changed []incident.ID
		for _, v := range c.Incidents {
			changed = append(changed, v.Incident.ID())
		}
		w.remember(changed...)
		w.checkGroups(c, holders)
		w.checkLive(changed)
	}
	return nil
}

// checkChange sees to it that history is only ever added to.
func (w *world) checkChange(a, b incident.Snapshot) {
	switch {
	case b.Version < a.Version, b.Version == a.Version && b.Seq != a.Seq:
		w.fault("I1", "%s went from version %d to %d", b.ID, a.Version, b.Version)
	case b.Seq < a.Seq || b.Seq > a.Seq+1:
		w.fault("I4", "%s went from update %d to %d", b.ID, a.Seq, b.Seq)
	}
	if w.named[b.ID] == nil {
		w.named[b.ID] = map[incident.ComponentID]bool{}
	}
	for _, c := range b.Components {
		w.named[b.ID][c] = true
	}
	for _, other := range b.Absorbed {
		maps.Copy(w.named[b.ID], w.named[other])
	}
	if len(b.Promises) < len(a.Promises) {
		w.fault("I2", "%s gave %d promises and keeps %d", b.ID, len(a.Promises), len(b.Promises))
	}
	for n, l := range a.Lines {
		was := b.Lines[n]
		if l.Withdrawn() || !was.Withdrawn() {
			if was != l {
				w.fault("I4", "%s/%d was changed after it was accepted", b.ID, l.Seq)
			}
		}
	}
	if b.Seq > 0 && b.End == "" && (len(b.Promises) == 0 || !b.Promises[len(b.Promises)-1].Open()) {
		w.fault("I2", "%s goes on and promises nothing", b.ID)
	}
	if a.End != "" && b.End == "" {
		w.reopened[b.ID] = true
	}
	if b.End != a.End && b.End != "" {
		w.rares["end "+string(b.End)]++
	}
}

// accepted notes who an update is for.
func (w *world) accepted(u incident.Update) {
	w.rares["update "+string(u.Kind)]++
	if !u.Missed.IsZero() {
		w.rare("promise missed and said so")
	}
	if w.routes[u.Incident] == nil {
		w.routes[u.Incident], w.expected[u.Incident] = map[incident.Route]bool{}, map[int][]recipient{}
	}
	inc, err := w.incident(bg, u.Incident)
	if err != nil {
		panic(err)
	}
	w.checkByItself(u, inc.Snapshot())
	p := w.plan()
	var to []recipient
	for _, r := range u.Routes {
		w.routes[u.Incident][r] = true
		if u.Kind == incident.Retraction || u.MergedInto != "" {
			continue // for those who were told alone
		}
		to = append(to, w.routed(p, r, inc.Snapshot())...)
	}
	w.expected[u.Incident][u.Seq] = to
	if w.ever[u.Incident] == nil {
		w.ever[u.Incident] = map[recipient]bool{}
	}
	for _, r := range to {
		w.ever[u.Incident][r] = true
	}
}

// routed answers who hears of an incident on a route at this moment.
func (w *world) routed(p *plan.Plan, r incident.Route, snap incident.Snapshot) []recipient {
	var to []recipient
	for _, ct := range p.Contacts(r.Channel) {
		if ct.Audience == r.Audience && (!snap.ID.Drill() || slices.Contains(p.DrillRecipients, ct.Member) && ct.Member != "") {
			to = append(to, recipient{r.Channel, w.rig.hash(r.Channel, ct.Address)})
		}
	}
	if snap.ID.Drill() {
		return to
	}
	for _, s := range w.subscribers(r) {
		if w.hears(s, snap.ID) {
			to = append(to, recipient{r.Channel, s.ID})
		}
	}
	return to
}

// subscribers answers the active ones of a route.
func (w *world) subscribers(r incident.Route) (out []incident.Subscriber) {
	for shard := range w.book.Shards() {
		ss, _, err := w.book.Page(bg, r.Audience, r.Channel, shard, "", 1000)
		if err != nil {
			panic(err)
		}
		out = append(out, ss...)
	}
	return out
}

func (w *world) plan() *plan.Plan {
	p, err := w.currentPlan(bg)
	if err != nil {
		panic(err)
	}
	return p
}

// remember adds those to whom incidents are of concern now. Who once was one may
// be told, whatever they choose later; and whoever becomes one while a fan-out is
// late may be as well.
func (w *world) remember(only ...incident.ID) {
	p := w.plan()
	for id, routes := range w.routes {
		if len(only) > 0 && !slices.Contains(only, id) {
			continue
		}
		inc, err := w.incident(bg, id)
		if err != nil {
			panic(err)
		}
		for r := range routes {
			for _, to := range w.routed(p, r, inc.Snapshot()) {
				w.ever[id][to] = true
			}
		}
	}
}

// checkGroups sees to it that one outage is one incident: a group that an
// incident collects which goes on passes to another only by a merge.
func (w *world) checkGroups(c announce.Change, holders []incident.Incident) {
	for n, g := range c.Groups {
		h := holders[n]
		if h.ID() == "" || g.Set == "" || g.Set == h.ID() || !h.Live() {
			continue
		}
		now, err := w.incident(bg, h.ID())
		if err != nil || now.Live() {
			w.fault("I3", "alarms of group %s are collected by %s, and now by %s as well", g.Group, h.ID(), g.Set)
		}
	}
}

// holders answers the incidents that collect the groups of a change.
func (w *world) holders(c announce.Change) []incident.Incident {
	out := make([]incident.Incident, len(c.Groups))
	for n, g := range c.Groups {
		if id, err := w.store.Group(bg, g.Group); err == nil && id != "" {
			out[n], _ = w.incident(bg, id) // the zero one where there is none
		}
	}
	return out
}

// commitSubscription makes a change of a subscription.
func (w *world) commitSubscription(ctx context.Context, c subscribe.Change) error {
	if err := w.book.Commit(ctx, c); err != nil {
		return err
	}
	if c.Memo != nil {
		w.memos = append(w.memos, *c.Memo)
		w.rares["memo "+c.Memo.Kind]++
	}
	s := c.Record.Subscriber
	if !c.Delete {
		w.rares["subscriber "+string(s.State)]++
	}
	r := recipient{s.Channel, s.ID}
	if c.Delete || s.State != incident.Active {
		w.left[r] = true
	}
	w.confirmed(c, r)
	if is, err := w.store.Live(bg); err == nil && len(is) > 0 && s.State == incident.Unsubscribed {
		w.rare("unsubscribed in flight")
	}
	w.remember()
	return nil
}

// confirmed notes who becomes a reader, or changes what they hear of, while
// something goes on: they are to be told of it.
func (w *world) confirmed(c subscribe.Change, r recipient) {
	if w.current == nil { // a reader from the beginning
		return
	}
	w.moved[r] = true
	s := c.Record.Subscriber
	if c.Delete || s.State != incident.Active {
		delete(w.late, r)
		return
	}
	if !slices.ContainsFunc(c.Work, func(x subscribe.Work) bool { return x.Kind == subscribe.WorkWelcome }) {
		return
	}
	is, err := w.store.Live(bg)
	if err != nil {
		panic(err)
	}
	w.late[r] = map[incident.ID]time.Time{}
	for _, i := range is {
		if w.routes[i.ID()][incident.Route{Audience: s.Audience, Channel: s.Channel}] && w.hears(s, i.ID()) && !i.ID().Drill() {
			w.late[r][i.ID()] = w.now
			w.rare("confirmed in flight")
		}
	}
}

// hears is the filter of a reader as design §2 has it: it is matched with all
// components that were ever named.
func (w *world) hears(s incident.Subscriber, id incident.ID) bool {
	return len(s.Components) == 0 || slices.ContainsFunc(s.Components, func(c incident.ComponentID) bool { return w.named[id][c] })
}

// checkLive sees to it that the list of what goes on is right, and that an
// incident which collects a group of alarms is found by it. One that was over
// and went on may have lost the group to another, which may be over since.
func (w *world) checkLive(changed []incident.ID) {
	is, err := w.store.Live(bg)
	if err != nil {
		panic(err)
	}
	for _, id := range changed {
		inc, err := w.incident(bg, id)
		if err != nil {
			panic(err)
		}
		if listed := slices.ContainsFunc(is, func(i incident.Incident) bool { return i.ID() == id }); listed != inc.Live() {
			w.fault("I2", "%s goes on: %t; listed as such: %t", id, inc.Live(), listed)
		}
		for _, g := range inc.Snapshot().Groups {
			holder, err := w.store.Group(bg, g)
			if err != nil {
				panic(err)
			}
			if inc.Live() && !w.wasReopened(inc) && !slices.ContainsFunc(is, func(i incident.Incident) bool { return i.ID() == holder }) {
				w.fault("I3", "%s goes on, and the alarms of its group %s are collected by %q", id, g, holder)
			}
		}
	}
}

// wasReopened reports whether an incident, or one that was merged into it, was
// over and went on.
func (w *world) wasReopened(inc incident.Incident) bool {
	return slices.ContainsFunc(append(inc.Snapshot().Absorbed, inc.ID()), func(id incident.ID) bool { return w.reopened[id] })
}

// The plan's times before anything is said by itself, less what clocks may differ.
const (
	hold    = 60*time.Second - 2*maxSkew
	autoAt  = hold + 5*time.Minute
	maxSkew = 5 * time.Second
)

// checkByItself looks at what nobody decided.
func (w *world) checkByItself(u incident.Update, s incident.Snapshot) {
	if u.By != "shirase" {
		return
	}
	switch {
	case u.Kind == incident.Automatic && s.AckedBy != "":
		w.fault("I2", "%s publishes itself although %s has taken it on", s.ID, s.AckedBy)
	case u.Kind == incident.Automatic && u.At.Sub(s.OpenedAt) < autoAt:
		w.fault("I13", "%s publishes itself after %s", s.ID, u.At.Sub(s.OpenedAt))
	case u.Stage == incident.Resolved && s.Kind == incident.Outage:
		w.fault("I2", "%s is resolved by nobody", s.ID)
	}
}

// checkDraft sees to it that nobody is asked before the hold is over. What still
// fires after planned work has been held for long enough.
func (w *world) checkDraft(d announce.Draft) {
	inc, err := w.incident(bg, d.Incident)
	if err != nil {
		panic(err)
	}
	s := inc.Snapshot()
	if s.OpenedBy == "alarm" && s.Seq == 0 && d.At.Sub(s.OpenedAt) < hold && !w.worked {
		w.fault("I13", "a draft of %s after %s, within the hold", s.ID, d.At.Sub(s.OpenedAt))
	}
}

// checkDue sees to it that nothing is handed out before its time.
func (w *world) checkDue(ds []announce.Due) {
	for _, d := range ds {
		if d.At.After(w.clock()) {
			w.fault("I13", "%s of %s fires %s early", d.Kind, d.Incident, d.At.Sub(w.clock()))
		}
	}
}

// checkAnswer holds an answer against the store and against earlier answers to
// the same request.
func (w *world) checkAnswer(c call, a answered) {
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

func line(k deliver.Key) string {
	s := fmt.Sprintf("%s %s %s", k.Incident, k.Channel, short(k.Recipient))
	if k.Slot != "" {
		s += " (" + k.Slot + ")"
	}
	return s
}

// witness reads what is logged: no address may stand in it.
type witness struct{ r *rig }

// Enabled implements slog.Handler.
func (witness) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelWarn }

// Handle implements slog.Handler.
func (h witness) Handle(_ context.Context, rec slog.Record) error {
	var b strings.Builder
	b.WriteString(rec.Message)
	rec.Attrs(func(a slog.Attr) bool { b.WriteString(" " + a.Key + "=" + a.Value.String()); return true })
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
func (h witness) WithAttrs([]slog.Attr) slog.Handler { return h }

// WithGroup implements slog.Handler.
func (h witness) WithGroup(string) slog.Handler { return h }
