package subscribe_test

import (
	"context"
	"errors"
	"time"

	"shirase/internal/embedded"
	"shirase/internal/incident"
	"shirase/internal/subscribe"
	"shirase/internal/subscribe/subscribetest"
)

// shelf is where the state machine's subscriptions are: the world's own store,
// or the engine's book. Somebody else may come between a read and its write.
type shelf struct {
	*subscribetest.World
	book *embedded.Book
	// rival runs right before the next write.
	rival func()
}

// on answers a configuration with every port that keeps something on the shelf.
func (s *shelf) on() subscribe.Config {
	c := s.Config()
	c.Store, c.Agenda, c.Suppressions, c.Limits = s, s, s, s
	return c
}

// Load implements subscribe.Store.
func (s *shelf) Load(ctx context.Context, k subscribe.Key) (subscribe.Record, error) {
	if s.book == nil {
		return s.World.Load(ctx, k)
	}
	return s.book.Load(ctx, k)
}

// Commit implements subscribe.Store.
func (s *shelf) Commit(ctx context.Context, c subscribe.Change) error {
	if do := s.rival; do != nil {
		s.rival = nil
		do()
	}
	if s.book == nil {
		return s.World.Commit(ctx, c)
	}
	if s.Conflicts > 0 {
		s.Conflicts--
		return incident.ErrConflict
	}
	if err := s.book.Commit(ctx, c); err != nil {
		return err
	}
	s.Consents = append(s.Consents, c.Consent...)
	if c.Memo != nil {
		s.Memos = append(s.Memos, *c.Memo)
	}
	return nil
}

// Due implements subscribe.Agenda.
func (s *shelf) Due(ctx context.Context, now time.Time, limit int) ([]subscribe.Work, error) {
	if s.book == nil {
		return s.World.Due(ctx, now, limit)
	}
	return s.book.Due(ctx, now, limit)
}

// Done implements subscribe.Agenda.
func (s *shelf) Done(ctx context.Context, w subscribe.Work) error {
	if s.book == nil {
		return s.World.Done(ctx, w)
	}
	return s.book.Done(ctx, w)
}

// Suppressed implements subscribe.Suppressions.
func (s *shelf) Suppressed(ctx context.Context, c incident.Channel, id incident.RecipientID) (bool, error) {
	if s.book == nil {
		return s.World.Suppressed(ctx, c, id)
	}
	return s.book.Suppressed(ctx, c, id)
}

// Suppress implements subscribe.Suppressions.
func (s *shelf) Suppress(ctx context.Context, x subscribe.Suppression) error {
	if s.book == nil {
		return s.World.Suppress(ctx, x)
	}
	return s.book.Suppress(ctx, x)
}

// Take implements subscribe.Limits.
func (s *shelf) Take(ctx context.Context, key string, c subscribe.Cap, now time.Time) (time.Duration, error) {
	if s.book == nil {
		return s.World.Take(ctx, key, c, now)
	}
	return s.book.Take(ctx, key, c, now)
}

// kept answers the record of a key; the zero Record if there is none.
func (s *shelf) kept(ctx context.Context, k subscribe.Key) (subscribe.Record, error) {
	r, err := s.Load(ctx, k)
	if errors.Is(err, incident.ErrNotFound) {
		return subscribe.Record{}, nil
	}
	return r, err
}

// told reports whether a sender would write to somebody.
func (s *shelf) told(ctx context.Context, k subscribe.Key) (bool, error) {
	if s.book == nil {
		r, err := s.kept(ctx, k)
		_, banned := s.Banned[string(k.Channel)+"#"+string(k.ID)]
		return err == nil && r.Subscriber.State == incident.Active && !banned, err
	}
	found, err := s.book.Find(ctx, k.Channel, []incident.RecipientID{k.ID})
	for _, sub := range found[k.ID] {
		if sub.State == incident.Active && sub.Address != "" {
			return true, err
		}
	}
	return false, err
}
