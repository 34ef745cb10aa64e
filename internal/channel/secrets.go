package channel

import (
	"context"
	"errors"
	"fmt"

	"shirase/internal/deliver"
	"shirase/internal/incident"
)

// Secrets fetches credentials by name.
type Secrets interface {
	// Secret answers the credential, or incident.ErrNotFound. It is called for
	// every envelope, so the implementation keeps what it has fetched for a while.
	// Its errors hold no part of a credential.
	Secret(ctx context.Context, name string) (string, error)
}

// Credential fetches the credential of a target. A missing one, or one that we
// may not read, is our own fault and stops the channel; a store that does not answer may be asked again.
func Credential(ctx context.Context, s Secrets, name string) (string, *deliver.Failure) {
	v, err := s.Secret(ctx, name)
	switch {
	case err == nil && v != "":
		return v, nil
	case err == nil, errors.Is(err, incident.ErrNotFound):
		return "", &deliver.Failure{Reason: deliver.Unauthorised, Err: errors.New("credential is missing")}
	case errors.Is(err, incident.ErrDenied):
		return "", &deliver.Failure{Reason: deliver.Unauthorised, Err: errors.New("credential may not be read")}
	}
	return "", &deliver.Failure{Reason: deliver.Unavailable, Err: fmt.Errorf("fetch credential: %w", err)}
}

// Address answers where an envelope goes: the recipient's address, or what the
// plan says of the target.
func Address(e deliver.Envelope) string {
	if e.To != "" {
		return e.To.Reveal()
	}
	return e.Target.Address.Reveal()
}
