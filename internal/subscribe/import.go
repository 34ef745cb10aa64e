package subscribe

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"shirase/internal/incident"
)

// An Entry is one reader to import.
type Entry struct {
	Audience incident.Audience
	Channel  incident.Channel
	Address  incident.Address
	Prefs    Prefs
	Tags     map[string]string
}

// Import takes readers whose consent was given elsewhere, with the basis on
// which they may be told. It never touches anyone who is known already, least
// of all those who have left, so that importing twice does no harm. Every
// [Fault] of every entry is answered at once, and then nobody is imported.
func (s *Service) Import(ctx context.Context, entries []Entry, basis string) error {
	p, err := s.plans.Current(ctx)
	if err != nil {
		return fmt.Errorf("read the plan: %w", err)
	}
	var faults []error
	if basis == "" {
		faults = append(faults, &Fault{Field: "basis", Code: BasisMissing})
	}
	subs := make([]incident.Subscriber, len(entries))
	for n, e := range entries {
		at := "entries." + strconv.Itoa(n)
		if _, ok := p.Audience(e.Audience); !ok {
			faults = append(faults, &Fault{Field: at + ".audience", Code: AudienceUnknown})
		}
		addr, badAddress := s.rules.read(e.Channel, e.Address)
		prefs, badPrefs := e.Prefs.check(p)
		for _, f := range Faults(errors.Join(badAddress, badPrefs)) {
			faults = append(faults, &Fault{Field: at + "." + f.Field, Code: f.Code})
		}
		subs[n] = incident.Subscriber{
			ID: incident.NewRecipientID(s.key, e.Channel, addr), Audience: e.Audience, Channel: e.Channel,
			Address: addr, Tags: cloneTags(e.Tags), State: incident.Active, Epoch: 1,
		}
		prefs.apply(&subs[n])
	}
	if err := errors.Join(faults...); err != nil {
		return err
	}
	for _, sub := range subs {
		if err := s.importOne(ctx, sub, basis); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) importOne(ctx context.Context, sub incident.Subscriber, basis string) error {
	now := s.now()
	suppressed, err := s.suppressions.Suppressed(ctx, sub.Channel, sub.ID)
	if err != nil {
		return fmt.Errorf("read the suppression: %w", err)
	}
	if suppressed {
		return nil
	}
	sub.CreatedAt, sub.ConfirmedAt = now, now
	if sub.Channel == incident.Webhook {
		sub.Secret = s.secret(s.newID())
	}
	return s.change(ctx, keyOf(sub), func(r Record) (*Change, error) {
		if r.Version != 0 {
			return nil, nil
		}
		r.Subscriber = sub
		return &Change{
			Record: r, Consent: s.consent(keyOf(sub), EventImported, "", Origin{How: HowImport}, basis, now),
		}, nil
	})
}
