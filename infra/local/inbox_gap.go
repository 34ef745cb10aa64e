package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"shirase/internal/deliver"
	"shirase/internal/incident"
)

// A gap says why a cell of the grid is empty: in a word, and in a sentence.
type gap struct {
	Short, Long string
	// Tone is plain, wait or bad.
	Tone string
}

const (
	tonePlain = "plain"
	toneWait  = "wait"
	toneBad   = "bad"
)

// why answers why a reader has nothing of an update. The ledger knows best; for
// whom it does not know, the plan and the reader's own wishes say it.
func (s sight) why(r reader, u incident.Update) gap {
	it := s.items[r.seat()]
	if g, ok := s.ledger(it, u); ok {
		return g
	}
	if g, ok := s.unplanned(r, it, u); ok {
		return g
	}
	if it.Seq > u.Seq {
		return superseded(it.Seq)
	}
	if !r.contact {
		if g, ok := s.unasked(r, u); ok {
			return g
		}
	}
	return s.waiting(r, u)
}

// reasons puts the closed list of the ledger in words.
var reasons = map[deliver.Reason]string{
	deliver.Throttled:    "the provider asked us to slow down",
	deliver.Unavailable:  "the provider could not be reached",
	deliver.TimedOut:     "the provider gave no answer in time",
	deliver.NotBegun:     "there was no time left to begin",
	deliver.Rejected:     "the provider rejected the message or the recipient for good",
	deliver.Gone:         "the recipient asked never to be tried again",
	deliver.Unauthorised: "the provider refused our credential",
	deliver.Exhausted:    "it was tried as often as we do",
	deliver.TooLate:      "it was no longer worth saying",
	deliver.Forbidden:    "it is an address that we refuse to call, or there is no text for it",
}

func because(r deliver.Reason) string {
	if words, ok := reasons[r]; ok {
		return ": " + words
	}
	return ""
}

// ledger answers what the ledger says of an update.
func (s sight) ledger(it deliver.Item, u incident.Update) (gap, bool) {
	if n := slices.IndexFunc(it.Marks, func(m deliver.Mark) bool { return m.Text == u.Seq }); n >= 0 {
		if g := s.marked(it.Marks[n]); g.Short != "" {
			return g, true
		}
	}
	switch {
	case it.Text == u.Seq && it.State == deliver.Claimed:
		return gap{"sending", fmt.Sprintf("Being sent now; if nothing comes of it, it is tried again after %s.", s.hour(it.LeaseUntil)), toneWait}, true
	case it.Text == u.Seq && it.State == deliver.Waiting:
		at := it.RetryAt
		if it.NotBefore.After(at) {
			at = it.NotBefore
		}
		return gap{"retry " + s.hour(at), fmt.Sprintf("Did not get through yet, after %s; tried again at %s.", count(it.Attempts, "try", "tries"), s.hour(at)), toneWait}, true
	}
	return gap{}, false
}

func superseded(by int) gap {
	if by == 0 {
		return gap{"superseded", "Superseded: when its turn came, there was newer to say.", tonePlain}
	}
	return gap{fmt.Sprintf("→ #%d", by), fmt.Sprintf("Superseded: when its turn came, update %d was newer and went out instead.", by), tonePlain}
}

func (s sight) marked(m deliver.Mark) gap {
	switch m.Result {
	case deliver.Superseded:
		return superseded(m.Winner)
	case deliver.Withdrawn:
		return gap{"withdrawn", "Taken back before its turn came, so it was never sent.", tonePlain}
	case deliver.Refused:
		return gap{"refused", "Not sent" + because(m.Reason) + ".", toneBad}
	case deliver.Failed:
		return gap{"failed", "Given up" + because(m.Reason) + ".", toneBad}
	case deliver.Unsubscribed:
		return gap{"unsubscribed", "Unsubscribed before it was sent, so it was not.", tonePlain}
	case deliver.Unknown:
		return gap{"unknown", "Handed over, but no answer came: it may have arrived and counts as told.", toneBad}
	case deliver.Sent:
		if m.Seq != m.Text {
			return gap{fmt.Sprintf("in #%d", m.Seq), fmt.Sprintf("Its text was sent under number %d.", m.Seq), tonePlain}
		}
		return gap{"sent", "The provider took it at " + s.hour(m.At) + "; the inbox holds no copy.", tonePlain}
	}
	return gap{}
}

