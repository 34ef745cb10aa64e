// Command post writes to social networks and chat.
package main

import (
	"time"

	"shirase/functions/wire"
	"shirase/functions/wire/delivering"
	"shirase/internal/channel"
	"shirase/internal/channel/mastodon"
	"shirase/internal/channel/slack"
	"shirase/internal/deliver"
	"shirase/internal/incident"
)

func main() {
	delivering.Start(func(w *wire.Wire) map[incident.Channel]deliver.Sender {
		client, credentials := channel.NewClient(), delivering.Credentials(w)
		return map[incident.Channel]deliver.Sender{
			"mastodon": mastodon.New(client, credentials, time.Now),
			"slack":    slack.New(client, credentials, slack.API, time.Now),
		}
	}, "SHIRASE_SECRETS")
}
