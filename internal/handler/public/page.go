package public

import (
	"context"
	"embed"
	"fmt"
	"slices"
	"strings"
	"time"

	"shirase/internal/handler/web"
	"shirase/internal/incident"
	"shirase/internal/message"
	"shirase/internal/plan"
)

//go:embed locales page.html.tmpl
var files embed.FS

var words = web.Load(files)

// A page is what the template shows.
type page struct {
	web.Words
	Style     string
	Why       string
	Drill     bool
	Languages []choice
	// Title is the stored one of the newest update: state word and topic.
	Title    string
	Org      string
	Contact  []web.Line
	Zone     string
	Newest   entry
	Next     instant
	Ended    bool
	Merged   string
	Work     bool
	From, To instant
	// Components are the names of what is affected, or was at the last word.
	Components []string
	Timeline   []entry
}

// A choice is a language that the page can be read in.
type choice struct {
	Lang, Name string
	Chosen     bool
}

// An instant is a time as people and as programs read it; empty for none.
type instant struct{ Words, Machine string }

// Known reports whether there is a time.
func (i instant) Known() bool { return i.Machine != "" }

// An entry is one update.
type entry struct {
	Seq  int
	Lang string
	At   instant
	// Withdrawn is when it was taken back; its text is not told again then.
	Withdrawn instant
	Title     string
	Text      [][]web.Line
	// Of is the update that it corrects or takes back.
	Of         int
	OfAt       instant
	Correction bool
	// CorrectedBy is the newest update that corrects this one; 0 for none.
	CorrectedBy int
	Newest      bool
}

// languages answers the switch between the locales that a page is offered in;
// none where there is no choice.
func languages(w web.Words, ls []incident.Locale) []choice {
	if len(ls) < 2 {
		return nil
	}
	out := make([]choice, len(ls))
	for n, l := range ls {
		// Each language is named by itself, for those who read no other.
		out[n] = choice{string(l), words(l).Name("this", "language"), l == w.Locale()}
	}
	return out
}

// A story is an incident with what it takes to tell it.
type story struct {
	h        *Handler
	snap     incident.Snapshot
	updates  []incident.Update
	plan     *plan.Plan // whose words the incident keeps
	current  *plan.Plan // which says where to turn now
	audience incident.Audience
	locale   incident.Locale
}

// locales answers the languages that there are texts and a page in; the
// organisation's first one first.
func (s story) locales() []incident.Locale {
	var out []incident.Locale
	for _, l := range s.plan.Organisation.Locales {
		if slices.Contains(plan.Locales(), l) {
			out = append(out, l)
		}
	}
	if len(out) == 0 {
		return plan.Locales()
	}
	return out
}

func (s story) page(ctx context.Context) (*page, error) {
	w := words(s.locale)
	clock := web.NewClock(s.locale, s.plan.Organisation.Zone, nil).Years()
	at := func(t time.Time) instant {
		if t.IsZero() {
			return instant{}
		}
		return instant{clock.At(t), clock.Machine(t)}
	}
	p := &page{
		Words: w, Style: web.Under(s.h.Base) + web.Style(), Drill: s.snap.ID.Drill(), Languages: languages(w, s.locales()), Org: s.name(),
		Contact: s.contact(), Zone: clock.Zone(s.snap.OpenedAt), Ended: s.snap.End != "", Work: s.snap.Kind == incident.Maintenance,
	}
	newest := s.newest()
	for _, u := range slices.Backward(s.updates) {
		if u.Seq < 1 || u.Seq > len(s.snap.Lines) {
			continue // accepted after the incident was read: the next page has it
		}
		line := s.snap.Lines[u.Seq-1]
		e := entry{Seq: u.Seq, At: at(u.At), Withdrawn: at(line.WithdrawnAt), Of: u.Of, Newest: u.Seq == newest, CorrectedBy: s.correctedBy(u.Seq)}
		if u.Of >= 1 && u.Of <= len(s.snap.Lines) {
			e.OfAt, e.Correction = at(s.snap.Lines[u.Of-1].At), u.Kind == incident.Correction
		}
		if !line.Withdrawn() {
			if err := s.words(ctx, &e); err != nil {
				return nil, err
			}
		}
		p.Timeline = append(p.Timeline, e)
		if e.Newest {
			p.Newest, p.Title = e, e.Title
			affected, err := s.affected(ctx, u)
			if err != nil {
				return nil, err
			}
			p.Components = affected
			p.From, p.To = at(u.Window.From), at(u.Window.To)
		}
	}
	if s.snap.MergedInto != "" {
		p.Merged = web.Under(s.h.Base) + prefix + string(s.snap.MergedInto)
	}
	if n := len(s.snap.Promises); n > 0 && s.snap.Promises[n-1].Open() {
		p.Next = at(s.snap.Promises[n-1].By)
	}
	return p, nil
}

// affected names the components that readers may know of: those the update
// named, and those of incidents that were merged into this one after they had
// been announced, since their readers were sent here.
func (s story) affected(ctx context.Context, u incident.Update) ([]string, error) {
	all := slices.Clone(u.Components)
	for _, id := range s.snap.Absorbed {
		other, err := s.h.Incidents.Incident(ctx, id)
		if err != nil {
			return nil, fmt.Errorf("read merged incident: %w", err)
		}
		if other.Seq() == 0 {
			continue
		}
		for _, c := range other.Snapshot().Components {
			if !slices.Contains(all, c) {
				all = append(all, c)
			}
		}
	}
	return s.components(all), nil
}

// newest answers the newest update that stands; where everything was taken
// back, that is the word that took it back.
func (s story) newest() int {
	for _, u := range slices.Backward(s.updates) {
		if u.Seq >= 1 && u.Seq <= len(s.snap.Lines) && !s.snap.Lines[u.Seq-1].Withdrawn() {
			return u.Seq
		}
	}
	return 0
}

// correctedBy answers the newest update that corrects another and stands.
func (s story) correctedBy(seq int) int {
	for _, l := range slices.Backward(s.snap.Lines) {
		if l.Of == seq && l.Kind == incident.Correction && !l.Withdrawn() {
			return l.Seq
		}
	}
	return 0
}

// words reads the stored text of an update, in the locale of the page or in
// whatever locale there is.
func (s story) words(ctx context.Context, e *entry) error {
	ms, err := s.h.History.Messages(ctx, s.snap.ID, e.Seq)
	if err != nil {
		return unreadable("texts", err)
	}
	var found *message.Message
	for n := range ms {
		if ms[n].Audience != s.audience {
			continue
		}
		if found == nil || ms[n].Locale == s.locale {
			found = &ms[n]
		}
	}
	if found == nil {
		return nil
	}
	title, text := web.Body(found.Contents, found.Locale)
	e.Title, e.Text, e.Lang = title, web.Paragraphs(text), string(found.Locale)
	return nil
}

func (s story) components(ids []incident.ComponentID) []string {
	out := make([]string, len(ids))
	for n, id := range ids {
		out[n] = string(id)
		if c, ok := s.plan.Component(id); ok {
			if name, ok := c.Name.In(s.locale); ok {
				out[n] = name
			}
		}
	}
	return out
}

func (s story) name() string {
	org := s.plan.Organisation
	for _, l := range append([]incident.Locale{s.locale}, org.Locales...) {
		if name, ok := org.Name.In(l); ok {
			return name
		}
	}
	return ""
}

// contact answers where readers turn, as a line whose link can be followed.
func (s story) contact() []web.Line {
	var out []web.Line
	for _, p := range web.Paragraphs(strings.TrimSpace(s.current.Organisation.Contact)) {
		out = append(out, p...)
	}
	return out
}
