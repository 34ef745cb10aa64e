package message

import (
	"slices"
	"strings"
	"time"

	"shirase/internal/incident"
	"shirase/internal/plan"
)

// automaticAuthor is who publishes what no person published.
const automaticAuthor = "shirase"

// AnyoneOnDuty stands for whoever will publish a draft, until it is known who does.
const AnyoneOnDuty = "on-call"

// A said is a fact in words, with how sure we are of it.
type said struct {
	Text  string
	State incident.FactState
}

// Yes reports whether there is anything to say.
func (s said) Yes() bool { return s.Text != "" }

// Reported reports whether the fact is unconfirmed, Guess whether it is a hypothesis.
func (s said) Reported() bool { return s.State == incident.Reported }

// Guess reports whether the fact is a hypothesis.
func (s said) Guess() bool { return s.State == incident.Hypothesis }

// A view is everything a template may say: facts already chosen for the
// audience and put into the locale. Templates only choose sentences.
type view struct {
	c  clock
	in Input

	Shape shape
	ID    incident.ID
	Org   string
	// Topic names all components in a sentence, Few in a title.
	Topic, Few string
	// Fewer is Few with no more than one name, and a count for the rest.
	Fewer    string
	Several  bool
	State    string
	Severity string
	Contact  string
	Link     string

	// Planned tells maintenance from an outage; First, that nobody was told anything before.
	Planned, First bool
	// Again tells that the stage has not changed; Watching, that it is monitoring; Over, that it is final.
	Again, Watching, Over bool
	// Looking tells that a person works on it; Automatic, that no person wrote this.
	Looking, Automatic bool
	// Acked tells that somebody has taken it on.
	Acked bool
	// Found tells that the cause is confirmed, and not only the place.
	Found bool
	// Corrects tells that this is the text for those who were told the wrong one.
	Corrects bool
	// Lapsed tells that an outlook given before no longer holds.
	Lapsed bool
	// Ranked tells that the audience goes by severity.
	Ranked bool
	// Internal tells that the audience is inside; Unsure, that a fact shown is not confirmed.
	Internal, Unsure bool

	// Effect is the effect in running sentences; Effects are the same one by one.
	Effect     said
	Effects    []string
	Scope      said
	Workaround said
	Cause      said
	Prevention said
	Data       incident.DataEffect
	DataState  said
	Basis      string
	Text       string
	Guide      string
	// Lead is the member who has taken it on, by name; Taker is whoever has, also
	// the name of a key. Both are empty where it is anybody on duty.
	Lead, Taker string
	Restated    string
	OutlookSure said

	Started, Detected, Fixed, Ended stamp
	StartedSure                     said
	Next, Missed, Wrong, AsOf       stamp
	Late                            string
	Period, Window, Outlook         span

	// lead is the name of the first component; right, what a correction says anew.
	lead, right string

	Kept, Promised int
	FirstAfter     string
	Signals        []signalLine
}

// A signalLine is one alarm as engineers read it.
type signalLine struct {
	Alarm, State, Reason string
	At                   stamp
}

// sight says which facts an audience may see.
type sight int

const (
	seesConfirmed sight = iota
	seesReported
	seesAll
)

func sightOf(a plan.Audience) sight {
	if a.Public {
		return seesConfirmed
	}
	switch a.Texts {
	case incident.Engineering:
		return seesAll
	case incident.Support, incident.Management, incident.Marketing:
		return seesReported
	case incident.Customers, incident.Staff:
	}
	return seesConfirmed
}

func (s sight) sees(state incident.FactState) bool {
	switch state {
	case incident.Confirmed:
		return true
	case incident.Reported:
		return s >= seesReported
	case incident.Hypothesis:
		return s >= seesAll
	}
	return false
}

// see answers a fact that is text, if the audience may see it and the locale
// has words for it.
func (s sight) see(f incident.Fact[incident.Text], la *language) said {
	if !s.sees(f.State) {
		return said{}
	}
	text, _ := worded(f.Value, la.locale)
	return said{la.sentence(text), f.State}.orNothing()
}

func (s said) orNothing() said {
	if s.Text == "" {
		return said{}
	}
	return s
}

// newView chooses and words the facts of an update that an audience may see.
func newView(in Input, la *language, a plan.Audience, sees sight, sh shape) *view {
	u, org := in.Update, in.Plan.Organisation
	c := newClock(la, org.Zone, u.At)
	v := &view{
		c: c, in: in, Shape: sh, ID: u.Incident, Contact: oneLine(org.Contact), Link: oneLine(in.Link),
		Severity: la.Severities[string(u.Severity)], Planned: in.Incident.Kind == incident.Maintenance,
		Internal: !a.Public && a.Texts != incident.Customers, Text: textOf(u, la),
		Watching: u.Stage == incident.Monitoring || u.Stage == incident.Verifying, Over: u.Stage.Final(),
		Automatic: u.By == automaticAuthor,
	}
	if u.MergedInto != "" && in.Into != "" {
		v.Link = oneLine(in.Into)
	}
	v.Org = orgName(org, la.locale)
	v.names(in, la)
	v.State = la.States[sh.state(in)]
	v.Found = found(in.Update.Facts.Cause)
	prev, known := before(in)
	v.First, v.Again = !confirmed(in), known && prev.Stage == u.Stage
	v.Ranked = v.Internal && !v.Planned && !v.Over && sh != shapeRetraction &&
		slices.Contains([]incident.Audience{incident.Engineering, incident.Support, incident.Management}, a.Texts)
	v.Looking = in.Incident.AckedBy != "" || !v.Automatic
	v.facts(in, la, sees)
	v.times(in, sees)
	v.measures(in)
	return v
}

