package subscribe_test

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"shirase/internal/deliver"
	"shirase/internal/incident"
	"shirase/internal/subscribe"
	"shirase/internal/subscribe/subscribetest"
)

const (
	mail   = incident.Address("sato@reader.example")
	mobile = incident.Address("+819012345678")
	hook   = incident.Address("https://hooks.example/a")
)

// setup answers a world, and a service in it.
func setup(t *testing.T) (*subscribetest.World, *subscribe.Service) {
	t.Helper()
	w := subscribetest.New()
	return w, subscribe.New(w.Config())
}

func request(c incident.Channel, a incident.Address) subscribe.Request {
	return subscribe.Request{
		Channel: c, Address: a, Prefs: subscribe.Prefs{Locale: "en"}, Consent: "en-1",
		Origin: subscribe.Origin{IP: netip.MustParseAddr("192.0.2.7"), How: subscribe.HowPage},
	}
}

func signUp(t *testing.T, s *subscribe.Service, r subscribe.Request) subscribe.Next {
	t.Helper()
	next, err := s.SignUp(t.Context(), r)
	if err != nil {
		t.Fatalf("SignUp(%s) = %v, want no error", r.Channel, err)
	}
	return next
}

// subscribed signs an address up by mail and confirms it.
func subscribed(t *testing.T, w *subscribetest.World, s *subscribe.Service, r subscribe.Request) subscribe.View {
	t.Helper()
	signUp(t, s, r)
	v, err := s.Confirm(t.Context(), w.Token(r.Channel, r.Address), r.Origin)
	if err != nil {
		t.Fatalf("Confirm() = %v, want no error", err)
	}
	return v
}

func TestEmail(t *testing.T) {
	t.Parallel()
	w, s := setup(t)
	r := request(incident.Email, mail)
	r.Prefs.Components = []incident.ComponentID{"login", "invoices", "login"}
	signUp(t, s, r)

	rec := w.Record(incident.Email, mail)
	if rec.Subscriber.State != incident.Pending || rec.Subscriber.Address != mail {
		t.Errorf("after SignUp: %s with address %t, want pending with it", rec.Subscriber.State, rec.Subscriber.Address == mail)
	}
	if got, want := w.Pointers, []deliver.Pointer{{Incident: deliver.NoIncident, Slot: w.Memos[0].Slot, Channel: incident.Email}}; !cmp.Equal(got, want) {
		t.Errorf("SignUp() published %v, want %v", got, want)
	}
	if _, ok := w.Works["memo/"+rec.Ask.ID]; ok {
		t.Errorf("SignUp() left the memo's work, want it done")
	}
	tok := w.Token(incident.Email, mail)
	before := w.Dump()
	v, err := s.Waiting(t.Context(), tok)
	if err != nil || v.State != incident.Pending || v.Masked != "s•••@reader.example" {
		t.Errorf("Waiting() = %+v, %v, want a pending view", v, err)
	}
	if w.Dump() != before {
		t.Errorf("Waiting() changed something, want nothing changed")
	}
	v, err = s.Confirm(t.Context(), tok, r.Origin)
	if err != nil || v.State != incident.Active || v.Manage == "" {
		t.Fatalf("Confirm() = %+v, %v, want an active view with a manage token", v, err)
	}
	got := w.Record(incident.Email, mail).Subscriber
	want := incident.Subscriber{
		ID: w.ID(incident.Email, mail).ID, Audience: incident.Customers, Channel: incident.Email, Address: mail, Locale: "en",
		Components: []incident.ComponentID{"invoices", "login"}, State: incident.Active, Epoch: 1,
		CreatedAt: w.Time, ConfirmedAt: w.Time, Consent: "en-1",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("after Confirm (-want +got):\n%s", diff)
	}
	before = w.Dump()
	if _, err := s.Confirm(t.Context(), tok, r.Origin); err != nil || w.Dump() != before {
		t.Errorf("Confirm() again = %v, want no error and nothing changed", err)
	}
	var events []subscribe.Event
	for _, c := range w.Consents {
		events = append(events, c.Event)
		if c.Text != "en-1" || c.How != subscribe.HowPage || c.IP == "" || strings.Contains(c.IP, "192.0.2") || !c.At.Equal(w.Time) {
			t.Errorf("consent entry %+v, want text, way, time and a hashed network", c)
		}
	}
	if want := []subscribe.Event{subscribe.EventAsked, subscribe.EventConfirmed}; !cmp.Equal(events, want) {
		t.Errorf("consent events = %v, want %v", events, want)
	}
}

