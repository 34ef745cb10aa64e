package mail

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/sesv2/types"

	"shirase/internal/aws/once"
	"shirase/internal/channel"
	"shirase/internal/channel/email"
	"shirase/internal/deliver"
)

// limit is how many calls there are at once: those of one wave.
const limit = 16

// perMail is how long one mail may take, if the deadline is not sooner.
const perMail = 30 * time.Second

// Sender sends mail by SES. It implements deliver.Sender.
type Sender struct {
	send    func(context.Context, *sesv2.SendEmailInput, ...func(*sesv2.Options)) (*sesv2.SendEmailOutput, error)
	set     string
	from    func(context.Context) (email.From, error)
	now     func() time.Time
	retryer aws.Retryer
}

// New makes a sender. Set is the configuration set whose events come back as
// receipts; empty sends without one. From is asked once for every wave, so that
// the plan as it is decides; its address must be of an identity that is verified
// in the client's region.
func New(client *sesv2.Client, set string, from func(context.Context) (email.From, error), now func() time.Time) *Sender {
	return &Sender{send: client.SendEmail, set: set, from: from, now: now, retryer: once.NewRetryer()}
}

// Keyed answers false: SES takes no idempotency key, so a repeat may be seen twice.
func (*Sender) Keyed() bool { return false }

// Send hands each envelope to SES as a mail of its own. The id of an outcome is
// the MessageId of SES.
func (s *Sender) Send(ctx context.Context, es []deliver.Envelope, deadline time.Time) []deliver.Outcome {
	from := sync.OnceValues(func() (email.From, error) { return s.from(ctx) })
	return channel.Wave(ctx, es, deadline, s.now, limit, func(ctx context.Context, e deliver.Envelope) deliver.Outcome {
		f, err := from()
		if err != nil {
			return channel.Fail(deliver.Unavailable, fmt.Errorf("read sender: %w", err))
		}
		return s.one(ctx, e, f)
	})
}

func (s *Sender) one(ctx context.Context, e deliver.Envelope, from email.From) deliver.Outcome {
	m, err := email.Compose(e, from)
	if err != nil {
		return channel.Fail(deliver.Rejected, fmt.Errorf("build mail: %w", err))
	}
	in := &sesv2.SendEmailInput{
		FromEmailAddress: &m.From,
		Destination:      &types.Destination{ToAddresses: []string{m.To}},
		Content:          &types.EmailContent{Raw: &types.RawMessage{Data: m.Bytes}},
		EmailTags:        Tags(e),
	}
	if s.set != "" {
		in.ConfigurationSetName = &s.set
	}
	ctx, cancel := context.WithTimeout(ctx, perMail)
	defer cancel()
	out, err := s.send(ctx, in, func(o *sesv2.Options) {
		o.Retryer, o.HTTPClient = s.retryer, once.Patient(o.HTTPClient)
		o.APIOptions = append(o.APIOptions, once.Watch)
	})
	if err != nil {
		return deliver.Outcome{Failure: judge(err, m.From)}
	}
	if aws.ToString(out.MessageId) == "" {
		return channel.Fail(deliver.TimedOut, errors.New("answer names no message"))
	}
	return deliver.Outcome{ID: *out.MessageId}
}

// The names of the tags that a mail carries, and of the context of an SMS.
const (
	TagIncident  = "incident"
	TagSeq       = "seq"
	TagKind      = "kind"
	TagChannel   = "channel"
	TagRecipient = "recipient"
	// TagKey is the envelope's key, which tells the memos of one person apart.
	TagKey = "key"
)

// Tags answers what a receipt of the envelope is matched by. SES refuses a mail
// with a value of anything but letters, digits, "-" and "_", or one longer than
// 256; such a value is left out, since a mail is worth more than its receipt.
//
// https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_MessageTag.html
func Tags(e deliver.Envelope) []types.MessageTag {
	seq := ""
	if e.Seq > 0 {
		seq = strconv.Itoa(e.Seq)
	}
	var tags []types.MessageTag
	for _, t := range [...]struct{ name, value string }{
		{TagIncident, string(e.Incident)},
		{TagSeq, seq},
		{TagKind, e.Kind},
		{TagChannel, string(e.Channel)},
		{TagRecipient, string(e.Recipient)},
		{TagKey, e.Key},
	} {
		if taggable(t.value) {
			tags = append(tags, types.MessageTag{Name: aws.String(t.name), Value: aws.String(t.value)})
		}
	}
	return tags
}

func taggable(s string) bool {
	for _, b := range []byte(s) {
		if (b|0x20 < 'a' || b|0x20 > 'z') && (b < '0' || b > '9') && b != '-' && b != '_' {
			return false
		}
	}
	return s != "" && len(s) <= 256
}
