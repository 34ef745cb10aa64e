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

// sweepFaults is how many outbox items may fail before a sweep leaves the rest to
// the next: one that is stuck must not hold up the others, and a bus that is down
// not what is due.
const sweepFaults = 3

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
			if faults = append(faults, err); len(faults) >= sweepFaults {
				break
			}
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
	switch {
	case d.Kind == DueAfter && !inc.Live():
		err = o.leftover(ctx)
	case d.Kind != DueAfter && inc.Live():
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
	case DueAfter: // the work goes on again, and has a later one
		return nil
	}
	return fmt.Errorf("due kind %q: %w", o.due.Kind, incident.ErrInvalid)
}

// hold ends the hold: what has cleared was a flap and ends unheard; what has
// not is put before the on-call member, or published if the rule says so.
func (o occurrence) hold(ctx context.Context, c *Change) error {
	if o.snap.Seq > 0 {
		return nil
	}
	firing, err := o.firing(ctx, o.inc, "")
	if err != nil {
		return err
	}
	if !firing && o.due.Seq > 0 {
		return nil // a draft about it waits as it did
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
	ds, err := o.Drafts.OpenDrafts(ctx, o.inc.ID())
	if err != nil {
		return fmt.Errorf("read drafts: %w", err)
	}
	if len(ds) > 0 {
		return o.recall(ctx, c, ds[0], autoAt)
	}
	return o.propose(ctx, c, o.inc, UpdateInput{}, autoAt, message.MemoDraft)
}

// recall puts a draft that waits before the next on-call member, since what it
// is about fires again.
func (o occurrence) recall(ctx context.Context, c *Change, d Draft, autoAt time.Time) error {
	pinned, err := o.pinned(ctx, o.snap.Plan)
	if err != nil {
		return err
	}
	if d, err = o.follow(ctx, pinned, d, o.inc, o.now); err != nil {
		return err
	}
	d.AutoAt = autoAt
	if err := o.callOut(ctx, c, o.plan, &d, o.inc, message.MemoDraft, o.now); err != nil {
		return err
	}
	if !autoAt.IsZero() {
		c.Due = append(c.Due, Due{ID: autoID(d.ID), Kind: DueAuto, At: autoAt, Incident: o.inc.ID(), Draft: d.ID})
	}
	c.Drafts = append(c.Drafts, d)
	return nil
}

// rule answers the most forward rule among the incident's firing alarms: one
// that may publish by itself wins over one that may not, the sooner over the later.
func (o occurrence) rule(ctx context.Context) (plan.AlarmRule, error) {
	as, err := o.alarms(ctx, o.inc)
	if err != nil {
		return plan.AlarmRule{}, err
	}
	var best plan.AlarmRule
	for _, a := range as {
		r, ok := o.plan.Match(a.Signal)
		if !ok {
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
	firing, err := o.firing(ctx, o.inc, "")
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
	if comes, err := o.workSpeaks(ctx); err != nil || comes {
		return err
	}
	in := UpdateInput{Kind: incident.Holding, Facts: o.aged()}
	p, err := o.prepare(ctx, o.inc, in, author, o.now)
	if err != nil {
		return err
	}
	return o.announce(ctx, c, p)
}

// workSpeaks reports whether the start or the end of planned work is overdue as
// well: it is the one message that is told then.
func (o occurrence) workSpeaks(ctx context.Context) (bool, error) {
	kind, at := DueStart, o.snap.Window.From
	switch {
	case o.snap.Kind != incident.Maintenance:
		return false, nil
	case o.snap.Stage == incident.InProgress:
		kind, at = DueEnd, o.snap.Window.To
	case o.snap.Stage != incident.Scheduled:
		return false, nil
	}
	if o.now.Before(at) {
		return false, nil
	}
	waits, err := o.Agenda.Awaits(ctx, dueID(kind, string(o.inc.ID()), at.Unix()))
	if err != nil {
		return false, fmt.Errorf("read due item: %w", err)
	}
	return waits, nil
}

// aged answers what is to be said of an outlook that has expired meanwhile, or
// is about to, so that no word of its own has to follow.
func (o occurrence) aged() (f incident.Facts) {
	if out := o.snap.Facts.Outlook; out.Known() && !out.Value.ValidAt(o.now.Add(outlookMargin)) {
		f.Outlook = o.nobodyCanTell()
	}
	return f
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
	if comes, err := o.workSpeaks(ctx); err != nil || comes {
		return err
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
// can say that it is completed. What comes late is one message: a reminder after
// a later one, or the end of work that was not even announced as begun, is not
// told beside it.
func (o occurrence) work(ctx context.Context, c *Change) error {
	w := o.snap.Window
	occasion := func(kind DueKind, at time.Time) bool {
		return o.due.Kind == kind && o.due.ID == dueID(kind, string(o.inc.ID()), at.Unix())
	}
	var in UpdateInput
	ends := false
	switch {
	case o.due.Kind == DueReminder && o.snap.Stage == incident.Scheduled && o.now.Before(w.From) &&
		occasion(DueReminder, w.From.Add(-o.due.Lead)) && !o.reminded():
		in = UpdateInput{Kind: incident.Progress, Stage: incident.Scheduled}
	case occasion(DueStart, w.From) && o.snap.Stage == incident.Scheduled:
		in, ends = UpdateInput{Stage: incident.InProgress}, !o.now.Before(w.To)
	case occasion(DueEnd, w.To) && o.snap.Stage == incident.InProgress && o.snap.Lines[o.snap.Seq-1].At.Before(w.To):
		in, ends = UpdateInput{Stage: incident.Verifying}, true
	default:
		return nil
	}
	in.Facts = o.aged()
	p, err := o.prepare(ctx, o.inc, in, author, o.now)
	if err != nil {
		return err
	}
	if err := o.announce(ctx, c, p); err != nil {
		return err
	}
	if ends {
		return o.propose(ctx, c, p.after, UpdateInput{Stage: incident.Completed}, time.Time{}, message.MemoDraft)
	}
	return nil
}

// reminded reports whether readers have been told of the planned work since the
// reminder fell due, or will be at once by a later one.
func (o occurrence) reminded() bool {
	if !o.snap.Lines[o.snap.Seq-1].At.Before(o.due.At) {
		return true
	}
	for _, lead := range o.plan.Timing.MaintenanceRemind {
		if lead < o.due.Lead && !o.now.Before(o.snap.Window.From.Add(-lead)) {
			return true
		}
	}
	return false
}

// leftover looks at the alarms that joined planned work which is over: each that
// still fires opens an incident, or joins one, that waits for a person. An alarm
// that has moved is no longer found here, so that after a crash the rest follows.
func (o occurrence) leftover(ctx context.Context) error {
	as, err := o.Watch.Alarms(ctx, o.inc.ID())
	if err != nil {
		return fmt.Errorf("read alarms of incident: %w", err)
	}
	for _, a := range as {
		if a.Incident != o.inc.ID() || !a.Firing {
			continue
		}
		sig := a.Signal
		sig.ReceivedAt = o.now
		in := intake{Service: o.seeing(sig), plan: o.plan, sig: sig, was: a, drafted: true}
		if err := in.alarm(ctx); err != nil {
			return err
		}
	}
	return nil
}
