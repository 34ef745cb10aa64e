package deliver

import (
	"fmt"

	"shirase/internal/incident"
)

// story is what is accepted, in this order, at any moments.
type story struct {
	name  string
	steps []func(*twin) int
}

// stories are the ones the model is searched with.
func stories() []story {
	notice := func(st incident.Stage) func(*twin) int {
		return func(w *twin) int {
			return w.publish(theOne, incident.Proposal{Kind: incident.Notice, Stage: st, Routes: modelRoutes()})
		}
	}
	mend := func(k incident.UpdateKind, of int) func(*twin) int {
		return func(w *twin) int {
			return w.publish(theOne, incident.Proposal{Kind: k, Of: of, Routes: modelRoutes()})
		}
	}
	first, second, end := notice(incident.Investigating), notice(incident.Identified), notice(incident.Resolved)
	merge := func(w *twin) int { return w.merge(theOne, other) }
	return []story{
		{"three notices", []func(*twin) int{first, second, end}},
		{"retracted, then a notice", []func(*twin) int{first, mend(incident.Retraction, 1), first}},
		{"corrected, then the end", []func(*twin) int{first, mend(incident.Correction, 1), end}},
		{"the newest retracted", []func(*twin) int{first, second, mend(incident.Retraction, 2)}},
		{"the first retracted late", []func(*twin) int{first, second, mend(incident.Retraction, 1)}},
		{"the correction retracted", []func(*twin) int{first, mend(incident.Correction, 1), mend(incident.Retraction, 2)}},
		{"merged", []func(*twin) int{first, second, merge}},
	}
}

func modelRoutes() []incident.Route {
	return []incident.Route{{Audience: incident.Customers, Channel: modelChannel}}
}

// medium is a kind of channel.
type medium struct {
	family incident.Family
	keyed  bool
}

// media are the kinds there are: with and without a timeline, with and without a key.
func media() []medium {
	return []medium{
		{incident.FamilyEmail, false}, {incident.FamilySMS, false}, {incident.FamilyWebhook, true}, {incident.FamilySocial, true},
	}
}

// newModel prepares one configuration.
func newModel(st story, on medium) *model {
	w := newTwin()
	w.shards = 1
	w.open(theOne)
	w.open(other)
	heads := []incident.Incident{w.incidents[theOne]}
	for n, step := range st.steps {
		if step(w) == 0 {
			panic(fmt.Sprintf("%s: update %d is not accepted", st.name, n+1))
		}
		heads = append(heads, w.incidents[theOne])
	}
	m := &model{
		name: fmt.Sprintf("%s, %s, keyed %t", st.name, on.family, on.keyed), family: on.family, updates: w.updates[theOne],
		sender: newSender(heads, on.family, on.keyed), fanTwin: w, fan: w.fanOut(),
		rare: map[string]int{}, fanCache: map[string]int{},
	}
	for _, inc := range heads {
		m.snaps = append(m.snaps, inc.Snapshot())
	}
	m.fan.Families = map[incident.Channel]incident.Family{modelChannel: on.family}
	return m
}

// variant is a planted bug, in the steps of the model alone. Where a field is
// nil or false, the real rule holds.
type variant struct {
	decide func(Item, Ask) Decision
	apply  func(Settlement, Item) (Item, bool)
	key    func(Envelope, *hand) string
	// claimDropped grants without writing.
	claimDropped bool
	// busyDone acknowledges what should wait.
	busyDone bool
	// checkFirst answers the check with the incident as it was before the claim.
	checkFirst bool
	// consentOnce never looks at the subscription again.
	consentOnce bool
	// late knows no deadline before the end of the lease.
	late bool
	// ackFirst acknowledges before the work is done.
	ackFirst bool
	// sentFirst settles before it sends.
	sentFirst bool
	// busyAtOnce gives back at once what should wait.
	busyAtOnce bool
	// retractionLost fans no retraction out.
	retractionLost bool
}

func (v variant) orHonest() variant {
	if v.decide == nil {
		v.decide = Decide
	}
	if v.apply == nil {
		v.apply = func(s Settlement, it Item) (Item, bool) { return s.Apply(it) }
	}
	if v.key == nil {
		v.key = func(e Envelope, _ *hand) string { return e.Key[:8] }
	}
	return v
}
