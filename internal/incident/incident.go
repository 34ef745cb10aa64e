package incident

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// ID names an incident. A drill's id begins with "drill-", and so does every
// key made from it.
type ID string

// DrillPrefix begins the id of every drill.
const DrillPrefix = "drill-"

// Drill reports whether the incident is a rehearsal.
func (id ID) Drill() bool { return strings.HasPrefix(string(id), DrillPrefix) }

// maxUpdates bounds the updates of one incident, so that what a sender reads of
// it stays small. A report or a follow-up belongs to a new incident long before.
const maxUpdates = 500

// End is why an incident is no longer live.
type End string

// The ends of an incident. Ended by its last stage, it may be reopened.
const (
	EndStage     End = "stage"     // resolved or completed
	EndMerged    End = "merged"    // it goes on in another
	EndDismissed End = "dismissed" // it never had a notice
	EndWithdrawn End = "withdrawn" // everything it said was retracted
)

// An Incident is an outage or planned work. See the package comment for how it
// is built and changed.
type Incident struct{ s Snapshot }

// A Snapshot is an incident as plain data: what a store keeps and a reader is
// shown. Changing one changes no incident.
type Snapshot struct {
	ID       ID       `json:"id"`
	Kind     Kind     `json:"kind"`
	Stage    Stage    `json:"stage"`
	Severity Severity `json:"severity"`
	// Version rises by one at each change an operator can see.
	Version int `json:"version"`
	// Seq is the number of the newest update; 0 before the first notice.
	Seq int `json:"seq"`
	// Components are affected now; Named are all that were ever named, which
	// is what component filters are matched with.
	Components []ComponentID `json:"components"`
	Named      []ComponentID `json:"named"`
	Facts      Facts         `json:"facts"`
	// Window is when planned work takes place.
	Window Window `json:"window,omitzero"`
	// Lines are all updates in short, oldest first.
	Lines []Line `json:"lines"`
	// Promises are all promises given, oldest first; at most the last is open.
	Promises []Promise `json:"promises"`
	// Groups are the alarm groups that an automatic incident collects; none for others.
	Groups []string `json:"groups,omitempty"`
	// Absorbed are the incidents that were merged into this one: whoever they
	// told is told by this one.
	Absorbed []ID `json:"absorbed,omitempty"`
	// DetectedAt is when we noticed; OpenedAt when the incident was recorded.
	DetectedAt time.Time `json:"detected_at"`
	OpenedAt   time.Time `json:"opened_at"`
	// OpenedBy is a key's name, or "alarm".
	OpenedBy string `json:"opened_by"`
	// AckedBy is who first took it on; empty while nobody has.
	AckedBy string    `json:"acked_by,omitempty"`
	AckedAt time.Time `json:"acked_at,omitzero"`
	// End is empty while the incident is live.
	End        End       `json:"end,omitempty"`
	EndedAt    time.Time `json:"ended_at,omitzero"`
	MergedInto ID        `json:"merged_into,omitempty"`
	// Plan is the version of the plan whose texts and cadence hold.
	Plan int `json:"plan"`
}

// An Opening is what it takes to record an incident.
type Opening struct {
	ID         ID
	Kind       Kind
	Severity   Severity
	Components []ComponentID
	Facts      Facts
	Window     Window
	Groups     []string
	DetectedAt time.Time
	At         time.Time
	By         string
	Plan       int
}

// Open records an incident that nobody outside has heard of yet: stage
// detected, version 1. It lists every fault of the opening at once.
func Open(o Opening) (Incident, error) {
	s := Snapshot{
		ID: o.ID, Kind: o.Kind, Stage: Detected, Severity: o.Severity, Version: 1,
		Components: unique(o.Components), Named: unique(o.Components), Facts: o.Facts.Clone(), Window: o.Window,
		Groups: slices.Clone(o.Groups), DetectedAt: o.DetectedAt, OpenedAt: o.At, OpenedBy: o.By, Plan: o.Plan,
	}
	if err := s.check(); err != nil {
		return Incident{}, err
	}
	return Incident{s}, nil
}

// Restore makes an incident of what a store kept, and refuses what could never
// have been built.
func Restore(s Snapshot) (Incident, error) {
	if err := s.check(); err != nil {
		return Incident{}, fmt.Errorf("restore incident %s: %w", s.ID, err)
	}
	return Incident{s.clone()}, nil
}

// Snapshot answers the incident as plain data that shares nothing with it.
func (i Incident) Snapshot() Snapshot { return i.s.clone() }

// ID answers the incident's id.
func (i Incident) ID() ID { return i.s.ID }

