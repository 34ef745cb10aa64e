package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"shirase/internal/channel"
	"shirase/internal/channel/email"
	"shirase/internal/channel/mastodon"
	"shirase/internal/channel/slack"
	"shirase/internal/channel/twin"
	"shirase/internal/channel/webhook"
	"shirase/internal/config"
	"shirase/internal/deliver"
	"shirase/internal/incident"
	"shirase/internal/subscribe"
)

// credentials are what the targets of these stories sign in with.
type credentials map[string]string

func (c credentials) Secret(_ context.Context, name string) (string, error) {
	if s, ok := c[name]; ok {
		return s, nil
	}
	return "", incident.ErrNotFound
}

// small is a plan with one member and whatever targets a story needs.
const small = `organisation:
  name: {ja: あおば予約, en: Aoba Booking}
  contact: help@aoba.test
  from: notice@aoba.test
  zone: Asia/Tokyo
  locales: [ja, en]
components:
  - {id: booking, name: {ja: 予約の受け付け, en: Taking bookings}, effect: {ja: 予約を受け付けられません。, en: Bookings cannot be made.}}
members:
  - {id: sato, email: sato@aoba.test}
oncall: [sato]
`

func smallPlan(t *testing.T, targets ...string) string {
	t.Helper()
	source := small
	if len(targets) > 0 {
		source += "targets:\n  - " + strings.Join(targets, "\n  - ") + "\n"
	}
	name := filepath.Join(t.TempDir(), "plan.yaml")
	if err := os.WriteFile(name, []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

const bookings = `{"components":["booking"],"severity":"major","effect":{"ja":"予約を受け付けられません。","en":"Bookings cannot be made."}}`

// line is one line of the ledger as the API shows it.
type line struct {
	Channel  string `json:"channel"`
	Slot     string `json:"slot"`
	State    string `json:"state"`
	Attempts int    `json:"attempts"`
	Results  []struct {
		Result string `json:"result"`
		Reason string `json:"reason"`
		Text   int    `json:"text"`
	} `json:"results"`
}

// String is a line in short, such as "waiting 1: unknown timed_out".
func (l line) String() string {
	var s strings.Builder
	fmt.Fprintf(&s, "%s %d:", l.State, l.Attempts)
	for _, m := range l.Results {
		s.WriteString(strings.TrimRight(" "+m.Result+" "+m.Reason, " "))
	}
	return strings.TrimRight(s.String(), ":")
}

// lines answers what the API says of an incident's updates on a channel.
func (r *running) lines(id, channel string) (out []line) {
	r.t.Helper()
	for cursor := ""; ; {
		var page struct {
			Items []line `json:"items"`
			Next  string `json:"next"`
		}
		r.must(http.MethodGet, "/v1/incidents/"+id+"/deliveries?limit=200&cursor="+url.QueryEscape(cursor), "", &page)
		for _, l := range page.Items {
			if l.Channel == channel && l.Slot == "" {
				out = append(out, l)
			}
		}
		if cursor = page.Next; cursor == "" {
			return out
		}
	}
}

// relocated sends to a server on this machine what the plan, which takes no
// plain http, says goes elsewhere.
type relocated struct {
	deliver.Sender
	server string
}

func (s relocated) Send(ctx context.Context, es []deliver.Envelope, deadline time.Time) []deliver.Outcome {
	moved := slices.Clone(es)
	for n := range moved {
		moved[n].Target.Server = s.server
	}
	return s.Sender.Send(ctx, moved, deadline)
}

// The bad days of a provider.
const (
	throttledFor = "429 with Retry-After" // of 90 seconds
	throttled    = "429 without"
	down         = "503"
	lost         = "taken, and no answer"
	refused      = "refused for good"
	denied       = "wrong credential"
	gone         = "410"
)

// provider is a real adapter before a twin.
type provider struct {
	name    string
	channel incident.Channel
	keyed   bool
	// start starts the twin, and answers the plan's target, if any, how to make
	// the adapter, how to spoil the next answer, and what it has taken.
	start func(*testing.T) rig
}

type rig struct {
	target string
	sender func(*program) deliver.Sender
	spoil  func(day string)
	// taken counts what readers see, calls how often we tried; a relay has no calls.
	taken, calls func() int
}

// replies are what an HTTP provider says on a bad day.
func replies(refusal, denial twin.Reply) map[string]twin.Reply {
	return map[string]twin.Reply{
		throttledFor: {Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"90"}}},
		throttled:    {Status: http.StatusTooManyRequests},
		down:         {Status: http.StatusServiceUnavailable},
		lost:         {Effect: true},
		refused:      refusal,
		denied:       denial,
		gone:         {Status: http.StatusGone},
	}
}