func TestSMS(t *testing.T) {
	t.Parallel()
	w, s := setup(t)
	r := request(incident.SMS, mobile)
	next := signUp(t, s, r)
	code := w.Memo(incident.SMS, mobile)
	if len(code) != 6 || strings.Trim(code, "0123456789") != "" {
		t.Fatalf("the SMS holds %q, want six digits", code)
	}
	if _, err := s.ConfirmCode(t.Context(), next.Ref, other(code), r.Origin); fault(err) != subscribe.CodeWrong {
		t.Errorf("ConfirmCode(wrong) = %v, want %s", err, subscribe.CodeWrong)
	}
	v, err := s.ConfirmCode(t.Context(), next.Ref, " "+code[:3]+"-"+code[3:], r.Origin)
	if err != nil || v.State != incident.Active || v.Manage == "" {
		t.Errorf("ConfirmCode(right) = %+v, %v, want an active view", v, err)
	}
	if _, err := s.ConfirmCode(t.Context(), next.Ref, code, r.Origin); err != nil {
		t.Errorf("ConfirmCode(right) again = %v, want no error", err)
	}
}

func TestSMSTries(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name      string
		wrong     int
		confirmed bool
		want      subscribe.Code
	}{
		{"four wrong", 4, false, ""},
		{"five wrong", 5, false, subscribe.CodeWrong},
		// Whoever guesses at a number that is subscribed must not get in either.
		{"five wrong after it was confirmed", 5, true, subscribe.CodeWrong},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w, s := setup(t)
			next := signUp(t, s, request(incident.SMS, mobile))
			code := w.Memo(incident.SMS, mobile)
			if tt.confirmed {
				if _, err := s.ConfirmCode(t.Context(), next.Ref, code, subscribe.Origin{}); err != nil {
					t.Fatalf("ConfirmCode() = %v, want no error", err)
				}
			}
			for range tt.wrong {
				if _, err := s.ConfirmCode(t.Context(), next.Ref, other(code), subscribe.Origin{}); fault(err) != subscribe.CodeWrong {
					t.Errorf("ConfirmCode(wrong) = %v, want %s", err, subscribe.CodeWrong)
				}
			}
			if _, err := s.ConfirmCode(t.Context(), next.Ref, code, subscribe.Origin{}); fault(err) != tt.want {
				t.Errorf("ConfirmCode(right, after %d wrong) = %v, want %q", tt.wrong, err, tt.want)
			}
		})
	}
}

func TestSMSCodeLife(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		after time.Duration
		want  error
	}{{time.Hour - time.Second, nil}, {time.Hour, subscribe.ErrLapsed}} {
		w, s := setup(t)
		next := signUp(t, s, request(incident.SMS, mobile))
		w.Time = w.Time.Add(tt.after)
		if _, err := s.ConfirmCode(t.Context(), next.Ref, w.Memo(incident.SMS, mobile), subscribe.Origin{}); !errors.Is(err, tt.want) {
			t.Errorf("ConfirmCode(after %s) = %v, want %v", tt.after, err, tt.want)
		}
	}
}

func TestWebhook(t *testing.T) {
	t.Parallel()
	echo := func(c subscribe.Challenge) string { return c.Value }
	for _, tt := range []struct {
		name   string
		answer func(subscribe.Challenge) string
		want   incident.SubscriberState
	}{
		{"answers", echo, incident.Active},
		{"answers wrongly", func(subscribe.Challenge) string { return "hello" }, incident.Pending},
		{"answers nothing", func(subscribe.Challenge) string { return "" }, incident.Pending},
		{"is not there", nil, incident.Pending},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w, s := setup(t)
			w.Answer = tt.answer
			next := signUp(t, s, request(incident.Webhook, hook))
			rec := w.Record(incident.Webhook, hook)
			if rec.Subscriber.State != tt.want || next != (subscribe.Next{Channel: incident.Webhook}) {
				t.Errorf("SignUp() = %+v, state %s, want nothing told and state %s", next, rec.Subscriber.State, tt.want)
			}
			if tt.want == incident.Active && rec.Subscriber.Secret != w.Challenges[0].Secret {
				t.Errorf("the stored secret differs from the one the endpoint was sent")
			}
			if len(w.Memos)+len(w.Pointers) > 0 {
				t.Errorf("SignUp() stored %d memos, published %d pointers, want none", len(w.Memos), len(w.Pointers))
			}
		})
	}
}

