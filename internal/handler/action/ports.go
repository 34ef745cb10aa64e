package action

import (
	"context"

	"shirase/internal/announce"
	"shirase/internal/plan"
)

// Drafts reads a draft and does what its reader decides; [announce.Service]
// implements it.
type Drafts interface {
	// Draft answers a draft as its page shows it, or ErrNotFound. It has no effect.
	Draft(ctx context.Context, id announce.DraftID) (announce.DraftView, error)
	// PublishDraft publishes exactly the texts of a digest. It is a
	// [*announce.StaleError] if those may no longer be sent. Called again for a
	// published draft it answers the same.
	PublishDraft(ctx context.Context, id announce.DraftID, digest string, who announce.Actor) (announce.Result, error)
	// EditDraft changes what the draft is made from, and its texts with it.
	EditDraft(ctx context.Context, id announce.DraftID, in announce.UpdateInput, who announce.Actor) (announce.Result, error)
	// DismissDraft drops the draft. Called again it answers the same.
	DismissDraft(ctx context.Context, id announce.DraftID, who announce.Actor) (announce.Result, error)
	// AckDraft records that the member has taken the incident on. Called again
	// it changes nothing.
	AckDraft(ctx context.Context, id announce.DraftID, who announce.Actor) (announce.Result, error)
}

// Plans reads the communication plan.
type Plans interface {
	// Current answers the newest plan, which says who is a member now.
	Current(ctx context.Context) (*plan.Plan, error)
}
