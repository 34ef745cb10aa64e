// Command alarm takes what CloudWatch says: from the alarm queue, which
// EventBridge and the alarm topic feed, and from alarms that act directly.
package main

import (
	"context"
	"time"

	"shirase/functions/wire"
	"shirase/functions/wire/announcing"
	"shirase/functions/wire/sending"
	"shirase/internal/handler"
)

func main() {
	wire.Start(announcing.Needs("SHIRASE_STACK", "SHIRASE_OWN_QUEUES"), func(ctx context.Context, w *wire.Wire) (wire.Handle, error) {
		root, err := w.Root(ctx)
		if err != nil {
			return nil, err
		}
		intake := announcing.Others{AlarmIntake: announcing.Service(w, root), Stack: w.Config.Stack}
		return handler.Alarm{
			Intake: intake, Visibility: sending.Own(w), Accounts: w.Config.Accounts, Jitter: wire.Jitter, Now: time.Now, Log: w.Log,
		}.Handle, nil
	})
}
