package subscribe_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"shirase/internal/embedded"
	"shirase/internal/incident"
	"shirase/internal/subscribe"
	"shirase/internal/subscribe/subscribetest"
)

// model is what a subscription of one address must be after any run of wishes,
// crashes and hours, in a few lines that know nothing of records.
type model struct {
	*shelf
	s    *subscribe.Service
	key  subscribe.Key
	addr incident.Address

	state incident.SubscriberState
	// begun counts how often the subscription has begun; epoch is what the
	// record said when it last did.
	begun, epoch int
	// banned is a suppression; left tells that they said no and never yes again.
	banned, left bool
	// asks are the sign-ups so far; newest is the one that counts, -1 for none.
	asks        []ask
	newest      int
	confirmed   int
	confirmedAt time.Time
	tries       int
	manages     []manage
	consents    int
	incidents   int
	// owed are the incidents that the subscriber must be pointed at.
	owed map[incident.ID]bool
	met  map[string]int
}

// ask is a sign-up: its link, or its reference and code.
type ask struct {
	tok, code string
	until     time.Time
}

type manage struct {
	tok   string
	begun int
	until time.Time
}

// states is how each kind of address is signed up.
var states = map[incident.Channel]incident.Address{incident.Email: mail, incident.SMS: mobile, incident.Webhook: hook}

func TestStates(t *testing.T) {
	t.Parallel()
	for channel, addr := range states {
		for _, on := range []string{"world", "book"} {
			t.Run(string(channel)+" on the "+on, func(t *testing.T) {
				t.Parallel()
				met := map[string]int{}
				wants := []string{
					"state ", "state pending", "state active", "state unsubscribed", "state suppressed", "subscribed again", "rival",
					"dead manage link", "imported", "import of one who left", "gone",
				}
				wants = append(wants, map[incident.Channel][]string{
					incident.Email: {"confirmed twice", "dead link"},
					incident.SMS:   {"confirmed twice", "wrong code", "too many codes"},
				}[channel]...)
				missed := func() []string {
					return slices.DeleteFunc(slices.Clone(wants), func(want string) bool { return met[want] > 0 })
				}
				// What is rare may need more runs than rapid makes at once.
				for n := 0; n < 20 && (n == 0 || len(missed()) > 0); n++ {
					rapid.Check(t, func(rt *rapid.T) { newModel(rt, channel, addr, on == "book", met).run(rt) })
				}
				if m := missed(); len(m) > 0 {
					t.Errorf("%q were never met", m)
				}
			})
		}
	}
}

func newModel(t *rapid.T, c incident.Channel, a incident.Address, onBook bool, met map[string]int) *model {
	m := &model{shelf: &shelf{World: subscribetest.New()}, addr: a, newest: -1, confirmed: -1, owed: map[incident.ID]bool{}, met: met}
	if onBook {
		kv := embedded.NewMemory()
		t.Cleanup(func() { _ = kv.Close() })
		var err error
		if m.book, err = embedded.NewBook(kv, 2); err != nil {
			t.Fatal(err)
		}
	}
	cfg := m.on()
	cfg.Caps = subscribe.Caps{Target: subscribe.Cap{N: 1000, Per: time.Hour}, Network: subscribe.Cap{N: 1000, Per: time.Hour}, Prefix: subscribe.Cap{N: 1000, Per: time.Hour}}
	m.s, m.key = subscribe.New(cfg), m.ID(c, a)
	return m
}

func (m *model) run(t *rapid.T) {
	do := map[string]func(*rapid.T){
		"sign up":     m.signUp,
		"unsubscribe": m.unsubscribe,
		"gone":        m.gone,
		"change":      m.change,
		"suppress":    m.suppress,
		"import":      m.imports,
	}
	switch m.key.Channel {
	case incident.Email:
		do["confirm"] = m.confirm
	case incident.SMS:
		do["confirm"] = m.confirmCode
	case incident.Webhook: // confirms by itself
	}
	rivals := make([]string, 0, len(do))
	for name := range do {
		if name != "sign up" || m.key.Channel != incident.Webhook { // which answers for itself
			rivals = append(rivals, name)
		}
	}
	slices.Sort(rivals)
	do["rival"] = func(t *rapid.T) {
		rival := do[rapid.SampledFrom(rivals).Draw(t, "rival")]
		m.rival = func() { m.met["rival"]++; rival(t) }
	}
	do["wait"], do["sweep"], do["announce"], do[""] = m.wait, m.sweep, m.announce, m.check
	do["bus"] = func(*rapid.T) { m.BusDown = !m.BusDown }
	do["conflict"] = func(t *rapid.T) { m.Conflicts = rapid.IntRange(0, 3).Draw(t, "conflicts") }
	t.Repeat(do)
}

