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

// planRecord is one version of the plan, but for its source, which is an
// attribute of its own: bytes in JSON would not compress.
type planRecord struct {
	Version int       `json:"version"`
	At      time.Time `json:"at"`
}

// attrSource is the compressed source of a plan.
const attrSource = "source"

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
	source, err := unsqueeze(it[attrSource])
	if err != nil {
		return nil, fmt.Errorf("read plan %d: %w", version, err)
	}
	return s.parsed(version, source)
}

// SavePlan implements announce.Plans. A source that is no plan is refused with
// the parser's error, since nothing could be sent by it; one that is too large
// for an item even compressed, with ErrInvalid.
func (s *Store) SavePlan(ctx context.Context, base int, source []byte) (int, error) {
	if _, err := s.parse(source); err != nil {
		return 0, fmt.Errorf("save plan: %w", err)
	}
	actions, err := savePlan(s.table, planRecord{base + 1, s.now()}, source)
	if err == nil {
		err = s.db.transact(ctx, actions)
	}
	if err != nil {
		return 0, fmt.Errorf("save plan %d: %w", base+1, err)
	}
	return base + 1, nil
}

// savePlan writes a version, and its number as the newest.
func savePlan(table string, r planRecord, source []byte) ([]types.TransactWriteItem, error) {
	z, err := compressed(source)
	if err != nil {
		return nil, err
	}
	var w writes
	if it := w.make(keyPlan(r.Version), r); it != nil {
		it[attrSource] = z
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

// parsed answers a plan, parsed once.
func (s *Store) parsed(version int, source []byte) (*plan.Plan, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.plans[version]; p != nil {
		return p, nil
	}
	p, err := s.parse(source)
	if err != nil {
		return nil, fmt.Errorf("parse plan %d: %w", version, err)
	}
	own := *p
	own.Version, own.Source = version, source
	s.plans[version] = &own
	return &own, nil
}
