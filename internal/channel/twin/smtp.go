package twin

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"net"
	"net/textproto"
	"slices"
	"strings"
	"sync"
)

// Mail is a message that an SMTP twin has taken.
type Mail struct {
	From string
	To   []string
	Data []byte
	// TLS tells that the conversation was protected.
	TLS bool
	// User is who signed in.
	User string
}

// Verb is a point in a conversation where an SMTP twin may be told to misbehave.
type Verb string

// The points of a conversation. End is the full stop after the text.
const (
	Greeting  Verb = "GREETING"
	Auth      Verb = "AUTH"
	MailFrom  Verb = "MAIL"
	Recipient Verb = "RCPT"
	Data      Verb = "DATA"
	End       Verb = "."
)

// Line is what an SMTP twin is told to say at one point instead of its own.
type Line struct {
	At Verb
	// Text is the reply with its code, such as "450 4.7.1 wait". Empty hangs up.
	Text string
	// Effect takes the mail before the reply, at End only.
	Effect bool
	// Hang keeps silent until the caller has gone.
	Hang bool
	// Seen is called when the point is reached.
	Seen func()
}

// SMTP is a mail relay.
type SMTP struct {
	listener net.Listener
	tls      *tls.Config
	roots    *x509.CertPool
	user     string
	password string
	cancel   context.CancelFunc
	done     sync.WaitGroup

	mu     sync.Mutex
	mails  []Mail
	script []Line
	conns  int
}

// Relay says what an SMTP twin wants of its callers.
type Relay struct {
	// TLS offers STARTTLS; Implicit begins with TLS.
	TLS, Implicit bool
	// User and Password are wanted if set.
	User, Password string
}

// NewSMTP starts a relay on this machine.
func NewSMTP(r Relay) (*SMTP, error) {
	var lc net.ListenConfig
	ctx, cancel := context.WithCancel(context.Background())
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		cancel()
		return nil, fmt.Errorf("listen: %w", err)
	}
	s := &SMTP{listener: l, user: r.User, password: r.Password, cancel: cancel}
	if r.TLS || r.Implicit {
		s.tls, s.roots = certificate()
	}
	if r.Implicit {
		s.listener = tls.NewListener(l, s.tls)
	}
	s.done.Go(func() { s.accept(ctx) })
	return s, nil
}

// certificate borrows the one that net/http/httptest keeps for this machine.
func certificate() (*tls.Config, *x509.CertPool) {
	h := NewWebhookTLS()
	defer h.Close()
	return &tls.Config{Certificates: h.http.TLS.Certificates, MinVersion: tls.VersionTLS12}, h.Roots()
}

// Host and Port say where the relay is.
func (s *SMTP) Host() string { return "127.0.0.1" }

// Port is where the relay listens.
func (s *SMTP) Port() int {
	a, _ := s.listener.Addr().(*net.TCPAddr)
	return a.Port
}

// Roots answers the authority behind the relay's certificate.
func (s *SMTP) Roots() *x509.CertPool { return s.roots }

// Next sets what the relay says at the next times it reaches these points.
func (s *SMTP) Next(ls ...Line) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.script = append(s.script, ls...)
}

// Mails answers what was taken, oldest first.
func (s *SMTP) Mails() []Mail {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.mails)
}

// Connections counts the conversations there have been.
func (s *SMTP) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.conns
}

// Close stops the relay and ends its conversations.
func (s *SMTP) Close() {
	s.cancel()
	_ = s.listener.Close()
	s.done.Wait()
}

func (s *SMTP) accept(ctx context.Context) {
	for {
		c, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		s.conns++
		s.mu.Unlock()
		s.done.Go(func() {
			stop := context.AfterFunc(ctx, func() { _ = c.Close() })
			defer stop()
			t := &talk{relay: s, conn: c, r: bufio.NewReader(c)}
			_, t.mail.TLS = c.(*tls.Conn)
			t.run()
			_ = t.conn.Close()
		})
	}
}

// line answers what was set for a point, once.
func (s *SMTP) line(at Verb) (Line, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := slices.IndexFunc(s.script, func(l Line) bool { return l.At == at })
	if n < 0 {
		return Line{}, false
	}
	l := s.script[n]
	s.script = slices.Delete(s.script, n, n+1)
	return l, true
}

// talk is one conversation.
type talk struct {
	relay *SMTP
	conn  net.Conn
	r     *bufio.Reader
	mail  Mail
}

