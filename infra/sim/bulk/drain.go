package bulk

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"time"

	"shirase/internal/deliver"
	"shirase/internal/embedded"
	"shirase/internal/incident"
)

// Options say what is drained.
type Options struct {
	// Recipients is how many readers there are, all by mail.
	Recipients int
	// Rate is how many mails a second the provider takes.
	Rate float64
	// Updates are when the updates are published.
	Updates []time.Duration
	// Down are when the provider answers nothing, Stall when nobody polls.
	Down, Stall []Span
	// Shards is how many an audience and a ledger have; 0 means 4.
	Shards int
	// Workers is how many chunks are in work at once; 0 means what the rate needs.
	Workers int
	// Wire passes everything through the handlers, as queue events in JSON.
	Wire bool
	// Measure is how many invocations are made to one whose memory is measured;
	// 0 measures none.
	Measure int
}

// What an invocation takes beside the provider's time.
const (
	// overhead is that of a chunk: receive, read, claim, delete or put off.
	overhead = 100 * time.Millisecond
	// perWorker is how many mails a second a sender brings that never waits, with
	// some room.
	perWorker = 35
	// pageTime is that of a page of a fan-out: read, queue, save.
	pageTime = 50 * time.Millisecond
	// idle is how long a poller waits for what may come.
	idle = time.Second
	// budget is how long an invocation may work.
	budget = 29 * time.Second
	// horizon is when a drain that does not end is given up.
	horizon = 14 * 24 * time.Hour
)

// drain is a run under way.
type drain struct {
	Options
	ctx      context.Context
	loop     *loop
	office   *office
	crowd    *crowd
	ledger   *ledger
	queue    *queue
	provider *provider
	fanout   *deliver.FanOut
	send     *deliver.Send
	gauge    gauge
	// pages gauges the fan-out likewise.
	pages gauge

	pointers []deliver.Pointer
	accepted int
	ids      int
	ended    time.Time
	closing  bool
	told     map[deliver.Reason]int
	err      error
}

// Drain publishes the updates and delivers until every chunk is done.
func Drain(ctx context.Context, o Options) (Figures, error) {
	d, err := newDrain(ctx, o)
	if err != nil {
		return Figures{}, err
	}
	return d.run()
}

// run goes on until all is done.
func (d *drain) run() (Figures, error) {
	d.loop.spawn(begin, d.author)
	d.loop.spawn(begin, d.fanOut)
	for range d.Workers {
		d.loop.spawn(begin, d.deliver)
	}
	d.loop.run(begin.Add(horizon))
	if d.err != nil {
		return Figures{}, d.err
	}
	return d.figures(), nil
}

