package message

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"

	"shirase/internal/incident"
)

// Digest answers the hash of what an approver saw: who is told what, in which
// words. It leaves out the webhook body, which is made of the same facts but
// also holds the number and the moment of acceptance, neither of which exists
// while an update waits for approval. The order of the messages does not matter.
func Digest(ms []Message) string {
	type seen struct {
		Audience incident.Audience
		Locale   incident.Locale
		Contents map[incident.Family]Content
		Plain    map[incident.Family]Content
	}
	words := func(in map[incident.Family]Content) map[incident.Family]Content {
		out := maps.Clone(in)
		delete(out, incident.FamilyWebhook)
		return out
	}
	ms = slices.SortedFunc(slices.Values(ms), func(a, b Message) int {
		return cmp.Or(cmp.Compare(a.Audience, b.Audience), cmp.Compare(a.Locale, b.Locale))
	})
	h := sha256.New()
	enc := json.NewEncoder(h)
	for _, m := range ms {
		// Strings and maps of strings: there is nothing that could fail to encode.
		_ = enc.Encode(seen{m.Audience, m.Locale, words(m.Contents), words(m.Plain)})
	}
	return hex.EncodeToString(h.Sum(nil))
}
