package subscribe

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"shirase/internal/incident"
	"shirase/internal/message"
	"shirase/internal/plan"
)

// maxConflicts is how often a change is tried when others write the same record.
const maxConflicts = 8

// Config is what a [Service] is made of. Caps and Rules have defaults;
// everything else must be given.
type Config struct {
	Store        Store
	Agenda       Agenda
	Suppressions Suppressions
	Limits       Limits
	Plans        Plans
	Incidents    Incidents
	Publisher    Publisher
	Challenger   Challenger
	Links        Links
	// Key makes recipient ids, codes and hashes; the same for the whole program.
	Key   []byte
	Rules Rules
	Caps  Caps
	// Render writes memos: message.RenderMemo.
	Render func(message.MemoInput) (map[incident.Family]message.Content, error)
	Now    func() time.Time
	NewID  func() string
	Log    *slog.Logger
}

// A Service holds the use cases. It keeps nothing between calls.
type Service struct {
	store        Store
	agenda       Agenda
	suppressions Suppressions
	limits       Limits
	plans        Plans
	incidents    Incidents
	publisher    Publisher
	challenger   Challenger
	links        Links
	key          []byte
	rules        Rules
	caps         Caps
	render       func(message.MemoInput) (map[incident.Family]message.Content, error)
	now          func() time.Time
	newID        func() string
	log          *slog.Logger
}

// New makes a service.
func New(c Config) *Service {
	return &Service{
		store: c.Store, agenda: c.Agenda, suppressions: c.Suppressions, limits: c.Limits, plans: c.Plans,
		incidents: c.Incidents, publisher: c.Publisher, challenger: c.Challenger,
		links: c.Links, key: slices.Clone(c.Key), rules: c.Rules.withDefaults(), caps: c.Caps.withDefaults(),
		render: c.Render, now: c.Now, newID: c.NewID, log: c.Log,
	}
}

// Origin is where a wish came from.
type Origin struct {
	IP  netip.Addr
	How How
}

// A View is a subscription as the person concerned sees it.
type View struct {
	Channel incident.Channel
	State   incident.SubscriberState
	// Masked is enough of the address to recognise it by.
	Masked string
	Prefs  Prefs
	// Manage and Unsubscribe are tokens, empty where the caller's own token does
	// not entitle to them.
	Manage, Unsubscribe string
}

// An Offer is what can be signed up for.
type Offer struct {
	// Organisation is who would write.
	Organisation incident.Text
	// Contact is where readers turn: a URL or a mail address.
	Contact    string
	Channels   []incident.Channel
	Components []plan.Component
	Locales    []incident.Locale
	// Zone is the organisation's own.
	Zone string
}

// Offer answers what can be signed up for, or [ErrClosed].
func (s *Service) Offer(ctx context.Context) (Offer, error) {
	p, err := s.plans.Current(ctx)
	if err != nil {
		return Offer{}, fmt.Errorf("read the plan: %w", err)
	}
	if _, ok := public(p); !ok {
		return Offer{}, ErrClosed
	}
	return Offer{
		Organisation: p.Organisation.Name.Clone(), Contact: p.Organisation.Contact, Channels: slices.Clone(s.rules.Channels),
		Components: slices.Clone(p.Components), Locales: slices.Clone(p.Organisation.Locales), Zone: zoneOf(p),
	}, nil
}

// public answers the audience that people sign up for.
func public(p *plan.Plan) (incident.Audience, bool) {
	n := slices.IndexFunc(p.Audiences, func(a plan.Audience) bool { return a.Public })
	if n < 0 {
		return "", false
	}
	return p.Audiences[n].ID, true
}

func zoneOf(p *plan.Plan) string {
	if p.Organisation.Zone == nil {
		return "UTC"
	}
	return p.Organisation.Zone.String()
}

// maxZone bounds the name of a time zone.
const maxZone = 64

