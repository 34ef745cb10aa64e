package embedded

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"shirase/internal/incident"
	"shirase/internal/plan"
)

// planRecord is one version of the plan, as plan.Encode has it.
type planRecord struct {
	Version int             `json:"version"`
	Plan    json.RawMessage `json:"plan"`
	At      time.Time       `json:"at"`
}

// newestPlan reads the newest version; the zero record where there is none.
func newestPlan(tx Tx) (planRecord, error) {
	rs, _, err := page[planRecord](tx, tableIncidents, keyPlans(), "", 1, nil)
	if err != nil || len(rs) == 0 {
		return planRecord{}, err
	}
	return rs[0], nil
}

// Current implements announce.Plans and deliver.Plans.
func (s *Store) Current(ctx context.Context) (*plan.Plan, error) {
	var r planRecord
	err := view(ctx, s.kv, func(tx Tx) (err error) {
		r, err = newestPlan(tx)
		return err
	})
	if err != nil {
		return nil, err
	}
	if r.Version == 0 {
		return nil, fmt.Errorf("plan: %w", incident.ErrNotFound)
	}
	return s.decoded(r)
}

// Version implements announce.Plans.
func (s *Store) Version(ctx context.Context, version int) (*plan.Plan, error) {
	s.mu.Lock()
	p := s.plans[version]
	s.mu.Unlock()
	if p != nil {
		return p, nil // a version never changes
	}
	r, err := one[planRecord](ctx, s.kv, tableIncidents, keyPlan(version), fmt.Sprintf("plan %d", version))
	if err != nil {
		return nil, err
	}
	return s.decoded(r)
}

// SavePlan implements announce.Plans.
func (s *Store) SavePlan(ctx context.Context, base int, p *plan.Plan) (int, error) {
	kept, err := p.Encode()
	if err != nil {
		return 0, fmt.Errorf("save plan: %w", err)
	}
	err = update(ctx, s.kv, func(tx Tx) error {
		newest, err := newestPlan(tx)
		if err != nil {
			return err
		}
		if newest.Version != base {
			return conflict("plan is at version %d, not %d", newest.Version, base)
		}
		return put(tx, tableIncidents, keyPlan(base+1), planRecord{base + 1, kept, s.now()})
	})
	if err != nil {
		return 0, err
	}
	return base + 1, nil
}

// decoded answers the plan of a record, decoded once.
func (s *Store) decoded(r planRecord) (*plan.Plan, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.plans[r.Version]; p != nil {
		return p, nil
	}
	p, err := plan.Decode(r.Plan)
	if err != nil {
		return nil, fmt.Errorf("read plan %d: %w", r.Version, err)
	}
	p.Version = r.Version
	s.plans[r.Version] = p
	return p, nil
}
