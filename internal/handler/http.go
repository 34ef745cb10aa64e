package handler

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"net/textproto"
	"net/url"
	"runtime/debug"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"
)

// The bounds of an HTTP request and its response. Lambda carries 6 MiB each way
// at most, and base64 makes three bytes four.
const (
	maxHTTPBody = 64 << 10
	maxQuery    = 8 << 10
	maxHeaders  = 32 << 10
	maxPayload  = 6 << 20
	maxResponse = 4 << 20
)

// A Gateway puts an http.Handler behind an API Gateway HTTP API, whose events
// have payload format 2.0. What no HTTP client could have sent is refused
// before the handler sees it.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
type Gateway struct {
	Handler http.Handler
	// MaxBody bounds a request's body in bytes; 0 means 64 KiB.
	MaxBody int
	Log     *slog.Logger
}

// Serve adapts h with the default bounds.
func Serve(h http.Handler) func(context.Context, events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
	return Gateway{Handler: h}.Serve
}

// Handle takes a raw event. One that cannot be decoded is answered as a bad
// request.
func (g Gateway) Handle(ctx context.Context, raw json.RawMessage) (any, error) {
	var e events.APIGatewayV2HTTPRequest
	if err := json.Unmarshal(raw, &e); err != nil {
		return refuse(http.StatusBadRequest), nil
	}
	return g.Serve(ctx, e)
}

// Serve answers one request. It never fails: a panic is a 500.
func (g Gateway) Serve(ctx context.Context, e events.APIGatewayV2HTTPRequest) (answer events.APIGatewayV2HTTPResponse, err error) {
	r, status := g.request(ctx, e)
	if status != 0 {
		return refuse(status), nil
	}
	w := &recorder{header: http.Header{}}
	defer func() {
		if p := recover(); p != nil {
			logger(g.Log).ErrorContext(ctx, msgHTTPPanic, keyPanic, panicKind(p), keyStack, string(debug.Stack()))
			answer = refuse(http.StatusInternalServerError)
		}
	}()
	g.Handler.ServeHTTP(w, r)
	if w.overflow {
		logger(g.Log).ErrorContext(ctx, msgHTTPLarge, keyStatus, w.status)
		return refuse(http.StatusInternalServerError), nil
	}
	return w.response(r.Method), nil
}

