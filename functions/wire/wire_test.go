package wire

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	sms "github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"shirase/internal/aws/mail"
	"shirase/internal/aws/text"
	"shirase/internal/channel/email"
	"shirase/internal/config"
	"shirase/internal/deliver"
	"shirase/internal/incident"
	"shirase/internal/message"
)

func settings(endpoint string) config.AWS {
	return config.AWS{Region: "ap-northeast-1", KeyID: "test", Key: "test", Endpoint: endpoint, RootSecret: "root"}
}

// TestClientsShareConnections lets two stores make waves of calls, one after the
// other.
func TestClientsShareConnections(t *testing.T) {
	t.Parallel()
	const wave = 16
	var opened atomic.Int64
	var gate sync.WaitGroup // holds the answers until all calls of a wave are written
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		gate.Wait()
		_, _ = io.WriteString(w, "{}")
	}))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
	s.Start()
	defer s.Close()
	c := clients(settings(s.URL))
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{WroteRequest: func(httptrace.WroteRequestInfo) { gate.Done() }})
	stores := []*dynamodb.Client{dynamodb.NewFromConfig(c), dynamodb.NewFromConfig(c)}
	for n := range 6 {
		gate.Add(wave)
		var calls sync.WaitGroup
		for range wave {
			calls.Go(func() {
				if _, err := stores[n%2].DescribeLimits(ctx, &dynamodb.DescribeLimitsInput{}); err != nil {
					t.Errorf("DescribeLimits = %v", err)
				}
			})
		}
		calls.Wait()
	}
	if n := opened.Load(); n != wave {
		t.Errorf("6 waves of %d calls opened %d connections, want %d", wave, n, wave)
	}
}

// line makes a client's connections end in the test. The first is handled by
// dead until the client gives it up, the others answer.
type line struct {
	dead    func(net.Conn)
	dialled atomic.Int32
	lasted  time.Duration // how long the first one did, in the bubble's time
}

func (l *line) config(t *testing.T) aws.Config {
	t.Helper()
	c := clients(settings("http://aws.test"))
	h, ok := c.HTTPClient.(*http.Client)
	if !ok {
		t.Fatalf("clients() have an HTTP client of type %T, want *http.Client", c.HTTPClient)
	}
	h.Transport = &http.Transport{DisableKeepAlives: true, DialContext: func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		go l.handle(theirs, l.dialled.Add(1))
		return ours, nil
	}}
	return c
}

func (l *line) handle(c net.Conn, n int32) {
	began := time.Now()
	r, err := http.ReadRequest(bufio.NewReader(c))
	if err != nil {
		return
	}
	_, _ = io.Copy(io.Discard, r.Body)
	synctest.Wait() // an answer before all of the request is written would end the exchange
	if n > 1 {
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
		_ = c.Close()
		return
	}
	l.dead(c)
	_, _ = io.Copy(io.Discard, c)
	l.lasted = time.Since(began)
}

var dead = map[string]func(net.Conn){
	"never answers":     func(net.Conn) {},
	"ends in an answer": func(c net.Conn) { _, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{") },
}

func TestCallIsMadeAgainWhereAConnectionIsDead(t *testing.T) {
	t.Parallel()
	for name, end := range dead {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				l := line{dead: end}
				_, err := dynamodb.NewFromConfig(l.config(t)).DescribeLimits(t.Context(), &dynamodb.DescribeLimitsInput{})
				synctest.Wait()
				if err != nil || l.dialled.Load() != 2 || l.lasted != attempt {
					t.Errorf("DescribeLimits = %v after %d connections, the first for %s; want nil after 2, the first for %s",
						err, l.dialled.Load(), l.lasted, attempt)
				}
			})
		})
	}
}

// TestSendIsNotMadeAgain holds that a message that may have been taken is not sent
// twice, and is waited for longer.
func TestSendIsNotMadeAgain(t *testing.T) {
	t.Parallel()
	senders := map[string]func(aws.Config) deliver.Sender{
		"SNS": func(c aws.Config) deliver.Sender { return text.NewSNS(sns.NewFromConfig(c), text.Config{}, time.Now) },
		"End User Messaging": func(c aws.Config) deliver.Sender {
			return text.NewEUM(sms.NewFromConfig(c), text.Config{Origin: "pool-1"}, time.Now)
		},
		"SES": func(c aws.Config) deliver.Sender { return mail.New(sesv2.NewFromConfig(c), "", from, time.Now) },
	}
	for name, end := range dead {
		for service, sender := range senders {
			t.Run(service+" "+name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					l := line{dead: end}
					e := deliver.Envelope{Channel: incident.SMS, To: "+447700900123", Content: message.Content{Text: "x"}, At: time.Now()}
					if service == "SES" {
						e.Channel, e.To = incident.Email, "ada@reader.example"
					}
					out := sender(l.config(t)).Send(t.Context(), []deliver.Envelope{e}, time.Now().Add(time.Minute))
					synctest.Wait()
					f := out[0].Failure
					if f == nil || f.Reason != deliver.TimedOut || l.dialled.Load() != 1 || l.lasted != 2*attempt {
						t.Errorf("Send = %v after %d connections, the first for %s; want %s after 1 for %s",
							f, l.dialled.Load(), l.lasted, deliver.TimedOut, 2*attempt)
					}
				})
			})
		}
	}
}

func from(context.Context) (email.From, error) {
	return email.From{Address: "status@notice.example", Name: incident.Text{"en": "Example"}}, nil
}

// silent is an HTTP client that answers nothing.
type silent struct{}

func (silent) Do(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

func TestRootIsNotWaitedForUntilLambdaEndsTheStart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &Wire{Config: settings(""), AWS: clients(settings(""))}
		w.AWS.HTTPClient = silent{}
		began := time.Now() // the bubble's own clock
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		r, err := w.Root(ctx)
		if took := time.Since(began); r != nil || !errors.Is(err, context.DeadlineExceeded) || took != rootWithin {
			t.Errorf("Root = %v, %v after %s, want no answer in time after %s", r, err, took, rootWithin)
		}
	})
}
