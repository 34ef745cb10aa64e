package subscribe

import (
	"context"
	"time"

	"shirase/internal/deliver"
	"shirase/internal/incident"
	"shirase/internal/plan"
)

// Store keeps subscriptions.
type Store interface {
	// Load answers a record, strongly consistent, or ErrNotFound.
	Load(ctx context.Context, k Key) (Record, error)
	// Commit writes a change in one transaction if the record is still at
	// Record.Version (0: is not kept), and answers ErrConflict otherwise. A
	// record that is deleted starts again at version 1. Consent entries are only
	// ever added; work whose id is there already is kept as it is.
	Commit(ctx context.Context, c Change) error
}

// Agenda holds the work that changes have left.
type Agenda interface {
	// Due answers up to limit items of work that are due by now, longest due
	// first, then by id.
	Due(ctx context.Context, now time.Time, limit int) ([]Work, error)
	// Done removes an item of work; one that is gone already is no error.
	Done(ctx context.Context, w Work) error
}

// Suppressions keeps the addresses that must not be sent to.
type Suppressions interface {
	// Suppressed reports, strongly consistent, whether there is one.
	Suppressed(ctx context.Context, c incident.Channel, id incident.RecipientID) (bool, error)
	// Suppress adds one. The first reason stays; a second call is no error.
	Suppress(ctx context.Context, s Suppression) error
}

// Limits counts against caps.
type Limits interface {
	// Take counts one use of the key and answers 0, or, where the cap is full,
	// counts nothing and answers how long to wait. Of any two calls at once at
	// most the room that is left is given out. A key holds no address.
	Take(ctx context.Context, key string, c Cap, now time.Time) (wait time.Duration, err error)
}

// Plans reads the communication plan.
type Plans interface {
	// Current answers the plan that holds now.
	Current(ctx context.Context) (*plan.Plan, error)
}

// Incidents reads what goes on.
type Incidents interface {
	// Live answers every incident that goes on, by id, strongly consistent.
	Live(ctx context.Context) ([]incident.Incident, error)
}

// Publisher puts pointers on the bus.
type Publisher interface {
	// Publish answers nil once the bus has taken the pointer. Publishing it
	// again does no harm.
	Publish(ctx context.Context, p deliver.Pointer) error
}

// Challenger asks an endpoint to prove that it wants to be called.
type Challenger interface {
	// Challenge posts the challenge and answers the value that the endpoint
	// gave back. It goes through the guarded client only, follows no redirect,
	// and hands on nothing else of the answer.
	Challenge(ctx context.Context, to incident.Address, c Challenge) (value string, err error)
}

// A Challenge is what a new webhook endpoint is sent. To subscribe, it answers
// with the value.
type Challenge struct {
	ID    string
	At    time.Time
	Value string
	// Secret signs every later delivery, and the challenge itself.
	Secret string
	// Manage and Unsubscribe are the endpoint's own links: it gets no mail to
	// find them in.
	Manage, Unsubscribe string
}

// Phones knows the numbering plans of the world. It is a port, since what it
// knows is larger than all the rest of us.
type Phones interface {
	// Number answers a number in the form of E.164; region is where one without
	// country code is taken to be, such as "JP". Reading its answer again, by
	// whatever region, changes nothing; ok is false for what cannot be a number.
	Number(s, region string) (number string, ok bool)
	// Kind says what is known of a number that Number answered.
	Kind(number string) Line
}

// A Line is what a number tells of what it belongs to.
type Line struct {
	// Valid tells that the number is assigned to somebody, as far as one can see.
	Valid bool
	// Country is where, by its two letters.
	Country string
	// Mobile tells that messages may reach it, at the price of a message.
	Mobile bool
}
