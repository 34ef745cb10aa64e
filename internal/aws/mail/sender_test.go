package mail_test

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"shirase/internal/aws/mail"
	"shirase/internal/deliver"
)

func TestSendIsOneRawCallPerRecipient(t *testing.T) {
	t.Parallel()
	s := &ses{reply: func(_ int, c call) (int, string, string) {
		var r raw
		_ = json.Unmarshal(c.Body, &r)
		return http.StatusOK, "", `{"MessageId":"id of ` + r.Destination.ToAddresses[0] + `"}`
	}}
	es := []deliver.Envelope{envelope("ada@reader.example"), envelope("bo@reader.example")}
	out := mail.New(client(s), "shirase", from, clock).Send(t.Context(), es, noon.Add(time.Minute))
	for n, e := range es {
		if want := "id of " + e.To.Reveal(); out[n].Failure != nil || out[n].ID != want {
			t.Errorf("Send, outcome %d = %+v, want id %q", n, out[n], want)
		}
	}
	if s.count() != len(es) {
		t.Fatalf("Send made %d calls, want %d", s.count(), len(es))
	}
	for _, c := range s.calls {
		if c.Method != http.MethodPost || c.Path != "/v2/email/outbound-emails" {
			t.Errorf("Send called %s %s", c.Method, c.Path)
		}
		r, m := decode(t, c.Body)
		if len(r.Destination.ToAddresses) != 1 || r.Destination.CcAddresses != nil || r.Destination.BccAddresses != nil {
			t.Errorf("Send has the destination %+v, want one recipient", r.Destination)
		}
		if r.FromEmailAddress != "status@notice.example" || r.ConfigurationSetName != "shirase" {
			t.Errorf("Send is from %q by %q", r.FromEmailAddress, r.ConfigurationSetName)
		}
		want := map[string]string{
			"incident": "01J9ZK3V7E8Q4T5R6W7X8Y9Z0A", "seq": "3", "kind": "update", "channel": "email",
			"recipient": "f00dfeedf00dfeedf00dfeedf00dfeed", "key": "00112233445566778899aabbccddeeff",
		}
		if diff := cmp.Diff(want, tagsOf(r)); diff != "" {
			t.Errorf("Send, tags (-want +got):\n%s", diff)
		}
		if to := "<" + r.Destination.ToAddresses[0] + ">"; m.Header.Get("To") != to {
			t.Errorf("Send, To = %q, want %q", m.Header.Get("To"), to)
		}
		for name, want := range map[string]string{
			"List-Unsubscribe":      "<https://status.example/unsubscribe/abc>",
			"List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
			"Subject":               "[Identified] Checkout",
			"Auto-Submitted":        "auto-generated",
		} {
			if got := m.Header.Get(name); got != want {
				t.Errorf("Send, header %s = %q, want %q", name, got, want)
			}
		}
		if m.Header.Get("References") == "" || m.Header.Get("X-Entity-Ref-Id") == "" {
			t.Errorf("Send has no References or X-Entity-Ref-ID: %v", m.Header)
		}
	}
}

func tagsOf(r raw) map[string]string {
	got := map[string]string{}
	for _, tag := range r.EmailTags {
		got[tag.Name] = tag.Value
	}
	return got
}

func TestTagsLeaveOutWhatSESRefuses(t *testing.T) {
	t.Parallel()
	e := deliver.Envelope{
		Incident: "drill-01J9", Channel: "e mail", Kind: "memo/x", Recipient: "é", Key: strings.Repeat("k", 257),
	}
	got := map[string]string{}
	for _, tag := range mail.Tags(e) {
		got[*tag.Name] = *tag.Value
	}
	if diff := cmp.Diff(map[string]string{"incident": "drill-01J9"}, got); diff != "" {
		t.Errorf("Tags (-want +got):\n%s", diff)
	}
}