// request makes the request of an event, or answers the status it is refused
// with.
func (g Gateway) request(ctx context.Context, e events.APIGatewayV2HTTPRequest) (*http.Request, int) {
	c := e.RequestContext.HTTP
	if e.Version != "2.0" || !isMethod(c.Method) {
		return nil, http.StatusBadRequest
	}
	u, ok := location(e.RawPath, e.RawQueryString)
	if !ok {
		return nil, http.StatusBadRequest
	}
	header, ok := headers(e.Headers, e.Cookies)
	if !ok {
		return nil, http.StatusBadRequest
	}
	if enc := header.Get("Content-Encoding"); enc != "" && !strings.EqualFold(enc, "identity") {
		return nil, http.StatusUnsupportedMediaType
	}
	body, status := g.body(e)
	if status != 0 {
		return nil, status
	}
	host := header.Get("Host")
	if host == "" {
		host = e.RequestContext.DomainName
	}
	if !isValue(host) {
		return nil, http.StatusBadRequest
	}
	for _, name := range []string{"Host", "Content-Length", "Transfer-Encoding", "Connection"} {
		header.Del(name)
	}
	r := &http.Request{
		Method: c.Method, URL: u, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: header, Host: host, RequestURI: u.RequestURI(), RemoteAddr: remote(c.SourceIP),
		Body: http.NoBody, ContentLength: int64(len(body)),
	}
	if len(body) > 0 {
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	return r.WithContext(ctx), 0
}

func (g Gateway) body(e events.APIGatewayV2HTTPRequest) ([]byte, int) {
	limit := g.MaxBody
	if limit <= 0 {
		limit = maxHTTPBody
	}
	if !e.IsBase64Encoded {
		if len(e.Body) > limit {
			return nil, http.StatusRequestEntityTooLarge
		}
		return []byte(e.Body), 0
	}
	if len(e.Body) > base64.StdEncoding.EncodedLen(limit) {
		return nil, http.StatusRequestEntityTooLarge
	}
	b, err := base64.StdEncoding.Strict().DecodeString(e.Body)
	switch {
	case err != nil:
		return nil, http.StatusBadRequest
	case len(b) > limit:
		return nil, http.StatusRequestEntityTooLarge
	}
	return b, 0
}

// location makes the URL. The path arrives escaped from some of AWS's front
// ends and unescaped from others; one that is no valid escaping is taken as it
// is.
func location(path, query string) (*url.URL, bool) {
	if !strings.HasPrefix(path, "/") || len(path) > maxQuery || hasControl(path) {
		return nil, false
	}
	if len(query) > maxQuery || hasControl(query) || strings.ContainsAny(query, " #") {
		return nil, false
	}
	u := &url.URL{Path: path, RawQuery: query}
	if plain, err := url.PathUnescape(path); err == nil {
		if hasControl(plain) {
			return nil, false
		}
		u.Path, u.RawPath = plain, path
		if u.EscapedPath() != path {
			u.RawPath = "" // not how it would be escaped: it was not
		}
	}
	return u, true
}

// headers takes over the headers of an event. API Gateway sends each name once,
// in lower case and with its values joined; two names that differ only in case
// cannot come from it.
func headers(in map[string]string, cookies []string) (http.Header, bool) {
	out, size := http.Header{}, 0
	for _, name := range slices.Sorted(maps.Keys(in)) {
		value := in[name]
		key := textproto.CanonicalMIMEHeaderKey(name)
		if size += len(name) + len(value); size > maxHeaders || !isToken(name) || !isValue(value) || out[key] != nil {
			return nil, false
		}
		out[key] = []string{value}
	}
	for _, c := range cookies {
		if size += len(c); size > maxHeaders || !isValue(c) {
			return nil, false
		}
	}
	if len(cookies) > 0 {
		if out["Cookie"] != nil {
			return nil, false
		}
		out["Cookie"] = []string{strings.Join(cookies, "; ")}
	}
	return out, true
}

func isMethod(s string) bool {
	return s != "" && len(s) <= 16 && !strings.ContainsFunc(s, func(r rune) bool { return r < 'A' || r > 'Z' })
}

// isToken reports whether s may be a header's name (RFC 9110, 5.6.2).
func isToken(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && !strings.ContainsRune("!#$%&'*+-.^_`|~", r)
	})
}

// isValue reports whether s may be a header's value: no control character but a
// tab, no blank at its ends.
func isValue(s string) bool {
	return strings.Trim(s, " \t") == s && !hasControl(strings.ReplaceAll(s, "\t", ""))
}

func hasControl(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return r < 0x20 || r == 0x7f })
}

// remote answers an address as net/http has it.
func remote(ip string) string {
	if _, err := netip.ParseAddr(ip); err != nil {
		return ""
	}
	return net.JoinHostPort(ip, "0")
}

func refuse(status int) events.APIGatewayV2HTTPResponse {
	w := &recorder{header: http.Header{}}
	WriteProblem(w, NewProblem(status))
	return w.response(http.MethodGet)
}

// recorder keeps a response. As the gateway does not stream, it is whole before
// it leaves.
type recorder struct {
	header   http.Header
	sent     http.Header // as it was when the status was written
	status   int
	body     bytes.Buffer
	overflow bool
}

func (w *recorder) Header() http.Header { return w.header }

func (w *recorder) WriteHeader(status int) {
	if w.sent == nil && status >= 200 {
		w.status, w.sent = status, w.header.Clone()
	}
}

func (w *recorder) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	if w.body.Len()+len(p) > maxResponse {
		w.overflow = true
		return 0, errLarge
	}
	return w.body.Write(p)
}

var errLarge = errors.New("the response is longer than Lambda carries")

func (w *recorder) response(method string) events.APIGatewayV2HTTPResponse {
	w.WriteHeader(http.StatusOK)
	body := w.body.Bytes()
	if method == http.MethodHead || w.status == http.StatusNoContent || w.status == http.StatusNotModified {
		body = nil
	} else if len(body) > 0 && w.sent.Get("Content-Type") == "" {
		w.sent.Set("Content-Type", http.DetectContentType(body))
	}
	out := events.APIGatewayV2HTTPResponse{StatusCode: w.status, Headers: map[string]string{}}
	for name, values := range w.sent {
		key := textproto.CanonicalMIMEHeaderKey(name)
		for i := range values {
			values[i] = oneLine.Replace(values[i])
		}
		switch {
		case key == "Set-Cookie":
			out.Cookies = append(out.Cookies, values...)
		case !isToken(key), len(values) == 0, slices.Contains(hopByHop, key):
		default:
			out.Headers[key] = strings.Join(values, ", ")
		}
	}
	out.Body, out.IsBase64Encoded = carry(body)
	return out
}

