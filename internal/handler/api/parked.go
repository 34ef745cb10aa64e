package api

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// DeadLetters reads what the handlers of our queues have parked.
type DeadLetters interface {
	// Parked lists what can never be handled, in a fixed order.
	Parked(ctx context.Context) ([]Parked, error)
}

// Parked is a message of one of our own queues that can never be handled. It
// names recipients by their keyed hash, never by address.
type Parked struct {
	Queue string    `json:"queue"`
	Why   string    `json:"why"`
	At    time.Time `json:"at"`
	Body  string    `json:"body" doc:"The message as it was found, cut to 8 KiB."`
}

func (s *server) parked() {
	route(s, Admin, http.MethodGet, "/v1/parked", "list-parked", "List messages of our own queues that can never be handled",
		http.StatusOK, func(ctx context.Context, _ *struct{}) (*body[List[Parked]], error) {
			ps, err := s.DeadLetters.Parked(ctx)
			if err != nil {
				return nil, fmt.Errorf("list parked messages: %w", err)
			}
			return &body[List[Parked]]{List[Parked]{Items: orEmpty(ps)}}, nil
		})
}
