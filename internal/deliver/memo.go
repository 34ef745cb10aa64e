package deliver

import (
	"context"
	"errors"
	"fmt"
	"time"

	"shirase/internal/incident"
)

// memoWork is a memo as a matter: the same rule, under a slot of its own.
type memoWork struct {
	work *work
	memo Memo
	// seq and ended are the incident's, as read last.
	seq   int
	ended bool
}

// memo reads the memo of a chunk; nil where it is kept no longer.
func (s *Send) memo(ctx context.Context, c Chunk) (*memoWork, error) {
	m, err := s.Messages.Memo(ctx, c.Incident, c.Slot)
	if errors.Is(err, incident.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read memo: %w", err)
	}
	return &memoWork{memo: m}, nil
}

func (m *memoWork) read(ctx context.Context) error {
	if m.memo.Incident == NoIncident || m.memo.VoidAfter < 0 {
		return nil
	}
	inc, err := m.work.Incidents.Incident(ctx, m.memo.Incident)
	if err != nil {
		return fmt.Errorf("read incident: %w", err)
	}
	m.seq, m.ended = inc.Seq(), !inc.Live()
	return nil
}

// next tells the memo once. A void one is claimed too, so that the ledger says
// what became of it.
func (m *memoWork) next(it Item, claimed bool) (Pick, bool) {
	if it.over(1) || it.State == Done || claimed && m.void() != "" {
		return Pick{}, false
	}
	return Pick{Seq: 1, Text: 1}, true
}

// void answers why the memo is no longer worth sending; empty while it is.
func (m *memoWork) void() Reason {
	late := !m.memo.Until.IsZero() && !m.work.Now().Before(m.memo.Until)
	if late || m.memo.VoidAfter >= 0 && (m.ended || m.seq > m.memo.VoidAfter) {
		return TooLate
	}
	return ""
}

func (m *memoWork) dropped(Pick, Item) (r Result, reason Reason, winner int, follows bool) {
	return Superseded, m.void(), 0, false
}

func (m *memoWork) held(Item, time.Time) time.Time { return time.Time{} }

// welcome lets a confirmation reach those who have not confirmed yet.
func (m *memoWork) welcome(st incident.SubscriberState) bool {
	return st == incident.Active || st == incident.Pending && m.memo.Kind == KindConfirmation
}

func (m *memoWork) envelope(_ context.Context, t turn, r reader) (Envelope, error) {
	e := m.work.address(t, r)
	e.Kind, e.Audience, e.Locale, e.At = m.memo.Kind, m.memo.Audience, m.memo.Locale, m.memo.At
	e.Content = m.work.resolve(&e, m.memo.Content, r)
	return e, nil
}
