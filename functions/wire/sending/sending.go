// Package sending makes what reads and writes the queues of chunks.
package sending

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"shirase/functions/wire"
	"shirase/internal/aws/queue"
	"shirase/internal/handler"
)

// Needs are the settings of a function that reads chunks or pointers.
func Needs(more ...string) []string {
	return append([]string{
		"SHIRASE_INCIDENTS_TABLE", "SHIRASE_SUBSCRIBERS_TABLE", "SHIRASE_DELIVERIES_TABLE", "SHIRASE_ROOT_SECRET",
		"SHIRASE_OWN_QUEUES", "SHIRASE_PARKING_QUEUE",
	}, more...)
}

// reserve is the part of an invocation that is left for settling.
const reserve = 500 * time.Millisecond

// Chunks answers the send queues.
func Chunks(w *wire.Wire) *queue.Chunks {
	c := w.Config
	return queue.NewChunks(sqs.NewFromConfig(w.AWS), queue.Addresses{
		Email: c.Email, EmailTwin: c.EmailTwin, SMS: c.SMS, SMSTwin: c.SMSTwin,
		Webhook: c.Webhook, WebhookTwin: c.WebhookTwin, Post: c.Post,
	}, w.Families, w.Store)
}

// Own answers the queues that the function reads.
func Own(w *wire.Wire) *queue.Own { return queue.NewOwn(sqs.NewFromConfig(w.AWS), w.Config.Own...) }

// Parking answers the queue for what can never be handled.
func Parking(w *wire.Wire) *queue.Parking {
	return queue.NewParking(sqs.NewFromConfig(w.AWS), w.Config.Parking)
}

// Reader answers how a function reads batches of its queues.
func Reader(w *wire.Wire) handler.Queue {
	return handler.Queue{
		Visibility: Own(w), Parking: Parking(w), Budget: w.Config.Timeout - reserve, Jitter: wire.Jitter, Now: time.Now, Log: w.Log,
	}
}
