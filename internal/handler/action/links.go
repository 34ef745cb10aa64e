package action

import (
	"strings"
	"time"

	"shirase/internal/announce"
	"shirase/internal/incident"
	"shirase/internal/plan"
	"shirase/internal/token"
)

// Purpose is what the tokens of this page are signed for.
const Purpose = "draft"

// prefix begins the path of every such page.
const prefix = "/act/"

// Links makes the links that stand in texts. It implements [announce.Links].
type Links struct {
	// Base is the configured public URL.
	Base   string
	Tokens *token.Codec
}

// Incident answers the public page of an incident.
func (l Links) Incident(id incident.ID) string {
	return l.base() + "/i/" + string(id)
}

// Draft answers the signed link to a draft's page for one member, good until expires.
func (l Links) Draft(id announce.DraftID, member plan.MemberID, expires time.Time) string {
	return l.base() + prefix + l.Tokens.Sign(Purpose, []string{string(id), string(member)}, expires)
}

func (l Links) base() string { return strings.TrimRight(l.Base, "/") }
