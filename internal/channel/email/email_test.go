package email_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"shirase/internal/channel/email"
	"shirase/internal/channel/twin"
	"shirase/internal/deliver"
	"shirase/internal/incident"
)

var _ deliver.Sender = (*email.Sender)(nil)

type secrets map[string]string

func (s secrets) Secret(_ context.Context, name string) (string, error) {
	if v, ok := s[name]; ok {
		return v, nil
	}
	return "", incident.ErrNotFound
}

func relay(t *testing.T, r twin.Relay) *twin.SMTP {
	t.Helper()
	s, err := twin.NewSMTP(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func client(t *testing.T, r *twin.SMTP, change func(*email.Config)) *email.Sender {
	t.Helper()
	c := email.Config{Host: r.Host(), Port: r.Port(), Security: email.Plain, Roots: r.Roots(), Limit: 4}
	if change != nil {
		change(&c)
	}
	s := email.New(c, secrets{"relay": "s3cret", "wrong": "other"},
		func(context.Context) (email.From, error) { return sender(), nil }, func() time.Time { return noon })
	t.Cleanup(s.Close)
	return s
}

func send(ctx context.Context, s *email.Sender, es ...deliver.Envelope) []deliver.Outcome {
	return s.Send(ctx, es, noon.Add(time.Minute))
}

func TestSend(t *testing.T) {
	t.Parallel()
	r := relay(t, twin.Relay{})
	s := client(t, r, nil)
	o := send(t.Context(), s, envelope())[0]
	mails := r.Mails()
	if o.Failure != nil || len(mails) != 1 {
		t.Fatalf("Send = %v with %d mails, want one", o, len(mails))
	}
	m := mails[0]
	if m.From != "status@minato.test" || len(m.To) != 1 || m.To[0] != "reader@example.test" {
		t.Errorf("mail from %s to %s, want status@minato.test to reader@example.test", m.From, m.To)
	}
	want := bytes.ReplaceAll(build(t, envelope()), []byte("\r\n"), []byte("\n"))
	if !bytes.Equal(bytes.TrimSpace(m.Data), bytes.TrimSpace(want)) {
		t.Errorf("relay got\n%s\nwant\n%s", m.Data, want)
	}
	if id := parse(t, m.Data).header.Get("Message-Id"); id != "<"+o.ID+">" {
		t.Errorf("outcome id = %s, want the Message-ID %s", o.ID, id)
	}
}

func TestOneRecipientPerMail(t *testing.T) {
	t.Parallel()
	r := relay(t, twin.Relay{})
	s := client(t, r, nil)
	var es []deliver.Envelope
	for i := range 250 {
		e := envelope()
		e.Key, e.To = fmt.Sprint(i), incident.Address(fmt.Sprintf("r%d@example.test", i))
		es = append(es, e)
	}
	for i, o := range send(t.Context(), s, es...) {
		if o.Failure != nil {
			t.Fatalf("mail %d = %v, want accepted", i, o.Failure)
		}
	}
	seen := map[string]bool{}
	for _, m := range r.Mails() {
		if len(m.To) != 1 || seen[m.To[0]] {
			t.Errorf("mail to %v, want one recipient each, once", m.To)
		}
		seen[m.To[0]] = true
		if to, err := parse(t, m.Data).header.AddressList("To"); err != nil || len(to) != 1 || to[0].Address != m.To[0] {
			t.Errorf("To = %v, %v, want %s alone", to, err, m.To[0])
		}
	}
	if len(seen) != 250 {
		t.Errorf("%d readers got a mail, want 250", len(seen))
	}
	// Conversations are kept, and replaced after 100 mails.
	if n := r.Connections(); n > 8 {
		t.Errorf("%d conversations for 250 mails by 4 at once, want at most 8", n)
	}
}

func TestSecurity(t *testing.T) {
	t.Parallel()
	user := func(secret string) func(*email.Config) {
		return func(c *email.Config) { c.User, c.Secret = "shirase", secret }
	}
	for _, tt := range []struct {
		name     string
		relay    twin.Relay
		security email.Security
		change   func(*email.Config)
		want     deliver.Reason
		text     string
	}{
		{name: "STARTTLS", relay: twin.Relay{TLS: true}, security: email.StartTLS},
		{name: "default is STARTTLS", relay: twin.Relay{TLS: true}},
		{name: "unknown is STARTTLS", relay: twin.Relay{TLS: true}, security: "maybe"},
		{name: "TLS", relay: twin.Relay{Implicit: true}, security: email.TLS},
		{name: "no STARTTLS there", relay: twin.Relay{}, security: email.StartTLS, want: deliver.Unauthorised, text: "offers no STARTTLS"},
		{name: "user", relay: twin.Relay{TLS: true, User: "shirase", Password: "s3cret"}, change: user("relay")},
		{name: "user by TLS", relay: twin.Relay{Implicit: true, User: "shirase", Password: "s3cret"}, security: email.TLS, change: user("relay")},
		{name: "wrong password", relay: twin.Relay{TLS: true, User: "shirase", Password: "s3cret"}, change: user("wrong"), want: deliver.Unauthorised, text: "code 535"},
		{name: "no password", relay: twin.Relay{TLS: true, User: "shirase", Password: "s3cret"}, change: user("nothing"), want: deliver.Unauthorised, text: "credential is missing"},
		{name: "relay wants a user", relay: twin.Relay{TLS: true, User: "shirase", Password: "s3cret"}, want: deliver.Unauthorised, text: "code 530"},
		{name: "relay takes no user", relay: twin.Relay{TLS: true}, change: user("relay"), want: deliver.Unauthorised, text: "no way to sign in"},
		{name: "certificate of a stranger", relay: twin.Relay{TLS: true}, change: func(c *email.Config) { c.Roots = nil }, want: deliver.Unavailable, text: "certificate is not trusted"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := relay(t, tt.relay)
			s := client(t, r, func(c *email.Config) {
				c.Security = tt.security
				if tt.change != nil {
					tt.change(c)
				}
			})
			f := send(t.Context(), s, envelope())[0].Failure
			if tt.want == "" {
				if ms := r.Mails(); f != nil || len(ms) != 1 || !ms[0].TLS || ms[0].User != tt.relay.User {
					t.Errorf("Send = %v, mails %v, want one over TLS by %q", f, len(ms), tt.relay.User)
				}
				return
			}
			if f == nil || f.Reason != tt.want || !strings.Contains(f.Error(), tt.text) || strings.Contains(f.Error(), "s3cret") {
				t.Errorf("Send = %v, want %s: %s", f, tt.want, tt.text)
			}
			if len(r.Mails()) != 0 {
				t.Errorf("%d mails, want 0", len(r.Mails()))
			}
		})
	}
}

func TestReplies(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		line  twin.Line
		want  deliver.Reason
		own   bool
		mails int
	}{
		{line: twin.Line{At: twin.Greeting, Text: "421 busy"}, want: deliver.Unavailable},
		{line: twin.Line{At: twin.Greeting, Text: "554 no service here"}, want: deliver.Unavailable},
		{line: twin.Line{At: twin.Greeting}, want: deliver.Unavailable},
		{line: twin.Line{At: twin.MailFrom, Text: "421 4.3.2 closing"}, want: deliver.Unavailable},
		{line: twin.Line{At: twin.MailFrom, Text: "450 4.7.1 slow down"}, want: deliver.Throttled},
		{line: twin.Line{At: twin.MailFrom, Text: "451 4.3.0 trouble"}, want: deliver.Unavailable},
		{line: twin.Line{At: twin.MailFrom, Text: "452 4.3.1 full"}, want: deliver.Throttled},
		{line: twin.Line{At: twin.MailFrom, Text: "530 5.7.0 sign in"}, want: deliver.Unauthorised},
		{line: twin.Line{At: twin.MailFrom, Text: "550 5.7.1 not your address"}, want: deliver.Unauthorised},
		{line: twin.Line{At: twin.MailFrom, Text: "554 5.7.1 not verified"}, want: deliver.Unauthorised},
		{line: twin.Line{At: twin.MailFrom, Text: "501 5.1.7 bad"}, want: deliver.Rejected},
		{line: twin.Line{At: twin.Recipient, Text: "421 4.3.2 closing"}, want: deliver.Unavailable, own: true},
		{line: twin.Line{At: twin.Recipient, Text: "450 4.2.0 greylisted"}, want: deliver.Throttled, own: true},
		{line: twin.Line{At: twin.Recipient, Text: "451 4.7.1 later"}, want: deliver.Throttled, own: true},
		{line: twin.Line{At: twin.Recipient, Text: "452 4.2.2 mailbox of reader@example.test is full"}, want: deliver.Throttled, own: true},
		{line: twin.Line{At: twin.Recipient, Text: "550 5.1.1 no reader@example.test here"}, want: deliver.Rejected, own: true},
		{line: twin.Line{At: twin.Recipient, Text: "551 5.1.6 moved"}, want: deliver.Rejected, own: true},
		{line: twin.Line{At: twin.Recipient, Text: "553 5.1.3 bad"}, want: deliver.Rejected, own: true},
		{line: twin.Line{At: twin.Data, Text: "451 4.3.0 trouble"}, want: deliver.Unavailable},
		{line: twin.Line{At: twin.Data, Text: "554 5.5.1 none"}, want: deliver.Rejected},
		{line: twin.Line{At: twin.End, Text: "454 4.7.0 Throttling failure: maximum sending rate exceeded"}, want: deliver.Throttled},
		{line: twin.Line{At: twin.End, Text: "451 4.3.0 trouble"}, want: deliver.Unavailable},
		{line: twin.Line{At: twin.End, Text: "552 5.3.4 too big"}, want: deliver.Rejected},
		{line: twin.Line{At: twin.End, Text: "554 5.7.1 spam"}, want: deliver.Rejected},
		{line: twin.Line{At: twin.End, Effect: true}, want: deliver.TimedOut, mails: 1},
		{line: twin.Line{At: twin.MailFrom}, want: deliver.Unavailable},
		{line: twin.Line{At: twin.Data}, want: deliver.Unavailable},
		{line: twin.Line{At: twin.End, Text: "what"}, want: deliver.TimedOut},
	} {
		t.Run(string(tt.line.At)+" "+tt.line.Text, func(t *testing.T) {
			t.Parallel()
			r := relay(t, twin.Relay{})
			r.Next(tt.line)
			s := client(t, r, nil)
			f := send(t.Context(), s, envelope())[0].Failure
			if f == nil || f.Reason != tt.want || f.Recipient != tt.own {
				t.Fatalf("Send = %+v, want %s, recipient %v", f, tt.want, tt.own)
			}
			if strings.Contains(f.Error(), "example.test") || strings.Contains(f.Error(), "127.0.0.1") {
				t.Errorf("Send = %q, an error with an address", f)
			}
			if n := len(r.Mails()); n != tt.mails {
				t.Errorf("%d mails were taken, want %d", n, tt.mails)
			}
			// The sender is none the worse for it.
			if f := send(t.Context(), s, envelope())[0].Failure; f != nil {
				t.Errorf("next Send = %v, want accepted", f)
			}
		})
	}
}

