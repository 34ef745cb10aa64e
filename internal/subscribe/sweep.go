package subscribe

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"shirase/internal/deliver"
	"shirase/internal/incident"
)

// sweepPage is how much work is read at once.
const sweepPage = 100

// Sweep does all work that is due and that nobody has done: it publishes what a
// crash kept from being published, and forgets sign-ups that were not
// confirmed. What fails is left for the next sweep; the rest goes on.
func (s *Service) Sweep(ctx context.Context, now time.Time) error {
	for {
		works, err := s.agenda.Due(ctx, now, sweepPage)
		if err != nil {
			return fmt.Errorf("read what is due: %w", err)
		}
		var faults []error
		for _, w := range works {
			if err := s.do(ctx, w, now); err != nil {
				faults = append(faults, fmt.Errorf("%s: %w", w.ID, err))
			}
		}
		if len(faults) > 0 || len(works) < sweepPage {
			return errors.Join(faults...)
		}
	}
}

// attempt does work at once. If it cannot be done now, the sweep will.
func (s *Service) attempt(ctx context.Context, w Work, now time.Time) {
	if err := s.do(ctx, w, now); err != nil {
		s.log.WarnContext(ctx, "left to the sweep", slog.String("work", string(w.Kind)), slog.Any("error", err))
	}
}

func (s *Service) do(ctx context.Context, w Work, now time.Time) error {
	var err error
	switch w.Kind {
	case WorkMemo:
		err = s.publish(ctx, deliver.Pointer{Incident: deliver.NoIncident, Slot: slot(w.Ask), Channel: w.Key.Channel})
	case WorkWelcome:
		err = s.welcome(ctx, w.Key)
	case WorkLapse:
		err = s.lapse(ctx, w, now)
	}
	if err != nil {
		return err
	}
	if err := s.agenda.Done(ctx, w); err != nil {
		return fmt.Errorf("remove work: %w", err)
	}
	return nil
}

func (s *Service) publish(ctx context.Context, p deliver.Pointer) error {
	if err := s.publisher.Publish(ctx, p); err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	return nil
}

// welcome points the fan-out at a subscriber for every incident that goes on,
// has been announced and passes their filter. The subscription is committed
// before the incidents are read, and an update is committed before its fan-out
// reads subscribers; so one of the two always finds the other.
func (s *Service) welcome(ctx context.Context, k Key) error {
	r, err := s.load(ctx, k)
	if err != nil {
		return err
	}
	if r.Subscriber.State != incident.Active {
		return nil
	}
	live, err := s.incidents.Live(ctx)
	if err != nil {
		return fmt.Errorf("read what goes on: %w", err)
	}
	for _, i := range live {
		if i.Seq() == 0 || i.ID().Drill() || !r.Subscriber.Hears(i.Snapshot().Named) {
			continue
		}
		p := deliver.Pointer{Incident: i.ID(), Seq: i.Seq(), Channel: k.Channel, Late: k.ID}
		if err := s.publish(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

// lapse forgets a sign-up that was not confirmed: a stranger's wholly, down to
// the hash if they had subscribed once, and only the wish if they still do.
func (s *Service) lapse(ctx context.Context, w Work, now time.Time) error {
	return s.change(ctx, w.Key, func(r Record) (*Change, error) {
		if r.Ask == nil || r.Ask.ID != w.Ask || now.Before(r.Ask.Until) {
			return nil, nil
		}
		switch {
		case r.Subscriber.State != incident.Pending:
			r.Ask = nil
		case r.Subscriber.Epoch == 0:
			return &Change{Record: r, Delete: true}, nil
		default:
			r.erase(incident.Unsubscribed)
		}
		return &Change{Record: r}, nil
	})
}
