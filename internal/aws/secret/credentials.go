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
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/smithy-go"

	"shirase/internal/channel"
	"shirase/internal/incident"
)

// How long an answer is used without asking again.
const (
	// fresh is how long a credential holds.
	fresh = 5 * time.Minute
	// missing is how long a credential that is not there stays so, and a store that
	// did not answer is left alone, lest each of a thousand envelopes asks.
	missing = 10 * time.Second
	// stale is how long a credential is used while the store does not answer: an
	// outage of the store must not silence a channel that works.
	stale = time.Hour
	// patience is how long the store is waited for by those who have such a
	// credential. They hold a claim to send, and others wait for their turn.
	patience = 2 * time.Second
)

// get is the one call that is made. No client is kept, since it would bring every
// other call into the binary; see docs/decisions/0011-small-binaries.md.
type get func(context.Context, *secretsmanager.GetSecretValueInput, ...func(*secretsmanager.Options)) (*secretsmanager.GetSecretValueOutput, error)

// Credentials answers credentials from Secrets Manager. It implements
// channel.Secrets and is safe for use by several at once.
type Credentials struct {
	get    get
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
	tried time.Time // when the store last gave no answer while there was a value
}

// usable reports whether a credential may be used while the store does not answer.
func (e *entry) usable(now time.Time) bool { return e.value != "" && now.Sub(e.at) < stale }

// waits reports whether the store is to be left alone, since it did not answer just
// now and there is a credential without it.
func (e *entry) waits(now time.Time) bool {
	since := now.Sub(e.tried)
	return e.usable(now) && since >= 0 && since < missing
}

// NewCredentials makes the credentials below a prefix such as shirase/prod/: what
// the plan calls slack is the secret shirase/prod/slack.
func NewCredentials(client *secretsmanager.Client, prefix string, now func() time.Time) *Credentials {
	if !strings.HasSuffix(prefix, "/") {
		prefix += "/"
	}
	return &Credentials{get: client.GetSecretValue, prefix: prefix, now: now, entries: map[string]*entry{}}
}

// Secret answers a credential by the name the plan gives it. An error is
// ErrNotFound where there is none, ErrDenied where the role may not read it.
func (c *Credentials) Secret(ctx context.Context, name string) (string, error) {
	if !storable(name) {
		return "", fmt.Errorf("secret %q: %w", name, incident.ErrNotFound)
	}
	e := c.entry(name)
	select {
	case e.turn <- struct{}{}:
	case <-ctx.Done():
		return "", fmt.Errorf("read secret %q: %w", name, ctx.Err())
	}
	defer func() { <-e.turn }()
	now := c.now()
	age := now.Sub(e.at)
	old := e.at.IsZero() || age < 0 || age >= fresh || e.err != nil && age >= missing
	if old && !e.waits(now) {
		return c.fetch(ctx, name, e, now)
	}
	return e.value, e.err
}

func (c *Credentials) entry(name string) *entry {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.entries[name]
	if !ok {
		e = &entry{turn: make(chan struct{}, 1)}
		c.entries[name] = e
	}
	return e
}

// fetch asks the store. What it answers, also that there is nothing, replaces what
// was known. What is known and still of use is used where the store answers
// nothing, or not soon.
func (c *Credentials) fetch(ctx context.Context, name string, e *entry, now time.Time) (string, error) {
	if e.usable(now) {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, patience)
		defer cancel()
	}
	out, err := c.get(ctx, &secretsmanager.GetSecretValueInput{SecretId: aws.String(c.prefix + name)})
	switch {
	case err == nil && aws.ToString(out.SecretString) != "":
		e.value, e.err, e.at = strings.TrimSpace(*out.SecretString), nil, now
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
	case e.usable(now):
		e.tried = now
		return e.value, nil
	}
	return "", err
}

// allowed is what a secret may be called; the rest of what a plan allows in a name
// is found nowhere.
//
// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html
var allowed = regexp.MustCompile(`^[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*$`)

func storable(name string) bool { return len(name) <= 400 && allowed.MatchString(name) }

// kind makes an error of one of our kinds, without what AWS wrote.
//
// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html#API_GetSecretValue_Errors
func kind(err error) error {
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		return channel.Lost(err, false)
	}
	switch api.ErrorCode() {
	case "ResourceNotFoundException", "InvalidRequestException": // the latter is about to be deleted
		return incident.ErrNotFound
	case "AccessDeniedException", "AccessDenied", "DecryptionFailure":
		return incident.ErrDenied
	}
	return fmt.Errorf("code %s", api.ErrorCode())
}
