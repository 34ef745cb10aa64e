package porttest

import (
	"testing"
	"time"

	"shirase/internal/announce"
	"shirase/internal/deliver"
	"shirase/internal/incident"
)

// Queue is the suite of the send queues. Arrived answers all chunks that have
// come out of the queues so far, in any order.
func Queue(t *testing.T, open func(t *testing.T) (q deliver.Queue, arrived func() []deliver.Chunk)) {
	t.Helper()
	t.Run("hands on whole chunks", func(t *testing.T) {
		t.Parallel()
		q, arrived := open(t)
		want := []deliver.Chunk{
			{Incident: "i-1", Channel: incident.Email, FromSeq: 2, Recipients: []incident.RecipientID{"a", "b"}},
			{Incident: "i-1", Channel: incident.SMS, Slot: "s#1", Recipients: []incident.RecipientID{"a"}},
			{Incident: "i-1", Channel: incident.Webhook, FromSeq: 1, Recipients: []incident.RecipientID{"w"}, Group: "hooks.example"},
			{Incident: "i-1", Channel: "mastodon", FromSeq: 1, Recipients: []incident.RecipientID{"m"}, Group: "@minato@social.example"},
			{Incident: "drill-1", Channel: incident.Email, FromSeq: 1, Recipients: []incident.RecipientID{"a"}},
		}
		must(t, q.Send(t.Context(), nil))
		must(t, q.Send(t.Context(), want))
		got := arrived()
		for _, w := range want {
			n := 0
			for _, g := range got {
				if diff(g, w) == "" {
					n++
				}
			}
			if n < 1 {
				t.Errorf("a chunk for %s did not arrive", w.Channel)
			}
		}
		if len(got) < len(want) {
			t.Errorf("%d chunks arrived, want %d", len(got), len(want))
		}
	})
}

// Bus is the suite of the bus. Arrived answers all pointers that the fan-out got.
func Bus(t *testing.T, open func(t *testing.T, now func() time.Time) (b announce.Bus, arrived func() []deliver.Pointer)) {
	t.Helper()
	t.Run("hands on whole pointers", func(t *testing.T) {
		t.Parallel()
		b, arrived := open(t, NewClock().Now)
		want := []deliver.Pointer{
			{Incident: "i-1", Seq: 3},
			{Incident: "i-1", Slot: "draft#1"},
			{Incident: "i-1", Seq: 3, Late: "r", Channel: incident.Email},
		}
		for _, p := range want {
			must(t, b.Publish(t.Context(), p, Start.Add(time.Second)))
		}
		same(t, "pointers", arrived(), want)
	})
	t.Run("gives up at the deadline", func(t *testing.T) {
		t.Parallel()
		b, arrived := open(t, NewClock().Now)
		if err := b.Publish(t.Context(), deliver.Pointer{Incident: "i-1", Seq: 3}, Start); err == nil {
			t.Error("Publish at the deadline succeeded, want an error")
		}
		same(t, "pointers", arrived(), nil)
	})
}
