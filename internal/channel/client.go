package channel

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"
	"time"
)

// maxBody is how much of an answer is read; the rest is dropped with the
// connection.
const maxBody = 64 << 10

// maxAnswerHeader is how many bytes of header an answer may have.
const maxAnswerHeader = 16 << 10

// agent is how we introduce ourselves.
const agent = "Shirase/1"

// Client makes calls that are never redirected, take no proxy from the
// environment and read at most 64 KiB of the answer. It is safe for use by
// several goroutines and keeps connections for the next call.
type Client struct {
	http  *http.Client
	check func(*url.URL) error
}

// NewClient makes a client for providers whose address an operator has set.
func NewClient() *Client {
	d := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}
	return &Client{http: newHTTP(d.DialContext, nil), check: func(*url.URL) error { return nil }}
}

func newHTTP(dial func(context.Context, string, string) (net.Conn, error), roots *x509.CertPool) *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			Proxy:                  nil,
			DialContext:            dial,
			TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots},
			TLSHandshakeTimeout:    10 * time.Second,
			MaxIdleConns:           64,
			MaxIdleConnsPerHost:    8,
			IdleConnTimeout:        60 * time.Second,
			MaxResponseHeaderBytes: maxAnswerHeader,
			DisableCompression:     true, // so that a small body cannot grow
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Answer is what came back from a call. Body is cut at 64 KiB, or where the
// sender stopped.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// OK reports whether the status is one of success.
func (a Answer) OK() bool { return a.Status >= 200 && a.Status <= 299 }

// Post sends a body. An error is always a [*CallError]; an answer of any
// status is none.
func (c *Client) Post(ctx context.Context, to string, header http.Header, body []byte) (Answer, error) {
	return c.call(ctx, http.MethodPost, to, header, body)
}

// Get asks for something; answers and errors are those of [Client.Post].
func (c *Client) Get(ctx context.Context, from string, header http.Header) (Answer, error) {
	return c.call(ctx, http.MethodGet, from, header, nil)
}

func (c *Client) call(ctx context.Context, method, to string, header http.Header, body []byte) (Answer, error) {
	u, err := url.Parse(to)
	if err != nil {
		return Answer{}, &CallError{Phase: Unmade, what: "not a URL", cause: err}
	}
	if err := c.check(u); err != nil {
		return Answer{}, &CallError{Phase: Barred, what: "address is refused", cause: err}
	}
	if name, ok := badHeader(header); ok {
		return Answer{}, &CallError{Phase: Unmade, what: "header " + name + " has a character it must not have"}
	}
	var wrote atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaders: func() { wrote.Store(true) }})
	req, err := http.NewRequestWithContext(ctx, method, u.String(), bytes.NewReader(body))
	if err != nil {
		return Answer{}, &CallError{Phase: Unmade, what: "not a URL", cause: err}
	}
	for name, vs := range header {
		req.Header[http.CanonicalHeaderKey(name)] = vs
	}
	req.Header.Set("User-Agent", agent)
	resp, err := c.http.Do(req)
	if err != nil {
		return Answer{}, Lost(err, wrote.Load())
	}
	defer func() { _ = resp.Body.Close() }()
	// What was read before an error is kept: the status alone may decide.
	read, _ := io.ReadAll(io.LimitReader(resp.Body, maxBody))
	return Answer{Status: resp.StatusCode, Header: resp.Header, Body: read}, nil
}

// badHeader names a header whose name or value would break the request.
func badHeader(h http.Header) (string, bool) {
	for name, vs := range h {
		for _, v := range append([]string{name}, vs...) {
			for _, b := range []byte(v) {
				if b < ' ' || b == 0x7f {
					return fmt.Sprintf("%.40q", name), true
				}
			}
		}
	}
	return "", false
}
