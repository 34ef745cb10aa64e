package deliver

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"shirase/internal/incident"
)

// errFault is what a port answers when the simulation wills it.
var errFault = errors.New("fault")

// crash is what a killed function panics with.
type crash struct{}

// simulation runs fan-out and sending against an adversary who, at every port
// call, may let time pass, publish, correct, retract, merge, unsubscribe, run
// another message in between, answer an error, or kill the function. It is
// driven by one seed.
type simulation struct {
	*twin
	rng      *rand.Rand
	fan      *FanOut
	snd      *Send
	boxes    map[incident.Channel]*outbox
	messages []*queued
	calm     bool
	// runs are the functions running now, the innermost last.
	runs []*run
	// clock counts events, to tell which came first.
	clock int
	left  map[incident.RecipientID]int // when an unsubscribe was accepted
	// handed are the texts given to a provider, whether or not they took effect.
	handed map[string]bool
	faults []string
	rare   map[string]int
}

// queued is a message on a queue: a pointer or a chunk.
type queued struct {
	pointer *Pointer
	chunk   *Chunk
	visible time.Time
}

// run is what one function has read.
type run struct {
	found int
	meta  incident.Snapshot
}

const (
	theOne incident.ID = "inc-1"
	other  incident.ID = "inc-2"
)

func newSimulation(seed uint64) *simulation {
	s := &simulation{
		twin: newTwin(), rng: rand.New(rand.NewPCG(seed, 1)), boxes: map[incident.Channel]*outbox{},
		left: map[incident.RecipientID]int{}, handed: map[string]bool{}, rare: map[string]int{},
	}
	s.shards = 1
	senders := map[incident.Channel]Sender{}
	for c := range families {
		box := &outbox{w: s.twin, keyed: keyed(c)}
		box.answer = func(e Envelope) (Outcome, bool) { return s.provider(box, e) }
		s.boxes[c], senders[c] = box, box
	}
	s.fan, s.snd = s.fanOut(), s.send(senders)
	for n := range 2 {
		s.subscribe(incident.Email, incident.Address(fmt.Sprintf("reader%d@minato.test", n)))
		s.subscribe(incident.SMS, incident.Address(fmt.Sprintf("+8190000001%02d", n)))
		s.subscribe(incident.Webhook, incident.Address(fmt.Sprintf("https://hook%d.test/in", n)))
	}
	s.open(theOne)
	s.open(other)
	s.hook = s.meddle
	return s
}

// one answers true in n of 1,000 cases, and never in the calm at the end.
func (s *simulation) one(n int) bool { return !s.calm && s.rng.IntN(1000) < n }

// meddle is what the adversary does at a port call.
func (s *simulation) meddle(at string) error {
	if len(s.runs) == 0 {
		return nil
	}
	s.clock++
	switch top := s.runs[len(s.runs)-1]; at { // what the call has read, before anything else happens
	case "find done":
		top.found = s.clock
	case "incident done":
		top.meta = s.incidents[theOne].Snapshot()
	}
	if s.one(30) {
		s.now = s.now.Add([]time.Duration{time.Second, 20 * time.Second, 70 * time.Second, 7 * time.Minute}[s.rng.IntN(4)])
	}
	if s.one(25) {
		s.act()
	}
	if s.one(40) && len(s.runs) < 3 {
		s.rare["nested"]++
		s.work()
	}
	switch {
	case s.one(8):
		s.rare["crash at "+at]++
		panic(crash{})
	case s.one(8):
		return errFault
	}
	return nil
}

// act changes the world as people do.
func (s *simulation) act() {
	inc := s.incidents[theOne]
	switch n := s.rng.IntN(20); {
	case n < 7:
		stages := []incident.Stage{incident.Investigating, incident.Identified, incident.Monitoring, incident.Resolved}
		s.point(s.notice(theOne, stages[s.rng.IntN(4)]))
	case n < 12 && inc.Seq() > 0:
		s.point(s.mend(theOne, incident.Retraction, 1+s.rng.IntN(inc.Seq())))
	case n < 15 && inc.Seq() > 0:
		s.point(s.mend(theOne, incident.Correction, 1+s.rng.IntN(inc.Seq())))
	case n < 17:
		c := []incident.Channel{incident.Email, incident.SMS, incident.Webhook}[s.rng.IntN(3)]
		for _, id := range slices.Sorted(maps.Keys(s.subs[c])) {
			if s.left[id] == 0 && s.rng.IntN(2) == 0 {
				s.clock++
				s.left[id] = s.clock
				s.setState(c, id, incident.Unsubscribed)
				s.rare["unsubscribed"]++
				break
			}
		}
	case n < 18:
		id := slices.Sorted(maps.Keys(s.subs[incident.Email]))[0]
		s.subs[incident.Email][id][0].Components = []incident.ComponentID{"login"} // no longer matches
	case n < 19 && s.one(200):
		s.point(s.merge(theOne, other))
		s.rare["merged"]++
	}
}

