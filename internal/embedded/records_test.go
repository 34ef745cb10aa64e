package embedded

import (
	"context"
	"encoding/json"
	"log/slog"
	"testing"
	"time"

	"shirase/internal/announce"
	"shirase/internal/deliver"
	"shirase/internal/incident"
	"shirase/internal/message"
	"shirase/internal/record"
	"shirase/internal/subscribe"
)

// stored is one record, and who reads it.
type stored struct {
	name  string
	table Table
	key   string
	read  func(context.Context) error
}

// ignore makes a reader of one that answers more than an error.
func ignore[T any](_ T, err error) error { return err }

// readers are the records of every kind with their readers, over one store.
func readers(kv KV, book *Book) []stored {
	at := time.Date(2026, 9, 15, 5, 7, 0, 0, time.UTC)
	now := func() time.Time { return at }
	fresh := func() *Store { return New(kv, now) } // whose memory is empty
	s, queues := fresh(), NewQueues(kv, now, message.Families(), fresh())
	box := NewMailbox(kv, now, message.Families(), func(context.Context) string { return "a@minato.test" }, slog.New(slog.DiscardHandler))
	rates := NewRates(kv, map[incident.Channel]Limit{incident.Email: {Rate: 1, Burst: 1}})
	sub := subscribe.Key{Audience: incident.Customers, Channel: incident.Email, ID: "r"}
	line := deliver.Key{Incident: "i", Channel: incident.Email, Recipient: "r", Slot: "1"}
	pointer := deliver.Pointer{Incident: "i", Seq: 1}
	due := announce.Due{ID: "d", At: at}
	evidence := announce.Evidence{Incident: "i", Signal: incident.Signal{ID: "s", At: at}}
	m := mail{ID: "m", Visible: at, Turn: "1"}
	page := func(_ any, _ string, err error) error { return err }
	return []stored{
		{"incident", tableIncidents, keyMeta("i"), func(ctx context.Context) error { return ignore(s.Incident(ctx, "i")) }},
		{"update", tableIncidents, keyUpdate("i", 1), func(ctx context.Context) error { return ignore(s.Updates(ctx, "i")) }},
		{"message", tableIncidents, keyMessage("i", 1, "a", "ja"), func(ctx context.Context) error { return ignore(s.Messages(ctx, "i", 1)) }},
		{"memo", tableIncidents, keyMemo("i", "1"), func(ctx context.Context) error { return ignore(s.Memo(ctx, "i", "1")) }},
		{"note", tableIncidents, keyNotes("i") + "1", func(ctx context.Context) error { return ignore(s.Notes(ctx, "i")) }},
		{"evidence", tableIncidents, keyEvidence(evidence), func(ctx context.Context) error {
			es, next, err := s.Signals(ctx, "i", "", 0)
			return page(es, next, err)
		}},
		{"draft", tableIncidents, keyDraft("d"), func(ctx context.Context) error { return ignore(s.Draft(ctx, "d")) }},
		{"alarm", tableIncidents, keyAlarm("f"), func(ctx context.Context) error { return ignore(s.Alarm(ctx, "f")) }},
		{"group", tableIncidents, keyGroup("g"), func(ctx context.Context) error { return ignore(s.Group(ctx, "g")) }},
		{"status", tableIncidents, keyStatus("c"), func(ctx context.Context) error { return ignore(s.ComponentStatus(ctx, "c")) }},
		{"job", tableIncidents, keyJob("i", 1, incident.Email), func(ctx context.Context) error { return ignore(s.Job(ctx, "i", 1, incident.Email)) }},
		{"answer", tableIncidents, keyAnswer("k"), func(ctx context.Context) error {
			_, _, err := s.Answer(ctx, "k", at)
			return err
		}},
		{"plan", tableIncidents, keyPlan(1), func(ctx context.Context) error { return ignore(fresh().Current(ctx)) }},
		{"pace", tableIncidents, keyChannel(incident.Email), func(ctx context.Context) error {
			if err := rates.Release(ctx, at); err != nil {
				return err
			}
			return ignore(rates.Reserve(ctx, incident.Email, 1, at))
		}},
		{"outbox", tableWork, keyWorkOutbox(at, pointer), func(ctx context.Context) error {
			if err := s.Release(ctx, at.Add(-time.Hour)); err != nil {
				return err
			}
			return ignore(s.Outbox(ctx, at.Add(time.Hour), 10))
		}},
		{"due", tableWork, keyWorkDue(due), func(ctx context.Context) error { return ignore(s.Due(ctx, at, 10)) }},
		{"expiry", tableWork, keyWorkExpiry(at, tableIncidents, "x"), func(ctx context.Context) error { return s.Sweep(ctx, at) }},
		{"listed incident", tableList, listIncidents + "1", func(ctx context.Context) error {
			is, next, err := s.Incidents(ctx, "", 1)
			return page(is, next, err)
		}},
		{"listed signal", tableList, keyListSignal(evidence), func(ctx context.Context) error {
			es, next, err := s.Signals(ctx, "", "", 1)
			return page(es, next, err)
		}},
		{"delivery", tableDeliveries, keyLine(line), func(ctx context.Context) error {
			if err := s.Release(ctx, at); err != nil {
				return err
			}
			return ignore(s.Claim(ctx, []deliver.Ask{{Key: line, Now: at}}))
		}},
		{"subscriber", tableSubscribers, keySubscriber(sub, 1), func(ctx context.Context) error {
			if _, err := book.Load(ctx, sub); err != nil {
				return err
			}
			ss, next, err := book.Page(ctx, incident.Customers, incident.Email, 0, "", 10)
			return page(ss, next, err)
		}},
		{"twin", tableSubscribers, keyTwin(sub), func(ctx context.Context) error {
			return ignore(book.Find(ctx, incident.Email, []incident.RecipientID{"r"}))
		}},
		{"count", tableSubscribers, keyLimit("k"), func(ctx context.Context) error {
			return ignore(book.Take(ctx, "k", subscribe.Cap{N: 1, Per: time.Hour}, at))
		}},
		{"mail", tableQueues, keyMail(EmailQueue, "m"), func(ctx context.Context) error { return queues.ReleaseAll(ctx) }},
		{"ready", tableQueues, keyReady(EmailQueue, at, m.Turn), func(ctx context.Context) error {
			return ignore(queues.Receive(ctx, EmailQueue, 10, time.Minute))
		}},
		{"parked", tableQueues, keyParks + "1", func(ctx context.Context) error { return ignore(queues.Parked(ctx)) }},
		{"turn", tableQueues, keyTurns, func(ctx context.Context) error {
			return queues.Put(ctx, EmailQueue, 0, Post{Body: []byte("{}")})
		}},
		{"inbox entry", tableInbox, keyEntry(1), func(ctx context.Context) error { return ignore(box.List(ctx)) }},
	}
}

