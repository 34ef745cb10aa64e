package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"shirase/internal/aws/dynamo"
	"shirase/internal/aws/mail/account"
	"shirase/internal/handler"
	"shirase/internal/incident"
)

// sweeps are swept one after the other. One that fails keeps none of the others
// from its work.
type sweeps []handler.Sweep

// Sweep implements handler.Sweep.
func (s sweeps) Sweep(ctx context.Context, now time.Time) error {
	var errs []error
	for _, one := range s {
		errs = append(errs, one.Sweep(ctx, now))
	}
	return errors.Join(errs...)
}

// pace sets the rate of mail to what SES allows the account.
type pace struct {
	quota *account.Quota
	rates *dynamo.Rates
	log   *slog.Logger
}

// Sweep implements handler.Sweep. A second's worth may go at once. Where SES
// does not answer, the rate stays as it is.
func (p pace) Sweep(ctx context.Context, _ time.Time) error {
	a, err := p.quota.Account(ctx)
	if err != nil {
		p.log.WarnContext(ctx, "sending rate not read", "error", err)
		return nil
	}
	if err := p.rates.SetRate(ctx, incident.Email, a.Rate, max(1, a.Rate)); err != nil {
		return fmt.Errorf("set sending rate: %w", err)
	}
	return nil
}
