package main

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"shirase/internal/channel"
	"shirase/internal/channel/email"
	"shirase/internal/channel/mastodon"
	"shirase/internal/channel/slack"
	"shirase/internal/channel/webhook"
	"shirase/internal/deliver"
	"shirase/internal/embedded"
	"shirase/internal/incident"
)

// smtpPassword is the name of the secret that signs in to the relay.
const smtpPassword = "smtp-password"

// senders gives each channel its provider. Whatever has no credential, or an
// address under a name that can never exist, is delivered to the mailbox.
func (p *program) senders(secrets channel.Secrets, guarded *channel.Client) (map[incident.Channel]deliver.Sender, error) {
	client := channel.NewClient()
	open := func(real deliver.Sender, mine func(deliver.Envelope) bool) deliver.Sender {
		return fork{real: p.mailbox.Tap(real), mailbox: p.mailbox, mine: mine}
	}
	target := func(e deliver.Envelope) bool { return e.Target.Secret != "" }
	out := map[incident.Channel]deliver.Sender{
		incident.Email: p.mailbox,
		incident.SMS:   p.mailbox,
		"mastodon":     open(mastodon.New(client, secrets, p.clock.now), target),
		"slack":        open(slack.New(client, secrets, slack.API, p.clock.now), target),
		incident.Webhook: open(webhook.New(guarded, secrets, p.clock.now), func(e deliver.Envelope) bool {
			return (e.Secret != "" || target(e)) && !imaginary(channel.Address(e))
		}),
	}
	if p.config.SMTP != "" {
		relay, err := p.relay(secrets)
		if err != nil {
			return nil, err
		}
		out[incident.Email] = open(relay, func(e deliver.Envelope) bool { return !imaginary("mailto://" + e.To.Reveal()) })
	}
	return out, nil
}

// guard says where webhooks may go: the public internet, and what the settings allow.
func (p *program) guard() channel.Guard {
	g := channel.Guard{Networks: p.config.Networks(), Roots: p.roots}
	g.Plain = len(g.Networks) > 0
	return g
}

// relay makes the mail sender of the settings.
func (p *program) relay(secrets channel.Secrets) (deliver.Sender, error) {
	u, err := url.Parse(p.config.SMTP)
	if err != nil {
		return nil, fmt.Errorf("read mail relay: %w", err)
	}
	c := email.Config{Host: u.Hostname(), Port: 587, Security: email.StartTLS, User: u.User.Username()}
	if u.Scheme == "smtps" {
		c.Port, c.Security = 465, email.TLS
	}
	if s := u.Query().Get("security"); s != "" {
		c.Security = email.Security(s)
	}
	if u.Port() != "" {
		if c.Port, err = strconv.Atoi(u.Port()); err != nil {
			return nil, fmt.Errorf("read mail relay: %w", err)
		}
	}
	if c.User != "" {
		c.Secret = smtpPassword
	}
	return email.New(c, secrets, func(ctx context.Context) (email.From, error) {
		pl, err := p.store.Current(ctx)
		if err != nil {
			return email.From{}, err
		}
		o := pl.Organisation
		return email.From{Address: o.From, Name: o.Name, ReplyTo: o.Contact}, nil
	}, p.clock.now), nil
}

// from answers the mail address that updates come from.
func (p *program) from(ctx context.Context) string {
	pl, err := p.store.Current(ctx)
	if err != nil {
		return ""
	}
	return pl.Organisation.From
}

// imaginary reports whether a URL's host is under a name that is kept for
// examples and never exists (RFC 2606, RFC 6761), as the sample readers' are.
func imaginary(address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	host := strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))
	for _, tld := range []string{"test", "example", "invalid"} {
		if host == tld || strings.HasSuffix(host, "."+tld) {
			return true
		}
	}
	return false
}

// fork hands each envelope to the provider that is its own.
type fork struct {
	real    deliver.Sender
	mailbox *embedded.Mailbox
	// mine says which envelopes the real provider takes.
	mine func(deliver.Envelope) bool
}

// Keyed implements deliver.Sender.
func (f fork) Keyed() bool { return f.real.Keyed() }

// Send implements deliver.Sender.
func (f fork) Send(ctx context.Context, es []deliver.Envelope, deadline time.Time) []deliver.Outcome {
	outs := make([]deliver.Outcome, len(es))
	var real, kept []int
	for n, e := range es {
		if f.mine(e) {
			real = append(real, n)
		} else {
			kept = append(kept, n)
		}
	}
	part := func(s deliver.Sender, at []int) {
		if len(at) == 0 {
			return
		}
		some := make([]deliver.Envelope, len(at))
		for k, n := range at {
			some[k] = es[n]
		}
		for k, o := range s.Send(ctx, some, deadline) {
			outs[at[k]] = o
		}
	}
	part(f.mailbox, kept)
	part(f.real, real)
	return outs
}
