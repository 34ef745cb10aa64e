package deliver

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"shirase/internal/incident"
)

// The model does not copy the sender: it learns from it. A sender is the real
// [Send.Chunk], and where it stands is told by what the world has answered it so
// far. To find out what it does next it is run again from its beginning with the
// same answers, up to the first port call that has none. Each such history is
// run once and kept, so that the search itself is cheap.

// point is a port call at which the world may change before it is answered.
// What never changes in the model (plan, texts, rate) is answered at once.
type point uint8

const (
	atIncident point = iota
	atItems
	atClaim
	atFind
	atSend
	atSettle
	atEnd // the chunk is over; its message is acknowledged or returned
)

// What may happen at each, in the words of a trace.
var (
	crashes  = named("crash at %s")
	failures = named("%s fails")
	halves   = named("%s works and fails")
)

func named(format string) (out [atEnd + 1]string) {
	for p, name := range [...]string{"read incident", "read item", "claim", "read consent", "send", "settle", "end"} {
		out[p] = fmt.Sprintf(format, name)
	}
	return out
}

// question is what a sender asks of the world. Times in it and in answers count
// from the sender's own beginning, at noon.
type question struct {
	at         point
	ask        Ask
	envelope   Envelope
	sendBy     time.Time
	settlement Settlement
	again      time.Time
	err        error
}

// answer is what the world says.
type answer struct {
	clock    time.Duration // the sender's, from now on
	failed   bool          // the call answers an error
	head     int           // how many updates are accepted
	item     Item
	decision Decision
	active   bool // the subscription
	outcome  Outcome
	taken    bool // the settlement
}

// key is different for any two answers between which the sender can tell.
func (a *answer) key(b []byte) []byte {
	b = binary.AppendVarint(b, int64(a.clock))
	b = append(b, flags(a.failed, a.active, a.taken, a.decision.Repeat, a.decision.Changed), byte(a.head))
	b = a.item.encode(b, time.Time{})
	b = append(append(b, a.decision.Verdict...), 0)
	b = a.decision.Item.encode(b, time.Time{})
	b = instant(b, a.decision.Wait, time.Time{})
	if f := a.outcome.Failure; f != nil {
		b = append(append(b, f.Reason...), flags(f.Recipient))
	}
	return b
}

// node is a history of one sender.
type node struct {
	parent int32
	heard  answer
	asks   *question
	next   map[string]int32
}

// sender is all histories met so far of the real sender on one channel.
type sender struct {
	*twin
	keyed bool
	heads []incident.Incident // by how many updates are accepted
	nodes []*node
	real  *Send
	// path is what is answered in the run under way, clock and at how far it has come.
	path  []answer
	at    int
	clock time.Time
	key   []byte
}

// modelChunk is the only one there is; that it names an update means nothing.
var modelChunk = Chunk{Incident: theOne, Channel: modelChannel, FromSeq: 1, Recipients: []incident.RecipientID{modelReader}}

const (
	modelChannel incident.Channel     = "model"
	modelReader  incident.RecipientID = "reader"
	// functionTime is how long a function may run, redelivery when the queue
	// shows its message again.
	functionTime = 90 * time.Second
	redelivery   = 6 * functionTime
)

var modelKey = Key{Incident: theOne, Channel: modelChannel, Recipient: modelReader}

func newSender(heads []incident.Incident, f incident.Family, keyed bool) *sender {
	s := &sender{twin: newTwin(), keyed: keyed, heads: heads}
	s.real = &Send{
		Incidents: s, Messages: s, Plans: s, Book: s, Ledger: s, Rates: s, Farewells: s, Operators: s,
		Senders:  map[incident.Channel]Sender{modelChannel: courier{s}},
		Families: map[incident.Channel]incident.Family{modelChannel: f},
		Hash:     hashOf,
		Links:    func(incident.Subscriber) (unsubscribe, manage string) { return "", "" },
		Now:      func() time.Time { return s.clock },
		NewID:    func() string { s.ids++; return strconv.Itoa(s.ids) },
	}
	s.nodes = []*node{{parent: -1, asks: s.run(nil)}}
	return s
}

