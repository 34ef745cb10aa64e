package channel

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"syscall"

	"shirase/internal/deliver"
)

// Phase says how far a call came before it went wrong.
type Phase int

// The phases of a call.
const (
	// Unmade: the call could not even be written down.
	Unmade Phase = iota + 1
	// Barred: the guard refuses the address.
	Barred
	// Unsent: nothing was handed over.
	Unsent
	// Unanswered: the request was handed over, and may have been taken.
	Unanswered
)

// CallError says why a call has no answer. Its text is one of a few fixed
// ones: an URL often is a secret, and a host name an address. The error behind
// it is for code, not for logs.
type CallError struct {
	Phase Phase
	what  string
	cause error
}

func (e *CallError) Error() string { return e.what }

// Unwrap answers the error behind it, whose text may hold an address.
func (e *CallError) Unwrap() error { return e.cause }

// Lost judges an error of the network: handedOver tells that the other side may
// have taken what was sent.
func Lost(err error, handedOver bool) *CallError {
	e := &CallError{Phase: Unsent, what: describe(err), cause: err}
	switch {
	case errors.Is(err, errBarred):
		e.Phase = Barred
	case handedOver:
		e.Phase = Unanswered
	}
	return e
}

// describe puts an error of net/http into words that hold no address.
func describe(err error) string {
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return "name is not resolved"
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return "certificate is not trusted"
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok || errors.Is(err, http.ErrSchemeMismatch) {
		return "no TLS is spoken there"
	}
	if ne, ok := errors.AsType[net.Error](err); ok && ne.Timeout() {
		return "no answer in time"
	}
	switch {
	case errors.Is(err, errBarred):
		return "address is refused"
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return "no answer in time"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection is refused"
	}
	return "connection is lost"
}

// Broken says what a call without an answer means for an envelope.
func Broken(err error) *deliver.Failure {
	f := &deliver.Failure{Reason: deliver.TimedOut, Err: err}
	if e, ok := errors.AsType[*CallError](err); ok {
		switch e.Phase {
		case Unmade:
			f.Reason = deliver.Rejected
		case Barred:
			f.Reason = deliver.Forbidden
		case Unsent:
			f.Reason = deliver.Unavailable
		case Unanswered:
			f.Reason = deliver.TimedOut
		}
	}
	return f
}