// unplanned answers whether the plan leaves the reader out of an update. What
// mends an update is owed to those who were told that one, and the end to
// everyone who was told anything, whatever the plan says.
func (s sight) unplanned(r reader, it deliver.Item, u incident.Update) (gap, bool) {
	told := slices.ContainsFunc(u.Routes, func(rt incident.Route) bool {
		return rt.Channel == r.channel && slices.Contains(r.audiences, rt.Audience)
	})
	ends := u.Stage == incident.Resolved || u.Stage == incident.Completed || u.MergedInto != ""
	switch {
	case u.Kind.Mends() && it.Told(u.Of), ends && it.ToldAny():
		return gap{}, false
	case u.Kind == incident.Retraction:
		return gap{"not owed", fmt.Sprintf("A retraction goes to those who were told update %d; this reader was not.", u.Of), tonePlain}, true
	case u.MergedInto != "":
		return gap{"not owed", "The end of a merged incident is told to those who heard of it; this reader did not.", tonePlain}, true
	case told:
		return gap{}, false
	}
	return gap{"not in plan", fmt.Sprintf("The plan does not tell %s this on %s.", words(r.audiences), r.channel), tonePlain}, true
}

// unasked answers whether the reader's own wishes keep an update away.
func (s sight) unasked(r reader, u incident.Update) (gap, bool) {
	var sub incident.Subscriber
	n := slices.IndexFunc(r.subscriptions, func(x incident.Subscriber) bool { return x.State == incident.Active })
	switch {
	case n >= 0:
		sub = r.subscriptions[n]
	case len(r.subscriptions) == 0:
		return gap{"gone", "Neither the plan nor the list of subscribers has this address any more.", tonePlain}, true
	default:
		return left(r.subscriptions[0].State)
	}
	if !sub.Hears(s.chosen.Named) {
		return gap{"filtered", fmt.Sprintf("Asked to hear of %s only.", words(sub.Components)), tonePlain}, true
	}
	since := sub.ConfirmedAt
	if since.IsZero() {
		since = sub.CreatedAt
	}
	if since.After(u.At) {
		return gap{"joined later", "Subscribed at " + s.hour(since) + ", when this update was out already.", tonePlain}, true
	}
	if !sub.Hears(s.named(u.Seq)) {
		return gap{"not yet", fmt.Sprintf("Asked to hear of %s only, which the incident named later.", words(sub.Components)), tonePlain}, true
	}
	return gap{}, false
}

// left says why somebody who subscribed once is not told.
func left(st incident.SubscriberState) (gap, bool) {
	switch st {
	case incident.Unsubscribed:
		return gap{"unsubscribed", "Has unsubscribed.", tonePlain}, true
	case incident.Suppressed:
		return gap{"suppressed", "The address bounced or complained, so nothing is sent to it.", toneBad}, true
	case incident.Pending:
		return gap{"unconfirmed", "Has signed up and not confirmed yet.", toneWait}, true
	case incident.Active:
	}
	return gap{}, false
}

// waiting says what an update waits for that nothing keeps away.
func (s sight) waiting(r reader, u incident.Update) gap {
	if u.Seq <= len(s.chosen.Lines) && s.chosen.Lines[u.Seq-1].Withdrawn() {
		return gap{"withdrawn", "Taken back before anything of it was sent to this reader.", tonePlain}
	}
	if slices.Contains(s.closed, r.channel) {
		return gap{"switched off", fmt.Sprintf("The channel %s is switched off by hand.", r.channel), toneWait}
	}
	if u.Seq < s.chosen.Seq {
		return gap{"nothing", "Never sent; the newest update is what the reader gets next.", tonePlain}
	}
	if until, quiet := s.plan.QuietUntil(s.now); quiet && s.families[r.channel] == incident.FamilySMS {
		return gap{"until " + s.hour(until), "Held back in the quiet hours of the plan.", toneWait}
	}
	return gap{"waiting", "Its turn has not come yet.", toneWait}
}

// named answers the components that the incident had named by an update.
func (s sight) named(seq int) []incident.ComponentID {
	var out []incident.ComponentID
	for _, u := range s.updates {
		if u.Seq <= seq {
			out = append(out, u.Components...)
		}
	}
	return out
}

// hour writes a time of day in the organisation's zone, with its day where that
// is not the incident's first.
func (s sight) hour(t time.Time) string {
	t = t.In(s.zone())
	if first := s.chosen.OpenedAt.In(s.zone()); t.YearDay() == first.YearDay() && t.Year() == first.Year() {
		return t.Format("15:04")
	}
	return t.Format("2 Jan 15:04")
}

func (s sight) zone() *time.Location {
	if z := s.plan.Organisation.Zone; z != nil {
		return z
	}
	return time.UTC
}

// words joins names as English does.
func words[T ~string](names []T) string {
	out := make([]string, len(names))
	for n, name := range names {
		out[n] = string(name)
	}
	switch len(out) {
	case 0:
		return "nobody"
	case 1:
		return out[0]
	}
	return strings.Join(out[:len(out)-1], ", ") + " and " + out[len(out)-1]
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
