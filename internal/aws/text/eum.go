package text

import (
	"context"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sms "github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2"
	"github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2/types"

	"shirase/internal/aws/once"
	"shirase/internal/channel"
	"shirase/internal/deliver"
)

// timeToLive is how long carriers may try a message: an update that is older has
// been followed by another.
const timeToLive = 4 * time.Hour

// EUM sends SMS by End User Messaging SMS. It implements deliver.Sender.
type EUM struct {
	send    func(context.Context, *sms.SendTextMessageInput, ...func(*sms.Options)) (*sms.SendTextMessageOutput, error)
	config  Config
	now     func() time.Time
	retryer aws.Retryer
}

// NewEUM makes a sender. The origin of the config must be active in the client's
// region.
func NewEUM(client *sms.Client, c Config, now func() time.Time) *EUM {
	return &EUM{send: client.SendTextMessage, config: c, now: now, retryer: once.NewRetryer()}
}

// Keyed answers false: SendTextMessage takes no idempotency key.
func (*EUM) Keyed() bool { return false }

// Send hands each envelope over. The id of an outcome is the MessageId of the
// service, which its events carry.
func (s *EUM) Send(ctx context.Context, es []deliver.Envelope, deadline time.Time) []deliver.Outcome {
	return channel.Wave(ctx, es, deadline, s.now, limit, s.one)
}

func (s *EUM) one(ctx context.Context, e deliver.Envelope) deliver.Outcome {
	ctx, cancel := context.WithTimeout(ctx, perText)
	defer cancel()
	out, err := s.send(ctx, &sms.SendTextMessageInput{
		DestinationPhoneNumber: aws.String(channel.Address(e)),
		OriginationIdentity:    optional(s.config.Origin),
		ConfigurationSetName:   optional(s.config.Set),
		MessageBody:            &e.Content.Text,
		MessageType:            types.MessageTypeTransactional,
		MaxPrice:               optional(s.config.MaxPrice),
		TimeToLive:             aws.Int32(int32(timeToLive / time.Second)),
		Context:                tags(e),
	}, func(o *sms.Options) {
		o.Retryer, o.HTTPClient = s.retryer, once.Patient(o.HTTPClient)
		o.APIOptions = append(o.APIOptions, once.Watch)
	})
	if err != nil {
		return deliver.Outcome{Failure: judge(err)}
	}
	return accepted(out.MessageId)
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// tags answers what a receipt of the envelope is matched by, under the names that
// mail uses too. There may be five at most, and no value may be empty.
//
// https://docs.aws.amazon.com/pinpoint/latest/apireference_smsvoicev2/API_SendTextMessage.html
func tags(e deliver.Envelope) map[string]string {
	m := map[string]string{}
	for name, value := range map[string]string{
		"incident": string(e.Incident), "channel": string(e.Channel), "recipient": string(e.Recipient), "key": e.Key,
	} {
		if value != "" {
			m[name] = value
		}
	}
	if e.Seq > 0 {
		m["seq"] = strconv.Itoa(e.Seq)
	}
	return m
}
