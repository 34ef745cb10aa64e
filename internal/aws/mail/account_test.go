package mail_test

import (
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"shirase/internal/aws/mail/account"
	"shirase/internal/incident"
)

func TestAccount(t *testing.T) {
	t.Parallel()
	rows := []struct {
		name, body string
		want       account.Account
		left       float64
		limited    bool
	}{
		{
			name: "sandbox",
			body: `{"ProductionAccessEnabled":false,"SendingEnabled":true,"EnforcementStatus":"HEALTHY",
				"SendQuota":{"Max24HourSend":200.0,"MaxSendRate":1.0,"SentLast24Hours":12.0},
				"PricingAttributes":{"CurrentPlan":"ESSENTIALS"}}`,
			want: account.Account{
				Sandbox: true, Enabled: true, Standing: "HEALTHY", Rate: 1, Quota: 200, Used: 12, Plan: "ESSENTIALS",
			},
			left: 188, limited: true,
		},
		{
			name: "shut down",
			body: `{"ProductionAccessEnabled":true,"SendingEnabled":false,"EnforcementStatus":"SHUTDOWN",
				"SendQuota":{"Max24HourSend":50000,"MaxSendRate":14,"SentLast24Hours":50012}}`,
			want: account.Account{Standing: "SHUTDOWN", Rate: 14, Quota: 50000, Used: 50012},
			left: 0, limited: true,
		},
		{
			name: "no limit",
			body: `{"ProductionAccessEnabled":true,"SendingEnabled":true,"EnforcementStatus":"HEALTHY",
				"SendQuota":{"Max24HourSend":-1,"MaxSendRate":300,"SentLast24Hours":7}}`,
			want: account.Account{Enabled: true, Standing: "HEALTHY", Rate: 300, Quota: -1, Used: 7},
		},
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			s := &ses{reply: func(int, call) (int, string, string) { return http.StatusOK, "", r.body }}
			got, err := account.NewInspector(client(s)).Account(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(r.want, got); diff != "" {
				t.Errorf("Account (-want +got):\n%s", diff)
			}
			if left, limited := got.Left(); left != r.left || limited != r.limited {
				t.Errorf("Left = %v, %v, want %v, %v", left, limited, r.left, r.limited)
			}
			if s.calls[0].Path != "/v2/email/account" {
				t.Errorf("Account asked %s", s.calls[0].Path)
			}
		})
	}
}

func TestIdentitiesAreThoseThatMayBeMeant(t *testing.T) {
	t.Parallel()
	s := &ses{reply: func(n int, c call) (int, string, string) {
		switch c.Path {
		case "/v2/email/identities/status@notice.example.test":
			return http.StatusOK, "", `{"VerifiedForSendingStatus":true,"DkimAttributes":{"SigningEnabled":false,"Status":"SUCCESS"}}`
		case "/v2/email/identities/example.test":
			return http.StatusOK, "", `{"VerifiedForSendingStatus":true,"DkimAttributes":{"SigningEnabled":true,"Status":"SUCCESS"},
				"MailFromAttributes":{"MailFromDomain":"bounce.example.test","MailFromDomainStatus":"PENDING"}}`
		}
		return refuse(http.StatusNotFound, "NotFoundException", "no")(n, c)
	}}
	got, err := account.NewInspector(client(s)).Identities(t.Context(), "Status@Notice.example.test")
	if err != nil {
		t.Fatal(err)
	}
	want := []account.Identity{
		{Name: "status@notice.example.test", Verified: true, DKIMStatus: "SUCCESS"},
		{Name: "example.test", Domain: true, Verified: true, DKIM: true, DKIMStatus: "SUCCESS", MailFrom: "PENDING"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Identities (-want +got):\n%s", diff)
	}
	if s.count() != 3 {
		t.Errorf("Identities asked %d times, want for the address and two domains", s.count())
	}
	if _, err := account.NewInspector(client(s)).Identities(t.Context(), "nobody"); !errors.Is(err, incident.ErrInvalid) {
		t.Errorf("Identities of no address = %v, want invalid", err)
	}
}

func TestConfigurationSet(t *testing.T) {
	t.Parallel()
	rows := []struct {
		name, code, body string
		status           int
		sending          bool
		err              error
	}{
		{"there", "", `{"ConfigurationSetName":"shirase","SendingOptions":{"SendingEnabled":true}}`, 200, true, nil},
		{"without options", "", `{"ConfigurationSetName":"shirase"}`, 200, true, nil},
		{"paused", "", `{"ConfigurationSetName":"shirase","SendingOptions":{"SendingEnabled":false}}`, 200, false, nil},
		{"none", "NotFoundException", `{"message":"none"}`, 404, false, incident.ErrNotFound},
		{"not ours to ask", "AccessDeniedException", `{"message":"User is not authorized"}`, 403, false, incident.ErrDenied},
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			s := &ses{reply: func(int, call) (int, string, string) { return r.status, r.code, r.body }}
			sending, err := account.NewInspector(client(s)).ConfigurationSet(t.Context(), "shirase")
			if sending != r.sending || !errors.Is(err, r.err) {
				t.Errorf("ConfigurationSet = %v, %v, want %v, %v", sending, err, r.sending, r.err)
			}
		})
	}
}

func TestInspectorErrorsHideAddresses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var dials atomic.Int32
		_, err := account.NewInspector(client(wire(t, nil, &dials))).Identities(t.Context(), "status@notice.example")
		if err == nil || strings.ContainsAny(err.Error(), "@/") {
			t.Errorf("Identities without a network = %v, want an error without an address", err)
		}
		s := &ses{reply: refuse(400, "BadRequestException", "status@notice.example is not an identity")}
		_, err = account.NewInspector(client(s)).Identities(t.Context(), "status@notice.example")
		if err == nil || strings.Contains(err.Error(), "@") {
			t.Errorf("Identities refused = %v, want an error without an address", err)
		}
	})
}
