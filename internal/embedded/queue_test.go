package embedded_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"shirase/internal/deliver"
	"shirase/internal/embedded"
	"shirase/internal/handler"
	"shirase/internal/incident"
	"shirase/internal/message"
	"shirase/internal/porttest"
	"shirase/internal/subscribe"
)

var (
	_ handler.Visibility = (*embedded.Queues)(nil)
	_ handler.Parking    = (*embedded.Queues)(nil)
)

// queues opens queues whose time the clock says.
func queues(t *testing.T, kv embedded.KV) (*embedded.Queues, *porttest.Clock) {
	t.Helper()
	c := porttest.NewClock()
	return embedded.NewQueues(kv, c.Now, families(), embedded.New(kv, c.Now)), c
}

func fill(t *testing.T, q *embedded.Queues, posts ...embedded.Post) {
	t.Helper()
	if err := q.Put(t.Context(), embedded.WebhookQueue, 0, posts...); err != nil {
		t.Fatal(err)
	}
}

func receive(t *testing.T, q *embedded.Queues, limit int) []embedded.Message {
	t.Helper()
	ms, err := q.Receive(t.Context(), embedded.WebhookQueue, limit, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	return ms
}

// wantBodies fails unless exactly these messages are received.
func wantBodies(t *testing.T, q *embedded.Queues, limit int, want ...string) []embedded.Message {
	t.Helper()
	ms := receive(t, q, limit)
	var got []string
	for _, m := range ms {
		got = append(got, string(m.Body))
	}
	if !slices.Equal(got, want) {
		t.Errorf("Receive(%d) = %v, want %v", limit, got, want)
	}
	return ms
}

func post(body, group string) embedded.Post { return embedded.Post{Body: []byte(body), Group: group} }

func TestQueueHidesWhatIsOut(t *testing.T) {
	t.Parallel()
	for name, open := range backends() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := t.Context()
			q, c := queues(t, open(t))
			fill(t, q, post("a", ""), post("b", ""), post("c", ""))
			ms := wantBodies(t, q, 2, "a", "b")
			if err := q.Delete(ctx, ms[0].Receipt); err != nil {
				t.Fatal(err)
			}
			if err := q.Postpone(ctx, ms[1].Receipt, 10*time.Second); err != nil {
				t.Fatal(err)
			}
			wantBodies(t, q, 10, "c")
			if at, ok, err := q.NextVisible(ctx, c.Now()); err != nil || !ok || !at.Equal(porttest.Start.Add(10*time.Second)) {
				t.Errorf("NextVisible = %s, %t, %v, want in 10s", at, ok, err)
			}
			c.Advance(10*time.Second - 1)
			wantBodies(t, q, 10)
			c.Advance(1)
			again := wantBodies(t, q, 10, "b")
			if again[0].Received != 2 || !again[0].SentAt.Equal(porttest.Start) || again[0].ID != ms[1].ID {
				t.Errorf("message = %+v, want b received twice and sent at the start", again[0])
			}
			c.Advance(time.Minute) // nobody has given b and c back
			wantBodies(t, q, 10, "c", "b")
			if err := q.Postpone(ctx, again[0].Receipt, 0); err != nil { // another has it by now
				t.Fatal(err)
			}
			wantBodies(t, q, 10)
			for range 2 {
				if err := q.Delete(ctx, again[0].Receipt); err != nil {
					t.Fatal(err)
				}
			}
			c.Advance(time.Hour)
			wantBodies(t, q, 10, "c")
		})
	}
}

func TestQueueDelays(t *testing.T) {
	t.Parallel()
	q, c := queues(t, embedded.NewMemory())
	if err := q.Put(t.Context(), embedded.WebhookQueue, time.Minute, post("late", "g")); err != nil {
		t.Fatal(err)
	}
	fill(t, q, post("soon", "g"))
	ms := wantBodies(t, q, 10, "soon")
	if err := q.Delete(t.Context(), ms[0].Receipt); err != nil {
		t.Fatal(err)
	}
	wantBodies(t, q, 10)
	c.Advance(time.Minute)
	wantBodies(t, q, 10, "late")
}

