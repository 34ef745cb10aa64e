package once_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"shirase/internal/aws/once"
	"shirase/internal/deliver"
)

// answer is an error as the SDK makes it of an answer.
func answer(status int, request string, inner error) error {
	return fmt.Errorf("operation error: %w", &awshttp.ResponseError{
		RequestID: request,
		ResponseError: &smithyhttp.ResponseError{
			Response: &smithyhttp.Response{Response: &http.Response{StatusCode: status}}, Err: inner,
		},
	})
}

func unknown(once.Answer) (deliver.Reason, bool) { return "", false }

func TestJudge(t *testing.T) {
	t.Parallel()
	api := func(code, text string) error { return &smithy.GenericAPIError{Code: code, Message: text} }
	known := func(a once.Answer) (deliver.Reason, bool) {
		if a.Code == "Mine" && a.Says("GONE away") {
			return deliver.Gone, true
		}
		return "", false
	}
	rows := []struct {
		name  string
		err   error
		known once.Known
		want  deliver.Reason
		text  string
	}{
		{"the service's own", answer(400, "r-1", api("Mine", "it has gone AWAY")), known, deliver.Gone, "gone: status 400, code Mine, request r-1"},
		{"not the service's own", answer(400, "r-1", api("Mine", "")), known, deliver.Rejected, "rejected: status 400, code Mine, request r-1"},
		{"credential in a protocol of status 400", answer(400, "", api("UnrecognizedClientException", "")), unknown, deliver.Unauthorised, "unauthorised: status 400, code UnrecognizedClientException"},
		{"throttle", answer(400, "", api("SlowDown", "")), unknown, deliver.Throttled, "throttled: status 400, code SlowDown"},
		{"status alone", answer(403, "", errors.New("canary")), unknown, deliver.Unauthorised, "unauthorised: status 403, code unknown"},
		{"a code that is none", answer(400, "a b", api("canary canary", "canary")), unknown, deliver.Rejected, "rejected: status 400, code unknown"},
		{"a code too long", answer(400, "", api(strings.Repeat("canary", 20), "")), unknown, deliver.Rejected, "rejected: status 400, code unknown"},
		{"success that is not read", answer(200, "", errors.New("canary")), known, deliver.TimedOut, "timed_out: status 200, code unknown"},
		{"a fault inside", answer(500, "", api("InternalError", "")), unknown, deliver.TimedOut, "timed_out: status 500, code InternalError"},
		{"a fault on the way", answer(502, "", errors.New("canary")), unknown, deliver.TimedOut, "timed_out: status 502, code unknown"},
		{"a fault on the way back", answer(504, "", errors.New("canary")), unknown, deliver.TimedOut, "timed_out: status 504, code unknown"},
		{"away", answer(503, "", api("ServiceUnavailable", "")), unknown, deliver.Unavailable, "unavailable: status 503, code ServiceUnavailable"},
		{"throttle in a fault", answer(500, "", api("ThrottlingException", "")), unknown, deliver.Throttled, "throttled: status 500, code ThrottlingException"},
		{"a fault that is documented", answer(500, "", api("Mine", "gone away")), known, deliver.Gone, "gone: status 500, code Mine"},
		{"handed over", &once.Lost{Written: true}, unknown, deliver.TimedOut, "timed_out: connection is lost"},
		{"not handed over", fmt.Errorf("canary: %w", &once.Lost{}), unknown, deliver.Unavailable, "unavailable: connection is lost"},
		{"ended between tries", fmt.Errorf("canary: %w", context.DeadlineExceeded), unknown, deliver.Unavailable, "unavailable: no answer in time"},
		{"an empty response", answer(0, "", errors.New("canary")), unknown, deliver.Unavailable, "unavailable: connection is lost"},
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			f := once.Judge(r.err, r.known)
			if f.Reason != r.want || f.Error() != r.text {
				t.Errorf("Judge = %q, want %q", f.Error(), r.text)
			}
		})
	}
}