func startSMTP(t *testing.T) rig {
	t.Helper()
	relay, err := twin.NewSMTP(twin.Relay{Implicit: true, User: "shirase", Password: "right"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(relay.Close)
	return rig{
		sender: func(p *program) deliver.Sender {
			return email.New(email.Config{
				Host: relay.Host(), Port: relay.Port(), Security: email.TLS, Roots: relay.Roots(), User: "shirase", Secret: "relay",
			}, credentials{"relay": "right"}, func(context.Context) (email.From, error) {
				return email.From{Address: "notice@aoba.test"}, nil
			}, p.clock.now)
		},
		spoil: func(day string) {
			relay.Next(map[string]twin.Line{
				throttled: {At: twin.Data, Text: "450 4.7.1 slow down"},
				down:      {At: twin.Greeting, Text: "421 4.3.0 closed for now"},
				lost:      {At: twin.End, Effect: true},
				refused:   {At: twin.Recipient, Text: "550 5.1.1 no such mailbox"},
				denied:    {At: twin.Auth, Text: "535 5.7.8 wrong password"},
			}[day])
		},
		taken: func() int { return len(relay.Mails()) },
	}
}

func startMastodon(t *testing.T) rig {
	t.Helper()
	var clock *clock
	server := twin.NewMastodon("token", func() time.Time { return clock.now() })
	t.Cleanup(server.Close)
	days := replies(twin.Reply{Status: http.StatusUnprocessableEntity}, twin.Reply{Status: http.StatusUnauthorized})
	return rig{
		target: `{id: account, channel: mastodon, audience: customers, locale: en, address: "@aoba@social.test", server: "https://social.test", secret: account}`,
		sender: func(p *program) deliver.Sender {
			clock = p.clock
			return relocated{mastodon.New(channel.NewClient(), credentials{"account": "token"}, p.clock.now), server.URL()}
		},
		spoil: func(day string) { server.Next(days[day]) },
		taken: func() int { return len(server.Statuses()) },
		calls: func() int { return len(server.Requests()) },
	}
}

const slackTarget = `{id: room, channel: slack, audience: customers, locale: en, address: "#aoba", secret: room}`

func startSlackHook(t *testing.T) rig {
	t.Helper()
	space := twin.NewSlack("xoxb-token", "#aoba", "C0AOBA")
	t.Cleanup(space.Close)
	days := replies(twin.Reply{Status: http.StatusBadRequest, Body: "invalid_payload"}, twin.Reply{Status: http.StatusForbidden, Body: "invalid_token"})
	return rig{
		target: slackTarget,
		sender: func(p *program) deliver.Sender {
			return slack.New(channel.NewClient(), credentials{"room": space.Hook()}, space.API(), p.clock.now)
		},
		spoil: func(day string) { space.Next(days[day]) },
		taken: func() int { return len(space.Posts()) },
		calls: func() int { return len(space.Requests()) },
	}
}

func startSlackAPI(t *testing.T) rig {
	t.Helper()
	space := twin.NewSlack("xoxb-token", "#aoba", "C0AOBA")
	t.Cleanup(space.Close)
	days := replies(
		twin.Reply{Status: http.StatusOK, Body: `{"ok":false,"error":"channel_not_found"}`},
		twin.Reply{Status: http.StatusOK, Body: `{"ok":false,"error":"invalid_auth"}`})
	return rig{
		target: slackTarget,
		sender: func(p *program) deliver.Sender {
			return slack.New(channel.NewClient(), credentials{"room": "xoxb-token"}, space.API(), p.clock.now)
		},
		spoil: func(day string) { space.Next(days[day]) },
		taken: func() int { return len(space.Posts()) },
		calls: func() int { return len(space.Requests()) },
	}
}

// local is a guard that lets webhooks reach twins on this machine.
func local(hook *twin.Webhook) channel.Guard {
	return channel.Guard{Networks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Roots: hook.Roots()}
}

const hookKey = "whsec_c2hpcmFzZS1zaGlyYXNlLXNoaXJhc2Utc2hpcmFzZQ=="

func startWebhook(t *testing.T) rig {
	t.Helper()
	hook := twin.NewWebhookTLS()
	t.Cleanup(hook.Close)
	days := replies(twin.Reply{Status: http.StatusBadRequest}, twin.Reply{Status: http.StatusUnauthorized})
	return rig{
		target: `{id: partner, channel: webhook, audience: customers, locale: en, address: "` + hook.URL() + `/status", secret: partner}`,
		sender: func(p *program) deliver.Sender {
			return webhook.New(channel.NewGuarded(local(hook)), credentials{"partner": hookKey}, p.clock.now)
		},
		spoil: func(day string) { hook.Next(days[day]) },
		taken: func() int { // receivers drop what they have seen, by its id
			ids := map[string]bool{}
			for _, q := range hook.Requests() {
				ids[q.Header.Get("Webhook-Id")] = true
			}
			return len(ids)
		},
		calls: func() int { return len(hook.Requests()) },
	}
}

func providers() []provider {
	return []provider{
		{name: "smtp", channel: incident.Email, start: startSMTP},
		{name: "mastodon", channel: "mastodon", keyed: true, start: startMastodon},
		{name: "slack webhook", channel: "slack", start: startSlackHook},
		{name: "slack web api", channel: "slack", start: startSlackAPI},
		{name: "webhook", channel: incident.Webhook, keyed: true, start: startWebhook},
	}
}

// TestBadDaysOfProviders plays each bad day of each provider once: what the
// ledger says then, when the next try is, and what the reader got in the end.
func TestBadDaysOfProviders(t *testing.T) {
	t.Parallel()
	for _, pr := range providers() {
		for _, day := range []struct {
			name string
			// first is what the ledger says after the first try; early is when
			// nothing more has been tried yet, and late when all is well again.
			first       string
			early, late string
			last        string
			taken       int
			calls       int
			// not and only name a channel without such a day, or with it alone.
			not, only incident.Channel
		}{
			{name: throttledFor, first: "waiting 1", early: "89s", late: "3s", last: "done 2: sent", taken: 1, calls: 2, not: incident.Email},
			{name: throttled, first: "waiting 1", early: "1s", late: "6s", last: "done 2: sent", taken: 1, calls: 2},
			{name: down, first: "waiting 1", early: "1s", late: "6s", last: "done 2: sent", taken: 1, calls: 2},
			{name: refused, first: "done 1: refused rejected", early: "1m", late: "10m", last: "done 1: refused rejected", calls: 1},
			{name: denied, first: "waiting 0", early: "59s", late: "3s", last: "done 1: sent", taken: 1, calls: 2, not: incident.Webhook},
			{name: gone, first: "done 1: refused gone", early: "1m", late: "10m", last: "done 1: refused gone", calls: 1, only: incident.Webhook},
			{name: denied, first: "done 1: refused rejected", early: "1m", late: "10m", last: "done 1: refused rejected", calls: 1, only: incident.Webhook},
		} {
			if pr.channel == day.not || day.only != "" && pr.channel != day.only {
				continue
			}
			t.Run(pr.name+" "+day.name, func(t *testing.T) {
				t.Parallel()
				g := pr.start(t)
				r := playing(t, pr, g)
				g.spoil(day.name)
				o := r.open(bookings)
				r.settle()
				r.expect(o.ID, pr, day.first)
				r.advance(day.early)
				r.expect(o.ID, pr, day.first)
				r.advance(day.late)
				r.expect(o.ID, pr, day.last)
				seen := 0
				if day.taken > 0 || pr.channel == incident.Webhook { // an endpoint has seen what it refused
					seen = 1
				}
				if day.name == denied && pr.channel == incident.Email {
					seen++ // word of it, to the operator
				}
				if got := g.taken(); got != seen {
					t.Errorf("the reader has it %d times, want %d", got, seen)
				}
				if g.calls != nil && g.calls() != day.calls {
					t.Errorf("%d calls, want %d", g.calls(), day.calls)
				}
			})
		}
	}
}

// TestLostAnswers plays an answer that is lost on its way: with a key the reader
// has it once, without one at most twice.
func TestLostAnswers(t *testing.T) {
	t.Parallel()
	for _, pr := range providers() {
		t.Run(pr.name, func(t *testing.T) {
			t.Parallel()
			g := pr.start(t)
			r := playing(t, pr, g)
			g.spoil(lost)
			o := r.open(bookings)
			r.settle()
			r.expect(o.ID, pr, "waiting 1: unknown timed_out")
			if pr.keyed {
				r.advance("6s")
			} else {
				r.advance("59s")
				r.expect(o.ID, pr, "waiting 1: unknown timed_out")
				r.advance("3s")
			}
			r.expect(o.ID, pr, "done 2: sent")
			want := 2
			if pr.keyed {
				want = 1
			}
			if got := g.taken(); got != want {
				t.Errorf("the reader has it %d times, want %d", got, want)
			}
		})
		t.Run(pr.name+" again and again", func(t *testing.T) {
			t.Parallel()
			if pr.keyed {
				return // a key makes repeats harmless, so it is tried to the end
			}
			g := pr.start(t)
			r := playing(t, pr, g)
			for range 3 {
				g.spoil(lost)
			}
			o := r.open(bookings)
			r.settle()
			r.advance("20m")
			r.expect(o.ID, pr, "done 2: unknown exhausted")
			if got := g.taken(); got != 2 {
				t.Errorf("the reader has it %d times, want 2 at the most", got)
			}
		})
	}
}

// TestRetractionFollowsALostAnswer retracts what may have been posted: the
// reader hears that, and the wrong text is not posted again.
func TestRetractionFollowsALostAnswer(t *testing.T) {
	t.Parallel()
	for _, took := range []bool{true, false} {
		t.Run(fmt.Sprintf("posted %t", took), func(t *testing.T) {
			t.Parallel()
			space := twin.NewSlack("xoxb-token", "#aoba", "C0AOBA")
			t.Cleanup(space.Close)
			r := launch(t, config.Config{Plan: smallPlan(t, slackTarget)}, noon, func(p *program) {
				p.providers["slack"] = slack.New(channel.NewClient(), credentials{"room": space.Hook()}, slack.API, p.clock.now)
			})
			o := r.open(bookings)
			r.settle()
			space.Next(twin.Reply{Effect: took})
			r.update(o.ID, wrong)
			r.advance("10s")
			r.mend(o.ID, "retract", `{}`)
			r.advance("10m")
			var wrongs, withdrawn int
			for _, p := range space.Posts() {
				if strings.Contains(p.Text, "warehouse") {
					wrongs++
				}
				if strings.Contains(p.Text, "Withdrawn") {
					withdrawn++
				}
			}
			if withdrawn != 1 || took != (wrongs == 1) || wrongs > 1 {
				t.Errorf("the room has the wrong text %d times and its withdrawal %d times", wrongs, withdrawn)
			}
			if n := len(space.Requests()); n != 3 {
				t.Errorf("%d calls, want one for each update", n)
			}
		})
	}
}

// TestThrottledReaderGetsTheNewestOnly publishes again while an endpoint asks
// for time: when it is over, the newest goes out alone.
func TestThrottledReaderGetsTheNewestOnly(t *testing.T) {
	t.Parallel()
	pr := provider{name: "webhook", channel: incident.Webhook, start: startWebhook}
	g := pr.start(t)
	r := playing(t, pr, g)
	g.spoil(throttledFor)
	o := r.open(bookings)
	r.settle()
	r.advance("30s")
	r.update(o.ID, `{"stage":"identified"}`)
	r.advance("58s")
	if n := g.calls(); n != 1 {
		t.Errorf("%d calls before the endpoint's time was over, want 1", n)
	}
	r.advance("5s")
	r.expect(o.ID, pr, "done 1: superseded sent")
	if n := g.calls(); n != 2 {
		t.Errorf("%d calls, want 2", n)
	}
}

// playing launches a program whose one channel ends in a twin.
func playing(t *testing.T, pr provider, g rig) *running {
	t.Helper()
	var targets []string
	if g.target != "" {
		targets = []string{g.target}
	}
	return launch(t, config.Config{Plan: smallPlan(t, targets...)}, noon, func(p *program) { p.providers[pr.channel] = g.sender(p) })
}

// expect holds the one line of the ledger on a provider's channel to be so.
func (r *running) expect(id string, pr provider, want string) {
	r.t.Helper()
	var got []string
	for _, l := range r.lines(id, string(pr.channel)) {
		got = append(got, l.String())
	}
	if !slices.Equal(got, []string{want}) {
		r.t.Errorf("at %s the ledger says %q, want %q", r.p.clock.now().Format(time.TimeOnly), got, want)
	}
}

// moving is a relay that is not there, until it is.
type moving struct {
	away, there deliver.Sender
	back        atomic.Bool
	tried       atomic.Int64
}

func (*moving) Keyed() bool { return false }

func (m *moving) Send(ctx context.Context, es []deliver.Envelope, deadline time.Time) []deliver.Outcome {
	m.tried.Add(int64(len(es)))
	if m.back.Load() {
		return m.there.Send(ctx, es, deadline)
	}
	return m.away.Send(ctx, es, deadline)
}

// TestRelayThatIsDownPausesItsChannel takes a relay away before 160 mails. Few
// are tried; then one at a time finds out whether it is back, and everybody has
// one mail.
func TestRelayThatIsDownPausesItsChannel(t *testing.T) {
	t.Parallel()
	const readers = 160
	relay, err := twin.NewSMTP(twin.Relay{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(relay.Close)
	m := &moving{}
	r := launch(t, config.Config{Plan: smallPlan(t)}, noon, func(p *program) {
		to := func(port int) deliver.Sender {
			return email.New(email.Config{Host: relay.Host(), Port: port, Security: email.Plain}, nil,
				func(context.Context) (email.From, error) { return email.From{Address: "notice@aoba.test"}, nil }, p.clock.now)
		}
		m.away, m.there = to(closedPort(t)), to(relay.Port())
		p.providers[incident.Email] = m
	})
	var es []subscribe.Entry
	for n := range readers {
		es = append(es, subscribe.Entry{
			Audience: incident.Customers, Channel: incident.Email, Address: incident.Address(fmt.Sprintf("r%d@reader.test", n)),
			Prefs: subscribe.Prefs{Locale: "en"},
		})
	}
	if err := r.p.subscribe.Import(t.Context(), es, "invented for a test"); err != nil {
		t.Fatal(err)
	}
	o := r.open(bookings)
	r.settle()
	first := m.tried.Load()
	if first == 0 || first > readers/2 {
		t.Errorf("%d of %d mails were tried on a relay that is down, want a few", first, readers)
	}
	r.advance("4s")
	if got := m.tried.Load(); got != first {
		t.Errorf("%d mails were tried while the channel paused", got-first)
	}
	r.advance("2m") // 5 s, then 10, 20, 40: each ends with one probe
	if got := m.tried.Load() - first; got < 1 || got > 5 {
		t.Errorf("%d probes in two minutes, want one at a time, ever more seldom", got)
	}
	if n := len(relay.Mails()); n != 0 {
		t.Fatalf("%d mails reached a relay that is away", n)
	}
	m.back.Store(true)
	r.advance("10m")
	counts := map[string]int{}
	for _, mail := range relay.Mails() {
		counts[mail.To[0]]++
	}
	for n := range readers {
		if a := fmt.Sprintf("r%d@reader.test", n); counts[a] != 1 {
			t.Errorf("%s has %d mails, want 1", a, counts[a])
		}
	}
	for _, l := range r.lines(o.ID, "email") {
		if l.State != "done" || len(l.Results) != 1 || l.Results[0].Result != "sent" {
			t.Errorf("the ledger says %q, want that it is sent", l)
		}
	}
}

// closedPort answers a port that nobody listens on.
func closedPort(t *testing.T) int {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // it was only to have a port
	a, ok := l.Addr().(*net.TCPAddr)
	if !ok {
		t.Fatal(errors.New("no TCP"))
	}
	return a.Port
}

// TestDeadEndpointsHoldNobodyUp has eight endpoints that fail, one that is gone
// and one that is well. The one that is well hears everything at once.
func TestDeadEndpointsHoldNobodyUp(t *testing.T) {
	t.Parallel()
	well, dead, left := twin.NewWebhookTLS(), twin.NewWebhookTLS(), twin.NewWebhookTLS()
	for _, h := range []*twin.Webhook{well, dead, left} {
		t.Cleanup(h.Close)
	}
	for range 500 {
		dead.Next(twin.Reply{Status: http.StatusInternalServerError})
	}
	left.Next(twin.Reply{Status: http.StatusGone})
	r := launch(t, config.Config{Plan: smallPlan(t), Allow: []string{"127.0.0.0/8"}}, noon, func(p *program) {
		p.roots = well.Roots()
		if err := p.wire(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
	urls := []string{well.URL() + "/a", left.URL() + "/a"}
	for n := range 8 {
		urls = append(urls, fmt.Sprintf("%s/%d", dead.URL(), n))
	}
	var es []subscribe.Entry
	for _, u := range urls {
		es = append(es, subscribe.Entry{
			Audience: incident.Customers, Channel: incident.Webhook, Address: incident.Address(u), Prefs: subscribe.Prefs{Locale: "en"},
		})
	}
	if err := r.p.subscribe.Import(t.Context(), es, "invented for a test"); err != nil {
		t.Fatal(err)
	}
	o := r.open(bookings)
	r.settle()
	for n := 1; n <= 3; n++ {
		if got := len(well.Requests()); got != n {
			t.Errorf("the endpoint that is well has %d calls after %d updates", got, n)
		}
		r.advance("3m")
		r.update(o.ID, `{}`)
	}
	if n := len(left.Requests()); n != 1 {
		t.Errorf("an endpoint that is gone was called %d times, want 1", n)
	}
	if n := len(dead.Requests()); n < 16 {
		t.Errorf("endpoints that fail were called %d times, want that they are tried again", n)
	}
}

// TestWrongCredentialOfOneRoomHoldsNoOtherUp has a room whose hook was revoked.
// It is tried again each minute, and an operator is told once; the other room
// hears everything at once.
func TestWrongCredentialOfOneRoomHoldsNoOtherUp(t *testing.T) {
	t.Parallel()
	good, bad := twin.NewSlack("xoxb-good", "#good", "C0GOOD"), twin.NewSlack("xoxb-bad", "#bad", "C0BAD")
	t.Cleanup(good.Close)
	t.Cleanup(bad.Close)
	for range 500 {
		bad.Next(twin.Reply{Status: http.StatusForbidden, Body: "invalid_token"})
	}
	targets := []string{
		`{id: good, channel: slack, audience: customers, locale: en, address: "#good", secret: good}`,
		`{id: bad, channel: slack, audience: customers, locale: en, address: "#bad", secret: bad}`,
	}
	r := launch(t, config.Config{Plan: smallPlan(t, targets...)}, noon, func(p *program) {
		p.providers["slack"] = slack.New(channel.NewClient(), credentials{"good": good.Hook(), "bad": bad.Hook()}, slack.API, p.clock.now)
	})
	o := r.open(bookings)
	r.settle()
	if got := len(good.Posts()); got != 1 {
		t.Errorf("the room that is well has %d posts, want 1", got)
	}
	r.advance("20m")
	r.update(o.ID, `{}`)
	if got := len(good.Posts()); got != 2 {
		t.Errorf("the room that is well has %d posts after the second update, want 2", got)
	}
	if n := len(bad.Requests()); n < 20 {
		t.Errorf("the other room was tried %d times in 20 minutes, want each minute", n)
	}
	told := 0
	for _, e := range received(r.inbox(), "sato@aoba.test", "operator") {
		if strings.Contains(strings.ToLower(e.Subject+e.Text), "slack") {
			told++
		}
	}
	if told != 1 {
		t.Errorf("an operator was told %d times, want once", told)
	}
}
