package twin

import (
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Request is what a twin was sent.
type Request struct {
	Method, Path string
	Header       http.Header
	Body         []byte
}

// Reply is what a twin is told to answer instead of its own. The zero Reply
// answers nothing and hangs up.
type Reply struct {
	Status int
	Header http.Header
	Body   string
	// Effect makes the request take effect before it is answered, as when an
	// answer is lost on its way.
	Effect bool
	// Hang makes the twin keep silent until the caller has gone.
	Hang bool
	// Cut makes the twin promise more than Body and hang up after it.
	Cut bool
	// Seen is called once the request is read and, with Effect, has taken effect.
	Seen func()
}

// server is what the HTTP twins share.
type server struct {
	http *httptest.Server

	mu       sync.Mutex
	requests []Request
	script   []Reply
}

// start serves; handle answers what no reply was set for, and its effect is
// what it does before it writes. It is called with the lock held.
func (s *server) start(handle func(http.ResponseWriter, Request)) {
	s.http = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
		if err != nil {
			return
		}
		req := Request{Method: r.Method, Path: r.URL.RequestURI(), Header: r.Header.Clone(), Body: body}
		reply, ok := s.enter(req)
		if !ok {
			s.mu.Lock()
			defer s.mu.Unlock()
			handle(w, req)
			return
		}
		if reply.Effect {
			s.mu.Lock()
			handle(httptest.NewRecorder(), req)
			s.mu.Unlock()
		}
		if reply.Seen != nil {
			reply.Seen()
		}
		if reply.Hang {
			<-r.Context().Done()
			return
		}
		reply.write(w)
	}))
}

// enter records a request and answers what was set for it.
func (s *server) enter(r Request) (Reply, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, r)
	if len(s.script) == 0 {
		return Reply{}, false
	}
	reply := s.script[0]
	s.script = s.script[1:]
	return reply, true
}

func (r Reply) write(w http.ResponseWriter) {
	if r.Status == 0 {
		panic(http.ErrAbortHandler) // hangs up without an answer or a log line
	}
	for name, vs := range r.Header {
		w.Header()[http.CanonicalHeaderKey(name)] = vs
	}
	if r.Cut {
		w.Header().Set("Content-Length", strconv.Itoa(len(r.Body)+1))
	}
	w.WriteHeader(r.Status)
	_, _ = io.WriteString(w, r.Body)
}

// URL is where the twin is.
func (s *server) URL() string { return s.http.URL }

// Next sets the answers to the next requests, one each, after those set before.
func (s *server) Next(rs ...Reply) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.script = append(s.script, rs...)
}

// Requests answers what was received, oldest first.
func (s *server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// Close stops the twin.
func (s *server) Close() { s.http.Close() }

// String writes a request down as it came over the wire, headers sorted, for
// golden files.
func (r Request) String() string {
	var b strings.Builder
	b.WriteString(r.Method + " " + r.Path + "\n")
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		for _, v := range r.Header[name] {
			b.WriteString(name + ": " + v + "\n")
		}
	}
	b.WriteString("\n" + string(r.Body) + "\n")
	return b.String()
}
