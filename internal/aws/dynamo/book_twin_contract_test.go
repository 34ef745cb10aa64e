//go:build contract

package dynamo_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"shirase/internal/embedded"
	"shirase/internal/incident"
	"shirase/internal/porttest"
	"shirase/internal/subscribe"
)

// bookStory makes up what happens to a few recipients.
type bookStory struct {
	*rand.Rand
	now time.Time
}

var (
	storyRecipients = []incident.RecipientID{"r1", "r2", "r3"}
	storyChannels   = []incident.Channel{incident.Email, incident.SMS}
	storyAudiences  = []incident.Audience{incident.Customers, incident.Staff}
)

func oneOf[T any](x *bookStory, vs ...T) T { return vs[x.IntN(len(vs))] }

func (x *bookStory) key() subscribe.Key {
	return subscribe.Key{Audience: oneOf(x, storyAudiences...), Channel: oneOf(x, storyChannels...), ID: oneOf(x, storyRecipients...)}
}

// change is of a record as it is, now and then of one that has moved on.
func (x *bookStory) change(step int, is subscribe.Record, k subscribe.Key) subscribe.Change {
	is.Subscriber = incident.Subscriber{
		ID: k.ID, Audience: k.Audience, Channel: k.Channel, Address: incident.Address(k.ID) + "@reader.example", Epoch: step,
		State: oneOf(x, incident.Pending, incident.Active, incident.Active, incident.Unsubscribed),
	}
	if x.IntN(6) == 0 {
		is.Version += oneOf(x, -1, 1)
	}
	c := subscribe.Change{Record: is, Delete: x.IntN(4) == 0}
	for n := range x.IntN(3) {
		c.Consent = append(c.Consent, subscribe.Consent{Key: k, At: x.now, Event: subscribe.EventChanged, Basis: fmt.Sprint(n)})
		c.Work = append(c.Work, subscribe.Work{
			ID: fmt.Sprint("w", x.IntN(8)), Kind: subscribe.WorkLapse, Key: k, Due: x.now.Add(time.Duration(x.IntN(5)) * time.Minute),
		})
	}
	return c
}

// step does the same to both and answers how it was, and whether they agree.
func (x *bookStory) step(ctx context.Context, n int, a, b porttest.BookStore) (what string, err error) {
	x.now = x.now.Add(time.Duration(1+x.IntN(4)) * 30 * time.Second)
	k := x.key()
	var errA, errB error
	switch x.IntN(9) {
	case 0:
		what = "Suppress"
		s := subscribe.Suppression{Channel: k.Channel, ID: k.ID, Reason: subscribe.Bounced, At: x.now}
		errA, errB = a.Suppress(ctx, s), b.Suppress(ctx, s)
	case 1:
		what = "Done"
		w := subscribe.Work{ID: fmt.Sprint("w", x.IntN(8))}
		errA, errB = a.Done(ctx, w), b.Done(ctx, w)
	case 2, 3:
		what = "Take"
		limit := subscribe.Cap{N: 1 + x.IntN(3), Per: 2 * time.Minute}
		waitA, err := a.Take(ctx, "k", limit, x.now)
		waitB, errOf := b.Take(ctx, "k", limit, x.now)
		if errA, errB = err, errOf; waitA != waitB {
			return what, fmt.Errorf("waits %s, and the twin %s", waitA, waitB)
		}
	default:
		is, err := b.Load(ctx, k)
		if err != nil && !errors.Is(err, incident.ErrNotFound) {
			return "Load", err
		}
		c := x.change(n, is, k)
		what = fmt.Sprintf("Commit of %+v", c)
		errA, errB = a.Commit(ctx, c), b.Commit(ctx, c)
	}
	if (errA == nil) != (errB == nil) || errB != nil && !errors.Is(errA, incident.ErrConflict) {
		return what, fmt.Errorf("%w, and the twin %w", errA, errB)
	}
	return what, nil
}

// bookSeen is all that a book shows of the story.
func bookSeen(t *testing.T, b porttest.BookStore, now time.Time) map[string]any {
	t.Helper()
	ctx, out := t.Context(), map[string]any{}
	note := func(what string, v any, err error) {
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		out[what] = v
	}
	for _, c := range storyChannels {
		found, err := b.Find(ctx, c, storyRecipients)
		note("find "+string(c), found, err)
		for _, id := range storyRecipients {
			yes, err := b.Suppressed(ctx, c, id)
			note(fmt.Sprint("suppressed ", c, id), yes, err)
			for _, a := range storyAudiences {
				r, err := b.Load(ctx, subscribe.Key{Audience: a, Channel: c, ID: id})
				if errors.Is(err, incident.ErrNotFound) {
					err = nil
				}
				note(fmt.Sprint("load ", a, c, id), r, err)
			}
		}
		for _, a := range storyAudiences {
			for shard := range b.Shards() {
				ss, next, err := b.Page(ctx, a, c, shard, "", 2)
				note(fmt.Sprint("page ", a, c, shard), []any{ss, next}, err)
			}
		}
	}
	ws, err := b.Due(ctx, now.Add(2*time.Minute), 4)
	note("due", ws, err)
	return out
}

// The book does what the book of one machine does, whatever comes.
func TestBookIsATwinOfTheEmbeddedOne(t *testing.T) {
	t.Parallel()
	for name, api := range clients(t) {
		for seed := range stories[name].seeds / 2 {
			t.Run(fmt.Sprintf("%s/%d", name, seed), func(t *testing.T) {
				t.Parallel()
				a := openBook(t, api, fresh(t, api))
				b, err := embedded.NewBook(embedded.NewMemory(), a.Shards())
				if err != nil {
					t.Fatal(err)
				}
				x := &bookStory{rand.New(rand.NewPCG(uint64(seed), 0)), porttest.Start}
				for n := range 2 * stories[name].steps {
					what, err := x.step(t.Context(), n, a, b)
					if err != nil {
						t.Fatalf("step %d: %s: %v", n, what, err)
					}
					if d := cmp.Diff(bookSeen(t, b, x.now), bookSeen(t, a, x.now), cmpopts.EquateEmpty()); d != "" {
						t.Fatalf("step %d: the books differ (-twin +got):\n%s\nafter %s", n, d, what)
					}
				}
			})
		}
	}
}
