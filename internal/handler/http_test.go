package handler_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"shirase/internal/handler"
)

// echo tells what of a request arrived.
type echo struct {
	Method, Path, Query, Host, Remote, URI string
	Header                                 http.Header
	Cookies                                []string
	Body                                   []byte
	Length                                 int64
}

func (e *echo) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, "read", http.StatusTeapot)
		return
	}
	*e = echo{
		Method: r.Method, Path: r.URL.Path, Query: r.URL.RawQuery, Host: r.Host, Remote: r.RemoteAddr, URI: r.RequestURI,
		Header: r.Header, Body: b, Length: r.ContentLength,
	}
	for _, c := range r.Cookies() {
		e.Cookies = append(e.Cookies, c.Name+"="+c.Value)
	}
	w.WriteHeader(http.StatusNoContent)
}

func get(path string) events.APIGatewayV2HTTPRequest {
	var e events.APIGatewayV2HTTPRequest
	e.Version, e.RawPath = "2.0", path
	e.RequestContext.HTTP.Method = http.MethodGet
	return e
}

func TestSamplesOverHTTP(t *testing.T) {
	t.Parallel()
	type arrived struct{ Method, Path, Query, Body, ContentType, Remote string }
	body := `{"components":["checkout"],"severity":"critical","effect":{"en":"You cannot pay for your order.","ja":"ご注文のお支払いができません。"}}`
	for name, want := range map[string]arrived{
		"api/open-incident":   {"POST", "/v1/incidents", "", body, "application/json", "203.0.113.7:0"},
		"api/base64-body":     {"POST", "/v1/incidents", "", body, "application/json", "203.0.113.7:0"},
		"api/list-incidents":  {"GET", "/v1/incidents", "stage=investigating&stage=identified&limit=20", "", "", "203.0.113.7:0"},
		"api/null-body":       {"POST", "/v1/incidents/01K36Q9M5S7W3Z8N4C2R6T1Y0B/ack", "", "", "", "203.0.113.7:0"},
		"signup/one-click":    {"POST", "/unsubscribe", "t=EXAMPLE", "List-Unsubscribe=One-Click", "application/x-www-form-urlencoded", "203.0.113.7:0"},
		"signup/escaped-path": {"GET", "/i/請求 / A", "", "", "", "203.0.113.7:0"},
		"signup/manage":       {"GET", "/manage", "t=EXAMPLE", "", "", "203.0.113.7:0"},
	} {
		var e echo
		answer, err := handler.Gateway{Handler: &e}.Handle(t.Context(), sample(t, name+".json"))
		if err != nil || answer.(events.APIGatewayV2HTTPResponse).StatusCode != http.StatusNoContent {
			t.Errorf("Handle(%s) = %+v, %v, want 204", name, answer, err)
		}
		got := arrived{e.Method, e.Path, e.Query, string(e.Body), e.Header.Get("Content-Type"), e.Remote}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("Handle(%s) (-want +got):\n%s", name, d)
		}
		if strings.HasSuffix(name, "manage") {
			if d := cmp.Diff([]string{"theme=dark", "lang=ja"}, e.Cookies); d != "" {
				t.Errorf("cookies (-want +got):\n%s", d)
			}
		}
		if e.Host != "abc123.execute-api.example.test" || e.Header.Get("Host") != "" || e.Length != int64(len(e.Body)) {
			t.Errorf("Handle(%s): host %q, length %d, want those of the event", name, e.Host, e.Length)
		}
	}
}