func newDrain(ctx context.Context, o Options) (*drain, error) {
	if o.Shards == 0 {
		o.Shards = 4
	}
	if o.Workers == 0 {
		o.Workers = max(2, int(math.Ceil(o.Rate/perWorker)))
	}
	if o.Recipients < 1 || o.Rate <= 0 || len(o.Updates) == 0 || len(o.Updates) > 100 {
		return nil, incident.Invalid("options", "must name recipients, a rate and up to 100 updates")
	}
	d := &drain{Options: o, ctx: ctx, loop: newLoop(), crowd: newCrowd(o.Recipients, o.Shards), told: map[deliver.Reason]int{}}
	var err error
	if d.office, err = newOffice(); err != nil {
		return nil, err
	}
	d.ledger = newLedger(d.crowd, o.Recipients)
	d.ledger.heat = newHeat(o.Shards)
	d.queue = &queue{people: d.crowd, now: d.loop.now, worn: maxReceives, before: func() { d.pages.full(); d.loop.sleep(pageTime) }}
	d.provider = &provider{
		people: d.crowd, loop: d.loop, rate: o.Rate, down: o.Down, at: begin, before: d.gauge.full,
		newest: func() int { return d.office.incident.Seq() }, seen: make([]uint8, o.Recipients),
	}
	stores := func() uint64 { return d.ledger.bytes() + d.queue.bytes() }
	d.gauge, d.pages = gauge{every: o.Measure, stores: stores}, gauge{every: min(o.Measure, 1), stores: stores}
	families := map[incident.Channel]incident.Family{incident.Email: incident.FamilyEmail}
	hash := func(c incident.Channel, a incident.Address) incident.RecipientID {
		return incident.NewRecipientID([]byte("drain"), c, a)
	}
	rates := embedded.NewRates(embedded.NewMemory(), map[incident.Channel]embedded.Limit{incident.Email: {Rate: o.Rate}})
	d.fanout = &deliver.FanOut{
		Incidents: d.office, Messages: d.office, Plans: d.office, Book: d.crowd, Ledger: d.ledger, Listing: d.ledger,
		Jobs: d.ledger, Queue: d.queue, Hash: hash, Families: families, Now: d.loop.now,
	}
	d.send = &deliver.Send{
		Incidents: d.office, Messages: d.office, Plans: d.office, Book: d.crowd, Ledger: d.ledger, Rates: rates,
		Senders: map[incident.Channel]deliver.Sender{incident.Email: d.provider}, Farewells: d.crowd, Operators: d,
		Families: families, Hash: hash, Budget: &deliver.Budget{}, Now: d.loop.now,
		Links: func(s incident.Subscriber) (unsubscribe, manage string) {
			return "https://minato.test/unsubscribe/" + string(s.ID), "https://minato.test/manage/" + string(s.ID)
		},
		NewID: func() string { d.ids++; return strconv.Itoa(d.ids) },
	}
	return d, nil
}

// Undelivered implements deliver.Operators.
func (d *drain) Undelivered(_ context.Context, _ incident.ID, _ incident.Channel, r deliver.Reason, n int) error {
	d.told[r] += n
	return nil
}

// Park implements handler.Parking. Nothing here is to be parked.
func (d *drain) Park(_ context.Context, _ string, _ []byte, why string) error {
	return fmt.Errorf("a message was parked: %s", why)
}

// fail ends the run.
func (d *drain) fail(err error) bool {
	if err != nil && d.err == nil {
		d.err, d.closing = err, true
	}
	return err != nil
}

// author publishes the updates.
func (d *drain) author() {
	for _, at := range d.Updates {
		if !d.loop.until(begin.Add(at)) {
			return
		}
		p, err := d.office.publish(d.loop.now())
		if d.fail(err) {
			return
		}
		d.pointers = append(d.pointers, p)
		d.accepted++
	}
}

// stalled sleeps where nobody polls. It answers false at the end.
func (d *drain) stalled() bool {
	for _, s := range d.Stall {
		if s.holds(d.loop.now().Sub(begin)) && !d.loop.until(begin.Add(s.To)) {
			return false
		}
	}
	return !d.closing
}

// fanOut works on the pointers, one after the other.
func (d *drain) fanOut() {
	done := 0
	for d.stalled() && done < len(d.Updates) {
		if done == d.accepted {
			if !d.loop.sleep(idle) {
				return
			}
			continue
		}
		d.pages.enter()
		more, err := d.point(d.pointers[done])
		d.pages.leave()
		if d.fail(err) {
			return
		}
		if !more {
			done++
		}
	}
	for !d.queue.empty() && !d.closing {
		if !d.loop.sleep(idle) {
			return
		}
	}
	d.closing, d.ended = true, d.loop.now()
}

// deliver works on chunks until all is done.
func (d *drain) deliver() {
	for d.stalled() {
		n, ok := d.queue.receive()
		if !ok {
			wake := d.loop.now().Add(idle)
			if at, some := d.queue.next(); some && at.Before(wake) {
				wake = at
			}
			if !d.loop.until(wake) {
				return
			}
			continue
		}
		d.gauge.enter()
		err := d.bring(n)
		d.gauge.leave()
		if d.fail(err) || !d.loop.sleep(overhead) {
			return
		}
	}
}