// check answers the preferences in their plain form, or everything wrong with
// them. Whoever ticks every component wants to hear of everything, also of what
// the plan adds later.
func (w Prefs) check(p *plan.Plan) (Prefs, error) {
	var faults []error
	fault := func(field string, c Code) { faults = append(faults, &Fault{Field: field, Code: c}) }
	if w.Locale == "" && len(p.Organisation.Locales) > 0 {
		w.Locale = p.Organisation.Locales[0]
	}
	if !slices.Contains(p.Organisation.Locales, w.Locale) {
		fault("locale", LocaleUnknown)
	}
	if w.Zone != "" {
		if _, err := time.LoadLocation(w.Zone); err != nil || len(w.Zone) > maxZone || w.Zone == "Local" {
			fault("zone", ZoneUnknown)
		}
	}
	var chosen []incident.ComponentID
	for n, id := range w.Components {
		if _, ok := p.Component(id); !ok {
			fault("components."+strconv.Itoa(n), ComponentUnknown)
			if len(faults) > 100 {
				break
			}
			continue
		}
		if !slices.Contains(chosen, id) {
			chosen = append(chosen, id)
		}
	}
	slices.Sort(chosen)
	if len(chosen) == len(p.Components) {
		chosen = nil
	}
	w.Components = chosen
	return w, errors.Join(faults...)
}

func (w Prefs) equal(o Prefs) bool {
	return w.Locale == o.Locale && w.Zone == o.Zone && slices.Equal(w.Components, o.Components)
}

func (w Prefs) apply(s *incident.Subscriber) {
	s.Locale, s.Zone, s.Components = w.Locale, w.Zone, slices.Clone(w.Components)
}

func prefsOf(s incident.Subscriber) Prefs {
	return Prefs{Locale: s.Locale, Zone: s.Zone, Components: slices.Clone(s.Components)}
}

// change reads a record, lets do decide what becomes of it, and writes that; it
// begins anew when somebody else has written first. A record that is not kept
// has version 0. Do answers nil where there is nothing to write.
func (s *Service) change(ctx context.Context, k Key, do func(Record) (*Change, error)) error {
	for n := 0; ; n++ {
		r, err := s.load(ctx, k)
		if err != nil {
			return err
		}
		c, err := do(r)
		if err != nil || c == nil {
			return err
		}
		err = s.store.Commit(ctx, *c)
		if err == nil {
			return nil
		}
		if n >= maxConflicts || !errors.Is(err, incident.ErrConflict) {
			return fmt.Errorf("write the subscription: %w", err)
		}
	}
}

func (s *Service) load(ctx context.Context, k Key) (Record, error) {
	r, err := s.store.Load(ctx, k)
	switch {
	case errors.Is(err, incident.ErrNotFound):
		return Record{Subscriber: incident.Subscriber{ID: k.ID, Audience: k.Audience, Channel: k.Channel}}, nil
	case err != nil:
		return Record{}, fmt.Errorf("read the subscription: %w", err)
	}
	return r.Clone(), nil
}

func (s *Service) consent(k Key, e Event, text string, from Origin, basis string, now time.Time) []Consent {
	return []Consent{{Key: k, At: now, Event: e, Text: text, How: from.How, IP: s.network(from.IP), Basis: basis}}
}

// hash answers a keyed digest of a value for one use.
func (s *Service) hash(use, value string) string { return hex.EncodeToString(s.mac(use, value)[:16]) }

func (s *Service) mac(use, value string) []byte {
	m := hmac.New(sha256.New, s.key)
	m.Write([]byte("subscribe\x00" + use + "\x00" + value))
	return m.Sum(nil)
}

// mask answers enough of an address to recognise one's own by, and too little
// to learn another's.
func mask(c incident.Channel, a incident.Address) string {
	s := a.Reveal()
	if c == incident.Email {
		if local, domain, ok := cutLast(s, "@"); ok && local != "" {
			return local[:1] + "•••@" + domain
		}
		return ""
	}
	if c == incident.SMS {
		if len(s) < 4 {
			return ""
		}
		return "••• " + s[len(s)-4:]
	}
	_, rest, _ := strings.Cut(s, "://")
	host, _, _ := strings.Cut(rest, "/")
	return host
}

func cloneTags(m map[string]string) map[string]string { return maps.Clone(m) }

func view(r Record) View {
	return View{
		Channel: r.Subscriber.Channel, State: r.Subscriber.State,
		Masked: mask(r.Subscriber.Channel, r.Subscriber.Address), Prefs: prefsOf(r.Subscriber),
	}
}
