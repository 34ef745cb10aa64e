package main

import (
	"fmt"
	"strings"

	"shirase/internal/deliver"
	"shirase/internal/incident"
	"shirase/internal/message"
)

// render writes texts that say which update they are of and what else may
// change a text, and no more: the real templates take longer than a whole seed.
// One seed in 250 uses those.
func (r *rig) render(in message.Input) ([]message.Message, []message.Finding, error) {
	if r.w.setup.words {
		r.w.rare("real words")
		ms, fs, err := message.Render(in)
		for n := range ms {
			label(ms[n].Contents, in.Update.Seq, false, ms[n].Audience)
			label(ms[n].Plain, in.Update.Seq, true, ms[n].Audience)
		}
		return ms, fs, err
	}
	u := in.Update
	text := fmt.Sprint(u.Kind, u.Stage, u.Severity, u.Components, u.Next.Unix(), u.Of, len(u.Text))
	var out []message.Message
	for _, a := range in.Plan.Audiences {
		for _, l := range in.Plan.Organisation.Locales {
			m := message.Message{Incident: u.Incident, Seq: u.Seq, Audience: a.ID, Locale: l, Contents: contents(text)}
			label(m.Contents, u.Seq, false, a.ID)
			if u.Kind == incident.Correction {
				m.Plain = contents(text)
				label(m.Plain, u.Seq, true, a.ID)
			}
			out = append(out, m)
		}
	}
	return out, nil, nil
}

func contents(text string) map[incident.Family]message.Content {
	out := map[incident.Family]message.Content{}
	for _, f := range []incident.Family{
		incident.FamilyEmail, incident.FamilySMS, incident.FamilySocial, incident.FamilyChat, incident.FamilyWebhook,
	} {
		out[f] = message.Content{Text: text}
	}
	return out
}

// label begins each text with the update, the audience and the family it is of,
// where the checker reads it.
func label(cs map[incident.Family]message.Content, seq int, plain bool, a incident.Audience) {
	for f, c := range cs {
		c.Text = fmt.Sprintf("%d %t %s %s\n%s", seq, plain, a, f, c.Text)
		cs[f] = c
	}
}

// labelled is what stands on a text.
type labelled struct {
	seq      int
	plain    bool
	audience incident.Audience
	family   incident.Family
}

// labelOf reads it.
func labelOf(e deliver.Envelope) (l labelled) {
	head, _, _ := strings.Cut(e.Content.Text, "\n")
	if _, err := fmt.Sscan(head, &l.seq, &l.plain, &l.audience, &l.family); err != nil {
		panic("an update without its number: " + head)
	}
	return l
}

// memo writes a memo as its link alone.
func (r *rig) memo(in message.MemoInput) (map[incident.Family]message.Content, error) {
	if r.w.setup.words {
		return message.RenderMemo(in)
	}
	return contents(fmt.Sprintf("%s %s %s", in.Kind, in.Link, in.Code)), nil
}
