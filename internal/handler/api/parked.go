package api

import (
	"context"
	"fmt"
	"net/http"

	"shirase/internal/handler"
)

// DeadLetters reads what the handlers of our queues have parked.
type DeadLetters interface {
	// Parked lists what can never be handled, in a fixed order.
	Parked(ctx context.Context) ([]handler.Parked, error)
}

func (s *server) parked() {
	route(s, Admin, http.MethodGet, "/v1/parked", "list-parked", "List messages of our own queues that can never be handled",
		http.StatusOK, func(ctx context.Context, _ *struct{}) (*body[List[handler.Parked]], error) {
			ps, err := s.DeadLetters.Parked(ctx)
			if err != nil {
				return nil, fmt.Errorf("list parked messages: %w", err)
			}
			return &body[List[handler.Parked]]{List[handler.Parked]{Items: orEmpty(ps)}}, nil
		})
}
