package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"shirase/events"
	"shirase/internal/config"
	"shirase/internal/embedded"
)

// noon is when stories with a standing clock begin: 14:07 in Tokyo.
var noon = time.Date(2026, 9, 15, 5, 7, 0, 0, time.UTC)

// running is the whole program on a real port.
type running struct {
	t    *testing.T
	p    *program
	url  string
	stop func()
}

// launch starts a program. With a time its clock stands there from the start.
// Alter may change the program before it runs.
func launch(t *testing.T, c config.Config, at time.Time, alter ...func(*program)) *running {
	t.Helper()
	if c.Data == "" {
		c.Data = t.TempDir()
	}
	c.Shards, c.Lease, c.Timeout = 4, 50*time.Second, 60*time.Second
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p, err := build(t.Context(), c, l.Addr().String(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if !at.IsZero() {
		p.clock.standing, p.clock.at = true, at
	}
	for _, f := range alter {
		f(p)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- p.serve(ctx, l, func(context.Context) (bool, error) { return false, nil }) }()
	r := &running{t: t, p: p, url: "http://" + l.Addr().String()}
	stopped := false
	r.stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			t.Errorf("serve: %v", err)
		}
		if err := p.kv.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	}
	t.Cleanup(r.stop)
	return r
}

// do makes a request with the local key and answers status and body.
func (r *running) do(method, path, body string) (int, []byte) {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), method, r.url+path, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+r.p.key)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return resp.StatusCode, b
}

// must makes a request that has to succeed and decodes its answer.
func (r *running) must(method, path, body string, into any) {
	r.t.Helper()
	status, b := r.do(method, path, body)
	if status >= 300 {
		r.t.Fatalf("%s %s %s = %d %s", method, path, body, status, b)
	}
	if into != nil {
		if err := json.Unmarshal(b, into); err != nil {
			r.t.Fatalf("%s %s: %v in %s", method, path, err, b)
		}
	}
}

// opened is what the API answers of an incident, as far as stories need it.
type opened struct {
	ID         string   `json:"id"`
	Stage      string   `json:"stage"`
	Version    int      `json:"version"`
	Seq        int      `json:"seq"`
	Live       bool     `json:"live"`
	Components []string `json:"components"`
}

const three = `{"components":["invoices"],"severity":"major","effect":"請求書を送信できません。"}`

func (r *running) open(body string) opened {
	r.t.Helper()
	var o opened
	r.must(http.MethodPost, "/v1/incidents", body, &o)
	return o
}

func (r *running) incidents() []opened {
	r.t.Helper()
	var list struct {
		Items []opened `json:"items"`
	}
	r.must(http.MethodGet, "/v1/incidents", "", &list)
	return list.Items
}

func (r *running) advance(by string) { r.must(http.MethodPost, "/clock", `{"advance":"`+by+`"}`, nil) }

// settle waits until everything that can be done now is done.
func (r *running) settle() {
	r.t.Helper()
	if err := r.p.engine.settle(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
}

func (r *running) inbox() []embedded.Entry {
	r.t.Helper()
	var es []embedded.Entry
	r.must(http.MethodGet, "/inbox.json", "", &es)
	return es
}

// updates answers the entries that are updates.
func (r *running) updates() []embedded.Entry {
	r.t.Helper()
	var out []embedded.Entry
	for _, e := range r.inbox() {
		if e.Kind == "update" {
			out = append(out, e)
		}
	}
	return out
}

// event is a sample with its times moved to a time.
func event(t *testing.T, name string, at time.Time) string {
	t.Helper()
	b, err := events.Files.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(bytes.ReplaceAll(b, []byte("2026-08-20T10:"), []byte(at.UTC().Format("2006-01-02T15:"))))
}

// write puts a file into a folder of the test's own and answers its path.
func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
