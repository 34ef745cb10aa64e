package dynamo_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/smithy-go/middleware"
)

// A fault is what a keeper does to one attempt at a call.
type fault string

// The faults.
const (
	refuse   fault = "refuse"   // nothing is done, and the answer is an internal error
	lose     fault = "lose"     // it is done, and the answer never comes
	overtake fault = "overtake" // somebody else is faster
	locked   fault = "locked"   // a transaction holds the item
	cancel   fault = "cancel"   // the transaction's condition does not hold
)

type attributes = map[string]map[string]any

// A keeper is a stub that keeps items, and answers what DynamoDB documents for the
// few calls of ledger and rates. It fails when told to, which no engine does.
type keeper struct {
	t *testing.T

	mu    sync.Mutex
	items map[string]attributes
	fault func(op, sk string) fault
	// Units by kind, counted by a middleware of the SDK: retries are one.
	reads, writes int
	attempts      int
}

// newKeeper answers a keeper and a real client of it, whose retries do not wait.
func newKeeper(t *testing.T) (*keeper, *dynamodb.Client) {
	t.Helper()
	s := &keeper{t: t, items: map[string]attributes{}, fault: func(string, string) fault { return "" }}
	at := func(int, error) (time.Duration, error) { return 0, nil }
	return s, dynamodb.New(dynamodb.Options{
		Region: "ap-northeast-1", Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""), HTTPClient: s,
		Retryer: retry.NewStandard(func(o *retry.StandardOptions) { o.Backoff = retry.BackoffDelayerFunc(at) }),
		APIOptions: []func(*middleware.Stack) error{func(stack *middleware.Stack) error {
			return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("count", s.count), middleware.After)
		}},
	})
}

// count counts the units that a call costs.
func (s *keeper) count(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
	s.mu.Lock()
	switch v := in.Parameters.(type) {
	case *dynamodb.GetItemInput:
		s.reads++
	case *dynamodb.BatchGetItemInput:
		for _, ks := range v.RequestItems {
			s.reads += len(ks.Keys)
		}
	default:
		s.writes++
	}
	s.mu.Unlock()
	return next.HandleInitialize(ctx, in)
}

// used answers the reads and writes since the last time.
func (s *keeper) used() (reads, writes int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	reads, writes, s.reads, s.writes = s.reads, s.writes, 0, 0
	return reads, writes
}

// fails sets what is to fail from now on, by the call and the sort key.
func (s *keeper) fails(f func(op, sk string) fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = f
}

type keeperCall struct {
	TableName                 string
	Item, Key                 attributes
	ConditionExpression       string
	ExpressionAttributeValues attributes
	RequestItems              map[string]struct{ Keys []attributes }
}

// Do implements [aws.HTTPClient].
func (s *keeper) Do(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, op, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	var in keeperCall
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		s.t.Errorf("%s: %v", op, err)
	}
	sk, _ := in.Item["sk"]["S"].(string)
	if in.Key != nil {
		sk, _ = in.Key["sk"]["S"].(string)
	}
	s.attempts++
	switch s.fault(op, sk) {
	case refuse:
		return problem(500, "InternalServerError", nil)
	case locked:
		return problem(400, "TransactionConflictException", nil)
	case cancel:
		return problem(400, "TransactionCanceledException", map[string]any{"CancellationReasons": []any{
			map[string]any{"Code": "None"},
			map[string]any{"Code": "ConditionalCheckFailed", "Item": attributes{"address": {"S": "r@reader.example"}}},
		}})
	case lose:
		s.do(op, in)
		return nil, io.ErrUnexpectedEOF
	case overtake:
		return problem(400, "ConditionalCheckFailedException", map[string]any{"Item": attributes{
			"pk": in.Item["pk"], "sk": in.Item["sk"], "body": {"S": "{}"}, "rev": {"N": strconv.Itoa(100 + s.attempts)},
		}})
	}
	status, body := s.do(op, in)
	return answer(status, body)
}

func (s *keeper) do(op string, in keeperCall) (status int, body any) {
	switch op {
	case "PutItem":
		was, found := s.items[place(in.TableName, in.Item)]
		switch in.ConditionExpression {
		case "attribute_not_exists(rev)":
			found = !found
		case "rev = :was":
			found = found && was["rev"]["N"] == in.ExpressionAttributeValues[":was"]["N"]
		default:
			s.t.Errorf("PutItem on the condition %q", in.ConditionExpression)
		}
		if !found {
			return 400, failure("ConditionalCheckFailedException", map[string]any{"Item": was})
		}
		s.items[place(in.TableName, in.Item)] = in.Item
		return 200, struct{}{}
	case "UpdateItem":
		return 200, struct{}{}
	case "GetItem":
		return 200, map[string]any{"Item": s.items[place(in.TableName, in.Key)]}
	case "BatchGetItem":
		out := map[string][]attributes{}
		for table, ks := range in.RequestItems {
			for _, k := range ks.Keys {
				if it, ok := s.items[place(table, k)]; ok {
					out[table] = append(out[table], it)
				}
			}
		}
		return 200, map[string]any{"Responses": out}
	}
	s.t.Errorf("%s is not expected", op)
	return 400, failure("ValidationException", nil)
}

func place(table string, key attributes) string {
	pk, _ := key["pk"]["S"].(string)
	sk, _ := key["sk"]["S"].(string)
	return table + " " + pk + " " + sk
}

func failure(kind string, more map[string]any) map[string]any {
	out := map[string]any{"__type": "com.amazonaws.dynamodb.v20120810#" + kind, "message": kind}
	maps.Copy(out, more)
	return out
}

func problem(status int, kind string, more map[string]any) (*http.Response, error) {
	return answer(status, failure(kind, more))
}

func answer(status int, body any) (*http.Response, error) {
	b, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	return &http.Response{
		StatusCode: status, Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}},
		Body: io.NopCloser(bytes.NewReader(b)), ContentLength: int64(len(b)),
	}, nil
}

var _ aws.HTTPClient = (*keeper)(nil)
