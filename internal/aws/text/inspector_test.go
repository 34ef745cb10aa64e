package text_test

import (
	"errors"
	"strings"
	"testing"

	"shirase/internal/aws/text"
	"shirase/internal/incident"
)

func TestSNSAccount(t *testing.T) {
	t.Parallel()
	rows := []struct {
		name, sandbox, attributes string
		want                      text.Account
		fails                     bool
	}{
		{"new", "true", `<entry><key>MonthlySpendLimit</key><value>1</value></entry>`, text.Account{Sandbox: true, Limit: 1, Known: true}, false},
		{"raised", "false", `<entry><key>MonthlySpendLimit</key><value>500</value></entry>`, text.Account{Limit: 500, Known: true}, false},
		{"unsaid", "false", ``, text.Account{}, false},
		{"no amount", "false", `<entry><key>MonthlySpendLimit</key><value>much</value></entry>`, text.Account{}, true},
		{"less than nothing", "false", `<entry><key>MonthlySpendLimit</key><value>-1</value></entry>`, text.Account{}, true},
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			s := &service{reply: func(_ int, _, body string) (int, string, error) {
				if strings.Contains(body, "Action=GetSMSSandboxAccountStatus") {
					return 200, `<R><GetSMSSandboxAccountStatusResult><IsInSandbox>` + r.sandbox + `</IsInSandbox></GetSMSSandboxAccountStatusResult></R>`, nil
				}
				return 200, `<R><GetSMSAttributesResult><attributes>` + r.attributes + `</attributes></GetSMSAttributesResult></R>`, nil
			}}
			got, err := text.NewSNSInspector(snsClient(s)).Account(t.Context())
			if got != r.want || (err != nil) != r.fails {
				t.Errorf("Account = %+v, %v, want %+v", got, err, r.want)
			}
		})
	}
	s := always(403, snsError("AuthorizationError", "no"))
	if _, err := text.NewSNSInspector(snsClient(s)).Account(t.Context()); !errors.Is(err, incident.ErrDenied) {
		t.Errorf("Account without the right = %v, want denied", err)
	}
}

func TestEUMAccount(t *testing.T) {
	t.Parallel()
	rows := []struct {
		name, tier, limit string
		want              text.Account
	}{
		{"new", "SANDBOX", `"EnforcedLimit":1,"MaxLimit":1,"Overridden":false`, text.Account{Sandbox: true, Limit: 1, Known: true}},
		{"kept low", "PRODUCTION", `"EnforcedLimit":50,"MaxLimit":1000,"Overridden":true`, text.Account{Limit: 50, Known: true}},
		{"not kept low", "PRODUCTION", `"EnforcedLimit":50,"MaxLimit":1000,"Overridden":false`, text.Account{Limit: 1000, Known: true}},
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			s := &service{reply: func(_ int, target, body string) (int, string, error) {
				switch {
				case target == "DescribeAccountAttributes":
					return 200, `{"AccountAttributes":[{"Name":"ACCOUNT_TIER","Value":"` + r.tier + `"}]}`, nil
				case strings.Contains(body, "page-2"):
					return 200, `{"SpendLimits":[{"Name":"TEXT_MESSAGE_MONTHLY_SPEND_LIMIT",` + r.limit + `}]}`, nil
				}
				return 200, `{"NextToken":"page-2","SpendLimits":[{"Name":"VOICE_MESSAGE_MONTHLY_SPEND_LIMIT","EnforcedLimit":7,"MaxLimit":7,"Overridden":true}]}`, nil
			}}
			got, err := text.NewEUMInspector(eumClient(s)).Account(t.Context())
			if err != nil || got != r.want {
				t.Errorf("Account = %+v, %v, want %+v", got, err, r.want)
			}
		})
	}
	s := always(400, `{"__type":"AccessDeniedException"}`)
	if _, err := text.NewEUMInspector(eumClient(s)).Account(t.Context()); !errors.Is(err, incident.ErrDenied) {
		t.Errorf("Account without the right = %v, want denied", err)
	}
}
