package deliver

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"shirase/internal/incident"
	"shirase/internal/message"
	"shirase/internal/plan"
)

// The channels of the tests: two families with a timeline, two without, one of
// each with keys.
const mastodon incident.Channel = "mastodon"

var families = map[incident.Channel]incident.Family{
	incident.Email: incident.FamilyEmail, incident.SMS: incident.FamilySMS,
	incident.Webhook: incident.FamilyWebhook, mastodon: incident.FamilySocial,
}

func keyed(c incident.Channel) bool { return c == incident.Webhook || c == mastodon }

func hashOf(c incident.Channel, a incident.Address) incident.RecipientID {
	return incident.NewRecipientID([]byte("test"), c, a)
}

// twin keeps everything in memory behind the ports, and calls hook at each.
type twin struct {
	now       time.Time
	plan      *plan.Plan
	incidents map[incident.ID]incident.Incident
	updates   map[incident.ID][]incident.Update
	memos     map[string]Memo
	subs      map[incident.Channel]map[incident.RecipientID][]incident.Subscriber
	items     map[Key]Item
	jobs      map[string]Cursor
	queued    []Chunk
	shards    int
	ids       int
	gone      []incident.RecipientID
	told      map[Reason]int // operators
	paces     map[incident.Channel]Pace
	ticks     map[Tick]int
	// lost names texts that are not stored.
	lost map[incident.Locale]bool
	// hook runs at the beginning and end of every port call; nil does nothing.
	hook func(at string) error
}

func newTwin() *twin {
	w := &twin{
		now: noon, shards: 2, incidents: map[incident.ID]incident.Incident{}, updates: map[incident.ID][]incident.Update{},
		memos: map[string]Memo{}, subs: map[incident.Channel]map[incident.RecipientID][]incident.Subscriber{},
		items: map[Key]Item{}, jobs: map[string]Cursor{}, told: map[Reason]int{}, paces: map[incident.Channel]Pace{},
		ticks: map[Tick]int{}, lost: map[incident.Locale]bool{},
	}
	w.plan = &plan.Plan{
		Organisation: plan.Organisation{Zone: time.UTC, Locales: []incident.Locale{"ja", "en"}},
		Components:   []plan.Component{{ID: "invoices"}, {ID: "login"}},
		Audiences:    []plan.Audience{{ID: incident.Engineering}, {ID: incident.Customers}},
		Members: []plan.Member{{
			ID: "sato", Locale: "ja", Audiences: []incident.Audience{incident.Engineering},
			Addresses: map[incident.Channel]incident.Address{incident.Email: "sato@minato.test", incident.SMS: "+819000000001"},
		}},
		Targets: []plan.Target{{ID: "account-en", Channel: mastodon, Audience: incident.Customers, Locale: "en", Address: "@minato@social.test"}},
	}
	return w
}

func (w *twin) at(point string) error {
	if w.hook == nil {
		return nil
	}
	return w.hook(point)
}

// around runs a call between two hooks, so that a fault may come before or
// after its effect.
func (w *twin) around(point string, call func()) error {
	if err := w.at(point); err != nil {
		return err
	}
	call()
	return w.at(point + " done")
}

// subscribe adds an active subscriber and answers its id.
func (w *twin) subscribe(c incident.Channel, a incident.Address, change ...func(*incident.Subscriber)) incident.RecipientID {
	s := incident.Subscriber{
		ID: hashOf(c, a), Audience: incident.Customers, Channel: c, Address: a, Locale: "en", State: incident.Active,
	}
	for _, f := range change {
		f(&s)
	}
	if w.subs[c] == nil {
		w.subs[c] = map[incident.RecipientID][]incident.Subscriber{}
	}
	w.subs[c][s.ID] = append(w.subs[c][s.ID], s)
	return s.ID
}

func (w *twin) setState(c incident.Channel, id incident.RecipientID, st incident.SubscriberState) {
	ss := slices.Clone(w.subs[c][id])
	for n := range ss {
		ss[n].State = st
	}
	w.subs[c][id] = ss
}

