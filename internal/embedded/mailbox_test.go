package embedded_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"shirase/internal/deliver"
	"shirase/internal/embedded"
	"shirase/internal/incident"
	"shirase/internal/message"
	"shirase/internal/plan"
	"shirase/internal/porttest"
)

func mailbox(kv embedded.KV) *embedded.Mailbox {
	from := func(context.Context) string { return "Minato <status@minato.example>" }
	return embedded.NewMailbox(kv, still, families(), from, slog.New(slog.DiscardHandler))
}

func entries(t *testing.T, m *embedded.Mailbox) []embedded.Entry {
	t.Helper()
	es, err := m.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return es
}

var soon = porttest.Start.Add(time.Minute)

func mail(key string) deliver.Envelope {
	return deliver.Envelope{
		Key: key, Kind: deliver.KindUpdate, Incident: "i-1", Seq: 2, Stage: incident.Identified, Audience: incident.Customers,
		Locale: "ja", Channel: incident.Email, Recipient: "r1", To: "reader@example.test",
		Content: message.Content{Subject: "【障害発生】", Text: "本文", HTML: "<p>本文</p>"},
		Headers: map[string]string{"List-Unsubscribe": "<https://minato.test/u>"},
	}
}

func chat(key, root, text string) deliver.Envelope {
	return deliver.Envelope{
		Key: key, Kind: deliver.KindUpdate, Incident: "i-1", Channel: "slack", Root: root, Last: root,
		Target: plan.Target{Address: "#status"}, Content: message.Content{Text: text},
	}
}

func TestMailboxShowsWhatTheReaderSaw(t *testing.T) {
	t.Parallel()
	for name, open := range backends() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := mailbox(open(t))
			outs := m.Send(t.Context(), []deliver.Envelope{mail("k1")}, soon)
			if len(outs) != 1 || outs[0].Failure != nil {
				t.Fatalf("Send = %+v, want accepted", outs)
			}
			want := []embedded.Entry{{
				ID: outs[0].ID, Kind: "update", Channel: "email", To: "reader@example.test", Audience: "customers", Locale: "ja",
				Incident: "i-1", Seq: 2, Stage: "identified", Subject: "【障害発生】", Text: "本文", HTML: "<p>本文</p>", SentAt: porttest.Start,
				Headers: map[string]string{
					"From": "Minato <status@minato.example>", "To": "reader@example.test", "Subject": "【障害発生】",
					"Message-ID": "<k1@minato.example>", "List-Unsubscribe": "<https://minato.test/u>",
				},
			}}
			if d := cmp.Diff(want, entries(t, m)); d != "" {
				t.Errorf("List differs (-want +got):\n%s", d)
			}
		})
	}
}

func TestMailboxShowsARepeatOnce(t *testing.T) {
	t.Parallel()
	m := mailbox(embedded.NewMemory())
	if !m.Keyed() {
		t.Error("Keyed() = false, want true")
	}
	first := m.Send(t.Context(), []deliver.Envelope{mail("k1"), mail("k2"), mail("k1")}, soon)
	again := m.Send(t.Context(), []deliver.Envelope{mail("k2")}, soon)
	if first[2].ID != first[0].ID || again[0].ID != first[1].ID || again[0].Failure != nil {
		t.Errorf("ids = %v, then %v, want the same for the same key", first, again)
	}
	if n := len(entries(t, m)); n != 2 {
		t.Errorf("%d entries, want 2", n)
	}
}

func TestMailboxBeginsNothingAfterTheDeadline(t *testing.T) {
	t.Parallel()
	m := mailbox(embedded.NewMemory())
	outs := m.Send(t.Context(), []deliver.Envelope{mail("k1"), mail("k2")}, porttest.Start)
	for n, o := range outs {
		if o.Failure == nil || o.Failure.Reason != deliver.NotBegun {
			t.Errorf("outcome %d = %+v, want not begun", n, o)
		}
	}
	if n := len(entries(t, m)); n != 0 || len(outs) != 2 {
		t.Errorf("%d entries of %d outcomes, want 0 of 2", n, len(outs))
	}
}

