package webhook_test

import (
	"context"
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"shirase/internal/channel"
	"shirase/internal/channel/golden"
	"shirase/internal/channel/twin"
	"shirase/internal/channel/webhook"
	"shirase/internal/deliver"
	"shirase/internal/incident"
	"shirase/internal/message"
	"shirase/internal/plan"
)

var noon = time.Date(2026, 9, 15, 5, 7, 0, 0, time.UTC)

var (
	first  = "whsec_" + base64.StdEncoding.EncodeToString([]byte("the first key, of 32 bytes, it is"))
	second = "whsec_" + base64.StdEncoding.EncodeToString([]byte("the second key, also of 33 bytes."))
)

var _ deliver.Sender = (*webhook.Sender)(nil)

type secrets map[string]string

func (s secrets) Secret(_ context.Context, name string) (string, error) {
	if v, ok := s[name]; ok {
		return v, nil
	}
	return "", incident.ErrNotFound
}

func sender() *webhook.Sender {
	return webhook.New(channel.NewGuarded(channel.Loopback()), secrets{"target": first}, func() time.Time { return noon })
}

func envelope(to, secret string) deliver.Envelope {
	return deliver.Envelope{
		Key: "2f1a7d", Kind: deliver.KindUpdate, Incident: "01J8", Seq: 1, Channel: incident.Webhook,
		To: incident.Address(to), Secret: secret,
		Content: message.Content{Text: `{"specversion":"1.0","type":"shirase.incident.updated","data":{"title":"請求書の送信"}}`},
		At:      noon.Add(-time.Minute),
	}
}

func send(ctx context.Context, e deliver.Envelope) deliver.Outcome {
	return sender().Send(ctx, []deliver.Envelope{e}, noon.Add(time.Minute))[0]
}

// verify checks a request with the library of the standard.
func verify(t *testing.T, secret string, r twin.Request) error {
	t.Helper()
	v, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	return v.VerifyIgnoringTimestamp(r.Body, r.Header)
}

func TestSigned(t *testing.T) {
	t.Parallel()
	h := twin.NewWebhook()
	defer h.Close()
	e := envelope(h.URL()+"/hook?id=7", first)
	if o := send(t.Context(), e); o.Failure != nil {
		t.Fatalf("Send = %v, want accepted", o.Failure)
	}
	r := h.Requests()[0]
	if err := verify(t, first, r); err != nil {
		t.Errorf("verify = %v, want a good signature", err)
	}
	if verify(t, second, r) == nil {
		t.Error("verify by another secret = nil, want an error")
	}
	r.Body = append(r.Body, ' ')
	if verify(t, first, r) == nil {
		t.Error("verify of another body = nil, want an error")
	}
	golden.Compare(t, "wire/delivery.golden", h.Requests()[0].String())
}

func TestRotation(t *testing.T) {
	t.Parallel()
	h := twin.NewWebhook()
	defer h.Close()
	if o := send(t.Context(), envelope(h.URL(), second+" "+first)); o.Failure != nil {
		t.Fatalf("Send = %v, want accepted", o.Failure)
	}
	for _, s := range []string{first, second} {
		if err := verify(t, s, h.Requests()[0]); err != nil {
			t.Errorf("verify = %v, want a good signature by either secret", err)
		}
	}
}

func TestTarget(t *testing.T) {
	t.Parallel()
	h := twin.NewWebhook()
	defer h.Close()
	e := envelope("", "")
	e.Target = plan.Target{Channel: incident.Webhook, Address: incident.Address(h.URL()), Secret: "target"}
	if o := send(t.Context(), e); o.Failure != nil {
		t.Fatalf("Send = %v, want accepted", o.Failure)
	}
	if err := verify(t, first, h.Requests()[0]); err != nil {
		t.Errorf("verify = %v, want a good signature", err)
	}
	e.Target.Secret = "nothing"
	if o := send(t.Context(), e); o.Failure == nil || o.Failure.Reason != deliver.Unauthorised {
		t.Errorf("Send without a credential = %v, want unauthorised", o.Failure)
	}
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	after := http.Header{"Retry-After": {"90"}}
	for _, tt := range []struct {
		name  string
		reply twin.Reply
		want  deliver.Reason
		wait  time.Duration
	}{
		{name: "200", reply: twin.Reply{Status: 200}},
		{name: "202", reply: twin.Reply{Status: 202, Body: "queued"}},
		{name: "200 and garbage", reply: twin.Reply{Status: 200, Body: strings.Repeat("<", 1<<20)}},
		{name: "200 and cut", reply: twin.Reply{Status: 200, Body: "a", Cut: true}},
		{name: "301", reply: twin.Reply{Status: 301, Header: http.Header{"Location": {"https://elsewhere.example/"}}}, want: deliver.Rejected},
		{name: "307", reply: twin.Reply{Status: 307, Header: http.Header{"Location": {"http://169.254.169.254/"}}}, want: deliver.Rejected},
		{name: "304", reply: twin.Reply{Status: 304}, want: deliver.Rejected},
		{name: "400", reply: twin.Reply{Status: 400}, want: deliver.Rejected},
		{name: "401", reply: twin.Reply{Status: 401}, want: deliver.Rejected},
		{name: "403", reply: twin.Reply{Status: 403}, want: deliver.Rejected},
		{name: "404", reply: twin.Reply{Status: 404}, want: deliver.Unavailable},
		{name: "410", reply: twin.Reply{Status: 410}, want: deliver.Gone},
		{name: "422", reply: twin.Reply{Status: 422}, want: deliver.Rejected},
		{name: "429", reply: twin.Reply{Status: 429}, want: deliver.Throttled},
		{name: "429 with Retry-After", reply: twin.Reply{Status: 429, Header: after}, want: deliver.Throttled, wait: 90 * time.Second},
		{name: "500", reply: twin.Reply{Status: 500}, want: deliver.Unavailable},
		{name: "503 with Retry-After", reply: twin.Reply{Status: 503, Header: after}, want: deliver.Unavailable, wait: 90 * time.Second},
		{name: "503 with a date", reply: twin.Reply{Status: 503, Header: http.Header{"Retry-After": {"Tue, 15 Sep 2026 05:09:00 GMT"}}}, want: deliver.Unavailable, wait: 2 * time.Minute},
		{name: "504", reply: twin.Reply{Status: 504}, want: deliver.TimedOut},
		{name: "hangs up", reply: twin.Reply{}, want: deliver.TimedOut},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := twin.NewWebhook()
			defer h.Close()
			h.Next(tt.reply)
			o := send(t.Context(), envelope(h.URL()+"/hook?key=s3cret", first))
			if n := len(h.Requests()); n != 1 {
				t.Errorf("%d requests, want 1", n)
			}
			f := o.Failure
			if tt.want == "" {
				if f != nil {
					t.Errorf("Send = %v, want accepted", f)
				}
				return
			}
			if f == nil || f.Reason != tt.want || f.RetryAfter != tt.wait || !f.Recipient {
				t.Fatalf("Send = %+v, want %s after %v, of this recipient", f, tt.want, tt.wait)
			}
			for _, leak := range []string{"s3cret", "127.0.0.1", "elsewhere", "whsec"} {
				if strings.Contains(f.Error(), leak) {
					t.Errorf("Send = %q, an error that holds %q", f, leak)
				}
			}
		})
	}
}

