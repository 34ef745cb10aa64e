//go:build contract

package mail_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"

	"shirase/internal/aws/enginetest"
	"shirase/internal/aws/mail"
	"shirase/internal/aws/mail/account"
	"shirase/internal/deliver"
)

// TestSendAgainstMoto hands a mail over and reads it back as it came. Moto refuses
// an unverified sender, as SES does, but in words of its own: with those of SES it
// would be unauthorised, see TestAnswers.
func TestSendAgainstMoto(t *testing.T) {
	t.Parallel()
	config := enginetest.Moto(t)
	c := sesv2.NewFromConfig(config)
	const to = "moto@reader.example"
	sender := mail.New(c, "", from, time.Now)
	out := sender.Send(t.Context(), []deliver.Envelope{envelope(to)}, time.Now().Add(time.Minute))
	if f := out[0].Failure; f == nil || f.Reason != deliver.Rejected {
		t.Errorf("Send before the sender is verified = %v, want rejected", f)
	}
	_, err := c.CreateEmailIdentity(t.Context(), &sesv2.CreateEmailIdentityInput{EmailIdentity: aws.String("status@notice.example")})
	if err != nil {
		t.Fatal(err)
	}
	out = sender.Send(t.Context(), []deliver.Envelope{envelope(to)}, time.Now().Add(time.Minute))
	if out[0].Failure != nil || out[0].ID == "" {
		t.Fatalf("Send = %+v, want it accepted", out[0])
	}
	shows(t, *config.BaseEndpoint+"/moto-api/data.json", out[0].ID, to,
		"List-Unsubscribe-Post: List-Unsubscribe=One-Click", "X-Entity-Ref-ID: ", "Subject: [Identified] Checkout")
}

// TestSendAgainstMinistack does the same where any sender may send. Ministack
// parses the message and forgets its headers.
func TestSendAgainstMinistack(t *testing.T) {
	t.Parallel()
	config := enginetest.Ministack(t)
	const to = "mini@reader.example"
	out := mail.New(sesv2.NewFromConfig(config), "", from, time.Now).
		Send(t.Context(), []deliver.Envelope{envelope(to)}, time.Now().Add(time.Minute))
	if out[0].Failure != nil || out[0].ID == "" {
		t.Fatalf("Send = %+v, want it accepted", out[0])
	}
	shows(t, *config.BaseEndpoint+"/_ministack/ses/messages", out[0].ID, to, "[Identified] Checkout", "Some payments fail.")
}

// TestAccountAgainstMinistack reads what moto does not have.
func TestAccountAgainstMinistack(t *testing.T) {
	t.Parallel()
	a, err := account.NewInspector(sesv2.NewFromConfig(enginetest.Ministack(t))).Account(t.Context())
	if err != nil || a.Rate <= 0 || a.Quota == 0 {
		t.Errorf("Account = %+v, %v, want a rate and a quota", a, err)
	}
}

// shows wants texts in what an engine tells of the mails it took.
func shows(tb testing.TB, url string, wants ...string) {
	tb.Helper()
	r, err := http.Get(url)
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = r.Body.Close() }()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		tb.Fatal(err)
	}
	for _, want := range wants {
		if !strings.Contains(string(b), want) {
			tb.Errorf("what was mailed does not hold %q; it is\n%.2000s", want, b)
		}
	}
}
