package secret

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/smithy-go"

	"shirase/internal/channel"
	"shirase/internal/incident"
)

// How long an answer is used without asking again.
const (
	// fresh is how long a credential holds.
	fresh = 5 * time.Minute
	// missing is how long a credential that is not there stays so, lest each of a
	// thousand envelopes asks, at 40 calls a second for the whole account.
	missing = 10 * time.Second
	// stale is how long a credential is used while the store does not answer: an
	// outage of the store must not silence a channel that works.
	stale = time.Hour
)

// Parameters answers credentials from the parameter store. It implements
// channel.Secrets and is safe for use by several at once.
type Parameters struct {
	client *ssm.Client
	prefix string
	now    func() time.Time

	mu      sync.Mutex
	entries map[string]*entry
}

// entry is what is known of one credential. Whoever holds its turn may fetch it
// and change it.
type entry struct {
	turn  chan struct{}
	value string
	err   error // ErrNotFound; others are not kept
	at    time.Time
}

// NewParameters makes the secrets below a prefix such as /shirase/prod/: the
// parameter of the secret shirase/slack then is /shirase/prod/shirase/slack.
func NewParameters(client *ssm.Client, prefix string, now func() time.Time) *Parameters {
	if !strings.HasSuffix(prefix, "/") {
		prefix += "/"
	}
	return &Parameters{client: client, prefix: prefix, now: now, entries: map[string]*entry{}}
}

// Secret answers a credential by the name the plan gives it. An error is
// ErrNotFound where there is none, ErrDenied where the role may not read it.
func (p *Parameters) Secret(ctx context.Context, name string) (string, error) {
	if !storable(name) {
		return "", fmt.Errorf("secret %q: %w", name, incident.ErrNotFound)
	}
	e := p.entry(name)
	select {
	case e.turn <- struct{}{}:
	case <-ctx.Done():
		return "", fmt.Errorf("read secret %q: %w", name, ctx.Err())
	}
	defer func() { <-e.turn }()
	now := p.now()
	age := now.Sub(e.at)
	if e.at.IsZero() || age < 0 || age >= fresh || e.err != nil && age >= missing {
		return p.fetch(ctx, name, e, now)
	}
	return e.value, e.err
}

func (p *Parameters) entry(name string) *entry {
	p.mu.Lock()
	defer p.mu.Unlock()
	e, ok := p.entries[name]
	if !ok {
		e = &entry{turn: make(chan struct{}, 1)}
		p.entries[name] = e
	}
	return e
}

// fetch asks the store. What it answers, also that there is nothing, replaces what
// was known.
func (p *Parameters) fetch(ctx context.Context, name string, e *entry, now time.Time) (string, error) {
	out, err := p.client.GetParameter(ctx, &ssm.GetParameterInput{
		Name: aws.String(p.prefix + name), WithDecryption: aws.Bool(true),
	})
	switch {
	case err == nil && out.Parameter != nil && aws.ToString(out.Parameter.Value) != "":
		e.value, e.err, e.at = strings.TrimSpace(*out.Parameter.Value), nil, now
		return e.value, nil
	case err == nil:
		err = incident.ErrNotFound
	default:
		err = kind(err)
	}
	err = fmt.Errorf("secret %q: %w", name, err)
	switch {
	case errors.Is(err, incident.ErrNotFound):
		e.value, e.err, e.at = "", err, now
	case errors.Is(err, incident.ErrDenied):
		e.value, e.at = "", time.Time{}
	case e.value != "" && now.Sub(e.at) < stale:
		return e.value, nil
	}
	return "", err
}

// parameter is what one may be called below the prefix; the rest of what a
// plan allows in a name is found nowhere.
//
// https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-su-create.html
var parameter = regexp.MustCompile(`^[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*$`)

func storable(name string) bool { return len(name) <= 512 && parameter.MatchString(name) }

// kind makes an error of one of our kinds, without what AWS wrote.
//
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameter.html#API_GetParameter_Errors
// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html#API_GetSecretValue_Errors
func kind(err error) error {
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		return channel.Lost(err, false)
	}
	switch api.ErrorCode() {
	case "ParameterNotFound", "ParameterVersionNotFound", "ResourceNotFoundException":
		return incident.ErrNotFound
	case "AccessDeniedException", "AccessDenied", "InvalidKeyId", "DecryptionFailure":
		return incident.ErrDenied
	}
	return fmt.Errorf("code %s", api.ErrorCode())
}
