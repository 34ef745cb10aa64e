package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"shirase/internal/config"
	"shirase/internal/embedded"
)

// TestStopsThoughAClientStalls stops while a client has sent half a request.
// That is a clean end: launch's stop fails if serve answers an error.
func TestStopsThoughAClientStalls(t *testing.T) {
	t.Parallel()
	r := launch(t, config.Config{}, noon)
	var d net.Dialer
	conn, err := d.DialContext(t.Context(), "tcp", r.p.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close() //nolint:errcheck // the server closes it
	half := "POST /v1/incidents HTTP/1.1\r\nHost: " + r.p.addr + "\r\nAuthorization: Bearer local\r\n" +
		"Expect: 100-continue\r\nContent-Length: 100\r\n\r\n"
	if _, err := conn.Write([]byte(half)); err != nil {
		t.Fatal(err)
	}
	// The handler reads the body once it asks for it.
	b := make([]byte, 64)
	if n, err := conn.Read(b); err != nil || !strings.HasPrefix(string(b[:n]), "HTTP/1.1 100") {
		t.Fatalf("the server said %q, %v, want 100 Continue", b[:n], err)
	}
	r.stop()
}

// TestSettleEndsWithTheProgram waits for work that nobody does any more.
func TestSettleEndsWithTheProgram(t *testing.T) {
	t.Parallel()
	c := config.Config{Data: t.TempDir(), Shards: 4, Lease: 50 * time.Second, Timeout: 60 * time.Second}
	p, err := build(t.Context(), c, "127.0.0.1:1", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.kv.Close() })
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if err := p.engine.run(over); err != nil { // every worker has gone
		t.Fatal(err)
	}
	if err := p.queues.Put(t.Context(), embedded.FanOutQueue, 0, embedded.Post{Body: []byte("{}")}); err != nil {
		t.Fatal(err)
	}
	if _, err := p.engine.advance(t.Context(), 0); !errors.Is(err, errStopping) {
		t.Errorf("advance(0) of an engine that has stopped = %v, want %v", err, errStopping)
	}
}

// TestHalfABody answers a body that does not come whole as a bad request, not
// as one that is too long.
func TestHalfABody(t *testing.T) {
	t.Parallel()
	r := launch(t, config.Config{}, noon)
	for _, path := range []string{"/v1/incidents", "/invoke/alarm"} {
		conn, err := net.DialTCP("tcp", nil, net.TCPAddrFromAddrPort(netip.MustParseAddrPort(r.p.addr)))
		if err != nil {
			t.Fatal(err)
		}
		half := "POST " + path + " HTTP/1.1\r\nHost: " + r.p.addr + "\r\nAuthorization: Bearer local\r\nContent-Length: 100\r\n\r\n{"
		if _, err := conn.Write([]byte(half)); err != nil {
			t.Fatal(err)
		}
		if err := conn.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(conn)
		if err != nil || !strings.HasPrefix(string(b), "HTTP/1.1 400") {
			t.Errorf("half a body for %s = %.40q, %v, want 400", path, b, err)
		}
		_ = conn.Close()
	}
}
