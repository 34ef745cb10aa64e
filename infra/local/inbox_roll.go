package main

import (
	"cmp"
	"slices"

	"shirase/internal/embedded"
	"shirase/internal/incident"
	"shirase/internal/plan"
)

// A seat is a recipient on a channel, as the ledger names them.
type seat struct {
	channel incident.Channel
	id      incident.RecipientID
}

// A place is a recipient on a channel, as an entry of the inbox names them.
type place struct {
	channel incident.Channel
	address string
}

// A reader is a row of the grid.
type reader struct {
	channel incident.Channel
	id      incident.RecipientID
	address string
	// name is that of a member or target of the plan.
	name     string
	audience incident.Audience
	// audiences are all the reader belongs to; audience is the one they are told as.
	audiences []incident.Audience
	locale    incident.Locale
	// contact tells that the plan names the reader now.
	contact bool
	// subscriptions are the reader's own, whatever their state.
	subscriptions []incident.Subscriber
}

func (r reader) seat() seat { return seat{r.channel, r.id} }

// A roll collects readers, each once, up to a number.
type roll struct {
	plan    *plan.Plan
	hash    func(incident.Channel, incident.Address) incident.RecipientID
	max     int
	at      map[seat]int
	ids     map[place]incident.RecipientID
	readers []reader
	full    bool
}

func newRoll(p *plan.Plan, hash func(incident.Channel, incident.Address) incident.RecipientID, most int) *roll {
	return &roll{plan: p, hash: hash, max: most, at: map[seat]int{}, ids: map[place]incident.RecipientID{}}
}

// row answers the row of a recipient, a new one if there is none; nil where
// there is no more room.
func (r *roll) row(c incident.Channel, id incident.RecipientID, address string) *reader {
	if n, ok := r.at[seat{c, id}]; ok {
		return &r.readers[n]
	}
	if len(r.readers) == r.max {
		r.full = true
		return nil
	}
	r.at[seat{c, id}] = len(r.readers)
	r.readers = append(r.readers, reader{channel: c, id: id, address: address})
	return &r.readers[len(r.readers)-1]
}

// contacts adds the plan's own contacts on a channel who belong to one of the
// audiences; in a rehearsal only those who take part.
func (r *roll) contacts(c incident.Channel, audiences []incident.Audience, drill bool) {
	for _, ct := range r.plan.Contacts(c) {
		of, name := []incident.Audience{ct.Audience}, string(ct.Target)
		if m, ok := r.plan.Member(ct.Member); ok {
			of, name = m.Audiences, m.Name
		}
		takesPart := slices.ContainsFunc(of, func(a incident.Audience) bool { return slices.Contains(audiences, a) })
		if drill {
			takesPart = ct.Member != "" && slices.Contains(r.plan.DrillRecipients, ct.Member)
		}
		if !takesPart {
			continue
		}
		row := r.row(c, r.hash(c, ct.Address), ct.Address.Reveal())
		if row == nil {
			return
		}
		if !row.contact {
			row.contact, row.name, row.locale = true, name, ct.Locale
		}
		r.join(row, of...)
	}
}

// recipients adds those who got a message of the incident.
func (r *roll) recipients(id incident.ID, es []embedded.Entry) {
	for _, e := range es {
		if e.Incident != id {
			continue
		}
		at := place{e.Channel, e.To}
		if _, ok := r.ids[at]; !ok {
			r.ids[at] = r.hash(e.Channel, incident.Address(e.To))
		}
		row := r.row(e.Channel, r.ids[at], e.To)
		if row == nil {
			continue
		}
		row.locale = cmp.Or(row.locale, e.Locale)
		if len(row.audiences) == 0 {
			r.join(row, e.Audience)
		}
	}
}

// subscriber adds a subscription.
func (r *roll) subscriber(s incident.Subscriber) {
	row := r.row(s.Channel, s.ID, s.Address.Reveal())
	if row == nil || slices.ContainsFunc(row.subscriptions, func(o incident.Subscriber) bool { return o.Audience == s.Audience }) {
		return
	}
	row.subscriptions = append(row.subscriptions, s)
	row.locale = cmp.Or(row.locale, s.Locale)
	r.join(row, s.Audience)
}

// join makes a reader belong to audiences, and told as the first in plan order.
func (r *roll) join(row *reader, as ...incident.Audience) {
	for _, a := range as {
		if !slices.Contains(row.audiences, a) {
			row.audiences = append(row.audiences, a)
		}
	}
	slices.SortStableFunc(row.audiences, func(a, b incident.Audience) int { return cmp.Compare(r.rank(a), r.rank(b)) })
	if len(row.audiences) > 0 {
		row.audience = row.audiences[0]
	}
}

// rank answers the place of an audience in the plan; unknown ones come last.
func (r *roll) rank(a incident.Audience) int {
	if n := slices.IndexFunc(r.plan.Audiences, func(x plan.Audience) bool { return x.ID == a }); n >= 0 {
		return n
	}
	return len(r.plan.Audiences)
}

// sorted answers the readers by audience in plan order, channel, language and address.
func (r *roll) sorted() []reader {
	out := slices.Clone(r.readers)
	slices.SortFunc(out, func(a, b reader) int {
		return cmp.Or(
			cmp.Compare(r.rank(a.audience), r.rank(b.audience)), cmp.Compare(a.audience, b.audience),
			cmp.Compare(a.channel, b.channel), cmp.Compare(a.locale, b.locale), cmp.Compare(a.address, b.address),
		)
	})
	return out
}
