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

// newestPlan answers the newest version; 0 where there is none.
func newestPlan(tx Tx) (version int, err error) {
	tx.Scan(tableIncidents, keyPlans(), after(keyPlans()), func(key string, _ []byte) bool {
		version, err = planVersion(key)
		return false
	})
	return version, err
}

// Current implements announce.Plans and deliver.Plans. It looks for the newest
// version each time, and reads a version once.
func (s *Store) Current(ctx context.Context) (*plan.Plan, error) {
	var version int
	err := view(ctx, s.kv, func(tx Tx) (err error) {
		version, err = newestPlan(tx)
		return err
	})
	if err != nil {
		return nil, err
	}
	if version == 0 {
		return nil, fmt.Errorf("plan: %w", incident.ErrNotFound)
	}
	return s.Version(ctx, version)
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
		if newest != base {
			return conflict("plan is at version %d, not %d", newest, base)
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
