package secret_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	static "github.com/aws/aws-sdk-go-v2/credentials"
)

// canary is a value that must show nowhere.
const canary = "canary-7f3a9c51e2d84b60-canary-7f3a9c51"

// store answers requests in the place of AWS.
type store struct {
	mu    sync.Mutex
	asked []map[string]any
	reply func(ctx context.Context, in map[string]any) (status int, body string)
}

func (s *store) Do(r *http.Request) (*http.Response, error) {
	var in map[string]any
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.asked = append(s.asked, in)
	reply := s.reply
	s.mu.Unlock()
	status, body := reply(r.Context(), in)
	if status == 0 {
		return nil, io.ErrUnexpectedEOF
	}
	return &http.Response{
		StatusCode: status, Header: http.Header{"X-Amzn-Requestid": {"req-1"}},
		Body: io.NopCloser(strings.NewReader(body)), Request: r,
	}, nil
}

func (s *store) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.asked)
}

// answer changes what is answered from now on.
func (s *store) answer(status int, body string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reply = func(context.Context, map[string]any) (int, string) { return status, body }
}

// config makes clients wait no time between their tries.
func config(h aws.HTTPClient) aws.Config {
	return aws.Config{
		Region: "ap-northeast-1", HTTPClient: h,
		Credentials: static.NewStaticCredentialsProvider("test", "test", ""),
		Retryer: func() aws.Retryer {
			return retry.NewStandard(func(o *retry.StandardOptions) {
				o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
			})
		},
	}
}
