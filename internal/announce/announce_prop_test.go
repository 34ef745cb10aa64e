package announce_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"shirase/internal/announce"
	"shirase/internal/deliver"
	"shirase/internal/incident"
	"shirase/internal/message"
)

// chaos pulls operators, alarms and time about and looks after each step.
type chaos struct {
	*stage
	rt *rapid.T
	// all are the incidents there ever were, with how they were seen last.
	all map[incident.ID]incident.Snapshot
	// acked are the escalations each incident had when it was acknowledged.
	acked map[incident.ID]int
	// early are the due items that were handed out before their time.
	early []announce.Due
}

// watched is an agenda that sees to it that nothing is handed out before its time.
type watched struct {
	announce.Agenda
	c *chaos
}

func (w watched) Due(ctx context.Context, now time.Time, limit int) ([]announce.Due, error) {
	ds, err := w.Agenda.Due(ctx, now, limit)
	for _, d := range ds {
		if d.At.After(w.c.clock()) {
			w.c.early = append(w.c.early, d)
		}
	}
	return ds, err
}

func TestNothingIsLostWhateverHappens(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		c := &chaos{stage: newStage(t), rt: rt, all: map[incident.ID]incident.Snapshot{}, acked: map[incident.ID]int{}}
		c.Agenda, c.Render, c.Memo = watched{c.store, c}, brief, briefMemo
		rt.Repeat(map[string]func(*rapid.T){
			"":          func(*rapid.T) { c.look() },
			"open":      c.opens,
			"work":      c.works,
			"alarm":     c.fires,
			"update":    c.updates,
			"mend":      c.mends,
			"merge":     c.merges,
			"ack":       c.acks,
			"draft":     c.decides,
			"bus":       func(rt *rapid.T) { c.deaf = rapid.Bool().Draw(rt, "deaf") },
			"time":      c.waits,
			"down time": c.sleeps,
		})
	})
}

// brief renders what texts depend on and no more, so that many stories fit in a
// second; that the real texts suit is for other tests.
func brief(in message.Input) ([]message.Message, []message.Finding, error) {
	u := in.Update
	text := fmt.Sprint(u.Kind, u.Stage, u.Severity, u.Components, u.Next.Unix(), u.Missed.Unix(), u.Of, u.Text, in.Incident.Lines[:u.Seq-1])
	return []message.Message{{
		Incident: u.Incident, Seq: u.Seq, Audience: incident.Customers, Locale: "en",
		Contents: map[incident.Family]message.Content{incident.FamilyEmail: {Subject: string(u.Stage), Text: text}},
	}}, nil, nil
}

func briefMemo(in message.MemoInput) (map[incident.Family]message.Content, error) {
	return map[incident.Family]message.Content{incident.FamilyEmail: {Text: in.Link}}, nil
}

// mine checks an error: what the state refuses is no fault.
func (c *chaos) mine(do string, err error) {
	if err != nil && !errors.Is(err, incident.ErrConflict) && !errors.Is(err, incident.ErrInvalid) {
		c.rt.Fatalf("%s = %v", do, err)
	}
}

func (c *chaos) which(rt *rapid.T) incident.ID {
	is, _, err := c.store.Incidents(c.t.Context(), "", 100)
	if err != nil {
		rt.Fatal(err)
	}
	if len(is) == 0 {
		rt.Skip("there is no incident")
	}
	ids := make([]incident.ID, len(is))
	for n, i := range is {
		ids[n] = i.ID()
	}
	slices.Sort(ids)
	return rapid.SampledFrom(ids).Draw(rt, "incident")
}

func (c *chaos) opens(rt *rapid.T) {
	in := trouble()
	in.Components = rapid.SliceOfNDistinct(rapid.SampledFrom([]incident.ComponentID{"search", "login", "checkout"}), 1, 2, rapid.ID).Draw(rt, "components")
	in.Severity = rapid.SampledFrom(incident.Severities()).Draw(rt, "severity")
	_, err := c.Open(c.t.Context(), in, who)
	c.mine("Open()", err)
}

func (c *chaos) works(rt *rapid.T) {
	from := c.clock().Add(time.Duration(rapid.IntRange(-4, 60).Draw(rt, "hours")) * time.Hour)
	_, err := c.Open(c.t.Context(), work(from), who)
	c.mine("Open(work)", err)
}

func (c *chaos) fires(rt *rapid.T) {
	state := rapid.SampledFrom([]incident.SignalState{incident.SignalAlarm, incident.SignalOK, incident.SignalAlarm, incident.SignalInsufficient}).Draw(rt, "state")
	sig := c.alarm(rapid.SampledFrom(five).Draw(rt, "alarm"), state)
	sig.Suppressed = rapid.IntRange(0, 9).Draw(rt, "suppressed") == 0
	c.mine("Signal()", c.Signal(c.t.Context(), sig))
}

