package deliver

import (
	"context"
	"fmt"
	"slices"

	"shirase/internal/incident"
	"shirase/internal/plan"
)

// The sources of recipients, in the order in which they are read.
const (
	fromPlan = iota // members and targets
	fromBook        // subscribers whose filter matches
	fromTold        // everyone the ledger knows
)

// found is one recipient that a source gave, with the message group if any.
type found struct {
	id    incident.RecipientID
	group string
}

// sources answers where the recipients of an update come from on a channel, and
// the audiences it is routed to there.
//
// The plan and the book answer who is to hear of it now. The ledger answers who
// has heard before: they hear on wherever the update goes, they hear the end on
// every channel. What mends an update goes wherever that update went, and from
// the ledger to those alone who were told it. A retraction and the end of a merged incident concern nobody else. Before the
// first update nobody has heard anything.
func sources(u incident.Update, c incident.Channel) (from []int, routed []incident.Audience) {
	for _, r := range u.Routes {
		if r.Channel == c {
			routed = append(routed, r.Audience)
		}
	}
	switch {
	case u.Kind == incident.Retraction, u.MergedInto != "":
		return []int{fromTold}, nil
	case len(routed) == 0 && (u.Kind.Mends() || closing(u)):
		return []int{fromTold}, nil
	case len(routed) == 0:
		return nil, nil
	case u.Seq == 1 && u.Incident.Drill():
		return []int{fromPlan}, routed
	case u.Seq == 1:
		return []int{fromPlan, fromBook}, routed
	case u.Incident.Drill():
		return []int{fromPlan, fromTold}, routed
	}
	return []int{fromPlan, fromBook, fromTold}, routed
}

// closing reports whether the update ends the incident for its readers. A
// report or a follow-up comes after the end, and goes where the cadence says.
func closing(u incident.Update) bool {
	switch {
	case u.MergedInto != "":
		return true
	case u.Kind.Mends() || u.Kind == incident.Report || u.Kind == incident.FollowUp:
		return false
	}
	return u.Stage == incident.Resolved || u.Stage == incident.Completed
}

// contacts answers everyone in the plan who is to be told: few, so in one page.
func (w *channelWork) contacts() []found {
	var out []found
	for _, ct := range w.plan.Contacts(w.channel) {
		if w.concerns(ct) {
			out = append(out, found{w.Hash(w.channel, ct.Address), groupOf(w.Families[w.channel], ct.Address, ct.Target)})
		}
	}
	return out
}

// concerns reports whether a contact is to be told: those of the audiences the
// update is routed to, and in a rehearsal its own recipients and nobody else.
func (w *channelWork) concerns(ct plan.Contact) bool {
	if w.update.Incident.Drill() {
		return rehearses(w.plan, ct)
	}
	if m, ok := w.plan.Member(ct.Member); ok {
		return slices.ContainsFunc(m.Audiences, func(a incident.Audience) bool { return slices.Contains(w.routed, a) })
	}
	return slices.Contains(w.routed, ct.Audience)
}

// subscribers answers one page of one shard of one routed audience.
func (w *channelWork) subscribers(ctx context.Context, cur Cursor) ([]found, Cursor, error) {
	if cur.Route >= len(w.routed) {
		return nil, w.after(cur), nil
	}
	subs, from, err := w.Book.Page(ctx, w.routed[cur.Route], w.channel, cur.Shard, cur.From, w.page())
	if err != nil {
		return nil, Cursor{}, fmt.Errorf("read subscribers on %s: %w", w.channel, err)
	}
	var out []found
	for _, s := range subs {
		if s.Hears(w.named) {
			out = append(out, found{s.ID, groupOf(w.Families[w.channel], s.Address, "")})
		}
	}
	next := cur
	switch next.From = from; {
	case from != "":
	case cur.Shard+1 < w.Book.Shards():
		next.Shard++
	case cur.Route+1 < len(w.routed):
		next.Route, next.Shard = cur.Route+1, 0
	default:
		next = w.after(cur)
	}
	return out, next, nil
}

