package plan

import (
	"bytes"
	"maps"
	"slices"
	"time"

	"shirase/internal/incident"
)

// Parse reads a plan and fills in its defaults. Families names every channel
// there is, with its family. A file that cannot be accepted gives a
// [*FileError] with all its faults at once.
func Parse(src []byte, families map[incident.Channel]incident.Family) (*Plan, error) {
	s := newSource(string(bytes.ToValidUTF8(bytes.TrimPrefix(src[:min(len(src), maxSize)], []byte("\ufeff")), []byte("\ufffd"))))
	if !readable(src, s) {
		return nil, s.err()
	}
	root := syntax(src, s)
	if root == nil {
		return nil, s.err()
	}
	r := &reader{source: s, families: families, plan: &Plan{Source: bytes.Clone(src), families: maps.Clone(families)}, wide: map[string]bool{}}
	r.file(item{node: root})
	if err := s.err(); err != nil {
		return nil, err
	}
	return r.plan, nil
}

// file reads the sections in the order in which they refer to each other.
func (r *reader) file(root item) {
	f, ok := r.fields(root, "plan")
	if !ok {
		return
	}
	if i, ok := r.need(f, "organisation"); ok {
		r.organisation(i)
	} else {
		r.wide[refLocale] = true
	}
	if i, ok := r.need(f, "components"); ok {
		r.components(i)
	}
	r.audiences(f)
	r.members(f)
	r.plan.OnCall = r.onCall(f)
	r.targets(f)
	r.cadence(f)
	r.timing(f)
	r.alarms(f)
	if i, ok := f.get("quiet"); ok {
		r.plan.Quiet = r.quiet(i)
	}
	if i, ok := f.get("words"); ok {
		choice(r, i, "warn")
	}
	r.plan.DrillRecipients = r.plan.OnCall
	if i, ok := f.get("drill_recipients"); ok {
		r.plan.DrillRecipients = r.memberIDs(i)
	}
	r.plan.DrillRecipients = slices.Clone(r.plan.DrillRecipients)
}

// The longest texts of a plan, in characters: a name fits a subject, and an
// effect is one sentence.
const (
	maxName   = 60
	maxEffect = 120
)

func (r *reader) organisation(i item) {
	o := &r.plan.Organisation
	o.Zone = time.UTC
	f, ok := r.fields(i, "organisation")
	if !ok {
		r.wide[refLocale] = true
		return
	}
	o.Locales = []incident.Locale{"en"}
	if v, ok := f.get("locales"); ok {
		o.Locales = nil
		before := len(r.faults)
		for _, w := range r.words(v) {
			if l, ok := choice(r, w.value, Locales()...); ok {
				o.Locales = append(o.Locales, l)
			} else {
				r.wide[refLocale] = true
			}
		}
		if len(o.Locales) == 0 {
			r.wide[refLocale] = true
			if len(r.faults) == before {
				r.fault(v, "names no locale; there are %s", shorten(Locales()))
			}
		}
	}
	if v, ok := r.need(f, "name"); ok {
		o.Name = r.text(v, maxName, true)
	}
	if v, ok := r.need(f, "contact"); ok {
		o.Contact, _ = r.contact(v)
	}
	if v, ok := f.get("from"); ok {
		o.From, _ = r.mail(v)
	} else if isMail(o.Contact) {
		o.From = o.Contact
	} else if o.Contact != "" {
		r.fault(item{f.at.node, f.at.child("from")}, "is missing; mail needs a sender, since contact is no mail address")
	}
	if v, ok := f.get("zone"); ok {
		if z, ok := r.zone(v); ok {
			o.Zone = z
		}
	}
	if v, ok := f.get("url"); ok {
		o.URL, _ = r.origin(v, true)
	}
}

// zone reads an IANA name. The machine's own zone is none: it would differ
// from machine to machine.
func (r *reader) zone(i item) (*time.Location, bool) {
	s, ok := r.word(i)
	if !ok {
		return nil, false
	}
	z, err := time.LoadLocation(s)
	if err != nil || s == "Local" {
		r.fault(i, "must be a time zone by its IANA name, such as Asia/Tokyo or UTC")
		return nil, false
	}
	return z, true
}

func (r *reader) components(i item) {
	list, ok := r.list(i)
	if !ok {
		r.wide[refComponent] = true
		return
	}
	if len(list) == 0 {
		r.fault(i, "is empty; name at least one thing that readers use")
	}
	seen := map[incident.ComponentID]bool{}
	for _, e := range list {
		f, ok := r.fields(e, "components")
		if !ok {
			r.wide[refComponent] = true
			continue
		}
		var c Component
		if id, ok := identify[incident.ComponentID](r, f, refComponent, seen); ok {
			c.ID = id
		}
		if v, ok := r.need(f, "name"); ok {
			c.Name = r.text(v, maxName, false)
		}
		if v, ok := r.need(f, "effect"); ok {
			c.Effect = r.text(v, maxEffect, false)
		}
		r.plan.Components = append(r.plan.Components, c)
	}
}

// identify reads the id of an element of a list, which no other may have. If
// there is none, references to the list are not judged.
func identify[T ~string](r *reader, f fields, what string, seen map[T]bool) (T, bool) {
	v, ok := r.need(f, "id")
	var s string
	if ok {
		s, ok = r.id(v)
	}
	if !ok {
		r.wide[what] = true
		return "", false
	}
	id := T(s)
	if seen[id] {
		r.fault(v, "is the id of an earlier %s", what)
		return "", false
	}
	seen[id] = true
	return id, true
}

func (r *reader) componentIDs() []incident.ComponentID {
	out := make([]incident.ComponentID, 0, len(r.plan.Components))
	for _, c := range r.plan.Components {
		if c.ID != "" {
			out = append(out, c.ID)
		}
	}
	return out
}
