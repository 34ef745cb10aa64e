package deliver

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"shirase/internal/incident"
	"shirase/internal/plan"
)

// pageSize is how many recipients one step of a fan-out reads and queues.
const pageSize = 500

// FanOut turns a pointer into chunks: people, not texts. It reads who is to be
// told in pages and keeps a cursor after each, so that its memory is flat and a
// crash repeats one page at most. Whoever is queued twice is sent to once, since
// the ledger decides.
type FanOut struct {
	Incidents Incidents
	Messages  Messages
	Plans     Plans
	Book      Book
	Ledger    Ledger
	Listing   Listing
	Jobs      Jobs
	Queue     Queue
	// Hash names a recipient; it normalises the address first.
	Hash func(incident.Channel, incident.Address) incident.RecipientID
	// Families tells the family of every channel there is.
	Families map[incident.Channel]incident.Family
	Now      func() time.Time
	// Page is how many recipients one step takes; 0 means 500.
	Page int
}

// Pointer queues the chunks that a pointer asks for. It works in steps until
// the deadline; more says that its cursor is saved and work is left. It may be
// called twice for the same pointer.
func (f *FanOut) Pointer(ctx context.Context, p Pointer, deadline time.Time) (more bool, err error) {
	switch {
	case p.Slot != "":
		err = f.memo(ctx, p)
	case p.Late != "":
		err = f.late(ctx, p)
	default:
		more, err = f.update(ctx, p, deadline)
	}
	if err != nil {
		return false, fmt.Errorf("fan out %s/%d: %w", p.Incident, p.Seq, err)
	}
	return more, nil
}

// update fans an update out, channel by channel.
func (f *FanOut) update(ctx context.Context, p Pointer, deadline time.Time) (more bool, err error) {
	u, err := f.Incidents.Update(ctx, p.Incident, p.Seq)
	if err != nil {
		return false, err
	}
	inc, err := f.Incidents.Incident(ctx, p.Incident)
	if err != nil {
		return false, err
	}
	pl, err := f.Plans.Current(ctx)
	if err != nil {
		return false, err
	}
	for _, c := range slices.Sorted(maps.Keys(f.Families)) {
		ch := channelWork{FanOut: f, update: u, channel: c, named: inc.Snapshot().Named, absorbed: inc.Snapshot().Absorbed, plan: pl}
		ch.sources, ch.routed = sources(u, c)
		if len(ch.sources) == 0 {
			continue
		}
		more, err = ch.run(ctx, deadline)
		if err != nil || more {
			return more, err
		}
	}
	return false, nil
}

// channelWork is the fan-out of one update on one channel.
type channelWork struct {
	*FanOut
	update  incident.Update
	channel incident.Channel
	// routed are the audiences that the update's routes name on the channel.
	routed  []incident.Audience
	sources []int
	named   []incident.ComponentID
	// absorbed are the incidents that were merged into this one.
	absorbed []incident.ID
	plan     *plan.Plan
}

// run takes the channel's steps from the saved cursor on. It takes one step
// whatever the time, so that it always comes further.
func (w *channelWork) run(ctx context.Context, deadline time.Time) (more bool, err error) {
	cur, err := w.Jobs.Job(ctx, w.update.Incident, w.update.Seq, w.channel)
	if err != nil {
		return false, fmt.Errorf("read job on %s: %w", w.channel, err)
	}
	for !cur.Done {
		cur, err = w.step(ctx, cur)
		if err != nil {
			return false, err
		}
		if err := w.Jobs.SaveJob(ctx, w.update.Incident, w.update.Seq, w.channel, cur); err != nil {
			return false, fmt.Errorf("save job on %s: %w", w.channel, err)
		}
		if !w.Now().Before(deadline) {
			return true, nil
		}
	}
	return false, nil
}

// step queues one page and answers where the next one begins.
func (w *channelWork) step(ctx context.Context, cur Cursor) (Cursor, error) {
	if !slices.Contains(w.sources, cur.Source) {
		return w.after(cur), nil
	}
	var (
		found []found
		next  Cursor
		err   error
	)
	switch cur.Source {
	case fromPlan:
		found, next = w.contacts(), w.after(cur)
	case fromBook:
		found, next, err = w.subscribers(ctx, cur)
	default:
		found, next, err = w.told(ctx, cur)
	}
	if err != nil {
		return Cursor{}, err
	}
	base := Chunk{Incident: w.update.Incident, Channel: w.channel, FromSeq: w.update.Seq}
	if chunks := pack(base, w.Families[w.channel], found); len(chunks) > 0 {
		if err := w.Queue.Send(ctx, chunks); err != nil {
			return Cursor{}, fmt.Errorf("queue %d chunks on %s: %w", len(chunks), w.channel, err)
		}
	}
	return next, nil
}

// after answers the beginning of the next source, or the end.
func (w *channelWork) after(cur Cursor) Cursor {
	for _, s := range w.sources {
		if s > cur.Source {
			return Cursor{Source: s}
		}
	}
	return Cursor{Source: cur.Source, Done: true}
}