// A group of which a message is out, or comes back again and again, holds up
// itself alone.
func TestQueueIsFairToGroups(t *testing.T) {
	t.Parallel()
	for name, open := range backends() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := t.Context()
			q, c := queues(t, open(t))
			for n := range 50 {
				fill(t, q, post(fmt.Sprintf("hang%d", n), "hang.example"))
			}
			fill(t, q, post("a1", "a.example"), post("a2", "a.example"), post("b1", "b.example"), post("free", ""))
			wantBodies(t, q, 1, "hang0")
			ms := wantBodies(t, q, 10, "a1", "b1", "free")
			wantBodies(t, q, 10) // one of each group is out
			if err := q.Delete(ctx, ms[0].Receipt); err != nil {
				t.Fatal(err)
			}
			wantBodies(t, q, 10, "a2")
			c.Advance(time.Minute) // hang0 never answered: its group goes on, behind nobody, before nobody
			got := receive(t, q, 10)
			groups := map[string]int{}
			for _, m := range got {
				groups[m.Group]++
			}
			if len(got) != 4 || groups["hang.example"] != 1 || groups["a.example"] != 1 || groups["b.example"] != 1 {
				t.Errorf("Receive after the visibility ended = %v, want one of each group", groups)
			}
		})
	}
}

// Groups take turns, also while the clock stands.
func TestQueueGroupsTakeTurns(t *testing.T) {
	t.Parallel()
	q, _ := queues(t, embedded.NewMemory())
	fill(t, q, post("a1", "a"), post("a2", "a"), post("a3", "a"), post("b1", "b"), post("b2", "b"))
	var order []string
	for range 5 {
		m := receive(t, q, 1)
		order = append(order, string(m[0].Body))
		if err := q.Delete(t.Context(), m[0].Receipt); err != nil {
			t.Fatal(err)
		}
	}
	if want := []string{"a1", "b1", "a2", "b2", "a3"}; !slices.Equal(order, want) {
		t.Errorf("order = %v, want %v", order, want)
	}
}

// A group that has waited long does not keep its turn.
func TestQueueGroupsOfAllAgesTakeTurns(t *testing.T) {
	t.Parallel()
	q, c := queues(t, embedded.NewMemory())
	fill(t, q, post("a1", "a"), post("a2", "a"))
	c.Advance(time.Minute)
	fill(t, q, post("b1", "b"))
	ms := wantBodies(t, q, 1, "a1")
	if err := q.Delete(t.Context(), ms[0].Receipt); err != nil {
		t.Fatal(err)
	}
	wantBodies(t, q, 1, "b1")
}

func TestQueueReleasesAll(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	f, err := embedded.OpenFile(folder)
	if err != nil {
		t.Fatal(err)
	}
	q, _ := queues(t, f)
	fill(t, q, post("a1", "a"), post("a2", "a"), post("free", ""))
	wantBodies(t, q, 10, "a1", "free")
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	q, _ = queues(t, openFile(t, folder))
	wantBodies(t, q, 10)
	if err := q.ReleaseAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	ms := wantBodies(t, q, 10, "a2", "free")
	if ms[1].Received != 2 {
		t.Errorf("received %d times, want 2", ms[1].Received)
	}
}

func TestQueueSignalsArrivals(t *testing.T) {
	t.Parallel()
	q, _ := queues(t, embedded.NewMemory())
	select {
	case <-q.Arrivals():
		t.Error("a signal before anything arrived")
	default:
	}
	fill(t, q, post("a", ""))
	fill(t, q, post("b", ""))
	select {
	case <-q.Arrivals():
	default:
		t.Error("no signal after messages arrived")
	}
}

func TestQueueRefusesForeignReceipts(t *testing.T) {
	t.Parallel()
	q, _ := queues(t, embedded.NewMemory())
	for _, receipt := range []string{"", "webhook/1", "webhook/1/x", "other/1/1"} {
		if err := q.Delete(t.Context(), receipt); !errors.Is(err, incident.ErrInvalid) {
			t.Errorf("Delete(%q) = %v, want ErrInvalid", receipt, err)
		}
		if err := q.Postpone(t.Context(), receipt, 0); !errors.Is(err, incident.ErrInvalid) {
			t.Errorf("Postpone(%q) = %v, want ErrInvalid", receipt, err)
		}
	}
}

