package subscribe_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"shirase/internal/deliver"
	"shirase/internal/incident"
	"shirase/internal/subscribe"
	"shirase/internal/subscribe/subscribetest"
)

// model is what a subscription of one address must be after any run of wishes,
// crashes and hours, in a few lines that know nothing of records.
type model struct {
	w *subscribetest.World
	s *subscribe.Service

	state incident.SubscriberState
	epoch int
	// asks are the links sent so far; newest is the one that counts, -1 for none.
	asks      []ask
	newest    int
	confirmed int
	manages   []manage
	consents  int
	incidents int
	// owed are the incidents that the subscriber must be pointed at.
	owed map[incident.ID]bool
}

type ask struct {
	tok   string
	until time.Time
}

type manage struct {
	tok   string
	epoch int
	until time.Time
}

func TestStates(t *testing.T) {
	t.Parallel()
	seen := map[incident.SubscriberState]int{}
	rapid.Check(t, func(t *rapid.T) {
		w := subscribetest.New()
		cfg := w.Config()
		cfg.Caps = subscribe.Caps{Target: subscribe.Cap{N: 1000, Per: time.Hour}, Network: subscribe.Cap{N: 1000, Per: time.Hour}}
		m := &model{w: w, s: subscribe.New(cfg), newest: -1, confirmed: -1, owed: map[incident.ID]bool{}}
		t.Repeat(map[string]func(*rapid.T){
			"sign up":     m.signUp,
			"confirm":     m.confirm,
			"unsubscribe": m.unsubscribe,
			"change":      m.change,
			"suppress":    m.suppress,
			"wait":        m.wait,
			"sweep":       m.sweep,
			"bus":         func(*rapid.T) { w.BusDown = !w.BusDown },
			"announce":    m.announce,
			"conflict":    func(t *rapid.T) { w.Conflicts = rapid.IntRange(0, 3).Draw(t, "conflicts") },
			"":            func(t *rapid.T) { m.check(t); seen[m.state]++ },
		})
	})
	for _, s := range []incident.SubscriberState{"", incident.Pending, incident.Active, incident.Unsubscribed, incident.Suppressed} {
		if seen[s] == 0 {
			t.Errorf("state %q was never reached", s)
		}
	}
}

func (m *model) signUp(t *rapid.T) {
	memos := len(m.w.Memos)
	r := request(incident.Email, mail)
	if _, err := m.s.SignUp(t.Context(), r); err != nil {
		t.Fatalf("SignUp() = %v, want no error", err)
	}
	if m.state == incident.Suppressed {
		if len(m.w.Memos) != memos {
			t.Fatalf("SignUp() wrote to a suppressed address")
		}
		return
	}
	m.asks = append(m.asks, ask{m.w.Token(incident.Email, mail), m.w.Time.Add(48 * time.Hour)})
	m.newest = len(m.asks) - 1
	if m.state != incident.Active {
		m.state = incident.Pending
	}
}

func (m *model) confirm(t *rapid.T) {
	if len(m.asks) == 0 {
		t.Skip("no link yet")
	}
	n := rapid.IntRange(0, len(m.asks)-1).Draw(t, "link")
	a := m.asks[n]
	_, err := m.s.Confirm(t.Context(), a.tok, subscribe.Origin{})
	alive := m.w.Time.Before(a.until)
	switch {
	case alive && n == m.newest && m.state != incident.Suppressed:
		m.activate(n)
	case alive && n == m.confirmed && m.state == incident.Active:
	default:
		if !errors.Is(err, subscribe.ErrLapsed) {
			t.Fatalf("Confirm(link %d) = %v, want %v", n, err, subscribe.ErrLapsed)
		}
		return
	}
	if err != nil {
		t.Fatalf("Confirm(link %d) = %v, want no error", n, err)
	}
}

func (m *model) activate(n int) {
	if m.state != incident.Active {
		m.epoch++
	}
	m.state, m.newest, m.confirmed = incident.Active, -1, n
	for _, i := range m.w.Ongoing {
		m.owed[i.ID()] = true
	}
	sub := m.w.Record(incident.Email, mail).Subscriber
	_, tok, _ := strings.Cut(m.w.Config().Links.Manage(sub, m.w.Time), "?t=")
	m.manages = append(m.manages, manage{tok, m.epoch, m.w.Time.Truncate(24 * time.Hour).Add(91 * 24 * time.Hour)})
}

