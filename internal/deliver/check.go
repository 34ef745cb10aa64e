package deliver

import (
	"context"
	"errors"
	"fmt"

	"shirase/internal/incident"
)

// check reads everything again now that the claims are written, and leaves
// those to send to. Whatever is accepted after this read finds the claims and
// follows them. The others are settled, and answered where another text is to
// follow.
func (w *work) check(ctx context.Context, claimed []turn) (kept []letter, back []turn, err error) {
	if err := w.read(ctx); err != nil {
		return nil, nil, err
	}
	ids := make([]incident.RecipientID, len(claimed))
	for n, t := range claimed {
		ids[n] = t.key.Recipient
	}
	people, err := w.people(ctx, ids)
	if err != nil {
		return nil, nil, err
	}
	var ends []ended
	for _, t := range claimed {
		l, end, err := w.judge(ctx, t, people)
		switch {
		case err != nil:
			return nil, nil, err
		case end != nil:
			ends = append(ends, ended{t, *end})
		default:
			kept = append(kept, l)
		}
	}
	back, err = w.settle(ctx, ends)
	return kept, back, err
}

// judge decides about one claim: a letter to send, or how the claim ends.
func (w *work) judge(ctx context.Context, t turn, p people) (letter, *Settlement, error) {
	pick, ok := w.matter.next(t.unclaimed(), true)
	if !ok || pick.Seq != t.pick.Seq || pick.Text != t.pick.Text {
		r, reason, winner, follows := w.matter.dropped(t.pick, t.unclaimed())
		return letter{}, &Settlement{Result: r, Reason: reason, Winner: winner, Done: !follows}, nil
	}
	t.pick = pick
	if t.item.Attempts >= maxWaits { // it kills its sender each time
		w.undelivered[Exhausted]++
		return letter{}, &Settlement{Result: Failed, Reason: Exhausted, Done: true}, nil
	}
	if p.denied(t.key.Recipient) {
		return letter{}, &Settlement{Result: Refused, Reason: Forbidden, Done: true}, nil
	}
	readers := p.readers(t.key.Recipient, w.matter.welcome)
	if len(readers) == 0 {
		return letter{}, &Settlement{Result: Unsubscribed, Reason: Gone, Done: true}, nil
	}
	for _, r := range readers {
		e, err := w.matter.envelope(ctx, t, r)
		if err == nil {
			return letter{t, e}, nil, nil
		}
		if !errors.Is(err, incident.ErrNotFound) {
			return letter{}, nil, fmt.Errorf("write update %d: %w", t.pick.Text, err)
		}
	}
	w.undelivered[Rejected]++ // somebody is there, but there are no words for them
	return letter{}, &Settlement{Result: Failed, Reason: Rejected, Done: true}, nil
}