func TestHangs(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		at    twin.Verb
		want  deliver.Reason
		mails int
	}{
		{twin.Greeting, deliver.Unavailable, 0},
		{twin.MailFrom, deliver.Unavailable, 0},
		{twin.Recipient, deliver.Unavailable, 0},
		{twin.Data, deliver.Unavailable, 0},
		{twin.End, deliver.TimedOut, 1},
	} {
		t.Run(string(tt.at), func(t *testing.T) {
			t.Parallel()
			r := relay(t, twin.Relay{})
			ctx, cancel := context.WithCancel(t.Context())
			r.Next(twin.Line{At: tt.at, Hang: true, Effect: true, Seen: cancel})
			f := send(ctx, client(t, r, nil), envelope())[0].Failure
			if f == nil || f.Reason != tt.want || len(r.Mails()) != tt.mails {
				t.Errorf("Send = %v with %d mails, want %s with %d", f, len(r.Mails()), tt.want, tt.mails)
			}
		})
	}
}

func TestKeptConversationHasEnded(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "421 4.4.2 idle for too long"} {
		r := relay(t, twin.Relay{})
		s := client(t, r, nil)
		if f := send(t.Context(), s, envelope())[0].Failure; f != nil {
			t.Fatal(f)
		}
		r.Next(twin.Line{At: twin.MailFrom, Text: text})
		e := envelope()
		e.Key = "second"
		if f := send(t.Context(), s, e)[0].Failure; f != nil || len(r.Mails()) != 2 || r.Connections() != 2 {
			t.Errorf("Send after %q = %v with %d mails in %d conversations, want 2 in 2", text, f, len(r.Mails()), r.Connections())
		}
	}
}

