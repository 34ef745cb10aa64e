package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	verdict "shirase/infra/judge"
	"shirase/internal/deliver"
	"shirase/internal/embedded"
	"shirase/internal/incident"
	"shirase/internal/message"
)

// broken is a promise that was not kept.
type broken struct {
	code verdict.Code
	what string
}

func (d *driver) breaks(c verdict.Code, format string, args ...any) {
	d.broken = append(d.broken, broken{c, fmt.Sprintf(format, args...)})
}

// tally counts what a run came to.
type tally struct{ messages, lost, doubled, disorder int }

// judge holds all that anybody got against what was promised, and ends the
// process.
func (d *driver) judge() tally {
	d.t.Helper()
	es, is := d.inbox(), d.wholes()
	saw := d.judgeRecords(es, is)
	for _, id := range slices.Sorted(maps.Keys(is)) {
		d.judgeIncident(is[id], saw)
	}
	d.judgeAnswers(is)
	d.judgePeople(es)
	d.judgeSignals()
	var parked struct{ Items []json.RawMessage }
	if d.read("/v1/parked", &parked); len(parked.Items) > 0 {
		d.breaks("I11", "%d messages are parked: %s", len(parked.Items), parked.Items)
	}
	d.kill()
	for _, l := range d.loud {
		d.breaks("I11", "the log says %s", l)
	}
	n := tally{messages: len(es)}
	for _, b := range d.broken {
		switch b.code {
		case verdict.Once:
			n.doubled++
		case verdict.Order:
			n.disorder++
		default:
			n.lost++
		}
		d.t.Errorf("seed %d: %s %s", d.seed, b.code, b.what)
	}
	d.t.Log(d.summary(is))
	return n
}

// judgeRecords looks at each record in the order in which they were seen, and
// answers what everybody saw.
func (d *driver) judgeRecords(es []embedded.Entry, is map[incident.ID]*whole) map[deliver.Key][]verdict.Sight {
	saw, ids := map[deliver.Key][]verdict.Sight{}, map[string]string{}
	for _, e := range es {
		if id := e.Headers["Message-ID"]; id != "" {
			if was, ok := ids[id]; ok {
				d.breaks(verdict.Once, "mails %s and %s to %s are one: %q", was, e.ID, e.To, e.Subject)
			}
			ids[id] = e.ID
		}
		if e.Kind != deliver.KindUpdate {
			continue
		}
		w, ok := is[e.Incident]
		if !ok {
			d.breaks("I1", "record %s is of %s, which is not there", e.ID, e.Incident)
			continue
		}
		s, ok := d.whose(e, w.told)
		if !ok {
			d.breaks("I4", "record %s to %s %s says what no update of %s up to %d says: %q %s", e.ID, e.Channel, e.To, e.Incident, e.Seq, e.Subject, e.Text)
			continue
		}
		if s.Seq != e.Seq {
			d.renumbered++
		}
		k := deliver.Key{Incident: e.Incident, Channel: e.Channel, Recipient: d.recipient(e.Channel, e.To)}
		for _, f := range verdict.Next(asOf(w.Updates, e.SentAt), saw[k], s, true) {
			d.breaks(f.Code, "%s %s, record %s: %s (%s)", e.Channel, e.To, e.ID, f.What, w)
		}
		saw[k] = append(saw[k], s)
	}
	return saw
}

// asOf answers the updates as they stood at a time.
func asOf(lines []incident.Line, at time.Time) []incident.Line {
	out := slices.Clone(lines)
	for n := range out {
		if out[n].WithdrawnAt.After(at) {
			out[n].WithdrawnAt = time.Time{}
		}
	}
	return out
}

// judgeIncident looks at everyone whom an incident concerns, and at what it promised.
func (d *driver) judgeIncident(w *whole, saw map[deliver.Key][]verdict.Sight) {
	if w.Live {
		d.breaks("I2", "%s goes on though it was ended (%s)", w.ID, w)
	}
	for k, l := range w.fates {
		if l.State != deliver.Done {
			d.breaks("I2", "%s %s of %s is at rest and not done: %+v", k.Channel, k.Recipient, w.ID, l)
		}
	}
	for k, sights := range saw {
		if k.Incident != w.ID || d.gone(k) {
			continue
		}
		l := w.fates[k]
		for _, f := range verdict.Rest(w.Updates, sights, l.fate(sights), message.Families()[k.Channel].Timeline()) {
			d.breaks(f.Code, "%s %s: %s (%s): %+v", k.Channel, k.Recipient, f.What, w, l)
		}
		for _, s := range sights {
			if !l.told(s.Seq) {
				d.breaks("I10", "%s %s saw %d and it does not count as told (%s): %+v", k.Channel, k.Recipient, s.Seq, w, l)
			}
		}
	}
	for k, l := range w.fates {
		for _, m := range l.Results {
			seen := slices.ContainsFunc(saw[k], func(s verdict.Sight) bool { return s.Seq == m.Text })
			if k.Slot == "" && m.Result == deliver.Sent && !seen {
				d.breaks("I10", "%s %s: %d counts as sent and was never seen (%s)", k.Channel, k.Recipient, m.Text, w)
			}
		}
	}
	d.judgeExpected(w, saw)
	d.judgePromises(w)
}

