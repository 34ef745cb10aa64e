package incident_test

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"shirase/internal/incident"
)

// paper is an incident as one would keep it on paper, by the rules alone. It
// leaves out facts, which have rules of their own.
type paper struct {
	ID                incident.ID
	Kind              incident.Kind
	Stage             incident.Stage
	Severity          incident.Severity
	Version, Seq      int
	Components, Named []incident.ComponentID
	Lines             []incident.Line
	Promises          []incident.Promise
	Groups            []string
	Absorbed          []incident.ID
	AckedBy           string
	End               incident.End
	Into              incident.ID
}

// verdict is what becomes of a change.
type verdict string

const (
	fine     verdict = "" // also where nothing changes
	conflict verdict = "conflict"
	noStage  verdict = "stage"
	invalid  verdict = "invalid"
)

func verdictOf(err error) verdict {
	if _, ok := errors.AsType[*incident.StageError](err); ok {
		return noStage
	}
	switch {
	case err == nil:
		return fine
	case errors.Is(err, incident.ErrConflict):
		return conflict
	}
	return invalid
}

// onPaper is an incident without what the paper leaves out.
func onPaper(i incident.Incident) paper {
	s := i.Snapshot()
	return paper{
		s.ID, s.Kind, s.Stage, s.Severity, s.Version, s.Seq, s.Components, s.Named, s.Lines, s.Promises, s.Groups, s.Absorbed,
		s.AckedBy, s.End, s.MergedInto,
	}
}

// agree holds an incident against the paper.
func agree(t *rapid.T, p paper, want verdict, i incident.Incident, err error) {
	if got := verdictOf(err); got != want {
		t.Fatalf("the change answers %q (%v), want %q of %+v", got, err, want, p)
	}
	if d := cmp.Diff(p, onPaper(i), same); d != "" {
		t.Fatalf("the incident is not as on paper (-paper +incident):\n%s", d)
	}
}

func (p paper) copied() paper {
	p.Lines, p.Promises = slices.Clone(p.Lines), slices.Clone(p.Promises)
	return p
}

func over(s incident.Stage) bool {
	return s == "resolved" || s == "postmortem" || s == "completed"
}

// worst orders the severities.
const worst = "internal minor major critical"

func joined(have, more []incident.ComponentID) []incident.ComponentID {
	out := slices.Clone(have)
	for _, c := range more {
		if !slices.Contains(out, c) {
			out = append(out, c)
		}
	}
	return out
}

// standing is the newest update that still holds, leaving one out; nil for none.
func (p paper) standing(but int) *incident.Line {
	for n := len(p.Lines) - 1; n >= 0; n-- {
		if l := p.Lines[n]; l.Seq != but && l.WithdrawnAt.IsZero() && l.Kind != "retraction" {
			return &p.Lines[n]
		}
	}
	return nil
}

// accept is an update on paper.
func (p paper) accept(in incident.Proposal, now time.Time) (paper, incident.Update, verdict) {
	was, none := p, incident.Update{}
	mends := in.Kind == "correction" || in.Kind == "retraction"
	if in.Stage == "detected" || mends && (in.Of < 1 || in.Of > p.Seq) || !mends && in.Of != 0 {
		return was, none, invalid
	}
	if mends && !p.Lines[in.Of-1].WithdrawnAt.IsZero() {
		return was, none, conflict
	}
	if mends && p.Lines[in.Of-1].Kind == "retraction" {
		return was, none, invalid
	}
	if p.End == "merged" || p.End == "dismissed" {
		return was, none, conflict
	}
	if in.Kind == "retraction" && in.Stage != p.Stage {
		return was, none, invalid
	}
	past := mends || in.Kind == "report" || in.Kind == "follow_up"
	if (!past || in.Stage != p.Stage || p.Seq == 0) && !slices.Contains(after[p.Kind][p.Stage], in.Stage) {
		return was, none, noStage
	}

	p = p.copied()
	p.Seq, p.Version = p.Seq+1, p.Version+1
	if in.Components != nil {
		p.Components = joined(nil, in.Components)
		p.Named = joined(p.Named, in.Components)
	}
	p.Stage, p.End = in.Stage, ""
	if over(p.Stage) {
		p.End = "stage"
	}
	p.Lines = append(p.Lines, incident.Line{Seq: p.Seq, Kind: in.Kind, At: now, Of: in.Of})
	if in.Kind == "retraction" {
		p.Lines[in.Of-1].WithdrawnAt = now
		p.End = ""
		if l := p.standing(0); l != nil {
			p.Stage = l.Stage
			if over(p.Stage) {
				p.End = "stage"
			}
		} else {
			p.Stage, p.End = "resolved", "withdrawn"
			if p.Kind == "maintenance" {
				p.Stage = "completed"
			}
		}
	}
	p.Lines[p.Seq-1].Stage = p.Stage
	if (p.End == "") != in.Next.After(now) || p.End != "" && !in.Next.IsZero() ||
		len(p.Components) == 0 || slices.Contains(p.Components, "") {
		return was, none, invalid
	}
	u := incident.Update{Seq: p.Seq, Stage: p.Stage, Next: in.Next}
	u.Missed = p.settles(in.Routes, now)
	if !in.Next.IsZero() {
		p.Promises = append(p.Promises, incident.Promise{By: in.Next, Seq: p.Seq})
	}
	return p, u, fine
}