// Stage answers the incident's stage.
func (i Incident) Stage() Stage { return i.s.Stage }

// Version answers the incident's version.
func (i Incident) Version() int { return i.s.Version }

// Seq answers the number of the newest update.
func (i Incident) Seq() int { return i.s.Seq }

// Live reports whether the incident goes on.
func (i Incident) Live() bool { return i.s.End == "" }

// Promise answers the open promise, and whether there is one.
func (i Incident) Promise() (Promise, bool) {
	if n := len(i.s.Promises); n > 0 && i.s.Promises[n-1].Open() {
		return i.s.Promises[n-1], true
	}
	return Promise{}, false
}

// A Proposal is an update that asks to be accepted.
type Proposal struct {
	Kind  UpdateKind
	Stage Stage
	// Severity is the incident's from now on; empty leaves it.
	Severity Severity
	// Of is the update that a correction or retraction speaks of.
	Of int
	By string
	// Components are affected from now on; nil leaves them.
	Components []ComponentID
	// Facts are put over the incident's own.
	Facts Facts
	Text  Text
	// Next is the promise; it must lie after now, and be zero where the update is final.
	Next time.Time
	// Window replaces the window of planned work; zero leaves it.
	Window Window
	Routes []Route
}

// Accept makes the proposal the incident's next update: it is numbered, the
// open promise is settled, the stage, severity, components and facts move. The
// errors are a [*StageError] and other [ErrConflict] where the state does not
// allow it, and [ErrInvalid] listing every fault.
func (i Incident) Accept(p Proposal, now time.Time) (Incident, Update, error) {
	s := i.s.clone()
	if err := s.allows(p); err != nil {
		return Incident{}, Update{}, err
	}
	s.Seq++
	s.Version++
	if p.Severity != "" {
		s.Severity = p.Severity
	}
	if p.Components != nil {
		s.Components = unique(p.Components)
		s.Named = unique(append(s.Named, p.Components...))
	}
	if !p.Window.IsZero() {
		s.Window = p.Window
	}
	if s.Stage.Final() && !p.Stage.Final() {
		s.Facts = s.Facts.reopened()
	}
	s.Facts = s.Facts.Merge(p.Facts)
	line := Line{Seq: s.Seq, Stage: p.Stage, Kind: p.Kind, At: now, Of: p.Of}
	s.Lines = append(s.Lines, line)
	s.Stage, s.End, s.EndedAt = p.Stage, "", time.Time{}
	if p.Kind == Retraction {
		s.withdraw(p.Of, now)
	}
	switch {
	case s.End != "":
	case s.Stage.Final():
		s.End, s.EndedAt = EndStage, now
	case p.Next.IsZero() || !p.Next.After(now):
		return Incident{}, Update{}, Invalid("next", "must be a time after now, since the update is not final")
	}
	if s.End != "" && !p.Next.IsZero() {
		return Incident{}, Update{}, Invalid("next", "must be empty, since the update is final")
	}
	u := Update{
		Incident: s.ID, Seq: s.Seq, Kind: p.Kind, Stage: s.Stage, Severity: s.Severity, Of: p.Of, At: now, By: p.By,
		Components: slices.Clone(s.Components), Facts: s.Facts.Clone(), Text: p.Text.Clone(),
		Next: p.Next, Window: s.Window, Routes: slices.Clone(p.Routes),
	}
	s.Lines[len(s.Lines)-1].Stage = s.Stage
	u.Missed = s.settle(u)
	if !p.Next.IsZero() {
		s.Promises = append(s.Promises, Promise{By: p.Next, Seq: s.Seq})
	}
	if err := s.check(); err != nil {
		return Incident{}, Update{}, err
	}
	return Incident{s}, u, nil
}

