package handler

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"shirase/internal/incident"
	"shirase/internal/subscribe"
)

// A Receipt handles a queue of what SES and End User Messaging SMS say later:
// bounces, complaints, delivery of SMS, and what people write back. What nobody
// here understands is parked, with addresses and numbers masked.
type Receipt struct {
	Queue
	Receipts Receipts
}

// Handle takes a batch and answers an [events.SQSEventResponse]. The summary line
// counts receipts by kind, and what came of them.
func (h Receipt) Handle(ctx context.Context, raw json.RawMessage) (any, error) {
	h.kinds = map[string]int{}
	h.Parking = maskedParking{h.Parking}
	return h.run(ctx, "receipt", raw, func(m events.SQSMessage, _ time.Time) (verdict, error) {
		rs, err := readReceipts([]byte(m.Body))
		if err != nil {
			return verdict{}, fmt.Errorf("%w: %w", err, incident.ErrInvalid)
		}
		for _, r := range rs {
			effect, err := h.Receipts.Receive(ctx, r)
			if err != nil {
				return verdict{}, fmt.Errorf("take a receipt: %w", err)
			}
			h.kinds[string(r.Kind)]++
			if effect != "" {
				h.kinds[string(effect)]++
			}
		}
		return verdict{}, nil
	})
}

// The names under which a message carries what its receipt is matched by. The
// senders of mail and SMS write the same.
const (
	tagIncident  = "incident"
	tagRecipient = "recipient"
)

var (
	errReceipt = errors.New("no receipt that is known here")
	errNobody  = errors.New("a receipt that names no recipient")
	errPhrase  = errors.New("a receipt of a kind that is not known here")
)

// receiptProbe tells the shapes apart.
type receiptProbe struct {
	Type              json.RawMessage `json:"Type"`
	Message           json.RawMessage `json:"Message"`
	EventType         string          `json:"eventType"`
	NotificationType  string          `json:"notificationType"`
	Mail              json.RawMessage `json:"mail"`
	InboundMessageID  string          `json:"inboundMessageId"`
	OriginationNumber string          `json:"originationNumber"`
}

// validated begins what SES publishes, as plain text, when a topic is made the
// destination of events; identity notifications say it in JSON.
const (
	validated      = "Successfully validated SNS topic for Amazon SES"
	validatedTopic = "AmazonSnsSubscriptionSucceeded"
)

// readReceipts reads the receipts of a message: delivered raw, or in the envelope
// that SNS adds without raw delivery.
func readReceipts(body []byte) ([]subscribe.Receipt, error) { return readReceipt(body, 0) }

func readReceipt(body []byte, depth int) ([]subscribe.Receipt, error) {
	switch {
	case len(body) > MaxBody:
		return nil, errTooLong
	case depth > maxWraps:
		return nil, errNested
	case bytes.HasPrefix(body, []byte(validated)):
		return nil, nil
	}
	var p receiptProbe
	if err := unmarshal(body, &p); err != nil {
		return nil, err
	}
	switch {
	case present(p.Type):
		m, err := snsMessage(probe{Type: p.Type, Message: p.Message})
		if err != nil {
			return nil, err
		}
		return readReceipt(m, depth+1)
	case p.NotificationType == validatedTopic:
		return nil, nil
	case present(p.Mail):
		return readMailEvent(body)
	case p.EventType != "":
		return readTextEvent(body)
	case p.InboundMessageID != "" && p.OriginationNumber != "":
		return readReply(body)
	}
	return nil, errReceipt
}

// tagged answers what a message carried with it. A value that we cannot have
// written counts as none.
func tagged(tag func(name string) string) (about incident.ID, to incident.RecipientID) {
	if id := tag(tagIncident); plainTag(id, maxTag) {
		about = incident.ID(id)
	}
	if r := tag(tagRecipient); len(r) == recipientLength && plainTag(r, recipientLength) {
		to = incident.RecipientID(r)
	}
	return about, to
}

const (
	// maxTag is the longest value of a tag that SES takes.
	maxTag = 256
	// recipientLength is how long a recipient's id is.
	recipientLength = 32
)

func plainTag(s string, limit int) bool {
	for _, b := range []byte(s) {
		if (b|0x20 < 'a' || b|0x20 > 'z') && (b < '0' || b > '9') && b != '-' && b != '_' {
			return false
		}
	}
	return s != "" && len(s) <= limit
}

// maskedParking parks messages without the addresses in them, since people look
// at what is parked, and it is kept.
type maskedParking struct{ Parking }

// Park implements Parking.
func (p maskedParking) Park(ctx context.Context, queue string, body []byte, why string) error {
	return p.Parking.Park(ctx, queue, maskAddresses(body), why)
}

var (
	mailLike   = regexp.MustCompile(`[^\s"'<>()\[\],;:\\]+@[^\s"'<>()\[\],;:\\]+`)
	numberLike = regexp.MustCompile(`\+\d[\d ()-]{5,20}\d`)
)

// maskAddresses hides whatever looks like a mail address, or like a phone number
// in the form that AWS writes them in.
func maskAddresses(body []byte) []byte {
	body = mailLike.ReplaceAll(body, []byte("[address]"))
	return numberLike.ReplaceAll(body, []byte("[number]"))
}