func orgName(org plan.Organisation, l incident.Locale) string {
	if s, ok := worded(org.Name, l); ok {
		return s
	}
	for _, l := range org.Locales {
		if s, ok := worded(org.Name, l); ok {
			return s
		}
	}
	return ""
}

// textOf answers what the author added, in the locale.
func textOf(u incident.Update, la *language) string {
	s, _ := u.Text.In(la.locale)
	return prose(s)
}

// names fills in the topic, and the effects where the plan's sentences serve.
func (v *view) names(in Input, la *language) {
	var names []string
	for _, id := range in.Update.Components {
		names = append(names, componentName(in.Plan, id, la.locale))
	}
	v.Topic, v.Few, v.Several = la.all(names), la.few(names, maxNames), len(names) > 1
	v.Fewer = la.few(names, 1)
	if len(names) > 0 {
		v.lead = names[0]
	}
}

func componentName(p *plan.Plan, id incident.ComponentID, l incident.Locale) string {
	if c, ok := p.Component(id); ok {
		if s, ok := worded(c.Name, l); ok {
			return s
		}
	}
	return oneLine(string(id))
}

func (v *view) facts(in Input, la *language, s sight) {
	f := in.Update.Facts
	v.Effect = s.see(f.Effect, la)
	if v.Effect.Yes() {
		v.Effects = []string{v.Effect.Text}
	} else {
		v.Effects = planEffects(in, la)
		v.Effect = said{strings.Join(v.Effects, la.Join), incident.Confirmed}.orNothing()
	}
	if suspicion(in.Update.Kind) && !confirmed(in) {
		v.Effect, v.Effects = said{}, nil // nobody knows whether there is one
	}
	v.Scope, v.Workaround = s.see(f.Scope, la), s.see(f.Workaround, la)
	v.Cause, v.Prevention = s.see(f.Cause, la), s.see(f.Prevention, la)
	if s.sees(f.Data.State) {
		v.Data, v.DataState = f.Data.Value, said{string(f.Data.Value), f.Data.State}
	}
	if s.sees(f.Outlook.State) && f.Outlook.Value.ValidAt(in.Update.At) && f.Outlook.Value.Kind() == incident.OutlookWindow {
		from, to := f.Outlook.Value.Window()
		v.Outlook, v.OutlookSure = v.c.span(from, to), said{"window", f.Outlook.State}
		basis, _ := worded(f.Outlook.Value.Basis(), la.locale)
		v.Basis = la.sentence(basis)
	}
	v.Lapsed = v.Automatic && f.Outlook.Value.Kind() == incident.OutlookUnknown && f.Outlook.At.Equal(in.Update.At)
	for _, x := range []struct {
		at time.Time
		said
	}{{f.Effect.At, v.Effect}, {f.Scope.At, v.Scope}} {
		if x.Yes() && restated(in, x.at) {
			v.right = x.Text
		}
	}
	for _, x := range []said{v.Effect, v.Scope, v.Workaround, v.Cause, v.Prevention, v.DataState, v.OutlookSure} {
		v.Unsure = v.Unsure || x.Yes() && x.State != incident.Confirmed
	}
}

// planEffects answers the plan's own sentence for each component, each once.
func planEffects(in Input, la *language) []string {
	var out []string
	for _, id := range in.Update.Components {
		c, ok := in.Plan.Component(id)
		if !ok {
			continue
		}
		if s, ok := worded(c.Effect, la.locale); ok && !slices.Contains(out, la.sentence(s)) {
			out = append(out, la.sentence(s))
		}
	}
	return out
}

func (v *view) times(in Input, s sight) {
	u, f := in.Update, in.Update.Facts
	seen := func(f incident.Fact[time.Time]) stamp {
		if !s.sees(f.State) {
			return stamp{c: v.c}
		}
		return v.c.at(f.Value)
	}
	v.Started, v.Fixed, v.Ended = seen(f.StartedAt), seen(f.FixedAt), seen(f.EndedAt)
	v.StartedSure = said{"at", f.StartedAt.State}
	v.Detected, v.Next = v.c.at(in.Incident.DetectedAt), v.c.at(u.Next)
	v.Window = v.c.span(u.Window.From, u.Window.To)
	if in.Wrong != nil {
		v.Wrong = v.c.at(in.Wrong.At)
	} else {
		v.Wrong = stamp{c: v.c}
	}
	if v.Started.Known() && v.Ended.Known() {
		v.Period = v.c.span(v.Started.t, v.Ended.t)
	}
	v.AsOf = v.c.at(u.At)
	if at := f.Scope.At; !at.IsZero() && !at.After(u.At) {
		v.AsOf = v.c.at(at)
	}
	v.Missed = v.c.at(u.Missed)
	if v.Missed.Known() {
		v.Late = v.c.length(max(u.At.Sub(u.Missed), time.Minute))
	}
	v.restate(f)
}

