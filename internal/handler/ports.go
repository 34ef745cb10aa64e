package handler

import (
	"context"
	"time"

	"shirase/internal/deliver"
	"shirase/internal/incident"
	"shirase/internal/subscribe"
)

// AlarmIntake takes what monitors say.
type AlarmIntake interface {
	// Signal takes a decoded signal. It may be called twice, and with the same
	// state change by several paths: those share Fingerprint, State and At. An
	// error is temporary and the signal comes again; one that is ErrInvalid says
	// that it never can be taken, and what arrived is then given to Unreadable.
	Signal(ctx context.Context, s incident.Signal) error
	// Unreadable keeps what no decoder understands, raw, and tells an operator.
	// The raw bytes are untrusted, are at most [MaxBody] long (longer ones are
	// cut) and may be any bytes; why is a short sentence of ours that echoes
	// nothing of them. It may be called twice. An error is temporary and it
	// comes again; nil means that it is kept and the message may go.
	Unreadable(ctx context.Context, raw []byte, why string) error
}

// Pointers fans an update out; it is deliver.FanOut.
type Pointers interface {
	// Pointer works on one pointer until the deadline at most. It answers
	// more=true once its cursor is saved and work is left: the same message is
	// then shown again at once. It may be called twice for the same pointer. An
	// error keeps the message for later, one that is ErrInvalid parks it.
	Pointer(ctx context.Context, p deliver.Pointer, deadline time.Time) (more bool, err error)
}

// Chunks delivers to a few people; it is deliver.Send.
type Chunks interface {
	// Chunk delivers a chunk and begins nothing after the deadline. A time that
	// is not zero asks for the message to be shown again then. It may be called
	// twice for the same chunk. An error keeps the message for later, one that
	// is ErrInvalid parks it.
	Chunk(ctx context.Context, c deliver.Chunk, deadline time.Time) (again time.Time, err error)
}

// Sweep does what has fallen due.
type Sweep interface {
	// Sweep does all that is due at now, and nothing that is not. It may be
	// called twice, and by two invocations at the same time.
	Sweep(ctx context.Context, now time.Time) error
}

// Receipts takes what providers say later; it is subscribe.Receipts.
type Receipts interface {
	// Receive takes one receipt and answers what came of it, for counting. It may
	// be called twice with the same receipt. An error keeps the message for later,
	// one that is ErrInvalid parks it.
	Receive(ctx context.Context, r subscribe.Receipt) (subscribe.Effect, error)
}

// Visibility moves the moment at which a message that was not finished is shown
// again.
type Visibility interface {
	// Postpone hides the message for wait from now on, rounded up to whole
	// seconds; 0 shows it at once. It is called before the message is reported
	// as failed. If it fails, the message is shown when the queue's own timeout
	// ends: later than wished, never lost.
	Postpone(ctx context.Context, receipt string, wait time.Duration) error
}

// Parking takes messages out of the way that can never be handled.
type Parking interface {
	// Park keeps the body of a message of the queue (its ARN) for a person to
	// look at. It may be called twice with the same body. An error leaves the
	// message where it is.
	Park(ctx context.Context, queue string, body []byte, why string) error
}