// A stranger can sign up an endpoint that answers by itself, but not change
// what it hears, nor the secret it checks with.
func TestWebhookStranger(t *testing.T) {
	t.Parallel()
	w, s := setup(t)
	w.Answer = func(c subscribe.Challenge) string { return c.Value }
	signUp(t, s, request(incident.Webhook, hook))
	before := w.Record(incident.Webhook, hook).Subscriber
	r := request(incident.Webhook, hook)
	r.Prefs.Components = []incident.ComponentID{"export"}
	signUp(t, s, r)
	after := w.Record(incident.Webhook, hook)
	if diff := cmp.Diff(before, after.Subscriber); diff != "" || after.Ask != nil {
		t.Errorf("after a stranger's SignUp (-before +after):\n%s", diff)
	}
	_, tok, _ := strings.Cut(w.Challenges[1].Manage, "?t=")
	if _, err := s.Preferences(t.Context(), tok); err != nil {
		t.Errorf("Preferences(link of the challenge) = %v, want no error", err)
	}
}

func TestSignUpFaults(t *testing.T) {
	t.Parallel()
	w, s := setup(t)
	before := w.Dump()
	_, err := s.SignUp(t.Context(), subscribe.Request{
		Channel: incident.Email, Address: "nobody",
		Prefs: subscribe.Prefs{Locale: "fr", Zone: "Mars/Olympus", Components: []incident.ComponentID{"login", "nothing"}},
	})
	var got []string
	for _, f := range subscribe.Faults(err) {
		got = append(got, f.Field+" "+string(f.Code))
	}
	want := []string{"address email_form", "locale locale_unknown", "zone zone_unknown", "components.1 component_unknown"}
	if !cmp.Equal(got, want) || !errors.Is(err, incident.ErrInvalid) {
		t.Errorf("SignUp(bad) = %q, want %q", got, want)
	}
	if w.Dump() != before {
		t.Errorf("SignUp(bad) changed something, want nothing changed")
	}
}

func TestSignUpClosed(t *testing.T) {
	t.Parallel()
	w, s := setup(t)
	w.Plan.Audiences[1].Public = false
	if _, err := s.SignUp(t.Context(), request(incident.Email, mail)); !errors.Is(err, subscribe.ErrClosed) {
		t.Errorf("SignUp() = %v, want %v", err, subscribe.ErrClosed)
	}
	if _, err := s.Offer(t.Context()); !errors.Is(err, subscribe.ErrClosed) {
		t.Errorf("Offer() = %v, want %v", err, subscribe.ErrClosed)
	}
}

// Whoever ticks everything hears of everything, also of what is added later.
func TestAllComponentsMeanEverything(t *testing.T) {
	t.Parallel()
	w, s := setup(t)
	r := request(incident.Email, mail)
	r.Prefs.Components = []incident.ComponentID{"export", "login", "invoices"}
	subscribed(t, w, s, r)
	if got := w.Record(incident.Email, mail).Subscriber.Components; got != nil {
		t.Errorf("components = %v, want none, which means everything", got)
	}
}

// The fourth confirmation of a day is not sent, to nobody's notice, whatever
// alias is used.
func TestTargetCap(t *testing.T) {
	t.Parallel()
	w, s := setup(t)
	aliases := []incident.Address{"sato@reader.example", "sato+a@reader.example", "s.a.t.o@reader.example", "SATO+b@Reader.example"}
	for n, a := range aliases {
		r := request(incident.Email, a)
		r.Origin.IP = netip.MustParseAddr(fmt.Sprintf("192.0.2.%d", n+1))
		signUp(t, s, r)
	}
	if len(w.Memos) != 3 {
		t.Errorf("SignUp() ×4 sent %d confirmations, want 3", len(w.Memos))
	}
	w.Time = w.Time.Add(24 * time.Hour)
	signUp(t, s, request(incident.Email, mail))
	if len(w.Memos) != 4 {
		t.Errorf("SignUp() a day later: %d confirmations in all, want 4", len(w.Memos))
	}
}