// everywhere routes to customers on every channel, and to engineering by mail.
func everywhere() []incident.Route {
	out := []incident.Route{{Audience: incident.Engineering, Channel: incident.Email}}
	for _, c := range slices.Sorted(maps.Keys(families)) {
		out = append(out, incident.Route{Audience: incident.Customers, Channel: c})
	}
	return out
}

func (w *twin) open(id incident.ID) {
	inc, err := incident.Open(incident.Opening{
		ID: id, Kind: incident.Outage, Severity: incident.Major, Components: []incident.ComponentID{"invoices"},
		DetectedAt: w.now, At: w.now, By: "key",
	})
	if err != nil {
		panic(err)
	}
	w.incidents[id] = inc
}

// publish accepts an update; it answers 0 where the incident does not allow it.
func (w *twin) publish(id incident.ID, p incident.Proposal) int {
	inc := w.incidents[id]
	p.By = "key"
	if p.Stage == "" {
		p.Stage = inc.Stage()
	}
	if p.Routes == nil {
		p.Routes = everywhere()
	}
	for _, next := range []time.Time{w.now.Add(time.Hour), {}} {
		p.Next = next
		if changed, u, err := inc.Accept(p, w.now); err == nil {
			w.incidents[id] = changed
			w.updates[id] = append(w.updates[id], u)
			return u.Seq
		}
	}
	return 0
}

func (w *twin) notice(id incident.ID, st incident.Stage) int {
	return w.publish(id, incident.Proposal{Kind: incident.Notice, Stage: st})
}

func (w *twin) mend(id incident.ID, k incident.UpdateKind, of int) int {
	return w.publish(id, incident.Proposal{Kind: k, Of: of})
}

func (w *twin) merge(id, into incident.ID) int {
	merged, u, ok, err := w.incidents[id].MergeInto(into, incident.Proposal{By: "key", Routes: everywhere()}, w.now)
	if err != nil || !ok {
		return 0
	}
	w.incidents[id] = merged
	w.updates[id] = append(w.updates[id], u)
	return u.Seq
}

// The ports.

func (w *twin) Incident(_ context.Context, id incident.ID) (inc incident.Incident, err error) {
	var ok bool
	if err := w.around("incident", func() { inc, ok = w.incidents[id] }); err != nil {
		return incident.Incident{}, err
	}
	if !ok {
		return inc, incident.ErrNotFound
	}
	return inc, nil
}

func (w *twin) Update(_ context.Context, id incident.ID, seq int) (incident.Update, error) {
	if err := w.at("update"); err != nil {
		return incident.Update{}, err
	}
	if seq < 1 || seq > len(w.updates[id]) {
		return incident.Update{}, incident.ErrNotFound
	}
	return w.updates[id][seq-1], nil
}

func (w *twin) Live(context.Context) ([]incident.Incident, error) {
	var out []incident.Incident
	for _, id := range slices.Sorted(maps.Keys(w.incidents)) {
		if w.incidents[id].Live() {
			out = append(out, w.incidents[id])
		}
	}
	return out, nil
}

func (w *twin) Message(_ context.Context, id incident.ID, seq int, a incident.Audience, l incident.Locale) (message.Message, error) {
	if err := w.at("message"); err != nil {
		return message.Message{}, err
	}
	if w.lost[l] || !slices.Contains(w.plan.Organisation.Locales, l) {
		return message.Message{}, incident.ErrNotFound
	}
	m := message.Message{Incident: id, Seq: seq, Audience: a, Locale: l, Contents: map[incident.Family]message.Content{}}
	m.Plain = map[incident.Family]message.Content{}
	for _, f := range families {
		m.Contents[f] = message.Content{Text: strconv.Itoa(seq)}
		m.Plain[f] = message.Content{Text: strconv.Itoa(seq) + " plain"}
	}
	return m, nil
}

