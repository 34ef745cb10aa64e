package deliver

import (
	"context"
	"errors"
	"fmt"
	"time"

	"shirase/internal/incident"
)

// A letter is a claim that passed the check, with the envelope to send.
type letter struct {
	turn
	envelope Envelope
}

// ended is a claim with how it ended.
type ended struct {
	turn
	how Settlement
}

// send hands the letters over, settles by what came of them, and answers those
// who are to be decided anew.
func (w *work) send(ctx context.Context, letters []letter, sendBy time.Time) ([]turn, error) {
	if len(letters) == 0 {
		return nil, nil
	}
	es := make([]Envelope, len(letters))
	for n, l := range letters {
		es[n] = l.envelope
	}
	outcomes := w.sender.Send(ctx, es, sendBy)
	now := w.Now()
	ends := make([]ended, len(letters))
	var tally wire
	var gone []incident.RecipientID
	for n, l := range letters {
		o := Outcome{Failure: &Failure{Reason: TimedOut}} // what was not answered may have been sent
		if n < len(outcomes) {
			o = outcomes[n]
		}
		ends[n] = ended{l.turn, conclude(l.turn, o, w.sender.Keyed(), now)}
		tally.add(o, l.envelope.Target.Secret != "")
		if o.Failure != nil && o.Failure.Reason == Gone {
			gone = append(gone, l.key.Recipient)
		}
		w.note(l, ends[n].how, o, now)
	}
	anew, err := w.settle(ctx, ends)
	return anew, errors.Join(err, w.report(ctx, tally, now), w.farewell(ctx, gone))
}

// note counts an outcome, and stops the chunk where the whole channel asks for it.
func (w *work) note(l letter, how Settlement, o Outcome, now time.Time) {
	if how.Result == Sent {
		w.count(TickSent, 1)
	}
	if how.Result == Unknown {
		w.count(TickUnknown, 1)
	}
	if how.Reason == Exhausted {
		w.undelivered[Exhausted]++
	}
	if o.Failure == nil {
		return
	}
	if how.Done && how.Result == Refused && l.envelope.Target.ID != "" {
		// A room or account of the plan that takes nothing is a fault of the plan.
		w.undelivered[o.Failure.Reason]++
	}
	if o.Failure.Reason == Unauthorised {
		w.undelivered[Unauthorised]++
		w.pause(now.Add(credentialWait))
	}
	if o.Failure.Reason == Throttled && !o.Failure.Recipient {
		w.pause(now.Add(min(max(o.Failure.RetryAfter, firstWait), maxWait)))
	}
}

// settle writes how claims ended and answers them with their items as they are
// now. A refused settlement is dropped and counted: somebody else took the item
// over. The chunk stays until they too must be done.
func (w *work) settle(ctx context.Context, ends []ended) ([]turn, error) {
	if len(ends) == 0 {
		return nil, nil
	}
	now := w.Now()
	ss := make([]Settlement, len(ends))
	for n, e := range ends {
		ss[n] = e.how
		ss[n].Key, ss[n].Lease, ss[n].Now = e.key, e.lease, now
	}
	taken, err := w.Ledger.Settle(ctx, ss)
	if err != nil {
		// What is not settled ends as unknown with its lease, and where the provider
		// takes no key somebody may be told twice: that is worth another try. What the
		// first has settled after all is refused now, and found settled next time.
		taken, err = w.Ledger.Settle(ctx, ss)
	}
	if err != nil {
		return nil, fmt.Errorf("settle: %w", err)
	}
	var out []turn
	for n, e := range ends {
		if !taken[n] {
			w.count(TickLost, 1)
			w.later(now.Add(w.lease()))
			continue
		}
		e.item, _ = ss[n].Apply(e.item)
		out = append(out, e.turn)
	}
	return out, nil
}

// release gives claims back of which nothing was begun.
func (w *work) release(ctx context.Context, claimed []turn) error {
	ends := make([]ended, len(claimed))
	for n, t := range claimed {
		ends[n] = ended{turn: t}
	}
	_, err := w.settle(ctx, ends)
	return err
}

// farewell ends the subscriptions of those whose endpoint is gone.
func (w *work) farewell(ctx context.Context, gone []incident.RecipientID) error {
	for _, id := range gone {
		if err := w.Farewells.Gone(ctx, w.chunk.Channel, id); err != nil {
			return fmt.Errorf("end subscription: %w", err)
		}
	}
	return nil
}

// wire is how the provider did in one wave.
type wire struct{ answered, unavailable int }

// add counts an outcome; own tells that the envelope's target has a credential
// of its own. What was not begun says nothing of the provider, and neither does
// one target's credential: the other targets must not wait for it. What concerns
// one recipient is an answer.
func (t *wire) add(o Outcome, own bool) {
	if o.Failure == nil || o.Failure.Recipient {
		t.answered++
		return
	}
	switch o.Failure.Reason {
	case Unauthorised:
		if !own {
			t.unavailable++
		}
	case Unavailable, TimedOut:
		t.unavailable++
	case NotBegun, TooLate, Forbidden:
	case Throttled, Rejected, Gone, Exhausted:
		t.answered++
	}
}

// report tells the breaker. A webhook's endpoints share no provider: one that
// fails says nothing of the others, and waits by its own item.
func (w *work) report(ctx context.Context, t wire, now time.Time) error {
	if w.family == incident.FamilyWebhook || t == (wire{}) {
		return nil
	}
	if err := w.rates.Report(ctx, w.chunk.Channel, t.answered, t.unavailable, now); err != nil {
		return fmt.Errorf("report to breaker: %w", err)
	}
	return nil
}
