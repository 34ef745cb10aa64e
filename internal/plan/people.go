package plan

import (
	"slices"

	"shirase/internal/incident"
)

func (r *reader) audiences(f fields) {
	i, ok := f.get("audiences")
	if !ok {
		for _, id := range []incident.Audience{incident.Engineering, incident.Customers} {
			r.plan.Audiences = append(r.plan.Audiences, r.audience(id))
		}
		return
	}
	list, ok := r.list(i)
	if !ok {
		r.wide[refAudience] = true
		return
	}
	if len(list) == 0 {
		r.fault(i, "is empty; leave it out for engineering and customers")
		r.wide[refAudience] = true
	}
	seen := map[incident.Audience]bool{}
	for _, e := range list {
		if _, ok := scalar(e.node); ok {
			id, ok := r.id(e)
			switch {
			case !ok:
				r.wide[refAudience] = true
			case seen[incident.Audience(id)]:
				r.fault(e, "is the id of an earlier audience")
			default:
				seen[incident.Audience(id)] = true
				r.plan.Audiences = append(r.plan.Audiences, r.audience(incident.Audience(id)))
			}
			continue
		}
		f, ok := r.fields(e, "audiences")
		if !ok {
			r.wide[refAudience] = true
			continue
		}
		id, ok := identify(r, f, refAudience, seen)
		if !ok {
			continue
		}
		a := r.audience(id)
		if v, ok := f.get("public"); ok {
			if a.Public = r.truth(v); a.Public && !hasTexts(id) {
				a.Texts = incident.Customers
			}
		}
		if v, ok := f.get("texts"); ok {
			if t, ok := choice(r, v, incident.Audiences()...); ok {
				a.Texts = t
			}
		}
		if a.Public && a.Texts != incident.Customers {
			r.fault(e, "a public audience must use the texts of customers: confirmed facts only")
		}
		if v, ok := f.get("name"); ok {
			a.Name = r.text(v, maxName, false)
		}
		r.plan.Audiences = append(r.plan.Audiences, a)
	}
}

func hasTexts(id incident.Audience) bool { return slices.Contains(incident.Audiences(), id) }

// audience answers an audience as it is if the file says nothing but its id.
// One without texts of its own inherits those of engineering, since whoever is
// no customer is one of us.
func (r *reader) audience(id incident.Audience) Audience {
	a := Audience{ID: id, Name: incident.Text{}, Texts: id, Public: id == incident.Customers}
	if !hasTexts(id) {
		a.Texts = incident.Engineering
	}
	for _, l := range r.plan.Organisation.Locales {
		name := lexicon(l).Audiences[id]
		if name == "" {
			name = string(id)
		}
		a.Name[l] = name
	}
	return a
}

func (r *reader) audienceIDs() []incident.Audience {
	out := make([]incident.Audience, len(r.plan.Audiences))
	for n, a := range r.plan.Audiences {
		out[n] = a.ID
	}
	return out
}

// private answers the first audience that is not public.
func (r *reader) private() (incident.Audience, bool) {
	n := slices.IndexFunc(r.plan.Audiences, func(a Audience) bool { return !a.Public })
	if n < 0 {
		return "", false
	}
	return r.plan.Audiences[n].ID, true
}

// personal lists the channels on which a person is reached as a person.
func (r *reader) personal() []string {
	var out []string
	for c, f := range r.families {
		if f == incident.FamilyEmail || f == incident.FamilySMS || f == incident.FamilyChat {
			out = append(out, string(c))
		}
	}
	slices.Sort(out)
	return out
}

func (r *reader) members(f fields) {
	i, ok := f.get("members")
	if !ok {
		return
	}
	list, ok := r.list(i)
	if !ok {
		r.wide[refMember] = true
		return
	}
	seen := map[MemberID]bool{}
	for _, e := range list {
		f, ok := r.fields(e, "members", r.personal()...)
		if !ok {
			r.wide[refMember] = true
			continue
		}
		id, ok := identify(r, f, refMember, seen)
		m := r.member(f, id)
		if ok {
			r.plan.Members = append(r.plan.Members, m)
		}
	}
}

func (r *reader) member(f fields, id MemberID) Member {
	m := Member{ID: id, Name: string(id), Addresses: map[incident.Channel]incident.Address{}}
	if v, ok := f.get("name"); ok {
		m.Name, _ = r.line(v, maxName)
	}
	if v, ok := f.get("audiences"); ok {
		for _, w := range r.words(v) {
			a, ok := known(r, w.value, refAudience, r.audienceIDs())
			if !ok {
				continue
			}
			if def, _ := r.plan.Audience(a); def.Public {
				r.fault(w.value, "is public; members belong to audiences of the organisation, readers subscribe")
				continue
			}
			m.Audiences = append(m.Audiences, a)
		}
	} else if a, ok := r.private(); ok {
		m.Audiences = []incident.Audience{a}
	} else if !r.wide[refAudience] {
		r.fault(f.at, "belongs to no audience; declare one that is not public, such as engineering")
	}
	m.Locale = r.locale(f)
	if v, ok := f.get("zone"); ok {
		if z, ok := r.zone(v); ok {
			m.Zone = z.String()
		}
	}
	for _, p := range f.rest {
		c := incident.Channel(p.key)
		if a, ok := r.address(p.value, c, r.families[c]); ok {
			m.Addresses[c] = a
		}
	}
	if len(f.rest) == 0 {
		r.fault(f.at, "has no address; give one of %s", either(r.personal()))
	}
	return m
}

// locale reads the locale of a member or target; the organisation's first is the default.
func (r *reader) locale(f fields) incident.Locale {
	locales := r.plan.Organisation.Locales
	if v, ok := f.get("locale"); ok {
		l, _ := known(r, v, refLocale, locales)
		return l
	}
	if len(locales) == 0 {
		return ""
	}
	return locales[0]
}

func (r *reader) onCall(f fields) []MemberID {
	i, ok := f.get("oncall")
	if !ok {
		return nil
	}
	return r.memberIDs(i)
}

// memberIDs reads a list of members in order.
func (r *reader) memberIDs(i item) []MemberID {
	ids := make([]MemberID, len(r.plan.Members))
	for n, m := range r.plan.Members {
		ids[n] = m.ID
	}
	var out []MemberID
	for _, w := range r.words(i) {
		if id, ok := known(r, w.value, refMember, ids); ok {
			out = append(out, id)
		}
	}
	return out
}