func TestTimeoutMayHaveArrived(t *testing.T) {
	t.Parallel()
	h := twin.NewWebhook()
	defer h.Close()
	ctx, cancel := context.WithCancel(t.Context())
	h.Next(twin.Reply{Effect: true, Hang: true, Seen: cancel})
	if o := send(ctx, envelope(h.URL(), first)); o.Failure == nil || o.Failure.Reason != deliver.TimedOut {
		t.Fatalf("Send without an answer = %v, want timed_out", o.Failure)
	}
	if o := send(t.Context(), envelope(h.URL(), first)); o.Failure != nil {
		t.Fatalf("second Send = %v, want accepted", o.Failure)
	}
	rs := h.Requests()
	if a, b := rs[0].Header.Get("Webhook-Id"), rs[1].Header.Get("Webhook-Id"); a != b || a == "" {
		t.Errorf("webhook-id of two tries = %q, %q, want the same", a, b)
	}
}

func TestPrivateAddressIsForbidden(t *testing.T) {
	t.Parallel()
	h := twin.NewWebhookTLS()
	defer h.Close()
	s := webhook.New(channel.NewGuarded(channel.Guard{Roots: h.Roots()}), secrets{}, func() time.Time { return noon })
	o := s.Send(t.Context(), []deliver.Envelope{envelope(h.URL(), first)}, noon.Add(time.Minute))[0]
	if o.Failure == nil || o.Failure.Reason != deliver.Forbidden || len(h.Requests()) != 0 {
		t.Errorf("Send to this machine = %v, want forbidden", o.Failure)
	}
}

func TestParseKeys(t *testing.T) {
	t.Parallel()
	of := func(n int) string { return "whsec_" + base64.StdEncoding.EncodeToString(make([]byte, n)) }
	for _, tt := range []struct {
		name, secret string
		want         int
	}{
		{"one", first, 1},
		{"two", second + " " + first, 2},
		{"three", first + " " + second + " " + first, 0},
		{"none", " ", 0},
		{"shortest", of(24), 1},
		{"longest", of(64), 1},
		{"too short", of(23), 0},
		{"too long", of(65), 0},
		{"no prefix", strings.TrimPrefix(first, "whsec_"), 0},
		{"no base64", "whsec_%%%%", 0},
		{"another kind of key", "whpk_" + of(32), 0},
	} {
		ks, err := webhook.ParseKeys(tt.secret)
		if len(ks) != tt.want || (err == nil) != (tt.want > 0) {
			t.Errorf("ParseKeys(%s) = %d keys, %v, want %d", tt.name, len(ks), err, tt.want)
		}
		if body := strings.TrimPrefix(tt.secret, "whsec_"); err != nil && len(body) > 1 && strings.Contains(err.Error(), body) {
			t.Errorf("ParseKeys(%s) = %q, an error with the secret", tt.name, err)
		}
	}
}

// FuzzHeaders: what is signed verifies by the library of the standard.
func FuzzHeaders(f *testing.F) {
	f.Add("2f1a7d", int64(1789448820), []byte(`{"a":1}`))
	f.Add("a.b", int64(-1), []byte("é\x00"))
	ks, err := webhook.ParseKeys(second + " " + first)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, id string, unix int64, body []byte) {
		r := twin.Request{Header: ks.Headers(id, time.Unix(unix, 0), body), Body: body}
		if err := verify(t, first, r); err != nil && id != "" {
			t.Errorf("verify(%q, %d, %q) = %v, want a good signature", id, unix, body, err)
		}
	})
}
