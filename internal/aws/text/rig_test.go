package text_test

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sms "github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"shirase/internal/deliver"
	"shirase/internal/incident"
	"shirase/internal/message"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func clock() time.Time { return noon }

// service answers requests in the place of AWS.
type service struct {
	mu     sync.Mutex
	bodies []string
	reply  func(n int, target, body string) (status int, answer string, err error)
}

func (s *service) Do(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		body, _ = io.ReadAll(r.Body)
	}
	s.mu.Lock()
	n := len(s.bodies)
	s.bodies = append(s.bodies, string(body))
	s.mu.Unlock()
	_, target, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	status, answer, err := s.reply(n, target, string(body))
	if err != nil {
		return nil, err
	}
	return &http.Response{
		StatusCode: status, Header: http.Header{"X-Amzn-Requestid": {"req-1"}},
		Body: io.NopCloser(strings.NewReader(answer)), Request: r,
	}, nil
}

func (s *service) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.bodies)
}

func config(h aws.HTTPClient) aws.Config {
	return aws.Config{
		Region: "ap-northeast-1", HTTPClient: h,
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	}
}

func snsClient(h aws.HTTPClient) *sns.Client { return sns.NewFromConfig(config(h)) }
func eumClient(h aws.HTTPClient) *sms.Client { return sms.NewFromConfig(config(h)) }

// always answers the same.
func always(status int, answer string) *service {
	return &service{reply: func(int, string, string) (int, string, error) { return status, answer, nil }}
}

const phone = "+447700900123"

func envelope() deliver.Envelope {
	return deliver.Envelope{
		Key: "00112233445566778899aabbccddeeff", Kind: deliver.KindUpdate, Incident: "01J9ZK3V7E8Q4T5R6W7X8Y9Z0A", Seq: 1,
		Stage: incident.Investigating, Audience: incident.Customers, Locale: "ja", Channel: incident.SMS,
		Recipient: "f00dfeedf00dfeedf00dfeedf00dfeed", To: phone,
		Content: message.Content{Text: "【障害発生】決済 https://status.example/i/1"}, At: noon,
	}
}
