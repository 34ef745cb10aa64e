package deliver

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"shirase/internal/incident"
	"shirase/internal/message"
)

// news is an incident as a matter: whatever is newest for each recipient.
type news struct {
	work  *work
	now   incident.Snapshot
	texts map[textKey]textOf
}

// textKey names a stored text, textOf is the text or that there is none.
type textKey struct {
	seq      int
	audience incident.Audience
	locale   incident.Locale
}

type textOf struct {
	message message.Message
	missing bool
}

func (n *news) read(ctx context.Context) error {
	inc, err := n.work.Incidents.Incident(ctx, n.work.chunk.Incident)
	if err != nil {
		return fmt.Errorf("read incident: %w", err)
	}
	n.now = inc.Snapshot()
	return nil
}

// next is what [Choose] says. Where that is nothing and a claim was left open,
// it is claimed once more, so that the ledger says what became of it.
func (n *news) next(it Item, claimed bool) (Pick, bool) {
	p, ok := Choose(n.now, it, n.work.family.Timeline())
	if !ok && !claimed && it.working(it.Text) && it.Seq <= n.now.Seq {
		return Pick{Seq: it.Seq, Text: it.Text}, true
	}
	return p, ok
}

// dropped calls withdrawn what was taken back or goes on elsewhere, and
// superseded what a newer update took the place of.
func (n *news) dropped(claimed Pick, it Item) (r Result, reason Reason, winner int, follows bool) {
	next, follows := n.next(it, true)
	if n.now.Lines[claimed.Text-1].Withdrawn() || n.now.End == incident.EndMerged && !follows {
		return Withdrawn, "", 0, false
	}
	winner = newestStanding(n.now.Lines)
	if follows {
		winner = next.Text
	}
	return Superseded, "", winner, follows
}

// held keeps SMS back in quiet hours, but for the first word of a critical
// incident.
func (n *news) held(it Item, now time.Time) time.Time {
	if n.work.family != incident.FamilySMS {
		return time.Time{}
	}
	if n.now.Severity == incident.Critical && n.now.End == "" && !n.heard(it) {
		return time.Time{}
	}
	end, _ := quietEnd(n.work.plan.Quiet, n.work.plan.Organisation.Zone, now)
	return end
}

// heard reports whether the recipient was told anything since the incident
// began, or began anew.
func (n *news) heard(it Item) bool {
	for _, l := range slices.Backward(n.now.Lines) {
		if l.Stage.Final() {
			return false
		}
		if it.Told(l.Seq) {
			return true
		}
	}
	return false
}

func (n *news) welcome(st incident.SubscriberState) bool { return st == incident.Active }

func (n *news) envelope(ctx context.Context, t turn, r reader) (Envelope, error) {
	msg, err := n.text(ctx, t.pick.Text, r)
	if err != nil {
		return Envelope{}, err
	}
	contents := msg.Contents
	if t.pick.Plain {
		contents = msg.Plain
	}
	content, ok := contents[n.work.family]
	if !ok {
		return Envelope{}, fmt.Errorf("text for %s: %w", n.work.family, incident.ErrNotFound)
	}
	line := n.now.Lines[t.pick.Text-1]
	e := n.work.address(t, r)
	e.Kind, e.Seq, e.Stage, e.Audience, e.Locale, e.At = KindUpdate, t.pick.Seq, line.Stage, msg.Audience, msg.Locale, line.At
	e.Content = n.work.resolve(&e, content, r)
	return e, nil
}

// text answers the stored text for a reader in their own locale, or else in the
// organisation's, first one first.
func (n *news) text(ctx context.Context, seq int, r reader) (message.Message, error) {
	locales := n.work.plan.Organisation.Locales
	if slices.Contains(locales, r.locale) {
		locales = append([]incident.Locale{r.locale}, locales...)
	}
	for _, l := range locales {
		k := textKey{seq, r.audience, l}
		text, ok := n.texts[k]
		if !ok {
			msg, err := n.work.Messages.Message(ctx, n.now.ID, seq, r.audience, l)
			if err != nil && !errors.Is(err, incident.ErrNotFound) {
				return message.Message{}, fmt.Errorf("read text: %w", err)
			}
			text = textOf{msg, err != nil}
			n.texts[k] = text
		}
		if !text.missing {
			return text.message, nil
		}
	}
	return message.Message{}, fmt.Errorf("text for %s: %w", r.audience, incident.ErrNotFound)
}

// address begins an envelope with what it carries whatever its text.
func (w *work) address(t turn, r reader) Envelope {
	e := Envelope{
		Key: EnvelopeKey(t.key, t.pick.Text), Incident: t.key.Incident, Channel: t.key.Channel, Recipient: t.key.Recipient,
		To: r.address, Target: r.target, Root: t.item.Root, Last: t.item.Last,
	}
	if r.subscriber != nil {
		e.Secret = r.subscriber.Secret
	}
	e.Locale = cmp.Or(r.locale, w.plan.Organisation.Locales[0])
	return e
}

// resolve fills in what is only known of a text when it is sent, and adds the
// headers by which a mail program shows its own unsubscribe button (RFC 8058).
func (w *work) resolve(e *Envelope, c message.Content, r reader) message.Content {
	to := message.Reader{Zone: r.zone}
	if r.subscriber != nil && r.subscriber.State == incident.Active {
		to.Unsubscribe, to.Manage = w.Links(*r.subscriber)
	}
	if w.family == incident.FamilyEmail && to.Unsubscribe != "" {
		e.Headers = map[string]string{
			"List-Unsubscribe":      "<" + to.Unsubscribe + ">",
			"List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
		}
	}
	return message.Resolve(c, w.family, e.Locale, to, w.plan.Organisation.Zone)
}

// EnvelopeKey is what a provider knows a repeat by: the same for every try of
// the text of one update, or of one memo, for one recipient, and different for
// any other.
func EnvelopeKey(k Key, text int) string {
	h := sha256.Sum256([]byte(strings.Join([]string{
		"envelope", string(k.Incident), strconv.Itoa(text), string(k.Channel), string(k.Recipient), k.Slot,
	}, "\x00")))
	return hex.EncodeToString(h[:16])
}
