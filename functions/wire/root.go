package wire

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"shirase/internal/aws/secret"
	"shirase/internal/incident"
	"shirase/internal/subscribe"
	"shirase/internal/token"
)

// A Root is what is made from the stack's generated secret.
type Root struct {
	// Secret is the secret itself; Tokens signs links with it.
	Secret []byte
	Tokens *token.Codec
	url    string
}

// rootWithin is how long the root secret is waited for. A function reads it as it
// starts, for which Lambda gives 10 seconds: one that ends in time says why, and is
// started again.
//
// https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
const rootWithin = 8 * time.Second

// Root reads the generated secret, for at most 8 seconds. It is never changed: the
// ids of recipients are made from it, and another would make strangers of all of
// them.
func (w *Wire) Root(ctx context.Context) (*Root, error) {
	ctx, cancel := context.WithTimeout(ctx, rootWithin)
	defer cancel()
	key, err := secret.NewRoot(secretsmanager.NewFromConfig(w.AWS), w.Config.RootSecret).Key(ctx)
	if err != nil {
		return nil, err
	}
	tokens, err := token.New(token.Key{ID: "1", Secret: key})
	if err != nil {
		return nil, fmt.Errorf("root secret: %w", err)
	}
	return &Root{key, tokens, w.Config.PublicURL}, nil
}

// Hash names an address; see [incident.NewRecipientID].
func (r *Root) Hash(c incident.Channel, a incident.Address) incident.RecipientID {
	if n, err := subscribe.Normalise(c, a); err == nil {
		a = n
	}
	return incident.NewRecipientID(r.Secret, c, a)
}

// Links answers the links that are a subscriber's own.
func (r *Root) Links() subscribe.Links { return subscribe.Links{URL: r.url, Tokens: r.Tokens} }

// Leave answers the links that end a mail: to unsubscribe, and to the
// preferences.
func (r *Root) Leave(s incident.Subscriber) (unsubscribe, manage string) {
	l := r.Links()
	return l.Unsubscribe(s), l.Manage(s, time.Now())
}
