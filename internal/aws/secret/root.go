package secret

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"shirase/internal/incident"
)

// minRoot is the least characters of a root secret.
const minRoot = 32

// Root reads the root secret of the stack. It is safe for use by several at once.
type Root struct {
	client *secretsmanager.Client
	id     string

	mu   sync.Mutex
	keys []Key
}

// NewRoot makes the reader of a secret, by its ARN or name.
func NewRoot(client *secretsmanager.Client, id string) *Root { return &Root{client: client, id: id} }

// Key is one version of the root secret. It prints masked everywhere.
type Key struct {
	// ID tells the versions apart; it is public and stays the same.
	ID string
	// Secret is the text as it is stored.
	Secret []byte
}

// String masks the secret.
func (k Key) String() string { return "[root key " + k.ID + "]" }

// Format masks the secret for every verb.
func (k Key) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, k.String()) }

// LogValue masks the secret in structured logs.
func (k Key) LogValue() slog.Value { return slog.StringValue(k.String()) }

// MarshalText masks the secret where it is encoded by mistake.
func (k Key) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// Keys answers the versions of the root secret: the current one first, which
// signs, then the one before it, where there is one, so that links signed before a
// rotation go on working. What was read is kept for the life of the process: after
// a rotation, deploy anew, so that every process knows the new one. An error is
// ErrNotFound or ErrDenied, or is worth another try.
//
// https://docs.aws.amazon.com/secretsmanager/latest/userguide/whats-in-a-secret.html
func (r *Root) Keys(ctx context.Context) ([]Key, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.keys != nil {
		return clone(r.keys), nil
	}
	current, err := r.version(ctx, "AWSCURRENT")
	if err != nil {
		return nil, err
	}
	keys := []Key{current}
	previous, err := r.version(ctx, "AWSPREVIOUS")
	switch {
	case err == nil && previous.ID != current.ID:
		keys = append(keys, previous)
	case err != nil && !errors.Is(err, incident.ErrNotFound):
		return nil, err
	}
	r.keys = keys
	return clone(keys), nil
}

func (r *Root) version(ctx context.Context, stage string) (Key, error) {
	out, err := r.client.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &r.id, VersionStage: &stage})
	if err != nil {
		return Key{}, fmt.Errorf("read root secret, %s: %w", stage, kind(err))
	}
	value := aws.ToString(out.SecretString)
	if len(value) < minRoot {
		return Key{}, fmt.Errorf("read root secret, %s: it has fewer than %d characters", stage, minRoot)
	}
	// The id comes from the version's and not from the value: nothing of the
	// value may stand in a link.
	sum := sha256.Sum256([]byte(aws.ToString(out.VersionId)))
	return Key{ID: hex.EncodeToString(sum[:4]), Secret: []byte(value)}, nil
}

func clone(keys []Key) []Key {
	out := make([]Key, len(keys))
	for n, k := range keys {
		out[n] = Key{ID: k.ID, Secret: append([]byte(nil), k.Secret...)}
	}
	return out
}