func (w *twin) Memo(_ context.Context, id incident.ID, slot string) (Memo, error) {
	m, ok := w.memos[string(id)+"/"+slot]
	if !ok {
		return m, incident.ErrNotFound
	}
	return m, nil
}

func (w *twin) Current(context.Context) (*plan.Plan, error) { return w.plan, w.at("plan") }

func (w *twin) Items(_ context.Context, keys []Key) (out []Item, err error) {
	err = w.around("items", func() {
		for _, k := range keys {
			out = append(out, w.items[k].clone())
		}
	})
	return out, err
}

func (w *twin) Claim(_ context.Context, asks []Ask) (out []Decision, err error) {
	err = w.around("claim", func() {
		for _, a := range asks {
			d := Decide(w.items[a.Key], a)
			if d.Changed {
				w.items[a.Key] = d.Item.clone()
			}
			out = append(out, d)
		}
	})
	return out, err
}

func (w *twin) Settle(_ context.Context, ss []Settlement) (out []bool, err error) {
	err = w.around("settle", func() {
		for _, s := range ss {
			it, ok := s.Apply(w.items[s.Key])
			if ok {
				w.items[s.Key] = it
			}
			out = append(out, ok)
		}
	})
	return out, err
}

func (w *twin) Told(_ context.Context, id incident.ID, c incident.Channel, cursor string, limit int) (ids []incident.RecipientID, next string, err error) {
	if err := w.at("told"); err != nil {
		return nil, "", err
	}
	for k := range w.items {
		if k.Incident == id && k.Channel == c && k.Slot == "" && string(k.Recipient) > cursor {
			ids = append(ids, k.Recipient)
		}
	}
	slices.Sort(ids)
	if len(ids) > limit {
		return ids[:limit], string(ids[limit-1]), nil
	}
	return ids, "", nil
}

func (w *twin) Deliveries(_ context.Context, id incident.ID, cursor string, limit int) (ds []Delivery, next string, err error) {
	name := func(k Key) string { return string(k.Channel) + "#" + string(k.Recipient) + "#" + k.Slot }
	for k, it := range w.items {
		if k.Incident == id && name(k) > cursor {
			ds = append(ds, Delivery{k, it})
		}
	}
	slices.SortFunc(ds, func(a, b Delivery) int { return cmp.Compare(name(a.Key), name(b.Key)) })
	if len(ds) > limit {
		return ds[:limit], name(ds[limit-1].Key), nil
	}
	return ds, "", nil
}

func (w *twin) Shards() int { return w.shards }

func (w *twin) Page(_ context.Context, a incident.Audience, c incident.Channel, shard int, cursor string, limit int) (out []incident.Subscriber, next string, err error) {
	if err := w.at("page"); err != nil {
		return nil, "", err
	}
	for _, id := range slices.Sorted(maps.Keys(w.subs[c])) {
		n, _ := strconv.ParseUint(string(id[:4]), 16, 32)
		if int(n)%w.shards != shard || string(id) <= cursor {
			continue
		}
		if len(out) == limit {
			return out, string(out[limit-1].ID), nil
		}
		for _, s := range w.subs[c][id] {
			if s.Audience == a && s.State == incident.Active {
				out = append(out, s)
			}
		}
	}
	return out, "", nil
}

func (w *twin) Find(_ context.Context, c incident.Channel, ids []incident.RecipientID) (out map[incident.RecipientID][]incident.Subscriber, err error) {
	err = w.around("find", func() {
		out = map[incident.RecipientID][]incident.Subscriber{}
		for _, id := range ids {
			if ss := w.subs[c][id]; len(ss) > 0 {
				out[id] = slices.Clone(ss)
			}
		}
	})
	return out, err
}

func jobName(id incident.ID, seq int, c incident.Channel) string {
	return fmt.Sprintf("%s/%d/%s", id, seq, c)
}

func (w *twin) Job(_ context.Context, id incident.ID, seq int, c incident.Channel) (Cursor, error) {
	return w.jobs[jobName(id, seq, c)], w.at("job")
}

