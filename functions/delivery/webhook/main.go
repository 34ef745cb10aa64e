// Command webhook calls the endpoints of subscribers and of the plan.
package main

import (
	"time"

	"shirase/functions/wire"
	"shirase/functions/wire/delivering"
	"shirase/internal/channel"
	"shirase/internal/channel/webhook"
	"shirase/internal/deliver"
	"shirase/internal/incident"
)

func main() {
	delivering.Start(func(w *wire.Wire) map[incident.Channel]deliver.Sender {
		return map[incident.Channel]deliver.Sender{
			incident.Webhook: webhook.New(channel.NewGuarded(channel.Guard{}), delivering.Credentials(w), time.Now),
		}
	}, "SHIRASE_SECRETS")
}