// oneLine does to a header's value what net/http does.
var oneLine = strings.NewReplacer("\n", " ", "\r", " ")

// hopByHop are headers of the connection, which is the gateway's; so is the
// length.
var hopByHop = []string{"Connection", "Content-Length", "Keep-Alive", "Te", "Trailer", "Transfer-Encoding", "Upgrade"}

// carry answers how a body travels in JSON: as it is where it is text.
func carry(body []byte) (string, bool) {
	if utf8.Valid(body) {
		return string(body), false
	}
	return base64.StdEncoding.EncodeToString(body), true
}

// Request makes the event that API Gateway would make of a request, for a
// server of our own in its place. Id and at are the request's name and time. The
// body is read whole; one longer than Lambda carries is a [http.MaxBytesError].
func Request(r *http.Request, id string, at time.Time) (events.APIGatewayV2HTTPRequest, error) {
	var e events.APIGatewayV2HTTPRequest
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(http.MaxBytesReader(nil, r.Body, maxResponse)); err != nil {
			return e, fmt.Errorf("read the body of a request: %w", err)
		}
	}
	ip, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		ip = ""
	}
	e.Version, e.RouteKey = "2.0", "$default"
	e.RawPath, e.RawQueryString = r.URL.EscapedPath(), r.URL.RawQuery
	e.Headers = map[string]string{"host": r.Host}
	for name, values := range r.Header {
		switch key := strings.ToLower(name); key {
		case "host":
		case "cookie":
			e.Cookies = strings.Split(strings.Join(values, "; "), "; ")
		default:
			e.Headers[key] = strings.Join(values, ",")
		}
	}
	if q := r.URL.Query(); len(q) > 0 {
		e.QueryStringParameters = map[string]string{}
		for name, values := range q {
			e.QueryStringParameters[name] = strings.Join(values, ",")
		}
	}
	e.Body, e.IsBase64Encoded = carry(body)
	e.RequestContext = events.APIGatewayV2HTTPRequestContext{
		RouteKey: "$default", Stage: "$default", RequestID: id, DomainName: r.Host,
		Time: at.UTC().Format("02/Jan/2006:15:04:05 -0700"), TimeEpoch: at.UnixMilli(),
		HTTP: events.APIGatewayV2HTTPRequestContextHTTPDescription{
			Method: r.Method, Path: e.RawPath, Protocol: r.Proto, SourceIP: ip, UserAgent: r.UserAgent(),
		},
	}
	return e, nil
}

// WriteResponse answers a request with a function's response, as API Gateway
// does: one that cannot be a response becomes a 502, and is reported.
func WriteResponse(w http.ResponseWriter, resp events.APIGatewayV2HTTPResponse) error {
	body := []byte(resp.Body)
	if resp.IsBase64Encoded {
		b, err := base64.StdEncoding.Strict().DecodeString(resp.Body)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return errors.New("write a response: its body is not base64")
		}
		body = b
	}
	status := resp.StatusCode
	if status == 0 {
		status = http.StatusOK
	}
	if status < 200 || status > 599 {
		w.WriteHeader(http.StatusBadGateway)
		return fmt.Errorf("write a response: status %d", resp.StatusCode)
	}
	for _, name := range slices.Sorted(maps.Keys(resp.Headers)) {
		w.Header().Set(name, resp.Headers[name])
	}
	for _, name := range slices.Sorted(maps.Keys(resp.MultiValueHeaders)) {
		for _, v := range resp.MultiValueHeaders[name] {
			w.Header().Add(name, v)
		}
	}
	for _, c := range resp.Cookies {
		w.Header().Add("Set-Cookie", c)
	}
	w.WriteHeader(status)
	if status == http.StatusNoContent || status == http.StatusNotModified {
		return nil
	}
	if _, err := w.Write(body); err != nil {
		return fmt.Errorf("write a response: %w", err)
	}
	return nil
}
