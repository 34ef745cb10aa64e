package subscribe

import (
	"context"
	"errors"
	"fmt"
	"time"

	"shirase/internal/deliver"
	"shirase/internal/incident"
)

// ReceiptKind says what became of something that a provider had accepted.
type ReceiptKind string

// The kinds of receipts.
const (
	// ReceiptDelivered: the reader's own provider has it.
	ReceiptDelivered ReceiptKind = "delivered"
	// ReceiptDelayed: it is still being tried, or nothing is known against the
	// address.
	ReceiptDelayed ReceiptKind = "delayed"
	// ReceiptBounced: there is no such address, for good.
	ReceiptBounced ReceiptKind = "bounced"
	// ReceiptReturned: the address did not take it this time. Its mailbox may be
	// full, its phone switched off for long, or nobody reads it any more.
	ReceiptReturned ReceiptKind = "returned"
	// ReceiptLost: it did not arrive, and that says nothing of the address.
	ReceiptLost ReceiptKind = "lost"
	// ReceiptRefused: the message was not let through, whoever it was for.
	ReceiptRefused ReceiptKind = "refused"
	// ReceiptComplained: the reader called it unwanted.
	ReceiptComplained ReceiptKind = "complained"
	// ReceiptOptedOut: the reader told the provider to stop.
	ReceiptOptedOut ReceiptKind = "opted_out"
	// ReceiptReplied: the reader wrote back; see [Stops].
	ReceiptReplied ReceiptKind = "replied"
)

// A Receipt is what a provider says later. "Sent" never claimed more than that
// the provider had taken it.
type Receipt struct {
	Kind    ReceiptKind
	Channel incident.Channel
	// Recipient is whom it was for, as the message said that went out. Where it is
	// empty, Address tells.
	Recipient incident.RecipientID
	Address   incident.Address
	// Incident is what the message was about; empty where nobody says.
	Incident incident.ID
	// Reply is what the reader wrote back, and Keyword the one that the provider
	// took it for; empty for receipts of another kind.
	Reply, Keyword string
}

// Effect says what came of a receipt.
type Effect string

// The effects. Nothing came of a receipt with none.
const (
	EffectSuppressed Effect = "suppressed" // the address is never sent to again
	EffectStrike     Effect = "strike"     // it counts against the address
	EffectTold       Effect = "told"       // an operator hears of it
)

// Addresses that return mail are given up after [strikes] different days, of
// which the first and the last are at most strikeSpan apart. Days and not mails
// count, since an outage brings five mails in one afternoon to a mailbox that is
// full that afternoon; so the same receipt may also come twice.
const (
	strikes    = 5
	strikeSpan = 90 * 24 * time.Hour
	strikeDay  = 24 * time.Hour
)

// Receipts takes what providers say later.
type Receipts struct {
	subscriptions *Service
	operators     deliver.Operators
}

// NewReceipts makes the receipts of the service's subscriptions.
func NewReceipts(s *Service, o deliver.Operators) *Receipts { return &Receipts{s, o} }

