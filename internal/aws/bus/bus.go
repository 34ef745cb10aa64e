package bus

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"

	"shirase/internal/deliver"
)

// The attributes of a pointer and their values, which subscriptions filter by. A
// pointer to a late subscriber is a kind of its own: every sign-up in mid-incident
// makes one, and no operator is to get a mail for each.
//
// There is none for channels. Whom an update reaches is not what its routes say:
// an end and a retraction go wherever the beginning went, so that a filter by
// routes would keep them from those who must hear them.
const (
	AttributeKind = "kind"
	KindUpdate    = "update"
	KindLate      = "late"
	KindMemo      = "memo"
	AttributeMode = "mode"
	ModeReal      = "real"
	ModeDrill     = "drill"
)

// Topics are the ARNs of topics.
type Topics struct {
	// Updates takes every pointer.
	Updates string
	// Notices is that of starter mode, whose readers are customers; empty where it
	// is off.
	Notices string
}

// Reads is what texts are read through. Incidents is only asked in starter mode.
type Reads struct {
	Messages  deliver.Messages
	Plans     Plans
	Incidents deliver.Incidents
}

// Bus publishes pointers. It implements announce.Bus.
type Bus struct {
	call func(context.Context, *sns.PublishInput, ...func(*sns.Options)) (*sns.PublishOutput, error)
	to   Topics
	read Reads
	now  func() time.Time
	log  *slog.Logger
}

// New makes a bus.
func New(client *sns.Client, to Topics, read Reads, now func() time.Time, log *slog.Logger) *Bus {
	return &Bus{call: client.Publish, to: to, read: read, now: now, log: log}
}

// The messages of this package's log lines, and the keys of their attributes.
const (
	msgText   = "engineering text left out"
	msgNotice = "notice not sent"
	msgBare   = "pointer published without a text"
	msgPlain  = "text published without a subject"

	keyIncident = "incident"
	keyUpdate   = "update"
	keyError    = "error"
)

// Publish implements announce.Bus. The pointer goes last, since it alone counts:
// whoever has it published again, after a crash or a lost answer, costs the readers
// of SNS email a mail that comes twice, for it takes no key. Texts and notices have
// half of the time, and what fails of them never holds up the pointer. A notice
// that may go at another try is an error all the same, so that all of it is
// published again: its readers have no other way to hear of it.
func (b *Bus) Publish(ctx context.Context, p deliver.Pointer, deadline time.Time) error {
	left := deadline.Sub(b.now())
	if left <= 0 {
		return fmt.Errorf("publish: %w", context.DeadlineExceeded)
	}
	ctx, cancel := context.WithTimeout(ctx, left)
	defer cancel()
	raw, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("encode pointer: %w", err)
	}
	var m mail
	var again error
	if p.Seq > 0 && p.Late == "" {
		m, again = b.beside(ctx, p, left/2)
	}
	in := sns.PublishInput{TopicArn: &b.to.Updates, MessageAttributes: attributes(p)}
	if err := b.publish(ctx, in, string(raw), m); err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	return again
}

// beside does what goes with the pointer of an update, within a time: it answers
// the mail for operators and sends that for customers. An error is one of the
// latter that another try may mend.
func (b *Bus) beside(ctx context.Context, p deliver.Pointer, within time.Duration) (m mail, again error) {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	log := b.log.With(keyIncident, p.Incident, keyUpdate, p.Seq)
	m, err := b.engineering(ctx, p)
	if err != nil {
		log.WarnContext(ctx, msgText, keyError, err.Error())
	}
	since, err := b.notice(ctx, p)
	if err != nil {
		log.WarnContext(ctx, msgNotice, keyError, err.Error())
		if passing(err) && b.now().Sub(since) < patience {
			return m, fmt.Errorf("publish notice: %w", err)
		}
	}
	return m, nil
}

// publish sends a pointer with the mail beside it. If SNS takes exception to what
// is beside it, the subject is left out, as [Bus.post] does, and then the text.
func (b *Bus) publish(ctx context.Context, in sns.PublishInput, pointer string, m mail) error {
	err := b.try(ctx, in, pointer, m)
	if refused(err) && m.subject != "" && m.text != "" {
		b.log.WarnContext(ctx, msgPlain, keyError, err.Error())
		m.subject = ""
		err = b.try(ctx, in, pointer, m)
	}
	if refused(err) && m != (mail{}) {
		b.log.WarnContext(ctx, msgBare, keyError, err.Error())
		err = b.try(ctx, in, pointer, mail{})
	}
	return err
}

// try sends a pointer with a mail beside it as they are.
func (b *Bus) try(ctx context.Context, in sns.PublishInput, pointer string, m mail) error {
	full, err := structured(pointer, m)
	if err != nil {
		return err
	}
	in.Message, in.MessageStructure = &full, &byProtocol
	if m.subject != "" {
		in.Subject = &m.subject
	}
	_, err = b.call(ctx, &in)
	return err
}

// attributes answers what subscriptions filter by.
func attributes(p deliver.Pointer) map[string]types.MessageAttributeValue {
	kind, mode := KindUpdate, ModeReal
	switch {
	case p.Slot != "":
		kind = KindMemo
	case p.Late != "":
		kind = KindLate
	}
	if p.Incident.Drill() {
		mode = ModeDrill
	}
	return map[string]types.MessageAttributeValue{
		AttributeKind: {DataType: &stringType, StringValue: &kind},
		AttributeMode: {DataType: &stringType, StringValue: &mode},
	}
}

// They are variables since the client takes their addresses.
var stringType, byProtocol = "String", "json"

// publishWithin is how long whoever knows no deadline waits.
const publishWithin = time.Second

// Publisher is the bus for package subscribe, which leaves the deadline to us. It
// implements subscribe.Publisher.
type Publisher struct{ bus *Bus }

// NewPublisher makes a publisher of a bus.
func NewPublisher(b *Bus) Publisher { return Publisher{b} }

// Publish publishes a pointer within a second.
func (p Publisher) Publish(ctx context.Context, to deliver.Pointer) error {
	return p.bus.Publish(ctx, to, p.bus.now().Add(publishWithin))
}
