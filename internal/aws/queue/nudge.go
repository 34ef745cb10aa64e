package queue

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"shirase/internal/announce"
)

const (
	// nudgeAhead is how far ahead a nudge is sent: the longest delay of SQS.
	nudgeAhead = 15 * time.Minute
	// nudgeLeast is the shortest delay. What is due is found by an index that
	// follows the table by a moment, and a delay of 0 would mean the queue's own.
	nudgeLeast = time.Second
	// nudgeWithin is how long a commit waits for SQS.
	nudgeWithin = time.Second
)

// The message of this package's one log line, and the keys of its attributes.
const (
	msgNudge = "nudge not sent"
	keyError = "error"
	keyCount = "count"
)

// Nudges commits as the store does, and then has the due function woken at the
// second at which something of the change falls due, where that is within 15
// minutes. The item in the store is the truth: a nudge that is lost costs up to a
// minute, one too many does nothing. It implements [announce.Committer].
type Nudges struct {
	announce.Committer

	batch sendBatch
	url   string
	kinds []announce.DueKind
	now   func() time.Time
	log   *slog.Logger
}

// NewNudges wraps a store. URL is the nudge queue's. Kinds are what nudges are
// sent for, none means all. The due function, which nudges wake, must name kinds
// that do not bring about themselves again, such as [announce.DueAuto]: Lambda
// stops a function that has woken itself some 16 times
// (https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html).
func NewNudges(
	store announce.Committer, client *sqs.Client, url string, now func() time.Time, log *slog.Logger, kinds ...announce.DueKind,
) *Nudges {
	return &Nudges{Committer: store, batch: client.SendMessageBatch, url: url, kinds: slices.Clone(kinds), now: now, log: log}
}

// Commit implements [announce.Committer]. A nudge that fails is logged and nothing
// else, since the change is made. Nothing is sent for a commit that may have been
// made although it ended in an error; the minute sweep finds what is due.
func (n *Nudges) Commit(ctx context.Context, c announce.Change) error {
	if err := n.Committer.Commit(ctx, c); err != nil {
		return err
	}
	entries, err := n.entries(c.Due)
	if err == nil {
		err = n.send(ctx, entries)
	}
	if err != nil {
		n.log.WarnContext(ctx, msgNudge, keyCount, len(entries), keyError, err.Error())
	}
	return nil
}

func (n *Nudges) send(ctx context.Context, entries []types.SendMessageBatchRequestEntry) error {
	ctx, cancel := context.WithTimeout(ctx, nudgeWithin)
	defer cancel()
	for _, b := range batches(entries) {
		if err := n.batch.send(ctx, n.url, b); err != nil {
			return err
		}
	}
	return nil
}

// entries answers one message for each second at which something falls due.
func (n *Nudges) entries(due []announce.Due) ([]types.SendMessageBatchRequestEntry, error) {
	now := n.now()
	at := map[int32]time.Time{} // the last of each delay
	var delays []int32
	for _, d := range due {
		wait := d.At.Sub(now)
		if wait > nudgeAhead || len(n.kinds) > 0 && !slices.Contains(n.kinds, d.Kind) {
			continue
		}
		s := seconds(max(wait, nudgeLeast))
		if was, ok := at[s]; !ok {
			delays, at[s] = append(delays, s), d.At
		} else if d.At.After(was) {
			at[s] = d.At
		}
	}
	slices.Sort(delays)
	var out []types.SendMessageBatchRequestEntry
	for _, s := range delays {
		body, err := json.Marshal(nudge{At: at[s].UTC()})
		if err != nil {
			return nil, fmt.Errorf("encode nudge: %w", err)
		}
		out = append(out, types.SendMessageBatchRequestEntry{MessageBody: aws.String(string(body)), DelaySeconds: s})
	}
	return out, nil
}

// nudge is the body of a nudge. Nobody decides by it: it is for people who look
// at the queue.
type nudge struct {
	At time.Time `json:"at"`
}
