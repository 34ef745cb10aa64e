package announce

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"shirase/internal/deliver"
	"shirase/internal/incident"
	"shirase/internal/message"
	"shirase/internal/plan"
)

// A call is what a set of memos is about.
type call struct {
	kind message.MemoKind
	// about is what the memos are about and makes their slots.
	about string
	// input is shared; locale and link are filled in for each reader.
	input message.MemoInput
	// draft gives each reader a signed link of their own.
	draft DraftID
	// sms adds a text message for those who have a number.
	sms bool
	// voidAfter is the update after which the memos are pointless; -1 for never.
	voidAfter int
	until     time.Time
}

// linkLife is how long the signed link in a memo opens its page. The texts it
// shows grow stale much sooner; the page then shows fresh ones.
const linkLife = 24 * time.Hour

// memos writes to one on-call member, by mail and by text message if it is
// urgent, and to the on-call rooms.
func (s *Service) memos(pl *plan.Plan, m plan.Member, c call, now time.Time) ([]deliver.Memo, error) {
	id := deliver.NoIncident
	if c.input.Incident != nil {
		id = c.input.Incident.ID
	}
	var out []deliver.Memo
	add := func(ch incident.Channel, f incident.Family, addr incident.Address, l incident.Locale, a incident.Audience, to string) error {
		in := c.input
		in.Plan, in.Kind, in.Locale, in.Now, in.Drill = pl, c.kind, l, now, id.Drill()
		if c.draft != "" {
			in.Link = s.Links.Draft(c.draft, m.ID, now.Add(linkLife))
		} else if in.Incident != nil {
			in.Link = s.Links.Incident(id)
		}
		texts, err := s.Memo(in)
		if err != nil {
			return fmt.Errorf("write memo %s: %w", c.kind, err)
		}
		text, ok := texts[f]
		if !ok {
			return nil
		}
		out = append(out, deliver.Memo{
			Incident: id, Slot: fmt.Sprintf("%s/%s/%s/%s", c.kind, c.about, ch, to), Kind: envelopeKind(c.kind), Channel: ch,
			Recipient: s.Hash(ch, addr), Audience: a, Locale: l, Content: text, At: now, Until: c.until, VoidAfter: c.voidAfter,
		})
		return nil
	}
	for _, ch := range channels(m.Addresses) {
		f := s.Families[ch]
		if f == incident.FamilyWebhook || f == incident.FamilySMS && !c.sms {
			continue
		}
		if err := add(ch, f, m.Addresses[ch], m.Locale, audienceOf(m), string(m.ID)); err != nil {
			return nil, err
		}
	}
	for _, t := range pl.Targets {
		if !t.OnCall {
			continue
		}
		if err := add(t.Channel, s.Families[t.Channel], t.Address, t.Locale, t.Audience, string(t.ID)); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func audienceOf(m plan.Member) incident.Audience {
	if len(m.Audiences) == 0 {
		return incident.Engineering
	}
	return m.Audiences[0]
}

// onCall answers the member to call after n others were called; the list
// begins anew at its end.
func onCall(pl *plan.Plan, n int) (plan.Member, bool) {
	if len(pl.OnCall) == 0 {
		return plan.Member{}, false
	}
	return pl.Member(pl.OnCall[n%len(pl.OnCall)])
}

// envelopeKind answers what the inbox calls a memo.
func envelopeKind(k message.MemoKind) string {
	switch k {
	case message.MemoEscalation:
		return deliver.KindEscalation
	case message.MemoReminder, message.MemoOutlook:
		return deliver.KindReminder
	case message.MemoConfirm:
		return deliver.KindConfirmation
	case message.MemoDraft, message.MemoJoined, message.MemoCleared, message.MemoUnreadable, message.MemoUndelivered:
		return deliver.KindOperator
	}
	return deliver.KindOperator
}

// channels answers the channels of a member's addresses, sorted.
func channels(m map[incident.Channel]incident.Address) []incident.Channel {
	return slices.Sorted(maps.Keys(m))
}
