package dynamo

import (
	"strconv"
	"strings"

	"shirase/internal/deliver"
	"shirase/internal/incident"
)

// The ledger, in the table deliveries. An incident has a partition for each
// shard, since a partition takes 1,000 writes a second and a wave makes two for
// each of its people.

func pkLedger(id incident.ID, shard int) string { return "D#" + string(id) + "#" + strconv.Itoa(shard) }

func skLines(c incident.Channel) string { return string(c) + "#" }

func keyLine(k deliver.Key, shards int) key {
	sk := skLines(k.Channel) + string(k.Recipient)
	if k.Slot != "" {
		sk += "#" + k.Slot
	}
	return key{pkLedger(k.Incident, ledgerShard(k.Recipient, shards)), sk}
}

// parseLine reads the sort key of a line. Neither channels nor recipients hold a #.
func parseLine(id incident.ID, sk string) deliver.Key {
	parts := strings.SplitN(sk, "#", 3)
	k := deliver.Key{Incident: id, Channel: incident.Channel(parts[0])}
	if len(parts) > 1 {
		k.Recipient = incident.RecipientID(parts[1])
	}
	if len(parts) > 2 {
		k.Slot = parts[2]
	}
	return k
}

// ledgerDigits is how many hex digits of a recipient's id choose the shard.
const ledgerDigits = 6

// ledgerShard spreads recipients over the shards of a ledger by the last digits
// of their own id. It must differ from [bookShard]: a fan-out reads the book
// shard by shard, so that with the same hash all claims of a while would fall on
// one shard of the ledger, 32 times the mean of 64. The first digits would do
// no better, since a shard of the book is read in the order of the ids.
func ledgerShard(id incident.RecipientID, shards int) int {
	n := 0
	for _, c := range []byte(id[max(0, len(id)-ledgerDigits):]) {
		n = n<<4 | hexDigit(c)
	}
	return n % shards
}

// hexDigit answers the value of a hex digit. No id of ours holds another
// character; one would still be spread.
func hexDigit(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	}
	return int(c) & 0xf
}

// Paces, in the table incidents. All stand in one partition, so that the
// switches can be listed, and those of drills in another.

func pkPaces() []string { return []string{"B", incident.DrillPrefix + "B"} }

func keyPace(c incident.Channel) key {
	if strings.HasPrefix(string(c), incident.DrillPrefix) {
		return key{pkPaces()[1], string(c)}
	}
	return key{pkPaces()[0], string(c)}
}
