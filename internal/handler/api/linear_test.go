package api_test

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"golang.org/x/sync/errgroup"

	"shirase/internal/announce"
	"shirase/internal/embedded"
	"shirase/internal/handler/api"
	"shirase/internal/incident"
	"shirase/internal/message"
	"shirase/internal/plan"
)

// How much is tried: clients at once, requests of each, histories.
const (
	linearClients  = 4
	linearRequests = 10
)

var linearHistories = flag.Int("linear.histories", 250, "histories to check for linearizability")

// ports are what a planted fault may wrap.
type ports struct {
	reader announce.Reader
	store  announce.Committer
	// front wraps the handler itself.
	front func(http.Handler) http.Handler
}

// TestIncidentsAreLinearizable lets several clients work on the same incidents
// at once, over a store that fails in every way it may, and looks for an order
// of their requests, one at a time, that explains every answer.
func TestIncidentsAreLinearizable(t *testing.T) {
	t.Parallel()
	met := map[string]int{}
	operations := 0
	for seed := range uint64(*linearHistories) {
		b, s := history(t, seed, func(*shaky, *ports) {})
		operations += len(b.history)
		for k, n := range s.befell {
			met[k] += n
		}
		meet(met, b.history)
		if why := b.judge(); why != "" {
			t.Fatalf("seed %d: %s", seed, why)
		}
	}
	t.Logf("linearizable: %d histories, %d operations", *linearHistories, operations)
	for _, want := range []string{
		"change lost", "change made, answer lost", "late change made", "conflict without cause", "change made, conflict told",
		"race lost", "answer repeated", "read lost", "open 201", "update 201", "update 409 conflict", "update 409 stale", "update 412 version",
		"update 422 key-reused", "update 500", "update 503", "sealed", "correct 201", "correct 409 conflict", "correct 422 invalid",
		"retract 201", "retract 409 conflict", "retract 422 invalid", "note 201", "facts 200", "ack 200", "merge 200", "merge 404 not-found",
		"merge 409 conflict", "merge 422 invalid", "read 200", "read 404 not-found", "told 200", "preview 200", "reopened", "withdrawn",
	} {
		if met[want] == 0 {
			t.Errorf("%q was never met", want)
		}
	}
	for _, k := range slices.Sorted(maps.Keys(met)) {
		t.Logf("%6d %s", met[k], k)
	}
}

// meet counts what a history holds.
func meet(met map[string]int, ops []porcupine.Operation) {
	for _, op := range ops {
		in, out := op.Input.(request), op.Output.(reply)
		met[strings.TrimSpace(fmt.Sprintf("%s %d %s", in.verb, out.status, out.problem))]++
		if out.status == 201 && in.hash != "" {
			met["sealed"]++
		}
		if strings.Contains(out.view, "Stage:resolved Kind:notice Of:0 Withdrawn:false} {Seq:") && strings.Contains(out.view, "End: ") {
			met["reopened"]++
		}
		if strings.Contains(out.view, "End:withdrawn") {
			met["withdrawn"]++
		}
	}
}

// brief renders what texts depend on and no more; that the real texts suit is
// for other tests.
func brief(in message.Input) ([]message.Message, []message.Finding, error) {
	u := in.Update
	text := fmt.Sprint(u.Kind, u.Stage, u.Severity, u.Components, u.Next.Unix(), u.Missed.Unix(), u.Of, u.Text, in.Incident.Lines[:u.Seq-1])
	return []message.Message{{
		Incident: u.Incident, Seq: u.Seq, Audience: incident.Customers, Locale: "en",
		Contents: map[incident.Family]message.Content{incident.FamilyEmail: {Subject: string(u.Stage), Text: text}},
	}}, nil, nil
}

// mount makes the API over a store that behaves well for now.
func mount(t *testing.T, seed uint64, plant func(*shaky, *ports)) (http.Handler, *announce.Service, *shaky) {
	t.Helper()
	kv := embedded.NewMemory()
	t.Cleanup(func() { _ = kv.Close() })
	now := func() time.Time { return noon }
	parse := func(b []byte) (*plan.Plan, error) { return plan.Parse(b, message.Families()) }
	s := &shaky{Store: embedded.New(kv, now), seed: seed * 1_000_003, befell: map[string]int{}}
	s.calm.Store(true)
	source, err := plan.Embedded("company")
	if err != nil {
		t.Fatal(err)
	}
	pl, err := parse(source)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.SavePlan(t.Context(), 0, pl); err != nil {
		t.Fatal(err)
	}
	p := ports{reader: s, store: s, front: func(h http.Handler) http.Handler { return h }}
	plant(s, &p)
	var ids atomic.Int64
	log := slog.New(slog.DiscardHandler)
	svc := &announce.Service{
		Incidents: reads{s, p.reader}, History: s, Watch: s, Drafts: s, Plans: s, Store: p.store, Agenda: s,
		Bus: nowhere{}, Links: links{}, Render: brief,
		Memo: func(message.MemoInput) (map[incident.Family]message.Content, error) { return nil, nil },
		Hash: func(c incident.Channel, a incident.Address) incident.RecipientID {
			return incident.NewRecipientID([]byte("key"), c, a)
		},
		Families: message.Families(), Now: now, Log: log,
		NewID: func() string { return fmt.Sprintf("id%06d", ids.Add(1)) },
	}
	return p.front(api.New(api.Config{
		Announce: svc, Listing: s, Switches: embedded.NewRates(kv, nil), Status: s, Keys: keys{}, Parse: parse,
		Families: message.Families(), Now: now, Log: log,
	})), svc, s
}