func (c *chaos) updates(rt *rapid.T) {
	id := c.which(rt)
	snap := c.read(id)
	in := announce.UpdateInput{
		Kind:  rapid.SampledFrom([]incident.UpdateKind{"", incident.Notice, incident.Progress, incident.ScopeUpdate}).Draw(rt, "kind"),
		Stage: rapid.SampledFrom(append(incident.Stages(snap.Kind), "")).Draw(rt, "stage"),
	}
	if rapid.IntRange(0, 3).Draw(rt, "outlook") == 0 {
		w, err := incident.NewWindow(c.clock(), c.clock().Add(time.Hour), nil, time.Time{})
		if err != nil {
			rt.Fatal(err)
		}
		in.Facts.Outlook = confirmed(w)
	}
	if !in.Stage.Final() && in.Stage != "" && rapid.Bool().Draw(rt, "promises") {
		in.Next = c.clock().Add(time.Duration(rapid.IntRange(1, 300).Draw(rt, "minutes")) * time.Minute)
	}
	_, err := c.Update(c.t.Context(), id, in, who)
	c.mine("Update()", err)
}

func (c *chaos) mends(rt *rapid.T) {
	id := c.which(rt)
	kind := rapid.SampledFrom([]incident.UpdateKind{incident.Correction, incident.Retraction}).Draw(rt, "kind")
	of := rapid.IntRange(1, max(1, c.read(id).Seq)).Draw(rt, "of")
	_, err := c.Update(c.t.Context(), id, announce.UpdateInput{
		Kind: kind, Of: of, Text: incident.Text{"ja": "閲覧はできます。", "en": "Viewing works."},
	}, who)
	c.mine("mend", err)
}

func (c *chaos) merges(rt *rapid.T) {
	_, err := c.Merge(c.t.Context(), c.which(rt), c.which(rt), who)
	c.mine("Merge()", err)
}

func (c *chaos) acks(rt *rapid.T) {
	id := c.which(rt)
	_, err := c.Ack(c.t.Context(), id, who)
	c.mine("Ack()", err)
}

func (c *chaos) decides(rt *rapid.T) {
	id := c.which(rt)
	ds, err := c.store.Drafts(c.t.Context(), id)
	if err != nil {
		rt.Fatal(err)
	}
	if len(ds) == 0 {
		rt.Skip("there is no draft")
	}
	d := rapid.SampledFrom(ds).Draw(rt, "draft")
	switch rapid.IntRange(0, 2).Draw(rt, "what") {
	case 0:
		digest := d.Digest
		_, err = c.PublishDraft(c.t.Context(), d.ID, digest, who)
		if stale, ok := errors.AsType[*announce.StaleError](err); ok {
			c.fresh(d.ID, stale)
		}
	case 1:
		_, err = c.DismissDraft(c.t.Context(), d.ID, who)
	default:
		_, err = c.EditDraft(c.t.Context(), d.ID, d.Input, who)
	}
	c.mine("draft", err)
}

// fresh checks that what a refusal shows can be published at once.
func (c *chaos) fresh(id announce.DraftID, stale *announce.StaleError) {
	d, err := c.store.Draft(c.t.Context(), id)
	if err != nil || d.Digest != stale.Fresh.Hash {
		c.rt.Fatalf("the refusal shows %s, the draft kept is %s, %v", stale.Fresh.Hash, d.Digest, err)
	}
	if _, err := c.PublishDraft(c.t.Context(), id, stale.Fresh.Hash, who); err != nil {
		c.rt.Fatalf("PublishDraft() with what the refusal showed = %v", err)
	}
}

func (c *chaos) waits(rt *rapid.T) {
	end := c.clock().Add(time.Duration(rapid.IntRange(1, 240).Draw(rt, "minutes")) * time.Minute)
	for {
		next, ok, err := c.store.NextDue(c.t.Context())
		if err != nil {
			rt.Fatal(err)
		}
		if !ok || next.After(end) {
			break
		}
		c.set(next)
		c.sweeps()
	}
	c.set(end)
}

// sweeps does what is due; a bus that fails stops nothing.
func (c *chaos) sweeps() {
	if err := c.Sweep(c.t.Context(), c.clock()); err != nil && (!c.deaf || !errors.Is(err, context.DeadlineExceeded)) {
		c.rt.Fatalf("Sweep() = %v", err)
	}
}

// sleeps is the program not running, and then the sweep.
func (c *chaos) sleeps(rt *rapid.T) {
	before := map[incident.ID]int{}
	for id, s := range c.all {
		before[id] = s.Seq
	}
	c.set(c.clock().Add(time.Duration(rapid.IntRange(1, 72).Draw(rt, "hours")) * time.Hour))
	for range 2 {
		c.sweeps()
	}
	for id, seq := range before {
		if got := c.read(id).Seq; got > seq+1 {
			rt.Fatalf("%d updates of %s after one silence, want one at most: %+v", got-seq, id, c.read(id).Lines)
		}
	}
}

