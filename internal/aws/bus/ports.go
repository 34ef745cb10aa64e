package bus

import (
	"context"

	"shirase/internal/plan"
)

// Plans reads the communication plan. It is part of announce.Plans.
type Plans interface {
	// Current answers the newest plan.
	Current(ctx context.Context) (*plan.Plan, error)
	// Version answers one version, or ErrNotFound. It is only asked in starter mode.
	Version(ctx context.Context, version int) (*plan.Plan, error)
}
