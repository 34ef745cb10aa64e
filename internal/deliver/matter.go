package deliver

import (
	"context"
	"time"

	"shirase/internal/incident"
)

// A matter is what a chunk is about: the news of an incident, or one memo.
type matter interface {
	// read reads afresh what the matter itself depends on, strongly consistent.
	read(ctx context.Context) error
	// next says what is to be told to a recipient now, by what was read last;
	// claimed says that it is we who hold the item.
	next(it Item, claimed bool) (p Pick, ok bool)
	// dropped says how a claim ends that is not to be sent: what to record, and
	// whether another pick follows it.
	dropped(claimed Pick, it Item) (r Result, reason Reason, winner int, follows bool)
	// held answers until when a text must wait; zero if it need not.
	held(it Item, now time.Time) (until time.Time)
	// welcome reports whether a subscription in this state may be sent to.
	welcome(st incident.SubscriberState) bool
	// envelope writes the message. It answers ErrNotFound where there is no text
	// for the reader.
	envelope(ctx context.Context, t turn, r reader) (Envelope, error)
}

// A turn is one recipient's, with the item as we know it and what we want to
// tell, or have claimed.
type turn struct {
	key   Key
	item  Item
	pick  Pick
	lease string
}

// unclaimed answers the item as it is without our own claim, which says nothing
// of what the recipient was told before.
func (t turn) unclaimed() Item {
	it := t.item.clone()
	it.State = Waiting
	return it
}