// point queues the pointer of an accepted update, at times twice.
func (s *simulation) point(seq int) {
	if seq == 0 {
		return
	}
	for range 1 + s.rng.IntN(2) {
		s.messages = append(s.messages, &queued{pointer: &Pointer{Incident: theOne, Seq: seq}, visible: s.now})
	}
}

// work runs one visible message, if there is any, and answers whether it did.
func (s *simulation) work() bool {
	var ready []*queued
	for _, m := range s.messages {
		if !m.visible.After(s.now) {
			ready = append(ready, m)
		}
	}
	if len(ready) == 0 {
		return false
	}
	m := ready[s.rng.IntN(len(ready))]
	m.visible = s.now.Add(6 * time.Minute)
	again, died, err := s.call(m)
	switch {
	case died: // the queue shows it again by itself
	case err != nil:
		m.visible = s.now.Add(5 * time.Second)
	case !again.IsZero():
		m.visible = again
	default:
		s.messages = slices.DeleteFunc(s.messages, func(x *queued) bool { return x == m })
	}
	return true
}

// call invokes the function for a message, and survives its death.
func (s *simulation) call(m *queued) (again time.Time, died bool, err error) {
	depth := len(s.runs)
	s.runs = append(s.runs, &run{})
	defer func() {
		s.runs = s.runs[:depth]
		if p := recover(); p != nil {
			if _, ok := p.(crash); !ok {
				panic(p)
			}
			died = true
		}
	}()
	deadline := s.now.Add(90 * time.Second)
	if m.pointer != nil {
		more, err := s.fan.Pointer(bg, *m.pointer, deadline)
		if more {
			again = s.now
		}
		s.collect()
		return again, false, err
	}
	again, err = s.snd.Chunk(bg, *m.chunk, deadline)
	return again, false, err
}

// collect moves what the fan-out queued to the queues.
func (s *simulation) collect() {
	for _, c := range s.queued {
		s.messages = append(s.messages, &queued{chunk: &c, visible: s.now})
	}
	s.queued = nil
}

// provider decides how a call ends, and checks everything that is shown.
func (s *simulation) provider(box *outbox, e Envelope) (Outcome, bool) {
	seq := textOfEnvelope(e)
	s.handed[handed(e.Recipient, seq)] = true
	effect := true
	var fail *Failure
	switch {
	case s.one(60):
		fail = &Failure{Reason: Throttled, RetryAfter: time.Duration(s.rng.IntN(100)) * time.Second, Recipient: s.rng.IntN(2) == 0}
		effect = false
	case s.one(60):
		fail, effect = &Failure{Reason: Unavailable}, false
	case s.one(100):
		fail, effect = &Failure{Reason: TimedOut}, s.rng.IntN(2) == 0
	case s.one(10):
		fail, effect = &Failure{Reason: Rejected}, false
	}
	if effect && !box.absorbs(e) {
		s.show(box, e, seq)
	}
	return Outcome{ID: "post", Failure: fail}, effect
}

func textOfEnvelope(e Envelope) int {
	n, err := strconv.Atoi(strings.TrimSuffix(e.Content.Text, " plain"))
	if err != nil {
		panic(err)
	}
	return n
}

func handed(id incident.RecipientID, seq int) string { return fmt.Sprintf("%s/%d", id, seq) }

// show checks what a recipient comes to see against what they saw before.
func (s *simulation) show(box *outbox, e Envelope, seq int) {
	now := s.incidents[theOne].Snapshot()
	read := s.runs[len(s.runs)-1]
	line := now.Lines[seq-1]
	times := 1
	for _, text := range box.texts(e.Recipient) {
		before, _ := strconv.Atoi(strings.TrimSuffix(text, " plain"))
		if before == seq {
			times++
		}
		if l := now.Lines[before-1]; before > seq && !line.Kind.Mends() && l.Kind != incident.Retraction && !l.Withdrawn() {
			s.fault("%s %s: %d is shown after %d", e.Channel, e.Recipient, seq, before)
		}
	}
	switch {
	case box.keyed && times > 1, times > 2:
		s.fault("%s %s: %d is shown %d times", e.Channel, e.Recipient, seq, times)
	case read.meta.Lines[seq-1].Withdrawn():
		s.fault("%s %s: %d is shown though the check knew that it is withdrawn", e.Channel, e.Recipient, seq)
	case s.left[e.Recipient] != 0 && s.left[e.Recipient] < read.found:
		s.fault("%s %s: %d is shown after an unsubscribe accepted before the check", e.Channel, e.Recipient, seq)
	case line.Kind == incident.Retraction && !s.handed[handed(e.Recipient, line.Of)] && !s.lostLease(e, line.Of):
		s.fault("%s %s: retraction %d of what was never told", e.Channel, e.Recipient, seq)
	case strings.HasSuffix(e.Content.Text, " plain") && slices.Contains(box.texts(e.Recipient), strconv.Itoa(line.Of)):
		s.fault("%s %s: plain correction %d to one who was told", e.Channel, e.Recipient, seq)
	}
	if seq < e.Seq {
		s.rare["under another number"]++
	}
	s.rare[string(line.Kind)]++
}

