package main

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda/messages"

	"shirase/internal/handler"
)

// maxEvent is the largest event that /invoke takes, which is what Lambda takes.
const maxEvent = 6 << 20

// routes answers everything the program serves. What stands on AWS goes through
// the handlers as API Gateway events; what only one machine has is served here.
func (p *program) routes() http.Handler {
	mux := http.NewServeMux()
	for _, under := range []string{"/v1/", "/act/", "/i/", "/assets/"} {
		mux.Handle(under, p.gateway("api"))
	}
	for _, at := range []string{"/subscribe", "/confirm", "/manage", "/unsubscribe"} {
		mux.Handle(at, p.gateway("signup"))
	}
	mux.Handle("/assets/signup.css", p.gateway("signup"))
	mux.HandleFunc("GET /inbox", p.inboxPage)
	mux.HandleFunc("GET /inbox.json", p.inboxJSON)
	mux.HandleFunc("GET /inbox/{file}", p.inboxFile)
	mux.HandleFunc("POST /invoke/{function}", p.keyed(p.invokeRaw))
	mux.HandleFunc("POST /clock", p.keyed(p.moveClock))
	mux.Handle("GET /{$}", http.RedirectHandler("/inbox", http.StatusSeeOther))
	return p.sameHost(mux)
}

// sameHost refuses a foreign Host or Origin, so that no page on the web can
// reach a program that listens on loopback.
func (p *program) sameHost(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !p.ours(r.Host) {
			http.Error(w, "This host is not served here.", http.StatusMisdirectedRequest)
			return
		}
		if origin := r.Header.Get("Origin"); origin != "" {
			u, err := url.Parse(origin)
			if err != nil || !p.ours(u.Host) {
				http.Error(w, "Requests from other origins are refused.", http.StatusForbidden)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// ours reports whether a host is one that this program is reached by.
func (p *program) ours(host string) bool {
	if u, err := url.Parse(p.url); err == nil && host == u.Host {
		return true
	}
	name, port, err := net.SplitHostPort(host)
	if err != nil {
		return false
	}
	_, own, err := net.SplitHostPort(p.addr)
	if err != nil || port != own {
		return false
	}
	if !p.loopback {
		return true // whoever may reach the address may; the key decides
	}
	ip := net.ParseIP(name)
	return name == "localhost" || ip != nil && ip.IsLoopback()
}

// gateway passes requests to a function as API Gateway would.
func (p *program) gateway(function string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.RemoteAddr = p.caller(r)
		e, err := handler.Request(r, p.newID(), p.clock.now())
		if err != nil {
			handler.WriteProblem(w, handler.NewProblem(unread(err)))
			return
		}
		resp, err := p.answer(r.Context(), function, e)
		if err != nil {
			p.log.Error("request not answered", "function", function, "error", err)
			handler.WriteProblem(w, handler.NewProblem(http.StatusInternalServerError))
			return
		}
		if err := handler.WriteResponse(w, resp); err != nil {
			p.log.Error("response not written", "function", function, "error", err)
		}
	})
}

// unread answers the status of a body that could not be read: it was too long,
// or did not come whole.
func unread(err error) int {
	if _, long := errors.AsType[*http.MaxBytesError](err); long {
		return http.StatusRequestEntityTooLarge
	}
	return http.StatusBadRequest
}

// caller answers who asks. Behind a proxy on this machine that is whom the proxy
// saw, which it puts last in X-Forwarded-For; anybody else could write anything.
func (p *program) caller(r *http.Request) string {
	if !p.loopback || p.private() {
		return r.RemoteAddr
	}
	seen := strings.Split(r.Header.Get("X-Forwarded-For"), ",")
	if ip := net.ParseIP(strings.TrimSpace(seen[len(seen)-1])); ip != nil {
		return net.JoinHostPort(ip.String(), "0")
	}
	return r.RemoteAddr
}

func (p *program) answer(ctx context.Context, function string, e events.APIGatewayV2HTTPRequest) (resp events.APIGatewayV2HTTPResponse, err error) {
	payload, err := json.Marshal(e)
	if err != nil {
		return resp, fmt.Errorf("encode request: %w", err)
	}
	out, err := p.engine.invoke(ctx, function, payload)
	if err != nil {
		return resp, err
	}
	if err := json.Unmarshal(out, &resp); err != nil {
		return resp, fmt.Errorf("decode response: %w", err)
	}
	return resp, nil
}

// keyed lets requests with the admin key through.
func (p *program) keyed(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if subtle.ConstantTimeCompare([]byte(token), []byte(p.key)) != 1 {
			w.Header().Set("WWW-Authenticate", `Bearer realm="shirase"`)
			problem := handler.NewProblem(http.StatusUnauthorized)
			problem.Detail = "Send the key as Authorization: Bearer KEY."
			handler.WriteProblem(w, problem)
			return
		}
		next(w, r)
	}
}

