// Package challenge asks a webhook endpoint that somebody signed up to prove
// that it wants to be called, before it is told anything. It is apart from
// package webhook so that who only delivers need not hold what sign-up needs.
package challenge

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"time"

	"shirase/internal/channel"
	"shirase/internal/channel/webhook"
	"shirase/internal/incident"
	"shirase/internal/subscribe"
)

// perCall is how long an endpoint may take: a person waits.
const perCall = 5 * time.Second

// maxValue is how long a value that is given back may be.
const maxValue = 512

// kind is the type of the event.
const kind = "shirase.subscription.challenge"

// Challenger posts challenges. It implements subscribe.Challenger.
type Challenger struct {
	client *channel.Client
	now    func() time.Time
}

// New makes a challenger. The client must be one of channel.NewGuarded.
func New(guarded *channel.Client, now func() time.Time) *Challenger {
	return &Challenger{client: guarded, now: now}
}

// event is the body of a challenge, a CloudEvent like every delivery.
type event struct {
	SpecVersion string    `json:"specversion"`
	ID          string    `json:"id"`
	Source      string    `json:"source"`
	Type        string    `json:"type"`
	Time        time.Time `json:"time"`
	ContentType string    `json:"datacontenttype"`
	Data        data      `json:"data"`
}

type data struct {
	Challenge   string `json:"challenge"`
	Manage      string `json:"manage,omitempty"`
	Unsubscribe string `json:"unsubscribe,omitempty"`
}

// Challenge posts the challenge, signed as every later delivery, and answers
// what the endpoint gave back as {"challenge": "…"}. Its errors say nothing of
// the endpoint but the status, so that nobody can look around with them.
func (c *Challenger) Challenge(ctx context.Context, to incident.Address, ch subscribe.Challenge) (string, error) {
	ks, err := webhook.ParseKeys(ch.Secret)
	if err != nil {
		return "", fmt.Errorf("sign challenge: %w", err)
	}
	body, err := json.Marshal(event{
		SpecVersion: "1.0", ID: ch.ID, Source: origin(ch.Manage), Type: kind, Time: ch.At.UTC(),
		ContentType: "application/json",
		Data:        data{Challenge: ch.Value, Manage: ch.Manage, Unsubscribe: ch.Unsubscribe},
	})
	if err != nil {
		return "", fmt.Errorf("encode challenge: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, perCall)
	defer cancel()
	a, err := c.client.Post(ctx, to.Reveal(), ks.Headers(ch.ID, c.now(), body), body)
	if err != nil {
		return "", fmt.Errorf("call endpoint: %w", err)
	}
	if !a.OK() {
		return "", fmt.Errorf("call endpoint: status %d", a.Status)
	}
	return decode(a.Body)
}

// decode reads what an endpoint gave back.
func decode(body []byte) (string, error) {
	var v data
	if err := json.Unmarshal(body, &v); err != nil {
		return "", errors.New("answer of the endpoint is not JSON")
	}
	if v.Challenge == "" || len(v.Challenge) > maxValue {
		return "", errors.New("answer of the endpoint has no challenge")
	}
	return v.Challenge, nil
}

// origin answers where links lead, which is who is speaking.
func origin(link string) string {
	u, err := url.Parse(link)
	if err != nil || u.Host == "" {
		return "/"
	}
	return u.Scheme + "://" + u.Host
}
