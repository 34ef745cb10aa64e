package deliver

import (
	"context"
	"fmt"
	"slices"

	"shirase/internal/incident"
)

// memo queues the one chunk of a memo.
func (f *FanOut) memo(ctx context.Context, p Pointer) error {
	m, err := f.Messages.Memo(ctx, p.Incident, p.Slot)
	if err != nil {
		return fmt.Errorf("read memo: %w", err)
	}
	return f.single(ctx, Chunk{Incident: p.Incident, Channel: m.Channel, Slot: p.Slot}, m.Recipient)
}

// late queues the current state for somebody who confirmed while the incident
// was on, where the audience has been told of it on that channel.
func (f *FanOut) late(ctx context.Context, p Pointer) error {
	inc, err := f.Incidents.Incident(ctx, p.Incident)
	if err != nil {
		return err
	}
	if !inc.Live() || inc.Seq() == 0 || p.Incident.Drill() {
		return nil
	}
	subs, err := f.Book.Find(ctx, p.Channel, []incident.RecipientID{p.Late})
	if err != nil {
		return fmt.Errorf("find subscriber: %w", err)
	}
	s := inc.Snapshot()
	hearing := slices.DeleteFunc(slices.Clone(subs[p.Late]), func(sub incident.Subscriber) bool {
		return sub.State != incident.Active || !sub.Hears(s.Named)
	})
	announced, err := f.announced(ctx, s, p.Channel, hearing)
	if err != nil || !announced {
		return err
	}
	return f.single(ctx, Chunk{Incident: p.Incident, Channel: p.Channel, FromSeq: s.Seq}, p.Late)
}

// announced reports whether any update was routed to one of the subscriptions.
// The cadence may leave out single updates; an internal incident never reaches
// customers, late or not.
func (f *FanOut) announced(ctx context.Context, s incident.Snapshot, c incident.Channel, subs []incident.Subscriber) (bool, error) {
	for seq := 1; seq <= s.Seq && len(subs) > 0; seq++ {
		u, err := f.Incidents.Update(ctx, s.ID, seq)
		if err != nil {
			return false, fmt.Errorf("read update %d: %w", seq, err)
		}
		if slices.ContainsFunc(subs, func(sub incident.Subscriber) bool {
			return slices.Contains(u.Routes, incident.Route{Audience: sub.Audience, Channel: c})
		}) {
			return true, nil
		}
	}
	return false, nil
}

// single queues a chunk for one recipient.
func (f *FanOut) single(ctx context.Context, base Chunk, id incident.RecipientID) error {
	pl, err := f.Plans.Current(ctx)
	if err != nil {
		return fmt.Errorf("read plan: %w", err)
	}
	subs, err := f.Book.Find(ctx, base.Channel, []incident.RecipientID{id})
	if err != nil {
		return fmt.Errorf("find subscriber: %w", err)
	}
	w := channelWork{FanOut: f, channel: base.Channel, plan: pl}
	chunks := pack(base, f.Families[base.Channel], []found{{id, w.groups(subs)(id)}})
	if err := f.Queue.Send(ctx, chunks); err != nil {
		return fmt.Errorf("queue a chunk on %s: %w", base.Channel, err)
	}
	return nil
}
