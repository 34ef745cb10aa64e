package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"shirase/internal/deliver"
	"shirase/internal/embedded"
	"shirase/internal/incident"
	"shirase/internal/message"
	"shirase/internal/plan"
)

// A wish is what the address of the page asks for.
type wish struct {
	Incident incident.ID
	Message  string
	// As is how a mail is shown: html or plain.
	As string
}

// The bounds of the page. It is for looking at a trial, not at a million readers.
const (
	maxReaders = 300
	maxListed  = 30
	maxOthers  = 100
)

// A sight is all that the page is made from, as it was at one moment.
type sight struct {
	now      time.Time
	base     string // what the program is reached at
	key      string // the key to show in an example
	plan     *plan.Plan
	families map[incident.Channel]incident.Family

	entries   []embedded.Entry    // oldest first
	incidents []incident.Snapshot // newest first
	// chosen is the incident that is shown; the zero Snapshot if there is none.
	chosen  incident.Snapshot
	updates []incident.Update // oldest first
	readers []reader
	// ids names the reader of each entry of the incident, by channel and address.
	ids   map[place]incident.RecipientID
	items map[seat]deliver.Item
	// cut tells that there are more readers than are shown.
	cut    bool
	closed []incident.Channel
}

// look reads everything the page shows.
func (p *program) look(ctx context.Context, w wish) (s sight, err error) {
	s = sight{now: p.clock.now(), base: "http://" + p.addr, families: message.Families(), key: "$KEY"}
	if p.loopback {
		s.key = p.key
	}
	if s.plan, err = p.store.Current(ctx); err != nil {
		return s, err
	}
	if s.entries, err = p.mailbox.List(ctx); err != nil {
		return s, err
	}
	is, _, err := p.store.Incidents(ctx, "", maxListed)
	if err != nil {
		return s, err
	}
	for _, i := range is {
		s.incidents = append(s.incidents, i.Snapshot())
	}
	if err := p.choose(ctx, &s, w); err != nil || s.chosen.ID == "" {
		return s, err
	}
	if s.updates, err = p.store.Updates(ctx, s.chosen.ID); err != nil {
		return s, err
	}
	if s.closed, err = p.rates.Closed(ctx); err != nil {
		return s, err
	}
	return s, p.people(ctx, &s)
}

// choose decides which incident is shown: the one that is asked for, that of
// the message that is asked for, or else the newest that has been announced.
func (p *program) choose(ctx context.Context, s *sight, w wish) error {
	id := w.Incident
	if e, ok := entryByID(s.entries, w.Message); ok && id == "" {
		id = e.Incident
	}
	if id != "" {
		i, err := p.store.Incident(ctx, id)
		if err == nil {
			s.chosen = i.Snapshot()
			return nil
		}
		if !errors.Is(err, incident.ErrNotFound) {
			return err
		}
	}
	if len(s.incidents) == 0 {
		return nil
	}
	n := slices.IndexFunc(s.incidents, func(i incident.Snapshot) bool { return i.Seq > 0 })
	s.chosen = s.incidents[max(n, 0)]
	return nil
}

// people finds who is, or was, to be told of the incident, and what the ledger
// says of each.
func (p *program) people(ctx context.Context, s *sight) error {
	r := newRoll(s.plan, p.hash, maxReaders)
	told := routed(s.updates)
	drill := s.chosen.ID.Drill()
	channels := slices.Sorted(maps.Keys(s.families))
	for _, c := range channels {
		r.contacts(c, told, drill)
	}
	r.recipients(s.chosen.ID, s.entries)
	for _, a := range s.plan.Audiences {
		if drill || !slices.Contains(told, a.ID) {
			continue
		}
		for _, c := range channels {
			if err := p.subscribers(ctx, r, a.ID, c); err != nil {
				return err
			}
		}
	}
	if err := p.known(ctx, r, s.chosen.ID); err != nil {
		return err
	}
	s.readers, s.ids, s.cut = r.sorted(), r.ids, r.full
	keys := make([]deliver.Key, len(s.readers))
	for n, rd := range s.readers {
		keys[n] = deliver.Key{Incident: s.chosen.ID, Channel: rd.channel, Recipient: rd.id}
	}
	items, err := p.store.Items(ctx, keys)
	if err != nil {
		return fmt.Errorf("read ledger: %w", err)
	}
	s.items = make(map[seat]deliver.Item, len(items))
	for n, it := range items {
		s.items[s.readers[n].seat()] = it
	}
	return nil
}

// subscribers puts the active subscribers of an audience on the roll, as far as
// there is room.
func (p *program) subscribers(ctx context.Context, r *roll, a incident.Audience, c incident.Channel) error {
	for shard := range p.book.Shards() {
		for cursor, more := "", true; more && !r.full; more = cursor != "" {
			subs, next, err := p.book.Page(ctx, a, c, shard, cursor, maxReaders)
			if err != nil {
				return fmt.Errorf("read subscribers: %w", err)
			}
			for _, sub := range subs {
				r.subscriber(sub)
			}
			cursor = next
		}
	}
	return nil
}

// known tells of those the ledger or the inbox knows what has become of their
// subscription, and puts whoever is missing on the roll.
func (p *program) known(ctx context.Context, r *roll, id incident.ID) error {
	ds, _, err := p.store.Deliveries(ctx, id, "", maxReaders)
	if err != nil {
		return fmt.Errorf("read ledger: %w", err)
	}
	ask := map[incident.Channel][]incident.RecipientID{}
	for _, d := range ds {
		if d.Key.Slot == "" {
			ask[d.Key.Channel] = append(ask[d.Key.Channel], d.Key.Recipient)
		}
	}
	for _, rd := range r.readers {
		ask[rd.channel] = append(ask[rd.channel], rd.id)
	}
	for _, c := range slices.Sorted(maps.Keys(ask)) {
		ids := slices.Sorted(slices.Values(ask[c]))
		found, err := p.book.Find(ctx, c, slices.Compact(ids))
		if err != nil {
			return fmt.Errorf("find subscribers: %w", err)
		}
		for _, id := range slices.Sorted(maps.Keys(found)) {
			for _, sub := range found[id] {
				r.subscriber(sub)
			}
		}
	}
	return nil
}

func entryByID(es []embedded.Entry, id string) (embedded.Entry, bool) {
	n := slices.IndexFunc(es, func(e embedded.Entry) bool { return e.ID == id })
	if n < 0 {
		return embedded.Entry{}, false
	}
	return es[n], true
}

// routed answers the audiences that any of the updates is for.
func routed(us []incident.Update) []incident.Audience {
	var out []incident.Audience
	for _, u := range us {
		for _, r := range u.Routes {
			if !slices.Contains(out, r.Audience) {
				out = append(out, r.Audience)
			}
		}
	}
	return out
}