// Receive takes one receipt. An address that does not exist, a complaint and a
// wish to stop end every subscription of the address; see [Service.Suppress].
//
// Those of the plan are not silenced, since a member who is on call must go on
// being called: an operator hears of it instead, once for each incident, channel
// and reason. A complaint or a wish to stop ends what they subscribed to beside
// that.
//
// It may be called twice with the same receipt. An error is temporary, and one
// that is ErrInvalid says that nobody can be made out whom it is about. Where a
// strike was counted and what follows it failed, the next day's strike does it.
func (r *Receipts) Receive(ctx context.Context, in Receipt) (Effect, error) {
	kind := in.Kind
	if kind == ReceiptReplied && (Stops(in.Reply) || Stops(in.Keyword)) {
		kind = ReceiptOptedOut
	}
	switch kind {
	case ReceiptDelivered, ReceiptDelayed, ReceiptReplied:
		return "", nil
	case ReceiptRefused:
		return EffectTold, r.tell(ctx, in, deliver.Rejected)
	case ReceiptBounced, ReceiptReturned, ReceiptLost, ReceiptComplained, ReceiptOptedOut:
	default:
		return "", incident.Invalid("kind", "is none of a receipt")
	}
	id, err := r.recipient(in)
	if err != nil {
		return "", err
	}
	planned, err := r.planned(ctx, in.Channel, id)
	if err != nil {
		return "", err
	}
	switch {
	case kind == ReceiptComplained:
		return r.end(ctx, in, id, Complained, planned)
	case kind == ReceiptOptedOut:
		return r.end(ctx, in, id, OptedOut, planned)
	case planned && kind == ReceiptBounced:
		return EffectTold, r.tell(ctx, in, deliver.Gone)
	case planned:
		return EffectTold, r.tell(ctx, in, deliver.Rejected)
	case kind == ReceiptBounced:
		return EffectSuppressed, r.subscriptions.Suppress(ctx, in.Channel, id, Bounced)
	case kind == ReceiptReturned:
		return r.strike(ctx, in.Channel, id)
	}
	return "", nil // lost
}

// end follows a reader's own wish, and lets an operator know if it is somebody
// of the plan, whom we would go on writing to.
func (r *Receipts) end(ctx context.Context, in Receipt, id incident.RecipientID, why SuppressReason, planned bool) (Effect, error) {
	err := r.subscriptions.Suppress(ctx, in.Channel, id, why)
	if planned {
		err = errors.Join(err, r.tell(ctx, in, deliver.Forbidden))
	}
	return EffectSuppressed, err
}

// strike counts a day on which an address took nothing.
func (r *Receipts) strike(ctx context.Context, c incident.Channel, id incident.RecipientID) (Effect, error) {
	s := r.subscriptions
	now, of := s.now(), string(c)+"#"+string(id)
	wait, err := s.limits.Take(ctx, "returned-day#"+of, Cap{N: 1, Per: strikeDay}, now)
	if err != nil {
		return "", fmt.Errorf("count a returned message: %w", err)
	}
	if wait > 0 {
		return "", nil // this day counts already
	}
	wait, err = s.limits.Take(ctx, "returned#"+of, Cap{N: strikes - 1, Per: strikeSpan}, now)
	if err != nil {
		return "", fmt.Errorf("count a returned message: %w", err)
	}
	if wait == 0 {
		return EffectStrike, nil
	}
	return EffectSuppressed, s.Suppress(ctx, c, id, Bounced)
}

// recipient names whom a receipt is about.
func (r *Receipts) recipient(in Receipt) (incident.RecipientID, error) {
	if in.Recipient != "" {
		return in.Recipient, nil
	}
	a, err := Normalise(in.Channel, in.Address)
	if err != nil {
		return "", err
	}
	return incident.NewRecipientID(r.subscriptions.key, in.Channel, a), nil
}

// planned reports whether a recipient stands in the plan.
func (r *Receipts) planned(ctx context.Context, c incident.Channel, id incident.RecipientID) (bool, error) {
	p, err := r.subscriptions.plans.Current(ctx)
	if err != nil {
		return false, fmt.Errorf("read the plan: %w", err)
	}
	for _, ct := range p.Contacts(c) {
		a, err := Normalise(c, ct.Address)
		if err == nil && incident.NewRecipientID(r.subscriptions.key, c, a) == id {
			return true, nil
		}
	}
	return false, nil
}

func (r *Receipts) tell(ctx context.Context, in Receipt, why deliver.Reason) error {
	about := in.Incident
	if about == "" {
		about = deliver.NoIncident
	}
	if err := r.operators.Undelivered(ctx, about, in.Channel, why, 1); err != nil {
		return fmt.Errorf("tell an operator: %w", err)
	}
	return nil
}