func (m *model) record(t *rapid.T) subscribe.Record {
	r, err := m.kept(t.Context(), m.key)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (m *model) signUp(t *rapid.T) {
	answers := m.key.Channel == incident.Webhook && rapid.Bool().Draw(t, "answers")
	m.Answer = nil
	if answers {
		m.Answer = func(c subscribe.Challenge) string { return c.Value }
	}
	memos, banned, rival := len(m.Memos), m.banned, m.rival
	next, err := m.s.SignUp(t.Context(), request(m.key.Channel, m.addr))
	if err != nil {
		t.Fatalf("SignUp() = %v, want no error", err)
	}
	if banned || m.state == incident.Suppressed {
		if len(m.Memos) != memos && rival == nil {
			t.Fatalf("SignUp() wrote to a suppressed address")
		}
		return
	}
	a := ask{until: m.Time.Add(48 * time.Hour)}
	switch m.key.Channel {
	case incident.Webhook:
	case incident.Email:
		a.tok = m.Token(m.key.Channel, m.addr)
	case incident.SMS:
		a.tok, a.code, a.until = next.Ref, m.Memo(m.key.Channel, m.addr), m.Time.Add(time.Hour)
	}
	m.asks = append(m.asks, a)
	m.newest, m.tries = len(m.asks)-1, 0
	if m.state != incident.Active {
		m.state = incident.Pending
	}
	if !answers || m.banned {
		return
	}
	if m.state == incident.Active {
		m.newest, m.confirmed = -1, m.newest // a stranger's sign-up changes nothing
		return
	}
	m.activate(t, m.newest)
}

// confirm presses the button behind some link that was ever sent.
func (m *model) confirm(t *rapid.T) {
	if len(m.asks) == 0 {
		return
	}
	n := rapid.IntRange(0, len(m.asks)-1).Draw(t, "link")
	a, banned := m.asks[n], m.banned
	_, err := m.s.Confirm(t.Context(), a.tok, subscribe.Origin{})
	alive := m.Time.Before(a.until) && !banned && m.state != incident.Suppressed
	switch {
	case alive && n == m.newest:
		m.activate(t, n)
	case alive && n == m.confirmed && m.state == incident.Active:
		m.met["confirmed twice"]++
	default:
		m.met["dead link"]++
		if !errors.Is(err, subscribe.ErrLapsed) {
			t.Fatalf("Confirm(link %d) = %v, want %v", n, err, subscribe.ErrLapsed)
		}
		return
	}
	if err != nil {
		t.Fatalf("Confirm(link %d) = %v, want no error", n, err)
	}
}

// confirmCode types some code that was ever sent, or none of them, on some page.
func (m *model) confirmCode(t *rapid.T) {
	if len(m.asks) == 0 {
		return
	}
	defer func(was func()) { m.rival = was }(m.rival)
	m.rival = nil // it is two writes, so who came first would not be one question
	page := m.asks[rapid.IntRange(0, len(m.asks)-1).Draw(t, "page")]
	newest := m.asks[len(m.asks)-1]
	code := rapid.SampledFrom(append(slices.Clone(m.asks), newest, newest, newest, newest, ask{code: "none"})).Draw(t, "code").code
	if rapid.IntRange(0, 3).Draw(t, "guesses") == 0 {
		for range 5 {
			m.try(t, newest, "guess")
		}
	}
	m.try(t, page, code)
	if rapid.Bool().Draw(t, "double click") {
		m.try(t, page, code)
	}
}

func (m *model) try(t *rapid.T, page ask, code string) {
	banned := m.banned
	_, err := m.s.ConfirmCode(t.Context(), page.tok, code, subscribe.Origin{})
	if !m.Time.Before(page.until) {
		if !errors.Is(err, subscribe.ErrLapsed) {
			t.Fatalf("ConfirmCode(on an old page) = %v, want %v", err, subscribe.ErrLapsed)
		}
		return
	}
	right := -1
	switch {
	case m.newest >= 0 && m.Time.Before(m.asks[m.newest].until):
		right = m.newest
	case m.newest < 0 && m.state == incident.Active && m.Time.Before(m.confirmedAt.Add(time.Hour)):
		right = m.confirmed
	}
	switch {
	case right < 0 || m.tries >= 5:
		m.met["too many codes"] += m.tries / 5
		m.wrong(t, err)
	case m.asks[right].code != code:
		m.met["wrong code"]++
		m.tries++
		m.wrong(t, err)
	case banned:
		if !errors.Is(err, subscribe.ErrLapsed) {
			t.Fatalf("ConfirmCode(suppressed) = %v, want %v", err, subscribe.ErrLapsed)
		}
	case err != nil:
		t.Fatalf("ConfirmCode(right) = %v, want no error", err)
	case right == m.newest:
		m.activate(t, right)
	default:
		m.met["confirmed twice"]++
	}
}

func (m *model) wrong(t *rapid.T, err error) {
	if fault(err) != subscribe.CodeWrong {
		t.Fatalf("ConfirmCode(wrong) = %v, want %s", err, subscribe.CodeWrong)
	}
}

// Whoever said no stays out of imports, though they never said yes and somebody
// signs them up again.
func TestNoIsRemembered(t *testing.T) {
	t.Parallel()
	w, s := setup(t)
	signUp(t, s, request(incident.Email, mail))
	_, tok, _ := strings.Cut(w.Config().Links.Unsubscribe(w.Record(incident.Email, mail).Subscriber), "?t=")
	if err := s.Unsubscribe(t.Context(), tok, subscribe.Origin{}); err != nil {
		t.Fatalf("Unsubscribe() = %v, want no error", err)
	}
	signUp(t, s, request(incident.Email, mail))
	w.Time = w.Time.Add(49 * time.Hour)
	if err := s.Sweep(t.Context(), w.Time); err != nil {
		t.Fatalf("Sweep() = %v, want no error", err)
	}
	entry := subscribe.Entry{Audience: incident.Customers, Channel: incident.Email, Address: mail}
	if err := s.Import(t.Context(), []subscribe.Entry{entry}, "list"); err != nil {
		t.Fatalf("Import() = %v, want no error", err)
	}
	if got := w.Record(incident.Email, mail).Subscriber.State; got != incident.Unsubscribed {
		t.Errorf("after Import() the state is %q, want %s", got, incident.Unsubscribed)
	}
}
