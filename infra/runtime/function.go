package runtime

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"strconv"
	"sync"
	"time"
)

// ErrEnded says that the process ended before it answered.
var ErrEnded = errors.New("the function's process ended")

// An InvocationError is what a function reported instead of an answer.
type InvocationError struct {
	Message string `json:"errorMessage"`
	Type    string `json:"errorType"`
}

func (e *InvocationError) Error() string { return e.Type + ": " + e.Message }

// A Function is a process that waits for events. It is for one caller at a time,
// as an execution environment of Lambda is.
type Function struct {
	cmd     *exec.Cmd
	server  *http.Server
	timeout time.Duration
	number  int

	next   chan invocation
	ended  chan struct{}
	answer chan answered
	once   sync.Once
}

type invocation struct {
	id       string
	event    []byte
	deadline time.Time
}

type answered struct {
	id   string
	body []byte
	err  error
}

// Start runs a command as a function. Its environment is what cmd.Env holds and
// the address of the Runtime API. Timeout is what the function is told of, and
// how long an invocation is waited for.
func Start(ctx context.Context, cmd *exec.Cmd, timeout time.Duration) (*Function, error) {
	var listen net.ListenConfig
	l, err := listen.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	f := &Function{
		cmd: cmd, timeout: timeout,
		next: make(chan invocation), ended: make(chan struct{}), answer: make(chan answered, 1),
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", f.serveNext)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/response", f.serveResponse)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/error", f.serveError)
	mux.HandleFunc("POST /2018-06-01/runtime/init/error", f.serveError)
	f.server = &http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}
	go func() { _ = f.server.Serve(l) }() // ends with Close
	cmd.Env = append(cmd.Env,
		"AWS_LAMBDA_RUNTIME_API="+l.Addr().String(), "_HANDLER=bootstrap",
		"AWS_LAMBDA_FUNCTION_NAME=function", "AWS_LAMBDA_FUNCTION_VERSION=$LATEST", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=256",
		"AWS_LAMBDA_LOG_GROUP_NAME=/aws/lambda/function", "AWS_LAMBDA_LOG_STREAM_NAME=stream", "AWS_LAMBDA_LOG_FORMAT=JSON",
	)
	if err := cmd.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("start function: %w", err), f.server.Close())
	}
	go func() {
		_ = cmd.Wait() // how it ended is in its log
		close(f.ended)
	}()
	return f, nil
}

// Invoke hands the function an event and answers what it answers. An error it
// reports is an [InvocationError].
func (f *Function) Invoke(ctx context.Context, event []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, f.timeout)
	defer cancel()
	f.number++
	in := invocation{strconv.Itoa(f.number), event, time.Now().Add(f.timeout)}
	select {
	case f.next <- in:
	case <-f.ended:
		return nil, f.last()
	case <-ctx.Done():
		return nil, fmt.Errorf("hand over event: %w", ctx.Err())
	}
	select {
	case a := <-f.answer:
		return a.body, a.err
	case <-f.ended:
		return nil, f.last()
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for answer: %w", ctx.Err())
	}
}

// last answers what the process reported before it ended.
func (f *Function) last() error {
	select {
	case a := <-f.answer:
		return errors.Join(ErrEnded, a.err)
	default:
		return ErrEnded
	}
}

// Close ends the process. It may be called twice.
func (f *Function) Close() error {
	var err error
	f.once.Do(func() {
		_ = f.cmd.Process.Kill() // it may have ended by itself
		<-f.ended
		err = f.server.Close()
	})
	return err
}

func (f *Function) serveNext(w http.ResponseWriter, r *http.Request) {
	select {
	case in := <-f.next:
		h := w.Header()
		h.Set("Content-Type", "application/json")
		h.Set("Lambda-Runtime-Aws-Request-Id", in.id)
		h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(in.deadline.UnixMilli(), 10))
		h.Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:ap-northeast-1:123456789012:function:function")
		h.Set("Lambda-Runtime-Trace-Id", "Root=1-00000000-000000000000000000000000;Sampled=0")
		_, _ = w.Write(in.event) // the process has ended if this fails
	case <-r.Context().Done():
	}
}

func (f *Function) serveResponse(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	f.answered(w, answered{r.PathValue("id"), body, err})
}

func (f *Function) serveError(w http.ResponseWriter, r *http.Request) {
	var e InvocationError
	body, err := io.ReadAll(r.Body)
	if err == nil {
		err = json.Unmarshal(body, &e)
	}
	if err == nil {
		err = &e
	}
	f.answered(w, answered{r.PathValue("id"), nil, err})
}

func (f *Function) answered(w http.ResponseWriter, a answered) {
	f.answer <- a
	w.WriteHeader(http.StatusAccepted)
	_, _ = io.WriteString(w, `{"status":"OK"}`)
}
