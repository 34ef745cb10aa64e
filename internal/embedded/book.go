package embedded

import (
	"context"
	"fmt"
	"time"

	"shirase/internal/incident"
	"shirase/internal/record"
	"shirase/internal/subscribe"
)

// Book keeps subscriptions, consent, suppressions and the counts of sign-ups.
// It implements deliver.Book and the store ports of subscribe. On the same
// store as a [Store], it shows that one the memos of sign-ups.
type Book struct {
	kv     KV
	shards int
}

// NewBook makes a book whose audiences have a number of shards each, which must
// stay the same for as long as the data is kept.
func NewBook(kv KV, shards int) (*Book, error) {
	if shards < 1 || shards > 64 {
		return nil, incident.Invalid("shards", "must be from 1 to 64")
	}
	return &Book{kv: kv, shards: shards}, nil
}

// Shards implements deliver.Book.
func (b *Book) Shards() int { return b.shards }

// Page implements deliver.Book.
func (b *Book) Page(ctx context.Context, a incident.Audience, c incident.Channel, shard int, cursor string, limit int) (ss []incident.Subscriber, next string, err error) {
	err = view(ctx, b.kv, func(tx Tx) error {
		rs, more, err := page(tx, tableSubscribers, keyShardOn(a, shard, c), cursor, limit,
			func(_ string, s record.Subscription) bool { return s.State == incident.Active })
		for _, r := range rs {
			ss = append(ss, r.Subscriber())
		}
		next = more
		return err
	})
	return ss, next, err
}

// Find implements deliver.Book.
func (b *Book) Find(ctx context.Context, c incident.Channel, ids []incident.RecipientID) (map[incident.RecipientID][]incident.Subscriber, error) {
	found := map[incident.RecipientID][]incident.Subscriber{}
	err := view(ctx, b.kv, func(tx Tx) error {
		for _, id := range ids {
			ss, err := b.find(tx, c, id)
			if err != nil {
				return err
			}
			if len(ss) > 0 {
				found[id] = ss
			}
		}
		return nil
	})
	return found, err
}

// find answers the subscriptions of one recipient, by audience.
func (b *Book) find(tx Tx, c incident.Channel, id incident.RecipientID) ([]incident.Subscriber, error) {
	as, _, err := page[incident.Audience](tx, tableSubscribers, keyTwins(c, id), "", 0, nil)
	if err != nil {
		return nil, err
	}
	suppressed := tx.Get(tableSubscribers, keySuppression(c, id)) != nil
	ss := make([]incident.Subscriber, 0, len(as))
	for _, a := range as {
		r, _, err := get[record.Subscription](tx, tableSubscribers, keySubscriber(subscribe.Key{Audience: a, Channel: c, ID: id}, b.shards))
		if err != nil {
			return nil, err
		}
		s := r.Subscriber()
		if suppressed {
			s.State = incident.Suppressed
		}
		ss = append(ss, s)
	}
	return ss, nil
}

// Load implements subscribe.Store.
func (b *Book) Load(ctx context.Context, k subscribe.Key) (subscribe.Record, error) {
	s, err := one[record.Subscription](ctx, b.kv, tableSubscribers, keySubscriber(k, b.shards), "subscription")
	if err != nil {
		return subscribe.Record{}, err
	}
	return s.Record(), nil
}

// Commit implements subscribe.Store.
func (b *Book) Commit(ctx context.Context, c subscribe.Change) error {
	return update(ctx, b.kv, func(tx Tx) error {
		if err := b.record(tx, c); err != nil {
			return err
		}
		for _, e := range c.Consent {
			if err := putConsent(tx, e); err != nil {
				return err
			}
		}
		for _, w := range c.Work {
			if err := putWork(tx, w); err != nil {
				return err
			}
		}
		if c.Memo == nil {
			return nil
		}
		return putMemo(tx, *c.Memo)
	})
}

// record writes or deletes the record of a change and its twin.
func (b *Book) record(tx Tx, c subscribe.Change) error {
	k := c.Record.Key()
	was, _, err := get[record.Subscription](tx, tableSubscribers, keySubscriber(k, b.shards))
	if err != nil {
		return err
	}
	if was.Version != c.Record.Version {
		return conflict("subscription is at version %d, not %d", was.Version, c.Record.Version)
	}
	if c.Delete {
		if err := tx.Delete(tableSubscribers, keySubscriber(k, b.shards)); err != nil {
			return err
		}
		return tx.Delete(tableSubscribers, keyTwin(k))
	}
	s := record.NewSubscription(c.Record)
	s.Version++
	if err := put(tx, tableSubscribers, keySubscriber(k, b.shards), s); err != nil {
		return err
	}
	return put(tx, tableSubscribers, keyTwin(k), k.Audience)
}

