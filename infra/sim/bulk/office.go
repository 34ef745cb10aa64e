package bulk

import (
	"context"
	"strconv"
	"time"

	"shirase/internal/deliver"
	"shirase/internal/incident"
	"shirase/internal/message"
	"shirase/internal/plan"
)

// outage is the one incident of a drain.
const outage incident.ID = "drain"

// An office keeps one incident with its updates, and a plan of one channel. It
// implements deliver.Incidents, deliver.Messages and deliver.Plans.
type office struct {
	plan     *plan.Plan
	incident incident.Incident
	updates  []incident.Update
}

func newOffice() (*office, error) {
	inc, err := incident.Open(incident.Opening{
		ID: outage, Kind: incident.Outage, Severity: incident.Major, Components: []incident.ComponentID{component},
		DetectedAt: begin, At: begin, By: "drain",
	})
	if err != nil {
		return nil, err
	}
	return &office{incident: inc, plan: &plan.Plan{
		Organisation: plan.Organisation{Zone: time.UTC, Locales: []incident.Locale{"en"}},
		Components:   []plan.Component{{ID: component}},
		Audiences:    []plan.Audience{{ID: incident.Customers, Public: true}},
	}}, nil
}

// publish accepts the next update and answers its pointer.
func (o *office) publish(now time.Time) (deliver.Pointer, error) {
	kind := incident.Progress
	if o.incident.Seq() == 0 {
		kind = incident.Notice
	}
	inc, u, err := o.incident.Accept(incident.Proposal{
		Kind: kind, Stage: incident.Investigating, By: "drain", Next: now.Add(30 * time.Minute),
		Routes: []incident.Route{{Audience: incident.Customers, Channel: incident.Email}},
	}, now)
	if err != nil {
		return deliver.Pointer{}, err
	}
	o.incident, o.updates = inc, append(o.updates, u)
	return deliver.Pointer{Incident: outage, Seq: u.Seq}, nil
}

// Incident implements deliver.Incidents.
func (o *office) Incident(_ context.Context, id incident.ID) (incident.Incident, error) {
	if id != outage {
		return incident.Incident{}, incident.ErrNotFound
	}
	return o.incident, nil
}

// Update implements deliver.Incidents.
func (o *office) Update(_ context.Context, id incident.ID, seq int) (incident.Update, error) {
	if id != outage || seq < 1 || seq > len(o.updates) {
		return incident.Update{}, incident.ErrNotFound
	}
	return o.updates[seq-1], nil
}

// Live implements deliver.Incidents.
func (o *office) Live(context.Context) ([]incident.Incident, error) {
	return []incident.Incident{o.incident}, nil
}

// Message implements deliver.Messages. A text is the number of its update.
func (o *office) Message(_ context.Context, id incident.ID, seq int, a incident.Audience, l incident.Locale) (message.Message, error) {
	if id != outage || seq < 1 || seq > len(o.updates) || l != "en" {
		return message.Message{}, incident.ErrNotFound
	}
	return message.Message{Incident: id, Seq: seq, Audience: a, Locale: l, Contents: map[incident.Family]message.Content{
		incident.FamilyEmail: {Subject: "Update", Text: strconv.Itoa(seq)},
	}}, nil
}

// Memo implements deliver.Messages. There are none.
func (o *office) Memo(context.Context, incident.ID, string) (deliver.Memo, error) {
	return deliver.Memo{}, incident.ErrNotFound
}

// Current implements deliver.Plans.
func (o *office) Current(context.Context) (*plan.Plan, error) { return o.plan, nil }
