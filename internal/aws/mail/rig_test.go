package mail_test

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	netmail "net/mail"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"

	"shirase/internal/channel/email"
	"shirase/internal/deliver"
	"shirase/internal/incident"
	"shirase/internal/message"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func clock() time.Time { return noon }

// client makes a real client whose calls end at an HTTP client of the test.
func client(h aws.HTTPClient) *sesv2.Client {
	return sesv2.NewFromConfig(aws.Config{
		Region: "ap-northeast-1", HTTPClient: h,
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
}

// ses answers requests in the place of SES.
type ses struct {
	mu    sync.Mutex
	calls []call
	reply func(n int, c call) (status int, code, body string)
}

// call is a request as it came.
type call struct {
	Method, Path string
	Body         []byte
}

func (s *ses) Do(r *http.Request) (*http.Response, error) {
	c := call{Method: r.Method, Path: r.URL.Path}
	if r.Body != nil {
		c.Body, _ = io.ReadAll(r.Body)
	}
	s.mu.Lock()
	n := len(s.calls)
	s.calls = append(s.calls, c)
	s.mu.Unlock()
	status, code, body := s.reply(n, c)
	h := http.Header{"Content-Type": {"application/json"}, "X-Amzn-Requestid": {"7a4ec5b1-0000-4000-8000-000000000001"}}
	if code != "" {
		h.Set("X-Amzn-Errortype", code)
	}
	return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

func (s *ses) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.calls)
}

// refuse answers an error as SES does.
func refuse(status int, code, text string) func(int, call) (int, string, string) {
	b, _ := json.Marshal(map[string]string{"message": text})
	return func(int, call) (int, string, string) { return status, code, string(b) }
}

// raw is what a SendEmail holds.
type raw struct {
	FromEmailAddress     string
	ConfigurationSetName string
	Destination          struct{ ToAddresses, CcAddresses, BccAddresses []string }
	Content              struct{ Raw struct{ Data string } }
	EmailTags            []struct{ Name, Value string }
}

func decode(tb testing.TB, body []byte) (raw, *netmail.Message) {
	tb.Helper()
	var r raw
	if err := json.Unmarshal(body, &r); err != nil {
		tb.Fatal(err)
	}
	data, err := base64.StdEncoding.DecodeString(r.Content.Raw.Data)
	if err != nil {
		tb.Fatal(err)
	}
	m, err := netmail.ReadMessage(strings.NewReader(string(data)))
	if err != nil {
		tb.Fatal(err)
	}
	return r, m
}

// wire is an HTTP client whose connections are handled by the test, without a
// network. It counts the connections.
func wire(tb testing.TB, handle func(net.Conn), dialled *atomic.Int32) *http.Client {
	tb.Helper()
	dial := func(context.Context, string, string) (net.Conn, error) {
		dialled.Add(1)
		if handle == nil {
			return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
		}
		ours, theirs := net.Pipe()
		go handle(theirs)
		return ours, nil
	}
	return &http.Client{Transport: &http.Transport{DialTLSContext: dial, DialContext: dial, DisableKeepAlives: true}}
}

// take reads a whole request off a connection.
func take(c net.Conn) error {
	r, err := http.ReadRequest(bufio.NewReader(c))
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, r.Body)
	return err
}

func from(context.Context) (email.From, error) {
	return email.From{
		Address: "status@notice.example", Name: incident.Text{"en": "Example Status"}, ReplyTo: "help@notice.example",
	}, nil
}

func noFrom(context.Context) (email.From, error) { return email.From{}, errors.New("plan not read") }

func envelope(to string) deliver.Envelope {
	return deliver.Envelope{
		Key: "00112233445566778899aabbccddeeff", Kind: deliver.KindUpdate, Incident: "01J9ZK3V7E8Q4T5R6W7X8Y9Z0A", Seq: 3,
		Stage: incident.Identified, Audience: incident.Customers, Locale: "en", Channel: incident.Email,
		Recipient: "f00dfeedf00dfeedf00dfeedf00dfeed", To: incident.Address(to),
		Content: message.Content{Subject: "[Identified] Checkout", Text: "Some payments fail.\n", HTML: "<p>Some payments fail.</p>"},
		Headers: map[string]string{
			"List-Unsubscribe": "<https://status.example/unsubscribe/abc>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
		},
		At: noon,
	}
}
