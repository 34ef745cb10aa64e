package incident_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"shirase/internal/incident"
)

func TestAddressIsNeverPrinted(t *testing.T) {
	t.Parallel()
	const secret = "sato@example.test"
	a := incident.Address(secret)
	type envelope struct {
		To    incident.Address
		Maybe *incident.Address
		All   []incident.Address
		By    map[incident.Channel]incident.Address
	}
	e := envelope{To: a, Maybe: &a, All: []incident.Address{a}, By: map[incident.Channel]incident.Address{incident.Email: a}}
	// Verbs p and w never reach a type's own methods; vet refuses both for a string.
	var shown []string
	for _, verb := range "vstTqxXbcdoOUeEfFgGy" {
		for _, flags := range []string{"", "+", "#", "-40", "0", " ", "+#.3"} {
			format := "%" + flags + string(verb)
			for _, v := range []any{a, &a, e, []any{a}, fmt.Errorf("send: %w", fmt.Errorf("to %v", a))} {
				shown = append(shown, fmt.Sprintf(format, v))
			}
		}
	}
	var log bytes.Buffer
	for _, h := range []slog.Handler{slog.NewTextHandler(&log, nil), slog.NewJSONHandler(&log, nil)} {
		slog.New(h).Info("sent", "to", a, "pointer", &a, "envelope", e, "any", []any{a})
	}
	b, err := json.Marshal(map[string]any{"a": a, "p": &a, "e": e})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range append(shown, log.String(), string(b)) {
		for _, leak := range []string{secret, fmt.Sprintf("%x", secret), fmt.Sprintf("%X", secret), "example"} {
			if strings.Contains(s, leak) {
				t.Errorf("the address stands in %q", s)
			}
		}
	}
	if a.Reveal() != secret || incident.Address("").String() != "" {
		t.Errorf("Reveal() = %q, want it; an empty one prints %q, want nothing", a.Reveal(), incident.Address(""))
	}
}

func TestRecipientIDIsKeyed(t *testing.T) {
	t.Parallel()
	id := incident.NewRecipientID([]byte("key"), incident.Email, "sato@example.test")
	if again := incident.NewRecipientID([]byte("key"), incident.Email, "sato@example.test"); again != id {
		t.Errorf("the same address has the ids %s and %s", id, again)
	}
	for name, other := range map[string]incident.RecipientID{
		"key":     incident.NewRecipientID([]byte("other"), incident.Email, "sato@example.test"),
		"channel": incident.NewRecipientID([]byte("key"), incident.SMS, "sato@example.test"),
		"address": incident.NewRecipientID([]byte("key"), incident.Email, "mori@example.test"),
	} {
		if other == id {
			t.Errorf("another %s has the same id", name)
		}
	}
	if len(id) != 32 || strings.Trim(string(id), "0123456789abcdef") != "" {
		t.Errorf("NewRecipientID() = %q, want 32 hexadecimal digits", id)
	}
}

func TestHears(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name          string
		filter, named []incident.ComponentID
		want          bool
	}{
		{"no filter", nil, []incident.ComponentID{"search"}, true},
		{"its own", []incident.ComponentID{"search"}, []incident.ComponentID{"login", "search"}, true},
		{"another", []incident.ComponentID{"invoices"}, []incident.ComponentID{"login", "search"}, false},
		{"one of two", []incident.ComponentID{"invoices", "login"}, []incident.ComponentID{"login"}, true},
	}
	for _, tt := range tests {
		if got := (incident.Subscriber{Components: tt.filter}).Hears(tt.named); got != tt.want {
			t.Errorf("Hears(%s) = %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestDrillAndFingerprint(t *testing.T) {
	t.Parallel()
	if !incident.ID("drill-x").Drill() || incident.ID("x-drill-").Drill() {
		t.Error("Drill() confuses rehearsals and the real")
	}
	a := incident.Signal{ARN: "arn", Tags: map[string]string{"k": "v"}, Children: []string{"c"}}
	b := a.Clone()
	b.Contributor, b.Tags["k"], b.Children[0] = "host-1", "spoilt", "spoilt"
	if a.Fingerprint() == b.Fingerprint() || a.Tags["k"] != "v" || a.Children[0] != "c" {
		t.Errorf("fingerprints %q and %q of two series, original %v", a.Fingerprint(), b.Fingerprint(), a)
	}
}
