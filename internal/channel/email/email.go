package email

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/textproto"
	"slices"
	"sync"
	"time"

	"shirase/internal/channel"
	"shirase/internal/deliver"
)

// Security says how a conversation with the relay is protected.
type Security string

// The ways to protect a conversation. StartTLS is the default and never falls
// back to plain text.
const (
	StartTLS Security = "starttls"
	TLS      Security = "tls"
	// Plain is for a relay on this machine.
	Plain Security = "plain"
)

// Config says where the relay is.
type Config struct {
	Host     string
	Port     int
	Security Security
	// User signs in; empty does not.
	User string
	// Secret names the password of User.
	Secret string
	// Hello is the name we greet with; empty means localhost.
	Hello string
	// Roots replaces the system's certificate authorities.
	Roots *x509.CertPool
	// Limit is how many conversations there may be at once; 0 means 8.
	Limit int
}

// perMail is how long one mail may take, if the deadline is not sooner.
const perMail = 60 * time.Second

// Sender sends mail through one relay. It implements deliver.Sender.
type Sender struct {
	config  Config
	secrets channel.Secrets
	from    func(context.Context) (From, error)
	now     func() time.Time

	mu   sync.Mutex
	idle []*conn
}

// New makes a sender. From is asked once for every wave, so that the plan as it
// is decides. Secrets may be nil where the relay wants no password.
func New(c Config, s channel.Secrets, from func(context.Context) (From, error), now func() time.Time) *Sender {
	if c.Security == "" {
		c.Security = StartTLS
	}
	if c.Hello == "" {
		c.Hello = "localhost"
	}
	if c.Limit <= 0 {
		c.Limit = 8
	}
	return &Sender{config: c, secrets: s, from: from, now: now}
}

// Keyed answers false: SMTP has no key, so a repeat may be seen twice.
func (*Sender) Keyed() bool { return false }

// Send hands each envelope to the relay as a mail of its own.
func (s *Sender) Send(ctx context.Context, es []deliver.Envelope, deadline time.Time) []deliver.Outcome {
	w := sync.OnceValues(func() (wave, *deliver.Failure) { return s.begin(ctx) })
	return channel.Wave(ctx, es, deadline, s.now, s.config.Limit, func(ctx context.Context, e deliver.Envelope) deliver.Outcome {
		w, f := w()
		if f != nil {
			return deliver.Outcome{Failure: f}
		}
		return s.one(ctx, e, w)
	})
}

// wave is what all mails of one wave share.
type wave struct {
	from     From
	password string
}

func (s *Sender) begin(ctx context.Context) (wave, *deliver.Failure) {
	from, err := s.from(ctx)
	if err != nil {
		return wave{}, &deliver.Failure{Reason: deliver.Unavailable, Err: fmt.Errorf("read sender: %w", err)}
	}
	if s.config.User == "" {
		return wave{from: from}, nil
	}
	password, f := channel.Credential(ctx, s.secrets, s.config.Secret)
	return wave{from: from, password: password}, f
}

func (s *Sender) one(ctx context.Context, e deliver.Envelope, w wave) deliver.Outcome {
	m, err := Compose(e, w.from)
	if err != nil {
		return channel.Fail(deliver.Rejected, fmt.Errorf("build mail: %w", err))
	}
	ctx, cancel := context.WithTimeout(ctx, perMail)
	defer cancel()
	if err := s.hand(ctx, m, w.password); err != nil {
		return deliver.Outcome{Failure: judge(err)}
	}
	return deliver.Outcome{ID: m.ID}
}

// hand finds a conversation and sends the mail in it. One that was kept may
// have ended meanwhile; that shows before anything is handed over, and a new
// one is opened.
func (s *Sender) hand(ctx context.Context, m Mail, password string) error {
	if c := s.take(); c != nil {
		err := c.carry(ctx, m)
		s.give(c)
		if !ended(err) {
			return err
		}
	}
	c, err := s.dial(ctx, password)
	if err != nil {
		return err
	}
	err = c.carry(ctx, m)
	s.give(c)
	return err
}

// ended reports whether a kept conversation was over before the mail began.
func ended(err error) bool {
	se, ok := errors.AsType[*stageError](err)
	if !ok || se.at != atSender {
		return false
	}
	te, ok := errors.AsType[*textproto.Error](se.cause)
	return !ok || te.Code == 421
}

func (s *Sender) take() *conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.idle) == 0 {
		return nil
	}
	c := s.idle[len(s.idle)-1]
	s.idle = s.idle[:len(s.idle)-1]
	return c
}

// give keeps a conversation that may carry another mail, and ends any other.
func (s *Sender) give(c *conn) {
	if c.over {
		_ = c.raw.Close()
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.idle = append(s.idle, c)
}

// Close ends the conversations that are kept.
func (s *Sender) Close() {
	s.mu.Lock()
	idle := slices.Clone(s.idle)
	s.idle = nil
	s.mu.Unlock()
	for _, c := range idle {
		_ = c.raw.Close()
	}
}
