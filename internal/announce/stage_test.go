package announce_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"shirase/internal/announce"
	"shirase/internal/deliver"
	"shirase/internal/embedded"
	"shirase/internal/incident"
	"shirase/internal/message"
	"shirase/internal/plan"
)

// noon is when every story begins: Tuesday 15 September 2026, 14:07 in Tokyo.
var noon = time.Date(2026, 9, 15, 5, 7, 0, 0, time.UTC)

// stage is a service over the embedded engine, with a clock that the test moves
// and a bus that remembers.
type stage struct {
	*announce.Service
	t     *testing.T
	store *embedded.Store

	mu   sync.Mutex
	now  time.Time
	ids  int
	told []deliver.Pointer
	// deaf makes the bus fail, deafTo for one incident; tries counts its calls.
	deaf   bool
	deafTo incident.ID
	tries  int
}

func newStage(t *testing.T) *stage {
	t.Helper()
	return newStageWith(t, "company")
}

func newStageWith(t *testing.T, planName string) *stage {
	t.Helper()
	source, err := plan.Embedded(planName)
	if err != nil {
		t.Fatal(err)
	}
	pl, err := plan.Parse(source, message.Families())
	if err != nil {
		t.Fatal(err)
	}
	s := &stage{t: t, now: noon}
	kv := embedded.NewMemory()
	t.Cleanup(func() { _ = kv.Close() })
	s.store = embedded.New(kv, s.clock)
	if _, err := s.store.SavePlan(t.Context(), 0, pl); err != nil {
		t.Fatal(err)
	}
	s.Service = &announce.Service{
		Incidents: s.store, History: s.store, Watch: s.store, Drafts: s.store, Plans: s.store, Store: s.store,
		Agenda: s.store, Bus: s, Links: links{}, Render: message.Render, Memo: message.RenderMemo,
		Hash: func(c incident.Channel, a incident.Address) incident.RecipientID {
			return incident.NewRecipientID([]byte("key"), c, a)
		},
		Families: message.Families(), Now: s.clock, NewID: s.id, Log: slog.New(slog.DiscardHandler),
	}
	return s
}

func (s *stage) clock() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

func (s *stage) id() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ids++
	return fmt.Sprintf("id%08d", s.ids)
}

// Publish implements announce.Bus.
func (s *stage) Publish(_ context.Context, p deliver.Pointer, _ time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tries++
	if s.deaf || p.Incident == s.deafTo {
		return context.DeadlineExceeded
	}
	s.told = append(s.told, p)
	return nil
}

// memos answers the memos that were published, by slot prefix.
func (s *stage) memos() []deliver.Memo {
	s.t.Helper()
	var out []deliver.Memo
	for _, p := range s.told {
		if p.Slot == "" {
			continue
		}
		m, err := s.store.Memo(s.t.Context(), p.Incident, p.Slot)
		if err != nil {
			s.t.Fatal(err)
		}
		out = append(out, m)
	}
	return out
}

// pass moves the clock, through every moment at which something is due.
func (s *stage) pass(d time.Duration) {
	s.t.Helper()
	end := s.clock().Add(d)
	for {
		next, ok, err := s.store.NextDue(s.t.Context())
		if err != nil {
			s.t.Fatal(err)
		}
		if !ok || next.After(end) {
			break
		}
		s.set(next)
		if err := s.Sweep(s.t.Context(), s.clock()); err != nil {
			s.t.Fatal(err)
		}
	}
	s.set(end)
}

func (s *stage) set(t time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t.After(s.now) {
		s.now = t
	}
}

// links makes links that a test can read.
type links struct{}

func (links) Incident(id incident.ID) string { return "https://minato.test/i/" + string(id) }

func (links) Draft(id announce.DraftID, m plan.MemberID, _ time.Time) string {
	return "https://minato.test/act/" + string(id) + "." + string(m)
}

// who is the operator of every story.
var who = announce.Actor{Name: "sato"}

// trouble opens the incident of the yardsticks.
func trouble() announce.OpenInput {
	return announce.OpenInput{
		Components: []incident.ComponentID{"invoices"}, Severity: incident.Major,
		Facts: incident.Facts{Effect: confirmed(incident.Text{"ja": "請求書を送信できません。", "en": "Invoices cannot be sent."})},
	}
}

func confirmed[T any](v T) incident.Fact[T] {
	return incident.Fact[T]{Value: v, State: incident.Confirmed}
}

func (s *stage) open(in announce.OpenInput) incident.Snapshot {
	s.t.Helper()
	r, err := s.Open(s.t.Context(), in, who)
	if err != nil {
		s.t.Fatalf("Open() = %v", err)
	}
	return r.Incident
}

func (s *stage) read(id incident.ID) incident.Snapshot {
	s.t.Helper()
	inc, err := s.store.Incident(s.t.Context(), id)
	if err != nil {
		s.t.Fatal(err)
	}
	return inc.Snapshot()
}

// alarm is the signal of an alarm.
func (s *stage) alarm(name string, state incident.SignalState) incident.Signal {
	return incident.Signal{
		ID: name + string(state) + s.clock().String(), Alarm: name, ARN: "arn:aws:cloudwatch:ap-northeast-1:111122223333:alarm:" + name,
		Account: "111122223333", Region: "ap-northeast-1", Form: "metric", Path: "eventbridge", State: state, At: s.clock(),
	}
}

func (s *stage) signal(sig incident.Signal) {
	s.t.Helper()
	if err := s.Signal(s.t.Context(), sig); err != nil {
		s.t.Fatalf("Signal(%s) = %v", sig.Alarm, err)
	}
}

func (s *stage) live() []incident.Snapshot {
	s.t.Helper()
	is, err := s.store.Live(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	var out []incident.Snapshot
	for _, i := range is {
		out = append(out, i.Snapshot())
	}
	return out
}
