package deliver

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"shirase/internal/incident"
	"shirase/internal/plan"
)

// A reader is somebody who may be sent to now, and in what words.
type reader struct {
	audience incident.Audience
	address  incident.Address
	locale   incident.Locale
	zone     string
	// target is set for accounts, rooms and endpoints of the plan.
	target plan.Target
	// subscriber is nil for members and targets.
	subscriber *incident.Subscriber
}

// people are those of a wave as the plan and the book have them now.
type people struct {
	plan     *plan.Plan
	contacts map[incident.RecipientID][]plan.Contact
	subs     map[incident.RecipientID][]incident.Subscriber
	// drill holds the only ones a rehearsal may reach; nil where it is none.
	drill map[incident.RecipientID]bool
}

// people reads the book, strongly consistent, beside the plan as just read.
func (w *work) people(ctx context.Context, ids []incident.RecipientID) (people, error) {
	subs, err := w.Book.Find(ctx, w.chunk.Channel, ids)
	if err != nil {
		return people{}, fmt.Errorf("find subscribers: %w", err)
	}
	p := people{plan: w.plan, subs: subs, contacts: map[incident.RecipientID][]plan.Contact{}}
	if w.chunk.Incident.Drill() {
		p.drill = map[incident.RecipientID]bool{}
	}
	for _, ct := range w.plan.Contacts(w.chunk.Channel) {
		id := w.Hash(w.chunk.Channel, ct.Address)
		p.contacts[id] = append(p.contacts[id], ct)
		if p.drill != nil && rehearses(w.plan, ct) {
			p.drill[id] = true
		}
	}
	return p, nil
}

// rehearses reports whether a contact takes part in rehearsals.
func rehearses(pl *plan.Plan, ct plan.Contact) bool {
	return ct.Member != "" && slices.Contains(pl.DrillRecipients, ct.Member)
}

// denied reports whether a recipient must not be sent to at all: in a rehearsal
// everybody but its own recipients.
func (p people) denied(id incident.RecipientID) bool { return p.drill != nil && !p.drill[id] }

// readers answers as whom a recipient may be sent to, the first audience in
// plan order first; within one, the plan's own contact before a subscription.
func (p people) readers(id incident.RecipientID, welcome func(incident.SubscriberState) bool) []reader {
	var out []reader
	for _, ct := range p.contacts[id] {
		r := reader{audience: ct.Audience, address: ct.Address, locale: ct.Locale, zone: ct.Zone}
		r.target, _ = p.plan.Target(ct.Target)
		out = append(out, r)
	}
	for _, s := range p.subs[id] {
		if welcome(s.State) {
			out = append(out, reader{audience: s.Audience, address: s.Address, locale: s.Locale, zone: s.Zone, subscriber: &s})
		}
	}
	slices.SortStableFunc(out, func(a, b reader) int { return cmp.Compare(p.rank(a.audience), p.rank(b.audience)) })
	return out
}

// rank answers the place of an audience in the plan; unknown ones come last.
func (p people) rank(a incident.Audience) int {
	n := slices.IndexFunc(p.plan.Audiences, func(x plan.Audience) bool { return x.ID == a })
	if n < 0 {
		return len(p.plan.Audiences)
	}
	return n
}
