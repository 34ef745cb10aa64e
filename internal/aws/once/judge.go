package once

import (
	"errors"
	"fmt"
	"time"

	"shirase/internal/channel"
	"shirase/internal/deliver"
)

// The waits that are asked for where AWS names none.
const (
	// rateWait is for a rate a second.
	rateWait = time.Second
	// quotaWait is for a quota of the last 24 hours, which frees itself bit by bit.
	quotaWait = 30 * time.Minute
)

// credential holds the codes that speak of who we are, not of what we sent. The
// protocols of AWS do not agree on their status.
//
// https://docs.aws.amazon.com/awssupport/latest/APIReference/CommonErrors.html
var credential = map[string]bool{
	"AccessDenied":                        true,
	"AccessDeniedException":               true,
	"AccountProblem":                      true,
	"AuthFailure":                         true,
	"AuthorizationError":                  true,
	"ExpiredToken":                        true,
	"ExpiredTokenException":               true,
	"IncompleteSignature":                 true,
	"IncompleteSignatureException":        true,
	"InvalidAccessKeyId":                  true,
	"InvalidClientTokenId":                true,
	"InvalidSecurity":                     true,
	"InvalidSignatureException":           true,
	"MissingAuthenticationToken":          true,
	"MissingAuthenticationTokenException": true,
	"NotAuthorized":                       true,
	"OptInRequired":                       true,
	"RequestExpired":                      true,
	"SignatureDoesNotMatch":               true,
	"SubscriptionRequired":                true,
	"SubscriptionRequiredException":       true,
	"UnauthorizedOperation":               true,
	"UnrecognizedClientException":         true,
}

// Known says what an answer means that a service documents: the reason, and
// whether it knows.
type Known func(Answer) (deliver.Reason, bool)

// Judge says what a call that did not succeed means for an envelope: first what
// the service documents, then what all of AWS has in common, then the status. A
// request that was handed over and not answered, an answer of success that cannot
// be read, and a fault inside the service may have been carried out:
// [deliver.TimedOut].
func Judge(err error, known Known) *deliver.Failure {
	a, ok := answered(err)
	if !ok {
		return lost(err)
	}
	f := &deliver.Failure{Err: a}
	reason, found := known(a)
	switch {
	case a.Status >= 200 && a.Status <= 299:
		f.Reason = deliver.TimedOut
	case found:
		f.Reason = reason
	case a.Throttled():
		f.Reason = deliver.Throttled
	case credential[a.Code]:
		f.Reason = deliver.Unauthorised
	case a.broke():
		f.Reason = deliver.TimedOut
	default:
		f.Reason = channel.Judge(channel.Answer{Status: a.Status}, channel.Provider, time.Time{}).Reason
	}
	if f.Reason == deliver.Throttled {
		f.RetryAfter = rateWait
		if a.Quota() {
			f.RetryAfter = quotaWait
		}
	}
	return f
}

// lost judges an error without an answer. Where no attempt was lost, the call
// ended before or between attempts, of which every earlier one was refused.
func lost(err error) *deliver.Failure {
	if e, ok := errors.AsType[*Lost](err); ok {
		return channel.Broken(channel.Lost(e.cause, e.Written))
	}
	return channel.Broken(channel.Lost(err, false))
}

// Error shows what is safe to log.
func (a Answer) Error() string {
	code := word(a.Code)
	if code == "" {
		code = "unknown"
	}
	s := fmt.Sprintf("status %d, code %s", a.Status, code)
	if id := word(a.request); id != "" {
		s += ", request " + id
	}
	return s
}

// word answers a code or an id as it may stand in an error of ours: nothing that
// could be more than that.
func word(s string) string {
	for _, b := range []byte(s) {
		if (b|0x20 < 'a' || b|0x20 > 'z') && (b < '0' || b > '9') && b != '-' && b != '_' {
			return ""
		}
	}
	if len(s) > 64 {
		return ""
	}
	return s
}