// history has clients work at once and answers what they wrote down.
func history(t *testing.T, seed uint64, plant func(*shaky, *ports)) (*bench, *shaky) {
	t.Helper()
	h, svc, s := mount(t, seed, plant)
	b := newBench(h)
	b.begin(t, svc)
	s.calm.Store(false)
	var g errgroup.Group
	for n := range linearClients {
		c := &client{bench: b, n: n, rng: rand.New(rand.NewPCG(seed, uint64(n))), seen: map[string]int{}, shot: map[string][]viewed{}}
		g.Go(func() error { c.ask(linearRequests); return nil })
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	s.calm.Store(true)
	s.arrive(t.Context())
	end := &client{bench: b, n: linearClients}
	for _, id := range slices.Clone(b.ids) {
		end.call(request{verb: "read", id: id, who: "viewer"})
	}
	return b, s
}

// reads is a store whose incidents come from elsewhere.
type reads struct {
	*shaky
	from announce.Reader
}

// Incident implements announce.Reader.
func (r reads) Incident(ctx context.Context, id incident.ID) (incident.Incident, error) {
	return r.from.Incident(ctx, id)
}

// begin puts an incident that alarms have opened, and one of a person, before
// the clients.
func (b *bench) begin(t *testing.T, svc *announce.Service) {
	t.Helper()
	err := svc.Signal(t.Context(), incident.Signal{
		ID: "s1", Alarm: "login-failures", ARN: "arn:aws:cloudwatch:eu-west-1:111122223333:alarm:login-failures",
		Account: "111122223333", Region: "eu-west-1", Form: "metric", Path: "eventbridge", State: incident.SignalAlarm, At: noon,
	})
	if err != nil {
		t.Fatal(err)
	}
	is, err := svc.Incidents.Live(t.Context())
	if err != nil || len(is) != 1 {
		t.Fatalf("after the alarm %d incidents, %v, want one", len(is), err)
	}
	id := string(is[0].ID())
	b.known(id)
	w := httptest.NewRecorder()
	q := httptest.NewRequest(http.MethodGet, "/v1/incidents/"+id, nil)
	q.Header.Set("Authorization", "Bearer viewer")
	b.h.ServeHTTP(w, q)
	_, i := understand(request{verb: "read"}, w)
	b.history = append(b.history, porcupine.Operation{Input: request{verb: "seed", id: id, made: &i}, Call: b.clock.Add(1), Output: reply{}, Return: b.clock.Add(1)})
	open := request{verb: "open", who: "admin", kind: "incident", severity: "major", components: []string{"invoices"}}
	open.body = open.json()
	(&client{bench: b}).call(open)
}

// judge answers what is wrong with what was written down; empty where nothing is.
func (b *bench) judge() string {
	if len(b.faults) > 0 {
		return strings.Join(b.faults, "\n")
	}
	ops := settled(b.history)
	m := model()
	for _, part := range partition(ops) {
		one := m
		one.Partition = nil
		if porcupine.CheckOperations(one, part) {
			continue
		}
		return "no order explains the answers:\n" + explain(one, part)
	}
	return ""
}

// explain writes down the longest order that explains some answers, and what is
// left over.
func explain(m porcupine.Model, part []porcupine.Operation) string {
	_, info := porcupine.CheckOperationsVerbose(m, part, 0)
	var longest []porcupine.Operation
	for _, order := range info.PartialLinearizationsOperations()[0] {
		if len(order) > len(longest) {
			longest = order
		}
	}
	var b strings.Builder
	write := func(op porcupine.Operation) {
		in, out := op.Input.(request), op.Output.(reply)
		fmt.Fprintf(&b, "%4d to %d, client %d: %s %s by %s, key %q, match %d, %s\n\t-> %d %s %s version %d %s\n",
			op.Call, op.Return, op.ClientId, in.verb, in.id, in.who, in.key, in.match, in.body, out.status, out.problem, out.allowed, out.version, out.view)
	}
	placed := map[int64]bool{}
	for _, op := range longest {
		write(op)
		placed[op.Call] = true
	}
	b.WriteString("not explained:\n")
	for _, op := range part {
		if !placed[op.Call] {
			write(op)
		}
	}
	return b.String()
}

// settled makes of requests whose outcome nobody knows what the checker takes:
// they may have taken effect at any time since, or never.
func settled(ops []porcupine.Operation) []porcupine.Operation {
	opened := map[string]string{} // by principal and key
	for _, op := range ops {
		in, out := op.Input.(request), op.Output.(reply)
		if in.verb == "open" && in.key != "" && out.id != "" {
			opened[in.who+" "+in.key] = out.id
		}
	}
	var out []porcupine.Operation
	for n, op := range ops {
		in, got := op.Input.(request), op.Output.(reply)
		if got.unknown() {
			if in.verb == "read" || in.verb == "told" || in.verb == "preview" {
				continue
			}
			op.Return = math.MaxInt64
			if in.verb == "open" {
				if got.id = opened[in.who+" "+in.key]; in.key == "" || got.id == "" {
					got.id = fmt.Sprintf("unheard of %d", n)
				}
				op.Output = got
			}
		}
		out = append(out, op)
	}
	return out
}
