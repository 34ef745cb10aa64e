package webhook

import (
	"context"
	"fmt"
	"time"

	"shirase/internal/channel"
	"shirase/internal/deliver"
)

// limit is how many endpoints are called at once.
const limit = 16

// perCall is how long an endpoint may take, if the deadline is not sooner.
const perCall = 15 * time.Second

// Sender calls endpoints. It implements deliver.Sender.
type Sender struct {
	client  *channel.Client
	secrets channel.Secrets
	now     func() time.Time
}

// New makes a sender. The client must be one of channel.NewGuarded. Secrets
// hold the keys of the plan's targets; subscribers bring their own.
func New(guarded *channel.Client, s channel.Secrets, now func() time.Time) *Sender {
	return &Sender{client: guarded, secrets: s, now: now}
}

// Keyed answers true: the webhook-id stays the same, and receivers that follow
// the standard drop what they have seen.
func (*Sender) Keyed() bool { return true }

// Send calls the endpoint of each envelope.
func (s *Sender) Send(ctx context.Context, es []deliver.Envelope, deadline time.Time) []deliver.Outcome {
	return channel.Wave(ctx, es, deadline, s.now, limit, s.one)
}

func (s *Sender) one(ctx context.Context, e deliver.Envelope) deliver.Outcome {
	secret := e.Secret
	if secret == "" {
		var f *deliver.Failure
		if secret, f = channel.Credential(ctx, s.secrets, e.Target.Secret); f != nil {
			return deliver.Outcome{Failure: f}
		}
	}
	ks, err := ParseKeys(secret)
	if err != nil {
		// It concerns this endpoint alone: the channel goes on.
		return channel.Fail(deliver.Rejected, fmt.Errorf("sign: %w", err))
	}
	ctx, cancel := context.WithTimeout(ctx, perCall)
	defer cancel()
	body := []byte(e.Content.Text)
	a, err := s.client.Post(ctx, channel.Address(e), ks.Headers(e.Key, s.now(), body), body)
	if err != nil {
		f := channel.Broken(err)
		f.Recipient = true
		return deliver.Outcome{Failure: f}
	}
	if !a.OK() {
		return deliver.Outcome{Failure: channel.Judge(a, channel.Recipient, s.now())}
	}
	return deliver.Outcome{ID: e.Key}
}
