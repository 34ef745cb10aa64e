package dynamo

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"shirase/internal/incident"
	"shirase/internal/plan"
)

// planRecord is one version of the plan, but for the plan as plan.Encode has it,
// which is an attribute of its own: bytes in JSON would not compress.
type planRecord struct {
	Version int       `json:"version"`
	At      time.Time `json:"at"`
}

// attrPlan is a plan, compressed.
const attrPlan = "plan"

// Current implements announce.Plans and deliver.Plans. It reads the number of
// the newest version each time, and a version once.
func (s *Store) Current(ctx context.Context) (*plan.Plan, error) {
	it, err := s.db.get(ctx, s.table, keyNewestPlan())
	if err != nil {
		return nil, err
	}
	if it == nil {
		return nil, fmt.Errorf("plan: %w", incident.ErrNotFound)
	}
	n, ok := it[attrVersion].(*types.AttributeValueMemberN)
	if !ok {
		return nil, fmt.Errorf("newest plan: no version")
	}
	version, err := strconv.Atoi(n.Value)
	if err != nil {
		return nil, fmt.Errorf("newest plan: %w", err)
	}
	return s.Version(ctx, version)
}

// Latest answers the newest plan that this process has read, which whoever works
// on a chunk has just done. It reads only where there is none.
func (s *Store) Latest(ctx context.Context) (*plan.Plan, error) {
	s.mu.Lock()
	newest := 0
	for version := range s.plans {
		newest = max(newest, version)
	}
	p := s.plans[newest]
	s.mu.Unlock()
	if p != nil {
		return p, nil
	}
	return s.Current(ctx)
}

// Version implements announce.Plans.
func (s *Store) Version(ctx context.Context, version int) (*plan.Plan, error) {
	s.mu.Lock()
	p := s.plans[version]
	s.mu.Unlock()
	if p != nil {
		return p, nil // a version never changes
	}
	it, err := s.db.get(ctx, s.table, keyPlan(version))
	if err != nil {
		return nil, err
	}
	if it == nil {
		return nil, fmt.Errorf("plan %d: %w", version, incident.ErrNotFound)
	}
	kept, err := unsqueeze(it[attrPlan])
	if err != nil {
		return nil, fmt.Errorf("read plan %d: %w", version, err)
	}
	return s.decoded(version, kept)
}

// SavePlan implements announce.Plans. A plan that is too large for an item even
// compressed is refused with ErrInvalid.
func (s *Store) SavePlan(ctx context.Context, base int, p *plan.Plan) (int, error) {
	kept, err := p.Encode()
	if err != nil {
		return 0, fmt.Errorf("save plan: %w", err)
	}
	actions, err := savePlan(s.table, planRecord{base + 1, s.now()}, kept)
	if err == nil {
		err = s.db.transact(ctx, actions)
	}
	if err != nil {
		return 0, fmt.Errorf("save plan %d: %w", base+1, err)
	}
	return base + 1, nil
}

// savePlan writes a version, and its number as the newest.
func savePlan(table string, r planRecord, kept []byte) ([]types.TransactWriteItem, error) {
	z, err := compressed(kept)
	if err != nil {
		return nil, err
	}
	var w writes
	if it := w.make(keyPlan(r.Version), r); it != nil {
		it[attrPlan] = z
		w.put(table, it, absent())
	}
	cond := absent()
	if base := r.Version - 1; base != 0 {
		cond = equals(attrVersion, number(int64(base)))
	}
	newest := keyNewestPlan().item()
	newest[attrVersion] = number(int64(r.Version))
	w.put(table, newest, cond)
	return w.actions()
}

// decoded answers a plan, decoded once.
func (s *Store) decoded(version int, kept []byte) (*plan.Plan, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.plans[version]; p != nil {
		return p, nil
	}
	p, err := plan.Decode(kept)
	if err != nil {
		return nil, fmt.Errorf("read plan %d: %w", version, err)
	}
	p.Version = version
	s.plans[version] = p
	return p, nil
}
