package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"shirase/functions/wire"
	"shirase/internal/aws/mail/account"
	"shirase/internal/aws/secret"
	"shirase/internal/aws/text"
	"shirase/internal/incident"
	"shirase/internal/ready"
)

// readiness answers what looks at the account.
func readiness(w *wire.Wire, count ready.Counter) *ready.Service {
	var numbers smsAccount = text.NewSNSInspector(sns.NewFromConfig(w.AWS))
	if w.Config.SMSOrigin != "" {
		numbers = text.NewEUMInspector(pinpointsmsvoicev2.NewFromConfig(w.AWS))
	}
	a := provider{account.NewInspector(sesv2.NewFromConfig(w.AWS)), w.Config.ConfigurationSet, numbers}
	return &ready.Service{
		Plans: w.Store, Mail: a, SMS: a, Secrets: secret.NewNames(secretsmanager.NewFromConfig(w.AWS), w.Config.Secrets),
		Counter: count, Families: w.Families, Now: time.Now, Log: w.Log,
	}
}

// smsAccount reads what the account may send.
type smsAccount interface {
	Account(ctx context.Context) (text.Account, error)
}

// provider tells what SES and SMS let us do. It implements ready.Mail and
// ready.SMS.
type provider struct {
	mail *account.Inspector
	set  string
	sms  smsAccount
}

// Mail implements ready.Mail.
func (a provider) Mail(ctx context.Context, from incident.Address) (ready.MailState, error) {
	is, err := a.mail.Account(ctx)
	if err != nil {
		return ready.MailState{}, fmt.Errorf("look at the mail account: %w", err)
	}
	s := ready.MailState{
		Provider: ready.ProviderAWS, Sandbox: is.Sandbox, Enabled: is.Enabled, Standing: is.Standing,
		Rate: is.Rate, Quota: is.Quota, Used: is.Used, Plan: is.Plan,
	}
	if s.Events, err = a.events(ctx); err != nil {
		return ready.MailState{}, err
	}
	if from == "" {
		return s, nil
	}
	ids, err := a.mail.Identities(ctx, from)
	if err != nil {
		return ready.MailState{}, fmt.Errorf("look at the mail identities: %w", err)
	}
	for n, id := range ids {
		s.Verified = s.Verified || id.Verified
		s.Signed = s.Signed || id.DKIM
		if n == 0 || s.Signing == "" {
			s.Signing = id.DKIMStatus
		}
	}
	return s, nil
}

// events answers the state of the configuration set.
func (a provider) events(ctx context.Context) (ready.Events, error) {
	if a.set == "" {
		return ready.EventsOff, nil
	}
	sending, err := a.mail.ConfigurationSet(ctx, a.set)
	switch {
	case errors.Is(err, incident.ErrNotFound):
		return ready.EventsMissing, nil
	case err != nil:
		return "", fmt.Errorf("look at the configuration set: %w", err)
	case !sending:
		return ready.EventsStopped, nil
	}
	return ready.EventsOn, nil
}

// SMS implements ready.SMS.
func (a provider) SMS(ctx context.Context) (ready.SMSState, error) {
	is, err := a.sms.Account(ctx)
	if err != nil {
		return ready.SMSState{}, fmt.Errorf("look at the SMS account: %w", err)
	}
	return ready.SMSState{Provider: ready.ProviderAWS, Sandbox: is.Sandbox, Limit: is.Limit, Known: is.Known}, nil
}
