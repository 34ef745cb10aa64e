package announce

import (
	"fmt"
	"time"

	"shirase/internal/incident"
	"shirase/internal/plan"
)

// The ids of due items come from what they are about, so that an occasion has
// one item however often it is scheduled.
func dueID(kind DueKind, about string, n int64) DueID {
	return DueID(fmt.Sprintf("%s/%s/%d", kind, about, n))
}

func autoID(d DraftID) DueID     { return dueID(DueAuto, string(d), 0) }
func escalateID(d DraftID) DueID { return dueID(DueEscalate, string(d), 0) }

// schedule adds what falls due because of an update, and cancels what fell due
// because of the one before.
func (s *Service) schedule(c *Change, pl *plan.Plan, p prepared) {
	id, u := p.after.ID(), p.update
	for _, was := range p.before.Snapshot().Promises {
		if was.Open() {
			c.Cancel = append(c.Cancel, dueID(DueRemind, string(id), int64(was.Seq)), dueID(DueLapse, string(id), int64(was.Seq)))
		}
	}
	put := func(kind DueKind, n int64, at time.Time, lead time.Duration) {
		if !at.After(u.At) {
			at = u.At
		}
		c.Due = append(c.Due, Due{ID: dueID(kind, string(id), n), Kind: kind, At: at, Incident: id, Seq: u.Seq, Lead: lead})
	}
	snap := p.after.Snapshot()
	// What is promised for the planned start is kept by the start itself.
	starts := u.Stage == incident.Scheduled && u.Next.Equal(snap.Window.From)
	if !u.Next.IsZero() && !starts {
		if at := u.Next.Add(-pl.Timing.Remind); at.After(u.At) {
			put(DueRemind, int64(u.Seq), at, 0)
		}
		if pl.Timing.Hold >= 0 {
			put(DueLapse, int64(u.Seq), u.Next.Add(pl.Timing.Hold), 0)
		}
	}
	if o, ok := snap.Facts.Outlook.Confirmed(); ok && snap.End == "" && o.Kind() == incident.OutlookWindow && o.ValidAt(u.At) {
		until := o.ValidUntil()
		if at := until.Add(-pl.Timing.OutlookWarn); at.After(u.At) {
			put(DueOutlook, until.Unix(), at, pl.Timing.OutlookWarn)
		}
		put(DueOutlook, until.Unix()+1, until.Add(-outlookMargin), 0)
	}
	if snap.Kind == incident.Maintenance && u.Stage == incident.Scheduled {
		for _, lead := range pl.Timing.MaintenanceRemind {
			if at := snap.Window.From.Add(-lead); at.After(u.At) {
				put(DueReminder, at.Unix(), at, lead)
			}
		}
		put(DueStart, snap.Window.From.Unix(), snap.Window.From, 0)
	}
	if snap.Kind == incident.Maintenance && snap.End == "" && u.Stage != incident.Verifying && snap.Window.To.After(u.At) {
		put(DueEnd, snap.Window.To.Unix(), snap.Window.To, 0)
	}
	if snap.Kind == incident.Maintenance && snap.End != "" && snap.End != incident.EndMerged {
		put(DueAfter, int64(u.Seq), u.At.Add(pl.Alarms.Hold), 0)
	}
}

// outlookMargin is how long before an outlook expires a newer update is made
// by itself, so that the new word is out when the old one ends.
const outlookMargin = time.Minute

// reschedule moves what hangs on an open promise that became sooner.
func (s *Service) reschedule(c *Change, pl *plan.Plan, inc incident.Incident, p incident.Promise) {
	id := inc.ID()
	put := func(kind DueKind, at time.Time) {
		c.Due = append(c.Due, Due{ID: dueID(kind, string(id), int64(p.Seq)), Kind: kind, At: at, Incident: id, Seq: p.Seq})
	}
	put(DueRemind, p.By.Add(-pl.Timing.Remind))
	if pl.Timing.Hold >= 0 {
		put(DueLapse, p.By.Add(pl.Timing.Hold))
	}
}
