package text

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	sms "github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2"
	"github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/smithy-go"

	"shirase/internal/channel"
	"shirase/internal/incident"
)

// Account is what the account may send in one region.
type Account struct {
	// Sandbox tells that messages reach verified numbers only.
	Sandbox bool
	// Limit is how much may be spent in a month, in US dollars. Beyond it SNS
	// accepts messages and does not send them.
	Limit float64
	// Known tells that AWS said what the limit is.
	Known bool
}

// SNSInspector reads what SNS lets the account send. It changes nothing.
type SNSInspector struct {
	sandbox    func(context.Context, *sns.GetSMSSandboxAccountStatusInput, ...func(*sns.Options)) (*sns.GetSMSSandboxAccountStatusOutput, error)
	attributes func(context.Context, *sns.GetSMSAttributesInput, ...func(*sns.Options)) (*sns.GetSMSAttributesOutput, error)
}

// NewSNSInspector makes an inspector of the client's region.
func NewSNSInspector(client *sns.Client) *SNSInspector {
	return &SNSInspector{client.GetSMSSandboxAccountStatus, client.GetSMSAttributes}
}

// Account reads the limit and whether the account is in the sandbox. An error is
// ErrDenied where the role may not ask.
//
// https://docs.aws.amazon.com/sns/latest/api/API_SetSMSAttributes.html
func (i *SNSInspector) Account(ctx context.Context) (Account, error) {
	status, err := i.sandbox(ctx, &sns.GetSMSSandboxAccountStatusInput{})
	if err != nil {
		return Account{}, kind("read SMS sandbox", err)
	}
	a := Account{Sandbox: status.IsInSandbox}
	out, err := i.attributes(ctx, &sns.GetSMSAttributesInput{Attributes: []string{"MonthlySpendLimit"}})
	if err != nil {
		return Account{}, kind("read SMS spend limit", err)
	}
	if s, ok := out.Attributes["MonthlySpendLimit"]; ok {
		if a.Limit, err = strconv.ParseFloat(s, 64); err != nil || a.Limit < 0 {
			return Account{}, errors.New("read SMS spend limit: answer is no amount")
		}
		a.Known = true
	}
	return a, nil
}

// EUMInspector reads what End User Messaging SMS lets the account send. It
// changes nothing.
type EUMInspector struct {
	account func(context.Context, *sms.DescribeAccountAttributesInput, ...func(*sms.Options)) (*sms.DescribeAccountAttributesOutput, error)
	limits  func(context.Context, *sms.DescribeSpendLimitsInput, ...func(*sms.Options)) (*sms.DescribeSpendLimitsOutput, error)
}

// NewEUMInspector makes an inspector of the client's region.
func NewEUMInspector(client *sms.Client) *EUMInspector {
	return &EUMInspector{client.DescribeAccountAttributes, client.DescribeSpendLimits}
}

// Account reads the limit and whether the account is in the sandbox. An error is
// ErrDenied where the role may not ask.
//
// https://docs.aws.amazon.com/pinpoint/latest/apireference_smsvoicev2/API_DescribeSpendLimits.html
func (i *EUMInspector) Account(ctx context.Context) (Account, error) {
	var a Account
	var next *string
	for more := true; more; more = next != nil {
		out, err := i.account(ctx, &sms.DescribeAccountAttributesInput{NextToken: next})
		if err != nil {
			return Account{}, kind("read SMS account", err)
		}
		next = out.NextToken
		for _, t := range out.AccountAttributes {
			if t.Name == types.AccountAttributeNameAccountTier && t.Value != nil {
				a.Sandbox = *t.Value == "SANDBOX"
			}
		}
	}
	for more := true; more; more = next != nil {
		out, err := i.limits(ctx, &sms.DescribeSpendLimitsInput{NextToken: next})
		if err != nil {
			return Account{}, kind("read SMS spend limit", err)
		}
		next = out.NextToken
		for _, l := range out.SpendLimits {
			if l.Name != types.SpendLimitNameTextMessageMonthlySpendLimit {
				continue
			}
			a.Limit, a.Known = float64(l.MaxLimit), true
			if l.Overridden {
				a.Limit = float64(l.EnforcedLimit)
			}
		}
	}
	return a, nil
}

// kind makes an error of one of our kinds, without what AWS wrote.
func kind(doing string, err error) error {
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		return fmt.Errorf("%s: %w", doing, channel.Lost(err, false))
	}
	switch api.ErrorCode() {
	case "AccessDeniedException", "AuthorizationError", "AccessDenied":
		return fmt.Errorf("%s: %w", doing, incident.ErrDenied)
	}
	return fmt.Errorf("%s: code %s", doing, api.ErrorCode())
}
