package api

import (
	"context"
	"net/http"

	"shirase/internal/ready"
)

// readiness adds the route. A viewer's key is not enough, although nothing is
// changed: each call asks providers who let themselves be asked once a second,
// and counts every subscriber. Such keys stand in dashboards, which ask all day.
// Who would have to send the update must be able to see whether it can be sent,
// so a responder's is.
func (s *server) readiness() {
	route(s, Responder, http.MethodGet, "/v1/readiness", "read-readiness", "Tell what would keep updates from their readers, and what one update to everybody takes",
		http.StatusOK, func(ctx context.Context, _ *struct{}) (*body[ready.Report], error) {
			r, err := s.Readiness.Report(ctx)
			if err != nil {
				return nil, err
			}
			return &body[ready.Report]{r}, nil
		})
}
