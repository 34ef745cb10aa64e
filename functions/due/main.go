// Command due does what has fallen due: each minute, and when a nudge says so.
package main

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sesv2"

	"shirase/functions/wire"
	"shirase/functions/wire/announcing"
	"shirase/functions/wire/sending"
	"shirase/functions/wire/subscribing"
	"shirase/internal/announce"
	"shirase/internal/aws/mail/account"
	"shirase/internal/handler"
	"shirase/internal/subscribe"
)

func main() {
	wire.Start(announcing.Needs(subscribing.Needs("SHIRASE_OWN_QUEUES")...), func(ctx context.Context, w *wire.Wire) (wire.Handle, error) {
		root, err := w.Root(ctx)
		if err != nil {
			return nil, err
		}
		people, err := subscribing.Service(w, root, subscribe.Rules{}, nil)
		if err != nil {
			return nil, err
		}
		// A function that wakes itself is stopped after some 16 turns, so it nudges
		// only for what does not bring itself about again.
		incidents := announcing.Service(w, root, announce.DueAuto)
		sweep := sweeps{incidents, people, pace{account.NewQuota(sesv2.NewFromConfig(w.AWS)), w.Rates(), w.Log}}
		return handler.Due{Sweep: sweep, Visibility: sending.Own(w), Jitter: wire.Jitter, Now: time.Now, Log: w.Log}.Handle, nil
	})
}