// reply says something at a point. It answers whether the conversation goes on
// as if nothing had been set.
func (t *talk) reply(at Verb, text string) (open, own bool) {
	l, set := t.relay.line(at)
	// The mail is taken before the word of it leaves: whoever has heard the
	// answer finds the mail.
	if at == End && (!set || l.Effect) {
		t.take()
	}
	if !set {
		return t.say(text), true
	}
	if l.Seen != nil {
		l.Seen()
	}
	if l.Hang {
		_, _ = t.r.ReadByte() // until the caller has gone
		return false, false
	}
	return l.Text != "" && t.say(l.Text), false
}

func (t *talk) say(text string) bool {
	_, err := t.conn.Write([]byte(text + "\r\n"))
	return err == nil
}

func (t *talk) take() {
	t.relay.mu.Lock()
	defer t.relay.mu.Unlock()
	t.relay.mails = append(t.relay.mails, t.mail)
}

func (t *talk) run() {
	if open, own := t.reply(Greeting, "220 relay.example ESMTP"); !open || !own {
		return
	}
	for {
		line, err := t.r.ReadString('\n')
		if err != nil || !t.command(strings.TrimRight(line, "\r\n")) {
			return
		}
	}
}

// command carries one command out and answers whether the conversation goes on.
func (t *talk) command(line string) bool {
	verb, rest, _ := strings.Cut(line, " ")
	switch strings.ToUpper(verb) {
	case "EHLO", "HELO":
		return t.hello()
	case "STARTTLS":
		return t.startTLS()
	case "AUTH":
		return t.auth(rest)
	case "MAIL":
		if t.relay.user != "" && t.mail.User == "" {
			return t.say("530 5.7.0 sign in first")
		}
		open, own := t.reply(MailFrom, "250 2.1.0 ok")
		if own {
			t.mail = Mail{From: angle(rest), TLS: t.mail.TLS, User: t.mail.User}
		}
		return open
	case "RCPT":
		open, own := t.reply(Recipient, "250 2.1.5 ok")
		if own {
			t.mail.To = append(t.mail.To, angle(rest))
		}
		return open
	case "DATA":
		return t.data()
	case "RSET":
		t.mail = Mail{TLS: t.mail.TLS, User: t.mail.User}
		return t.say("250 2.0.0 ok")
	case "NOOP":
		return t.say("250 2.0.0 ok")
	case "QUIT":
		t.say("221 2.0.0 bye")
		return false
	}
	return t.say("502 5.5.2 no such command")
}

func (t *talk) hello() bool {
	ext := []string{"relay.example", "8BITMIME", "SMTPUTF8"}
	if t.relay.tls != nil && !t.mail.TLS {
		ext = append(ext, "STARTTLS")
	}
	if t.relay.user != "" {
		ext = append(ext, "AUTH PLAIN LOGIN")
	}
	var b strings.Builder
	for i, e := range ext {
		sep := "-"
		if i == len(ext)-1 {
			sep = " "
		}
		b.WriteString("250" + sep + e + "\r\n")
	}
	_, err := t.conn.Write([]byte(b.String()))
	return err == nil
}

func (t *talk) startTLS() bool {
	if t.relay.tls == nil || !t.say("220 2.0.0 go ahead") {
		return false
	}
	c := tls.Server(t.conn, t.relay.tls)
	t.conn, t.r = c, bufio.NewReader(c)
	t.mail.TLS = true
	return true
}

func (t *talk) auth(rest string) bool {
	mech, initial, _ := strings.Cut(rest, " ")
	raw, err := base64.StdEncoding.DecodeString(initial)
	parts := strings.Split(string(raw), "\x00")
	if err != nil || !strings.EqualFold(mech, "PLAIN") || len(parts) != 3 {
		return t.say("504 5.5.4 only PLAIN")
	}
	if parts[1] != t.relay.user || parts[2] != t.relay.password {
		return t.say("535 5.7.8 wrong user name or password")
	}
	open, own := t.reply(Auth, "235 2.7.0 welcome")
	if own {
		t.mail.User = parts[1]
	}
	return open
}

func (t *talk) data() bool {
	if open, own := t.reply(Data, "354 go ahead"); !open || !own {
		return open
	}
	var err error
	if t.mail.Data, err = textproto.NewReader(t.r).ReadDotBytes(); err != nil {
		return false
	}
	open, _ := t.reply(End, "250 2.0.0 taken")
	return open
}

// angle answers what stands between < and >.
func angle(s string) string {
	_, s, _ = strings.Cut(s, "<")
	s, _, _ = strings.Cut(s, ">")
	return s
}
