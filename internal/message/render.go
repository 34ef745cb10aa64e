package message

import (
	"fmt"
	"slices"
	"strings"

	"shirase/internal/incident"
	"shirase/internal/plan"
)

// Render writes an update for every audience of the plan, in every locale of
// the organisation and every family, and answers what was found in the texts.
// The same input always gives the same texts. The error is [incident.ErrInvalid]
// where the plan asks for a locale or for texts that do not exist.
func Render(in Input) ([]Message, []Finding, error) {
	if in.Plan == nil {
		return nil, nil, incident.Invalid("plan", "must be given")
	}
	in.Update.Facts = standing(in)
	var ms []Message
	for _, a := range in.Plan.Audiences {
		for _, l := range in.Plan.Organisation.Locales {
			la, err := languageOf(l)
			if err != nil {
				return nil, nil, fmt.Errorf("render update %d of %s: %w", in.Update.Seq, in.Update.Incident, err)
			}
			m, err := renderOne(in, la, a)
			if err != nil {
				return nil, nil, fmt.Errorf("render update %d of %s for %s: %w", in.Update.Seq, in.Update.Incident, a.ID, err)
			}
			ms = append(ms, m)
		}
	}
	return ms, findings(in, ms), nil
}

func renderOne(in Input, la *language, a plan.Audience) (Message, error) {
	m := Message{Incident: in.Update.Incident, Seq: in.Update.Seq, Audience: a.ID, Locale: la.locale}
	sh, corrects := shapeOf(in), in.Update.Kind == incident.Correction
	var err error
	if m.Contents, err = families(in, la, a, sh, corrects); err != nil || !corrects {
		return m, err
	}
	// What the author wrote is about the mistake; those who never read it get
	// the state alone.
	in.Update.Text = nil
	m.Plain, err = families(in, la, a, sh, false)
	return m, err
}

// families writes the text for each family. What leaves our hands, as a social
// network does whoever it is meant for and what programs read, goes by
// confirmed facts alone.
func families(in Input, la *language, a plan.Audience, sh shape, corrects bool) (map[incident.Family]Content, error) {
	inside, err := write(in, la, a, sightOf(a), sh, corrects)
	if err != nil {
		return nil, err
	}
	outside := inside
	if sightOf(a) != seesConfirmed {
		if outside, err = write(in, la, a, seesConfirmed, sh, corrects); err != nil {
			return nil, err
		}
	}
	out := map[incident.Family]Content{}
	for f, make := range map[incident.Family]func() (Content, error){
		incident.FamilyEmail:   func() (Content, error) { return email(inside, a) },
		incident.FamilySMS:     func() (Content, error) { return short(inside.view, incident.FamilySMS) },
		incident.FamilySocial:  func() (Content, error) { return short(outside.view, incident.FamilySocial) },
		incident.FamilyChat:    func() (Content, error) { return chat(inside), nil },
		incident.FamilyWebhook: func() (Content, error) { return webhook(outside, a) },
	} {
		if out[f], err = make(); err != nil {
			return nil, fmt.Errorf("%s: %w", f, err)
		}
	}
	return out, nil
}

// A draft is a view with its running text.
type draft struct {
	*view
	body []paragraph
}

func write(in Input, la *language, a plan.Audience, sees sight, sh shape, corrects bool) (draft, error) {
	v := newView(in, la, a, sees, sh)
	v.Corrects = corrects
	ps, err := body(v, a)
	return draft{v, ps}, err
}

// text is the running text as everything but mail has it.
func (d draft) text() string { return unread(flat(d.body)) }

// body writes the running text: the drill's mark, word of lateness and of a
// correction, then the text of the shape.
func body(v *view, a plan.Audience) ([]paragraph, error) {
	la := v.c.language
	var ps []paragraph
	if v.ID.Drill() {
		ps = append(ps, paragraph{la.Drill.Body})
	}
	add := func(name string) error {
		out, err := la.write(name, v)
		ps = append(ps, paragraphs(out, la.Join)...)
		return err
	}
	if v.Late != "" {
		if err := add("late"); err != nil {
			return nil, err
		}
	}
	if v.Corrects {
		if err := add("correction"); err != nil {
			return nil, err
		}
	}
	texts := a.Texts
	if a.Public {
		texts = incident.Customers // guidance for readers inside never goes outside
	}
	name := string(texts) + "/" + string(v.Shape)
	if la.tmpl.Lookup(name) == nil {
		return nil, incident.Invalid("texts", "there are no texts %q", name)
	}
	if texts == incident.Customers {
		return ps, add(name)
	}
	guide, err := la.write(name, v)
	if err != nil {
		return nil, err
	}
	v.Guide = guideOf(paragraphs(guide, la.Join))
	return ps, add("brief")
}