// invokeRaw hands a raw event to a function and answers what it answers.
func (p *program) invokeRaw(w http.ResponseWriter, r *http.Request) {
	function := r.PathValue("function")
	if _, ok := p.engine.handlers[function]; !ok {
		handler.WriteProblem(w, handler.NewProblem(http.StatusNotFound))
		return
	}
	event, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxEvent))
	if err != nil {
		handler.WriteProblem(w, handler.NewProblem(unread(err)))
		return
	}
	if function == "alarm" && !json.Valid(event) {
		event = queued(event)
	}
	out, err := p.engine.invoke(r.Context(), function, event)
	if err != nil {
		p.writeJSON(w, http.StatusBadGateway, invocationError(err))
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", fmt.Sprint(len(out)))
	_, _ = w.Write(out) // the caller has gone if this fails
}

// queued puts bytes that are no JSON where on AWS they could come from: into the
// body of a queued message. So they are kept, and somebody is told.
func queued(body []byte) []byte {
	text, err := json.Marshal(strings.ToValidUTF8(string(body), "\uFFFD"))
	if err != nil {
		return body
	}
	return fmt.Appendf(nil, `{"Records":[{"messageId":"1","eventSource":"aws:sqs","body":%s}]}`, text)
}

// invocationError is an error as the Lambda runtime reports it.
func invocationError(err error) map[string]string {
	if e, ok := errors.AsType[messages.InvokeResponse_Error](err); ok {
		return map[string]string{"errorMessage": e.Message, "errorType": e.Type}
	}
	t := reflect.TypeOf(err)
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return map[string]string{"errorMessage": err.Error(), "errorType": t.Name()}
}

// moveClock advances the clock and answers the time once everything that came
// due has settled.
func (p *program) moveClock(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Advance string `json:"advance"`
	}
	dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<10))
	dec.DisallowUnknownFields()
	err := dec.Decode(&in)
	by, derr := time.ParseDuration(in.Advance)
	if err != nil || derr != nil || by < 0 || by > maxAdvance {
		problem := handler.NewProblem(http.StatusUnprocessableEntity)
		problem.Detail = `Send {"advance":"31m"}: a duration of at most 8760h, forwards only.`
		handler.WriteProblem(w, problem)
		return
	}
	now, err := p.engine.advance(r.Context(), by)
	if errors.Is(err, errStopping) {
		handler.WriteProblem(w, handler.NewProblem(http.StatusServiceUnavailable))
		return
	}
	if err != nil {
		p.log.Error("clock not moved", "error", err)
		handler.WriteProblem(w, handler.NewProblem(http.StatusInternalServerError))
		return
	}
	p.writeJSON(w, http.StatusOK, map[string]string{"now": now.Format(time.RFC3339Nano)})
}

// maxAdvance is how far the clock may be moved at once.
const maxAdvance = 365 * 24 * time.Hour

func (p *program) writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v) // the caller has gone if this fails
}
