package plan

import (
	"slices"

	"shirase/internal/incident"
)

func (r *reader) targets(f fields) {
	i, ok := f.get("targets")
	if !ok {
		return
	}
	list, ok := r.list(i)
	if !ok {
		return
	}
	seen := map[TargetID]bool{}
	for _, e := range list {
		if f, ok := r.fields(e, "targets"); ok {
			r.plan.Targets = append(r.plan.Targets, r.target(f, seen))
		}
	}
}

func (r *reader) target(f fields, seen map[TargetID]bool) Target {
	var t Target
	t.ID, _ = identify(r, f, "target", seen)
	t.Locale = r.locale(f)
	if v, ok := r.need(f, "audience"); ok {
		t.Audience, _ = known(r, v, refAudience, r.audienceIDs())
	}
	if v, ok := r.need(f, "channel"); ok {
		t.Channel, _ = known(r, v, refChannel, r.channels())
	}
	family := r.families[t.Channel]
	if v, ok := r.need(f, "address"); ok && t.Channel != "" {
		t.Address, _ = r.address(v, t.Channel, family)
	}
	if v, ok := f.get("server"); ok {
		if family != incident.FamilySocial && t.Channel != "" {
			r.fault(v, "is for social networks only; %s has one provider", t.Channel)
		} else {
			t.Server, _ = r.origin(v, false)
		}
	} else if t.Channel == mastodon {
		r.fault(item{f.at.node, f.at.child("server")}, "is missing; mastodon has many servers")
	}
	if v, ok := f.get("secret"); ok {
		t.Secret = r.secret(v)
	}
	if v, ok := f.get("oncall"); ok {
		t.OnCall = r.truth(v)
		if a, ok := r.plan.Audience(t.Audience); ok && a.Public && t.OnCall {
			r.fault(v, "drafts must not go to a public audience")
		} else if t.OnCall && family != incident.FamilyChat && family != incident.FamilyEmail && t.Channel != "" {
			r.fault(v, "drafts go to chat or mail only")
		}
	}
	return t
}

// channels lists the channels there are, sorted.
func (r *reader) channels() []incident.Channel {
	out := make([]incident.Channel, 0, len(r.families))
	for c := range r.families {
		out = append(out, c)
	}
	slices.Sort(out)
	return out
}