// settles keeps or breaks the open promise with the newest update, and answers
// one that is broken.
func (p *paper) settles(routes []incident.Route, now time.Time) time.Time {
	n := len(p.Promises) - 1
	if n < 0 || p.Promises[n].Kept != 0 {
		return time.Time{}
	}
	o := p.Promises[n]
	o.Kept, o.SettledAt = p.Seq, now
	for _, r := range routes {
		o.Results = append(o.Results, incident.PromiseResult{Route: r, Met: !now.After(o.By)})
	}
	p.Promises[n] = o
	if now.After(o.By) {
		return o.By
	}
	return time.Time{}
}

func (p paper) ack(by string) (paper, verdict) {
	if p.AckedBy == "" && p.End == "" {
		p.AckedBy = by
		p.Version++
	}
	return p, fine
}

func (p paper) join(cs []incident.ComponentID, sev incident.Severity) (paper, verdict) {
	if p.End != "" {
		return p, conflict
	}
	was := p
	p.Components, p.Named = joined(p.Components, cs), joined(p.Named, cs)
	if sev != "" && strings.Index(worst, string(sev)) > strings.Index(worst, string(p.Severity)) {
		p.Severity = sev
	}
	switch {
	case len(p.Components) == len(was.Components) && len(p.Named) == len(was.Named) && p.Severity == was.Severity:
		return was, fine
	case slices.Contains(p.Components, ""):
		return was, invalid
	}
	p.Version++
	return p, fine
}

func (p paper) dismiss() (paper, verdict) {
	switch {
	case p.Seq > 0:
		return p, conflict
	case p.End == "":
		p.End = "dismissed"
		p.Version++
	}
	return p, fine
}

// merge ends an incident in another. It answers both as they are then.
func (p paper) merge(into paper, routes []incident.Route, now time.Time) (paper, paper, verdict) {
	switch {
	case into.End != "":
		return p, into, conflict
	case p.ID == into.ID:
		return p, into, invalid
	case p.Seq > 0 && into.Seq == 0, p.End != "":
		return p, into, conflict
	}
	p, into = p.copied(), into.copied()
	into.Version++
	into.Components, into.Named = joined(into.Components, p.Components), joined(into.Named, p.Named)
	if strings.Index(worst, string(p.Severity)) > strings.Index(worst, string(into.Severity)) {
		into.Severity = p.Severity
	}
	for _, g := range p.Groups {
		if !slices.Contains(into.Groups, g) {
			into.Groups = append(slices.Clone(into.Groups), g)
		}
	}
	into.Absorbed = slices.Concat(into.Absorbed, p.Absorbed, []incident.ID{p.ID})
	p.Version++
	p.End, p.Into = "merged", into.ID
	if p.Seq == 0 {
		return p, into, fine
	}
	if own, his := &into.Promises[len(into.Promises)-1], p.Promises[len(p.Promises)-1]; his.By.Before(own.By) {
		own.By = his.By
	}
	p.Seq++
	p.Lines = append(p.Lines, incident.Line{Seq: p.Seq, Stage: p.Stage, Kind: "notice", At: now})
	p.settles(routes, now)
	return p, into, fine
}
