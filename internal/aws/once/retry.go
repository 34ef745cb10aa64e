package once

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go/middleware"
)

// The tries within one call. The wait is short, since the caller's lease runs.
const (
	maxTries = 3
	maxWait  = 2 * time.Second
	// attempt is how long one try may take. Who gives up too soon on a slow service
	// has a message sent twice; whoever never does waits for a dead connection until
	// the lease is over.
	attempt = 10 * time.Second
)

// Patient answers the HTTP client of a call with a limit of 10 seconds for each
// attempt, in place of its own. The connections stay those of the client. A client
// that is none of net/http is answered as it is.
func Patient(c aws.HTTPClient) aws.HTTPClient {
	h, ok := c.(*http.Client)
	if !ok {
		return c
	}
	patient := *h
	patient.Timeout = attempt
	return &patient
}

// NewRetryer makes a retryer that tries a call up to three times, and again only
// after an error that says nothing was taken. It works on calls that have the
// option [Watch]; without it, no lost connection is tried again. One retryer
// serves all calls of a sender, so that they share its budget of retries.
func NewRetryer() aws.Retryer {
	return retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts = maxTries
		o.MaxBackoff = maxWait
		o.Retryables = []retry.IsErrorRetryable{retry.IsErrorRetryableFunc(untaken)}
	})
}

// untaken judges an error by whether the other side may have acted on the
// request. It never leaves the answer open, so that no other rule decides.
func untaken(err error) aws.Ternary {
	if canceled, ok := errors.AsType[interface {
		error
		CanceledError() bool
	}](err); ok && canceled.CanceledError() {
		return aws.FalseTernary
	}
	if lost, ok := errors.AsType[*Lost](err); ok {
		again := !lost.Written && retry.RetryableConnectionError{}.IsErrorRetryable(err) == aws.TrueTernary
		return aws.BoolTernary(again)
	}
	a, ok := answered(err)
	if !ok {
		return aws.FalseTernary
	}
	skewed := retry.RetryableError{}.IsErrorRetryable(err) == aws.TrueTernary // a clock that was wrong, now set right
	return aws.BoolTernary(a.refused() && (skewed || a.Throttled() && !a.Quota()))
}

// Lost is an error of an attempt that has no answer.
type Lost struct {
	// Written tells that the request was handed over, at least in part.
	Written bool
	cause   error
}

func (e *Lost) Error() string {
	if e.Written {
		return "no answer to a request that was handed over"
	}
	return "request not handed over"
}

// Unwrap answers the error behind it, whose text may hold an address.
func (e *Lost) Unwrap() error { return e.cause }

// Watch is an API option that makes a [Lost] of the error of each attempt
// without an answer. Whether something was written it hears from net/http, which
// the SDK's own HTTP client is made of.
func Watch(stack *middleware.Stack) error {
	return stack.Finalize.Insert(middleware.FinalizeMiddlewareFunc("Shirase:Watch", watch), "Retry", middleware.After)
}

func watch(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (
	middleware.FinalizeOutput, middleware.Metadata, error,
) {
	var written atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		// The transport takes another connection where one was closed before
		// anything was written; then nothing counts as written yet.
		GetConn:      func(string) { written.Store(false) },
		WroteHeaders: func() { written.Store(true) },
	})
	out, md, err := next.HandleFinalize(ctx, in)
	if err == nil {
		return out, md, nil
	}
	if _, ok := answered(err); !ok {
		err = &Lost{Written: written.Load(), cause: err}
	}
	return out, md, err
}

// response is what an error holds that has an answer behind it.
type response interface {
	error
	HTTPStatusCode() int
}

// answered reads the answer behind an error, and whether there is one.
func answered(err error) (Answer, bool) {
	r, ok := errors.AsType[response](err)
	if !ok || r.HTTPStatusCode() == 0 {
		return Answer{}, false // the SDK wraps a lost connection in an empty response
	}
	a := Answer{Status: r.HTTPStatusCode()}
	if api, ok := errors.AsType[interface {
		error
		ErrorCode() string
		ErrorMessage() string
	}](err); ok {
		a.Code, a.Message = api.ErrorCode(), api.ErrorMessage()
	}
	if id, ok := errors.AsType[interface {
		error
		ServiceRequestID() string
	}](err); ok {
		a.request = id.ServiceRequestID()
	}
	return a, true
}

// Answer is what AWS said to a call that did not succeed. As an error it shows
// the status, the code and the id of the request, never the message.
type Answer struct {
	Status int
	// Code is the name of the error; empty where AWS gave none.
	Code string
	// Message is what AWS wrote, which may hold an address: for code, not for logs.
	Message string
	request string
}

// Says reports whether the message holds one of the texts, in any case.
func (a Answer) Says(texts ...string) bool {
	message := strings.ToLower(a.Message)
	for _, t := range texts {
		if strings.Contains(message, strings.ToLower(t)) {
			return true
		}
	}
	return false
}

// refused reports whether the answer says that the request was not carried out.
func (a Answer) refused() bool { return a.Status >= 400 && a.Status <= 499 }

// broke reports whether the service failed over the request, which says nothing of
// whether it was carried out. A service that is away took nothing.
func (a Answer) broke() bool { return a.Status >= 500 && a.Status != http.StatusServiceUnavailable }

// Throttled reports whether the answer asks to slow down.
func (a Answer) Throttled() bool {
	_, known := retry.DefaultThrottleErrorCodes[a.Code]
	return known || a.Code == "Throttled" || a.Status == http.StatusTooManyRequests
}

// Quota reports whether a throttle is one of a day's or a month's quota, which
// no retry within seconds mends.
func (a Answer) Quota() bool { return a.Says("quota") }
