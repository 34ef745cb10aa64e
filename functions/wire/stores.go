package wire

import (
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"shirase/internal/aws/dynamo"
)

// Agenda answers what has fallen due, and the outbox.
func (w *Wire) Agenda() *dynamo.Agenda {
	return dynamo.NewAgenda(dynamodb.NewFromConfig(w.AWS), w.Tables)
}

// Subscriptions answers what is kept of who subscribes.
func (w *Wire) Subscriptions() (*dynamo.Subscriptions, error) {
	return dynamo.NewSubscriptions(dynamodb.NewFromConfig(w.AWS), w.Tables, w.Config.Shards)
}

// Book answers who is to be told.
func (w *Wire) Book() (*dynamo.Book, error) {
	return dynamo.NewBook(dynamodb.NewFromConfig(w.AWS), w.Tables, w.Config.Shards)
}

// Ledger answers who was told what.
func (w *Wire) Ledger() (*dynamo.Ledger, error) {
	return dynamo.NewLedger(dynamodb.NewFromConfig(w.AWS), w.Tables, w.Config.Shards)
}

// Rates answers the pace and the switch of each channel.
func (w *Wire) Rates() *dynamo.Rates { return dynamo.NewRates(dynamodb.NewFromConfig(w.AWS), w.Tables) }
