package queue_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"shirase/internal/announce"
	"shirase/internal/aws/queue"
	"shirase/internal/deliver"
	"shirase/internal/handler"
	"shirase/internal/handler/api"
	"shirase/internal/incident"
	"shirase/internal/message"
)

var (
	_ deliver.Queue      = (*queue.Chunks)(nil)
	_ handler.Visibility = (*queue.Own)(nil)
	_ handler.Parking    = (*queue.Parking)(nil)
	_ api.DeadLetters    = (*queue.Lot)(nil)
	_ announce.Committer = (*queue.Nudges)(nil)
)

var families = map[incident.Channel]incident.Family{
	incident.Email: incident.FamilyEmail, incident.SMS: incident.FamilySMS, incident.Webhook: incident.FamilyWebhook,
	"mastodon": incident.FamilySocial, "slack": incident.FamilyChat,
}

// memos are stored memos by slot, and how reading them fails.
type memos struct {
	deliver.Messages
	kept map[string]deliver.Memo
	err  error
}

func (ms memos) Memo(_ context.Context, id incident.ID, slot string) (deliver.Memo, error) {
	m, ok := ms.kept[slot]
	if ms.err == nil && !ok {
		return m, fmt.Errorf("memo %s of %s: %w", slot, id, incident.ErrNotFound)
	}
	return m, ms.err
}

func (memos) Message(context.Context, incident.ID, int, incident.Audience, incident.Locale) (message.Message, error) {
	return message.Message{}, incident.ErrNotFound
}

// store takes every change, or fails, and counts.
type store struct {
	announce.Committer
	err     error
	commits int
}

func (s *store) Commit(context.Context, announce.Change) error {
	s.commits++
	return s.err
}

// A call is what SQS was asked.
type call struct {
	Op                string `json:"-"`
	QueueUrl          string //nolint:revive // SQS's own name
	ReceiptHandle     string
	VisibilityTimeout int
	MessageBody       string
	WaitTimeSeconds   int
	Entries           []entry

	MessageSystemAttributeNames []string
}

type entry struct {
	Id             string //nolint:revive // SQS's own name
	MessageBody    string
	MessageGroupId string //nolint:revive // SQS's own name
	DelaySeconds   int
}

// An answer is what SQS says: a body, or the code of a fault.
type answer struct {
	fault string
	body  map[string]any
}

// taken answers a batch of which all entries but the refused are taken.
func taken(c call, refused ...string) answer {
	var good, bad []map[string]any
	for _, e := range c.Entries {
		if strings.Contains(strings.Join(refused, " "), e.MessageBody) {
			bad = append(bad, map[string]any{"Id": e.Id, "Code": "InternalError", "SenderFault": false})
			continue
		}
		good = append(good, map[string]any{"Id": e.Id, "MessageId": "m-" + e.Id})
	}
	return answer{body: map[string]any{"Successful": good, "Failed": bad}}
}

// stub is an SQS that answers what it is told, for what no engine does.
type stub struct {
	mu    sync.Mutex
	calls []call
}

// client answers a real client of the stub. Its retries are on, and do not wait.
func (s *stub) client(t *testing.T, say func(c call, n int) answer) *sqs.Client {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		c := call{Op: strings.TrimPrefix(r.Header.Get("X-Amz-Target"), "AmazonSQS.")}
		if err == nil {
			err = json.NewDecoder(bytes.NewReader(b)).Decode(&c)
		}
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		s.mu.Lock()
		n := len(s.calls)
		s.calls = append(s.calls, c)
		s.mu.Unlock()
		a := say(c, n)
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		switch a.fault {
		case "":
			if a.body == nil {
				a.body = map[string]any{}
			}
		case "drop":
			panic(http.ErrAbortHandler) // done, and the answer is lost
		case "ServiceUnavailable":
			w.WriteHeader(http.StatusServiceUnavailable)
		default:
			w.WriteHeader(http.StatusBadRequest)
			a.body = map[string]any{"__type": "com.amazonaws.sqs#" + a.fault, "message": "no"}
		}
		if err := json.NewEncoder(w).Encode(a.body); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(srv.Close)
	return sqs.New(sqs.Options{
		Region: "ap-northeast-1", BaseEndpoint: &srv.URL, Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
		Retryer: retry.NewStandard(func(o *retry.StandardOptions) {
			o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
		}),
	})
}

// seen answers the calls so far.
func (s *stub) seen() []call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]call(nil), s.calls...)
}

func chunk(r incident.RecipientID) deliver.Chunk {
	return deliver.Chunk{Incident: "i-1", Channel: incident.Email, FromSeq: 1, Recipients: []incident.RecipientID{r}}
}

func body(t *testing.T, c deliver.Chunk) string {
	t.Helper()
	b, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
