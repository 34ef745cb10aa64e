package channel_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"sync"
	"testing"

	"shirase/internal/channel"
	"shirase/internal/channel/twin"
	"shirase/internal/deliver"
)

// names is a resolver with a list.
type names map[string][]string

func (n names) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	as, ok := n[strings.ToLower(strings.TrimSuffix(host, "."))]
	if !ok {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	out := make([]netip.Addr, len(as))
	for i, a := range as {
		out[i] = netip.MustParseAddr(a)
	}
	return out, nil
}

// world is what the names of testdata/hostile.txt resolve to. A resolver may
// also read a number as an address, as the C library does.
var world = names{
	"public.example":               {"93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"},
	"metadata.internal.example":    {"169.254.169.254"},
	"169-254-169-254.wild.example": {"169.254.169.254"},
	"169.254.169.254.wild.example": {"169.254.169.254"},
	"127.0.0.1.wild.example":       {"127.0.0.1"},
	"localhost":                    {"127.0.0.1", "::1"},
	"local.localhost":              {"127.0.0.1"},
	"loop.example":                 {"127.0.0.1"},
	"sub.loop.example":             {"::1"},
	"zero.example":                 {"0.0.0.0"},
	"private.example":              {"10.1.2.3"},
	"six.private.example":          {"fd12::1"},
	"cgnat.example":                {"100.64.9.9"},
	"multicast.example":            {"224.0.0.251"},
	"mixed.example":                {"93.184.215.14", "10.0.0.1"},
	"mixed-six.example":            {"2606:2800:21f:cb07:6820:80da:af6b:8b2c", "fe80::1"},
	"mapped.example":               {"::ffff:127.0.0.1"},
	"nat64.example":                {"64:ff9b::a9fe:a9fe"},
	"alias.example":                {"169.254.170.2"},
	"zoned.example":                {"fe80::1%eth0"},
	"status.shirase.test":          {"93.184.215.15"},
	"api.status.shirase.test":      {"93.184.215.15"},
	"127.1":                        {"127.0.0.1"},
	"0x7f000001":                   {"127.0.0.1"},
	"2130706433":                   {"127.0.0.1"},
}

func hostile(tb testing.TB) []string {
	tb.Helper()
	b, err := os.ReadFile("testdata/hostile.txt")
	if err != nil {
		tb.Fatal(err)
	}
	var out []string
	for l := range strings.Lines(string(b)) {
		if l = strings.TrimSuffix(l, "\n"); l != "" && !strings.HasPrefix(l, "#") {
			out = append(out, l)
		}
	}
	return out
}

// errReached says that a connection would have been made.
var errReached = errors.New("reached the dialler")

// unreached makes a client of the zero guard whose connections all end at the
// dialler, after the last look at the address.
func unreached(r channel.Resolver) *channel.Client {
	return channel.NewGuarded(channel.Guard{
		Resolver: r, Bar: []string{"status.shirase.test"},
		Dial: func(_ context.Context, network, address string, control channel.Control) (net.Conn, error) {
			if err := control(network, address, nil); err != nil {
				return nil, err
			}
			return nil, errReached
		},
	})
}

func TestGuardRefusesHostile(t *testing.T) {
	t.Parallel()
	urls := hostile(t)
	if len(urls) < 200 {
		t.Fatalf("testdata/hostile.txt has %d addresses, want at least 200", len(urls))
	}
	c := unreached(world)
	for _, u := range urls {
		_, err := c.Post(t.Context(), u, nil, nil)
		if errors.Is(err, errReached) {
			t.Errorf("Post(%q) reached the dialler, want a refusal", u)
			continue
		}
		f := channel.Broken(err)
		if f.Reason != deliver.Forbidden && f.Reason != deliver.Rejected {
			t.Errorf("Post(%q) = %v, want forbidden or rejected", u, f)
		}
		if host, _, _ := strings.Cut(strings.TrimPrefix(u, "https://"), "/"); len(host) > 4 && strings.Contains(f.Error(), host) {
			t.Errorf("Post(%q) = %q, an error that repeats the address", u, f)
		}
	}
}

func TestGuardLetsPublicThrough(t *testing.T) {
	t.Parallel()
	c := unreached(world)
	for _, u := range []string{
		"https://public.example/", "https://public.example:443/hook?x=1", "https://PUBLIC.example./", "HTTPS://public.example/",
		"https://93.184.215.14/", "https://[2606:4700:4700::1111]/", "https://100.63.255.255/", "https://100.128.0.0/",
		"https://172.15.255.255/", "https://172.32.0.0/", "https://11.0.0.0/", "https://223.255.255.255/", "https://[2001:200::1]/",
	} {
		if _, err := c.Post(t.Context(), u, nil, nil); !errors.Is(err, errReached) {
			t.Errorf("Post(%q) = %v, want a connection", u, err)
		}
	}
}

// turning answers one list after the other.
type turning struct {
	mu    sync.Mutex
	turns [][]netip.Addr
}

func (r *turning) LookupNetIP(context.Context, string, string) ([]netip.Addr, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	as := r.turns[0]
	if len(r.turns) > 1 {
		r.turns = r.turns[1:]
	}
	return as, nil
}

