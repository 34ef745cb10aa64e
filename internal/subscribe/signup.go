package subscribe

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"shirase/internal/deliver"
	"shirase/internal/incident"
	"shirase/internal/message"
)

const (
	// askLife is how long a sign-up waits to be confirmed.
	askLife = 48 * time.Hour
	// codeLife is the same where a code of six digits is all there is to know.
	codeLife = time.Hour
	// publishGrace is how long the sweep leaves a memo to whoever stored it.
	publishGrace = 30 * time.Second
)

// A Request is a sign-up.
type Request struct {
	Channel incident.Channel
	Address incident.Address
	Prefs   Prefs
	// Consent is the version of the text that was agreed to.
	Consent string
	Origin  Origin
}

// Next is what somebody who signed up has to do. It says nothing about what
// was known before.
type Next struct {
	Channel incident.Channel
	// Ref goes with the code that an SMS brings; empty for other channels.
	Ref string
}

// SignUp takes a wish to be told and sends what it takes to confirm it. For
// known and unknown addresses, for suppressed ones and those that have had
// their share of confirmations, the answer is the same. The errors are every
// [Fault] at once, a [*LimitError], or [ErrClosed].
func (s *Service) SignUp(ctx context.Context, r Request) (Next, error) {
	p, err := s.plans.Current(ctx)
	if err != nil {
		return Next{}, fmt.Errorf("read the plan: %w", err)
	}
	audience, ok := public(p)
	if !ok {
		return Next{}, ErrClosed
	}
	addr, badAddress := s.rules.Normalise(r.Channel, r.Address)
	prefs, badPrefs := r.Prefs.check(p)
	if err := errors.Join(badAddress, badPrefs); err != nil {
		return Next{}, err
	}
	now := s.now()
	if err := s.admit(ctx, r.Channel, addr, r.Origin.IP, now); err != nil {
		return Next{}, err
	}

	k := Key{Audience: audience, Channel: r.Channel, ID: incident.NewRecipientID(s.key, r.Channel, addr)}
	ask := Ask{ID: s.newID(), At: now, Until: now.Add(askLife), Prefs: prefs, Consent: r.Consent}
	next := Next{Channel: r.Channel}
	if r.Channel == incident.SMS {
		ask.Until = now.Add(codeLife)
		next.Ref = s.links.code(k, ask.Until)
	}
	work := []Work{{ID: "lapse/" + ask.ID, Kind: WorkLapse, Key: k, Due: ask.Until, Ask: ask.ID}}
	var memo *deliver.Memo
	if r.Channel != incident.Webhook {
		content, err := s.confirmation(message.MemoInput{Plan: p, Locale: prefs.Locale, Due: ask.Until, Now: now}, k, ask)
		if err != nil {
			return Next{}, err
		}
		memo = &deliver.Memo{
			Incident: deliver.NoIncident, Slot: slot(ask.ID), Kind: deliver.KindConfirmation, Channel: k.Channel,
			Recipient: k.ID, Audience: audience, Locale: prefs.Locale, Content: content,
			At: now, Until: ask.Until, VoidAfter: -1,
		}
		work = append(work, Work{ID: "memo/" + ask.ID, Kind: WorkMemo, Key: k, Due: now.Add(publishGrace), Ask: ask.ID})
	}

	quiet, err := s.quiet(ctx, k, addr, now)
	if err != nil {
		return Next{}, err
	}
	var kept Record
	err = s.change(ctx, k, func(r2 Record) (*Change, error) {
		kept = Record{}
		if quiet || r2.Subscriber.State == incident.Suppressed {
			return nil, nil
		}
		r2.ask(ask, addr)
		kept = r2
		return &Change{
			Record: r2, Consent: s.consent(k, EventAsked, r.Consent, r.Origin, "", now), Memo: memo, Work: work,
		}, nil
	})
	if err != nil || kept.Ask == nil {
		return next, err
	}
	if memo != nil {
		s.attempt(ctx, work[1], now)
	} else {
		s.challenge(ctx, kept, r.Origin)
	}
	return next, nil
}

