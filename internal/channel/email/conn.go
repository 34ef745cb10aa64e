package email

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"strconv"
	"strings"
	"time"

	"github.com/wneessen/go-mail/smtp"

	"shirase/internal/channel"
	"shirase/internal/deliver"
)

// perConn is how many mails one connection carries before it is replaced;
// relays count, and close the connection on those who do not.
const perConn = 100

// stage is how far a conversation has come.
type stage string

// The stages of a conversation, for the operator.
const (
	atConnect   stage = "connecting"
	atTLS       stage = "starting TLS"
	atAuth      stage = "signing in"
	atSender    stage = "naming the sender"
	atRecipient stage = "naming the recipient"
	atData      stage = "sending the text"
	atEnd       stage = "ending the text"
)

// A stageError is an error with the stage it came at.
type stageError struct {
	at    stage
	cause error
}

func (e *stageError) Error() string { return "smtp, " + string(e.at) }

func (e *stageError) Unwrap() error { return e.cause }

// A conn is one conversation with the relay.
type conn struct {
	raw    net.Conn
	client *smtp.Client
	// used counts the mails it has carried.
	used int
	// over tells that it can carry no other mail.
	over bool
}

// dial opens a conversation up to where a mail may be sent. Whoever gets the
// conn closes it.
func (s *Sender) dial(ctx context.Context, password string) (*conn, error) {
	d := net.Dialer{Timeout: 10 * time.Second}
	raw, err := d.DialContext(ctx, "tcp", net.JoinHostPort(s.config.Host, strconv.Itoa(s.config.Port)))
	if err != nil {
		return nil, &stageError{at: atConnect, cause: err}
	}
	stop := context.AfterFunc(ctx, func() { _ = raw.Close() })
	defer stop()
	client, err := s.greet(ctx, raw, password)
	if err != nil {
		_ = raw.Close()
		return nil, err
	}
	return &conn{raw: raw, client: client}, nil
}

func (s *Sender) greet(ctx context.Context, raw net.Conn, password string) (*smtp.Client, error) {
	conf := &tls.Config{ServerName: s.config.Host, MinVersion: tls.VersionTLS12, RootCAs: s.config.Roots}
	over := raw
	if s.config.Security == TLS {
		t := tls.Client(raw, conf)
		if err := t.HandshakeContext(ctx); err != nil {
			return nil, &stageError{at: atTLS, cause: err}
		}
		over = t
	}
	c, err := smtp.NewClient(over, s.config.Host)
	if err != nil {
		return nil, &stageError{at: atConnect, cause: err}
	}
	if err := c.Hello(s.config.Hello); err != nil {
		return nil, &stageError{at: atConnect, cause: err}
	}
	if s.config.Security != TLS && s.config.Security != Plain {
		if ok, _ := c.Extension("STARTTLS"); !ok {
			return nil, &stageError{at: atTLS, cause: errNoTLS}
		}
		if err := c.StartTLS(conf); err != nil {
			return nil, &stageError{at: atTLS, cause: err}
		}
	}
	if s.config.User == "" {
		return c, nil
	}
	_, mechs := c.Extension("AUTH")
	auth := smtp.PlainAuth("", s.config.User, password, s.config.Host, false)
	if have := strings.Fields(mechs); !contains(have, "PLAIN") {
		if !contains(have, "LOGIN") {
			return nil, &stageError{at: atAuth, cause: errNoAuth}
		}
		auth = smtp.LoginAuth(s.config.User, password, s.config.Host, false)
	}
	if err := c.Auth(auth); err != nil {
		return nil, &stageError{at: atAuth, cause: err}
	}
	return c, nil
}

var (
	errNoTLS  = errors.New("relay offers no STARTTLS")
	errNoAuth = errors.New("relay offers no way to sign in that we know")
)

func contains(list []string, word string) bool {
	for _, w := range list {
		if strings.EqualFold(w, word) {
			return true
		}
	}
	return false
}

// carry hands one mail over and brings the conversation to where the next one
// may begin, or marks it as over.
func (c *conn) carry(ctx context.Context, m Mail) error {
	stop := context.AfterFunc(ctx, func() { _ = c.raw.Close() })
	err := c.mail(m)
	if c.used++; c.used >= perConn {
		c.over = true
		_ = c.client.Quit()
	}
	if err != nil && !c.over {
		te, ok := errors.AsType[*textproto.Error](err)
		c.over = !ok || te.Code == 421 || c.client.Reset() != nil
	}
	if !stop() {
		c.over = true // the deadline closed it
	}
	return err
}

func (c *conn) mail(m Mail) error {
	// The extension is asked for only where an address needs it: a relay that
	// was asked must find it at every further hop, or give up.
	c.client.SkipSMTPUTF8(ascii(m.From) && ascii(m.To))
	if err := c.client.Mail("<" + m.From + ">"); err != nil {
		return &stageError{at: atSender, cause: err}
	}
	if err := c.client.Rcpt("<" + m.To + ">"); err != nil {
		return &stageError{at: atRecipient, cause: err}
	}
	w, err := c.client.Data()
	if err != nil {
		return &stageError{at: atData, cause: err}
	}
	if _, err := w.Write(m.Bytes); err != nil {
		return &stageError{at: atData, cause: err}
	}
	if err := w.Close(); err != nil {
		return &stageError{at: atEnd, cause: err}
	}
	return nil
}

func ascii(s string) bool {
	for _, b := range []byte(s) {
		if b >= 0x80 {
			return false
		}
	}
	return true
}

// judge says what the end of a conversation means. Until the full stop is sent,
// the relay has nothing; after it, only its answer tells. What the relay wrote
// stays out of the error, since relays like to repeat addresses.
func judge(err error) *deliver.Failure {
	se, ok := errors.AsType[*stageError](err)
	if !ok {
		return &deliver.Failure{Reason: deliver.Unavailable, Err: err}
	}
	if te, ok := errors.AsType[*textproto.Error](se.cause); ok {
		return &deliver.Failure{
			Reason:    reply(te.Code, se.at),
			Recipient: se.at == atRecipient,
			Err:       fmt.Errorf("%w: code %d", se, te.Code),
		}
	}
	if errors.Is(se.cause, errNoTLS) || errors.Is(se.cause, errNoAuth) || errors.Is(se.cause, smtp.ErrUnencrypted) {
		return &deliver.Failure{Reason: deliver.Unauthorised, Err: fmt.Errorf("%w: %s", se, se.cause.Error())}
	}
	lost := channel.Lost(se.cause, se.at == atEnd)
	f := channel.Broken(lost)
	f.Err = fmt.Errorf("%w: %s", se, lost.Error())
	return f
}

// reply maps the relay's code. A busy relay is told from a busy mailbox by the
// stage: a mailbox that is full, or a greylist, concerns its owner alone.
//
// https://www.rfc-editor.org/rfc/rfc5321#section-4.2.3
func reply(code int, at stage) deliver.Reason {
	switch {
	case code == 421, code == 451 && at != atRecipient:
		return deliver.Unavailable
	case code == 454 && (at == atTLS || at == atAuth):
		return deliver.Unavailable
	case code >= 400 && code <= 499:
		return deliver.Throttled
	case at == atConnect || at == atTLS:
		return deliver.Unavailable // 554: no service here
	case at == atAuth, code == 530, code == 534, code == 535, code == 538:
		return deliver.Unauthorised
	case at == atSender && (code == 550 || code == 553 || code == 554):
		return deliver.Unauthorised // we may not speak for this address
	}
	return deliver.Rejected
}
