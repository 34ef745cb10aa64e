package queue

import (
	"cmp"
	"context"
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"shirase/internal/handler"
)

const (
	// maxListed is how many parked messages are listed.
	maxListed = 100
	// maxLooks is how often the queue is asked for them, since an answer may hold
	// fewer than it could.
	maxLooks = 20
	// maxShown is how much of each is shown, in bytes.
	maxShown = 8 << 10
	// peek is how long a message is hidden while we look, so that each answer holds
	// others.
	peek = 30 * time.Second
)

// Lot shows what stands on the parking queue. It implements api.DeadLetters.
type Lot struct {
	receive func(context.Context, *sqs.ReceiveMessageInput, ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error)
	show    func(context.Context, *sqs.ChangeMessageVisibilityBatchInput, ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityBatchOutput, error)
	url     string
}

// NewLot makes the lot of the parking queue's URL.
func NewLot(client *sqs.Client, url string) *Lot {
	return &Lot{client.ReceiveMessage, client.ChangeMessageVisibilityBatch, url}
}

// Parked implements api.DeadLetters: up to 100 of the messages on the parking
// queue, oldest first. They stay there. Of messages that SQS itself moved there,
// since they were received too often, it says so. Two calls at the same time may
// each see a part; what was looked at is shown again at once.
func (l *Lot) Parked(ctx context.Context) ([]handler.Parked, error) {
	found := map[string]handler.Parked{}
	var seen []types.Message
	defer func() { l.giveBack(ctx, seen) }()
	for range maxLooks {
		out, err := l.receive(ctx, &sqs.ReceiveMessageInput{
			QueueUrl: &l.url, MaxNumberOfMessages: maxEntries, VisibilityTimeout: seconds(peek),
			WaitTimeSeconds:       1, // without a wait only some of SQS's servers are asked
			MessageAttributeNames: []string{"All"},
			MessageSystemAttributeNames: []types.MessageSystemAttributeName{
				types.MessageSystemAttributeNameSentTimestamp, types.MessageSystemAttributeNameDeadLetterQueueSourceArn,
			},
		})
		if err != nil {
			return nil, fmt.Errorf("read the parking queue: %w", err)
		}
		seen = append(seen, out.Messages...)
		for _, m := range out.Messages {
			id, p := parked(m)
			if was, ok := found[id]; !ok || p.At.Before(was.At) {
				found[id] = p
			}
		}
		if len(out.Messages) == 0 || len(found) >= maxListed {
			break
		}
	}
	ids := slices.SortedFunc(maps.Keys(found), func(a, b string) int {
		return cmp.Or(found[a].At.Compare(found[b].At), cmp.Compare(a, b))
	})
	var ps []handler.Parked
	for _, id := range ids[:min(len(ids), maxListed)] {
		ps = append(ps, found[id])
	}
	return ps, nil
}

// giveBack shows messages again at once. One that is not is shown when the peek
// ends, so what SQS answers does not matter.
func (l *Lot) giveBack(ctx context.Context, ms []types.Message) {
	for part := range slices.Chunk(ms, maxEntries) {
		entries := make([]types.ChangeMessageVisibilityBatchRequestEntry, len(part))
		for n, m := range part {
			entries[n] = types.ChangeMessageVisibilityBatchRequestEntry{Id: aws.String(strconv.Itoa(n)), ReceiptHandle: m.ReceiptHandle}
		}
		_, _ = l.show(ctx, &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: &l.url, Entries: entries})
	}
}

// parked reads a message of the parking queue.
func parked(m types.Message) (id string, p handler.Parked) {
	attr := func(name string) string { return aws.ToString(m.MessageAttributes[name].StringValue) }
	system := func(name types.MessageSystemAttributeName) string { return m.Attributes[string(name)] }
	p = handler.Parked{
		Queue: attr(attrQueue), Why: attr(attrWhy),
		Body: shown(aws.ToString(m.Body), attr(attrEncoding) == inBase64),
	}
	if ms, err := strconv.ParseInt(system(types.MessageSystemAttributeNameSentTimestamp), 10, 64); err == nil {
		p.At = time.UnixMilli(ms).UTC()
	}
	if from := system(types.MessageSystemAttributeNameDeadLetterQueueSourceArn); from != "" {
		p.Queue, p.Why = from, cmp.Or(p.Why, "it was received too often")
	}
	return cmp.Or(attr(attrID), aws.ToString(m.MessageId)), p
}

// shown answers the beginning of a body as text.
func shown(body string, encoded bool) string {
	if encoded {
		// What is no base64 decodes to what stands before the fault.
		b, _ := base64.StdEncoding.DecodeString(body)
		body = string(b)
	}
	return strings.ToValidUTF8(body[:min(len(body), maxShown)], "\uFFFD")
}
