package bus

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/aws/smithy-go"

	"shirase/internal/deliver"
	"shirase/internal/incident"
	"shirase/internal/plan"
)

// patience is how long after an update its notice is still tried. Each try is a
// minute after the last, and costs operators a mail that comes again.
const patience = 10 * time.Minute

// notice sends the customers' text of an update to the topic of starter mode, if
// there is one, the update is for its readers, and nothing has come between. No
// other audience's text goes there, whatever the plan says. It answers when the
// update was accepted: now, as long as that is not known.
func (b *Bus) notice(ctx context.Context, p deliver.Pointer) (since time.Time, err error) {
	since = b.now()
	if b.to.Notices == "" || p.Incident.Drill() {
		return since, nil
	}
	u, err := b.update(ctx, p.Incident, p.Seq)
	if err != nil {
		return since, err
	}
	return u.At, b.tell(ctx, p, u)
}

// tell sends the notice of an update, unless it is not for customers.
func (b *Bus) tell(ctx context.Context, p deliver.Pointer, u incident.Update) error {
	if concerned, err := b.concerns(ctx, u); err != nil || !concerned {
		return err
	}
	inc, err := b.read.Incidents.Incident(ctx, p.Incident)
	if err != nil {
		return fmt.Errorf("read incident: %w", err)
	}
	if over, err := b.overtaken(ctx, inc.Snapshot(), p.Seq); err != nil || over {
		return err
	}
	pl, err := b.read.Plans.Current(ctx)
	if err != nil {
		return fmt.Errorf("read plan: %w", err)
	}
	pinned, err := b.read.Plans.Version(ctx, inc.Snapshot().Plan)
	if err != nil {
		return fmt.Errorf("read the incident's plan: %w", err)
	}
	if !public(pl) || !public(pinned) {
		return nil
	}
	m, err := b.text(ctx, pl, p, incident.Customers)
	if err != nil || m == (mail{}) {
		return err
	}
	return b.post(ctx, b.to.Notices, m)
}

// public reports whether customers are an audience of a plan to which its texts
// may be shown outside. The parser gives those confirmed facts only. An incident's
// texts come from the version that it began with, so that one counts as well.
func public(p *plan.Plan) bool {
	a, ok := p.Audience(incident.Customers)
	return ok && a.Public
}

// overtaken reports whether an update has been taken back since, or a newer one
// that is for customers stands.
func (b *Bus) overtaken(ctx context.Context, s incident.Snapshot, seq int) (bool, error) {
	if s.Lines[seq-1].Withdrawn() {
		return true, nil
	}
	for _, l := range s.Lines[seq:] {
		if l.Kind == incident.Retraction || l.Withdrawn() {
			continue // what stood before it counts again
		}
		newer, err := b.update(ctx, s.ID, l.Seq)
		if err != nil {
			return false, err
		}
		if concerned, err := b.concerns(ctx, newer); err != nil || concerned {
			return concerned, err
		}
	}
	return false, nil
}

// concerns reports whether an update is for customers by mail: its routes say so,
// or it mends one that was, or it ends what they were told the beginning of.
func (b *Bus) concerns(ctx context.Context, u incident.Update) (bool, error) {
	earlier := 0
	switch {
	case u.Kind.Mends():
		of, err := b.update(ctx, u.Incident, u.Of)
		if err != nil {
			return false, err
		}
		return b.concerns(ctx, of)
	case routed(u):
		return true, nil
	case ends(u):
		earlier = u.Seq - 1
	}
	for seq := earlier; seq > 0; seq-- {
		before, err := b.update(ctx, u.Incident, seq)
		if err != nil || routed(before) {
			return err == nil, err
		}
	}
	return false, nil
}

// routed reports whether the cadence told customers of an update by mail.
func routed(u incident.Update) bool {
	return slices.Contains(u.Routes, incident.Route{Audience: incident.Customers, Channel: incident.Email})
}

// ends reports whether an update is the end for its readers.
func ends(u incident.Update) bool {
	if u.Kind == incident.Report || u.Kind == incident.FollowUp {
		return false
	}
	return u.MergedInto != "" || u.Stage == incident.Resolved || u.Stage == incident.Completed
}

func (b *Bus) update(ctx context.Context, id incident.ID, seq int) (incident.Update, error) {
	u, err := b.read.Incidents.Update(ctx, id, seq)
	if err != nil {
		return incident.Update{}, fmt.Errorf("read update %d: %w", seq, err)
	}
	return u, nil
}

// post sends a mail to all readers of a topic. A subject that SNS takes exception
// to is left out.
func (b *Bus) post(ctx context.Context, topic string, m mail) error {
	text := cut(m.text, maxMessage)
	in := sns.PublishInput{TopicArn: &topic, Message: &text}
	if m.subject != "" {
		in.Subject = &m.subject
	}
	_, err := b.call(ctx, &in)
	if refused(err) && in.Subject != nil {
		in.Subject = nil
		_, err = b.call(ctx, &in)
	}
	if err != nil {
		return fmt.Errorf("publish text: %w", err)
	}
	return nil
}

// passing reports whether what failed may go at another try: all but what is not
// there and what SNS takes exception to.
func passing(err error) bool {
	if errors.Is(err, incident.ErrNotFound) {
		return false
	}
	if _, slow := errors.AsType[*types.ThrottledException](err); slow {
		return true
	}
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		return true // no answer, or none in time
	}
	_, slow := retry.DefaultThrottleErrorCodes[api.ErrorCode()]
	return slow || api.ErrorFault() != smithy.FaultClient
}
