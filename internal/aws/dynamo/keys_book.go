package dynamo

import (
	"hash/fnv"
	"strconv"
	"strings"
	"time"

	"shirase/internal/incident"
	"shirase/internal/subscribe"
)

// The table subscribers. A recipient's own item holds every subscription, so
// that a sender reads one item of each; the list of an audience holds copies of
// the active ones, so that a fan-out reads nobody else.

const skRecipient = "BOOK"

func keyRecipient(c incident.Channel, id incident.RecipientID) key {
	return key{"R#" + string(c) + "#" + string(id), skRecipient}
}

func pkShard(a incident.Audience, shard int) string {
	return "S#" + string(a) + "#" + strconv.Itoa(shard)
}

func skShardOn(c incident.Channel) string { return string(c) + "#" }

func keyListed(k subscribe.Key, shards int) key {
	return key{pkShard(k.Audience, bookShard(k.ID, shards)), skShardOn(k.Channel) + string(k.ID)}
}

// bookShard spreads recipients over the shards of an audience. It must differ
// from [ledgerShard].
func bookShard(id incident.RecipientID, shards int) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(id)) // never fails
	return int(h.Sum32() % uint32(shards))
}

// keyConsent tells entries of one moment apart by the version of the record that
// they came with, and by their place among those.
func keyConsent(c subscribe.Consent, version, n int) key {
	return key{
		"L#" + string(c.Key.Audience) + "#" + string(c.Key.Channel) + "#" + string(c.Key.ID),
		strings.Join([]string{keyTime(c.At), keyNumber(version), keyNumber(n)}, "#"),
	}
}

func keyWork(id string) key    { return key{"W#" + part(id), "WORK"} }
func keyLimit(what string) key { return key{"Q#" + part(what), "COUNT"} }

// indexWork is the part of the index that holds work, earliest first.
const indexWork = "WORK"

func sortWork(at time.Time, id string) string { return keyTime(at) + "#" + part(id) }
