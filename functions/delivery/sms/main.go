// Command sms sends SMS, by SNS or by End User Messaging.
package main

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"shirase/functions/wire"
	"shirase/functions/wire/delivering"
	"shirase/internal/aws/text"
	"shirase/internal/deliver"
	"shirase/internal/incident"
)

func main() {
	delivering.Start(func(w *wire.Wire) map[incident.Channel]deliver.Sender {
		c := w.Config
		how := text.Config{Sender: c.SMSSender, MaxPrice: c.SMSMaxPrice, Origin: c.SMSOrigin, Set: c.SMSSet}
		var s deliver.Sender = text.NewSNS(sns.NewFromConfig(w.AWS), how, time.Now)
		if how.Origin != "" {
			s = text.NewEUM(pinpointsmsvoicev2.NewFromConfig(w.AWS), how, time.Now)
		}
		return map[incident.Channel]deliver.Sender{incident.SMS: s}
	})
}