// guideOf hands what one template wrote to the next one.
func guideOf(ps []paragraph) string {
	out := make([]string, len(ps))
	for n, p := range ps {
		out[n] = strings.Join(p, lineBreak)
	}
	return strings.Join(out, paragraphBreak)
}

// short writes a text that stands alone within the tightest limit of its family.
func short(v *view, f incident.Family) (Content, error) {
	la := v.c.language
	name, alone := string(f)+"/"+string(v.Shape), *v
	if v.Corrects {
		name, alone.State = string(f)+"/correction", la.States["correction"]
	}
	// A post is read by everyone, so it speaks to everyone.
	alone.Internal = alone.Internal && f != incident.FamilySocial
	out, err := la.write(name, &alone)
	if err != nil {
		return Content{}, err
	}
	if f == incident.FamilySMS {
		alone.Few = alone.Fewer
		fewer, err := la.write(name, &alone)
		if err != nil {
			return Content{}, err
		}
		out = either(out, fewer)
	}
	out = unread(out)
	if f == incident.FamilySMS && la.Join != "" {
		out = toASCII(out)
	}
	limit := tightest(f)
	text := compose(out, la.Join, v.Link, limit)
	if !limit.Fits(text) {
		// A link that leaves no room for the status word stays away whole: cut, it
		// would lead nowhere, and a notice without one is better than none.
		text = compose(out, la.Join, "", limit)
	}
	return Content{Text: text}, nil
}

// timeline writes the last stages in short, oldest first.
func timeline(v *view) []string {
	la, u := v.c.language, v.in.Update
	when := v.c
	when.bare = true
	earlier := slices.DeleteFunc(slices.Clone(v.in.Incident.Lines), func(l incident.Line) bool { return l.Seq >= u.Seq })
	from := max(0, len(earlier)-timelineLength)
	at := func(seq int) string {
		if seq < 1 || seq > len(earlier) {
			return ""
		}
		return when.at(earlier[seq-1].At).Short()
	}
	var out []string
	first := true // until a person has said anything
	for n, l := range earlier {
		var s string
		switch {
		case l.Kind == incident.Retraction && l.Of > from:
			continue // the update that it takes back is named below, as withdrawn
		case l.Kind == incident.Retraction:
			s = fill(la.Timeline.Retraction, "time", at(l.Seq), "of", at(l.Of))
		case l.Withdrawn():
			s = fill(la.Timeline.Withdrawn, "time", at(l.Seq), "withdrawn", when.at(l.WithdrawnAt).Short())
		case l.Kind == incident.Correction:
			s = fill(la.Timeline.Correction, "time", at(l.Seq), "of", at(l.Of))
		default:
			s = fill(la.Timeline.Line, "time", at(l.Seq), "state", la.States[lineState(v.in.Incident.Kind, l, first, found(u.Facts.Cause))])
			first = first && suspicion(l.Kind)
		}
		if n >= from {
			out = append(out, s)
		}
	}
	return out
}

// timelineLength is how many of the earlier stages a text names. Whoever is owed
// a correction may get a newer text instead only while it is among them.
const timelineLength = 5

// chat writes the text for a room: the title, the body, the timeline and the
// link. Where there is no room, the timeline goes first, then the end of the body.
func chat(d draft) Content {
	text := d.Title() + "\n\n" + d.text()
	full := text
	if lines := timeline(d.view); len(lines) > 0 {
		full += "\n\n" + d.c.Timeline.Heading + "\n" + d.c.Bullet + strings.Join(lines, "\n"+d.c.Bullet)
	}
	if !tightest(incident.FamilyChat).Fits(chatEscape(full) + tail(chatEscape(d.Link))) {
		full = text
	}
	return Content{Text: chatFit(full, d.Link)}
}

// chatFit escapes a text for a room and cuts it until it fits with its link on
// a line of its own. Escaping makes a text longer, so it is measured escaped.
func chatFit(text, link string) string {
	limit := tightest(incident.FamilyChat)
	ok := func(s string) bool { return limit.Fits(chatEscape(s) + tail(chatEscape(link))) }
	if !ok(text) {
		text = trim(text, limit.most(), ok)
	}
	return strings.TrimSpace(chatEscape(text) + "\n" + chatEscape(link))
}

// chatEscape makes a text safe for rooms that read markup, as Slack asks.
func chatEscape(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
}