// allows tells whether the state lets the proposal in at all.
func (s *Snapshot) allows(p Proposal) error {
	var faults []error
	if !p.Kind.Valid() {
		faults = append(faults, Invalid("kind", "must be one of %v", UpdateKinds()))
	}
	if !p.Stage.Valid(s.Kind) || p.Stage == Detected {
		faults = append(faults, Invalid("stage", "must be one of %v", Stages(s.Kind)))
	}
	if p.Severity != "" && !p.Severity.Valid() {
		faults = append(faults, Invalid("severity", "must be one of %v", Severities()))
	}
	if p.By == "" {
		faults = append(faults, Invalid("by", "must name who publishes"))
	}
	if p.Kind.Mends() {
		switch of := p.Of; {
		case of < 1 || of > s.Seq:
			faults = append(faults, Invalid("of", "must be the number of an update of this incident"))
		case s.Lines[of-1].Withdrawn():
			return fmt.Errorf("update %d is withdrawn already: %w", of, ErrConflict)
		case s.Lines[of-1].Kind == Retraction:
			faults = append(faults, Invalid("of", "must not be a retraction: correct it with a new notice"))
		}
	} else if p.Of != 0 {
		faults = append(faults, Invalid("of", "belongs to corrections and retractions only"))
	}
	if err := join(faults); err != nil {
		return err
	}
	if s.Seq >= maxUpdates {
		return fmt.Errorf("the incident has %d updates, the most there can be: %w", maxUpdates, ErrConflict)
	}
	if s.End == EndMerged || s.End == EndDismissed {
		return fmt.Errorf("the incident is %s: %w", s.End, ErrConflict)
	}
	if p.Kind == Retraction && p.Stage != s.Stage {
		return Invalid("stage", "must be left as it is: a retraction falls back to what still stands")
	}
	if (p.Kind.Mends() || p.Kind == Report || p.Kind == FollowUp) && p.Stage == s.Stage && s.Seq > 0 {
		return nil // speaks of the past; the stage stays, also after the end
	}
	if !CanFollow(s.Kind, s.Stage, p.Stage) {
		return &StageError{From: s.Stage, To: p.Stage, Allowed: Next(s.Kind, s.Stage)}
	}
	return nil
}

// withdraw takes back update of. The stage falls back to what still stands;
// where nothing does, the incident ends.
func (s *Snapshot) withdraw(of int, now time.Time) {
	stage, stands := s.without(of)
	s.Lines[of-1].WithdrawnAt = now
	if s.Stage.Final() && !stage.Final() {
		s.Facts = s.Facts.reopened()
	}
	s.Stage = stage
	switch {
	case !stands:
		s.End, s.EndedAt = EndWithdrawn, now
	case stage.Final():
		s.End, s.EndedAt = EndStage, now
	}
}

// without answers the stage that is left if update of is taken back, and
// whether anything that was said still stands.
func (s *Snapshot) without(of int) (stage Stage, stands bool) {
	for _, l := range slices.Backward(s.Lines) {
		if l.Seq != of && !l.Withdrawn() && l.Kind != Retraction {
			return l.Stage, true
		}
	}
	if s.Kind == Maintenance {
		return Completed, false
	}
	return Resolved, false
}

// EndsBy reports whether the incident is over once update of is retracted, so
// that the retraction promises nothing further.
func (i Incident) EndsBy(of int) bool {
	stage, stands := i.s.without(of)
	return !stands || stage.Final()
}

// settle closes the open promise with update u and answers it if u is late.
func (s *Snapshot) settle(u Update) (missed time.Time) {
	n := len(s.Promises) - 1
	if n < 0 || !s.Promises[n].Open() {
		return time.Time{}
	}
	p := &s.Promises[n]
	p.Kept, p.SettledAt = u.Seq, u.At
	for _, r := range u.Routes {
		p.Results = append(p.Results, PromiseResult{r, p.Met()})
	}
	if !p.Met() {
		return p.By
	}
	return time.Time{}
}

// Ack records who has taken the incident on; a second one changes nothing.
func (i Incident) Ack(by string, now time.Time) (Incident, error) {
	if i.s.AckedBy != "" || !i.Live() {
		return i, nil
	}
	if by == "" {
		return Incident{}, Invalid("by", "must name who takes it on")
	}
	s := i.s.clone()
	s.AckedBy, s.AckedAt = by, now
	return s.changed()
}

// Know puts facts over the incident's own. Telling anybody is another matter.
// Facts that say nothing change nothing.
func (i Incident) Know(f Facts) (Incident, error) {
	if len(f.States()) == 0 {
		return i, nil
	}
	s := i.s.clone()
	s.Facts = s.Facts.Merge(f)
	return s.changed()
}

// Join adds components, as when a further alarm belongs to the same outage, and
// takes the worse severity. It answers the incident as it is where nothing is new.
func (i Incident) Join(components []ComponentID, sev Severity) (Incident, error) {
	if !i.Live() {
		return Incident{}, fmt.Errorf("the incident has ended: %w", ErrConflict)
	}
	s := i.s.clone()
	s.Components = unique(append(s.Components, components...))
	s.Named = unique(append(s.Named, components...))
	if sev != "" && sev.Worse(s.Severity) {
		s.Severity = sev
	}
	if len(s.Components) == len(i.s.Components) && s.Severity == i.s.Severity && len(s.Named) == len(i.s.Named) {
		return i, nil
	}
	return s.changed()
}

