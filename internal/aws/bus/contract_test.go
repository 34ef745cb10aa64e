//go:build contract

package bus_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/go-cmp/cmp"

	"shirase/internal/announce"
	"shirase/internal/aws/bus"
	"shirase/internal/aws/enginetest"
	"shirase/internal/deliver"
	"shirase/internal/incident"
	"shirase/internal/porttest"
)

// onEngines runs a test on each engine.
func onEngines(t *testing.T, fn func(t *testing.T, e engine)) {
	t.Helper()
	for name, config := range enginetest.All(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fn(t, engine{sns.NewFromConfig(config), sqs.NewFromConfig(config)})
		})
	}
}

type engine struct {
	sns *sns.Client
	sqs *sqs.Client
}

var made atomic.Int64

func (e engine) topic(t *testing.T) (arn string) {
	t.Helper()
	out, err := e.sns.CreateTopic(t.Context(), &sns.CreateTopicInput{Name: aws.String(fmt.Sprintf("topic-%d", made.Add(1)))})
	if err != nil {
		t.Fatal(err)
	}
	return *out.TopicArn
}

// subscribe makes a queue that gets raw what passes the filter.
func (e engine) subscribe(t *testing.T, topic, filter string) (url string) {
	t.Helper()
	made, err := e.sqs.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String(fmt.Sprintf("queue-%d", made.Add(1)))})
	if err != nil {
		t.Fatal(err)
	}
	got, err := e.sqs.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{
		QueueUrl: made.QueueUrl, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameQueueArn},
	})
	if err != nil {
		t.Fatal(err)
	}
	settings := map[string]string{"RawMessageDelivery": "true"}
	if filter != "" {
		settings["FilterPolicy"] = filter
	}
	_, err = e.sns.Subscribe(t.Context(), &sns.SubscribeInput{
		TopicArn: &topic, Protocol: aws.String("sqs"), Endpoint: aws.String(got.Attributes["QueueArn"]), Attributes: settings,
	})
	if err != nil {
		t.Fatal(err)
	}
	return *made.QueueUrl
}

// bodies takes what arrived on a queue, sorted, and what arrived twice once: the
// engines now and then close a connection before the answer, so that the client
// publishes again.
func (e engine) bodies(t *testing.T, url string) (out []string) {
	t.Helper()
	for {
		got, err := e.sqs.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &url, MaxNumberOfMessages: 10, VisibilityTimeout: 600})
		if err != nil {
			t.Fatal(err)
		}
		if len(got.Messages) == 0 {
			slices.Sort(out)
			return slices.Compact(out)
		}
		for _, m := range got.Messages {
			out = append(out, *m.Body)
		}
	}
}

func TestBusPort(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, e engine) {
		t.Helper()
		porttest.Bus(t, func(t *testing.T, now func() time.Time) (announce.Bus, func() []deliver.Pointer) {
			t.Helper()
			topic := e.topic(t)
			url := e.subscribe(t, topic, "")
			w := newWorld(t, "i-1", company(t))
			return bus.New(e.sns, bus.Topics{Updates: topic}, w.reading(), now, quiet()), func() []deliver.Pointer {
				var out []deliver.Pointer
				for _, b := range e.bodies(t, url) {
					var p deliver.Pointer
					if err := json.Unmarshal([]byte(b), &p); err != nil {
						t.Fatal(err)
					}
					out = append(out, p)
				}
				// A standard queue keeps no order.
				slices.SortFunc(out, func(a, b deliver.Pointer) int {
					order := func(p deliver.Pointer) int { return len(p.Slot) + 100*len(p.Late) }
					return order(a) - order(b)
				})
				return out
			}
		})
	})
}

// TestSubscriptionsFilterByKindAndMode publishes everything, with a text beside
// it, to a queue for what is real, one for drills, and one for what operators are
// to read.
func TestSubscriptionsFilterByKindAndMode(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, e engine) {
		t.Helper()
		topic := e.topic(t)
		urls := map[string]string{
			"real":     e.subscribe(t, topic, `{"mode":["real"]}`),
			"drill":    e.subscribe(t, topic, `{"mode":["drill"]}`),
			"readable": e.subscribe(t, topic, `{"kind":["update"]}`),
		}
		for _, id := range []incident.ID{"i-1", "drill-1"} {
			w := newWorld(t, id, company(t))
			w.accept(t, incident.Proposal{Stage: incident.Investigating}, incident.Customers)
			b := bus.New(e.sns, bus.Topics{Updates: topic}, w.reading(), now, quiet())
			for _, p := range []deliver.Pointer{{Incident: id, Seq: 1}, {Incident: id, Slot: "s"}, {Incident: id, Seq: 1, Late: "r", Channel: "sms"}} {
				if err := b.Publish(t.Context(), p, start.Add(time.Minute)); err != nil {
					t.Fatal(err)
				}
			}
		}
		of := func(id string) []string {
			return []string{
				`{"incident":"` + id + `","seq":1,"late":"r","channel":"sms"}`, `{"incident":"` + id + `","seq":1}`, `{"incident":"` + id + `","slot":"s"}`,
			}
		}
		want := map[string][]string{"real": of("i-1"), "drill": of("drill-1"), "readable": {of("drill-1")[1], of("i-1")[1]}}
		got := map[string][]string{}
		for name, url := range urls {
			got[name] = e.bodies(t, url)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("arrived differ (-want +got):\n%s", d)
		}
	})
}

func TestNoticesReachTheirTopic(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, e engine) {
		t.Helper()
		updates, notices := e.topic(t), e.topic(t)
		read := e.subscribe(t, notices, "")
		w := newWorld(t, "i-1", company(t))
		w.accept(t, incident.Proposal{Stage: incident.Investigating}, incident.Audiences()...)
		b := bus.New(e.sns, bus.Topics{Updates: updates, Notices: notices}, w.reading(), now, quiet())
		publish := func() []string {
			if err := b.Publish(t.Context(), deliver.Pointer{Incident: "i-1", Seq: 1}, start.Add(time.Minute)); err != nil {
				t.Fatal(err)
			}
			return e.bodies(t, read)
		}
		if d := cmp.Diff([]string{w.said(1, incident.Customers).Text}, publish()); d != "" {
			t.Errorf("notices differ (-want +got):\n%s", d)
		}
		long := strings.Repeat("障", 100_000)
		w.mailed(incident.Customers, long, long)
		if got := publish(); len(got) != 1 || len(got[0]) < 250_000 {
			t.Errorf("customers were told %d messages, want the long one, cut", len(got))
		}
	})
}