func TestNetworkCap(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		ip   func(n int) string
	}{
		{"one address", func(int) string { return "192.0.2.7" }},
		{"one /64", func(n int) string { return fmt.Sprintf("2001:db8:1:2::%x", n+1) }},
		{"v4 in v6", func(n int) string { return []string{"192.0.2.7", "::ffff:192.0.2.7"}[n%2] }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w, s := setup(t)
			for n := range 11 {
				r := request(incident.Email, incident.Address(fmt.Sprintf("reader%d@reader.example", n)))
				r.Origin.IP = netip.MustParseAddr(tt.ip(n))
				_, err := s.SignUp(t.Context(), r)
				limit, ok := errors.AsType[*subscribe.LimitError](err)
				if ok != (n == 10) || ok && limit.RetryAfter != 4*time.Hour {
					t.Errorf("SignUp(%d) = %v, want a limit of 4h at the 11th only", n+1, err)
				}
			}
			w.Time = w.Time.Add(4 * time.Hour)
			signUp(t, s, request(incident.Email, mail))
		})
	}
}

// Numbers that begin alike, as bought ones do, share a cap of their own.
func TestPrefixCap(t *testing.T) {
	t.Parallel()
	w := subscribetest.New()
	cfg := w.Config()
	cfg.Caps.Prefix = subscribe.Cap{N: 2, Per: time.Hour}
	s := subscribe.New(cfg)
	for n, want := range []bool{false, false, true} {
		r := request(incident.SMS, incident.Address(fmt.Sprintf("+81901234567%d", n)))
		r.Origin.IP = netip.MustParseAddr(fmt.Sprintf("192.0.2.%d", n+1))
		_, err := s.SignUp(t.Context(), r)
		if _, got := errors.AsType[*subscribe.LimitError](err); got != want {
			t.Errorf("SignUp(%d) = %v, want a limit: %t", n+1, err, want)
		}
	}
	signUp(t, s, request(incident.SMS, "+818012345678"))
}

func TestUnsubscribe(t *testing.T) {
	t.Parallel()
	w, s := setup(t)
	r := request(incident.Email, mail)
	v := subscribed(t, w, s, r)
	confirm := w.Token(incident.Email, mail)
	m, err := s.Preferences(t.Context(), v.Manage)
	if err != nil {
		t.Fatalf("Preferences() = %v, want no error", err)
	}
	old := m.Unsubscribe
	for range 2 {
		if err := s.Unsubscribe(t.Context(), old, r.Origin); err != nil {
			t.Errorf("Unsubscribe() = %v, want no error", err)
		}
	}
	want := subscribe.Record{Version: 3, Subscriber: incident.Subscriber{
		ID: w.ID(incident.Email, mail).ID, Audience: incident.Customers, Channel: incident.Email,
		State: incident.Unsubscribed, Epoch: 1,
	}}
	if diff := cmp.Diff(want, w.Record(incident.Email, mail)); diff != "" {
		t.Errorf("after Unsubscribe, nothing but the hash may be left (-want +got):\n%s", diff)
	}
	if strings.Contains(w.Dump(), mail.Reveal()) {
		t.Errorf("after Unsubscribe the store holds the address, want it erased")
	}
	if _, err := s.Confirm(t.Context(), confirm, r.Origin); !errors.Is(err, subscribe.ErrLapsed) {
		t.Errorf("Confirm(link from before) = %v, want %v", err, subscribe.ErrLapsed)
	}

	again := subscribed(t, w, s, r)
	if got := w.Record(incident.Email, mail).Subscriber.Epoch; got != 2 {
		t.Errorf("epoch after subscribing again = %d, want 2", got)
	}
	if _, err := s.Preferences(t.Context(), v.Manage); !errors.Is(err, subscribe.ErrLapsed) {
		t.Errorf("Preferences(link from before) = %v, want %v", err, subscribe.ErrLapsed)
	}
	if _, err := s.Preferences(t.Context(), again.Manage); err != nil {
		t.Errorf("Preferences(new link) = %v, want no error", err)
	}
	w.Time = w.Time.AddDate(5, 0, 0)
	if err := s.Unsubscribe(t.Context(), old, r.Origin); err != nil || w.Record(incident.Email, mail).Subscriber.State != incident.Unsubscribed {
		t.Errorf("Unsubscribe(link five years old, from before) = %v, want it to work", err)
	}
}

