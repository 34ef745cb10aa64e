package queue

import (
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"shirase/internal/deliver"
	"shirase/internal/incident"
)

// Addresses are the URLs of queues. A function is given those that it uses.
type Addresses struct {
	// Email to Post are the send queues. A twin carries confirmations, reminders
	// and drills; where there is none the main queue does.
	Email, EmailTwin     string
	SMS, SMSTwin         string
	Webhook, WebhookTwin string
	// Post carries social and chat.
	Post string
	// Parking keeps what can never be handled.
	Parking string
	// Own are the queues that the function reads, the busiest first.
	Own []string
}

// Queues are the queues that functions share. It implements [deliver.Queue],
// handler.Visibility, handler.Parking and api.DeadLetters.
type Queues struct {
	client   *sqs.Client
	at       Addresses
	families map[incident.Channel]incident.Family
	memos    deliver.Messages
}

// New makes queues. Families and memos tell which queue a chunk belongs on; a
// function that sends no chunk may leave them nil.
func New(client *sqs.Client, at Addresses, families map[incident.Channel]incident.Family, memos deliver.Messages) *Queues {
	return &Queues{client: client, at: at, families: families, memos: memos}
}
