// Package announcing makes what changes incidents, for the functions that do.
package announcing

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"shirase/functions/wire"
	"shirase/internal/announce"
	"shirase/internal/aws/bus"
	"shirase/internal/aws/queue"
	"shirase/internal/handler/action"
	"shirase/internal/message"
)

// Needs are the settings that [Service] cannot do without.
func Needs(more ...string) []string {
	return append([]string{
		"SHIRASE_INCIDENTS_TABLE", "SHIRASE_UPDATES_TOPIC", "SHIRASE_NUDGE_QUEUE", "SHIRASE_ROOT_SECRET", "SHIRASE_PUBLIC_URL",
	}, more...)
}

// Service answers the service. Kinds are those of due items that nudges are sent
// for; none means all.
func Service(w *wire.Wire, r *wire.Root, kinds ...announce.DueKind) *announce.Service {
	store := queue.NewNudges(w.Store, sqs.NewFromConfig(w.AWS), w.Config.Nudge, time.Now, w.Log, kinds...)
	return &announce.Service{
		Incidents: w.Store, History: w.Store, Watch: w.Store, Drafts: w.Store, Plans: w.Store, Store: store,
		Agenda: w.Agenda(), Bus: Bus(w), Links: action.Links{Base: w.Config.PublicURL, Tokens: r.Tokens},
		Render: message.Render, Memo: message.RenderMemo, Hash: r.Hash, Families: w.Families,
		Now: time.Now, NewID: wire.NewID, Log: w.Log,
	}
}

// Bus answers the way to the topics.
func Bus(w *wire.Wire) *bus.Bus {
	return bus.New(sns.NewFromConfig(w.AWS), bus.Topics{Updates: w.Config.Updates, Notices: w.Config.Notices},
		bus.Reads{Messages: w.Store, Plans: w.Store, Incidents: w.Store}, time.Now, w.Log)
}
