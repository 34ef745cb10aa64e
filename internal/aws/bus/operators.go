package bus

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/sns"
)

// Operators tells operators what needs a person, on a topic of its own that does
// not depend on the rest of the program.
type Operators struct {
	client *sns.Client
	topic  string
}

// NewOperators makes operators who read the topic of an ARN.
func NewOperators(client *sns.Client, topic string) Operators { return Operators{client, topic} }

// Tell sends a mail to every operator who subscribed. The subject is made to fit,
// and so is the text; neither may hold an address or a secret. Called twice, it
// tells twice. A text that is empty is the subject again, since SNS wants one.
func (o Operators) Tell(ctx context.Context, about, text string) error {
	m := mail{subject: subject(about), text: text}
	if m.text == "" {
		m.text = m.subject
	}
	return post(ctx, o.client, o.topic, m)
}
