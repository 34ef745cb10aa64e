package handler

import (
	"context"
	"time"
)

// reserve is the part of an invocation that is left for settling and logging.
const reserve = 500 * time.Millisecond

// defaultBudget is how long work may take where the context has no deadline and
// the handler no budget of its own.
const defaultBudget = 30 * time.Second

// deadline answers the instant at which work must end: reserve before the
// context does, or the budget from now where the context goes on.
func deadline(ctx context.Context, now time.Time, budget time.Duration) time.Time {
	if end, ok := ctx.Deadline(); ok {
		return end.Add(-reserve)
	}
	if budget <= 0 {
		budget = defaultBudget
	}
	return now.Add(budget)
}