func TestMailboxEditsPostsOfChats(t *testing.T) {
	t.Parallel()
	m := mailbox(embedded.NewMemory())
	send := func(e deliver.Envelope) string {
		t.Helper()
		o := m.Send(t.Context(), []deliver.Envelope{e}, soon)[0]
		if o.Failure != nil {
			t.Fatal(o.Failure)
		}
		return o.ID
	}
	root := send(chat("k1", "", "one"))
	second := send(chat("k2", root, "two"))
	third := send(chat("k3", root, "three"))
	other := send(chat("k4", "", "another"))
	toot := chat("k5", root, "a reply")
	toot.Channel = "mastodon" // follows, but does not replace
	reply := send(toot)
	want := map[string]string{root: "", second: root, third: second, other: "", reply: ""}
	for _, e := range entries(t, m) {
		if e.Replaces != want[e.ID] || e.To != "#status" {
			t.Errorf("entry %s to %s replaces %q, want %q", e.ID, e.To, e.Replaces, want[e.ID])
		}
	}
}

func TestMailboxNamesFieldsAsDocumented(t *testing.T) {
	t.Parallel()
	m := mailbox(embedded.NewMemory())
	memo := mail("k2")
	memo.Kind, memo.Incident = deliver.KindConfirmation, deliver.NoIncident
	drill := mail("k3")
	drill.Incident = "drill-1"
	m.Send(t.Context(), []deliver.Envelope{mail("k1"), memo, drill}, soon)
	b, err := json.Marshal(entries(t, m))
	if err != nil {
		t.Fatal(err)
	}
	var got []map[string]any
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	for _, field := range []string{"id", "kind", "channel", "to", "audience", "locale", "incident", "seq", "stage", "drill", "replaces", "subject", "text", "html", "headers", "sent_at"} {
		if _, ok := got[0][field]; !ok {
			t.Errorf("entry of an update has no %s", field)
		}
	}
	for _, field := range []string{"incident", "seq", "stage"} {
		if _, ok := got[1][field]; ok {
			t.Errorf("entry of a confirmation has %s, want none", field)
		}
	}
	if got[0]["drill"] != false || got[2]["drill"] != true {
		t.Errorf("drill = %v, %v, want false, true", got[0]["drill"], got[2]["drill"])
	}
}

// provider answers what it is told to.
type provider struct {
	outs  []deliver.Outcome
	keyed bool
}

func (p provider) Send(context.Context, []deliver.Envelope, time.Time) []deliver.Outcome {
	return p.outs
}
func (p provider) Keyed() bool { return p.keyed }

func TestTapShowsWhatAProviderAccepted(t *testing.T) {
	t.Parallel()
	m := mailbox(embedded.NewMemory())
	send := func(p provider, es ...deliver.Envelope) {
		t.Helper()
		s := m.Tap(p)
		if s.Keyed() != p.keyed {
			t.Errorf("Keyed() = %t, want %t", s.Keyed(), p.keyed)
		}
		if d := cmp.Diff(p.outs, s.Send(t.Context(), es, soon)); d != "" {
			t.Errorf("Send differs from the provider's (-want +got):\n%s", d)
		}
	}
	refused := deliver.Outcome{Failure: &deliver.Failure{Reason: deliver.Rejected}}
	send(provider{outs: []deliver.Outcome{{ID: "ts1"}, refused}}, chat("k1", "", "one"), mail("k2"))
	send(provider{outs: []deliver.Outcome{{ID: "ts2"}}}, chat("k3", "ts1", "two"))
	send(provider{outs: []deliver.Outcome{{ID: "ts3"}}}, chat("k4", "ts1", "three"))
	es := entries(t, m)
	if len(es) != 3 || es[1].Replaces != es[0].ID || es[2].Replaces != es[1].ID {
		t.Fatalf("entries = %+v, want three posts, each in place of the one before", es)
	}
	for keyed, want := range map[bool]int{true: 1, false: 2} {
		m := mailbox(embedded.NewMemory())
		for range 2 {
			m.Tap(provider{outs: []deliver.Outcome{{ID: "x"}}, keyed: keyed}).Send(t.Context(), []deliver.Envelope{mail("k")}, soon)
		}
		if n := len(entries(t, m)); n != want {
			t.Errorf("a repeat at a provider with keys %t shows %d times, want %d", keyed, n, want)
		}
	}
}
