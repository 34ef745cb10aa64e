package message

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"shirase/internal/incident"
	"shirase/internal/plan"
)

// A memoView is everything a memo's template may say.
type memoView struct {
	c  clock
	in MemoInput

	ID                 incident.ID
	Org, Few, Severity string
	Topic              string
	Link, Code, Reason string
	Channel            string
	Count              int
	Auto, Known, Holds bool
	Due                stamp
	Left               string
	Escalate           string
	Signals            []signalLine
	// Told says who would be told on which channels.
	Told []string
	// Drafts are the exact texts of a draft.
	Drafts []draftText
}

// A draftText is the text of one locale as it would be read.
type draftText struct {
	Locale, Subject, Text, SMS string
}

// Mark is the mark of a drill; empty for the real thing.
func (m *memoView) Mark() string {
	if m.in.Drill || m.ID.Drill() {
		return m.c.Drill.Mark
	}
	return ""
}

// Item begins a line of a list, Br a line, Part a paragraph.
func (m *memoView) Item() string { return lineBreak + m.c.Bullet }

// Br begins a line.
func (m *memoView) Br() string { return lineBreak }

// Part begins a paragraph.
func (m *memoView) Part() string { return paragraphBreak }

// RenderMemo writes a message that is no update, for operators or for a person
// who subscribes, in the families email, sms and chat.
func RenderMemo(in MemoInput) (map[incident.Family]Content, error) {
	if in.Plan == nil {
		return nil, incident.Invalid("plan", "must be given")
	}
	la, err := languageOf(in.Locale)
	if err != nil {
		return nil, fmt.Errorf("write memo %s: %w", in.Kind, err)
	}
	m := newMemoView(in, la)
	name := "memo/" + string(in.Kind)
	if la.tmpl.Lookup(name+"/body") == nil {
		return nil, incident.Invalid("kind", "there is no memo of the kind %q", string(in.Kind))
	}
	var subject, text, brief string
	for _, part := range []struct {
		name string
		out  *string
	}{{"/subject", &subject}, {"/body", &text}, {"/sms", &brief}} {
		if *part.out, err = la.write(name+part.name, m); err != nil {
			return nil, err
		}
	}
	subject = oneLine(subject)
	if mark := m.Mark(); mark != "" {
		subject = mark + la.Join + subject
	}
	ps := paragraphs(text, la.Join)
	if m.Mark() != "" {
		ps = append([]paragraph{{la.Drill.Body}}, ps...)
	}
	lead := 1 // the link follows what matters at once, since the texts below it are long
	if m.Mark() != "" {
		lead = 2
	}
	lead = min(lead, len(ps))
	more, room := la.Footer.Open, subject+"\n\n"+flat(ps)
	if in.Kind.showsPage() && m.Link != "" {
		more = la.Footer.Page
		room += "\n\n" + more
	}
	s := sheet{
		Locale: la.locale, Title: subject, Body: ps[:lead], More: more, Link: m.Link, Rest: ps[lead:],
		Footer: footer(la, m.Org, oneLine(in.Plan.Organisation.Contact)),
	}
	if in.Kind != MemoConfirm {
		s.Footer = append(s.Footer, fill(la.Footer.MemoWhy, "org", m.Org))
	}
	mail, err := s.content()
	if err != nil {
		return nil, err
	}
	return map[incident.Family]Content{
		incident.FamilyEmail: mail,
		incident.FamilySMS:   {Text: memoSMS(la, brief, m)},
		incident.FamilyChat:  {Text: chatFit(room, m.Link)},
	}, nil
}

// showsPage reports whether a memo's link leads to the page that customers
// read, where nothing can be done.
func (k MemoKind) showsPage() bool {
	return slices.Contains([]MemoKind{MemoJoined, MemoReminder, MemoOutlook, MemoUndelivered}, k)
}

