package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"shirase/internal/announce"
	"shirase/internal/deliver"
	"shirase/internal/handler"
	"shirase/internal/handler/action"
	"shirase/internal/handler/api"
	"shirase/internal/handler/signup"
	"shirase/internal/incident"
	"shirase/internal/message"
	"shirase/internal/plan"
	"shirase/internal/subscribe"
	"shirase/internal/token"
)

// rig is the program under test: the handlers and use cases that ship, wired
// once. What they stand on is that of the world that runs, a new one for each
// seed; a rig runs one world at a time.
type rig struct {
	w       *world
	threads threads

	announce  *announce.Service
	subscribe *subscribe.Service
	fanout    *deliver.FanOut
	send      *deliver.Send
	links     action.Links
	readers   subscribe.Links
	families  map[incident.Channel]incident.Family
	handlers  map[string]func(context.Context, json.RawMessage) (any, error)
}

// The figures of the deployment (design §5): lease < function timeout < visibility / 6.
const (
	lease   = 60 * time.Second
	reserve = 500 * time.Millisecond
)

var timeouts = map[string]time.Duration{
	"api": 29 * time.Second, "signup": 29 * time.Second, "alarm": 30 * time.Second, "due": 60 * time.Second,
	"fanout": 60 * time.Second, "delivery": 90 * time.Second,
}

// publicURL is what links begin with.
const publicURL = "https://status.minato.test"

// adminKey opens the API.
const adminKey = "shk_sim_0123456789abcdef"

// operator is who uses it.
const operator = "operator"

type keys struct{}

// Key implements api.Keys.
func (keys) Key(_ context.Context, t string) (api.Principal, bool, error) {
	return api.Principal{Name: operator, Role: api.Admin}, t == adminKey, nil
}

// secret makes ids and tokens.
var secret = []byte("0123456789abcdef0123456789abcdef")

func newRig() (*rig, error) {
	r := &rig{families: message.Families()}
	tokens, err := token.New(token.Key{ID: "1", Secret: secret})
	if err != nil {
		return nil, fmt.Errorf("make tokens: %w", err)
	}
	log := slog.New(witness{r: r})
	s, b, t := store{r}, book{r}, topic{r}
	r.links = action.Links{Base: publicURL, Tokens: tokens}
	r.readers = subscribe.Links{Tokens: tokens, URL: publicURL}
	r.announce = &announce.Service{
		Incidents: s, History: s, Watch: s, Drafts: s, Plans: s, Store: s, Agenda: s, Bus: t, Links: r.links,
		Render: r.render, Memo: r.memo, Hash: r.hash, Families: r.families, Now: r.now, NewID: r.newID, Log: log,
	}
	r.subscribe = subscribe.New(subscribe.Config{
		Store: b, Agenda: b, Suppressions: b, Limits: b, Plans: s, Incidents: s, Publisher: bus{t}, Challenger: challenger{r},
		Links: r.readers, Key: secret, Rules: subscribe.Rules{Local: true}, Render: r.memo, Now: r.now, NewID: r.newID, Log: log,
	})
	r.fanout = &deliver.FanOut{
		Incidents: s, Messages: s, Plans: s, Book: b, Ledger: s, Listing: s, Jobs: s, Queue: t, Hash: r.hash, Families: r.families,
		Now: r.now, Page: 3, // small, so that a fan-out has several steps
	}
	senders := map[incident.Channel]deliver.Sender{}
	for c := range r.families {
		senders[c] = sender{r, c}
	}
	r.send = &deliver.Send{
		Incidents: s, Messages: s, Plans: s, Book: b, Ledger: s, Rates: rates{r: r}, Spare: rates{r: r, spare: true},
		Senders: senders, Farewells: r.subscribe, Operators: r.announce, Families: r.families, Hash: r.hash,
		Links: func(s incident.Subscriber) (string, string) {
			return r.readers.Unsubscribe(s), r.readers.Manage(s, r.now())
		},
		Count: func(_ incident.Channel, what deliver.Tick, n int) { r.w.ticks[what] += n },
		Now:   r.now, NewID: r.newID, Lease: lease,
	}
	mux := http.NewServeMux()
	mux.Handle("/v1/", api.New(api.Config{
		Announce: r.announce, Listing: s, Switches: rates{r: r}, Status: s, Keys: keys{}, Parse: parsePlan, Families: r.families,
		Now: r.now, Log: log,
	}))
	mux.Handle("/act/", &action.Handler{Drafts: r.announce, Plans: s, Tokens: tokens, Base: publicURL, Now: r.now, Log: log})
	pages, err := signup.New(signup.Config{Service: r.subscribe, URL: publicURL, Now: r.now, Log: log})
	if err != nil {
		return nil, fmt.Errorf("make sign-up pages: %w", err)
	}
	queue := func(function string) handler.Queue {
		return handler.Queue{Visibility: t, Parking: t, Budget: timeouts[function] - reserve, Now: r.now, Log: log}
	}
	r.handlers = map[string]func(context.Context, json.RawMessage) (any, error){
		"alarm":    handler.Alarm{Intake: r.announce, Visibility: t, Now: r.now, Log: log}.Handle,
		"fanout":   handler.FanOut{Queue: queue("fanout"), Pointers: r.fanout}.Handle,
		"delivery": handler.Delivery{Queue: queue("delivery"), Chunks: r.send}.Handle,
		"due":      handler.Due{Sweep: sweep{r}, Visibility: t, Now: r.now, Log: log}.Handle,
		"api":      handler.Gateway{Handler: mux, Log: log}.Handle,
		"signup":   handler.Gateway{Handler: pages, Log: log}.Handle,
	}
	return r, nil
}

