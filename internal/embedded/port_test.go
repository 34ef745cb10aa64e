package embedded_test

import (
	"encoding/json"
	"testing"
	"time"

	"shirase/internal/announce"
	"shirase/internal/deliver"
	"shirase/internal/embedded"
	"shirase/internal/incident"
	"shirase/internal/porttest"
)

// backends are all the ways to keep things. Each opens an empty store.
func backends() map[string]func(t *testing.T) embedded.KV {
	return map[string]func(t *testing.T) embedded.KV{
		"memory": func(*testing.T) embedded.KV { return embedded.NewMemory() },
		"file":   func(t *testing.T) embedded.KV { t.Helper(); return openFile(t, t.TempDir()) },
	}
}

func openFile(t *testing.T, folder string) *embedded.File {
	t.Helper()
	f, err := embedded.OpenFile(folder)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	return f
}

func families() map[incident.Channel]incident.Family {
	return map[incident.Channel]incident.Family{
		incident.Email: incident.FamilyEmail, incident.SMS: incident.FamilySMS, incident.Webhook: incident.FamilyWebhook,
		"mastodon": incident.FamilySocial, "slack": incident.FamilyChat,
	}
}

func still() time.Time { return porttest.Start }

func TestAnnouncePorts(t *testing.T) {
	t.Parallel()
	for name, open := range backends() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			porttest.Announce(t, func(t *testing.T, now func() time.Time) porttest.AnnounceStore {
				t.Helper()
				return embedded.New(open(t), now)
			})
		})
	}
}

func TestPlans(t *testing.T) {
	t.Parallel()
	for name, open := range backends() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			porttest.Plans(t, func(t *testing.T) announce.Plans {
				t.Helper()
				return embedded.New(open(t), still)
			})
		})
	}
}

func TestLedger(t *testing.T) {
	t.Parallel()
	for name, open := range backends() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			porttest.Ledger(t, func(t *testing.T) porttest.LedgerStore {
				t.Helper()
				return embedded.New(open(t), still)
			})
			porttest.Jobs(t, func(t *testing.T) deliver.Jobs {
				t.Helper()
				return embedded.New(open(t), still)
			})
		})
	}
}

func TestRates(t *testing.T) {
	t.Parallel()
	for name, open := range backends() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			porttest.Rates(t, func(t *testing.T, rate, burst float64) (updates, confirmations porttest.RatesStore) {
				t.Helper()
				r := embedded.NewRates(open(t), map[incident.Channel]embedded.Limit{incident.Email: {Rate: rate, Burst: burst}})
				return r, r.ForConfirmations()
			})
		})
	}
}

func TestBook(t *testing.T) {
	t.Parallel()
	for name, open := range backends() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			porttest.Book(t, func(t *testing.T) (porttest.BookStore, deliver.Messages) {
				t.Helper()
				kv := open(t)
				b, err := embedded.NewBook(kv, 4)
				if err != nil {
					t.Fatal(err)
				}
				return b, embedded.New(kv, still)
			})
		})
	}
}

// drain answers what comes out of the queues, decoded, and deletes it.
func drain[T any](t *testing.T, q *embedded.Queues, names ...embedded.QueueName) (out []T) {
	t.Helper()
	for _, name := range names {
		for {
			ms, err := q.Receive(t.Context(), name, 10, time.Minute)
			if err != nil {
				t.Fatal(err)
			}
			if len(ms) == 0 {
				break
			}
			for _, m := range ms {
				var v T
				if err := json.Unmarshal(m.Body, &v); err != nil {
					t.Fatal(err)
				}
				out = append(out, v)
				if err := q.Delete(t.Context(), m.Receipt); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	return out
}

func TestQueuePorts(t *testing.T) {
	t.Parallel()
	for name, open := range backends() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			porttest.Queue(t, func(t *testing.T) (deliver.Queue, func() []deliver.Chunk) {
				t.Helper()
				kv := open(t)
				q := embedded.NewQueues(kv, still, families(), embedded.New(kv, still))
				return q, func() []deliver.Chunk { return drain[deliver.Chunk](t, q, embedded.QueueNames()...) }
			})
			porttest.Bus(t, func(t *testing.T, now func() time.Time) (announce.Bus, func() []deliver.Pointer) {
				t.Helper()
				kv := open(t)
				q := embedded.NewQueues(kv, now, families(), embedded.New(kv, now))
				return q, func() []deliver.Pointer { return drain[deliver.Pointer](t, q, embedded.FanOutQueue) }
			})
		})
	}
}
