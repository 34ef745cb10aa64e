package announce

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"shirase/internal/deliver"
	"shirase/internal/incident"
)

// publishWithin is how long a commit waits for the bus before it leaves the
// pointer to the sweep.
const publishWithin = time.Second

// commit makes the change and then publishes what it put in the outbox. Once
// the store has said yes the change is made: a bus that fails costs time only,
// since the sweep publishes whatever outbox item is left.
func (s *Service) commit(ctx context.Context, c Change) error {
	c.tidy()
	if c.lapsed(s.Now()) {
		return &racedError{fmt.Errorf("commit: the promised time has passed: %w", incident.ErrConflict)}
	}
	if err := s.Store.Commit(ctx, c); err != nil {
		if errors.Is(err, incident.ErrConflict) {
			return &racedError{fmt.Errorf("commit: %w", err)}
		}
		return fmt.Errorf("commit: %w", err)
	}
	for _, p := range c.pointers() {
		if err := s.publish(ctx, p); err != nil {
			s.Log.Warn("left to the sweep", "incident", p.Incident, "update", p.Seq, "error", err)
			break
		}
	}
	return nil
}

// lapsed reports whether an update promises a time that is over: whoever made it
// was held up for so long that its texts are not true any more.
func (c Change) lapsed(now time.Time) bool {
	return slices.ContainsFunc(c.Updates, func(u incident.Update) bool { return !u.Final() && !u.Next.After(now) })
}

// publish sends one pointer and deletes its outbox item. A crash between the
// two publishes it again, which changes nothing for anybody.
func (s *Service) publish(ctx context.Context, p deliver.Pointer) error {
	if err := s.Bus.Publish(ctx, p, s.Now().Add(publishWithin)); err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	if err := s.Agenda.Published(ctx, p); err != nil {
		return fmt.Errorf("delete outbox item: %w", err)
	}
	return nil
}

// tidy leaves one operation for each due item, since a store may refuse two on
// the same one: what is put again or dropped need not be cancelled.
func (c *Change) tidy() {
	seen := map[DueID]bool{}
	for _, d := range c.Due {
		seen[d.ID] = true
	}
	for _, id := range c.Drop {
		seen[id] = true
	}
	c.Cancel = slices.DeleteFunc(slices.Clone(c.Cancel), func(id DueID) bool {
		again := seen[id]
		seen[id] = true
		return again
	})
}

// pointers answers everything that the change puts in the outbox.
func (c Change) pointers() []deliver.Pointer {
	out := append([]deliver.Pointer(nil), c.Outbox...)
	for _, m := range c.Memos {
		out = append(out, deliver.Pointer{Incident: m.Incident, Slot: m.Slot})
	}
	return out
}

// change begins a change of an incident that was read at its present version.
func change(before, after incident.Incident) Change {
	return Change{Incidents: []Versioned{{Incident: after, Base: before.Version()}}}
}

// slots adds what an incident's end or reopening does to the alarm groups it
// collects: an end frees them, a reopening takes them again if nobody has.
func (s *Service) slots(ctx context.Context, c *Change, before, after incident.Incident) error {
	if before.Live() == after.Live() {
		return nil
	}
	for _, g := range after.Snapshot().Groups {
		holder, err := s.Watch.Group(ctx, g)
		if err != nil {
			return fmt.Errorf("read group: %w", err)
		}
		switch {
		case !after.Live() && holder == after.ID():
			c.Groups = append(c.Groups, GroupSlot{Group: g, Was: holder})
		case after.Live() && holder == "":
			c.Groups = append(c.Groups, GroupSlot{Group: g, Set: after.ID()})
		}
	}
	return nil
}
