package record_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"shirase/internal/incident"
	"shirase/internal/record"
	"shirase/internal/subscribe"
)

var start = time.Date(2026, 9, 15, 5, 7, 0, 0, time.UTC)

// stored answers v as it comes back from a store.
func stored[T any](t *testing.T, v T) (back T) {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &back); err != nil {
		t.Fatal(err)
	}
	return back
}

// TestSubscriptionKeepsEverything sets every field: one that is forgotten comes
// back as its zero.
func TestSubscriptionKeepsEverything(t *testing.T) {
	t.Parallel()
	r := subscribe.Record{
		Subscriber: incident.Subscriber{
			ID: "r1", Audience: incident.Customers, Channel: incident.Email, Address: "r1@reader.example", Locale: "ja", Zone: "Asia/Tokyo",
			Components: []incident.ComponentID{"checkout"}, Tags: map[string]string{"tenant": "t1"}, State: incident.Active,
			Secret: "whsec", Epoch: 2, CreatedAt: start, ConfirmedAt: start.Add(time.Minute), Consent: "v1",
		},
		Version: 3, Confirmed: "ask-0", Tries: 2,
		Ask: &subscribe.Ask{
			ID: "ask-1", At: start, Until: start.Add(time.Hour), Consent: "v2",
			Prefs: subscribe.Prefs{Locale: "en", Zone: "UTC", Components: []incident.ComponentID{"search"}},
		},
	}
	got := stored(t, record.NewSubscription(r)).Record()
	if d := cmp.Diff(r, got); d != "" {
		t.Errorf("the record differs (-want +got):\n%s", d)
	}
}

func TestWorkKeepsEverything(t *testing.T) {
	t.Parallel()
	w := subscribe.Work{
		ID: "w1", Kind: subscribe.WorkLapse, Due: start, Ask: "ask-1",
		Key: subscribe.Key{Audience: incident.Staff, Channel: incident.SMS, ID: "r1"},
	}
	if d := cmp.Diff(w, stored(t, record.NewWork(w)).Work()); d != "" {
		t.Errorf("the work differs (-want +got):\n%s", d)
	}
}

func TestConsentAndSuppressionKeepTheirFacts(t *testing.T) {
	t.Parallel()
	c := subscribe.Consent{At: start, Event: subscribe.EventAsked, Text: "v1", How: subscribe.HowPage, IP: "hash", Basis: "contract"}
	if d := cmp.Diff(record.Consent{start, subscribe.EventAsked, "v1", subscribe.HowPage, "hash", "contract"}, stored(t, record.NewConsent(c))); d != "" {
		t.Errorf("the consent differs (-want +got):\n%s", d)
	}
	s := subscribe.Suppression{Channel: incident.Email, ID: "r1", Reason: subscribe.Bounced, At: start}
	if d := cmp.Diff(record.Suppression{subscribe.Bounced, start}, stored(t, record.NewSuppression(s))); d != "" {
		t.Errorf("the suppression differs (-want +got):\n%s", d)
	}
}