// lostLease reports whether a claim of the text was never settled, so that
// nobody knows that nothing was sent.
func (s *simulation) lostLease(e Envelope, seq int) bool {
	m, ok := s.items[Key{Incident: e.Incident, Channel: e.Channel, Recipient: e.Recipient}].find(seq)
	return ok && m.Result == Unknown
}

func (s *simulation) fault(format string, args ...any) {
	s.faults = append(s.faults, fmt.Sprintf(format, args...))
}

// settle lets everything come to rest, without faults.
func (s *simulation) settle() {
	s.calm = true
	for range 5000 {
		if len(s.messages) == 0 {
			return
		}
		if s.work() {
			continue
		}
		first := s.messages[0].visible
		for _, m := range s.messages {
			if m.visible.Before(first) {
				first = m.visible
			}
		}
		s.now = first
	}
	s.fault("%d messages never come to rest", len(s.messages))
}

// judge checks what must hold once everything is at rest.
func (s *simulation) judge() {
	inc := s.incidents[theOne].Snapshot()
	newest := newestStanding(inc.Lines)
	for _, c := range slices.Sorted(maps.Keys(s.boxes)) {
		box, ids := s.boxes[c], slices.Sorted(maps.Keys(s.subs[c]))
		if c == mastodon {
			ids = append(ids, hashOf(c, s.plan.Targets[0].Address))
		}
		for _, id := range ids {
			it := s.items[Key{Incident: theOne, Channel: c, Recipient: id}]
			if it.Seq > 0 && it.State != Done {
				s.fault("%s %s is at rest and not done: %+v", c, id, it)
			}
			if s.left[id] == 0 {
				s.judgeOne(inc, box, c, id, it, newest)
			}
		}
	}
}

func (s *simulation) judgeOne(inc incident.Snapshot, box *outbox, c incident.Channel, id incident.RecipientID, it Item, newest int) {
	shown := map[int]bool{}
	for _, text := range box.texts(id) {
		n, _ := strconv.Atoi(strings.TrimSuffix(text, " plain"))
		shown[n] = true
	}
	heard := func(seq int) bool { // or given up, with a mark that says so
		m, ok := it.find(seq)
		return shown[seq] || ok && (m.Result == Refused || m.Result == Failed || m.Result == Unknown)
	}
	for _, l := range inc.Lines {
		if l.Kind != incident.Retraction || !shown[l.Of] || heard(l.Seq) {
			continue
		}
		named := false
		for n := l.Seq + 1; families[c].Timeline() && n < l.Seq+timelineLength; n++ {
			named = named || heard(n)
		}
		if !named {
			s.fault("%s %s was told %d and never that it is retracted (%s): %+v", c, id, l.Of, describe(inc), it)
		}
	}
	matches := true
	for _, sub := range s.subs[c][id] {
		matches = sub.Hears(inc.Named)
	}
	concerned := len(shown) > 0 || matches && inc.End != incident.EndMerged
	if newest > 0 && concerned && !heard(newest) {
		s.fault("%s %s never hears the newest, %d (%s): %+v", c, id, newest, describe(inc), it)
	}
}

// More than the usual: go test -run Simulation -seeds 20000 ./internal/deliver.
// A failure again: -seed N -seeds 1.
var (
	seeds     = flag.Uint64("seeds", 400, "how many seeds the simulation runs")
	firstSeed = flag.Uint64("seed", 0, "the first of them")
)

func TestSimulation(t *testing.T) {
	t.Parallel()
	rare := map[string]int{}
	for seed := *firstSeed; seed < *firstSeed+*seeds; seed++ {
		s := newSimulation(seed)
		for range 12 {
			s.act()
			for range 1 + s.rng.IntN(6) {
				s.work()
			}
			s.now = s.now.Add(time.Duration(s.rng.IntN(90)) * time.Second)
		}
		s.settle()
		s.judge()
		if len(s.faults) > 0 {
			t.Fatalf("seed %d: %s\n%s", seed, describe(s.incidents[theOne].Snapshot()), strings.Join(s.faults, "\n"))
		}
		for k, v := range s.rare {
			rare[k] += v
		}
	}
	if *seeds < 100 {
		return // too few to see everything
	}
	for _, want := range []string{
		"nested", "unsubscribed", "merged", "under another number", "notice", "retraction", "correction",
		"crash at claim done", "crash at settle", "crash at settle done", "crash at incident done", "crash at queue done",
		"crash at save job",
	} {
		if rare[want] == 0 {
			t.Errorf("the simulation never came to %q", want)
		}
	}
}
