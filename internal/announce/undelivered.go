package announce

import (
	"context"
	"errors"
	"fmt"

	"shirase/internal/deliver"
	"shirase/internal/incident"
	"shirase/internal/message"
)

// Undelivered tells the on-call member that deliveries of an incident on a
// channel were given up, or wait for our credential: once for each incident,
// channel and reason, however many chunks report it.
func (s *Service) Undelivered(ctx context.Context, id incident.ID, ch incident.Channel, r deliver.Reason, n int) error {
	pl, err := s.Plans.Current(ctx)
	if err != nil {
		return fmt.Errorf("read plan: %w", err)
	}
	m, ok := onCall(pl, 0)
	if !ok {
		return nil
	}
	in := message.MemoInput{Channel: ch, Count: n, Reason: string(r)}
	inc, err := s.Incidents.Incident(ctx, id)
	switch {
	case err == nil:
		snap := inc.Snapshot()
		in.Incident = &snap
	case !errors.Is(err, incident.ErrNotFound):
		return fmt.Errorf("read incident: %w", err)
	}
	c := call{kind: message.MemoUndelivered, about: fmt.Sprintf("%s/%s/%s", id, ch, r), input: in, voidAfter: -1}
	ms, err := s.memos(pl, m, c, s.Now())
	if err != nil {
		return err
	}
	return racing(ctx, func() error { return s.commit(ctx, Change{Memos: ms}) })
}
