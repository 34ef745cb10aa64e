package main

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/oklog/ulid/v2"

	"shirase/internal/access"
	"shirase/internal/announce"
	"shirase/internal/channel"
	"shirase/internal/channel/challenge"
	"shirase/internal/config"
	"shirase/internal/deliver"
	"shirase/internal/embedded"
	"shirase/internal/handler"
	"shirase/internal/handler/action"
	"shirase/internal/handler/api"
	"shirase/internal/handler/public"
	"shirase/internal/handler/signup"
	"shirase/internal/handler/web"
	"shirase/internal/incident"
	"shirase/internal/message"
	"shirase/internal/plan"
	"shirase/internal/ready"
	"shirase/internal/subscribe"
	phones "shirase/internal/subscribe/phone"
	"shirase/internal/token"
)

// program is everything on this machine, wired together.
type program struct {
	config   config.Config
	addr     string // what it listens on
	url      string // what links begin with
	loopback bool
	key      string // the admin key

	clock   *clock
	kv      embedded.KV
	store   *embedded.Store
	book    *embedded.Book
	queues  *embedded.Queues
	mailbox *embedded.Mailbox
	rates   *embedded.Rates
	// providers is where each channel's envelopes go.
	providers map[incident.Channel]deliver.Sender
	hash      func(incident.Channel, incident.Address) incident.RecipientID
	engine    *engine
	// roots replaces the system's certificate authorities for webhooks, where
	// the endpoint is on this machine; nil is the system's.
	roots *x509.CertPool

	announce  *announce.Service
	subscribe *subscribe.Service
	log       *slog.Logger
}

// parsePlan reads a plan with the channels there are.
func parsePlan(source []byte) (*plan.Plan, error) { return plan.Parse(source, message.Families()) }

// build wires a program for an address it will be reached at. Nothing runs yet.
func build(ctx context.Context, c config.Config, addr string, log *slog.Logger) (*program, error) {
	p := &program{config: c, addr: addr, clock: &clock{}, log: log, url: c.PublicURL}
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("read address: %w", err)
	}
	ip := net.ParseIP(host)
	p.loopback = host == "localhost" || ip != nil && ip.IsLoopback()
	if p.url == "" {
		p.url = "http://" + addr
	}
	file, err := embedded.OpenFile(c.Data)
	if err != nil {
		return nil, err
	}
	p.kv = file
	if err := p.wire(ctx); err != nil {
		return nil, errors.Join(err, p.kv.Close())
	}
	return p, nil
}

// wire makes the parts over the open store.
func (p *program) wire(ctx context.Context) error {
	families := message.Families()
	secret, err := p.secrets()
	if err != nil {
		return err
	}
	p.store = embedded.New(p.kv, p.clock.now)
	p.queues = embedded.NewQueues(p.kv, p.clock.now, families, p.store)
	if p.book, err = embedded.NewBook(p.kv, p.config.Shards); err != nil {
		return err
	}
	if err := p.loadPlan(ctx); err != nil {
		return err
	}
	p.mailbox = embedded.NewMailbox(p.kv, p.clock.now, families, p.from, p.log)
	tokens, err := token.New(token.Key{ID: "1", Secret: secret})
	if err != nil {
		return err
	}
	p.hash = func(c incident.Channel, a incident.Address) incident.RecipientID {
		if n, err := subscribe.Normalise(c, a); err == nil {
			a = n
		}
		return incident.NewRecipientID(secret, c, a)
	}
	subscriberLinks := subscribe.Links{Tokens: tokens, URL: p.url}
	p.announce = &announce.Service{
		Incidents: p.store, History: p.store, Watch: p.store, Drafts: p.store, Plans: p.store, Store: p.store,
		Agenda: p.store, Bus: p.queues, Links: action.Links{Base: p.url, Tokens: tokens},
		Render: message.Render, Memo: message.RenderMemo, Hash: p.hash, Families: families,
		Now: p.clock.now, NewID: p.newID, Log: p.log,
	}
	p.rates = embedded.NewRates(p.kv, nil)
	secrets := embedded.NewSecrets(p.config.Data)
	guarded := channel.NewGuarded(p.guard())
	p.subscribe = subscribe.New(subscribe.Config{
		Store: p.book, Agenda: p.book, Suppressions: p.book, Limits: p.book, Plans: p.store, Incidents: p.store,
		Publisher: publisher{p.queues, p.clock}, Challenger: challenge.New(guarded, p.clock.now), Links: subscriberLinks,
		Key: secret, Rules: subscribe.Rules{Local: len(p.config.Networks()) > 0, Phones: phones.Numbers{}},
		Render: message.RenderMemo, Now: p.clock.now, NewID: p.newID, Log: p.log,
	})
	if p.providers, err = p.senders(secrets, guarded); err != nil {
		return err
	}
	fanout := &deliver.FanOut{
		Incidents: p.store, Messages: p.store, Plans: p.store, Book: p.book, Ledger: p.store, Listing: p.store,
		Jobs: p.store, Queue: p.queues, Hash: p.hash, Families: families, Now: p.clock.now,
	}
	send := &deliver.Send{
		Incidents: p.store, Messages: p.store, Plans: p.store, Book: p.book, Ledger: p.store,
		Rates: p.rates, Spare: p.rates.ForConfirmations(), Budget: &deliver.Budget{},
		Senders: p.providers, Farewells: p.subscribe, Operators: p.announce, Families: families, Hash: p.hash,
		Links: func(s incident.Subscriber) (string, string) {
			return subscriberLinks.Unsubscribe(s), subscriberLinks.Manage(s, p.clock.now())
		},
		Now: p.clock.now, NewID: p.newID, Lease: p.config.Lease,
	}
	keys := &access.Service{
		Store: embedded.NewAccess(p.kv), First: access.Token(p.key), FirstName: localKey, Random: rand.Reader, Now: p.clock.now,
	}
	here := machine{relay: p.config.SMTP != "", secrets: secrets}
	operators := p.operators(api.Config{
		Announce: p.announce, Listing: p.store, Switches: p.rates, Status: p.store, DeadLetters: deadLetters{p.queues},
		Keys: keys, Access: keys, Parse: parsePlan, Families: families, Now: p.clock.now, Log: p.log,
		Readiness: &ready.Service{
			Plans: p.store, Mail: here, SMS: here, Secrets: here, Counter: p.book, Families: families, Now: p.clock.now, Log: p.log,
		},
	}, tokens)
	readers, err := signup.New(signup.Config{Service: p.subscribe, URL: p.url, Now: p.clock.now, Log: p.log})
	if err != nil {
		return err
	}
	queue := handler.Queue{
		Visibility: p.queues, Parking: p.queues, Budget: p.config.Timeout - reserve, Now: p.clock.now, Log: p.log,
	}
	p.engine = newEngine(&engine{
		clock: p.clock, store: p.store, queues: p.queues, visibility: 6 * p.config.Timeout, log: p.log,
		handlers: map[string]lambda.Handler{
			"alarm":    function(handler.Alarm{Intake: p.announce, Visibility: p.queues, Now: p.clock.now, Log: p.log}.Handle),
			"fanout":   function(handler.FanOut{Queue: queue, Pointers: fanout}.Handle),
			"delivery": function(handler.Delivery{Queue: queue, Chunks: send}.Handle),
			"receipt":  function(handler.Receipt{Queue: queue, Receipts: subscribe.NewReceipts(p.subscribe, p.announce)}.Handle),
			"due":      function(handler.Due{Sweep: p, Visibility: p.queues, Now: p.clock.now, Log: p.log}.Handle),
			"api":      function(handler.Gateway{Handler: operators, MaxBody: maxPlanBody, Log: p.log}.Handle),
			"signup":   function(handler.Gateway{Handler: readers, Log: p.log}.Handle),
		},
	})
	return nil
}

