package secret

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"shirase/internal/incident"
)

// Names tells which credentials are there, and reads none of them.
type Names struct {
	describe func(context.Context, *secretsmanager.DescribeSecretInput, ...func(*secretsmanager.Options)) (*secretsmanager.DescribeSecretOutput, error)
	prefix   string
}

// NewNames makes the names below the prefix of [NewCredentials].
func NewNames(client *secretsmanager.Client, prefix string) *Names {
	if !strings.HasSuffix(prefix, "/") {
		prefix += "/"
	}
	return &Names{client.DescribeSecret, prefix}
}

// Missing answers those of the names that have no credential, in order. One that
// is about to be deleted counts as missing.
func (n *Names) Missing(ctx context.Context, names []string) ([]string, error) {
	var missing []string
	for _, name := range names {
		if !storable(name) {
			missing = append(missing, name)
			continue
		}
		out, err := n.describe(ctx, &secretsmanager.DescribeSecretInput{SecretId: aws.String(n.prefix + name)})
		if err != nil {
			err = kind(err)
		}
		switch {
		case errors.Is(err, incident.ErrNotFound), err == nil && out.DeletedDate != nil:
			missing = append(missing, name)
		case err != nil:
			return nil, fmt.Errorf("look for secret %q: %w", name, err)
		}
	}
	return missing, nil
}