// judgeExpected sees to it that it is known of everyone an update was for what
// became of it.
func (d *driver) judgeExpected(w *whole, saw map[deliver.Key][]verdict.Sight) {
	for _, u := range w.told {
		if u.Kind == incident.Retraction || w.Updates[u.Seq-1].Withdrawn() {
			continue // for those who were told alone, or nobody any more
		}
		for _, r := range u.Routes {
			for _, to := range d.hearers(r, w, u.At) {
				k := deliver.Key{Incident: w.ID, Channel: r.Channel, Recipient: d.recipient(r.Channel, to)}
				l := w.fates[k]
				fate := l.fate(saw[k])
				newer := slices.ContainsFunc(w.Updates[u.Seq:], func(x incident.Line) bool { return !x.Withdrawn() && fate(x.Seq) })
				if !fate(u.Seq) && !newer {
					d.breaks("I2", "%s %s: nobody knows what became of %d (%s): %+v", r.Channel, to, u.Seq, w, l)
				}
			}
		}
	}
}

// hearers answers who is sure to be told on a route at a time.
func (d *driver) hearers(r incident.Route, w *whole, at time.Time) (out []string) {
	for _, c := range d.plan.Contacts(r.Channel) {
		if c.Audience == r.Audience {
			out = append(out, c.Address.Reveal())
		}
	}
	for _, p := range d.people {
		hears := len(p.components) == 0 || slices.ContainsFunc(p.components, func(c incident.ComponentID) bool {
			return slices.Contains(w.Components, c)
		})
		if p.audience == r.Audience && p.channel == r.Channel && hears && p.left.IsZero() && !p.confirmed.IsZero() && p.confirmed.Before(at) {
			out = append(out, p.address)
		}
	}
	return out
}

// gone reports whether somebody has left.
func (d *driver) gone(k deliver.Key) bool {
	return slices.ContainsFunc(d.people, func(p *follower) bool {
		return !p.left.IsZero() && p.channel == k.Channel && d.recipient(p.channel, p.address) == k.Recipient
	})
}

// judgePromises sees to it that whatever was not the last word promised a next
// one, which came.
func (d *driver) judgePromises(w *whole) {
	for _, u := range w.told {
		if !u.Stage.Final() && u.Next == nil && (u.Seq < w.Seq || w.End != incident.EndWithdrawn) {
			d.breaks("I2", "%s/%d goes on and promises nothing (%s)", w.ID, u.Seq, w)
		}
	}
	for _, p := range w.Promises {
		if p.Open() || !p.Met() && w.Updates[p.Kept-1].Kind != incident.Holding {
			d.breaks("I2", "%s/%d promised a word by %s, and update %d came at %s (%s)", w.ID, p.Seq, p.By, p.Kept, p.SettledAt, w)
		}
	}
}

// judgeAnswers holds what is kept against what operators were told is accepted.
func (d *driver) judgeAnswers(is map[incident.ID]*whole) {
	for _, t := range d.tales {
		w, ok := is[t.id]
		if !ok {
			d.breaks("I1", "%s was accepted and is not there", t.id)
			continue
		}
		for _, seq := range slices.Sorted(maps.Keys(t.accepted)) {
			if seq > w.Seq || w.Updates[seq-1].Kind != t.accepted[seq] {
				d.breaks("I1", "%s/%d, a %s, was accepted and is not there (%s)", t.id, seq, t.accepted[seq], w)
			}
		}
		by := 0
		for _, u := range w.told {
			if u.By == localKey {
				by++
			}
		}
		if by != len(t.accepted) {
			d.breaks("I1", "%s has %d updates of operators, and %d were accepted (%s)", t.id, by, len(t.accepted), w)
		}
		if len(w.Notes) != d.notes[t.id] {
			d.breaks("I1", "%s has %d notes, and %d were accepted", t.id, len(w.Notes), d.notes[t.id])
		}
	}
}

// judgePeople looks at those who came and those who left. What a process had in
// its hands when somebody left may still reach them, but nothing that was
// accepted after that, and nothing at all from the next process on.
func (d *driver) judgePeople(es []embedded.Entry) {
	for _, p := range d.people[len(sampleReaders()):] {
		if len(received(es, p.address, "confirmation")) == 0 {
			d.breaks("I2", "%s signed up and was sent no confirmation", p.address)
		}
	}
	for _, p := range d.people {
		for _, e := range received(es, p.address, "update") {
			if p.confirmed.IsZero() {
				d.breaks("I6", "%s never confirmed and got %s/%d", p.address, e.Incident, e.Seq)
			}
			if p.left.IsZero() {
				continue
			}
			if e.SentAt.After(p.left) && (p.leftIn+1 < len(d.began) && !e.SentAt.Before(d.began[p.leftIn+1]) || d.acceptedAt(e).After(p.left)) {
				d.breaks("I6", "%s left at %s and got %s/%d at %s", p.address, p.left, e.Incident, e.Seq, e.SentAt)
			}
		}
	}
}

// acceptedAt answers when the update was accepted under whose number a record is.
func (d *driver) acceptedAt(e embedded.Entry) time.Time {
	var u toldUpdate
	d.read(fmt.Sprintf("/v1/incidents/%s/updates/%d", e.Incident, e.Seq), &u)
	return u.At
}

// judgeSignals sees to it that whatever a monitor said is kept.
func (d *driver) judgeSignals() {
	kept := map[rung]bool{}
	for _, s := range d.signals() {
		kept[s] = true
	}
	for _, r := range d.rang {
		if !kept[r] {
			d.breaks("I10", "alarm %s said %s at %s, which is not kept", r.Alarm, r.State, r.At)
		}
	}
}
