package bulk

import (
	"context"
	_ "embed"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"shirase/internal/announce"
	"shirase/internal/deliver"
	"shirase/internal/embedded"
	"shirase/internal/handler"
	"shirase/internal/incident"
	"shirase/internal/message"
	"shirase/internal/plan"
	"shirase/internal/subscribe"
)

//go:embed forecast.yaml
var forecast []byte

// wire puts the parts together as the program of one machine does.
func (s *storm) wire() (err error) {
	families := message.Families()
	kv := embedded.NewMemory()
	s.store = embedded.New(kv, s.loop.now)
	s.queues = embedded.NewQueues(kv, s.loop.now, families, s.store)
	source := forecast
	if s.Plan != nil {
		source = s.Plan
	}
	parsed, err := plan.Parse(source, families)
	if err != nil {
		return fmt.Errorf("parse plan: %w", err)
	}
	if _, err := s.store.SavePlan(s.ctx, 0, parsed); err != nil {
		return fmt.Errorf("save plan: %w", err)
	}
	if s.plan, err = s.store.Current(s.ctx); err != nil {
		return fmt.Errorf("read plan: %w", err)
	}
	book, err := embedded.NewBook(kv, 4)
	if err != nil {
		return err
	}
	hash := func(c incident.Channel, a incident.Address) incident.RecipientID {
		return incident.NewRecipientID([]byte("storm"), c, a)
	}
	for n := range 20 {
		a := incident.Address("reader" + strconv.Itoa(n) + "@readers.example")
		r := subscribe.Record{Subscriber: incident.Subscriber{
			ID: hash(incident.Email, a), Audience: incident.Customers, Channel: incident.Email, Address: a, Locale: "en", State: incident.Active,
		}}
		if err := book.Commit(s.ctx, subscribe.Change{Record: r}); err != nil {
			return fmt.Errorf("add reader: %w", err)
		}
	}
	newID := func() string { s.ids++; return fmt.Sprintf("%026d", s.ids) }
	log := slog.New(slog.DiscardHandler)
	s.announce = &announce.Service{
		Incidents: s.store, History: s.store, Watch: s.store, Drafts: s.store, Plans: s.store, Store: s.store,
		Agenda: s.store, Bus: s.queues, Links: pages{}, Render: message.Render, Memo: message.RenderMemo, Hash: hash,
		Families: families, Now: s.loop.now, NewID: newID, Log: log,
	}
	senders := map[incident.Channel]deliver.Sender{}
	for c := range families {
		senders[c] = &s.tally
	}
	rates := embedded.NewRates(kv, nil)
	fanout := &deliver.FanOut{
		Incidents: s.store, Messages: s.store, Plans: s.store, Book: book, Ledger: s.store, Listing: s.store,
		Jobs: s.store, Queue: s.queues, Hash: hash, Families: families, Now: s.loop.now,
	}
	send := &deliver.Send{
		Incidents: s.store, Messages: s.store, Plans: s.store, Book: book, Ledger: s.store, Rates: rates,
		Senders: senders, Farewells: nobody{}, Operators: s.announce, Families: families, Hash: hash, Budget: &deliver.Budget{},
		Links: func(incident.Subscriber) (string, string) { return "https://minato.test/u", "https://minato.test/m" },
		Now:   s.loop.now, NewID: newID,
	}
	s.tally.now = s.loop.now
	queue := handler.Queue{Visibility: s.queues, Parking: s.queues, Budget: budget, Now: s.loop.now, Log: log}
	s.alarm = handler.Alarm{Intake: intake{s}, Visibility: visibility(s.again), Now: s.loop.now, Log: log}
	s.due = handler.Due{Sweep: s.announce, Visibility: s.queues, Now: s.loop.now, Log: log}
	s.fanout = handler.FanOut{Queue: queue, Pointers: fanout}
	s.delivery = handler.Delivery{Queue: queue, Chunks: send}
	return nil
}

// pages implements announce.Links.
type pages struct{}

// Incident implements announce.Links.
func (pages) Incident(id incident.ID) string { return "https://status.minato.test/i/" + string(id) }

// Draft implements announce.Links.
func (pages) Draft(id announce.DraftID, m plan.MemberID, _ time.Time) string {
	return "https://status.minato.test/act/" + string(id) + "/" + string(m)
}

// nobody implements deliver.Farewells where no endpoint is ever gone.
type nobody struct{}

// Gone implements deliver.Farewells.
func (nobody) Gone(context.Context, incident.Channel, incident.RecipientID) error { return nil }
