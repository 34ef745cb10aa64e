// Package subscribetest gives the tests of sign-up a small world in memory: a
// store with conditional writes, a bus, limits, a plan and a clock, behind the
// ports of package subscribe. It is for tests only.
package subscribetest

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"shirase/internal/deliver"
	"shirase/internal/incident"
	"shirase/internal/message"
	"shirase/internal/plan"
	"shirase/internal/subscribe"
	"shirase/internal/subscribe/phone"
	"shirase/internal/token"
)

// Key is the key of every test: it makes recipient ids, codes and tokens.
var Key = []byte("0123456789abcdef0123456789abcdef")

// ErrDown is what a part of the world answers that a test has put out of order.
var ErrDown = errors.New("out of order")

// A World is all that sign-up depends on. Its fields may be changed between
// calls, under no lock, by the one test that has it.
type World struct {
	mu sync.Mutex

	Time    time.Time
	Plan    *plan.Plan
	Ongoing []incident.Incident
	BusDown bool
	// Answer is what endpoints say to a challenge; nil means silence.
	Answer func(subscribe.Challenge) string

	Records    map[subscribe.Key]subscribe.Record
	Consents   []subscribe.Consent
	Memos      []deliver.Memo
	Works      map[string]subscribe.Work
	Banned     map[string]subscribe.Suppression
	Pointers   []deliver.Pointer
	Challenges []subscribe.Challenge
	Takes      map[string][]time.Time
	// Writes counts everything that changed anything.
	Writes int
	// Conflicts makes that many commits lose against another writer.
	Conflicts int

	ids int
}

// New makes a world with a plan of two languages and three components, on a
// Tuesday afternoon.
func New() *World {
	tokyo := time.FixedZone("Asia/Tokyo", 9*60*60)
	return &World{
		Time: time.Date(2026, 9, 15, 5, 12, 0, 0, time.UTC),
		Plan: &plan.Plan{
			Version: 1,
			Organisation: plan.Organisation{
				Name: incident.Text{"ja": "ミナト請求", "en": "Minato Billing"}, Zone: tokyo,
				Locales: []incident.Locale{"ja", "en"}, URL: "https://minato.test",
			},
			Components: []plan.Component{
				{ID: "invoices", Name: incident.Text{"ja": "請求書の送信", "en": "Sending invoices"}},
				{ID: "login", Name: incident.Text{"ja": "ログイン", "en": "Signing in"}},
				{ID: "export", Name: incident.Text{"ja": "書き出し", "en": "Exports"}},
			},
			Audiences: []plan.Audience{{ID: incident.Engineering}, {ID: incident.Customers, Public: true}},
		},
		Records: map[subscribe.Key]subscribe.Record{}, Works: map[string]subscribe.Work{},
		Banned: map[string]subscribe.Suppression{}, Takes: map[string][]time.Time{},
	}
}

// Config answers a configuration with every port on this world.
func (w *World) Config() subscribe.Config {
	codec, err := token.New(token.Key{ID: "k1", Secret: Key})
	if err != nil {
		panic(err) // the key is a constant
	}
	return subscribe.Config{
		Rules: subscribe.Rules{Phones: phone.Numbers{}},
		Store: w, Agenda: w, Suppressions: w, Limits: w, Plans: w, Incidents: w, Publisher: w, Challenger: w,
		Links: subscribe.Links{Tokens: codec, URL: "https://minato.test"}, Key: Key,
		Render: Render, Now: w.Now, NewID: w.NewID, Log: slog.New(slog.DiscardHandler),
	}
}

// Render writes a confirmation that holds nothing but its link or code.
func Render(in message.MemoInput) (map[incident.Family]message.Content, error) {
	return map[incident.Family]message.Content{
		incident.FamilyEmail: {Subject: "confirm", Text: in.Link}, incident.FamilySMS: {Text: in.Code},
	}, nil
}

// Now answers the world's time.
func (w *World) Now() time.Time { w.mu.Lock(); defer w.mu.Unlock(); return w.Time }

// NewID answers ids that count up.
func (w *World) NewID() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ids++
	return fmt.Sprintf("%026d", w.ids)
}

// ID names an address as the service does.
func (w *World) ID(c incident.Channel, a incident.Address) subscribe.Key {
	return subscribe.Key{Audience: incident.Customers, Channel: c, ID: incident.NewRecipientID(Key, c, a)}
}

// Record answers what is kept of an address; the zero Record if nothing is.
func (w *World) Record(c incident.Channel, a incident.Address) subscribe.Record {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.Records[w.ID(c, a)].Clone()
}

// Memo answers the text of the newest confirmation to an address; empty if
// there is none.
func (w *World) Memo(c incident.Channel, a incident.Address) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, m := range slices.Backward(w.Memos) {
		if m.Recipient == w.ID(c, a).ID {
			return m.Content.Text
		}
	}
	return ""
}

// Token answers the token of the newest confirmation link to an address.
func (w *World) Token(c incident.Channel, a incident.Address) string {
	_, tok, _ := strings.Cut(w.Memo(c, a), "?t=")
	return tok
}