// reserve is the part of an invocation that is left for settling.
const reserve = 500 * time.Millisecond

// maxPlanBody lets a whole plan through the gateway; the routes have their own
// smaller bounds.
const maxPlanBody = 1 << 20

// operators is what the api function serves: the API, the page of a draft, and
// the page that readers see.
func (p *program) operators(c api.Config, tokens *token.Codec) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/v1/", api.New(c))
	mux.Handle("/act/", &action.Handler{
		Drafts: p.announce, Plans: p.store, Tokens: tokens, Base: p.url, Now: p.clock.now, Log: p.log,
	})
	mux.Handle("/i/", &public.Handler{Incidents: p.store, History: p.store, Plans: p.store, Log: p.log})
	mux.Handle("/assets/", web.Assets{})
	return mux
}

// private reports whether nobody but this machine reaches the program: it listens
// on loopback, and no proxy in front of it has a public name.
func (p *program) private() bool { return p.loopback && p.config.PublicURL == "" }

// secrets makes or reads the keys of this data folder.
func (p *program) secrets() ([]byte, error) {
	text, err := kept(p.config.Data, "root.key", 32)
	if err != nil {
		return nil, err
	}
	secret, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil {
		return nil, errors.New("root.key in the data folder is damaged: it must hold 64 hexadecimal digits")
	}
	p.key = localKey
	if !p.private() {
		key, err := kept(p.config.Data, "admin.key", 24)
		if err != nil {
			return nil, err
		}
		p.key = "shk_admin_" + strings.TrimSpace(string(key))
	}
	return secret, nil
}

// newID answers an id that sorts by time.
func (p *program) newID() string { return ulid.Make().String() }

// Sweep does what is due in every part of the program.
func (p *program) Sweep(ctx context.Context, now time.Time) error {
	return errors.Join(p.announce.Sweep(ctx, now), p.subscribe.Sweep(ctx, now), p.store.Sweep(ctx, now))
}

// release gives back what a process that is gone had in its hands. There is one
// process to a folder, so nobody else can be holding it.
func (p *program) release(ctx context.Context) error {
	if err := p.store.Release(ctx, p.clock.now()); err != nil {
		return fmt.Errorf("release leases: %w", err)
	}
	if err := p.rates.Release(ctx, p.clock.now()); err != nil {
		return fmt.Errorf("release channels: %w", err)
	}
	if err := p.queues.ReleaseAll(ctx); err != nil {
		return fmt.Errorf("release messages: %w", err)
	}
	return nil
}

// deadLetters shows what the queues have parked to the API.
type deadLetters struct{ queues *embedded.Queues }

// maxShown is how much of a parked message is shown.
const maxShown = 8 << 10

// Parked implements api.DeadLetters.
func (d deadLetters) Parked(ctx context.Context) ([]handler.Parked, error) {
	ps, err := d.queues.Parked(ctx)
	out := make([]handler.Parked, len(ps))
	for n, p := range ps {
		shown := strings.ToValidUTF8(string(p.Body[:min(len(p.Body), maxShown)]), "\uFFFD")
		out[n] = handler.Parked{Queue: p.Queue, Why: p.Why, At: p.At, Body: shown}
	}
	return out, err
}

// publisher is the bus for subscribe, which leaves the deadline to us.
type publisher struct {
	queues *embedded.Queues
	clock  *clock
}

// Publish implements subscribe.Publisher.
func (b publisher) Publish(ctx context.Context, p deliver.Pointer) error {
	return b.queues.Publish(ctx, p, b.clock.now().Add(time.Second))
}
