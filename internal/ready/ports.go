package ready

import (
	"context"

	"shirase/internal/incident"
	"shirase/internal/plan"
)

// Plans reads the communication plan.
type Plans interface {
	// Current answers the plan that holds now, or ErrNotFound.
	Current(ctx context.Context) (*plan.Plan, error)
}

// Mail reads how mail goes out.
type Mail interface {
	// Mail answers what would become of mail from an address, which may be empty.
	// It changes nothing. An error is ErrDenied where we may not ask.
	Mail(ctx context.Context, from incident.Address) (MailState, error)
}

// SMS reads how SMS go out.
type SMS interface {
	// SMS answers what would become of SMS, likewise.
	SMS(ctx context.Context) (SMSState, error)
}

// Secrets knows which credentials are there.
type Secrets interface {
	// Missing answers those of the names that have no credential, in order. It
	// need not read what they hold, and gives none of it away.
	Missing(ctx context.Context, names []string) ([]string, error)
}

// Counter counts subscribers.
type Counter interface {
	// Count answers how many active subscribers an audience has on a channel. It
	// need not be exact while some come and go.
	Count(ctx context.Context, a incident.Audience, c incident.Channel) (int, error)
}

// Provider is who takes what we send.
type Provider string

// The providers.
const (
	// ProviderNone takes nothing: what is sent there is refused.
	ProviderNone Provider = "none"
	// ProviderInbox is the inbox of a program on one machine: nothing leaves it.
	ProviderInbox Provider = "inbox"
	// ProviderRelay is a mail relay, of which we know nothing more.
	ProviderRelay Provider = "relay"
	// ProviderAWS is SES for mail, and SNS or End User Messaging for SMS.
	ProviderAWS Provider = "aws"
)

// MailState is how mail goes out. The fields below Provider are for
// [ProviderAWS] only.
type MailState struct {
	Provider Provider
	// Sandbox tells that mail reaches verified addresses only, Enabled that
	// sending is not paused. Standing is HEALTHY, PROBATION or SHUTDOWN.
	Sandbox, Enabled bool
	Standing         string
	// Rate is how many recipients a second may be sent to; 0 is not known.
	Rate float64
	// Quota is how many recipients there may be in 24 hours, below 0 without
	// limit; Used is how many there were in the last 24.
	Quota, Used float64
	// Plan is the pricing plan of SES: NONE, ESSENTIALS, PRO or ENTERPRISE; empty
	// is not known.
	Plan string
	// Verified tells that mail from the address is let through, Signed that it is
	// signed by DKIM, and Signing why not.
	Verified, Signed bool
	Signing          string
	// Events says whether what becomes of mail is reported to us.
	Events Events
}

// Events is the state of the configuration set, by which bounces and complaints
// come back.
type Events string

// The states of a configuration set.
const (
	EventsOff     Events = "off"     // none is named: nothing comes back
	EventsOn      Events = "on"      // it is there
	EventsMissing Events = "missing" // one is named that is not there: every mail is refused
	EventsStopped Events = "stopped" // it lets no mail through
)

// SMSState is how SMS go out. The fields below Provider are for [ProviderAWS]
// only.
type SMSState struct {
	Provider Provider
	// Sandbox tells that messages reach verified numbers only.
	Sandbox bool
	// Limit is how much may be spent in a month, in US dollars; Known tells that
	// it is known.
	Limit float64
	Known bool
	// Rate is how many parts a second are sent; 0 is not known.
	Rate float64
}