func TestRefusedBeforeTheHandler(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 64<<10)
	for _, c := range []struct {
		name   string
		change func(*events.APIGatewayV2HTTPRequest)
		status int
	}{
		{"as it is", func(*events.APIGatewayV2HTTPRequest) {}, 204},
		{"payload 1.0", func(e *events.APIGatewayV2HTTPRequest) { e.Version = "1.0" }, 400},
		{"no version", func(e *events.APIGatewayV2HTTPRequest) { e.Version = "" }, 400},
		{"no method", func(e *events.APIGatewayV2HTTPRequest) { e.RequestContext.HTTP.Method = "" }, 400},
		{"method with blanks", func(e *events.APIGatewayV2HTTPRequest) { e.RequestContext.HTTP.Method = "GET /" }, 400},
		{"no path", func(e *events.APIGatewayV2HTTPRequest) { e.RawPath = "" }, 400},
		{"path of another host", func(e *events.APIGatewayV2HTTPRequest) { e.RawPath = "http://example.test/" }, 400},
		{"path with line break", func(e *events.APIGatewayV2HTTPRequest) { e.RawPath = "/a\r\nb" }, 400},
		{"path with escaped line break", func(e *events.APIGatewayV2HTTPRequest) { e.RawPath = "/a%0d%0ab" }, 400},
		{"path with escaped nul", func(e *events.APIGatewayV2HTTPRequest) { e.RawPath = "/a%00" }, 400},
		{"path not escaped", func(e *events.APIGatewayV2HTTPRequest) { e.RawPath = "/i/100% 障害" }, 204},
		{"query with blank", func(e *events.APIGatewayV2HTTPRequest) { e.RawQueryString = "a=b c" }, 400},
		{"query with line break", func(e *events.APIGatewayV2HTTPRequest) { e.RawQueryString = "a=b\nc" }, 400},
		{"query too long", func(e *events.APIGatewayV2HTTPRequest) { e.RawQueryString = long }, 400},
		{"header name", func(e *events.APIGatewayV2HTTPRequest) { e.Headers = map[string]string{"a b": "c"} }, 400},
		{"header value", func(e *events.APIGatewayV2HTTPRequest) { e.Headers = map[string]string{"a": "b\r\nc: d"} }, 400},
		{"header folded", func(e *events.APIGatewayV2HTTPRequest) { e.Headers = map[string]string{"a": "b\n c"} }, 400},
		{"header doubled", func(e *events.APIGatewayV2HTTPRequest) { e.Headers = map[string]string{"x-a": "b", "X-A": "c"} }, 400},
		{"headers too long", func(e *events.APIGatewayV2HTTPRequest) { e.Headers = map[string]string{"a": long} }, 400},
		{"domain name", func(e *events.APIGatewayV2HTTPRequest) { e.RequestContext.DomainName = "a\r\nb" }, 400},
		{"cookie", func(e *events.APIGatewayV2HTTPRequest) { e.Cookies = []string{"a=b\r\nc: d"} }, 400},
		{"cookie twice", func(e *events.APIGatewayV2HTTPRequest) {
			e.Cookies, e.Headers = []string{"a=b"}, map[string]string{"cookie": "c=d"}
		}, 400},
		{"gzip", func(e *events.APIGatewayV2HTTPRequest) { e.Headers = map[string]string{"content-encoding": "gzip"} }, 415},
		{"identity", func(e *events.APIGatewayV2HTTPRequest) {
			e.Headers = map[string]string{"content-encoding": "identity"}
		}, 204},
		{"body at the cap", func(e *events.APIGatewayV2HTTPRequest) { e.Body = long }, 204},
		{"body over the cap", func(e *events.APIGatewayV2HTTPRequest) { e.Body = long + "a" }, 413},
		{"base64 at the cap", func(e *events.APIGatewayV2HTTPRequest) {
			e.Body, e.IsBase64Encoded = base64.StdEncoding.EncodeToString([]byte(long)), true
		}, 204},
		{"base64 over the cap", func(e *events.APIGatewayV2HTTPRequest) {
			e.Body, e.IsBase64Encoded = base64.StdEncoding.EncodeToString([]byte(long+"a")), true
		}, 413},
		{"base64 that is none", func(e *events.APIGatewayV2HTTPRequest) { e.Body, e.IsBase64Encoded = `{"a":1}`, true }, 400},
		{"base64 without padding", func(e *events.APIGatewayV2HTTPRequest) { e.Body, e.IsBase64Encoded = "YQ", true }, 400},
		{"length that lies", func(e *events.APIGatewayV2HTTPRequest) {
			e.Body, e.Headers = "abc", map[string]string{"content-length": "9999", "transfer-encoding": "chunked"}
		}, 204},
	} {
		e := get("/")
		c.change(&e)
		var seen echo
		resp, err := handler.Serve(&seen)(t.Context(), e)
		if err != nil || resp.StatusCode != c.status {
			t.Errorf("Serve(%s) = %d, %v, want %d", c.name, resp.StatusCode, err, c.status)
		}
		if c.status != 204 && (seen.Method != "" || resp.Headers["Content-Type"] != handler.ProblemType) {
			t.Errorf("Serve(%s) let it through, or answered %v, want a problem", c.name, resp.Headers)
		}
		if c.status == 204 && seen.Length != int64(len(seen.Body)) {
			t.Errorf("Serve(%s): length %d of %d bytes, want the same", c.name, seen.Length, len(seen.Body))
		}
	}
	for _, raw := range []string{`{"version":2}`, `[]`, `{"body":{}}`, `{"headers":{"a":["b"]}}`} {
		answer, err := handler.Gateway{Handler: http.NotFoundHandler()}.Handle(t.Context(), json.RawMessage(raw))
		if err != nil || answer.(events.APIGatewayV2HTTPResponse).StatusCode != 400 {
			t.Errorf("Handle(%s) = %v, %v, want 400", raw, answer, err)
		}
	}
}

