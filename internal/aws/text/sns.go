package text

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"

	"shirase/internal/aws/once"
	"shirase/internal/channel"
	"shirase/internal/deliver"
)

// limit is how many calls there are at once.
const limit = 10

// perText is how long one SMS may take, if the deadline is not sooner.
const perText = 30 * time.Second

// Config says how SMS are sent.
type Config struct {
	// Sender is the name shown where a country allows one: 1 to 11 letters and
	// digits, at least one letter; empty shows a number. EUM does not use it: its
	// origin decides.
	Sender string
	// MaxPrice is the most one message may cost, in US dollars, such as "0.20";
	// empty means no limit. A message that costs more is not sent.
	MaxPrice string
	// Origin is the origination identity that EUM sends from: a number, a sender
	// id or a pool, by id or ARN.
	Origin string
	// Set is the configuration set of EUM whose events come back as receipts;
	// empty sends without one.
	Set string
}

// SNS sends SMS by publishing to phone numbers. It implements deliver.Sender.
type SNS struct {
	publish    func(context.Context, *sns.PublishInput, ...func(*sns.Options)) (*sns.PublishOutput, error)
	attributes map[string]types.MessageAttributeValue
	now        func() time.Time
	retryer    aws.Retryer
}

// NewSNS makes a sender. Messages are transactional, which carriers deliver
// first.
//
// https://docs.aws.amazon.com/sns/latest/dg/sms_publish-to-phone.html
func NewSNS(client *sns.Client, c Config, now func() time.Time) *SNS {
	attributes := map[string]types.MessageAttributeValue{"AWS.SNS.SMS.SMSType": attribute("String", "Transactional")}
	if c.Sender != "" {
		attributes["AWS.SNS.SMS.SenderID"] = attribute("String", c.Sender)
	}
	if c.MaxPrice != "" {
		attributes["AWS.SNS.SMS.MaxPrice"] = attribute("Number", c.MaxPrice)
	}
	return &SNS{publish: client.Publish, attributes: attributes, now: now, retryer: once.NewRetryer()}
}

func attribute(kind, value string) types.MessageAttributeValue {
	return types.MessageAttributeValue{DataType: &kind, StringValue: &value}
}

// Keyed answers false: publishing to a number takes no idempotency key.
func (*SNS) Keyed() bool { return false }

// Send publishes each envelope to its number. The id of an outcome is the
// MessageId of SNS.
func (s *SNS) Send(ctx context.Context, es []deliver.Envelope, deadline time.Time) []deliver.Outcome {
	return channel.Wave(ctx, es, deadline, s.now, limit, s.one)
}

func (s *SNS) one(ctx context.Context, e deliver.Envelope) deliver.Outcome {
	ctx, cancel := context.WithTimeout(ctx, perText)
	defer cancel()
	out, err := s.publish(ctx, &sns.PublishInput{
		PhoneNumber: aws.String(channel.Address(e)), Message: &e.Content.Text, MessageAttributes: s.attributes,
	}, func(o *sns.Options) {
		o.Retryer, o.HTTPClient = s.retryer, once.Patient(o.HTTPClient)
		o.APIOptions = append(o.APIOptions, once.Watch)
	})
	if err != nil {
		return deliver.Outcome{Failure: once.Judge(err, knownSNS)}
	}
	return accepted(out.MessageId)
}

// accepted makes the outcome of a message that was taken.
func accepted(id *string) deliver.Outcome {
	if aws.ToString(id) == "" {
		return channel.Fail(deliver.TimedOut, errors.New("answer names no message"))
	}
	return deliver.Outcome{ID: *id}
}

// knownSNS says what the errors of a publication to a number mean. One about our
// own settings must not use up the tries of everybody.
//
// https://docs.aws.amazon.com/sns/latest/api/API_Publish.html#API_Publish_Errors
func knownSNS(a once.Answer) (deliver.Reason, bool) {
	switch a.Code {
	case "OptedOut", "OptedOutException":
		return deliver.Gone, true
	case "InvalidParameter", "InvalidParameterException", "ParameterValueInvalid", "ValidationException":
		switch {
		case a.Says("opted out"):
			return deliver.Gone, true
		case a.Says("AWS.SNS.SMS", "MessageAttribute", "SenderID", "MaxPrice"):
			return deliver.Unauthorised, true
		}
		return deliver.Rejected, true
	}
	return "", false
}
