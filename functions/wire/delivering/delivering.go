// Package delivering is what the delivery functions share: all but the provider.
// There is one function for each family of channels, with its own role, which
// links its own provider and no other.
package delivering

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"shirase/functions/wire"
	"shirase/functions/wire/announcing"
	"shirase/functions/wire/sending"
	"shirase/functions/wire/subscribing"
	"shirase/internal/aws/metric"
	"shirase/internal/aws/secret"
	"shirase/internal/deliver"
	"shirase/internal/handler"
	"shirase/internal/incident"
	"shirase/internal/subscribe"
)

// Start runs a delivery function for good. Senders are asked for once; needs are
// the settings that they cannot do without.
func Start(senders func(*wire.Wire) map[incident.Channel]deliver.Sender, needs ...string) {
	wire.Start(sending.Needs(announcing.Needs(needs...)...), func(ctx context.Context, w *wire.Wire) (wire.Handle, error) {
		root, err := w.Root(ctx)
		if err != nil {
			return nil, err
		}
		counts := &metric.Counts{}
		send, err := chunks(w, root, senders(w), counts)
		if err != nil {
			return nil, err
		}
		return counts.Flushed(handler.Delivery{Queue: sending.Reader(w), Chunks: send}.Handle, w.Log), nil
	})
}

// Credentials answers the credentials that the plan names.
func Credentials(w *wire.Wire) *secret.Credentials {
	return secret.NewCredentials(secretsmanager.NewFromConfig(w.AWS), w.Config.Secrets, time.Now)
}

// chunks answers what delivers through the senders.
func chunks(w *wire.Wire, root *wire.Root, senders map[incident.Channel]deliver.Sender, counts *metric.Counts) (*deliver.Send, error) {
	people, err := subscribing.Service(w, root, subscribe.Rules{}, nil)
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
	rates := w.Rates()
	return &deliver.Send{
		Incidents: w.Store, Messages: w.Store, Plans: w.Store, Book: book, Ledger: ledger,
		Rates: rates, Spare: rates.ForConfirmations(), Budget: &deliver.Budget{},
		Senders: senders, Farewells: people, Operators: announcing.Service(w, root), Families: w.Families, Hash: root.Hash,
		Links: root.Leave, Now: time.Now, NewID: wire.NewID, Lease: w.Config.Lease, Count: counts.Add,
	}, nil
}