func TestResponses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		method string
		serve  http.HandlerFunc
		want   events.APIGatewayV2HTTPResponse
	}{
		{"nothing", "GET", func(http.ResponseWriter, *http.Request) {}, events.APIGatewayV2HTTPResponse{StatusCode: 200, Headers: map[string]string{}}},
		{"text", "GET", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "知らせ") }, events.APIGatewayV2HTTPResponse{
			StatusCode: 200, Body: "知らせ", Headers: map[string]string{"Content-Type": "text/plain; charset=utf-8"},
		}},
		{"bytes", "GET", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte{0x00, 0xff}) }, events.APIGatewayV2HTTPResponse{
			StatusCode: 200, Body: "AP8=", IsBase64Encoded: true, Headers: map[string]string{"Content-Type": "application/octet-stream"},
		}},
		{"headers", "GET", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Add("Vary", "Accept")
			w.Header().Add("Vary", "Accept-Language")
			w.Header().Add("Set-Cookie", "a=b")
			w.Header().Add("Set-Cookie", "c=d")
			w.Header().Set("Content-Length", "7")
			w.Header().Set("Connection", "close")
			w.Header().Set("X-Split", "a\r\nb: c")
			w.WriteHeader(http.StatusEarlyHints)
			w.WriteHeader(http.StatusSeeOther)
			w.WriteHeader(http.StatusOK)
			w.Header().Set("Too-Late", "x")
		}, events.APIGatewayV2HTTPResponse{
			StatusCode: 303, Headers: map[string]string{"Vary": "Accept, Accept-Language", "X-Split": "a  b: c"}, Cookies: []string{"a=b", "c=d"},
		}},
		{"head", "HEAD", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "x") }, events.APIGatewayV2HTTPResponse{StatusCode: 200, Headers: map[string]string{}}},
	} {
		e := get("/")
		e.RequestContext.HTTP.Method = c.method
		got, err := handler.Serve(c.serve)(t.Context(), e)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("Serve(%s) (-want +got):\n%s", c.name, d)
		}
	}
	for name, h := range map[string]http.HandlerFunc{
		"panic":    func(http.ResponseWriter, *http.Request) { panic(secret) },
		"too long": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 5<<20)) },
	} {
		resp, err := handler.Serve(h)(t.Context(), get("/"))
		if err != nil || resp.StatusCode != 500 || strings.Contains(resp.Body, "canary") {
			t.Errorf("Serve(%s) = %d %q, %v, want a plain 500", name, resp.StatusCode, resp.Body, err)
		}
	}
}

// drawRequest makes a request that an HTTP client could send.
func drawRequest(t *rapid.T) *http.Request {
	word := rapid.StringMatching(`[a-z]{1,8}`)
	segment := rapid.SliceOfN(rapid.OneOf(rapid.SampledFrom([]rune("a/%?# é請🙂+&=;:@")), rapid.Rune()), 0, 6)
	var path strings.Builder
	for range rapid.IntRange(1, 4).Draw(t, "segments") {
		s := strings.Map(func(r rune) rune {
			if r < 0x20 || r == 0x7f {
				return -1
			}
			return r
		}, string(segment.Draw(t, "segment")))
		path.WriteString("/" + url.PathEscape(s))
	}
	query := url.Values{}
	for range rapid.IntRange(0, 3).Draw(t, "parameters") {
		query.Add(word.Draw(t, "key"), rapid.String().Draw(t, "value"))
	}
	target := path.String()
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	method := rapid.SampledFrom([]string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}).Draw(t, "method")
	body := rapid.SliceOfN(rapid.Byte(), 0, 64).Draw(t, "body")
	r := httptest.NewRequestWithContext(context.Background(), method, target, bytes.NewReader(body))
	for range rapid.IntRange(0, 3).Draw(t, "headers") {
		r.Header.Add("X-"+word.Draw(t, "name"), rapid.StringMatching(`([!-~]([ -~]*[!-~])?)?`).Draw(t, "header"))
	}
	for range rapid.IntRange(0, 3).Draw(t, "cookies") {
		r.AddCookie(&http.Cookie{Name: word.Draw(t, "cookie"), Value: rapid.StringMatching(`[a-zA-Z0-9]{0,8}`).Draw(t, "crumb")})
	}
	return r
}

func TestRequestRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := drawRequest(t)
		want := echo{
			Method: r.Method, Path: r.URL.Path, Query: r.URL.RawQuery, Host: r.Host, Remote: "192.0.2.1:0", URI: r.URL.RequestURI(),
			Header: http.Header{},
		}
		for name, values := range r.Header {
			want.Header[name] = []string{strings.Join(values, ",")}
		}
		for _, c := range r.Cookies() {
			want.Cookies = append(want.Cookies, c.Name+"="+c.Value)
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Fatal(err)
		}
		want.Body, want.Length = body, int64(len(body))
		r.Body = io.NopCloser(bytes.NewReader(body))

		e, err := handler.Request(r, "id-1", noon)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		var got echo
		answer, err := handler.Gateway{Handler: &got}.Handle(context.Background(), raw)
		if err != nil || answer.(events.APIGatewayV2HTTPResponse).StatusCode != http.StatusNoContent {
			t.Fatalf("Handle(%s) = %+v, %v, want 204", raw, answer, err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("round trip of %s (-want +got):\n%s", raw, d)
		}
	})
}

func TestResponseRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		status := rapid.SampledFrom([]int{200, 201, 202, 204, 301, 303, 304, 400, 404, 409, 500, 503}).Draw(t, "status")
		body := rapid.OneOf(rapid.SliceOfN(rapid.Byte(), 0, 64), rapid.Map(rapid.String(), func(s string) []byte { return []byte(s) })).Draw(t, "body")
		cookies := rapid.SliceOfN(rapid.StringMatching(`[a-z]{1,4}=[a-z]{1,4}`), 0, 3).Draw(t, "cookies")
		h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/octet-stream")
			w.Header().Add("X-Many", "a")
			w.Header().Add("X-Many", "b")
			for _, c := range cookies {
				w.Header().Add("Set-Cookie", c)
			}
			w.WriteHeader(status)
			_, _ = w.Write(body)
		})
		resp, err := handler.Serve(h)(context.Background(), get("/"))
		if err != nil {
			t.Fatal(err)
		}
		raw, err := json.Marshal(resp)
		if err != nil {
			t.Fatal(err)
		}
		var back events.APIGatewayV2HTTPResponse
		if err := json.Unmarshal(raw, &back); err != nil {
			t.Fatal(err)
		}
		w := httptest.NewRecorder()
		if err := handler.WriteResponse(w, back); err != nil {
			t.Fatal(err)
		}
		if status == 204 || status == 304 {
			body = nil
		}
		if w.Code != status || !bytes.Equal(w.Body.Bytes(), body) || w.Header().Get("X-Many") != "a, b" ||
			strings.Join(w.Header()["Set-Cookie"], "|") != strings.Join(cookies, "|") {
			t.Errorf("round trip = %d %q %v, want %d %q", w.Code, w.Body.Bytes(), w.Header(), status, body)
		}
	})
}

func TestWriteResponseRefusesWhatIsNone(t *testing.T) {
	t.Parallel()
	for name, resp := range map[string]events.APIGatewayV2HTTPResponse{
		"status":  {StatusCode: 42},
		"informs": {StatusCode: 101},
		"base64":  {StatusCode: 200, Body: "?", IsBase64Encoded: true},
	} {
		w := httptest.NewRecorder()
		if err := handler.WriteResponse(w, resp); err == nil || w.Code != http.StatusBadGateway {
			t.Errorf("WriteResponse(%s) = %v, %d, want an error and 502", name, err, w.Code)
		}
	}
}

func TestRequestTooLong(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", bytes.NewReader(make([]byte, 5<<20)))
	_, err := handler.Request(r, "id-1", time.Time{})
	if _, ok := errors.AsType[*http.MaxBytesError](err); !ok {
		t.Errorf("Request(5 MiB) = %v, want a MaxBytesError", err)
	}
}
