//go:build contract

package functions_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"shirase/infra/runtime"
	"shirase/internal/aws/dynamo"
	"shirase/internal/aws/enginetest"
	"shirase/internal/handler"
)

// secret is the root secret of a stack.
const secret = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

// publicURL begins every link.
const publicURL = "https://status.minato.example"

// A stack is what the template makes, on ministack, with the binaries that ship
// in the place of Lambda: the test hands them what their queues hold.
type stack struct {
	t      *testing.T
	config aws.Config
	sqs    *sqs.Client
	name   string
	env    []string
	urls   map[string]string // queues by name
	doors  map[string]*runtime.Function
	tables dynamo.Tables
	via    map[string]string // the endpoints of functions that have one of their own
	handed map[string]int    // messages that functions were handed
}

// reads are the queues of each function.
var reads = map[string][]string{
	"alarm": {"alarm"}, "due": {"nudge"}, "fanout": {"fanout"}, "receipt": {"receipt"}, "delivery/email": {"email", "email-twin"},
	"delivery/sms": {"sms", "sms-twin"}, "delivery/webhook": {"webhook", "webhook-twin"}, "delivery/post": {"post"},
}

// doors are all functions.
var doors = []string{
	"alarm", "api", "due", "fanout", "receipt", "signup", "delivery/email", "delivery/sms", "delivery/webhook", "delivery/post",
}

// newStack makes a stack and starts every function in it. Run goes before each
// binary, such as the emulator of another processor.
func newStack(t *testing.T, name, arch string, run ...string) *stack {
	t.Helper()
	s := makeStack(t, name)
	for _, door := range doors {
		s.start(door, arch, run)
	}
	return s
}

// makeStack makes a stack in which no function runs yet.
func makeStack(t *testing.T, name string) *stack {
	t.Helper()
	s := &stack{
		t: t, config: enginetest.Ministack(t), name: name, urls: map[string]string{}, doors: map[string]*runtime.Function{},
		tables: dynamo.Tables{Incidents: name + "-incidents", Subscribers: name + "-subscribers", Deliveries: name + "-deliveries"},
		via:    map[string]string{}, handed: map[string]int{},
	}
	s.sqs = sqs.NewFromConfig(s.config)
	s.make()
	return s
}

// make makes tables, queues, the topic and the secret.
func (s *stack) make() {
	s.t.Helper()
	ctx := s.t.Context()
	for _, in := range dynamo.Schema(s.tables) {
		_, err := dynamodb.NewFromConfig(s.config).CreateTable(ctx, in)
		// The SDK asks again where the answer was lost, and then it is there.
		if _, there := errors.AsType[*dynamotypes.ResourceInUseException](err); !there {
			s.must(err)
		}
	}
	root, err := secretsmanager.NewFromConfig(s.config).CreateSecret(ctx, &secretsmanager.CreateSecretInput{
		Name: aws.String(s.name + "-root"), SecretString: aws.String(secret),
	})
	s.must(err)
	topics := sns.NewFromConfig(s.config)
	topic, err := topics.CreateTopic(ctx, &sns.CreateTopicInput{Name: aws.String(s.name + "-updates")})
	s.must(err)
	s.env = []string{
		"AWS_REGION=" + s.config.Region, "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "SHIRASE_ENDPOINT=" + *s.config.BaseEndpoint,
		"SHIRASE_STACK=" + s.name, "SHIRASE_PUBLIC_URL=" + publicURL, "SHIRASE_SECRETS=" + s.name + "/",
		"SHIRASE_INCIDENTS_TABLE=" + s.tables.Incidents, "SHIRASE_SUBSCRIBERS_TABLE=" + s.tables.Subscribers,
		"SHIRASE_DELIVERIES_TABLE=" + s.tables.Deliveries, "SHIRASE_ROOT_SECRET=" + *root.ARN, "SHIRASE_UPDATES_TOPIC=" + *topic.TopicArn,
	}
	for _, q := range []string{
		"alarm", "fanout", "email", "email-twin", "sms", "sms-twin", "webhook", "webhook-twin", "post", "nudge", "receipt", "parking",
	} {
		out, err := s.sqs.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String(s.name + "-" + q)})
		s.must(err)
		s.urls[q] = *out.QueueUrl
		s.env = append(s.env, "SHIRASE_"+strings.ToUpper(strings.ReplaceAll(q, "-", "_"))+"_QUEUE="+*out.QueueUrl)
	}
	_, err = topics.Subscribe(ctx, &sns.SubscribeInput{
		TopicArn: topic.TopicArn, Protocol: aws.String("sqs"), Endpoint: aws.String(s.arn("fanout")),
		Attributes: map[string]string{"RawMessageDelivery": "true"},
	})
	s.must(err)
}

func (s *stack) arn(queue string) string {
	return "arn:aws:sqs:" + s.config.Region + ":000000000000:" + s.name + "-" + queue
}

