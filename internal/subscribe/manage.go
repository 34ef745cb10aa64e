package subscribe

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"shirase/internal/incident"
)

// Preferences answers the subscription behind a manage link, and changes
// nothing. The errors are [ErrLink] and [ErrLapsed].
func (s *Service) Preferences(ctx context.Context, tok string) (View, error) {
	k, epoch, err := s.links.read(PurposeManage, tok, s.now())
	if err != nil {
		return View{}, err
	}
	r, err := s.load(ctx, k)
	if err != nil {
		return View{}, err
	}
	if !r.manages(epoch) {
		return View{}, ErrLapsed
	}
	return s.managed(r), nil
}

// Change puts new preferences in place of the old. Whoever hears of more from
// now on is told of what goes on there. The errors are [ErrLink], [ErrLapsed]
// and every [Fault] at once.
func (s *Service) Change(ctx context.Context, tok string, w Prefs, from Origin) (View, error) {
	now := s.now()
	k, epoch, err := s.links.read(PurposeManage, tok, now)
	if err != nil {
		return View{}, err
	}
	p, err := s.plans.Current(ctx)
	if err != nil {
		return View{}, fmt.Errorf("read the plan: %w", err)
	}
	w, err = w.check(p)
	if err != nil {
		return View{}, err
	}
	id := s.newID()
	var kept Record
	var work []Work
	err = s.change(ctx, k, func(r Record) (*Change, error) {
		kept, work = r, nil
		if !r.manages(epoch) {
			return nil, ErrLapsed
		}
		old := prefsOf(r.Subscriber)
		if old.equal(w) {
			return nil, nil
		}
		w.apply(&r.Subscriber)
		if !slices.Equal(old.Components, w.Components) {
			work = []Work{{ID: "welcome/" + id, Kind: WorkWelcome, Key: k, Due: now}}
		}
		kept = r
		return &Change{
			Record: r, Consent: s.consent(k, EventChanged, r.Subscriber.Consent, from, "", now), Work: work,
		}, nil
	})
	if err != nil {
		return View{}, err
	}
	for _, w := range work {
		s.attempt(ctx, w, now)
	}
	return s.managed(kept), nil
}

func (s *Service) managed(r Record) View {
	v := view(r)
	v.Unsubscribe = s.links.unsubscribe(r.Key())
	return v
}

// manages reports whether a manage link of an epoch still speaks of this
// subscription.
func (r Record) manages(epoch string) bool {
	return r.Subscriber.State == incident.Active && strconv.Itoa(r.Subscriber.Epoch) == epoch
}

// Leaving answers the subscription behind an unsubscribe link, and changes
// nothing. Where nothing is left of it, its state is unsubscribed. The error is
// [ErrLink].
func (s *Service) Leaving(ctx context.Context, tok string) (View, error) {
	k, _, err := s.links.read(PurposeUnsubscribe, tok, s.now())
	if err != nil {
		return View{}, err
	}
	r, err := s.load(ctx, k)
	if err != nil {
		return View{}, err
	}
	if r.Version == 0 {
		r.Subscriber.State = incident.Unsubscribed
	}
	return view(r), nil
}

// Unsubscribe ends a subscription, and any sign-up that waits. However old the
// link and however often it is used, afterwards nothing more is sent: the
// address is erased, and its keyed hash remembers that it was. The error is
// [ErrLink].
func (s *Service) Unsubscribe(ctx context.Context, tok string, from Origin) error {
	now := s.now()
	k, _, err := s.links.read(PurposeUnsubscribe, tok, now)
	if err != nil {
		return err
	}
	return s.end(ctx, k, incident.Unsubscribed, EventUnsubscribed, from, "", now)
}

// Suppress keeps an address from ever being sent to, for every audience: it
// bounced, its owner complained or told the carrier to stop. Again is no error.
func (s *Service) Suppress(ctx context.Context, c incident.Channel, id incident.RecipientID, why SuppressReason) error {
	if !why.Valid() {
		return incident.Invalid("reason", "must be %s, %s or %s", Bounced, Complained, OptedOut)
	}
	now := s.now()
	// The suppression comes first: it alone stops everything. The records only
	// lose their addresses, and if that fails the receipt comes again.
	if err := s.suppressions.Suppress(ctx, Suppression{Channel: c, ID: id, Reason: why, At: now}); err != nil {
		return fmt.Errorf("suppress: %w", err)
	}
	p, err := s.plans.Current(ctx)
	if err != nil {
		return fmt.Errorf("read the plan: %w", err)
	}
	for _, a := range p.Audiences {
		k := Key{Audience: a.ID, Channel: c, ID: id}
		if err := s.end(ctx, k, incident.Suppressed, EventSuppressed, Origin{How: HowReceipt}, string(why), now); err != nil {
			return err
		}
	}
	return nil
}

// Gone ends every subscription of a recipient whose endpoint asks never to be
// called again. Unlike a suppression it can be undone, by signing up anew. Again
// is no error. It implements deliver.Farewells.
func (s *Service) Gone(ctx context.Context, c incident.Channel, id incident.RecipientID) error {
	p, err := s.plans.Current(ctx)
	if err != nil {
		return fmt.Errorf("read the plan: %w", err)
	}
	for _, a := range p.Audiences {
		k := Key{Audience: a.ID, Channel: c, ID: id}
		if err := s.end(ctx, k, incident.Unsubscribed, EventUnsubscribed, Origin{How: HowReceipt}, "gone", s.now()); err != nil {
			return err
		}
	}
	return nil
}

// end erases a record down to its hash and the state that remembers why. A
// suppressed one stays suppressed.
func (s *Service) end(ctx context.Context, k Key, to incident.SubscriberState, e Event, from Origin, basis string, now time.Time) error {
	return s.change(ctx, k, func(r Record) (*Change, error) {
		state := r.Subscriber.State
		if r.Version == 0 || state == to || state == incident.Suppressed {
			return nil, nil
		}
		text := r.Subscriber.Consent
		r.erase(to)
		// Whoever says no before they ever said yes has said it all the same: a
		// later sign-up that lapses must not wipe out that they did.
		r.Subscriber.Epoch = max(r.Subscriber.Epoch, 1)
		return &Change{Record: r, Consent: s.consent(k, e, text, from, basis, now)}, nil
	})
}

// erase leaves of a record what must be remembered: who it was, by hash, the
// state, and the epoch, so that old links stay dead.
func (r *Record) erase(to incident.SubscriberState) {
	s := r.Subscriber
	r.Subscriber = incident.Subscriber{ID: s.ID, Audience: s.Audience, Channel: s.Channel, State: to, Epoch: s.Epoch}
	r.Ask, r.Confirmed, r.Tries = nil, "", 0
}
