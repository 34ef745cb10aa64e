package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"shirase/internal/deliver"
	"shirase/internal/incident"
	"shirase/internal/subscribe"
)

// book stands before the subscribers, likewise. It implements deliver.Book and
// the store ports of subscribe.
type book struct{ r *rig }

func (b book) Shards() int { return b.r.w.book.Shards() }

func (b book) Page(ctx context.Context, a incident.Audience, c incident.Channel, shard int, cursor string, limit int) ([]incident.Subscriber, string, error) {
	return page(b.r, "list subscribers", func() ([]incident.Subscriber, string, error) {
		return b.r.w.book.Page(ctx, a, c, shard, cursor, limit)
	})
}

func (b book) Find(ctx context.Context, c incident.Channel, ids []incident.RecipientID) (map[incident.RecipientID][]incident.Subscriber, error) {
	return through(b.r, "find subscribers", func() (map[incident.RecipientID][]incident.Subscriber, error) {
		found, err := b.r.w.book.Find(ctx, c, ids)
		b.r.w.noteFound(c, ids)
		return found, err
	})
}

func (b book) Load(ctx context.Context, k subscribe.Key) (subscribe.Record, error) {
	return through(b.r, "read subscription", func() (subscribe.Record, error) { return b.r.w.book.Load(ctx, k) })
}

func (b book) Commit(ctx context.Context, c subscribe.Change) error {
	return done(b.r, "commit subscription", func() error { return b.r.w.commitSubscription(ctx, c) })
}

func (b book) Due(ctx context.Context, now time.Time, limit int) ([]subscribe.Work, error) {
	return through(b.r, "read work", func() ([]subscribe.Work, error) { return b.r.w.book.Due(ctx, now, limit) })
}

func (b book) Done(ctx context.Context, wk subscribe.Work) error {
	return done(b.r, "delete work", func() error { return b.r.w.book.Done(ctx, wk) })
}

func (b book) Suppressed(ctx context.Context, c incident.Channel, id incident.RecipientID) (bool, error) {
	return through(b.r, "read suppression", func() (bool, error) { return b.r.w.book.Suppressed(ctx, c, id) })
}

func (b book) Suppress(ctx context.Context, s subscribe.Suppression) error {
	return done(b.r, "suppress", func() error { return b.r.w.book.Suppress(ctx, s) })
}

func (b book) Take(ctx context.Context, key string, c subscribe.Cap, now time.Time) (time.Duration, error) {
	return through(b.r, "count", func() (time.Duration, error) { return b.r.w.book.Take(ctx, key, c, now) })
}

// topic is SNS and the queues that the use cases write to.
type topic struct{ r *rig }

// Publish implements announce.Bus.
func (t topic) Publish(_ context.Context, p deliver.Pointer, deadline time.Time) error {
	w := t.r.w
	if !w.clock().Before(deadline) {
		return fmt.Errorf("publish: %w", context.DeadlineExceeded)
	}
	return w.port(atPublish, "publish", func() error {
		w.put(w.queues["fanout"], encode(p))
		return nil
	})
}

// Send implements deliver.Queue.
func (t topic) Send(_ context.Context, chunks []deliver.Chunk) error {
	return done(t.r, "queue chunks", func() error {
		w := t.r.w
		for _, c := range chunks {
			w.noteChunk(c)
			w.put(w.queues[queueOf[w.rig.families[c.Channel]]], encode(c))
		}
		return nil
	})
}

// Postpone implements handler.Visibility.
func (t topic) Postpone(_ context.Context, receipt string, wait time.Duration) error {
	return done(t.r, "postpone", func() error { return t.r.w.postpone(receipt, wait) })
}

// Park implements handler.Parking.
func (t topic) Park(_ context.Context, queue string, body []byte, _ string) error {
	return done(t.r, "park", func() error { t.r.w.park(queue, body); return nil })
}

// bus is the topic for subscribe, which leaves the deadline to us.
type bus struct{ topic }

// Publish implements subscribe.Publisher.
func (b bus) Publish(ctx context.Context, p deliver.Pointer) error {
	return b.topic.Publish(ctx, p, b.r.w.clock().Add(time.Second))
}

// rates stands before the pace of the channels.
type rates struct {
	r     *rig
	spare bool
}

// Reserve implements deliver.Rates.
func (x rates) Reserve(ctx context.Context, c incident.Channel, n int, now time.Time) (time.Duration, error) {
	var wait time.Duration
	err := done(x.r, "reserve", func() (err error) {
		of := x.r.w.rates
		if x.spare {
			of = of.ForConfirmations()
		}
		wait, err = of.Reserve(ctx, c, n, now) // a closed channel answers both
		if err == nil && wait == 0 {
			x.r.w.admitted(c, n, now)
		}
		return err
	})
	return wait, err
}

// Report implements deliver.Rates.
func (x rates) Report(ctx context.Context, c incident.Channel, answered, unavailable int, now time.Time) error {
	return done(x.r, "report", func() error {
		err := x.r.w.rates.Report(ctx, c, answered, unavailable, now)
		if err == nil {
			x.r.w.reported(c, answered, unavailable, now)
		}
		return err
	})
}

// Set implements deliver.Switches.
func (x rates) Set(ctx context.Context, c incident.Channel, off bool) error {
	return done(x.r, "switch", func() error { return x.r.w.rates.Set(ctx, c, off) })
}

// Closed implements deliver.Switches.
func (x rates) Closed(ctx context.Context) ([]incident.Channel, error) {
	return through(x.r, "read switches", func() ([]incident.Channel, error) { return x.r.w.rates.Closed(ctx) })
}

// sender hands over to the provider of a channel in the world that runs.
type sender struct {
	r       *rig
	channel incident.Channel
}

// Send implements deliver.Sender.
func (s sender) Send(ctx context.Context, es []deliver.Envelope, deadline time.Time) []deliver.Outcome {
	return s.r.w.providers[s.channel].Send(ctx, es, deadline)
}

// Keyed implements deliver.Sender.
func (s sender) Keyed() bool { return s.r.w.providers[s.channel].keyed }

func encode(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}