// now is the clock of whoever runs.
func (r *rig) now() time.Time { return r.w.clock() }

// newID answers ids in the order in which they are asked for.
func (r *rig) newID() string {
	r.w.ids++
	return fmt.Sprintf("%020di%05d", 0, r.w.ids)
}

// hash names a recipient as the local program does.
func (r *rig) hash(c incident.Channel, a incident.Address) incident.RecipientID {
	if id, ok := r.w.names[addressed{c, a}]; ok {
		return id
	}
	n := a
	if plain, err := subscribe.Normalise(c, a); err == nil {
		n = plain
	}
	id := incident.NewRecipientID(secret, c, n)
	r.w.names[addressed{c, a}] = id
	return id
}

// addressed is an address on a channel.
type addressed struct {
	channel incident.Channel
	address incident.Address
}

// sweep does what is due in every part of the program.
type sweep struct{ r *rig }

// Sweep implements handler.Sweep.
func (s sweep) Sweep(ctx context.Context, now time.Time) error {
	if err := s.r.announce.Sweep(ctx, now); err != nil {
		return err
	}
	return s.r.subscribe.Sweep(ctx, now)
}

// challenger asks an endpoint that always agrees.
type challenger struct{ r *rig }

// Challenge implements subscribe.Challenger.
func (c challenger) Challenge(_ context.Context, _ incident.Address, ch subscribe.Challenge) (string, error) {
	return ch.Value, c.r.w.port(atSignUp, "challenge", func() error { return nil })
}

// parsed keeps plans that were read: reading one takes longer than a seed.
var parsed struct {
	sync.Mutex
	plans map[string]*plan.Plan
}

// parsePlan reads a plan with the channels there are.
func parsePlan(source []byte) (*plan.Plan, error) {
	parsed.Lock()
	defer parsed.Unlock()
	if p, ok := parsed.plans[string(source)]; ok {
		out := *p
		return &out, nil
	}
	p, err := plan.Parse(bytes.Clone(source), message.Families())
	if err != nil {
		return nil, fmt.Errorf("parse plan: %w", err)
	}
	if parsed.plans == nil {
		parsed.plans = map[string]*plan.Plan{}
	}
	parsed.plans[string(source)] = p
	out := *p
	return &out, nil
}