func TestNobodyThere(t *testing.T) {
	t.Parallel()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := strings.Cut(l.Addr().String(), ":")
	_ = l.Close()
	r := relay(t, twin.Relay{})
	s := client(t, r, func(c *email.Config) { _, _ = fmt.Sscan(port, &c.Port) })
	if f := send(t.Context(), s, envelope())[0].Failure; f == nil || f.Reason != deliver.Unavailable || !strings.Contains(f.Error(), "connection is refused") {
		t.Errorf("Send = %v, want unavailable", f)
	}
}

func TestBadEnvelopeFailsAlone(t *testing.T) {
	t.Parallel()
	r := relay(t, twin.Relay{})
	bad := envelope()
	bad.To = "a@example.test\r\nRCPT TO:<b@example.test>"
	out := send(t.Context(), client(t, r, nil), envelope(), bad)
	if out[0].Failure != nil || len(r.Mails()) != 1 {
		t.Errorf("good one = %v, want accepted", out[0].Failure)
	}
	if f := out[1].Failure; f == nil || f.Reason != deliver.Rejected || strings.Contains(f.Error(), "example.test") {
		t.Errorf("bad one = %v, want rejected without its address", f)
	}
}

func TestSenderIsUnknown(t *testing.T) {
	t.Parallel()
	r := relay(t, twin.Relay{})
	s := email.New(email.Config{Host: r.Host(), Port: r.Port(), Security: email.Plain}, nil,
		func(context.Context) (email.From, error) { return email.From{}, errors.New("no plan") }, func() time.Time { return noon })
	if f := send(t.Context(), s, envelope())[0].Failure; f == nil || f.Reason != deliver.Unavailable || r.Connections() != 0 {
		t.Errorf("Send = %v, want unavailable without a conversation", f)
	}
}