// An unsubscribe wins over other writers of the same record.
func TestUnsubscribeConflict(t *testing.T) {
	t.Parallel()
	w, s := setup(t)
	v := subscribed(t, w, s, request(incident.Email, mail))
	m, err := s.Preferences(t.Context(), v.Manage)
	if err != nil {
		t.Fatalf("Preferences() = %v, want no error", err)
	}
	w.Conflicts = 3
	if err := s.Unsubscribe(t.Context(), m.Unsubscribe, subscribe.Origin{}); err != nil {
		t.Errorf("Unsubscribe() = %v, want no error", err)
	}
	if got := w.Record(incident.Email, mail).Subscriber.State; got != incident.Unsubscribed {
		t.Errorf("state = %s, want unsubscribed", got)
	}
}

func TestChange(t *testing.T) {
	t.Parallel()
	w, s := setup(t)
	if err := w.Announce("inc-1", "login"); err != nil {
		t.Fatal(err)
	}
	r := request(incident.Email, mail)
	r.Prefs.Components = []incident.ComponentID{"export"}
	v := subscribed(t, w, s, r)
	before := len(w.Pointers)
	prefs := subscribe.Prefs{Locale: "ja", Zone: "Europe/Paris", Components: []incident.ComponentID{"login"}}
	got, err := s.Change(t.Context(), v.Manage, prefs, r.Origin)
	if err != nil || !cmp.Equal(got.Prefs, prefs) {
		t.Errorf("Change() = %+v, %v, want %+v", got.Prefs, err, prefs)
	}
	want := []deliver.Pointer{{Incident: "inc-1", Seq: 1, Channel: incident.Email, Late: w.ID(incident.Email, mail).ID}}
	if !cmp.Equal(w.Pointers[before:], want) {
		t.Errorf("Change() published %v, want %v", w.Pointers[before:], want)
	}
	dump := w.Dump()
	if _, err := s.Change(t.Context(), v.Manage, prefs, r.Origin); err != nil || w.Dump() != dump {
		t.Errorf("Change() again = %v, want no error and nothing changed", err)
	}
	if _, err := s.Change(t.Context(), v.Manage, subscribe.Prefs{Locale: "xx"}, r.Origin); fault(err) != subscribe.LocaleUnknown {
		t.Errorf("Change(bad locale) = %v, want %s", err, subscribe.LocaleUnknown)
	}
}

// Signing up again while subscribed changes nothing until it is confirmed.
func TestSignUpAgain(t *testing.T) {
	t.Parallel()
	w, s := setup(t)
	r := request(incident.Email, mail)
	subscribed(t, w, s, r)
	first := w.Token(incident.Email, mail)
	r.Prefs = subscribe.Prefs{Locale: "ja", Components: []incident.ComponentID{"login"}}
	signUp(t, s, r)
	if got := w.Record(incident.Email, mail).Subscriber; got.State != incident.Active || got.Locale != "en" {
		t.Errorf("before confirming: %s, %s, want active, en", got.State, got.Locale)
	}
	second := w.Token(incident.Email, mail)
	signUp(t, s, r)
	if _, err := s.Confirm(t.Context(), second, r.Origin); !errors.Is(err, subscribe.ErrLapsed) {
		t.Errorf("Confirm(a link that a newer one replaced) = %v, want %v", err, subscribe.ErrLapsed)
	}
	if _, err := s.Confirm(t.Context(), first, r.Origin); err != nil {
		t.Errorf("Confirm(the link confirmed before) = %v, want no error", err)
	}
	if _, err := s.Confirm(t.Context(), w.Token(incident.Email, mail), r.Origin); err != nil {
		t.Errorf("Confirm(newest) = %v, want no error", err)
	}
	if got := w.Record(incident.Email, mail).Subscriber; got.Locale != "ja" || len(got.Components) != 1 || got.Epoch != 1 {
		t.Errorf("after confirming: %s, %v, epoch %d, want ja, login, 1", got.Locale, got.Components, got.Epoch)
	}
}

