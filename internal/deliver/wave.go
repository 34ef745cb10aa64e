package deliver

import (
	"context"
	"errors"
	"fmt"
	"time"

	"shirase/internal/incident"
)

// wave brings up to 16 recipients what is to be told, in rounds: what is owed,
// then the newest, until nothing is left or everyone has to wait.
func (w *work) wave(ctx context.Context, ids []incident.RecipientID) error {
	if err := w.read(ctx); err != nil {
		return err
	}
	turns, err := w.turns(ctx, ids) // after the incident, so that a claim on an older head is seen
	if err != nil {
		return err
	}
	for round := 0; ; round++ {
		if turns = w.toTell(turns); len(turns) == 0 {
			return nil
		}
		if round == maxRounds {
			w.later(w.Now().Add(soon))
			return nil
		}
		if w.paused() {
			return nil
		}
		if turns, err = w.round(ctx, turns); err != nil {
			return err
		}
	}
}

// turns reads the ledger.
func (w *work) turns(ctx context.Context, ids []incident.RecipientID) ([]turn, error) {
	keys := make([]Key, len(ids))
	for n, id := range ids {
		keys[n] = Key{Incident: w.chunk.Incident, Channel: w.chunk.Channel, Recipient: id, Slot: w.chunk.Slot}
	}
	items, err := w.Ledger.Items(ctx, keys)
	if err != nil {
		return nil, fmt.Errorf("read ledger: %w", err)
	}
	turns := make([]turn, len(ids))
	for n := range ids {
		turns[n] = turn{key: keys[n], item: items[n]}
	}
	return turns, nil
}

// toTell leaves those for whom there is something to tell, with what it is.
func (w *work) toTell(turns []turn) []turn {
	var out []turn
	for _, t := range turns {
		if p, ok := w.matter.next(t.item, false); ok {
			t.pick = p
			out = append(out, t)
		}
	}
	return out
}

// round claims, checks, sends and settles, and answers those who are to be
// decided anew. Who has to wait is in [work.again].
func (w *work) round(ctx context.Context, turns []turn) ([]turn, error) {
	now := w.Now()
	until := now.Add(w.lease())
	sendBy := until.Add(-leaseMargin)
	if w.deadline.Before(sendBy) {
		sendBy = w.deadline
	}
	if sendBy.Sub(now) < leastTime {
		w.pause(now)
		w.paused()
		return nil, nil
	}
	first, retries := w.ripe(turns, now)
	ready, err := w.reserve(ctx, append(first, retries...), now)
	w.spend(len(first), len(retries), len(ready))
	if err != nil || len(ready) == 0 {
		return nil, err
	}
	claimed, anew, err := w.claim(ctx, ready, now, until)
	if err != nil || len(claimed) == 0 {
		return anew, err
	}
	kept, back, err := w.check(ctx, claimed)
	if err != nil {
		return nil, errors.Join(err, w.release(ctx, claimed))
	}
	anew = append(anew, back...)
	sent, err := w.send(ctx, kept, sendBy)
	return append(anew, sent...), err
}

// ripe leaves those who may be claimed now: nobody else holds them, nothing
// asks them to wait, and the budget has room for their retry.
func (w *work) ripe(turns []turn, now time.Time) (first, retries []turn) {
	for _, t := range turns {
		d := Decide(t.item, w.ask(t, now, now))
		switch held := w.matter.held(t.item, now); {
		case d.Verdict == Busy || d.Verdict == Later:
			w.later(d.Wait)
		case !held.IsZero():
			w.later(held)
		case d.Item.Attempts > 0:
			retries = append(retries, t)
		default:
			first = append(first, t)
		}
	}
	if w.Budget != nil && len(retries) > 0 {
		n := w.Budget.Take(w.chunk.Channel, len(retries), now)
		if n < len(retries) {
			w.later(now.Add(budgetWait))
		}
		retries = retries[:n]
	}
	return first, retries
}

// spend settles with the budget: of those who asked for slots so many, first
// attempts before retries, had one.
func (w *work) spend(first, retries, had int) {
	first = min(first, had)
	made := had - first
	if w.Budget != nil {
		w.Budget.Earn(w.chunk.Channel, first)
		w.Budget.Return(w.chunk.Channel, retries-made)
	}
	w.count(TickRetry, made)
}

// reserve takes a slot of the channel's rate for each, or for one that probes a
// channel whose breaker is open. Without a slot everyone goes back unclaimed.
func (w *work) reserve(ctx context.Context, turns []turn, now time.Time) ([]turn, error) {
	if len(turns) == 0 {
		return nil, nil
	}
	wait, err := w.rates.Reserve(ctx, w.chunk.Channel, len(turns), now)
	if errors.Is(err, ErrClosed) && wait <= 0 {
		w.pause(now.Add(soon))
		w.paused()
		turns = turns[:1]
		wait, err = w.rates.Reserve(ctx, w.chunk.Channel, 1, now)
	}
	switch {
	case errors.Is(err, ErrClosed) || err == nil && wait > 0:
		w.pause(now.Add(max(wait, soon)))
		w.paused()
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("reserve: %w", err)
	}
	return turns, nil
}

func (w *work) ask(t turn, now, until time.Time) Ask {
	return Ask{
		Key: t.key, Seq: t.pick.Seq, Text: t.pick.Text, Lease: t.lease, Now: now, Until: until, Keyed: w.sender.Keyed(),
	}
}

// claim asks for everyone at once. It answers those granted, and those whose
// item had changed, to be decided anew.
func (w *work) claim(ctx context.Context, turns []turn, now, until time.Time) (claimed, anew []turn, err error) {
	asks := make([]Ask, len(turns))
	for n := range turns {
		turns[n].lease = w.NewID()
		asks[n] = w.ask(turns[n], now, until)
	}
	ds, err := w.Ledger.Claim(ctx, asks)
	if err != nil {
		return nil, nil, fmt.Errorf("claim: %w", err)
	}
	repeats := 0
	for n, d := range ds {
		t := turns[n]
		t.item = d.Item
		switch d.Verdict {
		case Granted:
			claimed = append(claimed, t)
			if d.Repeat {
				repeats++
			}
		case Busy, Later:
			w.later(d.Wait)
		case Older, Final:
			anew = append(anew, t)
		}
	}
	w.count(TickRepeat, repeats)
	return claimed, anew, nil
}