// seeds are records of every kind, and some of none.
func seeds(tb testing.TB) (out [][]byte) {
	tb.Helper()
	at := time.Date(2026, 9, 15, 5, 7, 0, 0, time.UTC)
	for _, v := range []any{
		nil, 1, -1, "", "i",
		[]string{"x"},
		map[string]string{"id": "x"},
		incident.Snapshot{ID: "i", Version: 1, Named: []incident.ComponentID{"c"}},
		incident.Update{Incident: "i", Seq: 1, Text: incident.Text{"ja": "x"}},
		deliver.Item{State: deliver.Claimed, LeaseUntil: at.Add(time.Hour)},
		deliver.Pointer{Incident: "i", Seq: 1},
		deliver.Pace{At: at.Add(time.Hour)},
		record.Subscription{ID: "r", State: incident.Active, Ask: &record.Ask{ID: "x", At: at}},
		incident.Customers,
		count{Since: at, Per: time.Hour, N: 1},
		mail{ID: "m", Out: true, Visible: at.Add(time.Hour), Turn: "1"},
		ready{ID: "m"},
		ready{Group: "g"},
		ready{},
		expiry{tableIncidents, "I#"},
		expiry{tableIncidents, "I#i" + sep},
		expiry{"nope", "x"},
		expiry{},
		planRecord{Version: 1, Plan: json.RawMessage(`{"form":1,"organisation":{"zone":"Mars"}}`), At: at},
		planRecord{Version: 1, Plan: json.RawMessage(`{"form":1,"alarms":{"hold":"x"}}`), At: at},
		Parked{Queue: "q"},
	} {
		b, err := json.Marshal(v)
		if err != nil {
			tb.Fatal(err)
		}
		out = append(out, b, b[:len(b)-1])
	}
	return out
}

// readBack makes a check of what the readers of a kind do with stored bytes that
// may be anything, as a disk that lies or an older release leaves them: they
// answer or fail, never panic, and never take what is no JSON.
func readBack(tb testing.TB) (kinds int, check func(t *testing.T, kind int, raw []byte)) {
	tb.Helper()
	kv := NewMemory()
	book, err := NewBook(kv, 1)
	if err != nil {
		tb.Fatal(err)
	}
	all := readers(kv, book)
	return len(all), func(t *testing.T, kind int, raw []byte) {
		t.Helper()
		if len(raw) == 0 {
			return // no store keeps an empty value
		}
		for _, table := range tables() {
			kv.tables[table] = &sorted{}
		}
		r := all[kind%len(all)]
		if err := kv.Update(func(tx Tx) error { return tx.Put(r.table, r.key, raw) }); err != nil {
			t.Fatal(err)
		}
		if err := r.read(t.Context()); err == nil && !json.Valid(raw) {
			t.Errorf("%s %q = nil, want an error", r.name, raw)
		}
	}
}

func TestRecordsOfAnyKindAnywhere(t *testing.T) {
	t.Parallel()
	kinds, check := readBack(t)
	for _, raw := range seeds(t) {
		for kind := range kinds {
			check(t, kind, raw)
		}
	}
}

func FuzzRecords(f *testing.F) {
	kinds, check := readBack(f)
	for n, raw := range seeds(f) {
		f.Add(uint8(n%kinds), raw)
	}
	for kind := range kinds {
		f.Add(uint8(kind), []byte(`{"id":"x"}`))
	}
	f.Fuzz(func(t *testing.T, kind uint8, raw []byte) { check(t, int(kind), raw) })
}