// Absorb takes over what a merged incident had: its components, the worse
// severity, its alarm groups, the people it told, and its promise if sooner.
// People who have been told cannot go on in an incident that has told nobody.
func (i Incident) Absorb(b Incident) (Incident, error) {
	if !i.Live() {
		return Incident{}, fmt.Errorf("the incident has ended: %w", ErrConflict)
	}
	if b.s.ID == i.s.ID {
		return Incident{}, Invalid("into", "must be another incident")
	}
	if b.s.Seq > 0 && i.s.Seq == 0 {
		return Incident{}, fmt.Errorf("the other incident has not been announced; merge it into this one: %w", ErrConflict)
	}
	s, o := i.s.clone(), b.s
	s.Components = unique(append(s.Components, o.Components...))
	s.Named = unique(append(s.Named, o.Named...))
	if o.Severity.Worse(s.Severity) {
		s.Severity = o.Severity
	}
	for _, g := range o.Groups {
		if !slices.Contains(s.Groups, g) {
			s.Groups = append(s.Groups, g)
		}
	}
	s.Absorbed = append(append(s.Absorbed, o.Absorbed...), o.ID)
	if p, ok := b.Promise(); ok {
		if n := len(s.Promises) - 1; n >= 0 && s.Promises[n].Open() && p.By.Before(s.Promises[n].By) {
			s.Promises[n].By = p.By
		}
	}
	return s.changed()
}

// Touch raises the version and nothing else, for a change that lies beside the
// incident, such as a note or a draft.
func (i Incident) Touch() (Incident, error) { s := i.s.clone(); return s.changed() }

// Dismiss ends an incident that nobody outside has heard of.
func (i Incident) Dismiss(now time.Time) (Incident, error) {
	if i.s.Seq > 0 {
		return Incident{}, fmt.Errorf("the incident has been announced; resolve or retract it: %w", ErrConflict)
	}
	if !i.Live() {
		return i, nil
	}
	s := i.s.clone()
	s.End, s.EndedAt = EndDismissed, now
	return s.changed()
}

// MergeInto ends the incident because it goes on in another. Where it has been
// announced, it answers the one update that tells so, and ok is true.
func (i Incident) MergeInto(into ID, p Proposal, now time.Time) (merged Incident, u Update, ok bool, err error) {
	if !i.Live() {
		return Incident{}, Update{}, false, fmt.Errorf("the incident has ended: %w", ErrConflict)
	}
	if into == i.s.ID {
		return Incident{}, Update{}, false, Invalid("into", "must be another incident")
	}
	if i.s.Seq == 0 {
		s := i.s.clone()
		s.End, s.EndedAt, s.MergedInto = EndMerged, now, into
		merged, err = s.changed()
		return merged, Update{}, false, err
	}
	p.Kind, p.Next, p.Of = Notice, time.Time{}, 0
	p.Stage = Resolved
	if i.s.Kind == Maintenance {
		p.Stage = Completed
	}
	merged, u, err = i.Accept(p, now)
	if err != nil {
		return Incident{}, Update{}, false, err
	}
	merged.s.End, merged.s.MergedInto = EndMerged, into
	merged.s.Stage, u.Stage = i.s.Stage, i.s.Stage
	merged.s.Lines[len(merged.s.Lines)-1].Stage = i.s.Stage
	u.MergedInto = into
	return merged, u, true, nil
}

func (s Snapshot) changed() (Incident, error) {
	s.Version++
	if err := s.check(); err != nil {
		return Incident{}, err
	}
	return Incident{s}, nil
}

