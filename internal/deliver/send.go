package deliver

import (
	"context"
	"fmt"
	"slices"
	"time"

	"shirase/internal/incident"
	"shirase/internal/plan"
)

// The sizes of a sender's work.
const (
	// waveSize is how many recipients are claimed and sent to at once.
	waveSize = 16
	// maxRounds bounds how often a wave is decided anew: what is owed, the
	// newest, and what changed while we looked.
	maxRounds = 8
	// defaultLease is how long a claim holds.
	defaultLease = 60 * time.Second
	// leaseMargin is how long before the end of its lease a send must be over,
	// for clocks that disagree.
	leaseMargin = 10 * time.Second
	// leastTime is the least that must be left for sending to begin a wave.
	leastTime = time.Second
	// soon is how long a chunk waits that could simply go on.
	soon = time.Second
)

// Send takes chunks at their turn and brings each recipient what is to be told
// then. For each wave it claims, checks, sends and settles; see the package
// comment.
type Send struct {
	Incidents Incidents
	Messages  Messages
	Plans     Plans
	Book      Book
	Ledger    Ledger
	Rates     Rates
	// Spare is the pace of confirmations, which may take what is kept for them.
	// Nil means Rates.
	Spare     Rates
	Senders   map[incident.Channel]Sender
	Farewells Farewells
	Operators Operators
	// Families tells the family of every channel there is.
	Families map[incident.Channel]incident.Family
	// Hash names a recipient; it normalises the address first.
	Hash func(incident.Channel, incident.Address) incident.RecipientID
	// Links answers a subscriber's own links.
	Links func(incident.Subscriber) (unsubscribe, manage string)
	// Count counts what happened, by a closed list of names. Nil counts nothing.
	Count func(c incident.Channel, what Tick, n int)
	// Budget keeps retries to a tenth of first attempts. Nil means no limit.
	Budget *Budget
	Now    func() time.Time
	NewID  func() string
	// Lease is how long a claim holds; 0 means a minute. It must be longer than
	// 10 s and shorter than the function may run.
	Lease time.Duration
}

// Tick is something that is counted.
type Tick string

// What is counted.
const (
	TickSent    Tick = "sent"
	TickRetry   Tick = "retry"
	TickRepeat  Tick = "possible_duplicate"
	TickUnknown Tick = "unknown"
	TickLost    Tick = "settle_refused"
)

// Chunk delivers to the recipients of a chunk until all of them are final or
// have to wait. A time that is not zero is when the first of those is to be
// tried again. Nothing is begun after the deadline. It may be called twice, also
// at the same time: whoever is final, or in other hands, is not sent to.
func (s *Send) Chunk(ctx context.Context, c Chunk, deadline time.Time) (again time.Time, err error) {
	if err := c.check(); err != nil {
		return time.Time{}, err
	}
	w, err := s.work(ctx, c, deadline)
	if err != nil || w == nil {
		return time.Time{}, err
	}
	ids := slices.Clone(c.Recipients)
	slices.Sort(ids)
	for wave := range slices.Chunk(slices.Compact(ids), waveSize) {
		if w.paused() {
			break
		}
		if err := w.wave(ctx, wave); err != nil {
			return time.Time{}, fmt.Errorf("deliver %s on %s: %w", c.Incident, c.Channel, err)
		}
	}
	if err := w.tell(ctx); err != nil {
		return time.Time{}, fmt.Errorf("tell of undelivered %s on %s: %w", c.Incident, c.Channel, err)
	}
	return w.again, nil
}

// check answers why a chunk can never be delivered.
func (c Chunk) check() error {
	switch {
	case c.Incident == "":
		return incident.Invalid("incident", "must be given")
	case c.Slot == "" == (c.FromSeq <= 0):
		return incident.Invalid("from_seq", "must be given unless there is a slot, and only then")
	case len(c.Recipients) == 0:
		return incident.Invalid("recipients", "must name at least one")
	}
	return nil
}

// work is a chunk being delivered.
type work struct {
	*Send
	chunk    Chunk
	matter   matter
	rates    Rates
	sender   Sender
	family   incident.Family
	deadline time.Time
	// again is the earliest time at which somebody has to be tried again.
	again time.Time
	// resume is when the channel takes more; zero while it does.
	resume time.Time
	// plan is the current one, as read last.
	plan *plan.Plan
	// undelivered counts what an operator is to be told.
	undelivered map[Reason]int
}

// work prepares a chunk; it is nil where there is nothing to be said any more.
func (s *Send) work(ctx context.Context, c Chunk, deadline time.Time) (*work, error) {
	w := &work{Send: s, chunk: c, rates: s.Rates, deadline: deadline, undelivered: map[Reason]int{}}
	var ok bool
	if w.family, ok = s.Families[c.Channel]; !ok {
		return nil, incident.Invalid("channel", "must be a channel")
	}
	if w.sender, ok = s.Senders[c.Channel]; !ok {
		return nil, fmt.Errorf("no sender for %s", c.Channel)
	}
	if c.Slot == "" {
		w.matter = &news{work: w, texts: map[textKey]textOf{}}
		return w, nil
	}
	m, err := s.memo(ctx, c)
	if err != nil || m == nil {
		return nil, err
	}
	if m.memo.Kind == KindConfirmation && s.Spare != nil {
		w.rates = s.Spare
	}
	m.work = w
	w.matter = m
	return w, nil
}

// read reads afresh what the wave depends on, strongly consistent.
func (w *work) read(ctx context.Context) (err error) {
	if w.plan, err = w.Plans.Current(ctx); err != nil {
		return fmt.Errorf("read plan: %w", err)
	}
	return w.matter.read(ctx)
}

// later asks for the chunk to be tried again at a time, unless sooner already.
func (w *work) later(at time.Time) {
	if w.again.IsZero() || at.Before(w.again) {
		w.again = at
	}
}

// pause stops the chunk until a time, since the whole channel has to wait.
func (w *work) pause(until time.Time) {
	if until.After(w.resume) {
		w.resume = until
	}
}

// paused reports whether the channel takes no more, and if so asks for the
// chunk to be tried again when it does.
func (w *work) paused() bool {
	if w.resume.IsZero() {
		return false
	}
	w.later(w.resume)
	return true
}

// tell lets an operator know of what was given up or waits for a credential.
func (w *work) tell(ctx context.Context) error {
	for _, r := range []Reason{Exhausted, Rejected, Gone, Forbidden, Unauthorised} {
		if n := w.undelivered[r]; n > 0 {
			if err := w.Operators.Undelivered(ctx, w.chunk.Incident, w.chunk.Channel, r, n); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *work) count(what Tick, n int) {
	if w.Count != nil && n > 0 {
		w.Count(w.chunk.Channel, what, n)
	}
}

func (w *work) lease() time.Duration {
	if w.Lease > 0 {
		return w.Lease
	}
	return defaultLease
}