// restate keeps of effect, scope and cause only what was said after the end:
// earlier sentences say that it goes on.
func (v *view) restate(f incident.Facts) {
	end := v.Ended
	if !end.Known() {
		end = v.Fixed
	}
	if !end.Known() {
		return
	}
	if v.Shape != shapeReport && (v.Over || v.Watching) && f.Cause.At.Before(end.t) {
		v.Cause = said{} // it may speak of work that is done by now
	}
	var out []string
	for _, x := range []struct {
		fact incident.Fact[incident.Text]
		said said
	}{{f.Effect, v.Effect}, {f.Scope, v.Scope}} {
		if x.fact.State == incident.Confirmed && x.said.Yes() && !x.fact.At.Before(end.t) {
			out = append(out, x.said.Text)
		}
	}
	v.Restated = strings.Join(out, v.c.Join)
}

func (v *view) measures(in Input) {
	s := in.Incident
	v.Acked = s.AckedBy != ""
	if m, ok := in.Plan.Member(plan.MemberID(s.AckedBy)); ok {
		v.Lead, v.Taker = oneLine(m.Name), oneLine(m.Name)
	} else if s.AckedBy != AnyoneOnDuty {
		v.Taker = oneLine(s.AckedBy)
	}
	for _, p := range s.Promises {
		if !p.Open() && p.Kept <= in.Update.Seq {
			v.Promised++
			if p.Met() {
				v.Kept++
			}
		}
	}
	if len(s.Lines) > 0 && !s.DetectedAt.IsZero() && s.Lines[0].At.After(s.DetectedAt) {
		v.FirstAfter = v.c.length(max(s.Lines[0].At.Sub(s.DetectedAt), time.Minute))
	}
	for n, sig := range in.Signals {
		if n == maxSignals {
			break
		}
		v.Signals = append(v.Signals, signalLine{
			Alarm: oneLine(sig.Alarm), State: v.c.Alarms[string(sig.State)], Reason: oneLine(sig.Reason), At: v.c.at(sig.At),
		})
	}
}

// maxSignals is how many alarms an engineer's text lists.
const maxSignals = 5

// Listed reports whether the effects are many enough for a list.
func (v *view) Listed() bool { return len(v.Effects) > 2 }

// EffectList writes the effects as lines of a list.
func (v *view) EffectList() string {
	var b strings.Builder
	for _, e := range v.Effects {
		b.WriteString(lineBreak + v.c.Bullet + e)
	}
	return b.String()
}

// Count says how many effects there are.
func (v *view) Count() int { return len(v.Effects) }

// Item begins a line of a list.
func (v *view) Item() string { return lineBreak + v.c.Bullet }

// One is the effect in one sentence, empty where there are several.
func (v *view) One() string {
	if len(v.Effects) == 1 {
		return v.Effects[0]
	}
	return ""
}

// Right is what a correction states anew, the scope before the effect; empty
// where its author says in own words alone what is right.
func (v *view) Right() string { return v.right }

// Of begins the scope with its topic where the sentence does not say itself what
// is affected.
func (v *view) Of() string { return v.of(v.Scope.Text) }

// RightOf is Of for what a correction states anew.
func (v *view) RightOf() string { return v.of(v.right) }

func (v *view) of(s string) string {
	low := strings.ToLower(s)
	for _, what := range []string{v.Clause(), v.lead} {
		if what != "" && strings.Contains(low, strings.ToLower(what)) {
			return ""
		}
	}
	return fill(v.c.List.Of, "topic", v.Few)
}

// Clause is One without its full stop, to be followed by a remark.
func (v *view) Clause() string { return strings.TrimSuffix(v.One(), v.c.Stop) }

// Mark is the mark of a drill; empty for the real thing.
func (v *view) Mark() string {
	if v.ID.Drill() {
		return v.c.Drill.Mark
	}
	return ""
}

// Title is the subject: state word, topic and who speaks.
func (v *view) Title() string {
	p, ok := v.c.Subjects[string(v.Shape)]
	if !ok || v.Corrects {
		p = v.c.Subjects["default"]
	}
	state := v.State
	if v.Corrects {
		state = v.c.States["correction"]
	}
	day := v.Started
	if v.Planned && v.Window.Known() {
		day = v.c.at(v.Window.from)
	} else if !day.Known() {
		day = v.Detected
	}
	title := fill(p, "state", state, "topic", v.Few, "org", v.Org, "date", day.Date())
	if m := v.Mark(); m != "" {
		title = m + v.c.Join + title
	}
	return oneLine(unread(title))
}