// Dump writes everything that is kept, so that a test can tell whether anything
// changed.
func (w *World) Dump() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var lines []string
	for k, r := range w.Records {
		lines = append(lines, fmt.Sprintf("record %v %+v %s", k, r, r.Subscriber.Address.Reveal()))
	}
	for id, x := range w.Works {
		lines = append(lines, fmt.Sprintf("work %s %+v", id, x))
	}
	for k, x := range w.Banned {
		lines = append(lines, fmt.Sprintf("banned %s %+v", k, x))
	}
	for k, x := range w.Takes {
		lines = append(lines, fmt.Sprintf("takes %s %v", k, x))
	}
	slices.Sort(lines)
	b, err := json.Marshal([]any{w.Consents, w.Memos, w.Pointers, w.Challenges, w.Writes})
	if err != nil {
		panic(err) // plain data
	}
	return strings.Join(append(lines, string(b)), "\n")
}

// Load implements subscribe.Store.
func (w *World) Load(_ context.Context, k subscribe.Key) (subscribe.Record, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	r, ok := w.Records[k]
	if !ok {
		return subscribe.Record{}, fmt.Errorf("record: %w", incident.ErrNotFound)
	}
	return r.Clone(), nil
}

// Commit implements subscribe.Store.
func (w *World) Commit(_ context.Context, c subscribe.Change) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	k := c.Record.Key()
	if w.Conflicts > 0 {
		w.Conflicts--
		if r, ok := w.Records[k]; ok {
			r.Version++
			w.Records[k] = r
		}
		return fmt.Errorf("commit: %w", incident.ErrConflict)
	}
	if w.Records[k].Version != c.Record.Version {
		return fmt.Errorf("commit: %w", incident.ErrConflict)
	}
	w.Writes++
	if c.Delete {
		delete(w.Records, k)
	} else {
		r := c.Record.Clone()
		r.Version++
		w.Records[k] = r
	}
	w.Consents = append(w.Consents, c.Consent...)
	if c.Memo != nil {
		w.Memos = append(w.Memos, *c.Memo)
	}
	for _, x := range c.Work {
		if _, ok := w.Works[x.ID]; !ok {
			w.Works[x.ID] = x
		}
	}
	return nil
}

// Due implements subscribe.Agenda.
func (w *World) Due(_ context.Context, now time.Time, limit int) ([]subscribe.Work, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []subscribe.Work
	for _, x := range w.Works {
		if !x.Due.After(now) {
			out = append(out, x)
		}
	}
	slices.SortFunc(out, func(a, b subscribe.Work) int {
		return cmp.Or(a.Due.Compare(b.Due), cmp.Compare(a.ID, b.ID))
	})
	return out[:min(limit, len(out))], nil
}

// Done implements subscribe.Agenda.
func (w *World) Done(_ context.Context, x subscribe.Work) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.Writes++
	delete(w.Works, x.ID)
	return nil
}

// Suppressed implements subscribe.Suppressions.
func (w *World) Suppressed(_ context.Context, c incident.Channel, id incident.RecipientID) (bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, ok := w.Banned[string(c)+"#"+string(id)]
	return ok, nil
}

// Suppress implements subscribe.Suppressions.
func (w *World) Suppress(_ context.Context, s subscribe.Suppression) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.Writes++
	k := string(s.Channel) + "#" + string(s.ID)
	if _, ok := w.Banned[k]; !ok {
		w.Banned[k] = s
	}
	return nil
}

// Take implements subscribe.Limits with a sliding window.
func (w *World) Take(_ context.Context, key string, c subscribe.Cap, now time.Time) (time.Duration, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.Writes++
	recent := slices.DeleteFunc(slices.Clone(w.Takes[key]), func(t time.Time) bool { return !t.Add(c.Per).After(now) })
	if len(recent) >= c.N {
		return recent[0].Add(c.Per).Sub(now), nil
	}
	w.Takes[key] = append(recent, now)
	return 0, nil
}

// Current implements subscribe.Plans.
func (w *World) Current(context.Context) (*plan.Plan, error) { return w.Plan, nil }

// Live implements subscribe.Incidents.
func (w *World) Live(context.Context) ([]incident.Incident, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.Ongoing), nil
}

// Publish implements subscribe.Publisher.
func (w *World) Publish(_ context.Context, p deliver.Pointer) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.BusDown {
		return ErrDown
	}
	w.Writes++
	w.Pointers = append(w.Pointers, p)
	return nil
}

// Challenge implements subscribe.Challenger.
func (w *World) Challenge(_ context.Context, _ incident.Address, c subscribe.Challenge) (string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.Writes++
	w.Challenges = append(w.Challenges, c)
	if w.Answer == nil {
		return "", ErrDown
	}
	return w.Answer(c), nil
}

// Announce adds an incident that goes on and has had its first notice.
func (w *World) Announce(id incident.ID, components ...incident.ComponentID) error {
	i, err := incident.Open(incident.Opening{
		ID: id, Kind: incident.Outage, Severity: incident.Major, Components: components,
		DetectedAt: w.Time, At: w.Time, By: "test", Plan: 1,
	})
	if err != nil {
		return err
	}
	i, _, err = i.Accept(incident.Proposal{
		Kind: incident.Notice, Stage: incident.Investigating, By: "test", Next: w.Time.Add(30 * time.Minute),
	}, w.Time)
	if err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.Ongoing = append(w.Ongoing, i)
	return nil
}
