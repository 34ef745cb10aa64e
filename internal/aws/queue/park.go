package queue

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// The attributes of a parked message, and the value that says that the body is
// not as it was found, but in base64.
const (
	attrID       = "id"
	attrQueue    = "queue"
	attrWhy      = "why"
	attrEncoding = "encoding"
	inBase64     = "base64"
)

// maxParked is how much of a body is kept, in bytes: what also fits on a queue that
// takes 256 KiB, as all did once. Only the beginning is ever shown, and a message
// that cannot be parked comes back for ever. maxReason is how much of a reason is.
const (
	maxParked = 240 << 10
	maxReason = 1 << 10
)

// Parking is the queue for what can never be handled. It implements
// handler.Parking.
type Parking struct {
	send func(context.Context, *sqs.SendMessageInput, ...func(*sqs.Options)) (*sqs.SendMessageOutput, error)
	url  string
}

// NewParking makes the queue of a URL.
func NewParking(client *sqs.Client, url string) *Parking { return &Parking{client.SendMessage, url} }

// Park implements handler.Parking. The queue knows no key, so that a body that is
// parked twice lies there twice; both have the same id, and [Lot.Parked] shows
// one. A body that SQS would refuse is kept in base64.
func (p *Parking) Park(ctx context.Context, queue string, body []byte, why string) error {
	attrs := map[string]types.MessageAttributeValue{attrID: text(parkID(queue, body))}
	if queue = allowed(queue, maxReason); queue != "" { // an attribute must not be empty
		attrs[attrQueue] = text(queue)
	}
	if why = allowed(why, maxReason); why != "" {
		attrs[attrWhy] = text(why)
	}
	kept := string(body[:min(len(body), maxParked)])
	if kept == "" || allowed(kept, maxParked) != kept {
		kept = base64.StdEncoding.EncodeToString(body[:min(len(body), maxParked/4*3)])
		attrs[attrEncoding] = text(inBase64)
	}
	if kept == "" {
		kept = "-" // a body must not be empty either; in base64 this decodes to nothing
	}
	_, err := p.send(ctx, &sqs.SendMessageInput{QueueUrl: &p.url, MessageBody: &kept, MessageAttributes: attrs})
	if err != nil {
		return fmt.Errorf("send to the parking queue: %w", err)
	}
	return nil
}

// parkID names a body of a queue.
func parkID(queue string, body []byte) string {
	h := sha256.New()
	// A hash takes everything.
	_, _ = h.Write([]byte(queue + "\x00"))
	_, _ = h.Write(body)
	return hex.EncodeToString(h.Sum(nil)[:16])
}

func text(s string) types.MessageAttributeValue {
	return types.MessageAttributeValue{DataType: aws.String("String"), StringValue: &s}
}

// allowed cuts a text to limit bytes and leaves out the characters that SQS
// refuses in bodies and attributes: all that XML 1.0 has no place for.
func allowed(s string, limit int) string {
	s = strings.ToValidUTF8(s[:min(len(s), limit)], "")
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t', r == '\n', r == '\r', r >= ' ' && r < 0xFFFE, r > 0xFFFF && r <= utf8.MaxRune:
			return r
		}
		return -1
	}, s)
}
