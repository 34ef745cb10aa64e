// Command api serves the operators' API, the page of a draft, and the page on
// which readers see an incident.
package main

import (
	"context"

	"shirase/functions/wire"
	"shirase/functions/wire/announcing"
	"shirase/internal/handler"
)

// maxBody lets a whole plan through; the routes have smaller bounds of their own.
const maxBody = 1 << 20

func main() {
	needs := announcing.Needs(
		"SHIRASE_SUBSCRIBERS_TABLE", "SHIRASE_DELIVERIES_TABLE", "SHIRASE_PARKING_QUEUE", "SHIRASE_SECRETS",
	)
	wire.Start(needs, func(ctx context.Context, w *wire.Wire) (wire.Handle, error) {
		root, err := w.Root(ctx)
		if err != nil {
			return nil, err
		}
		routes, err := routes(w, root)
		if err != nil {
			return nil, err
		}
		return handler.Gateway{Handler: routes, MaxBody: maxBody, Log: w.Log}.Handle, nil
	})
}
