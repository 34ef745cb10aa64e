// Package subscribing makes what changes subscriptions, for the functions that do.
package subscribing

import (
	"time"

	"shirase/functions/wire"
	"shirase/functions/wire/announcing"
	"shirase/internal/aws/bus"
	"shirase/internal/message"
	"shirase/internal/subscribe"
)

// Needs are the settings that [Service] cannot do without.
func Needs(more ...string) []string {
	return append([]string{
		"SHIRASE_INCIDENTS_TABLE", "SHIRASE_SUBSCRIBERS_TABLE", "SHIRASE_UPDATES_TOPIC", "SHIRASE_ROOT_SECRET", "SHIRASE_PUBLIC_URL",
	}, more...)
}

// Service answers the service. Rules say whom it lets sign up, and the challenger
// asks endpoints whether they want to be called; a function on which nobody signs
// up has neither.
func Service(w *wire.Wire, r *wire.Root, rules subscribe.Rules, challenger subscribe.Challenger) (*subscribe.Service, error) {
	kept, err := w.Subscriptions()
	if err != nil {
		return nil, err
	}
	return subscribe.New(subscribe.Config{
		Store: kept, Agenda: kept, Suppressions: kept, Limits: kept, Plans: w.Store, Incidents: w.Store,
		Publisher: bus.NewPublisher(announcing.Bus(w)), Challenger: challenger,
		Links: r.Links(), Key: r.Secret, Rules: rules, Render: message.RenderMemo, Now: time.Now, NewID: wire.NewID, Log: w.Log,
	}), nil
}
