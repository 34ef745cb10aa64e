package main

import (
	"fmt"
	"strings"
	"testing"

	"shirase/internal/channel/twin"
	"shirase/internal/config"
	"shirase/internal/plan"
)

// TestMailIsRelayedToRealAddressesOnly sends mail of real addresses to the
// relay, shows it in the inbox all the same, and keeps what is addressed to
// names that never exist.
func TestMailIsRelayedToRealAddressesOnly(t *testing.T) {
	t.Parallel()
	relay, err := twin.NewSMTP(twin.Relay{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(relay.Close)
	source, err := plan.Embedded("company")
	if err != nil {
		t.Fatal(err)
	}
	// The sample people are imaginary; these two are not.
	file := strings.NewReplacer("sato@minato.test", "sato@real-mail.org", "tanaka@minato.test", "tanaka@real-mail.org").Replace(string(source))
	r := launch(t, config.Config{
		SMTP: fmt.Sprintf("smtp://127.0.0.1:%d?security=plain", relay.Port()), Plan: write(t, "plan.yaml", file),
	}, noon)
	r.open(three)
	r.settle()
	got := map[string]bool{}
	for _, m := range relay.Mails() {
		got[m.To[0]] = true
		if len(m.To) != 1 || !strings.Contains(string(m.Data), "Message-ID: <") {
			t.Errorf("a mail to %v without a Message-ID, or to several", m.To)
		}
	}
	if len(got) != 2 || !got["sato@real-mail.org"] || !got["tanaka@real-mail.org"] {
		t.Errorf("the relay got mail for %v, want the two real addresses", got)
	}
	shown := map[string]bool{}
	for _, e := range r.updates() {
		shown[e.To] = true
	}
	if !shown["sato@real-mail.org"] || !shown["mori@minato.test"] {
		t.Error("the inbox does not show both what was relayed and what was kept")
	}
}
