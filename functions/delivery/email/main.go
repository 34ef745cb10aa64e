// Command email sends mail by SES.
package main

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sesv2"

	"shirase/functions/wire"
	"shirase/functions/wire/delivering"
	"shirase/internal/aws/mail"
	"shirase/internal/channel/email"
	"shirase/internal/deliver"
	"shirase/internal/incident"
)

func main() {
	delivering.Start(func(w *wire.Wire) map[incident.Channel]deliver.Sender {
		from := func(ctx context.Context) (email.From, error) {
			p, err := w.Store.Latest(ctx)
			if err != nil {
				return email.From{}, err
			}
			o := p.Organisation
			return email.From{Address: o.From, Name: o.Name, ReplyTo: o.Contact}, nil
		}
		return map[incident.Channel]deliver.Sender{
			incident.Email: mail.New(sesv2.NewFromConfig(w.AWS), w.Config.ConfigurationSet, from, time.Now),
		}
	})
}
