package subscribe

import (
	"context"
	"crypto/subtle"
	"fmt"
	"strings"
	"time"

	"golang.org/x/text/width"

	"shirase/internal/incident"
)

// maxTries is how many codes may be tried for one sign-up.
const maxTries = 5

// Waiting answers the sign-up behind a confirmation link, and changes nothing.
// The errors are [ErrLink] and [ErrLapsed].
func (s *Service) Waiting(ctx context.Context, tok string) (View, error) {
	now := s.now()
	k, ask, err := s.links.read(PurposeConfirm, tok, now)
	if err != nil {
		return View{}, err
	}
	r, err := s.load(ctx, k)
	if err != nil {
		return View{}, err
	}
	switch {
	case r.confirmed(ask):
		return view(r), nil
	case r.waits(ask, now):
		v := view(r)
		v.State, v.Prefs = incident.Pending, r.Ask.Prefs
		return v, nil
	}
	return View{}, ErrLapsed
}

// Confirm makes the sign-up behind a confirmation link a subscription, once;
// doing it again changes nothing. Whoever confirms while incidents go on is
// told of them. The errors are [ErrLink] and [ErrLapsed].
func (s *Service) Confirm(ctx context.Context, tok string, from Origin) (View, error) {
	k, ask, err := s.links.read(PurposeConfirm, tok, s.now())
	if err != nil {
		return View{}, err
	}
	return s.confirm(ctx, k, ask, from)
}

// ConfirmCode does the same with the code that an SMS brought and the reference
// that [Service.SignUp] answered. A wrong code, one too old and one too many
// are all the same [Fault].
func (s *Service) ConfirmCode(ctx context.Context, ref, code string, from Origin) (View, error) {
	now := s.now()
	k, _, err := s.links.read(PurposeCode, ref, now)
	if err != nil {
		return View{}, err
	}
	var right string
	err = s.change(ctx, k, func(r Record) (*Change, error) {
		right = ""
		ask := r.coded(now)
		if ask == "" || r.Tries >= maxTries {
			return nil, nil
		}
		if subtle.ConstantTimeCompare([]byte(digits(code)), []byte(s.code(ask))) == 1 {
			right = ask
			return nil, nil
		}
		r.Tries++
		return &Change{Record: r}, nil
	})
	if err != nil {
		return View{}, err
	}
	if right == "" {
		return View{}, &Fault{Field: "code", Code: CodeWrong}
	}
	return s.confirm(ctx, k, right, from)
}

// coded answers the sign-up that a code may be for: the one that waits, or the
// one that was just confirmed, by someone who pressed twice.
func (r Record) coded(now time.Time) string {
	switch {
	case r.Subscriber.Channel != incident.SMS:
		return ""
	case r.Ask != nil && now.Before(r.Ask.Until):
		return r.Ask.ID
	case r.Ask == nil && r.Subscriber.State == incident.Active && now.Before(r.Subscriber.ConfirmedAt.Add(codeLife)):
		return r.Confirmed
	}
	return ""
}

func (r Record) confirmed(ask string) bool {
	return ask != "" && r.Confirmed == ask && r.Subscriber.State == incident.Active
}

func (r Record) waits(ask string, now time.Time) bool {
	return ask != "" && r.Ask != nil && r.Ask.ID == ask && now.Before(r.Ask.Until) &&
		r.Subscriber.State != incident.Suppressed
}

func (s *Service) confirm(ctx context.Context, k Key, ask string, from Origin) (View, error) {
	now := s.now()
	suppressed, err := s.suppressions.Suppressed(ctx, k.Channel, k.ID)
	if err != nil {
		return View{}, fmt.Errorf("read the suppression: %w", err)
	}
	if suppressed {
		return View{}, ErrLapsed
	}
	var kept Record
	var welcome *Work
	err = s.change(ctx, k, func(r Record) (*Change, error) {
		kept, welcome = r, nil
		if r.confirmed(ask) {
			return nil, nil
		}
		if !r.waits(ask, now) {
			return nil, ErrLapsed
		}
		agreed := *r.Ask
		r.Ask, r.Confirmed = nil, ask
		sub := &r.Subscriber
		// An endpoint answers challenges by itself, so a stranger could change
		// what it hears by signing it up again. Once active, only its own link may.
		if sub.Channel == incident.Webhook && sub.State == incident.Active {
			kept = r
			return &Change{Record: r}, nil
		}
		if sub.State != incident.Active {
			sub.Epoch++
			sub.State = incident.Active
			if sub.Channel == incident.Webhook {
				sub.Secret = s.secret(ask)
			}
		}
		agreed.Prefs.apply(sub)
		sub.ConfirmedAt, sub.Consent = now, agreed.Consent
		kept, welcome = r, &Work{ID: "welcome/" + ask, Kind: WorkWelcome, Key: k, Due: now}
		return &Change{
			Record: r, Consent: s.consent(k, EventConfirmed, agreed.Consent, from, "", now), Work: []Work{*welcome},
		}, nil
	})
	if err != nil {
		return View{}, err
	}
	if welcome != nil {
		s.attempt(ctx, *welcome, now)
	}
	v := view(kept)
	v.Manage = s.links.manage(kept.Subscriber, now)
	return v, nil
}

// digits answers a code as it was meant, however it was typed.
func digits(code string) string {
	if len(code) > 64 {
		return ""
	}
	return strings.NewReplacer(" ", "", "-", "").Replace(strings.TrimSpace(width.Fold.String(code)))
}