func TestChunksGoToTheQueueOfTheirFamily(t *testing.T) {
	t.Parallel()
	kv := embedded.NewMemory()
	q, _ := queues(t, kv)
	b, err := embedded.NewBook(kv, 1)
	if err != nil {
		t.Fatal(err)
	}
	for slot, kind := range map[string]string{
		"confirm": deliver.KindConfirmation, "remind": deliver.KindReminder, "escalate": deliver.KindEscalation, "draft": deliver.KindOperator,
	} {
		m := deliver.Memo{Incident: "i-1", Slot: slot, Kind: kind, Content: message.Content{Text: "t"}}
		r := subscribe.Record{Subscriber: incident.Subscriber{ID: incident.RecipientID(slot), Channel: incident.Email}}
		if err := b.Commit(t.Context(), subscribe.Change{Record: r, Memo: &m}); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		chunk deliver.Chunk
		want  embedded.QueueName
	}{
		{deliver.Chunk{Incident: "i-1", Channel: incident.Email, FromSeq: 1}, embedded.EmailQueue},
		{deliver.Chunk{Incident: "i-1", Channel: incident.SMS, FromSeq: 1}, embedded.SMSQueue},
		{deliver.Chunk{Incident: "i-1", Channel: incident.Webhook, FromSeq: 1}, embedded.WebhookQueue},
		{deliver.Chunk{Incident: "i-1", Channel: "mastodon", FromSeq: 1}, embedded.PostQueue},
		{deliver.Chunk{Incident: "i-1", Channel: "slack", Slot: "draft"}, embedded.PostQueue},
		{deliver.Chunk{Incident: "i-1", Channel: incident.Email, Slot: "draft"}, embedded.EmailQueue},
		{deliver.Chunk{Incident: "i-1", Channel: incident.Email, Slot: "escalate"}, embedded.EmailQueue},
		{deliver.Chunk{Incident: "i-1", Channel: incident.Email, Slot: "confirm"}, embedded.EmailTwinQueue},
		{deliver.Chunk{Incident: "i-1", Channel: incident.SMS, Slot: "remind"}, embedded.SMSTwinQueue},
		{deliver.Chunk{Incident: "i-1", Channel: incident.Webhook, Slot: "confirm"}, embedded.WebhookTwinQueue},
		{deliver.Chunk{Incident: "drill-1", Channel: incident.Email, FromSeq: 1}, embedded.DrillSendQueue},
	} {
		if err := q.Send(t.Context(), []deliver.Chunk{c.chunk}); err != nil {
			t.Fatal(err)
		}
		if got := drain[deliver.Chunk](t, q, c.want); len(got) != 1 {
			t.Errorf("chunk %s/%s%s: %d on queue %s, want 1", c.chunk.Incident, c.chunk.Channel, c.chunk.Slot, len(got), c.want)
		}
	}
	if err := q.Send(t.Context(), []deliver.Chunk{{Incident: "i-1", Channel: "telex"}}); !errors.Is(err, incident.ErrNotFound) {
		t.Errorf("Send on no channel of ours = %v, want ErrNotFound", err)
	}
	if got := drain[deliver.Chunk](t, q, embedded.QueueNames()...); len(got) != 0 {
		t.Errorf("%d chunks are left, want none", len(got))
	}
}

func TestDrillPointersHaveTheirOwnQueue(t *testing.T) {
	t.Parallel()
	q, c := queues(t, embedded.NewMemory())
	if err := q.Publish(t.Context(), deliver.Pointer{Incident: "drill-1", Seq: 1}, c.Now().Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	if got := drain[deliver.Pointer](t, q, embedded.DrillFanOutQueue); len(got) != 1 {
		t.Errorf("%d pointers on the drills' queue, want 1", len(got))
	}
}

func TestParkedMessagesAreKept(t *testing.T) {
	t.Parallel()
	for name, open := range backends() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			q, _ := queues(t, open(t))
			for range 2 {
				if err := q.Park(t.Context(), "arn:q", []byte("not json"), "the body is no JSON"); err != nil {
					t.Fatal(err)
				}
			}
			if err := q.Park(t.Context(), "arn:other", []byte("not json"), "the body is no JSON"); err != nil {
				t.Fatal(err)
			}
			ps, err := q.Parked(t.Context())
			if err != nil || len(ps) != 2 || string(ps[0].Body) != "not json" || ps[0].Why != "the body is no JSON" {
				t.Errorf("Parked = %+v, %v, want two, whole", ps, err)
			}
		})
	}
}
