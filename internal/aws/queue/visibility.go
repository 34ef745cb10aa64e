package queue

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"

	"shirase/internal/incident"
)

// maxHidden is how long a message is hidden at most. SQS counts its 12 hours from
// the reception of the message, and refuses what would go beyond; a function has
// had it for 15 minutes at most
// (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ChangeMessageVisibility.html).
const maxHidden = 12*time.Hour - 15*time.Minute

// Own are the queues that a function reads. It implements handler.Visibility.
type Own struct {
	change func(context.Context, *sqs.ChangeMessageVisibilityInput, ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityOutput, error)
	urls   []string
}

// NewOwn makes the queues of these URLs. The busiest should stand first, since
// they are asked in turn.
func NewOwn(client *sqs.Client, urls ...string) *Own {
	return &Own{client.ChangeMessageVisibility, slices.Clone(urls)}
}

// Postpone implements handler.Visibility on the queue that the message came from.
// A receipt does not tell which one that is, so each of the function's own queues
// is asked in turn. A wait of more than 11 h 45 min is cut to that. A receipt that
// none of them knows, or no longer, is ErrInvalid.
func (o *Own) Postpone(ctx context.Context, receipt string, wait time.Duration) error {
	wait = min(max(wait, 0), maxHidden)
	var unknown error
	for _, url := range o.urls {
		_, err := o.change(ctx, &sqs.ChangeMessageVisibilityInput{
			QueueUrl: &url, ReceiptHandle: &receipt, VisibilityTimeout: seconds(wait),
		})
		switch {
		case err == nil:
			return nil
		case !foreign(err):
			return fmt.Errorf("move visibility: %w", err)
		}
		unknown = err
	}
	return fmt.Errorf("move visibility on %d queues: %w", len(o.urls), errors.Join(incident.ErrInvalid, unknown))
}

// foreign reports whether SQS says that a receipt is not, or no longer, one of the
// queue.
func foreign(err error) bool {
	if _, ok := errors.AsType[*types.ReceiptHandleIsInvalid](err); ok {
		return true
	}
	if _, ok := errors.AsType[*types.MessageNotInflight](err); ok {
		return true
	}
	e, ok := errors.AsType[smithy.APIError](err)
	return ok && (e.ErrorCode() == "InvalidParameterValue" || e.ErrorCode() == "InvalidParameterValueException")
}

// seconds rounds up to whole seconds, so that nothing is shown early.
func seconds(d time.Duration) int32 { return int32((d + time.Second - 1) / time.Second) }
