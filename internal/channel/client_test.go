package channel_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"shirase/internal/channel"
	"shirase/internal/channel/twin"
	"shirase/internal/deliver"
	"shirase/internal/incident"
)

func TestClientReadsLittle(t *testing.T) {
	t.Parallel()
	h := twin.NewWebhook()
	defer h.Close()
	h.Next(twin.Reply{Status: 200, Body: strings.Repeat("x", 1<<20)})
	a, err := channel.NewClient().Post(t.Context(), h.URL(), nil, nil)
	if err != nil || len(a.Body) != 64<<10 {
		t.Errorf("Post = %d bytes, %v, want 65536", len(a.Body), err)
	}
}

func TestClientRefusesLongHeader(t *testing.T) {
	t.Parallel()
	h := twin.NewWebhook()
	defer h.Close()
	h.Next(twin.Reply{Status: 200, Header: http.Header{"X-Long": {strings.Repeat("x", 32<<10)}}})
	if a, err := channel.NewClient().Post(t.Context(), h.URL(), nil, nil); err == nil {
		t.Errorf("Post = %d, want an error", a.Status)
	}
}

func TestClientTakesNoProxy(t *testing.T) {
	proxy := twin.NewWebhook()
	defer proxy.Close()
	for _, name := range []string{"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"} {
		t.Setenv(name, proxy.URL())
	}
	// Proxies are not used for loopback; this other name of it is fine for them.
	closed := strings.Replace(closedPort(t), "127.0.0.1", "0.0.0.0", 1)
	g := channel.Loopback()
	g.Networks = append(g.Networks, netip.MustParsePrefix("0.0.0.0/32"))
	for _, c := range []*channel.Client{channel.NewClient(), channel.NewGuarded(g)} {
		if a, err := c.Post(t.Context(), closed, nil, nil); err == nil {
			t.Errorf("Post = %d, want a refused connection", a.Status)
		}
	}
	if n := len(proxy.Requests()); n != 0 {
		t.Errorf("the proxy saw %d requests, want 0", n)
	}
}

func TestClientKeepsStatusOfBrokenBody(t *testing.T) {
	t.Parallel()
	h := twin.NewWebhook()
	defer h.Close()
	h.Next(twin.Reply{Status: 200, Body: "half", Cut: true})
	a, err := channel.NewClient().Post(t.Context(), h.URL(), nil, nil)
	if err != nil || a.Status != 200 || string(a.Body) != "half" {
		t.Errorf("Post = %d %q, %v, want 200 and what was read", a.Status, a.Body, err)
	}
}

// TestBroken tells what was handed over from what was not.
func TestBroken(t *testing.T) {
	t.Parallel()
	closed := closedPort(t)
	h := twin.NewWebhook()
	defer h.Close()
	for _, tt := range []struct {
		name, url string
		reply     *twin.Reply
		header    http.Header
		want      deliver.Reason
		text      string
	}{
		{name: "refused", url: closed, want: deliver.Unavailable, text: "connection is refused"},
		{name: "hung up", url: h.URL(), reply: &twin.Reply{}, want: deliver.TimedOut, text: "connection is lost"},
		{name: "no URL", url: "http://[", want: deliver.Rejected, text: "not a URL"},
		{name: "header with a line break", url: h.URL(), header: http.Header{"X-A": {"b\r\nX-C: d"}}, want: deliver.Rejected},
		{name: "TLS where there is none", url: strings.Replace(h.URL(), "http://", "https://", 1), want: deliver.Unavailable, text: "no TLS is spoken there"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.reply != nil {
				h.Next(*tt.reply)
			}
			_, err := channel.NewClient().Post(t.Context(), tt.url, tt.header, []byte("x"))
			f := channel.Broken(err)
			if f.Reason != tt.want || !strings.Contains(f.Error(), tt.text) {
				t.Errorf("Post = %v, want %s: %s", f, tt.want, tt.text)
			}
			if strings.Contains(f.Error(), "127.0.0.1") {
				t.Errorf("Post = %q, an error with an address", f)
			}
		})
	}
}

func closedPort(t *testing.T) string {
	t.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return "http://" + l.Addr().String()
}

func TestBrokenByCaller(t *testing.T) {
	t.Parallel()
	h := twin.NewWebhook()
	defer h.Close()
	ctx, cancel := context.WithCancel(t.Context())
	h.Next(twin.Reply{Hang: true, Seen: cancel})
	_, err := channel.NewClient().Post(ctx, h.URL(), nil, []byte("x"))
	if f := channel.Broken(err); f.Reason != deliver.TimedOut || f.Error() != "timed_out: no answer in time" {
		t.Errorf("Post to one that hangs = %v, want timed_out", f)
	}
	_, err = channel.NewClient().Post(ctx, h.URL(), nil, nil)
	if f := channel.Broken(err); f.Reason != deliver.Unavailable {
		t.Errorf("Post that was never written = %v, want unavailable", f)
	}
}

// secrets is a store of credentials for tests.
type secrets map[string]string

func (s secrets) Secret(_ context.Context, name string) (string, error) {
	switch v, ok := s[name]; {
	case name == "down":
		return "", errors.New("store is down")
	case name == "denied":
		return "", incident.ErrDenied
	case ok:
		return v, nil
	}
	return "", incident.ErrNotFound
}

func TestCredential(t *testing.T) {
	t.Parallel()
	s := secrets{"here": "x", "empty": ""}
	for _, tt := range []struct {
		name string
		want deliver.Reason
	}{{"here", ""}, {"empty", deliver.Unauthorised}, {"missing", deliver.Unauthorised}, {"", deliver.Unauthorised}, {"denied", deliver.Unauthorised}, {"down", deliver.Unavailable}} {
		var got deliver.Reason
		if _, f := channel.Credential(t.Context(), s, tt.name); f != nil {
			got = f.Reason
		}
		if got != tt.want {
			t.Errorf("Credential(%q) = %q, want %q", tt.name, got, tt.want)
		}
	}
}
