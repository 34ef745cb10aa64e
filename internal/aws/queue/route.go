package queue

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"shirase/internal/deliver"
	"shirase/internal/incident"
)

// route answers the URL of the queue of a chunk.
func (q *Chunks) route(ctx context.Context, c deliver.Chunk) (string, error) {
	main, twin := q.family(q.families[c.Channel])
	if main == "" {
		return "", fmt.Errorf("queue for channel %s: %w", c.Channel, incident.ErrNotFound)
	}
	if twin == "" {
		return main, nil
	}
	aside, err := q.aside(ctx, c)
	if err != nil {
		return "", fmt.Errorf("read memo: %w", err)
	}
	if aside {
		return twin, nil
	}
	return main, nil
}

// family answers the queues of a family; twin is empty where it has none.
func (q *Chunks) family(f incident.Family) (main, twin string) {
	switch f {
	case incident.FamilyEmail:
		return q.at.Email, q.at.EmailTwin
	case incident.FamilySMS:
		return q.at.SMS, q.at.SMSTwin
	case incident.FamilyWebhook:
		return q.at.Webhook, q.at.WebhookTwin
	case incident.FamilySocial, incident.FamilyChat:
		return q.at.Post, ""
	}
	return "", ""
}

// aside reports whether a chunk must not stand among updates: of a drill, a
// confirmation or a reminder. Drafts and escalations are as urgent as updates.
func (q *Chunks) aside(ctx context.Context, c deliver.Chunk) (bool, error) {
	if c.Incident.Drill() {
		return true, nil
	}
	if c.Slot == "" {
		return false, nil
	}
	m, err := q.memos.Memo(ctx, c.Incident, c.Slot)
	if errors.Is(err, incident.ErrNotFound) {
		return false, nil
	}
	return m.Kind == deliver.KindConfirmation || m.Kind == deliver.KindReminder, err
}

// maxGroup is the longest message group.
const maxGroup = 128

// groupID answers a group as SQS takes it: up to 128 visible ASCII characters.
// Another name, of a room or a long host, goes by its hash. Groups on standard
// queues keep one that is slow from holding up the others
// (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-fair-queues.html).
func groupID(group string) string {
	if len(group) <= maxGroup && !hasOther(group) {
		return group
	}
	h := sha256.Sum256([]byte(group))
	return hex.EncodeToString(h[:])
}

// hasOther reports whether a text holds anything but visible ASCII characters.
func hasOther(s string) bool {
	for n := range len(s) {
		if s[n] < '!' || s[n] > '~' {
			return true
		}
	}
	return false
}
