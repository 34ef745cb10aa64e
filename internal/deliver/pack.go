package deliver

import (
	"net/url"
	"slices"
	"strings"

	"shirase/internal/incident"
	"shirase/internal/plan"
)

// maxGroup is the longest message group a queue takes.
const maxGroup = 128

// chunkSize is how many recipients a chunk of a family names. A webhook, an
// account and a room stand alone, so that a slow one delays nobody.
func chunkSize(f incident.Family) int {
	switch f {
	case incident.FamilyEmail:
		return 50
	case incident.FamilySMS:
		return 10
	case incident.FamilyWebhook, incident.FamilySocial, incident.FamilyChat:
	}
	return 1
}

// pack makes chunks like base of the recipients, each of them once.
func pack(base Chunk, f incident.Family, found []found) []Chunk {
	var chunks []Chunk
	seen := make(map[incident.RecipientID]bool, len(found))
	size := chunkSize(f)
	for _, r := range found {
		if seen[r.id] {
			continue
		}
		seen[r.id] = true
		if n := len(chunks) - 1; n >= 0 && len(chunks[n].Recipients) < size {
			chunks[n].Recipients = append(chunks[n].Recipients, r.id)
			continue
		}
		c := base
		c.Recipients = []incident.RecipientID{r.id}
		if size == 1 {
			c.Group = r.group
			if c.Group == "" || len(c.Group) > maxGroup {
				c.Group = string(r.id)
			}
		}
		chunks = append(chunks, c)
	}
	return slices.Clip(chunks)
}

// groupOf answers what shares a fate: the host of a webhook, the account or
// room of a target. Mail and SMS have no group.
func groupOf(f incident.Family, a incident.Address, t plan.TargetID) string {
	switch f {
	case incident.FamilyWebhook:
		if u, err := url.Parse(a.Reveal()); err == nil {
			return strings.ToLower(u.Host)
		}
	case incident.FamilySocial, incident.FamilyChat:
		return string(t)
	case incident.FamilyEmail, incident.FamilySMS:
	}
	return ""
}
