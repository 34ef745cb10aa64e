package channel_test

import (
	"net/http"
	"testing"
	"time"

	"shirase/internal/channel"
	"shirase/internal/deliver"
)

func TestJudge(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		status              int
		provider, recipient deliver.Reason
	}{
		{301, deliver.Rejected, deliver.Rejected},
		{307, deliver.Rejected, deliver.Rejected},
		{400, deliver.Rejected, deliver.Rejected},
		{401, deliver.Unauthorised, deliver.Rejected},
		{402, deliver.Unauthorised, deliver.Rejected},
		{403, deliver.Unauthorised, deliver.Rejected},
		{404, deliver.Rejected, deliver.Unavailable},
		{405, deliver.Rejected, deliver.Rejected},
		{407, deliver.Unauthorised, deliver.Rejected},
		{408, deliver.Unavailable, deliver.Unavailable},
		{409, deliver.Rejected, deliver.Rejected},
		{410, deliver.Gone, deliver.Gone},
		{413, deliver.Rejected, deliver.Rejected},
		{421, deliver.Unavailable, deliver.Unavailable},
		{422, deliver.Rejected, deliver.Rejected},
		{423, deliver.Unavailable, deliver.Unavailable},
		{425, deliver.Unavailable, deliver.Unavailable},
		{429, deliver.Throttled, deliver.Throttled},
		{500, deliver.Unavailable, deliver.Unavailable},
		{502, deliver.Unavailable, deliver.Unavailable},
		{503, deliver.Unavailable, deliver.Unavailable},
		{504, deliver.TimedOut, deliver.TimedOut},
		{599, deliver.Unavailable, deliver.Unavailable},
		{999, deliver.Rejected, deliver.Rejected},
	} {
		a := channel.Answer{Status: tt.status, Header: http.Header{"Retry-After": {"9"}}}
		p, r := channel.Judge(a, channel.Provider, noon), channel.Judge(a, channel.Recipient, noon)
		if p.Reason != tt.provider || p.Recipient {
			t.Errorf("Judge(%d, provider) = %v, recipient %v, want %v, false", tt.status, p.Reason, p.Recipient, tt.provider)
		}
		if r.Reason != tt.recipient || !r.Recipient {
			t.Errorf("Judge(%d, recipient) = %v, recipient %v, want %v, true", tt.status, r.Reason, r.Recipient, tt.recipient)
		}
		if p.RetryAfter != 9*time.Second {
			t.Errorf("Judge(%d).RetryAfter = %v, want 9s", tt.status, p.RetryAfter)
		}
	}
}
