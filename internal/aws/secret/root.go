package secret

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
)

// minRoot is the least characters of a root secret.
const minRoot = 32

// Root reads the root secret of the stack.
type Root struct {
	get get
	id  string
}

// NewRoot makes the reader of a secret, by its ARN or name.
func NewRoot(client *secretsmanager.Client, id string) *Root { return &Root{client.GetSecretValue, id} }

// Key answers the root secret as it is stored. It is read at each call; a main
// reads it once. It must stay the same for as long as there are subscribers:
// their ids are made from it, so that another would make strangers of them. An
// error is ErrNotFound or ErrDenied, or is worth another try.
func (r *Root) Key(ctx context.Context) ([]byte, error) {
	out, err := r.get(ctx, &secretsmanager.GetSecretValueInput{SecretId: &r.id})
	if err != nil {
		return nil, fmt.Errorf("read root secret: %w", kind(err))
	}
	value := aws.ToString(out.SecretString)
	if len(value) < minRoot {
		return nil, fmt.Errorf("read root secret: it has fewer than %d characters", minRoot)
	}
	return []byte(value), nil
}