func (m *model) unsubscribe(t *rapid.T) {
	sub := incident.Subscriber{ID: m.w.ID(incident.Email, mail).ID, Audience: incident.Customers, Channel: incident.Email}
	_, tok, _ := strings.Cut(m.w.Config().Links.Unsubscribe(sub), "?t=")
	if err := m.s.Unsubscribe(t.Context(), tok, subscribe.Origin{}); err != nil {
		t.Fatalf("Unsubscribe() = %v, want no error", err)
	}
	if m.state == incident.Pending || m.state == incident.Active {
		m.end(incident.Unsubscribed)
	}
}

func (m *model) end(to incident.SubscriberState) {
	m.state, m.newest, m.confirmed = to, -1, -1
	clear(m.owed)
}

func (m *model) change(t *rapid.T) {
	if len(m.manages) == 0 {
		t.Skip("no link yet")
	}
	l := rapid.SampledFrom(m.manages).Draw(t, "link")
	locale := rapid.SampledFrom([]incident.Locale{"ja", "en"}).Draw(t, "locale")
	_, err := m.s.Change(t.Context(), l.tok, subscribe.Prefs{Locale: locale}, subscribe.Origin{})
	if m.state == incident.Active && l.epoch == m.epoch && m.w.Time.Before(l.until) {
		if err != nil || m.w.Record(incident.Email, mail).Subscriber.Locale != locale {
			t.Fatalf("Change() = %v, want the locale %s", err, locale)
		}
		return
	}
	if !errors.Is(err, subscribe.ErrLapsed) {
		t.Fatalf("Change(dead link) = %v, want %v", err, subscribe.ErrLapsed)
	}
}

func (m *model) suppress(t *rapid.T) {
	if rapid.IntRange(0, 9).Draw(t, "rare") != 0 {
		t.Skip("it would end most runs")
	}
	if err := m.s.Suppress(t.Context(), incident.Email, m.w.ID(incident.Email, mail).ID, subscribe.Bounced); err != nil {
		t.Fatalf("Suppress() = %v, want no error", err)
	}
	m.end(incident.Suppressed)
}

func (m *model) wait(t *rapid.T) {
	m.w.Time = m.w.Time.Add(time.Duration(rapid.IntRange(1, 50).Draw(t, "hours")) * time.Hour)
}

func (m *model) sweep(t *rapid.T) {
	err := m.s.Sweep(t.Context(), m.w.Time)
	if err != nil && !m.w.BusDown {
		t.Fatalf("Sweep() = %v, want no error", err)
	}
	if m.newest >= 0 && !m.w.Time.Before(m.asks[m.newest].until) {
		m.newest = -1
		if m.state == incident.Pending {
			m.state = incident.Unsubscribed
			if m.epoch == 0 {
				m.state = ""
			}
		}
	}
	if m.w.BusDown {
		return
	}
	for id := range m.owed {
		if !slices.ContainsFunc(m.w.Pointers, func(p deliver.Pointer) bool { return p.Incident == id && p.Late != "" }) {
			t.Fatalf("Sweep() left the subscriber without a word on %s", id)
		}
	}
	for id, x := range m.w.Works {
		if !x.Due.After(m.w.Time) {
			t.Fatalf("Sweep() left %s, which is due", id)
		}
	}
}

func (m *model) announce(t *rapid.T) {
	if m.incidents == 3 {
		t.Skip("enough")
	}
	m.incidents++
	if err := m.w.Announce(incident.ID(fmt.Sprintf("inc-%d", m.incidents)), "login"); err != nil {
		t.Fatal(err)
	}
}

// check holds after every step.
func (m *model) check(t *rapid.T) {
	r := m.w.Record(incident.Email, mail)
	// An address that was suppressed before it was ever known leaves no record.
	if m.state == incident.Suppressed && r.Version == 0 {
		if len(m.w.Banned) == 0 {
			t.Fatalf("nothing remembers the suppression")
		}
		return
	}
	if r.Subscriber.State != m.state || r.Subscriber.Epoch != m.epoch && m.state != "" {
		t.Fatalf("record is %q in epoch %d, want %q in %d", r.Subscriber.State, r.Subscriber.Epoch, m.state, m.epoch)
	}
	if keeps := r.Subscriber.Address != ""; keeps != (m.state == incident.Pending || m.state == incident.Active) {
		t.Fatalf("record in state %q keeps the address: %t", m.state, keeps)
	}
	if (r.Ask != nil) != (m.newest >= 0) {
		t.Fatalf("record has a sign-up: %t, want %t", r.Ask != nil, m.newest >= 0)
	}
	if len(m.w.Consents) < m.consents {
		t.Fatalf("the consent ledger shrank to %d entries from %d", len(m.w.Consents), m.consents)
	}
	m.consents = len(m.w.Consents)
}
