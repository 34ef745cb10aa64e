package bus_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"shirase/internal/announce"
	"shirase/internal/aws/bus"
	"shirase/internal/deliver"
	"shirase/internal/incident"
	"shirase/internal/message"
	"shirase/internal/plan"
	"shirase/internal/subscribe"
)

var (
	_ announce.Bus        = (*bus.Bus)(nil)
	_ subscribe.Publisher = bus.Publisher{}
)

var start = time.Date(2026, 9, 15, 5, 7, 0, 0, time.UTC)

func now() time.Time { return start }

var topics = bus.Topics{Updates: "arn:aws:sns:ap-northeast-1:111122223333:updates"}

var starter = bus.Topics{Updates: topics.Updates, Notices: "arn:aws:sns:ap-northeast-1:111122223333:notices"}

// A publication is what SNS was asked to publish.
type publication struct {
	Topic, Subject, Structure, Message string
	Attributes                         map[string]string
}

// bodies reads a message of one body for each protocol.
func (p publication) bodies(t *testing.T) map[string]string {
	t.Helper()
	var out map[string]string
	if err := json.Unmarshal([]byte(p.Message), &out); err != nil || p.Structure != "json" {
		t.Fatalf("message of structure %q = %.200q, %v, want json", p.Structure, p.Message, err)
	}
	return out
}

// stub is an SNS behind a real client that answers what it is told, for what no
// engine does. It is asked without a network, so that time may stand still.
type stub struct {
	mu   sync.Mutex
	seen []publication
	// fault answers the code of a fault; nil takes everything.
	fault func(p publication, n int) string
	// hangs keeps every caller waiting until it gives up.
	hangs bool
}

// Do answers a request.
func (s *stub) Do(r *http.Request) (*http.Response, error) {
	b, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	form, err := url.ParseQuery(string(b))
	if err != nil {
		return nil, err
	}
	p := publication{Topic: form.Get("TopicArn"), Subject: form.Get("Subject"), Structure: form.Get("MessageStructure"), Message: form.Get("Message")}
	for n := 1; form.Has(fmt.Sprintf("MessageAttributes.entry.%d.Name", n)); n++ {
		if p.Attributes == nil {
			p.Attributes = map[string]string{}
		}
		entry := fmt.Sprintf("MessageAttributes.entry.%d.", n)
		p.Attributes[form.Get(entry+"Name")] = form.Get(entry+"Value.DataType") + " " + form.Get(entry+"Value.StringValue")
	}
	s.mu.Lock()
	n := len(s.seen)
	s.seen = append(s.seen, p)
	s.mu.Unlock()
	status, body := http.StatusOK, `<PublishResponse><PublishResult><MessageId>m</MessageId></PublishResult></PublishResponse>`
	if s.fault != nil {
		if code := s.fault(p, n); code != "" {
			status = http.StatusBadRequest
			body = `<ErrorResponse><Error><Type>Sender</Type><Code>` + code + `</Code><Message>no</Message></Error></ErrorResponse>`
		}
	}
	if s.hangs {
		<-r.Context().Done()
	}
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

// client answers a real client of the stub. Its retries are on, and do not wait.
func (s *stub) client() *sns.Client {
	return sns.New(sns.Options{
		Region: "ap-northeast-1", Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""), HTTPClient: s,
		Retryer: retry.NewStandard(func(o *retry.StandardOptions) {
			o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
		}),
	})
}

// on answers what a topic got.
func (s *stub) on(topic string) (out []publication) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.seen {
		if p.Topic == topic {
			out = append(out, p)
		}
	}
	return out
}

// world is an incident with its texts, as a store keeps them.
type world struct {
	plan    *plan.Plan
	inc     incident.Incident
	updates []incident.Update
	texts   map[string]message.Message
	// lost is how reading fails, stuck that it never ends.
	lost  error
	stuck bool
	reads int
}

func (w *world) Current(ctx context.Context) (*plan.Plan, error) {
	w.reads++
	if w.stuck {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return w.plan, w.lost
}

func (w *world) Version(context.Context, int) (*plan.Plan, error) {
	return w.plan, w.lost
}

func (w *world) Message(_ context.Context, id incident.ID, seq int, a incident.Audience, l incident.Locale) (message.Message, error) {
	m, ok := w.texts[fmt.Sprint(id, seq, a, l)]
	if !ok {
		return m, fmt.Errorf("text: %w", incident.ErrNotFound)
	}
	return m, nil
}

func (w *world) Update(_ context.Context, _ incident.ID, seq int) (incident.Update, error) {
	if seq < 1 || seq > len(w.updates) {
		return incident.Update{}, fmt.Errorf("update: %w", incident.ErrNotFound)
	}
	return w.updates[seq-1], nil
}

func (w *world) Incident(context.Context, incident.ID) (incident.Incident, error) { return w.inc, nil }

func (*world) Live(context.Context) ([]incident.Incident, error) { return nil, nil }

func (*world) Memo(context.Context, incident.ID, string) (deliver.Memo, error) {
	return deliver.Memo{}, incident.ErrNotFound
}

func (w *world) reading() bus.Reads { return bus.Reads{Messages: w, Plans: w, Incidents: w} }

// newWorld opens an incident under a plan.
func newWorld(t *testing.T, id incident.ID, source string) *world {
	t.Helper()
	p, err := plan.Parse([]byte(source), message.Families())
	if err != nil {
		t.Fatal(err)
	}
	inc, err := incident.Open(incident.Opening{
		ID: id, Kind: incident.Outage, Severity: incident.Major, Components: []incident.ComponentID{"invoices"},
		DetectedAt: start, At: start, By: "sato",
	})
	if err != nil {
		t.Fatal(err)
	}
	return &world{plan: p, inc: inc, texts: map[string]message.Message{}}
}

// company is the plan that the program runs with.
func company(t *testing.T) string {
	t.Helper()
	b, err := plan.Embedded("company")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// accept takes an update, which goes by mail to the audiences, and renders it.
func (w *world) accept(t *testing.T, p incident.Proposal, to ...incident.Audience) {
	t.Helper()
	p.By = "sato"
	if p.Kind == "" {
		p.Kind = incident.Notice
	}
	if p.Stage == "" {
		p.Stage = w.inc.Stage()
	}
	everything := p.Kind == incident.Retraction && len(w.updates) == 1 // the end, with nothing to promise
	if !p.Stage.Final() && !everything {
		p.Next = start.Add(time.Hour)
	}
	for _, a := range to {
		p.Routes = append(p.Routes, incident.Route{Audience: a, Channel: incident.SMS}, incident.Route{Audience: a, Channel: incident.Email})
	}
	after, u, err := w.inc.Accept(p, start.Add(time.Duration(len(w.updates))*time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	in := message.Input{Plan: w.plan, Incident: after.Snapshot(), Update: u, Link: "https://minato.test/i/" + string(u.Incident)}
	if u.Of > 0 {
		in.Wrong = &w.updates[u.Of-1]
	}
	ms, _, err := message.Render(in)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range ms {
		w.texts[fmt.Sprint(m.Incident, m.Seq, m.Audience, m.Locale)] = m
	}
	w.inc, w.updates = after, append(w.updates, u)
}

// said answers the stored mail of an update for an audience in the first locale,
// as somebody reads it who has no links of their own.
func (w *world) said(seq int, a incident.Audience) message.Content {
	l := w.plan.Organisation.Locales[0]
	m := w.texts[fmt.Sprint(w.inc.ID(), seq, a, l)]
	return message.Resolve(m.Contents[incident.FamilyEmail], incident.FamilyEmail, l, message.Reader{}, w.plan.Organisation.Zone)
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }
