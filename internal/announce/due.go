package announce

import (
	"context"
	"errors"
	"fmt"
	"time"

	"shirase/internal/incident"
	"shirase/internal/message"
	"shirase/internal/plan"
)

// sweepPage is how many due items or outbox items one sweep takes at a time.
const sweepPage = 100

// sweepAfter is how long an outbox item may wait for the handler that wrote it
// before the sweep publishes it.
const sweepAfter = 5 * time.Second

// Sweep does everything that is due at now, oldest first, and publishes what
// was left in the outbox. It may run twice, also at once: each occasion is
// handled by whoever deletes its item.
func (s *Service) Sweep(ctx context.Context, now time.Time) error {
	var faults []error
	left, err := s.Agenda.Outbox(ctx, now.Add(-sweepAfter), sweepPage)
	if err != nil {
		faults = append(faults, fmt.Errorf("read outbox: %w", err))
	}
	for _, p := range left {
		if err := s.publish(ctx, p); err != nil {
			faults = append(faults, err)
			break
		}
	}
	for {
		ds, err := s.Agenda.Due(ctx, now, sweepPage)
		if err != nil {
			return errors.Join(append(faults, fmt.Errorf("read due items: %w", err))...)
		}
		failed := 0
		for _, d := range ds {
			if err := racing(ctx, func() error { return s.happen(ctx, d) }); err != nil {
				faults = append(faults, fmt.Errorf("due %s of %s: %w", d.Kind, d.Incident, err))
				failed++
			}
		}
		if len(ds) < sweepPage || failed > 0 {
			return errors.Join(faults...)
		}
	}
}

// happen does one due item, or drops it if it has become pointless.
func (s *Service) happen(ctx context.Context, d Due) error {
	if waits, err := s.Agenda.Awaits(ctx, d.ID); err != nil {
		return fmt.Errorf("read due item: %w", err)
	} else if !waits {
		return nil // somebody else has handled it
	}
	c := Change{Drop: []DueID{d.ID}}
	inc, err := s.Incidents.Incident(ctx, d.Incident)
	if errors.Is(err, incident.ErrNotFound) {
		return s.commit(ctx, c)
	}
	if err != nil {
		return fmt.Errorf("read incident: %w", err)
	}
	pl, err := s.Plans.Current(ctx)
	if err != nil {
		return fmt.Errorf("read plan: %w", err)
	}
	o := occurrence{Service: s, plan: pl, due: d, inc: inc, snap: inc.Snapshot(), now: s.Now()}
	if inc.Live() {
		err = o.fill(ctx, &c)
	}
	if err != nil {
		return err
	}
	return s.commit(ctx, c)
}

// occurrence is a due item whose time has come, with the incident as it is.
type occurrence struct {
	*Service
	plan *plan.Plan
	due  Due
	inc  incident.Incident
	snap incident.Snapshot
	now  time.Time
}

// fill adds to the change what the occasion asks for.
func (o occurrence) fill(ctx context.Context, c *Change) error {
	switch o.due.Kind {
	case DueHold:
		return o.hold(ctx, c)
	case DueAuto:
		return o.auto(ctx, c)
	case DueEscalate:
		return o.escalate(ctx, c)
	case DueRemind:
		return o.remind(c)
	case DueLapse:
		return o.lapse(ctx, c)
	case DueOutlook:
		return o.outlook(ctx, c)
	case DueReminder, DueStart, DueEnd:
		return o.work(ctx, c)
	}
	return fmt.Errorf("due kind %q: %w", o.due.Kind, incident.ErrInvalid)
}

// hold ends the hold: what has cleared was a flap and ends unheard; what has
// not is put before the on-call member, or published if the rule says so.
func (o occurrence) hold(ctx context.Context, c *Change) error {
	if o.snap.Seq > 0 {
		return nil
	}
	firing, err := o.firing(ctx, o.inc.ID(), "")
	if err != nil {
		return err
	}
	if !firing {
		after, err := o.inc.Dismiss(o.now)
		if err != nil {
			return err
		}
		c.Incidents = []Versioned{{Incident: after, Base: o.inc.Version()}}
		return o.slots(ctx, c, o.inc, after)
	}
	rule, err := o.rule(ctx)
	if err != nil {
		return err
	}
	var autoAt time.Time
	if rule.Publish == plan.PublishAuto {
		autoAt = o.due.At.Add(rule.After)
	}
	return o.propose(ctx, c, o.inc, UpdateInput{}, autoAt, message.MemoDraft)
}

// rule answers the most forward rule among the incident's firing alarms: one
// that may publish by itself wins over one that may not, the sooner over the later.
func (o occurrence) rule(ctx context.Context) (plan.AlarmRule, error) {
	signals, err := o.signals(ctx, o.inc.ID())
	if err != nil {
		return plan.AlarmRule{}, err
	}
	var best plan.AlarmRule
	for _, sig := range signals {
		r, ok := o.plan.Match(sig)
		if !ok || sig.State != incident.SignalAlarm {
			continue
		}
		if r.Publish == plan.PublishAuto && (best.Publish != plan.PublishAuto || r.After < best.After) {
			best = r
		}
	}
	return best, nil
}

// auto publishes the notice that nobody has confirmed, unless a person has
// taken it on, the alarms have cleared, or data may be lost or exposed.
func (o occurrence) auto(ctx context.Context, c *Change) error {
	d, err := o.Drafts.Draft(ctx, o.due.Draft)
	if err != nil {
		return fmt.Errorf("read draft: %w", err)
	}
	if d.State != DraftOpen || o.snap.Seq > 0 || o.snap.AckedBy != "" || o.snap.Facts.Data.Value.Grave() {
		return nil
	}
	firing, err := o.firing(ctx, o.inc.ID(), "")
	if err != nil || !firing {
		return err
	}
	p, err := o.prepare(ctx, o.inc, UpdateInput{Kind: incident.Automatic}, author, o.now)
	if err != nil {
		return err
	}
	return o.announce(ctx, c, p)
}

// escalate calls the next member.
func (o occurrence) escalate(ctx context.Context, c *Change) error {
	d, err := o.Drafts.Draft(ctx, o.due.Draft)
	if err != nil {
		return fmt.Errorf("read draft: %w", err)
	}
	if d.State != DraftOpen || o.snap.AckedBy != "" {
		return nil
	}
	if d.staleAt(o.inc, o.now) {
		pinned, err := o.pinned(ctx, o.snap.Plan)
		if err != nil {
			return err
		}
		if d, err = o.Service.fill(ctx, pinned, d, o.inc, o.now); err != nil {
			return err
		}
	} else {
		d.Revision++
	}
	if err := o.callOut(ctx, c, o.plan, &d, o.inc, message.MemoEscalation, o.now); err != nil {
		return err
	}
	// The new escalation has the old one's id, so it replaces it.
	c.replace(o.due.ID)
	c.Drafts = append(c.Drafts, d)
	return nil
}

// replace keeps a due item that the change both drops and puts again.
func (c *Change) replace(id DueID) {
	for _, d := range c.Due {
		if d.ID == id {
			c.Drop = nil
		}
	}
}

// promised reports whether the promise that the due item hangs on is still the
// open one.
func (o occurrence) promised() (incident.Promise, bool) {
	p, ok := o.inc.Promise()
	return p, ok && p.Seq == o.due.Seq
}

// remind tells the on-call member that a promise is about to lapse. A reminder
// that comes after the promise would only repeat what the holding text says.
func (o occurrence) remind(c *Change) error {
	p, ok := o.promised()
	if !ok || !o.now.Before(p.By) {
		return nil
	}
	return o.nag(c, message.MemoReminder, fmt.Sprintf("%s/%d", o.inc.ID(), p.Seq), p.By)
}