// TestAnswers hands the sender each error that SES documents.
func TestAnswers(t *testing.T) {
	t.Parallel()
	const rejected = "Email address is not verified. The following identities failed the check in region AP-NORTHEAST-1: "
	rows := []struct {
		name       string
		status     int
		code, text string
		reason     deliver.Reason
		wait       time.Duration
		calls      int
	}{
		{"rate", 429, "TooManyRequestsException", "Maximum sending rate exceeded.", deliver.Throttled, time.Second, 3},
		{"rate by another name", 400, "ThrottlingException", "Rate exceeded", deliver.Throttled, time.Second, 3},
		{"day", 429, "TooManyRequestsException", "Daily message quota exceeded.", deliver.Throttled, 30 * time.Minute, 1},
		{"day by another name", 400, "LimitExceededException", "Daily message quota exceeded.", deliver.Throttled, 30 * time.Minute, 1},
		{"suspended", 400, "AccountSuspendedException", "restricted", deliver.Unauthorised, 0, 1},
		{"paused", 400, "SendingPausedException", "paused", deliver.Unauthorised, 0, 1},
		{"paused by another name", 400, "MessageRejected", "Sending paused for this account.", deliver.Unauthorised, 0, 1},
		{"domain", 400, "MailFromDomainNotVerifiedException", "not verified", deliver.Unauthorised, 0, 1},
		{"set", 404, "NotFoundException", "Configuration set <x> does not exist.", deliver.Unauthorised, 0, 1},
		{"set by another name", 400, "BadRequestException", "Configuration set name is invalid.", deliver.Unauthorised, 0, 1},
		{"role", 403, "AccessDeniedException", "not authorized to perform ses:SendEmail", deliver.Unauthorised, 0, 1},
		{"token", 403, "ExpiredTokenException", "expired", deliver.Unauthorised, 0, 1},
		{"our address", 400, "MessageRejected", rejected + "Example Status <status@notice.example>", deliver.Unauthorised, 0, 1},
		{"our domain", 400, "MessageRejected", rejected + "ada@reader.example, notice.example", deliver.Unauthorised, 0, 1},
		{"nobody named", 400, "MessageRejected", "Email address is not verified.", deliver.Unauthorised, 0, 1},
		{"sandbox", 400, "MessageRejected", rejected + "ada@reader.example", deliver.Rejected, 0, 1},
		{"virus", 400, "MessageRejected", "Message contains a virus", deliver.Rejected, 0, 1},
		{"address", 400, "BadRequestException", "Local address contains control or whitespace", deliver.Rejected, 0, 1},
		{"too large", 413, "", "", deliver.Rejected, 0, 1},
		{"fault", 500, "InternalServiceErrorException", "", deliver.TimedOut, 0, 1},
		{"away", 503, "ServiceUnavailable", "", deliver.Unavailable, 0, 1},
		{"gateway to nobody", 502, "", "", deliver.TimedOut, 0, 1},
		{"gateway", 504, "", "", deliver.TimedOut, 0, 1},
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &ses{reply: refuse(r.status, r.code, r.text+" ada@reader.example")}
				if strings.Contains(r.text, "region") || r.text == "" {
					s.reply = refuse(r.status, r.code, r.text)
				}
				out := mail.New(client(s), "", from, clock).Send(
					t.Context(), []deliver.Envelope{envelope("ada@reader.example")}, noon.Add(time.Minute))
				f := out[0].Failure
				if f == nil || f.Reason != r.reason || f.RetryAfter != r.wait {
					t.Fatalf("Send = %+v, want %s after %v", f, r.reason, r.wait)
				}
				if s.count() != r.calls {
					t.Errorf("Send made %d calls, want %d", s.count(), r.calls)
				}
				if strings.Contains(f.Error(), "@") || strings.Contains(f.Error(), "region") {
					t.Errorf("Send, error = %q, which shows what SES wrote", f.Error())
				}
				if !strings.Contains(f.Error(), "7a4ec5b1") {
					t.Errorf("Send, error = %q, want the id of the request", f.Error())
				}
			})
		})
	}
}

func TestThrottleIsTriedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &ses{}
		s.reply = func(n int, c call) (int, string, string) {
			if n == 0 {
				return refuse(429, "TooManyRequestsException", "Maximum sending rate exceeded.")(n, c)
			}
			return http.StatusOK, "", `{"MessageId":"m1"}`
		}
		out := mail.New(client(s), "", from, clock).Send(
			t.Context(), []deliver.Envelope{envelope("ada@reader.example")}, noon.Add(time.Minute))
		if out[0].Failure != nil || out[0].ID != "m1" || s.count() != 2 {
			t.Errorf("Send = %+v after %d calls, want m1 after 2", out[0], s.count())
		}
	})
}

// TestSilence breaks the connection at each point of a call.
func TestSilence(t *testing.T) {
	t.Parallel()
	rows := []struct {
		name   string
		handle func(net.Conn)
		reason deliver.Reason
		dials  int32
		took   time.Duration
	}{
		{"refused", nil, deliver.Unavailable, 3, -1},
		{"lost after the request", func(c net.Conn) { _, _ = take(c), c.Close() }, deliver.TimedOut, 1, 0},
		{"never answered", func(c net.Conn) { _ = take(c); _, _ = io.Copy(io.Discard, c) }, deliver.TimedOut, 1, 10 * time.Second},
		{"cut in the answer", func(c net.Conn) {
			_ = take(c)
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\n{\"Mess")
			_ = c.Close()
		}, deliver.TimedOut, 1, 0},
		{"an answer without an id", func(c net.Conn) {
			_ = take(c)
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
			_ = c.Close()
		}, deliver.TimedOut, 1, 0},
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var dials atomic.Int32
				began := time.Now() // the bubble's own clock
				out := mail.New(client(wire(t, r.handle, &dials)), "", from, clock).Send(
					t.Context(), []deliver.Envelope{envelope("ada@reader.example")}, noon.Add(20*time.Second))
				f := out[0].Failure
				if f == nil || f.Reason != r.reason {
					t.Fatalf("Send = %v, want %s", f, r.reason)
				}
				if dials.Load() != r.dials {
					t.Errorf("Send dialled %d times, want %d", dials.Load(), r.dials)
				}
				if took := time.Since(began); r.took >= 0 && took != r.took {
					t.Errorf("Send took %v, want %v", took, r.took)
				}
				if strings.ContainsAny(f.Error(), "@/") || strings.Contains(f.Error(), "panic") {
					t.Errorf("Send, error = %q, which shows an address or a bug", f.Error())
				}
			})
		})
	}
}

func TestNothingIsBegunAfterTheDeadline(t *testing.T) {
	t.Parallel()
	s := &ses{reply: refuse(500, "", "")}
	out := mail.New(client(s), "", from, clock).Send(t.Context(), []deliver.Envelope{envelope("ada@reader.example")}, noon)
	if f := out[0].Failure; f == nil || f.Reason != deliver.NotBegun || s.count() != 0 {
		t.Errorf("Send = %v after %d calls, want not_begun after none", f, s.count())
	}
}

func TestWhatCannotBeSent(t *testing.T) {
	t.Parallel()
	s := &ses{reply: refuse(500, "", "")}
	out := mail.New(client(s), "", from, clock).Send(t.Context(), []deliver.Envelope{envelope("not an address")}, noon.Add(time.Minute))
	if f := out[0].Failure; f == nil || f.Reason != deliver.Rejected {
		t.Errorf("Send to no address = %v, want rejected", f)
	}
	out = mail.New(client(s), "", noFrom, clock).Send(t.Context(), []deliver.Envelope{envelope("ada@reader.example")}, noon.Add(time.Minute))
	if f := out[0].Failure; f == nil || f.Reason != deliver.Unavailable {
		t.Errorf("Send without a plan = %v, want unavailable", f)
	}
	if s.count() != 0 {
		t.Errorf("Send made %d calls, want none", s.count())
	}
}

func TestSenderIsNotKeyed(t *testing.T) {
	t.Parallel()
	var s deliver.Sender = mail.New(client(&ses{}), "", from, clock)
	if s.Keyed() {
		t.Error("Keyed() = true, and SES takes no key")
	}
}