func TestLapse(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		// before is the state that the sign-up meets.
		before incident.SubscriberState
		after  time.Duration
		want   incident.SubscriberState
		ask    bool
	}{
		{"stranger, in time", "", 48*time.Hour - time.Second, incident.Pending, true},
		{"stranger", "", 48 * time.Hour, "", false},
		{"had left", incident.Unsubscribed, 48 * time.Hour, incident.Unsubscribed, false},
		{"subscribed", incident.Active, 48 * time.Hour, incident.Active, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w, s := setup(t)
			r := request(incident.Email, mail)
			if tt.before != "" {
				v := subscribed(t, w, s, r)
				if tt.before == incident.Unsubscribed {
					m, err := s.Preferences(t.Context(), v.Manage)
					if err != nil {
						t.Fatalf("Preferences() = %v, want no error", err)
					}
					if err := s.Unsubscribe(t.Context(), m.Unsubscribe, r.Origin); err != nil {
						t.Fatalf("Unsubscribe() = %v, want no error", err)
					}
				}
			}
			signUp(t, s, r)
			tok := w.Token(incident.Email, mail)
			w.Time = w.Time.Add(tt.after)
			if err := s.Sweep(t.Context(), w.Time); err != nil {
				t.Errorf("Sweep() = %v, want no error", err)
			}
			rec := w.Record(incident.Email, mail)
			if rec.Subscriber.State != tt.want || (rec.Ask != nil) != tt.ask {
				t.Errorf("state = %q with a sign-up: %t, want %q, %t", rec.Subscriber.State, rec.Ask != nil, tt.want, tt.ask)
			}
			if keeps := rec.Subscriber.Address != ""; keeps != (tt.want == incident.Pending || tt.want == incident.Active) {
				t.Errorf("state %q keeps the address: %t", tt.want, keeps)
			}
			if _, err := s.Waiting(t.Context(), tok); (err == nil) != tt.ask {
				t.Errorf("Waiting() = %v, want no error: %t", err, tt.ask)
			}
		})
	}
}

// Who confirms in mid-incident is told of what goes on and concerns them, and a
// bus that is down at that moment loses nothing.
func TestWelcome(t *testing.T) {
	t.Parallel()
	for _, down := range []bool{false, true} {
		t.Run(fmt.Sprintf("bus down %t", down), func(t *testing.T) {
			t.Parallel()
			w, s := setup(t)
			for id, c := range map[incident.ID]incident.ComponentID{"inc-1": "login", "inc-2": "export", "drill-1": "login", "inc-3": "login"} {
				if err := w.Announce(id, c); err != nil {
					t.Fatal(err)
				}
			}
			slices.SortFunc(w.Ongoing, func(a, b incident.Incident) int { return strings.Compare(string(a.ID()), string(b.ID())) })
			quiet, err := incident.Open(incident.Opening{
				ID: "inc-4", Kind: incident.Outage, Severity: incident.Major, Components: []incident.ComponentID{"login"},
				DetectedAt: w.Time, At: w.Time, By: "alarm",
			})
			if err != nil {
				t.Fatal(err)
			}
			w.Ongoing = append(w.Ongoing, quiet)
			r := request(incident.Email, mail)
			r.Prefs.Components = []incident.ComponentID{"login"}
			w.BusDown = down
			subscribed(t, w, s, r)
			if down {
				if len(w.Pointers) != 0 {
					t.Fatalf("published %v with the bus down", w.Pointers)
				}
				if err := s.Sweep(t.Context(), w.Time); !errors.Is(err, subscribetest.ErrDown) {
					t.Errorf("Sweep(bus down) = %v, want %v", err, subscribetest.ErrDown)
				}
				w.BusDown = false
				w.Time = w.Time.Add(time.Minute)
				if err := s.Sweep(t.Context(), w.Time); err != nil {
					t.Errorf("Sweep() = %v, want no error", err)
				}
			}
			id := w.ID(incident.Email, mail).ID
			var got []deliver.Pointer
			memos := 0
			for _, p := range w.Pointers {
				if p.Slot != "" {
					memos++
					continue
				}
				got = append(got, p)
			}
			want := []deliver.Pointer{
				{Incident: "inc-1", Seq: 1, Channel: incident.Email, Late: id},
				{Incident: "inc-3", Seq: 1, Channel: incident.Email, Late: id},
			}
			if !cmp.Equal(got, want) || memos != 1 {
				t.Errorf("published %v and %d memos, want %v and 1", got, memos, want)
			}
			published := len(w.Pointers)
			if err := s.Sweep(t.Context(), w.Time.Add(time.Hour)); err != nil || len(w.Pointers) != published {
				t.Errorf("Sweep() with nothing left = %v, published %d more, want none", err, len(w.Pointers)-published)
			}
		})
	}
}