func (w *twin) SaveJob(_ context.Context, id incident.ID, seq int, c incident.Channel, cur Cursor) error {
	return w.around("save job", func() { w.jobs[jobName(id, seq, c)] = cur })
}

func (w *twin) Send(_ context.Context, cs []Chunk) error {
	return w.around("queue", func() { w.queued = append(w.queued, cs...) })
}

func (w *twin) Reserve(_ context.Context, c incident.Channel, n int, now time.Time) (time.Duration, error) {
	if err := w.at("reserve"); err != nil {
		return 0, err
	}
	p, wait, err := w.paces[c].Reserve(n, KeptForConfirmations, now)
	w.paces[c] = p
	return wait, err
}

func (w *twin) Report(_ context.Context, c incident.Channel, answered, unavailable int, now time.Time) error {
	w.paces[c] = w.paces[c].Report(answered, unavailable, now)
	return w.at("report")
}

func (w *twin) Gone(_ context.Context, c incident.Channel, id incident.RecipientID) error {
	w.gone = append(w.gone, id)
	w.setState(c, id, incident.Suppressed)
	return nil
}

func (w *twin) Undelivered(_ context.Context, _ incident.ID, _ incident.Channel, r Reason, n int) error {
	w.told[r] += n
	return w.at("undelivered")
}

func (w *twin) fanOut() *FanOut {
	return &FanOut{
		Incidents: w, Messages: w, Plans: w, Book: w, Ledger: w, Listing: w, Jobs: w, Queue: w,
		Hash: hashOf, Families: families, Now: func() time.Time { return w.now }, Page: 3,
	}
}

func (w *twin) send(senders map[incident.Channel]Sender) *Send {
	return &Send{
		Incidents: w, Messages: w, Plans: w, Book: w, Ledger: w, Rates: w, Senders: senders, Farewells: w, Operators: w,
		Families: families, Hash: hashOf,
		Links: func(s incident.Subscriber) (unsubscribe, manage string) {
			return "https://minato.test/unsubscribe/" + string(s.ID), "https://minato.test/manage/" + string(s.ID)
		},
		Count:  func(_ incident.Channel, what Tick, n int) { w.ticks[what] += n },
		Budget: &Budget{},
		Now:    func() time.Time { return w.now },
		NewID:  func() string { w.ids++; return strconv.Itoa(w.ids) },
	}
}

// outbox is a sender that takes everything, unless answer says otherwise, and
// remembers what was shown. A provider with keys shows a repeat once.
type outbox struct {
	w      *twin
	keyed  bool
	shown  []Envelope
	calls  int
	answer func(Envelope) (o Outcome, effect bool)
	keys   map[string]bool
	// until is the deadline of the last call.
	until time.Time
}

func (o *outbox) Keyed() bool { return o.keyed }

// absorbs reports whether the provider knows the envelope as a repeat.
func (o *outbox) absorbs(e Envelope) bool { return o.keyed && o.keys[e.Key] }

func (o *outbox) Send(_ context.Context, es []Envelope, deadline time.Time) []Outcome {
	o.until = deadline
	out := make([]Outcome, len(es))
	for n, e := range es {
		if !o.w.now.Before(deadline) {
			out[n].Failure = &Failure{Reason: NotBegun}
			continue
		}
		o.calls++
		effect := true
		if out[n] = (Outcome{ID: fmt.Sprintf("post-%d", o.calls)}); o.answer != nil {
			out[n], effect = o.answer(e)
		}
		if effect && !o.absorbs(e) {
			if o.keys == nil {
				o.keys = map[string]bool{}
			}
			o.keys[e.Key] = true
			o.shown = append(o.shown, e)
		}
	}
	return out
}

// texts answers what a recipient was shown, in order.
func (o *outbox) texts(id incident.RecipientID) []string {
	var out []string
	for _, e := range o.shown {
		if e.Recipient == id {
			out = append(out, e.Content.Text)
		}
	}
	return out
}
