package bus

import (
	"context"
	"errors"
	"fmt"

	"shirase/internal/deliver"
	"shirase/internal/incident"
	"shirase/internal/message"
	"shirase/internal/plan"
)

// engineering answers the engineering text of an update in the organisation's
// first locale; nothing where there is none.
func (b *Bus) engineering(ctx context.Context, p deliver.Pointer) (mail, error) {
	pl, err := b.read.Plans.Current(ctx)
	if err != nil {
		return mail{}, fmt.Errorf("read plan: %w", err)
	}
	for _, a := range engineers(pl) {
		m, err := b.text(ctx, pl, p, a)
		if err != nil || m != (mail{}) {
			return m, err
		}
	}
	return mail{}, nil
}

// engineers lists the audiences that read engineering texts: the one of that name
// first, and those that inherit its texts, such as the team of a small plan.
func engineers(pl *plan.Plan) []incident.Audience {
	out := []incident.Audience{incident.Engineering}
	for _, a := range pl.Audiences {
		if a.Texts == incident.Engineering && a.ID != incident.Engineering {
			out = append(out, a.ID)
		}
	}
	return out
}

// text answers the stored mail of an update for an audience, without what only a
// reader of ours has; nothing where none is stored.
func (b *Bus) text(ctx context.Context, pl *plan.Plan, p deliver.Pointer, a incident.Audience) (mail, error) {
	l := pl.Organisation.Locales[0]
	msg, err := b.read.Messages.Message(ctx, p.Incident, p.Seq, a, l)
	if errors.Is(err, incident.ErrNotFound) {
		return mail{}, nil
	}
	if err != nil {
		return mail{}, fmt.Errorf("read text: %w", err)
	}
	c := message.Resolve(msg.Contents[incident.FamilyEmail], incident.FamilyEmail, l, message.Reader{}, pl.Organisation.Zone)
	return mail{subject: subject(c.Subject), text: c.Text}, nil
}
