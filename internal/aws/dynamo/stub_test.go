package dynamo

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

// object is a JSON object.
type object = map[string]any

// stub is a server that answers what AWS documents and no engine does. The
// client that speaks to it is the real one.
type stub struct {
	t      *testing.T
	answer func(n int, call stubCall) (status int, body object)

	mu    sync.Mutex
	calls []stubCall
}

// stubCall is one request: the operation and its input.
type stubCall struct {
	op    string
	input object
}

// atOnce lets the SDK try again without a wait.
type atOnce struct{}

func (atOnce) BackoffDelay(int, error) (time.Duration, error) { return 0, nil }

// stubbed starts a stub and answers a client of it. Answer is given each call
// with its number, from 0.
func stubbed(t *testing.T, answer func(n int, call stubCall) (status int, body object)) (*dynamodb.Client, *stub) {
	t.Helper()
	s := &stub{t: t, answer: answer}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return dynamodb.New(dynamodb.Options{
		Region: "eu-west-1", BaseEndpoint: aws.String(server.URL),
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
		Retryer:     retry.NewStandard(func(o *retry.StandardOptions) { o.Backoff = atOnce{} }),
	}), s
}

func (s *stub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, op, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	call := stubCall{op: op}
	if err := json.NewDecoder(r.Body).Decode(&call.input); err != nil {
		s.t.Errorf("the stub was sent what is no JSON: %v", err)
	}
	s.mu.Lock()
	n := len(s.calls)
	s.calls = append(s.calls, call)
	s.mu.Unlock()
	status, body := s.answer(n, call)
	b, err := json.Marshal(body)
	if err != nil {
		s.t.Errorf("the stub's answer is no JSON: %v", err)
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	w.Header().Set("Content-Length", fmt.Sprint(len(b)))
	w.WriteHeader(status)
	_, _ = w.Write(b)
}

// seen answers the calls so far.
func (s *stub) seen() []stubCall {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]stubCall(nil), s.calls...)
}

// fault is an error as DynamoDB answers it.
func fault(name string, more object) (int, object) {
	body := object{"__type": "com.amazonaws.dynamodb.v20120810#" + name, "message": name + " was met"}
	maps.Copy(body, more)
	return http.StatusBadRequest, body
}

func str(s string) object { return object{"S": s} }

// row is an item with a key and, unless it is empty, a body.
func row(k key, body string) object {
	o := object{attrPK: str(k.pk), attrSK: str(k.sk)}
	if body != "" {
		o[attrBody] = str(body)
	}
	return o
}

// asked answers the keys that a BatchGetItem asks for, in order.
func (c stubCall) asked(t *testing.T) (ks []key) {
	t.Helper()
	for _, table := range c.input["RequestItems"].(object) {
		for _, k := range table.(object)["Keys"].([]any) {
			ks = append(ks, key{k.(object)[attrPK].(object)["S"].(string), k.(object)[attrSK].(object)["S"].(string)})
		}
	}
	return ks
}
