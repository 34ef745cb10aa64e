package announce

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"shirase/internal/incident"
	"shirase/internal/message"
	"shirase/internal/plan"
)

// Service changes incidents. Its fields are set once, by a main, before use.
type Service struct {
	Incidents Reader
	History   History
	Watch     Watch
	Drafts    Drafts
	Plans     Plans
	Store     Committer
	Agenda    Agenda
	Bus       Bus
	Links     Links

	// Render and Memo turn facts into words; see package message.
	Render func(message.Input) ([]message.Message, []message.Finding, error)
	Memo   func(message.MemoInput) (map[incident.Family]message.Content, error)
	// Hash names an address; see [incident.NewRecipientID].
	Hash func(incident.Channel, incident.Address) incident.RecipientID
	// Families tells the family of every channel there is.
	Families map[incident.Channel]incident.Family

	Now   func() time.Time
	NewID func() string
	Log   *slog.Logger
}

// author is who publishes what nobody decided.
const author = "shirase"

// Result is what an operator's request did. It is stored with the idempotency
// key, so that a repeat gets the same.
type Result struct {
	Incident incident.Snapshot `json:"incident"`
	// Update is the one that was published; nil where none was.
	Update *incident.Update `json:"update,omitempty"`
	// Into is the incident that this one was merged into.
	Into *incident.Snapshot `json:"into,omitempty"`
	Note *Note              `json:"note,omitempty"`
	// Findings are what the texts were warned about.
	Findings []message.Finding `json:"findings,omitempty"`
}

// Preview is what an update would say, without any effect.
type Preview struct {
	Incident incident.Snapshot `json:"incident"`
	Update   incident.Update   `json:"update"`
	Messages []message.Message `json:"messages"`
	Findings []message.Finding `json:"findings"`
	// Hash names these exact texts; publishing with it publishes them or nothing.
	Hash string `json:"hash"`
}

// A BlockedError lists what must be changed before a text may be sent. It is
// [incident.ErrInvalid].
type BlockedError struct{ Findings []message.Finding }

func (e *BlockedError) Error() string {
	return fmt.Sprintf("the texts must not be sent as they are: %d findings", len(e.Findings))
}

// Unwrap makes errors.Is(err, incident.ErrInvalid) true.
func (e *BlockedError) Unwrap() error { return incident.ErrInvalid }

// A StaleError says that the texts that were seen are not those that would be
// sent now, and holds the fresh ones. It is [incident.ErrConflict].
type StaleError struct{ Fresh Preview }

func (e *StaleError) Error() string { return "the texts have changed since they were seen" }

// Unwrap makes errors.Is(err, incident.ErrConflict) true.
func (e *StaleError) Unwrap() error { return incident.ErrConflict }

// racedError marks a commit whose conditions did not hold: reading again may
// help, unlike with other conflicts.
type racedError struct{ err error }

func (e *racedError) Error() string { return e.err.Error() }
func (e *racedError) Unwrap() error { return e.err }

// maxRaces bounds how often a change is decided anew. Each round somebody wins,
// so this many writers at once all get through.
const maxRaces = 64

// racing runs fn until it does not lose a race against another writer.
func racing(ctx context.Context, fn func() error) error {
	var err error
	for range maxRaces {
		err = fn()
		if _, raced := errors.AsType[*racedError](err); !raced {
			return err
		}
		if ctx.Err() != nil {
			return fmt.Errorf("decide anew: %w", ctx.Err())
		}
	}
	return err
}

// pinned answers the plan whose texts and cadence an incident keeps.
func (s *Service) pinned(ctx context.Context, version int) (*plan.Plan, error) {
	p, err := s.Plans.Version(ctx, version)
	if err != nil {
		return nil, fmt.Errorf("read plan %d: %w", version, err)
	}
	return p, nil
}