func TestSuppress(t *testing.T) {
	t.Parallel()
	w, s := setup(t)
	r := request(incident.Email, mail)
	subscribed(t, w, s, r)
	id := w.ID(incident.Email, mail).ID
	for range 2 {
		if err := s.Suppress(t.Context(), incident.Email, id, subscribe.Complained); err != nil {
			t.Errorf("Suppress() = %v, want no error", err)
		}
	}
	rec := w.Record(incident.Email, mail)
	if rec.Subscriber.State != incident.Suppressed || rec.Subscriber.Address != "" {
		t.Errorf("after Suppress: %s, address kept %t, want suppressed without it", rec.Subscriber.State, rec.Subscriber.Address != "")
	}
	memos := len(w.Memos)
	signUp(t, s, r)
	if len(w.Memos) != memos {
		t.Errorf("SignUp(suppressed) sent a confirmation, want none")
	}
	if err := s.Suppress(t.Context(), incident.Email, id, "bored"); !errors.Is(err, incident.ErrInvalid) {
		t.Errorf("Suppress(bored) = %v, want %v", err, incident.ErrInvalid)
	}
}

// A complaint about the confirmation itself comes between sign-up and click.
func TestSuppressBeforeConfirm(t *testing.T) {
	t.Parallel()
	w, s := setup(t)
	signUp(t, s, request(incident.Email, mail))
	tok := w.Token(incident.Email, mail)
	if err := s.Suppress(t.Context(), incident.Email, w.ID(incident.Email, mail).ID, subscribe.Bounced); err != nil {
		t.Fatalf("Suppress() = %v, want no error", err)
	}
	if _, err := s.Confirm(t.Context(), tok, subscribe.Origin{}); !errors.Is(err, subscribe.ErrLapsed) {
		t.Errorf("Confirm(suppressed) = %v, want %v", err, subscribe.ErrLapsed)
	}
}

func TestImport(t *testing.T) {
	t.Parallel()
	w, s := setup(t)
	entries := []subscribe.Entry{
		{Audience: incident.Customers, Channel: incident.Email, Address: "Sato@Reader.example", Prefs: subscribe.Prefs{Locale: "ja"}, Tags: map[string]string{"region": "jp"}},
		{Audience: incident.Customers, Channel: incident.Webhook, Address: "http://127.0.0.1:8420/hook"},
	}
	for range 2 {
		if err := s.Import(t.Context(), entries, "contract 12"); err != nil {
			t.Fatalf("Import() = %v, want no error", err)
		}
	}
	got := w.Record(incident.Email, "Sato@reader.example")
	if got.Version != 1 || got.Subscriber.State != incident.Active || got.Subscriber.Tags["region"] != "jp" || got.Subscriber.Locale != "ja" {
		t.Errorf("Import() kept %+v, want one active subscriber", got)
	}
	if h := w.Record(incident.Webhook, "http://127.0.0.1:8420/hook").Subscriber; !strings.HasPrefix(h.Secret, "whsec_") || h.Locale != "ja" {
		t.Errorf("Import(webhook) kept locale %q, want a secret and the first locale", h.Locale)
	}
	if len(w.Consents) != 2 || w.Consents[0].Basis != "contract 12" || w.Consents[0].Event != subscribe.EventImported {
		t.Errorf("consent = %+v, want two imports with their basis", w.Consents)
	}
}

func TestImportNeverBringsBack(t *testing.T) {
	t.Parallel()
	w, s := setup(t)
	r := request(incident.Email, mail)
	v := subscribed(t, w, s, r)
	m, err := s.Preferences(t.Context(), v.Manage)
	if err != nil {
		t.Fatalf("Preferences() = %v, want no error", err)
	}
	if err := s.Unsubscribe(t.Context(), m.Unsubscribe, r.Origin); err != nil {
		t.Fatalf("Unsubscribe() = %v, want no error", err)
	}
	if err := s.Suppress(t.Context(), incident.SMS, w.ID(incident.SMS, mobile).ID, subscribe.OptedOut); err != nil {
		t.Fatalf("Suppress() = %v, want no error", err)
	}
	err = s.Import(t.Context(), []subscribe.Entry{
		{Audience: incident.Customers, Channel: incident.Email, Address: mail},
		{Audience: incident.Customers, Channel: incident.SMS, Address: mobile},
	}, "list")
	if err != nil {
		t.Fatalf("Import() = %v, want no error", err)
	}
	if a, b := w.Record(incident.Email, mail), w.Record(incident.SMS, mobile); a.Subscriber.State != incident.Unsubscribed || b.Version != 0 {
		t.Errorf("Import(left, suppressed) = %s, version %d, want unsubscribed and nothing", a.Subscriber.State, b.Version)
	}
}