// nag writes to the on-call member about something that lapses at a time.
func (o occurrence) nag(c *Change, kind message.MemoKind, about string, at time.Time) error {
	m, ok := onCall(o.plan, 0)
	if !ok {
		return nil
	}
	ms, err := o.memos(o.plan, m, call{
		kind: kind, about: about, input: message.MemoInput{Incident: &o.snap, Due: at}, voidAfter: o.snap.Seq, until: at,
	}, o.now)
	if err != nil {
		return err
	}
	c.Memos = append(c.Memos, ms...)
	return nil
}

// lapse publishes the holding text: the promise was not kept, we say so, and
// promise anew from now on. However long we were away, it is one message.
func (o occurrence) lapse(ctx context.Context, c *Change) error {
	if _, ok := o.promised(); !ok {
		return nil
	}
	in := UpdateInput{Kind: incident.Holding}
	if out := o.snap.Facts.Outlook; out.Known() && !out.Value.ValidAt(o.now) {
		in.Facts.Outlook = o.nobodyCanTell()
	}
	p, err := o.prepare(ctx, o.inc, in, author, o.now)
	if err != nil {
		return err
	}
	return o.announce(ctx, c, p)
}

func (o occurrence) nobodyCanTell() incident.Fact[incident.Outlook] {
	return incident.Fact[incident.Outlook]{Value: incident.UnknownOutlook(), State: incident.Confirmed, Source: author, At: o.now}
}

// outlook asks for a newer outlook before the old one expires, and at the last
// moment says that nobody can tell, so that no expired window stands.
func (o occurrence) outlook(ctx context.Context, c *Change) error {
	out := o.snap.Facts.Outlook
	if out.Value.Kind() != incident.OutlookWindow || o.snap.Stage == incident.Monitoring {
		return nil
	}
	until := out.Value.ValidUntil()
	if until.Unix() != o.until() {
		return nil // there is a newer one
	}
	if o.due.Lead > 0 {
		if !o.now.Before(until) {
			return nil
		}
		return o.nag(c, message.MemoOutlook, fmt.Sprintf("%s/%d", o.inc.ID(), until.Unix()), until)
	}
	p, err := o.prepare(ctx, o.inc, UpdateInput{Kind: incident.Progress, Facts: incident.Facts{Outlook: o.nobodyCanTell()}}, author, o.now)
	if err != nil {
		return err
	}
	return o.announce(ctx, c, p)
}

// until answers the expiry that the due item was made for.
func (o occurrence) until() int64 {
	if o.due.Lead > 0 {
		return o.due.At.Add(o.due.Lead).Unix()
	}
	return o.due.At.Add(outlookMargin).Unix()
}

// work does what planned work has coming: reminders, its start, and at its
// planned end the honest word that we are checking, with a draft for whoever
// can say that it is completed.
func (o occurrence) work(ctx context.Context, c *Change) error {
	w := o.snap.Window
	var in UpdateInput
	switch {
	case o.due.Kind == DueReminder && o.snap.Stage == incident.Scheduled && o.now.Before(w.From) && o.due.At.Add(o.due.Lead).Equal(w.From):
		in = UpdateInput{Kind: incident.Progress, Stage: incident.Scheduled}
	case o.due.Kind == DueStart && o.snap.Stage == incident.Scheduled && o.due.At.Equal(w.From):
		in = UpdateInput{Stage: incident.InProgress}
	case o.due.Kind == DueEnd && o.snap.Stage == incident.InProgress && o.due.At.Equal(w.To):
		in = UpdateInput{Stage: incident.Verifying}
	default:
		return nil
	}
	p, err := o.prepare(ctx, o.inc, in, author, o.now)
	if err != nil {
		return err
	}
	if err := o.announce(ctx, c, p); err != nil {
		return err
	}
	if in.Stage == incident.Verifying {
		return o.propose(ctx, c, p.after, UpdateInput{Stage: incident.Completed}, time.Time{}, message.MemoDraft)
	}
	return nil
}