// check answers every way in which the snapshot could not be an incident.
func (s Snapshot) check() error {
	var faults []error
	must := func(ok bool, field, problem string) {
		if !ok {
			faults = append(faults, Invalid(field, "%s", problem))
		}
	}
	must(s.ID != "", "id", "must not be empty")
	must(s.Kind.Valid(), "kind", "must be incident or maintenance")
	must(s.Severity.Valid(), "severity", fmt.Sprintf("must be one of %v", Severities()))
	must(s.Version >= 1, "version", "must be at least 1")
	must(len(s.Components) > 0, "components", "must name at least one component")
	must(!slices.Contains(s.Components, ""), "components", "must not hold an empty name")
	must(s.Seq == len(s.Lines), "seq", "must be the number of updates")
	must(s.Version > s.Seq, "version", "must be above seq")
	must(!s.DetectedAt.IsZero(), "detected_at", "must be given")
	must(!s.OpenedAt.IsZero() && !s.OpenedAt.Before(s.DetectedAt), "opened_at", "must not be before detected_at")
	must(s.OpenedBy != "", "opened_by", "must be given")
	if s.Kind.Valid() {
		must(s.Stage.Valid(s.Kind), "stage", fmt.Sprintf("must be one of %v", Stages(s.Kind)))
		must((s.Stage == Detected) == (s.Seq == 0), "stage", "is detected before the first update and only then")
	}
	must(s.Kind != Maintenance || !s.Window.IsZero(), "window", "must be given for maintenance")
	must(s.Window.IsZero() || s.Window.To.After(s.Window.From), "window.to", "must be after from")
	for _, c := range s.Components {
		must(slices.Contains(s.Named, c), "named", "must hold every component")
	}
	must(s.endFits(), "end", "must fit the stage, the updates and ended_at")
	must(s.MergedInto == "" == (s.End != EndMerged), "merged_into", "goes with the end merged")
	for n, l := range s.Lines {
		if field, problem := s.lineFault(n, l); field != "" {
			must(false, fmt.Sprintf("lines.%d.%s", n, field), problem)
		}
	}
	for n, p := range s.Promises {
		if field, problem := s.promiseFault(n, p); field != "" {
			must(false, fmt.Sprintf("promises.%d.%s", n, field), problem)
		}
	}
	if p := len(s.Promises) - 1; p >= 0 && s.End != "" {
		must(!s.Promises[p].Open(), "promises", "must be settled when the incident ends")
	}
	if s.End == "" && s.Seq > 0 {
		_, open := Incident{s}.Promise()
		must(open, "promises", "must hold an open one while the incident is live and announced")
	}
	return join(append(faults, s.Facts.Check()))
}

// lineFault answers what is wrong with a line; an empty field where nothing is.
func (s *Snapshot) lineFault(n int, l Line) (field, problem string) {
	switch {
	case l.Seq != n+1:
		return "seq", "must count up from 1"
	case !l.Kind.Valid():
		return "kind", "must be a kind of update"
	case !l.Stage.Valid(s.Kind) || l.Stage == Detected:
		return "stage", "must be a stage that readers are told"
	case l.Kind.Mends() && (l.Of < 1 || l.Of >= l.Seq), !l.Kind.Mends() && l.Of != 0:
		return "of", "must be an earlier update, for corrections and retractions only"
	}
	return "", ""
}

// promiseFault answers what is wrong with a promise; an empty field where nothing is.
func (s *Snapshot) promiseFault(n int, p Promise) (field, problem string) {
	switch {
	case p.Seq < 1 || p.Seq > s.Seq:
		return "seq", "must be an update of this incident"
	case p.Open() && n < len(s.Promises)-1:
		return "settled_by", "must be given for all but the last"
	case !p.Open() && (p.Kept <= p.Seq || p.Kept > s.Seq):
		return "settled_by", "must be a later update of this incident"
	}
	return "", ""
}

// endFits reports whether an incident with this end can be where it is.
func (s Snapshot) endFits() bool {
	if s.EndedAt.IsZero() != (s.End == "") {
		return false
	}
	switch s.End {
	case "":
		return !s.Stage.Final()
	case EndStage, EndWithdrawn:
		return s.Stage.Final()
	case EndMerged:
		return !s.Stage.Final()
	case EndDismissed:
		return s.Seq == 0
	}
	return false
}

func (s Snapshot) clone() Snapshot {
	s.Components, s.Named = slices.Clone(s.Components), slices.Clone(s.Named)
	s.Groups, s.Absorbed = slices.Clone(s.Groups), slices.Clone(s.Absorbed)
	s.Facts = s.Facts.Clone()
	s.Lines = slices.Clone(s.Lines)
	s.Promises = slices.Clone(s.Promises)
	for n := range s.Promises {
		s.Promises[n].Results = slices.Clone(s.Promises[n].Results)
	}
	return s
}

// unique keeps the first of each component, in order.
func unique(in []ComponentID) []ComponentID {
	seen := map[ComponentID]bool{}
	out := make([]ComponentID, 0, len(in))
	for _, c := range in {
		if !seen[c] {
			seen[c] = true
			out = append(out, c)
		}
	}
	return out
}

// States answers which of the facts are known, for a checklist: the field's
// name with its state.
func (f Facts) States() map[string]FactState {
	m := map[string]FactState{
		"effect": f.Effect.State, "scope": f.Scope.State, "started_at": f.StartedAt.State, "fixed_at": f.FixedAt.State,
		"ended_at": f.EndedAt.State, "workaround": f.Workaround.State, "outlook": f.Outlook.State, "cause": f.Cause.State,
		"prevention": f.Prevention.State, "data": f.Data.State,
	}
	maps.DeleteFunc(m, func(_ string, s FactState) bool { return s == "" })
	return m
}
