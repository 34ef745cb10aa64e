// Package account reads what SES says of our account and its identities. It stands
// apart from the sender, since those who only ask need not know how mail is made.
package account

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/smithy-go"

	"shirase/internal/channel"
	"shirase/internal/incident"
)

// Quota reads what SES lets the account do in the client's region. It changes
// nothing.
type Quota struct {
	get func(context.Context, *sesv2.GetAccountInput, ...func(*sesv2.Options)) (*sesv2.GetAccountOutput, error)
}

// NewQuota makes the reader of a quota.
func NewQuota(client *sesv2.Client) *Quota { return &Quota{client.GetAccount} }

// Inspector reads the identities and the configuration set as well, so that an
// operator learns before an outage what would keep mail from being sent. Quotas,
// the sandbox and identities are all of the client's region. It changes nothing.
type Inspector struct {
	*Quota
	identify func(context.Context, *sesv2.GetEmailIdentityInput, ...func(*sesv2.Options)) (*sesv2.GetEmailIdentityOutput, error)
	set      func(context.Context, *sesv2.GetConfigurationSetInput, ...func(*sesv2.Options)) (*sesv2.GetConfigurationSetOutput, error)
}

// NewInspector makes an inspector.
func NewInspector(client *sesv2.Client) *Inspector {
	return &Inspector{NewQuota(client), client.GetEmailIdentity, client.GetConfigurationSet}
}

// Account is what SES lets the account do in one region.
type Account struct {
	// Sandbox tells that mail reaches verified recipients only.
	Sandbox bool
	// Enabled tells that sending is not paused.
	Enabled bool
	// Standing is HEALTHY, PROBATION or SHUTDOWN; empty where SES does not say.
	Standing string
	// Rate is how many recipients a second may be sent to.
	Rate float64
	// Quota is how many recipients may be sent to in 24 hours, negative where
	// there is no limit; Used is how many were in the last 24 hours.
	Quota, Used float64
	// Plan is the pricing plan: NONE, ESSENTIALS, PRO or ENTERPRISE; empty where
	// SES does not say.
	Plan string
}

// Left answers how many recipients may still be sent to today, and whether there
// is a limit at all.
func (a Account) Left() (n float64, limited bool) {
	if a.Quota < 0 {
		return 0, false
	}
	return max(0, a.Quota-a.Used), true
}

// Account reads the account. An error is ErrDenied where the role may not ask.
//
// https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_GetAccount.html
func (q *Quota) Account(ctx context.Context) (Account, error) {
	out, err := q.get(ctx, &sesv2.GetAccountInput{})
	if err != nil {
		return Account{}, kind("read mail account", err)
	}
	a := Account{
		Sandbox: !out.ProductionAccessEnabled, Enabled: out.SendingEnabled,
		Standing: aws.ToString(out.EnforcementStatus),
	}
	if q := out.SendQuota; q != nil {
		a.Rate, a.Quota, a.Used = q.MaxSendRate, q.Max24HourSend, q.SentLast24Hours
	}
	if p := out.PricingAttributes; p != nil {
		a.Plan = string(p.CurrentPlan)
	}
	return a, nil
}

// Identity is an address or a domain that mail may come from.
type Identity struct {
	// Name is the domain, or the address.
	Name incident.Address
	// Domain tells that it is a domain.
	Domain bool
	// Verified tells that mail may be sent from it.
	Verified bool
	// DKIM tells that its mail is signed. DKIMStatus is how far its keys are found
	// in the DNS: PENDING, SUCCESS, FAILED, TEMPORARY_FAILURE or NOT_STARTED.
	DKIM       bool
	DKIMStatus string
	// MailFrom is the state of its own MAIL FROM domain; empty where it has none.
	MailFrom string
}

// Identities answers the identities that an address is sent from, the one that
// SES heeds first: the address itself, its domain, then the domains above, since
// a verified domain covers what is below it. It is empty where there is none.
//
// https://docs.aws.amazon.com/ses/latest/dg/creating-identities.html
func (i *Inspector) Identities(ctx context.Context, from incident.Address) ([]Identity, error) {
	address := strings.ToLower(from.Reveal())
	at := strings.LastIndexByte(address, '@')
	if at <= 0 || at == len(address)-1 {
		return nil, incident.Invalid("from", "not a mail address")
	}
	names := []string{address}
	for domain := address[at+1:]; strings.Contains(domain, "."); {
		names = append(names, domain)
		_, domain, _ = strings.Cut(domain, ".")
	}
	var found []Identity
	for n, name := range names {
		id, err := i.identity(ctx, name)
		switch {
		case errors.Is(err, incident.ErrNotFound):
			continue
		case err != nil:
			return nil, err
		}
		id.Domain = n > 0
		found = append(found, id)
	}
	return found, nil
}

func (i *Inspector) identity(ctx context.Context, name string) (Identity, error) {
	out, err := i.identify(ctx, &sesv2.GetEmailIdentityInput{EmailIdentity: &name})
	if err != nil {
		return Identity{}, kind("read mail identity", err)
	}
	id := Identity{Name: incident.Address(name), Verified: out.VerifiedForSendingStatus}
	if d := out.DkimAttributes; d != nil {
		id.DKIM, id.DKIMStatus = d.SigningEnabled && d.Status == "SUCCESS", string(d.Status)
	}
	if m := out.MailFromAttributes; m != nil && aws.ToString(m.MailFromDomain) != "" {
		id.MailFrom = string(m.MailFromDomainStatus)
	}
	return id, nil
}

// ConfigurationSet reports whether a configuration set lets mail through. An error
// is ErrNotFound where there is no such set: SES then refuses every mail that
// names it.
func (i *Inspector) ConfigurationSet(ctx context.Context, name string) (sending bool, err error) {
	out, err := i.set(ctx, &sesv2.GetConfigurationSetInput{ConfigurationSetName: &name})
	if err != nil {
		return false, kind("read configuration set", err)
	}
	return out.SendingOptions == nil || out.SendingOptions.SendingEnabled, nil
}

// kind makes an error of one of our kinds, without what SES wrote.
func kind(doing string, err error) error {
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		return fmt.Errorf("%s: %w", doing, channel.Lost(err, false)) // the URL may name an address
	}
	switch api.ErrorCode() {
	case "NotFoundException":
		return fmt.Errorf("%s: %w", doing, incident.ErrNotFound)
	case "AccessDeniedException", "AccessDenied":
		return fmt.Errorf("%s: %w", doing, incident.ErrDenied)
	}
	return fmt.Errorf("%s: code %s", doing, api.ErrorCode())
}
