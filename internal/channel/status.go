package channel

import (
	"fmt"
	"net/http"
	"time"

	"shirase/internal/deliver"
)

// Party is whose server gave an answer.
type Party int

// The parties.
const (
	// Provider is a service where we have an account: a refusal of who we are
	// concerns everything we send there.
	Provider Party = iota + 1
	// Recipient is the endpoint of one recipient: whatever it answers concerns
	// it alone.
	Recipient
)

// Judge says what an answer that is no success means. It is the one place that
// knows statuses; a channel whose provider says more in the body asks there
// first.
func Judge(a Answer, who Party, now time.Time) *deliver.Failure {
	return &deliver.Failure{
		Reason:     reason(a.Status, who),
		RetryAfter: RetryAfter(a.Header, a.Status, now),
		Recipient:  who == Recipient,
		Err:        fmt.Errorf("status %d", a.Status),
	}
}

func reason(status int, who Party) deliver.Reason {
	switch status {
	case http.StatusTooManyRequests:
		return deliver.Throttled
	case http.StatusUnauthorized, http.StatusPaymentRequired, http.StatusForbidden, http.StatusProxyAuthRequired:
		if who == Provider {
			return deliver.Unauthorised
		}
		return deliver.Rejected
	case http.StatusNotFound:
		// An endpoint that is being deployed answers so for a minute; a
		// provider means it.
		if who == Recipient {
			return deliver.Unavailable
		}
		return deliver.Rejected
	case http.StatusGone:
		return deliver.Gone
	case http.StatusRequestTimeout, http.StatusMisdirectedRequest, http.StatusLocked, http.StatusTooEarly:
		return deliver.Unavailable
	case http.StatusGatewayTimeout:
		// Somebody behind the gateway may have taken it.
		return deliver.TimedOut
	}
	if status >= 500 && status <= 599 {
		return deliver.Unavailable
	}
	return deliver.Rejected
}