// putConsent adds an entry after those of the same moment.
func putConsent(tx Tx, c subscribe.Consent) error {
	n := 0
	for tx.Get(tableSubscribers, keyConsent(c, n)) != nil {
		n++
	}
	return put(tx, tableSubscribers, keyConsent(c, n), record.NewConsent(c))
}

func putWork(tx Tx, w subscribe.Work) error {
	if tx.Get(tableSubscribers, keyWork(w.ID)) != nil {
		return nil
	}
	if err := put(tx, tableSubscribers, keyWork(w.ID), record.NewWork(w)); err != nil {
		return err
	}
	return put(tx, tableWork, keyWorkBook(w.Due, w.ID), w.ID)
}

// Due implements subscribe.Agenda.
func (b *Book) Due(ctx context.Context, now time.Time, limit int) (ws []subscribe.Work, err error) {
	err = view(ctx, b.kv, func(tx Tx) error {
		ids, err := until[string](tx, workBook, now.Add(1), limit)
		if err != nil {
			return err
		}
		for _, id := range ids {
			w, _, err := get[record.Work](tx, tableSubscribers, keyWork(id))
			if err != nil {
				return err
			}
			ws = append(ws, w.Work())
		}
		return nil
	})
	return ws, err
}

// Done implements subscribe.Agenda.
func (b *Book) Done(ctx context.Context, w subscribe.Work) error {
	return update(ctx, b.kv, func(tx Tx) error {
		was, ok, err := get[record.Work](tx, tableSubscribers, keyWork(w.ID))
		if err != nil || !ok {
			return err
		}
		if err := tx.Delete(tableWork, keyWorkBook(was.Due, w.ID)); err != nil {
			return err
		}
		return tx.Delete(tableSubscribers, keyWork(w.ID))
	})
}

// NextDue answers when the earliest item of work falls due, and whether there is any.
func (b *Book) NextDue(ctx context.Context) (at time.Time, ok bool, err error) {
	return first(ctx, b.kv, workBook)
}

// Suppressed implements subscribe.Suppressions.
func (b *Book) Suppressed(ctx context.Context, c incident.Channel, id incident.RecipientID) (yes bool, err error) {
	err = view(ctx, b.kv, func(tx Tx) error {
		yes = tx.Get(tableSubscribers, keySuppression(c, id)) != nil
		return nil
	})
	return yes, err
}

// Suppress implements subscribe.Suppressions.
func (b *Book) Suppress(ctx context.Context, s subscribe.Suppression) error {
	return update(ctx, b.kv, func(tx Tx) error {
		key := keySuppression(s.Channel, s.ID)
		if tx.Get(tableSubscribers, key) != nil {
			return nil
		}
		return put(tx, tableSubscribers, key, record.NewSuppression(s))
	})
}

// count is how often a key was used since a time.
type count struct {
	Since time.Time     `json:"since"`
	Per   time.Duration `json:"per"`
	N     int           `json:"n"`
}

func (c count) end() time.Time { return c.Since.Add(c.Per) }

// Take implements subscribe.Limits. A span begins with the first use.
func (b *Book) Take(ctx context.Context, key string, limit subscribe.Cap, now time.Time) (wait time.Duration, err error) {
	if limit.N < 1 || limit.Per <= 0 {
		return 0, fmt.Errorf("take %s: %w", key, incident.Invalid("cap", "must allow something"))
	}
	err = update(ctx, b.kv, func(tx Tx) error {
		wait = 0
		c, ok, err := get[count](tx, tableSubscribers, keyLimit(key))
		if err != nil {
			return err
		}
		switch {
		case ok && now.Before(c.end()) && c.N >= limit.N:
			wait = c.end().Sub(now)
			return nil
		case ok && now.Before(c.end()):
			c.N++
			return put(tx, tableSubscribers, keyLimit(key), c)
		case ok:
			if err := keep(tx, c.end(), tableSubscribers, keyLimit(key)); err != nil {
				return err
			}
		}
		c = count{Since: now, Per: limit.Per, N: 1}
		if err := put(tx, tableSubscribers, keyLimit(key), c); err != nil {
			return err
		}
		return expire(tx, c.end(), tableSubscribers, keyLimit(key))
	})
	return wait, err
}
