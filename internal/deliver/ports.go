package deliver

import (
	"context"
	"time"

	"shirase/internal/incident"
	"shirase/internal/message"
	"shirase/internal/plan"
)

// Incidents reads what announce keeps. Every read is strongly consistent.
type Incidents interface {
	// Incident answers an incident, or ErrNotFound.
	Incident(ctx context.Context, id incident.ID) (incident.Incident, error)
	// Update answers an accepted update, or ErrNotFound.
	Update(ctx context.Context, id incident.ID, seq int) (incident.Update, error)
	// Live answers every incident that goes on, by id.
	Live(ctx context.Context) ([]incident.Incident, error)
}

// Messages reads stored texts.
type Messages interface {
	// Message answers the text of an update, or ErrNotFound.
	Message(ctx context.Context, id incident.ID, seq int, a incident.Audience, l incident.Locale) (message.Message, error)
	// Memo answers a memo, or ErrNotFound.
	Memo(ctx context.Context, id incident.ID, slot string) (Memo, error)
}

// Plans answers the current plan. Members, targets and contacts are always its.
type Plans interface {
	Current(ctx context.Context) (*plan.Plan, error)
}

// Ledger keeps who was told what. Both writes are chunk-shaped; each recipient
// is decided alone, so one that fails leaves the others as they are.
type Ledger interface {
	// Items answers the items of the keys, in order and strongly consistent;
	// the zero Item where there is none.
	Items(ctx context.Context, keys []Key) ([]Item, error)
	// Claim runs [Decide] on each ask against the item as it is and writes the
	// item that it answers wherever that is changed, atomically per recipient.
	// Answers are in order.
	// It may be called twice: the second time finds its own lease busy.
	Claim(ctx context.Context, asks []Ask) ([]Decision, error)
	// Settle runs [Settlement.Apply] on each item whose newest lease is still
	// the settlement's, and reports which were taken. A refused one is to be
	// dropped and counted: somebody else holds the item now.
	Settle(ctx context.Context, ss []Settlement) ([]bool, error)
}

// Listing finds recipients in the ledger.
type Listing interface {
	// Told lists the recipients of an incident on a channel that the ledger has
	// an update item for, in a fixed order, up to limit from the cursor on.
	// Next is empty at the end.
	Told(ctx context.Context, id incident.ID, c incident.Channel, cursor string, limit int) (rs []incident.RecipientID, next string, err error)
	// Deliveries lists whole items for an operator, likewise.
	Deliveries(ctx context.Context, id incident.ID, cursor string, limit int) (ds []Delivery, next string, err error)
}

// Delivery is an item with its key.
type Delivery struct {
	Key  Key
	Item Item
}

// Book reads subscribers. Every read is strongly consistent.
type Book interface {
	// Shards answers how many shards an audience has.
	Shards() int
	// Page lists the active subscribers of one shard of an audience on one
	// channel, in a fixed order, up to limit from the cursor on. Next is empty
	// at the end.
	Page(ctx context.Context, a incident.Audience, c incident.Channel, shard int, cursor string, limit int) (ss []incident.Subscriber, next string, err error)
	// Find answers every subscription, whatever its state, of the recipients on
	// a channel. Suppressed addresses have the state suppressed.
	Find(ctx context.Context, c incident.Channel, ids []incident.RecipientID) (map[incident.RecipientID][]incident.Subscriber, error)
}

// Jobs keeps how far a fan-out has come.
type Jobs interface {
	// Job answers the cursor of a job; the zero Cursor where there is none.
	Job(ctx context.Context, id incident.ID, seq int, c incident.Channel) (Cursor, error)
	// SaveJob keeps a cursor. Saving the same or an older one again is harmless:
	// chunks sent twice are no-ops.
	SaveJob(ctx context.Context, id incident.ID, seq int, c incident.Channel, cur Cursor) error
}

// Queue puts chunks on the send queue of their family.
type Queue interface {
	// Send queues the chunks, all or nothing per call where the queue can, and
	// at least once in any case.
	Send(ctx context.Context, chunks []Chunk) error
}

// Rates holds the pace and the switch of each channel.
type Rates interface {
	// Reserve takes n slots of the channel's rate and answers 0, or takes none
	// and answers how long to wait. A closed switch or an open breaker answers
	// [ErrClosed] with the time to wait; a time of 0 says that the breaker lets
	// one single slot through, to find out.
	Reserve(ctx context.Context, c incident.Channel, n int, now time.Time) (wait time.Duration, err error)
	// Report tells the breaker how a wave went: how many calls the provider
	// answered, and how many it could not.
	Report(ctx context.Context, c incident.Channel, answered, unavailable int, now time.Time) error
}

// Switches opens and closes a channel by hand.
type Switches interface {
	// Set closes (off) or opens a channel for new claims.
	Set(ctx context.Context, c incident.Channel, off bool) error
	// Closed answers the channels that are switched off, sorted.
	Closed(ctx context.Context) ([]incident.Channel, error)
}

// Sender hands envelopes to one provider. It is an adapter in internal/channel
// or the mailbox of internal/embedded.
type Sender interface {
	// Send hands over the envelopes, in parallel inside, and answers an outcome
	// for each in the same order. Nothing is begun after the deadline, and no
	// call outlives it: what was not begun has the reason [NotBegun]. Sending the
	// same envelope again carries the same Key, so that a provider which takes
	// one shows it once.
	Send(ctx context.Context, es []Envelope, deadline time.Time) []Outcome
	// Keyed reports whether the provider takes an idempotency key.
	Keyed() bool
}

// Farewells ends subscriptions that the other side ended.
type Farewells interface {
	// Gone stops every subscription of a recipient on a channel, since its
	// endpoint asks never to be tried again. It may be called twice.
	Gone(ctx context.Context, c incident.Channel, id incident.RecipientID) error
}

// Operators hears of what a person must look at.
type Operators interface {
	// Undelivered says that n deliveries of an incident on a channel were given
	// up, or, for [Unauthorised], that they wait for our credential. It is called
	// for each chunk anew: an implementation tells a person once for the same
	// incident, channel and reason.
	Undelivered(ctx context.Context, id incident.ID, c incident.Channel, r Reason, n int) error
}
