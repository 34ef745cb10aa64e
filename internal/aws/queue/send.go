package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"golang.org/x/sync/errgroup"

	"shirase/internal/deliver"
	"shirase/internal/incident"
)

// The limits of SendMessageBatch
// (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html).
const (
	maxEntries = 10
	maxBytes   = 1 << 20
)

// atOnce is how many batches are under way at the same time.
const atOnce = 8

// Addresses are the URLs of the send queues. A family whose URL is empty has none.
type Addresses struct {
	// A twin carries confirmations, reminders and drills; where there is none the
	// main queue does.
	Email, EmailTwin     string
	SMS, SMSTwin         string
	Webhook, WebhookTwin string
	// Post carries social and chat.
	Post string
}

// Chunks are the send queues. It implements [deliver.Queue].
type Chunks struct {
	batch    sendBatch
	at       Addresses
	families map[incident.Channel]incident.Family
	memos    deliver.Messages
}

// NewChunks makes send queues. Families and memos tell which of them a chunk
// belongs on; memos are read only for families that have a twin.
func NewChunks(client *sqs.Client, at Addresses, families map[incident.Channel]incident.Family, memos deliver.Messages) *Chunks {
	return &Chunks{batch: client.SendMessageBatch, at: at, families: families, memos: memos}
}

// Send implements [deliver.Queue]: each chunk goes on the queue of its family. An
// error says that some chunks may not be queued; the caller sends all again, and
// those that arrive twice are no-ops. A chunk that no message holds is ErrInvalid,
// and a channel without a queue ErrNotFound, both before anything is sent.
func (q *Chunks) Send(ctx context.Context, chunks []deliver.Chunk) error {
	posts := map[string][]types.SendMessageBatchRequestEntry{}
	for _, c := range chunks {
		url, err := q.route(ctx, c)
		if err != nil {
			return err
		}
		body, err := json.Marshal(c)
		if err != nil {
			return fmt.Errorf("encode chunk: %w", err)
		}
		if len(body) > maxBytes {
			return fmt.Errorf("chunk of %d bytes, longer than a message: %w", len(body), incident.ErrInvalid)
		}
		e := types.SendMessageBatchRequestEntry{MessageBody: aws.String(string(body))}
		if c.Group != "" {
			e.MessageGroupId = aws.String(groupID(c.Group))
		}
		posts[url] = append(posts[url], e)
	}
	var g errgroup.Group // not cancelled by an error: what is sent now need not be sent again
	g.SetLimit(atOnce)
	for _, url := range slices.Sorted(maps.Keys(posts)) {
		for _, batch := range batches(posts[url]) {
			g.Go(func() error { return q.batch.send(ctx, url, batch) })
		}
	}
	return g.Wait()
}

// batches parts entries, in their order, into what one call may carry.
func batches(entries []types.SendMessageBatchRequestEntry) (out [][]types.SendMessageBatchRequestEntry) {
	from, size := 0, 0
	for n, e := range entries {
		room := len(*e.MessageBody)
		if n-from == maxEntries || n > from && size+room > maxBytes {
			out = append(out, entries[from:n])
			from, size = n, 0
		}
		size += room
	}
	if from < len(entries) {
		out = append(out, entries[from:])
	}
	return out
}

// sendBatch is the client's call.
type sendBatch func(context.Context, *sqs.SendMessageBatchInput, ...func(*sqs.Options)) (*sqs.SendMessageBatchOutput, error)

// send sends one batch. The answer can be 200 and yet hold refusals: those are
// tried once more, and then are an error. Where the queue takes less than a batch
// may hold, the batch is halved.
func (call sendBatch) send(ctx context.Context, url string, entries []types.SendMessageBatchRequestEntry) error {
	left := slices.Clone(entries)
	for n := range left {
		left[n].Id = aws.String(strconv.Itoa(n))
	}
	var refused []types.BatchResultErrorEntry
	for range 2 {
		out, err := call(ctx, &sqs.SendMessageBatchInput{QueueUrl: &url, Entries: left})
		if _, long := errors.AsType[*types.BatchRequestTooLong](err); long && len(left) > 1 {
			half := len(left) / 2
			return errors.Join(call.send(ctx, url, left[:half]), call.send(ctx, url, left[half:]))
		}
		if err != nil {
			return fmt.Errorf("send %d messages: %w", len(left), err)
		}
		taken := map[string]bool{}
		for _, s := range out.Successful {
			taken[aws.ToString(s.Id)] = true
		}
		left = slices.DeleteFunc(left, func(e types.SendMessageBatchRequestEntry) bool { return taken[*e.Id] })
		if len(left) == 0 {
			return nil
		}
		refused = out.Failed
	}
	return fmt.Errorf("send %d messages: %d were refused: %s", len(entries), len(left), codes(refused))
}

// codes lists why entries were refused, each code once.
func codes(refused []types.BatchResultErrorEntry) string {
	var cs []string
	for _, r := range refused {
		cs = append(cs, aws.ToString(r.Code))
	}
	slices.Sort(cs)
	return strings.Join(slices.Compact(cs), ", ")
}