// ask puts a sign-up into the record. Somebody who is subscribed stays so, with
// what they hear now, until they confirm.
func (r *Record) ask(a Ask, addr incident.Address) {
	sub := &r.Subscriber
	if sub.State != incident.Active {
		sub.State = incident.Pending
		sub.CreatedAt = a.At
		a.Prefs.apply(sub)
	}
	sub.Address = addr
	r.Ask, r.Tries = &a, 0
}

// quiet reports whether a sign-up is to cause nothing, though it is answered
// like any other.
func (s *Service) quiet(ctx context.Context, k Key, addr incident.Address, now time.Time) (bool, error) {
	wait, err := s.limits.Take(ctx, "target#"+string(k.Channel)+"#"+s.hash("crowd", crowd(k.Channel, addr)), s.caps.Target, now)
	if err != nil {
		return false, fmt.Errorf("count a confirmation: %w", err)
	}
	suppressed, err := s.suppressions.Suppressed(ctx, k.Channel, k.ID)
	if err != nil {
		return false, fmt.Errorf("read the suppression: %w", err)
	}
	return wait > 0 || suppressed, nil
}

// confirmation writes the memo that asks to confirm.
func (s *Service) confirmation(in message.MemoInput, k Key, ask Ask) (message.Content, error) {
	in.Kind = message.MemoConfirm
	if k.Channel == incident.SMS {
		in.Code = s.code(ask.ID)
	} else {
		in.Link = s.links.confirm(k, ask)
	}
	family, ok := message.FamilyOf(k.Channel)
	if !ok {
		return message.Content{}, &Fault{Field: "channel", Code: ChannelUnknown}
	}
	contents, err := s.render(in)
	if err != nil {
		return message.Content{}, fmt.Errorf("write the confirmation: %w", err)
	}
	content, ok := contents[family]
	if !ok {
		return message.Content{}, fmt.Errorf("the confirmation has no text for %s", family)
	}
	return content, nil
}

// challenge asks an endpoint whether it wants to be called, and takes its
// answer for its consent. How that went shows nowhere: a sign-up must not be
// a way to find out which servers answer.
func (s *Service) challenge(ctx context.Context, r Record, from Origin) {
	sub := r.Subscriber
	if sub.State != incident.Active {
		sub.Secret = s.secret(r.Ask.ID)
		sub.Epoch++
	}
	c := Challenge{
		ID: r.Ask.ID, At: r.Ask.At, Value: s.hash("challenge", r.Ask.ID), Secret: sub.Secret,
		Manage: s.links.Manage(sub, r.Ask.At), Unsubscribe: s.links.Unsubscribe(sub),
	}
	value, err := s.challenger.Challenge(ctx, sub.Address, c)
	switch {
	case err != nil:
		s.log.InfoContext(ctx, "challenge not answered", slog.String("channel", string(sub.Channel)))
		return
	case subtle.ConstantTimeCompare([]byte(value), []byte(c.Value)) != 1:
		s.log.InfoContext(ctx, "challenge answered wrongly", slog.String("channel", string(sub.Channel)))
		return
	}
	from.How = HowChallenge
	if _, err := s.confirm(ctx, r.Key(), r.Ask.ID, from); err != nil {
		s.log.WarnContext(ctx, "challenge answered, not confirmed", slog.Any("error", err))
	}
}

// secret answers the key that signs what an endpoint is sent, in the form of
// Standard Webhooks.
func (s *Service) secret(ask string) string {
	return "whsec_" + base64.StdEncoding.EncodeToString(s.mac("secret", ask))
}

// code answers the six digits of a sign-up. They follow from its id and our
// key, so that nothing secret need be stored.
func (s *Service) code(ask string) string {
	return fmt.Sprintf("%06d", binary.BigEndian.Uint64(s.mac("code", ask))%1_000_000)
}

func slot(ask string) string { return "confirm/" + ask }
