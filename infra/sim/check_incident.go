package main

import (
	"context"
	"maps"
	"slices"

	"shirase/internal/announce"
	"shirase/internal/deliver"
	"shirase/internal/incident"
	"shirase/internal/plan"
)

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

func (w *world) plan() *plan.Plan {
	p, err := w.currentPlan(bg)
	if err != nil {
		panic(err)
	}
	return p
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
