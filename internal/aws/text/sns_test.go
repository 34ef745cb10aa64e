package text_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"shirase/internal/aws/text"
	"shirase/internal/deliver"
)

const published = `<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishResult><MessageId>m-1</MessageId></PublishResult></PublishResponse>`

// snsError is an error as the query protocol writes it.
func snsError(code, message string) string {
	return fmt.Sprintf(`<ErrorResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><Error><Type>Sender</Type><Code>%s</Code>`+
		`<Message>%s</Message></Error><RequestId>req-1</RequestId></ErrorResponse>`, code, message)
}

func TestSNSPublishesToTheNumber(t *testing.T) {
	t.Parallel()
	rows := []struct {
		name   string
		config text.Config
		want   map[string]string
	}{
		{
			name:   "all settings",
			config: text.Config{Sender: "Example", MaxPrice: "0.20"},
			want: map[string]string{
				"AWS.SNS.SMS.SMSType":  "String Transactional",
				"AWS.SNS.SMS.SenderID": "String Example",
				"AWS.SNS.SMS.MaxPrice": "Number 0.20",
			},
		},
		{name: "none", want: map[string]string{"AWS.SNS.SMS.SMSType": "String Transactional"}},
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			s := always(200, published)
			out := text.NewSNS(snsClient(s), r.config, clock).Send(t.Context(), []deliver.Envelope{envelope()}, noon.Add(time.Minute))
			if out[0].Failure != nil || out[0].ID != "m-1" || s.count() != 1 {
				t.Fatalf("Send = %+v after %d calls, want m-1 after one", out[0], s.count())
			}
			form, err := url.ParseQuery(s.bodies[0])
			if err != nil {
				t.Fatal(err)
			}
			if form.Get("Action") != "Publish" || form.Get("PhoneNumber") != phone || form.Get("TopicArn") != "" ||
				form.Get("Message") != envelope().Content.Text {
				t.Errorf("Send asked %v", form)
			}
			got := map[string]string{}
			for n := 1; form.Has(fmt.Sprintf("MessageAttributes.entry.%d.Name", n)); n++ {
				at := fmt.Sprintf("MessageAttributes.entry.%d.", n)
				got[form.Get(at+"Name")] = form.Get(at+"Value.DataType") + " " + form.Get(at+"Value.StringValue")
			}
			if diff := cmp.Diff(r.want, got); diff != "" {
				t.Errorf("Send, attributes (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSNSAnswers(t *testing.T) {
	t.Parallel()
	rows := []struct {
		name       string
		status     int
		code, text string
		reason     deliver.Reason
		calls      int
	}{
		{"number", 400, "InvalidParameter", "Invalid parameter: PhoneNumber Reason: " + phone + " is not valid to publish to", deliver.Rejected, 1},
		{"opted out", 400, "OptedOut", phone + " is opted out", deliver.Gone, 1},
		{"opted out by another name", 400, "InvalidParameter", "Phone number " + phone + " is opted out", deliver.Gone, 1},
		{"our sender", 400, "InvalidParameter", "Invalid parameter: MessageAttributes.AWS.SNS.SMS.SenderID", deliver.Unauthorised, 1},
		{"our price", 400, "ParameterValueInvalid", "Invalid value for MaxPrice", deliver.Unauthorised, 1},
		{"role", 403, "AuthorizationError", "User is not authorized to perform SNS:Publish", deliver.Unauthorised, 1},
		{"token", 403, "ExpiredToken", "expired", deliver.Unauthorised, 1},
		{"key", 403, "InvalidClientTokenId", "invalid", deliver.Unauthorised, 1},
		{"rate", 400, "Throttling", "Rate exceeded", deliver.Throttled, 3},
		{"rate by another name", 429, "Throttled", "Rate exceeded", deliver.Throttled, 3},
		{"fault", 500, "InternalError", "", deliver.TimedOut, 1},
		{"away", 503, "ServiceUnavailable", "", deliver.Unavailable, 1},
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := always(r.status, snsError(r.code, r.text))
				out := text.NewSNS(snsClient(s), text.Config{}, clock).
					Send(t.Context(), []deliver.Envelope{envelope()}, noon.Add(time.Minute))
				want(t, out[0].Failure, r.reason)
				if s.count() != r.calls {
					t.Errorf("Send made %d calls, want %d", s.count(), r.calls)
				}
			})
		})
	}
}

// want wants a failure of a reason that shows no number.
func want(tb testing.TB, f *deliver.Failure, r deliver.Reason) {
	tb.Helper()
	if f == nil || f.Reason != r {
		tb.Fatalf("Send = %v, want %s", f, r)
	}
	if strings.Contains(f.Error(), "447700") {
		tb.Errorf("Send, error = %q, which shows the number", f.Error())
	}
}

// TestSNSWithoutAnswer tells a connection that broke before anything was handed
// over, which is tried again, from an answer that cannot be read, which is not.
func TestSNSWithoutAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &service{reply: func(int, string, string) (int, string, error) { return 0, "", io.ErrUnexpectedEOF }}
		out := text.NewSNS(snsClient(s), text.Config{}, clock).
			Send(t.Context(), []deliver.Envelope{envelope()}, noon.Add(time.Minute))
		want(t, out[0].Failure, deliver.Unavailable)
		if s.count() != 3 {
			t.Errorf("Send made %d calls, want 3", s.count())
		}
		s = always(200, "<PublishResponse>")
		out = text.NewSNS(snsClient(s), text.Config{}, clock).
			Send(t.Context(), []deliver.Envelope{envelope()}, noon.Add(time.Minute))
		want(t, out[0].Failure, deliver.TimedOut)
		if s.count() != 1 {
			t.Errorf("Send made %d calls, want 1", s.count())
		}
	})
}

func TestTextsAreNotBegunAfterTheDeadline(t *testing.T) {
	t.Parallel()
	s := &service{reply: func(int, string, string) (int, string, error) { return 0, "", errors.New("called") }}
	for _, sender := range []deliver.Sender{
		text.NewSNS(snsClient(s), text.Config{}, clock), text.NewEUM(eumClient(s), text.Config{Origin: "pool-1"}, clock),
	} {
		out := sender.Send(context.WithoutCancel(t.Context()), []deliver.Envelope{envelope()}, noon)
		want(t, out[0].Failure, deliver.NotBegun)
		if s.count() != 0 || sender.Keyed() {
			t.Errorf("%T made %d calls, keyed %v; want none, and no key", sender, s.count(), sender.Keyed())
		}
	}
}