// start builds a function and runs it.
func (s *stack) start(door, arch string, run []string) {
	s.t.Helper()
	dir := s.t.TempDir()
	binary, err := runtime.Build(s.t.Context(), "..", "./functions/"+door, arch, dir)
	s.must(err)
	command := append(slices.Clone(run), binary)
	cmd := exec.CommandContext(context.WithoutCancel(s.t.Context()), command[0], command[1:]...) // Close ends it
	cmd.Env = slices.Clone(s.env)
	if via, ok := s.via[door]; ok {
		cmd.Env = append(cmd.Env, "SHIRASE_ENDPOINT="+via) // the last one holds
	}
	if own := reads[door]; own != nil {
		var urls []string
		for _, q := range own {
			urls = append(urls, s.urls[q])
		}
		cmd.Env = append(cmd.Env, "SHIRASE_OWN_QUEUES="+strings.Join(urls, ","))
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	s.must(err)
	cmd.Stdout, cmd.Stderr = log, log
	f, err := runtime.Start(s.t.Context(), cmd, 2*time.Minute)
	s.must(err)
	s.doors[door] = f
	s.t.Cleanup(func() {
		if err := f.Close(); err != nil {
			s.t.Error(err)
		}
		if said, err := os.ReadFile(log.Name()); s.t.Failed() && err == nil {
			s.t.Logf("%s said:\n%s", door, said)
		}
	})
}

// invoke hands a function an event and answers what it answers.
func (s *stack) invoke(door string, event []byte) []byte {
	s.t.Helper()
	out, err := s.doors[door].Invoke(s.t.Context(), event)
	if err != nil {
		s.t.Fatalf("%s: %v", door, err)
	}
	return out
}

// ask sends a function a request as API Gateway does.
func (s *stack) ask(door, method, path, body string, headers ...string) (int, string) {
	s.t.Helper()
	r := httptest.NewRequest(method, publicURL+path, strings.NewReader(body))
	for n := 0; n < len(headers); n += 2 {
		r.Header.Set(headers[n], headers[n+1])
	}
	e, err := handler.Request(r, "request", time.Now())
	s.must(err)
	event, err := json.Marshal(e)
	s.must(err)
	var answer events.APIGatewayV2HTTPResponse
	s.must(json.Unmarshal(s.invoke(door, event), &answer))
	w := httptest.NewRecorder()
	s.must(handler.WriteResponse(w, answer))
	return w.Code, w.Body.String()
}

// settle hands every message to the function that reads its queue, until none is
// visible any more.
func (s *stack) settle() {
	s.t.Helper()
	for range 20 {
		moved := false
		for _, door := range doors {
			for _, q := range reads[door] {
				moved = s.deliver(door, q) || moved
			}
		}
		if !moved {
			return
		}
	}
	s.t.Fatal("the queues do not come to rest")
}

// deliver hands over one batch, and deletes what was done. It reports whether
// anything was.
func (s *stack) deliver(door, q string) bool {
	s.t.Helper()
	url := s.urls[q]
	out, err := s.sqs.ReceiveMessage(s.t.Context(), &sqs.ReceiveMessageInput{
		QueueUrl: &url, MaxNumberOfMessages: 10, VisibilityTimeout: 360,
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll},
	})
	s.must(err)
	var batch events.SQSEvent
	for _, m := range out.Messages {
		batch.Records = append(batch.Records, events.SQSMessage{
			MessageId: *m.MessageId, ReceiptHandle: *m.ReceiptHandle, Body: *m.Body, Attributes: m.Attributes,
			EventSource: "aws:sqs", EventSourceARN: s.arn(q), AWSRegion: s.config.Region,
		})
	}
	if len(batch.Records) == 0 {
		return false
	}
	s.handed[door] += len(batch.Records)
	event, err := json.Marshal(batch)
	s.must(err)
	var answer events.SQSEventResponse
	s.must(json.Unmarshal(s.invoke(door, event), &answer))
	done := 0
	for _, r := range batch.Records {
		if slices.ContainsFunc(answer.BatchItemFailures, func(f events.SQSBatchItemFailure) bool { return f.ItemIdentifier == r.MessageId }) {
			continue
		}
		_, err := s.sqs.DeleteMessage(s.t.Context(), &sqs.DeleteMessageInput{QueueUrl: &url, ReceiptHandle: &r.ReceiptHandle})
		s.must(err)
		done++
	}
	return done > 0
}

// mail answers the raw record of every mail that SES took for an address, oldest
// first.
func (s *stack) mail(to string) (found []string) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, *s.config.BaseEndpoint+"/_ministack/ses/messages", http.NoBody)
	s.must(err)
	resp, err := http.DefaultClient.Do(r)
	s.must(err)
	defer resp.Body.Close() //nolint:errcheck // it was only read
	raw, err := io.ReadAll(resp.Body)
	s.must(err)
	var all struct {
		Messages map[string][]json.RawMessage `json:"messages"` // by account
	}
	s.must(json.Unmarshal(raw, &all))
	for _, ms := range all.Messages {
		for _, m := range ms {
			if bytes.Contains(m, []byte(to)) {
				found = append(found, string(m))
			}
		}
	}
	return found
}

func (s *stack) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(fmt.Errorf("%s: %w", s.name, err))
	}
}