// TestGuardRebinding: a name is public when it is looked at and private when it
// is called. The private server must see nothing.
func TestGuardRebinding(t *testing.T) {
	t.Parallel()
	public, private := twin.NewWebhookTLS(), twin.NewWebhookTLS()
	defer public.Close()
	defer private.Close()
	outside := netip.MustParseAddr("93.184.215.14")
	loopback := netip.MustParseAddr("127.0.0.1")
	var closing []net.Conn
	c := channel.NewGuarded(channel.Guard{
		Roots:    public.Roots(),
		Resolver: &turning{turns: [][]netip.Addr{{outside}, {loopback}}},
		Dial: func(ctx context.Context, network, address string, control channel.Control) (net.Conn, error) {
			if err := control(network, address, nil); err != nil {
				return nil, err
			}
			// The public address leads to the first twin, any other to the second.
			to := private.URL()
			if address == "93.184.215.14:443" {
				to = public.URL()
			}
			var d net.Dialer
			conn, err := d.DialContext(ctx, network, strings.TrimPrefix(to, "https://"))
			closing = append(closing, conn)
			return conn, err
		},
	})
	a, err := c.Post(t.Context(), "https://example.com/hook", nil, nil)
	if err != nil || a.Status != http.StatusNoContent {
		t.Fatalf("first Post = %v, %v, want 204", a.Status, err)
	}
	for _, conn := range closing {
		_ = conn.Close() // the next call needs a new connection
	}
	_, err = c.Post(t.Context(), "https://example.com/hook", nil, nil)
	if f := channel.Broken(err); f.Reason != deliver.Forbidden {
		t.Errorf("Post after rebinding = %v, want forbidden", f)
	}
	if n := len(private.Requests()); n != 0 {
		t.Errorf("the private server saw %d requests, want 0", n)
	}
}

// TestGuardControl: whatever a dialler was told, the address that the socket
// connects to decides.
func TestGuardControl(t *testing.T) {
	t.Parallel()
	private := twin.NewWebhook()
	defer private.Close()
	c := channel.NewGuarded(channel.Guard{
		Resolver: world,
		Dial: func(ctx context.Context, network, _ string, control channel.Control) (net.Conn, error) {
			d := net.Dialer{Control: control}
			return d.DialContext(ctx, network, strings.TrimPrefix(private.URL(), "http://"))
		},
	})
	_, err := c.Post(t.Context(), "https://public.example/", nil, nil)
	if f := channel.Broken(err); f.Reason != deliver.Forbidden {
		t.Errorf("Post = %v, want forbidden", f)
	}
	if n := len(private.Requests()); n != 0 {
		t.Errorf("the private server saw %d requests, want 0", n)
	}
}

// TestGuardNoRedirect: a redirect is an answer, wherever it leads.
func TestGuardNoRedirect(t *testing.T) {
	t.Parallel()
	h := twin.NewWebhook()
	defer h.Close()
	c := channel.NewGuarded(channel.Loopback())
	for _, status := range []int{301, 302, 303, 307, 308} {
		h.Next(twin.Reply{Status: status, Header: http.Header{"Location": {h.URL() + "/inside"}}})
		a, err := c.Post(t.Context(), h.URL()+"/hook", nil, []byte("x"))
		if err != nil || a.Status != status {
			t.Errorf("Post to one that redirects = %d, %v, want %d", a.Status, err, status)
		}
	}
	for _, r := range h.Requests() {
		if r.Path != "/hook" {
			t.Errorf("request to %s, want none", r.Path)
		}
	}
}

func TestLoopbackGuard(t *testing.T) {
	t.Parallel()
	h := twin.NewWebhook()
	defer h.Close()
	c := channel.NewGuarded(channel.Loopback())
	if a, err := c.Post(t.Context(), h.URL(), nil, nil); err != nil || a.Status != http.StatusNoContent {
		t.Errorf("Post to this machine = %d, %v, want 204", a.Status, err)
	}
	for _, u := range []string{"http://10.0.0.1/", "http://169.254.169.254/", "http://[::ffff:127.0.0.1]/", "http://93.184.215.14:8080/"} {
		_, err := c.Post(t.Context(), u, nil, nil)
		if f := channel.Broken(err); f.Reason != deliver.Forbidden {
			t.Errorf("Post(%q) = %v, want forbidden", u, f)
		}
	}
}

// FuzzGuard: whatever is passed, a connection is only ever begun to a public
// address on port 443, judged here by other means than the guard's.
func FuzzGuard(f *testing.F) {
	for _, u := range hostile(f) {
		f.Add(u)
	}
	f.Add("https://public.example/")
	f.Add("https://93.184.215.14/")
	f.Fuzz(func(t *testing.T, raw string) {
		c := channel.NewGuarded(channel.Guard{
			Resolver: world,
			Dial: func(_ context.Context, _, address string, _ channel.Control) (net.Conn, error) {
				host, port, err := net.SplitHostPort(address)
				if err != nil {
					t.Fatalf("dials %q, no address", address)
				}
				ip := net.ParseIP(host)
				if ip == nil || port != "443" || ip.IsPrivate() || ip.IsLoopback() || ip.IsUnspecified() || !ip.IsGlobalUnicast() {
					t.Errorf("Post(%q) dials %s", raw, address)
				}
				return nil, errReached
			},
		})
		if _, err := c.Post(t.Context(), raw, nil, nil); err == nil {
			t.Errorf("Post(%q) = nil, want an error", raw)
		}
	})
}
