// Command fanout turns an update into chunks of people who are to be told.
package main

import (
	"context"
	"time"

	"shirase/functions/wire"
	"shirase/functions/wire/sending"
	"shirase/internal/deliver"
	"shirase/internal/handler"
)

func main() {
	needs := sending.Needs("SHIRASE_EMAIL_QUEUE", "SHIRASE_SMS_QUEUE", "SHIRASE_WEBHOOK_QUEUE", "SHIRASE_POST_QUEUE")
	wire.Start(needs, func(ctx context.Context, w *wire.Wire) (wire.Handle, error) {
		root, err := w.Root(ctx)
		if err != nil {
			return nil, err
		}
		book, err := w.Book()
		if err != nil {
			return nil, err
		}
		ledger, err := w.Ledger()
		if err != nil {
			return nil, err
		}
		return handler.FanOut{Queue: sending.Reader(w), Pointers: &deliver.FanOut{
			Incidents: w.Store, Messages: w.Store, Plans: w.Store, Book: book, Ledger: ledger, Listing: ledger,
			Jobs: w.Store, Queue: sending.Chunks(w), Hash: root.Hash, Families: w.Families, Now: time.Now,
		}}.Handle, nil
	})
}