func (c *chaos) look() {
	if len(c.early) > 0 {
		c.rt.Fatalf("due before their time: %v", c.early)
	}
	ctx := c.t.Context()
	is, _, err := c.store.Incidents(ctx, "", 100)
	if err != nil {
		c.rt.Fatal(err)
	}
	escalations := map[incident.ID]int{}
	// Everything that is left, however far away.
	dues, err := c.store.Due(ctx, c.clock().AddDate(1, 0, 0), 1000)
	if err != nil {
		c.rt.Fatal(err)
	}
	left, err := c.store.Outbox(ctx, c.clock().Add(time.Hour), 1000)
	if err != nil {
		c.rt.Fatal(err)
	}
	called := map[deliver.Pointer]bool{}
	for _, p := range slices.Concat(c.told, left) {
		if strings.HasPrefix(p.Slot, string(message.MemoEscalation)) && !called[p] {
			called[p] = true
			escalations[p.Incident]++
		}
	}
	groups := map[string]incident.ID{}
	for _, i := range is {
		s := i.Snapshot()
		c.speaksOn(s, dues)
		was, seen := c.all[s.ID]
		if seen && was.End != "" && s.Seq > was.Seq {
			c.afterTheEnd(was, s)
		}
		for seq := 1; seq <= s.Seq; seq++ {
			p := deliver.Pointer{Incident: s.ID, Seq: seq}
			if !slices.Contains(c.told, p) && !slices.Contains(left, p) {
				c.rt.Fatalf("update %d of %s is neither published nor in the outbox", seq, s.ID)
			}
		}
		if s.AckedBy != "" {
			if n, ok := c.acked[s.ID]; ok && escalations[s.ID] > n {
				c.rt.Fatalf("%s escalates after it was acknowledged", s.ID)
			}
			c.acked[s.ID] = escalations[s.ID]
		}
		for _, g := range s.Groups {
			holder, err := c.store.Group(ctx, g)
			if err != nil {
				c.rt.Fatal(err)
			}
			if holder == s.ID && s.End != "" {
				c.rt.Fatalf("group %s is held by %s with end %q", g, holder, s.End)
			}
			if s.End == "" {
				groups[g] = holder
			}
		}
		c.drafts(s)
		c.all[s.ID] = s
	}
	for g, holder := range groups {
		if holder == "" {
			c.rt.Fatalf("group %s has a live incident and no holder", g)
		}
	}
}

// speaksOn checks that a live incident that readers know of has something coming.
func (c *chaos) speaksOn(s incident.Snapshot, dues []announce.Due) {
	if s.End != "" || s.Seq == 0 {
		return
	}
	p := s.Promises[len(s.Promises)-1]
	for _, d := range dues {
		if d.Incident != s.ID {
			continue
		}
		if d.Kind == announce.DueLapse && d.Seq == p.Seq && !d.At.After(p.By.Add(time.Hour)) {
			return
		}
		if d.Kind == announce.DueStart && s.Stage == incident.Scheduled && string(d.ID) == fmt.Sprintf("start/%s/%d", s.ID, s.Window.From.Unix()) {
			return
		}
	}
	c.rt.Fatalf("%s, %s at %s, promises %s and has nothing coming that keeps it: %v", s.ID, s.Kind, s.Stage, p.By, dues)
}

// afterTheEnd checks that only a reopening, a report or what mends follows an end.
func (c *chaos) afterTheEnd(was, s incident.Snapshot) {
	l := s.Lines[was.Seq]
	u, err := c.store.Update(c.t.Context(), s.ID, l.Seq)
	if err != nil {
		c.rt.Fatal(err)
	}
	if u.By != who.Name || was.End == incident.EndMerged || was.End == incident.EndDismissed {
		c.rt.Fatalf("update %d by %s of %s came after its end, %s", l.Seq, u.By, s.ID, was.End)
	}
}

// drafts checks that no draft waits for an incident that is over, and that all
// that wait are the incident as it is.
func (c *chaos) drafts(s incident.Snapshot) {
	ds, err := c.store.Drafts(c.t.Context(), s.ID)
	if err != nil {
		c.rt.Fatal(err)
	}
	for _, d := range ds {
		if d.State == announce.DraftOpen && s.End != "" {
			c.rt.Fatalf("draft %s waits for %s, which is %s", d.ID, s.ID, s.End)
		}
		if d.State == announce.DraftOpen && d.Base > s.Version {
			c.rt.Fatalf("draft %s is for version %d of %d", d.ID, d.Base, s.Version)
		}
	}
}