// follow answers the history that n becomes by an answer.
func (s *sender) follow(n int32, a *answer) int32 {
	s.key = a.key(s.key[:0])
	at := s.nodes[n]
	if to, ok := at.next[string(s.key)]; ok {
		return to
	}
	path := []answer{*a}
	for on := at; on.parent >= 0; on = s.nodes[on.parent] {
		path = append(path, on.heard)
	}
	slices.Reverse(path)
	to := int32(len(s.nodes))
	if at.next == nil {
		at.next = map[string]int32{}
	}
	at.next[string(s.key)] = to
	s.nodes = append(s.nodes, &node{parent: n, heard: *a, asks: s.run(path)})
	return to
}

// run runs the real sender with the answers of a path and tells what it asks then.
func (s *sender) run(path []answer) (q *question) {
	s.path, s.at, s.clock, s.ids = path, 0, noon, 0
	defer func() {
		if p := recover(); p != nil {
			asked, ok := p.(question)
			if !ok {
				panic(p)
			}
			q = &asked
		}
	}()
	again, err := s.real.Chunk(bg, modelChunk, noon.Add(functionTime))
	return &question{at: atEnd, again: again, err: err}
}

// hear answers a port call from the path, or ends the run at its end.
func (s *sender) hear(q question) (answer, error) {
	if s.at == len(s.path) {
		panic(q)
	}
	a := s.path[s.at]
	s.at++
	s.clock = noon.Add(a.clock)
	if a.failed {
		return answer{}, errFault
	}
	return a, nil
}

// The ports.

func (s *sender) Incident(context.Context, incident.ID) (incident.Incident, error) {
	a, err := s.hear(question{at: atIncident})
	return s.heads[a.head], err
}

func (s *sender) Items(context.Context, []Key) ([]Item, error) {
	a, err := s.hear(question{at: atItems})
	return []Item{a.item.clone()}, err
}

func (s *sender) Claim(_ context.Context, asks []Ask) ([]Decision, error) {
	a, err := s.hear(question{at: atClaim, ask: asks[0]})
	a.decision.Item = a.decision.Item.clone()
	return []Decision{a.decision}, err
}

func (s *sender) Settle(_ context.Context, ss []Settlement) ([]bool, error) {
	a, err := s.hear(question{at: atSettle, settlement: ss[0]})
	return []bool{a.taken}, err
}

func (s *sender) Find(_ context.Context, c incident.Channel, ids []incident.RecipientID) (map[incident.RecipientID][]incident.Subscriber, error) {
	a, err := s.hear(question{at: atFind})
	return map[incident.RecipientID][]incident.Subscriber{ids[0]: {modelSubscriber(c, a.active)}}, err
}

func (s *sender) Reserve(context.Context, incident.Channel, int, time.Time) (time.Duration, error) {
	return 0, nil
}

func (s *sender) Report(context.Context, incident.Channel, int, int, time.Time) error { return nil }

// modelSubscriber is the one reader there is.
func modelSubscriber(c incident.Channel, active bool) incident.Subscriber {
	sub := incident.Subscriber{
		ID: modelReader, Audience: incident.Customers, Channel: c, Address: "reader@minato.test", Locale: "en",
		State: incident.Unsubscribed,
	}
	if active {
		sub.State = incident.Active
	}
	return sub
}

// courier is the provider as a sender sees it.
type courier struct{ s *sender }

func (c courier) Keyed() bool { return c.s.keyed }

func (c courier) Send(_ context.Context, es []Envelope, deadline time.Time) []Outcome {
	a, err := c.s.hear(question{at: atSend, envelope: es[0], sendBy: deadline})
	if err != nil {
		panic(errors.New("a provider answers outcomes, never errors"))
	}
	return []Outcome{a.outcome}
}