// told answers one page of those the ledger knows: who was told of the incident
// itself, and then, one after the other, of those that were merged into it. The
// people of those go on here, whatever their filter, with what is news to
// everybody; what mends an update or takes one back they never had.
func (w *channelWork) told(ctx context.Context, cur Cursor) ([]found, Cursor, error) {
	of := w.ledgers()
	if cur.Route >= len(of) {
		return nil, w.after(cur), nil
	}
	ids, from, err := w.Listing.Told(ctx, of[cur.Route], w.channel, cur.From, w.page())
	if err != nil {
		return nil, Cursor{}, fmt.Errorf("list who was told on %s: %w", w.channel, err)
	}
	next := cur
	switch next.From = from; {
	case from != "":
	case cur.Route+1 < len(of):
		next.Route++
	default:
		next = w.after(cur)
	}
	if cur.Route > 0 || len(w.routed) == 0 || w.update.Kind.Mends() {
		if ids, err = w.concerned(ctx, of[cur.Route], ids); err != nil {
			return nil, Cursor{}, err
		}
	}
	if len(ids) == 0 {
		return nil, next, nil
	}
	subs, err := w.Book.Find(ctx, w.channel, ids)
	if err != nil {
		return nil, Cursor{}, fmt.Errorf("find subscribers on %s: %w", w.channel, err)
	}
	if len(w.routed) > 0 {
		ids = w.notCovered(ids, subs)
	}
	groups := w.groups(subs)
	out := make([]found, 0, len(ids))
	for _, id := range ids {
		out = append(out, found{id, groups(id)})
	}
	return out, next, nil
}

// ledgers answers the incidents whose people hear of the update. What mends one
// is news to nobody who never had it.
func (w *channelWork) ledgers() []incident.ID {
	own := []incident.ID{w.update.Incident}
	if w.update.Kind.Mends() {
		return own
	}
	return append(own, w.absorbed...)
}

// concerned leaves those of an incident's ledger who must hear of an update that
// is not routed to the channel, or is another incident's: for one that mends,
// who was told what it is of, and of a retraction also those whom that did not
// reach, since for them what stood before counts again; otherwise who was told
// anything.
func (w *channelWork) concerned(ctx context.Context, of incident.ID, ids []incident.RecipientID) ([]incident.RecipientID, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	keys := make([]Key, len(ids))
	for n, id := range ids {
		keys[n] = Key{Incident: of, Channel: w.channel, Recipient: id}
	}
	items, err := w.Ledger.Items(ctx, keys)
	if err != nil {
		return nil, fmt.Errorf("read ledger on %s: %w", w.channel, err)
	}
	mends := w.update.Kind.Mends() // those read no other incident's ledger
	var out []incident.RecipientID
	for n, it := range items {
		_, had := it.find(w.update.Of)
		falls := had && w.update.Kind == incident.Retraction
		if mends && (falls || it.Told(w.update.Of)) || !mends && it.ToldAny() {
			out = append(out, ids[n])
		}
	}
	return out, nil
}

// notCovered leaves out whom the plan and the book have given already. At the
// end of an incident it leaves out nobody: a filter that changes while we read
// must not cost a reader the end.
func (w *channelWork) notCovered(ids []incident.RecipientID, subs map[incident.RecipientID][]incident.Subscriber) []incident.RecipientID {
	if closing(w.update) {
		return ids
	}
	given := map[incident.RecipientID]bool{}
	for _, f := range w.contacts() {
		given[f.id] = true
	}
	return slices.DeleteFunc(slices.Clone(ids), func(id incident.RecipientID) bool {
		return given[id] || slices.ContainsFunc(subs[id], func(s incident.Subscriber) bool {
			return s.State == incident.Active && slices.Contains(w.routed, s.Audience) && s.Hears(w.named)
		})
	})
}

// groups answers the message group of recipients that are known by id only.
func (w *channelWork) groups(subs map[incident.RecipientID][]incident.Subscriber) func(incident.RecipientID) string {
	family := w.Families[w.channel]
	inPlan := map[incident.RecipientID]string{}
	for _, ct := range w.plan.Contacts(w.channel) {
		inPlan[w.Hash(w.channel, ct.Address)] = groupOf(family, ct.Address, ct.Target)
	}
	return func(id incident.RecipientID) string {
		if g, ok := inPlan[id]; ok {
			return g
		}
		if ss := subs[id]; len(ss) > 0 {
			return groupOf(family, ss[0].Address, "")
		}
		return ""
	}
}

func (f *FanOut) page() int {
	if f.Page > 0 {
		return f.Page
	}
	return pageSize
}