func TestImportFaults(t *testing.T) {
	t.Parallel()
	w, s := setup(t)
	err := s.Import(t.Context(), []subscribe.Entry{
		{Audience: incident.Customers, Channel: incident.Email, Address: mail},
		{Audience: "nobody", Channel: incident.Email, Address: "x", Prefs: subscribe.Prefs{Locale: "fr"}},
	}, "")
	var got []string
	for _, f := range subscribe.Faults(err) {
		got = append(got, f.Field+" "+string(f.Code))
	}
	want := []string{"basis basis_missing", "entries.1.audience audience_unknown", "entries.1.address email_form", "entries.1.locale locale_unknown"}
	if !cmp.Equal(got, want) || w.Writes != 0 {
		t.Errorf("Import(bad) = %q with %d writes, want %q with none", got, w.Writes, want)
	}
}

// A link for one thing is worth nothing for another.
func TestPurposes(t *testing.T) {
	t.Parallel()
	w, s := setup(t)
	v := subscribed(t, w, s, request(incident.Email, mail))
	m, err := s.Preferences(t.Context(), v.Manage)
	if err != nil {
		t.Fatalf("Preferences() = %v, want no error", err)
	}
	next := signUp(t, s, request(incident.SMS, mobile))
	tokens := map[string]string{
		"confirm": w.Token(incident.Email, mail), "code": next.Ref, "manage": v.Manage, "unsubscribe": m.Unsubscribe, "none": "", "junk": "AAAA",
	}
	uses := map[string]func(tok string) error{
		"confirm": func(tok string) error {
			_, err := s.Waiting(t.Context(), tok)
			if _, err2 := s.Confirm(t.Context(), tok, subscribe.Origin{}); !errors.Is(err2, err) {
				return errors.Join(err, err2)
			}
			return err
		},
		"code": func(tok string) error {
			_, err := s.ConfirmCode(t.Context(), tok, w.Memo(incident.SMS, mobile), subscribe.Origin{})
			return err
		},
		"manage": func(tok string) error {
			_, err := s.Preferences(t.Context(), tok)
			if _, err2 := s.Change(t.Context(), tok, subscribe.Prefs{}, subscribe.Origin{}); !errors.Is(err2, err) {
				return errors.Join(err, err2)
			}
			return err
		},
		"unsubscribe": func(tok string) error { _, err := s.Leaving(t.Context(), tok); return err },
	}
	for use, do := range uses {
		for made, tok := range tokens {
			err := do(tok)
			if made == use && err != nil || made != use && !errors.Is(err, subscribe.ErrLink) {
				t.Errorf("%s(token made for %s) = %v, want it refused unless it is its own", use, made, err)
			}
			if len(tok) > 200 {
				t.Errorf("a token for %s has %d characters, want at most 200", made, len(tok))
			}
		}
	}
	if err := s.Unsubscribe(t.Context(), tokens["confirm"], subscribe.Origin{}); !errors.Is(err, subscribe.ErrLink) {
		t.Errorf("Unsubscribe(confirm token) = %v, want %v", err, subscribe.ErrLink)
	}
}

// What a sender puts into a mail is the same all day, so that a mail that is
// tried again is the same mail.
func TestManageLinkIsSteady(t *testing.T) {
	t.Parallel()
	w, _ := setup(t)
	l := w.Config().Links
	sub := incident.Subscriber{ID: w.ID(incident.Email, mail).ID, Audience: incident.Customers, Channel: incident.Email, Epoch: 1}
	if a, b := l.Manage(sub, w.Time), l.Manage(sub, w.Time.Add(time.Hour)); a != b {
		t.Errorf("Manage() an hour later = %q, want %q", b, a)
	}
	if got := l.Unsubscribe(sub); !strings.HasPrefix(got, "https://minato.test/unsubscribe?t=") {
		t.Errorf("Unsubscribe() = %q, want it on the configured address", got)
	}
}

// other answers a code that differs from the one given.
func other(code string) string {
	if code == "000000" {
		return "000001"
	}
	return "000000"
}

// fault answers the code of the one fault in an error, "" where there is none.
func fault(err error) subscribe.Code {
	if fs := subscribe.Faults(err); len(fs) == 1 {
		return fs[0].Code
	}
	return ""
}
