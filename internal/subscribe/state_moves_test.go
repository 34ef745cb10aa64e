package subscribe_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"pgregory.net/rapid"

	"shirase/internal/deliver"
	"shirase/internal/incident"
	"shirase/internal/subscribe"
)

func (m *model) activate(t *rapid.T, ask int) {
	if m.state != incident.Active {
		m.begins(t)
	}
	m.newest, m.confirmed, m.confirmedAt, m.left = -1, ask, m.Time, false
	for _, i := range m.Ongoing {
		m.owed[i.ID()] = true
	}
}

// begins is a subscription that was none before. Links to an earlier one are dead.
func (m *model) begins(t *rapid.T) {
	sub := m.record(t).Subscriber
	if sub.Epoch <= m.epoch {
		t.Fatalf("the subscription began in epoch %d after %d, want a later one", sub.Epoch, m.epoch)
	}
	if m.begun > 0 {
		m.met["subscribed again"]++
	}
	m.state, m.begun, m.epoch = incident.Active, m.begun+1, sub.Epoch
	_, tok, _ := strings.Cut(m.Config().Links.Manage(sub, m.Time), "?t=")
	m.manages = append(m.manages, manage{tok, m.begun, m.Time.Truncate(24 * time.Hour).Add(91 * 24 * time.Hour)})
}

// unsubscribe uses the link that stands in every message, however old.
func (m *model) unsubscribe(t *rapid.T) {
	_, tok, _ := strings.Cut(m.Config().Links.Unsubscribe(incident.Subscriber{ID: m.key.ID, Audience: m.key.Audience, Channel: m.key.Channel}), "?t=")
	if err := m.s.Unsubscribe(t.Context(), tok, subscribe.Origin{}); err != nil {
		t.Fatalf("Unsubscribe() = %v, want no error", err)
	}
	m.leaves()
}

// gone is an endpoint that asks not to be called again.
func (m *model) gone(t *rapid.T) {
	if err := m.s.Gone(t.Context(), m.key.Channel, m.key.ID); err != nil {
		t.Fatalf("Gone() = %v, want no error", err)
	}
	m.met["gone"]++
	m.leaves()
}

func (m *model) leaves() {
	if m.state == incident.Pending || m.state == incident.Active {
		m.left = true
		m.end(incident.Unsubscribed)
	}
}

func (m *model) end(to incident.SubscriberState) {
	m.state, m.newest, m.confirmed, m.tries = to, -1, -1, 0
	clear(m.owed)
}

func (m *model) change(t *rapid.T) {
	if len(m.manages) == 0 {
		return
	}
	l := rapid.SampledFrom(m.manages).Draw(t, "link")
	locale := rapid.SampledFrom([]incident.Locale{"ja", "en"}).Draw(t, "locale")
	_, err := m.s.Change(t.Context(), l.tok, subscribe.Prefs{Locale: locale}, subscribe.Origin{})
	if m.state == incident.Active && l.begun == m.begun && m.Time.Before(l.until) {
		if err != nil || m.record(t).Subscriber.Locale != locale {
			t.Fatalf("Change() = %v, want the locale %s", err, locale)
		}
		return
	}
	m.met["dead manage link"]++
	if !errors.Is(err, subscribe.ErrLapsed) {
		t.Fatalf("Change(dead link) = %v, want %v", err, subscribe.ErrLapsed)
	}
}

// suppress is a bounce, a complaint, or an SMS that says stop.
func (m *model) suppress(t *rapid.T) {
	if rapid.IntRange(0, 9).Draw(t, "rare") != 0 {
		return // it would end most runs
	}
	m.banned = true
	why := rapid.SampledFrom([]subscribe.SuppressReason{subscribe.Bounced, subscribe.Complained, subscribe.OptedOut}).Draw(t, "why")
	if err := m.s.Suppress(t.Context(), m.key.Channel, m.key.ID, why); err != nil {
		t.Fatalf("Suppress() = %v, want no error", err)
	}
	if m.state != "" {
		m.end(incident.Suppressed)
	}
}

// imports takes in whoever was never known, and nobody else.
func (m *model) imports(t *rapid.T) {
	banned := m.banned
	err := m.s.Import(t.Context(), []subscribe.Entry{{Audience: m.key.Audience, Channel: m.key.Channel, Address: m.addr}}, "contract 12")
	if err != nil {
		t.Fatalf("Import() = %v, want no error", err)
	}
	switch {
	case m.left:
		m.met["import of one who left"]++
	case !banned && m.state == "":
		m.met["imported"]++
		m.begins(t)
		m.confirmed, m.confirmedAt = -1, m.Time
	}
}

func (m *model) wait(t *rapid.T) {
	m.Time = m.Time.Add(time.Duration(rapid.SampledFrom([]int{1, 20, 59, 60, 600, 2880, 3000}).Draw(t, "minutes")) * time.Minute)
}

func (m *model) sweep(t *rapid.T) {
	err := m.s.Sweep(t.Context(), m.Time)
	if err != nil && !m.BusDown {
		t.Fatalf("Sweep() = %v, want no error", err)
	}
	if m.newest >= 0 && !m.Time.Before(m.asks[m.newest].until) {
		m.newest = -1
		if m.state == incident.Pending {
			m.end(incident.Unsubscribed)
			if m.begun == 0 && !m.left {
				m.state = ""
			}
		}
	}
	if m.BusDown {
		return
	}
	for id := range m.owed {
		if !slices.ContainsFunc(m.Pointers, func(p deliver.Pointer) bool { return p.Incident == id && p.Late != "" }) {
			t.Fatalf("Sweep() left the subscriber without a word on %s", id)
		}
	}
	if left, err := m.Due(t.Context(), m.Time, 10); err != nil || len(left) > 0 {
		t.Fatalf("Sweep() left %v, %v, want nothing that is due", left, err)
	}
}

func (m *model) announce(t *rapid.T) {
	if m.incidents == 3 {
		return
	}
	m.incidents++
	if err := m.Announce(incident.ID(fmt.Sprintf("inc-%d", m.incidents)), "login"); err != nil {
		t.Fatal(err)
	}
}

// check holds after every step.
func (m *model) check(t *rapid.T) {
	m.met["state "+string(m.state)]++
	r := m.record(t)
	if r.Subscriber.State != m.state || (r.Version == 0) != (m.state == "") {
		t.Fatalf("record is %q at version %d, want %q", r.Subscriber.State, r.Version, m.state)
	}
	if keeps := r.Subscriber.Address != ""; keeps != (m.state == incident.Pending || m.state == incident.Active) {
		t.Fatalf("record in state %q keeps the address: %t", m.state, keeps)
	}
	if (r.Ask != nil) != (m.newest >= 0) {
		t.Fatalf("record has a sign-up: %t, want %t", r.Ask != nil, m.newest >= 0)
	}
	if told, err := m.told(t.Context(), m.key); err != nil || told != (m.state == incident.Active && !m.banned) {
		t.Fatalf("a sender would write: %t, %v, in state %q, suppressed %t", told, err, m.state, m.banned)
	}
	if len(m.Consents) < m.consents {
		t.Fatalf("the consent ledger shrank to %d entries from %d", len(m.Consents), m.consents)
	}
	m.consents = len(m.Consents)
}
