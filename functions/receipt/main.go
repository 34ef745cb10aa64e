// Command receipt takes what providers say later of what was sent: bounces,
// complaints, and what people write back.
package main

import (
	"context"

	"shirase/functions/wire"
	"shirase/functions/wire/announcing"
	"shirase/functions/wire/sending"
	"shirase/functions/wire/subscribing"
	"shirase/internal/handler"
	"shirase/internal/subscribe"
)

func main() {
	needs := announcing.Needs(subscribing.Needs("SHIRASE_OWN_QUEUES", "SHIRASE_PARKING_QUEUE")...)
	wire.Start(needs, func(ctx context.Context, w *wire.Wire) (wire.Handle, error) {
		root, err := w.Root(ctx)
		if err != nil {
			return nil, err
		}
		people, err := subscribing.Service(w, root, subscribe.Rules{}, nil)
		if err != nil {
			return nil, err
		}
		receipts := subscribe.NewReceipts(people, announcing.Service(w, root))
		return handler.Receipt{Queue: sending.Reader(w), Receipts: receipts}.Handle, nil
	})
}
