package challenge_test

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"shirase/internal/channel"
	"shirase/internal/channel/challenge"
	"shirase/internal/channel/golden"
	"shirase/internal/channel/twin"
	"shirase/internal/incident"
	"shirase/internal/subscribe"
)

var noon = time.Date(2026, 9, 15, 5, 7, 0, 0, time.UTC)

var secret = "whsec_" + base64.StdEncoding.EncodeToString([]byte("the key of an endpoint, 33 bytes."))

var _ subscribe.Challenger = (*challenge.Challenger)(nil)

func ask() subscribe.Challenge {
	return subscribe.Challenge{
		ID: "01J8CH", At: noon, Value: "v4lue", Secret: secret,
		Manage: "https://status.minato.test/manage?t=m", Unsubscribe: "https://status.minato.test/unsubscribe?t=u",
	}
}

func TestChallenge(t *testing.T) {
	t.Parallel()
	h := twin.NewWebhook()
	defer h.Close()
	c := challenge.New(channel.NewGuarded(channel.Loopback()), func() time.Time { return noon })
	got, err := c.Challenge(t.Context(), incident.Address(h.URL()+"/hook"), ask())
	if err != nil || got != "v4lue" {
		t.Fatalf("Challenge = %q, %v, want v4lue", got, err)
	}
	r := h.Requests()[0]
	v, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	if err := v.VerifyIgnoringTimestamp(r.Body, r.Header); err != nil {
		t.Errorf("verify = %v, want a good signature", err)
	}
	golden.Compare(t, "wire/challenge.golden", r.String())
}

func TestChallengeRefused(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		reply twin.Reply
		want  string
	}{
		{"404", twin.Reply{Status: 404, Body: `{"challenge":"v4lue"}`}, "call endpoint: status 404"},
		{"redirect", twin.Reply{Status: 302, Body: `{"challenge":"v4lue"}`}, "call endpoint: status 302"},
		{"empty", twin.Reply{Status: 200}, "answer of the endpoint is not JSON"},
		{"page", twin.Reply{Status: 200, Body: "<html>"}, "answer of the endpoint is not JSON"},
		{"other JSON", twin.Reply{Status: 200, Body: `{"ok":true}`}, "answer of the endpoint has no challenge"},
		{"long", twin.Reply{Status: 200, Body: `{"challenge":"` + strings.Repeat("v", 513) + `"}`}, "answer of the endpoint has no challenge"},
		{"hangs up", twin.Reply{}, "call endpoint: connection is lost"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := twin.NewWebhook()
			defer h.Close()
			h.Next(tt.reply)
			c := challenge.New(channel.NewGuarded(channel.Loopback()), func() time.Time { return noon })
			got, err := c.Challenge(t.Context(), incident.Address(h.URL()), ask())
			if err == nil || err.Error() != tt.want || got != "" {
				t.Errorf("Challenge = %q, %v, want %q", got, err, tt.want)
			}
		})
	}
}

func TestChallengePrivateOrUnsigned(t *testing.T) {
	t.Parallel()
	h := twin.NewWebhook()
	defer h.Close()
	c := challenge.New(channel.NewGuarded(channel.Guard{}), func() time.Time { return noon })
	if got, err := c.Challenge(t.Context(), incident.Address(h.URL()), ask()); err == nil || err.Error() != "call endpoint: address is refused" {
		t.Errorf("Challenge to this machine = %q, %v, want a refusal", got, err)
	}
	unsigned := ask()
	unsigned.Secret = "secret"
	if _, err := c.Challenge(t.Context(), "https://hook.example/", unsigned); err == nil {
		t.Error("Challenge without a good secret = nil, want an error")
	}
	if n := len(h.Requests()); n != 0 {
		t.Errorf("the endpoint saw %d requests, want 0", n)
	}
}