func newMemoView(in MemoInput, la *language) *memoView {
	org := in.Plan.Organisation
	m := &memoView{
		c: newClock(la, org.Zone, in.Now), in: in, Org: orgName(org, la.locale), Link: oneLine(in.Link),
		Code: oneLine(in.Code), Reason: reason(la, in.Reason), Count: in.Count, Auto: in.Auto, Holds: in.Plan.Timing.Hold >= 0,
		Channel: channelName(la, in.Channel),
	}
	m.c.bare = true // a memo is read by whoever is on duty, by the organisation's clock
	m.Due = m.c.at(in.Due)
	if m.Due.Known() && in.Due.After(in.Now) && in.Due.Sub(in.Now) < maxLeft {
		m.Left = m.c.length(max(in.Due.Sub(in.Now), time.Minute))
	}
	if d := in.Plan.Timing.Escalate; d > 0 {
		m.Escalate = m.c.length(d)
	}
	if i := in.Incident; i != nil {
		m.Known, m.ID, m.Severity = true, i.ID, la.Severities[string(i.Severity)]
		var names []string
		for _, id := range i.Components {
			names = append(names, componentName(in.Plan, id, la.locale))
		}
		m.Topic, m.Few = la.all(names), la.few(names, maxNames)
		m.Told = told(in.Plan, la, *i)
	}
	for n, s := range in.Signals {
		if n == maxSignals {
			break
		}
		m.Signals = append(m.Signals, signalLine{oneLine(s.Alarm), la.Alarms[string(s.State)], oneLine(s.Reason), m.c.at(s.At)})
	}
	for _, d := range in.Draft {
		mail := Resolve(d.Contents[incident.FamilyEmail], incident.FamilyEmail, d.Locale, Reader{}, org.Zone)
		text, _, _ := strings.Cut(mail.Text, "\n--\n")
		m.Drafts = append(m.Drafts, draftText{string(d.Locale), oneLine(mail.Subject), prose(text), oneLine(d.Contents[incident.FamilySMS].Text)})
	}
	return m
}

// maxLeft is up to when the time that is left is worth saying.
const maxLeft = 3 * time.Hour

// told answers who would be told now, a line for each audience.
func told(p *plan.Plan, la *language, s incident.Snapshot) []string {
	routes := p.Routes(plan.Occasion{
		Incident: s.Kind, Severity: s.Severity, Kind: incident.Notice, First: s.Seq == 0, StageChanged: true,
	}, Families())
	var out []string
	for _, a := range p.Audiences {
		var cs []string
		for _, r := range routes {
			if r.Audience == a.ID && reaches(p, a, r.Channel) {
				cs = append(cs, channelName(la, r.Channel))
			}
		}
		if len(cs) > 0 {
			out = append(out, fill(la.List.Told, "audience", audienceName(la, a), "channels", la.join(cs)))
		}
	}
	return out
}

// reason words a reason of the closed list; anything else stands as it is.
func reason(la *language, s string) string {
	s = oneLine(s)
	if words, ok := la.Reasons[s]; ok {
		s = words
	}
	return la.sentence(s)
}

// reaches reports whether an audience has anybody on a channel: somebody of the
// plan, or subscribers from outside, who come by mail, SMS and webhook.
func reaches(p *plan.Plan, a plan.Audience, c incident.Channel) bool {
	if a.Public && (c == incident.Email || c == incident.SMS || c == incident.Webhook) {
		return true
	}
	return slices.ContainsFunc(p.Contacts(c), func(x plan.Contact) bool { return x.Audience == a.ID })
}

func channelName(la *language, c incident.Channel) string {
	if s, ok := la.Channels[string(c)]; ok {
		return s
	}
	return oneLine(string(c))
}

// maxMemoParts bounds what an operator's short message may cost: a signed link
// is long, and a link that is cut is none.
const maxMemoParts = 4

// memoSMS fits a memo into one part, or into as few as its link needs.
func memoSMS(la *language, out string, m *memoView) string {
	if la.Join != "" {
		out = toASCII(out)
	}
	ps := pieces(out)
	link := m.Link
	if m.Code != "" {
		link = "" // the code is what counts, and it fits one part
	}
	var text string
	for parts := 1; parts <= maxMemoParts; parts++ {
		l := Limit{Unit: SMSParts, Max: parts}
		var dropped int
		if text, dropped = assemble(ps, la.Join, link, l); l.Fits(text) && (dropped == 0 || dropped > 1) {
			break
		}
	}
	return text
}
