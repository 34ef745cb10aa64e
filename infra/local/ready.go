package main

import (
	"context"
	"errors"
	"fmt"

	"shirase/internal/channel"
	"shirase/internal/incident"
	"shirase/internal/ready"
)

// machine tells what this machine can send, and which credentials are in its
// data folder. It implements ready.Mail, ready.SMS and ready.Secrets.
type machine struct {
	relay   bool // whether there is one for mail
	secrets channel.Secrets
}

// Mail implements ready.Mail.
func (m machine) Mail(context.Context, incident.Address) (ready.MailState, error) {
	if m.relay {
		return ready.MailState{Provider: ready.ProviderRelay}, nil
	}
	return ready.MailState{Provider: ready.ProviderInbox}, nil
}

// SMS implements ready.SMS.
func (machine) SMS(context.Context) (ready.SMSState, error) {
	return ready.SMSState{Provider: ready.ProviderInbox}, nil
}

// Missing implements ready.Secrets. A file that others may read counts as
// missing, since it is not used.
func (m machine) Missing(ctx context.Context, names []string) ([]string, error) {
	var missing []string
	for _, name := range names {
		v, err := m.secrets.Secret(ctx, name)
		switch {
		case errors.Is(err, incident.ErrNotFound), errors.Is(err, incident.ErrDenied), err == nil && v == "":
			missing = append(missing, name)
		case err != nil:
			return nil, fmt.Errorf("look for secrets: %w", err)
		}
	}
	return missing, nil
}
