package api

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"shirase/internal/incident"
)

// Channel is a way to reach people, with its kill switch.
type Channel struct {
	Channel incident.Channel `json:"channel"`
	Family  incident.Family  `json:"family"`
	Off     bool             `json:"off" doc:"Whether the kill switch stops new deliveries. What waits is kept."`
}

// SwitchBody turns a channel's kill switch.
type SwitchBody struct {
	Off bool `json:"off"`
}

func (s *server) channels() {
	route(s, Viewer, http.MethodGet, "/v1/channels", "list-channels", "List the channels and their kill switches",
		http.StatusOK, func(ctx context.Context, _ *struct{}) (*body[List[Channel]], error) {
			closed, err := s.Switches.Closed(ctx)
			if err != nil {
				return nil, fmt.Errorf("read switches: %w", err)
			}
			out := List[Channel]{Items: []Channel{}}
			for _, c := range slices.Sorted(maps.Keys(s.Families)) {
				out.Items = append(out.Items, Channel{c, s.Families[c], slices.Contains(closed, c)})
			}
			return &body[List[Channel]]{out}, nil
		})
	route(s, Responder, http.MethodPut, "/v1/channels/{channel}", "switch-channel", "Stop or allow new deliveries on a channel",
		http.StatusOK, func(ctx context.Context, in *struct {
			Channel incident.Channel `path:"channel" maxLength:"32"`
			Body    SwitchBody
		},
		) (*body[Channel], error) {
			f, ok := s.Families[in.Channel]
			if !ok {
				return nil, fmt.Errorf("channel: %w", incident.ErrNotFound)
			}
			if err := s.Switches.Set(ctx, in.Channel, in.Body.Off); err != nil {
				return nil, fmt.Errorf("set switch: %w", err)
			}
			return &body[Channel]{Channel{in.Channel, f, in.Body.Off}}, nil
		})
}
