package main

import (
	"context"
	"slices"
	"time"

	"shirase/internal/incident"
	"shirase/internal/plan"
	"shirase/internal/subscribe"
)

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
	if c.Delete || s.State != incident.Active && s.State != incident.Pending { // who signs up has not left
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
