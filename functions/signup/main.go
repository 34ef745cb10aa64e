// Command signup serves the pages on which people subscribe, confirm, change
// what they hear of, and unsubscribe.
package main

import (
	"context"
	"time"

	"shirase/functions/wire"
	"shirase/functions/wire/subscribing"
	"shirase/internal/channel"
	"shirase/internal/channel/challenge"
	"shirase/internal/handler"
	"shirase/internal/handler/signup"
	"shirase/internal/subscribe"
	"shirase/internal/subscribe/phone"
)

func main() {
	wire.Start(subscribing.Needs(), func(ctx context.Context, w *wire.Wire) (wire.Handle, error) {
		root, err := w.Root(ctx)
		if err != nil {
			return nil, err
		}
		challenger := challenge.New(channel.NewGuarded(channel.Guard{}), time.Now)
		people, err := subscribing.Service(w, root, subscribe.Rules{Phones: phone.Numbers{}}, challenger)
		if err != nil {
			return nil, err
		}
		pages, err := signup.New(signup.Config{Service: people, URL: w.Config.PublicURL, Now: time.Now, Log: w.Log})
		if err != nil {
			return nil, err
		}
		return handler.Gateway{Handler: pages, Log: w.Log}.Handle, nil
	})
}
