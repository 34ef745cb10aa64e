package embedded

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash/fnv"
	"math"
	"strconv"
	"strings"
	"time"

	"shirase/internal/announce"
	"shirase/internal/deliver"
	"shirase/internal/incident"
	"shirase/internal/subscribe"
)

// All keys are made here. They mirror the partition and sort keys of the AWS
// store; sep stands between the two. It cannot be part of what people name.
//
// A key that holds the id of an incident begins "drill-" in a rehearsal only
// through that id. One that holds none is given the prefix in front, wherever
// the value it is made from carries it.
const sep = "\x00"

// lead puts the drill prefix in front of a key that is made from a drill's value.
func lead(kind, value string) string {
	if strings.HasPrefix(value, incident.DrillPrefix) {
		return incident.DrillPrefix + kind + "#" + value
	}
	return kind + "#" + value
}

// keyTime writes a time so that earlier times sort first.
func keyTime(t time.Time) string { return fmt.Sprintf("%019d", nanos(t)) }

// keyTimeDown writes a time so that later times sort first.
func keyTimeDown(t time.Time) string { return fmt.Sprintf("%019d", math.MaxInt64-nanos(t)) }

func nanos(t time.Time) int64 {
	if t.Unix() <= 0 { // the zero time among them
		return 0
	}
	if t.Year() >= 2262 { // beyond what fits
		return math.MaxInt64
	}
	return t.UnixNano()
}

// timeOfKey reads the time that a work key holds after its prefix.
func timeOfKey(prefix, key string) (time.Time, bool) {
	digits, _, _ := strings.Cut(strings.TrimPrefix(key, prefix), "#")
	n, err := strconv.ParseInt(digits, 10, 64)
	return time.Unix(0, n).UTC(), err == nil
}

func keyNumber(n int) string { return fmt.Sprintf("%06d", n) }

// Table incidents: what hangs on one incident.

func keyIncident(id incident.ID) string { return "I#" + string(id) + sep }
func keyMeta(id incident.ID) string     { return keyIncident(id) + "META" }
func keyUpdates(id incident.ID) string  { return keyIncident(id) + "U#" }
func keyUpdate(id incident.ID, seq int) string {
	return keyUpdates(id) + keyNumber(seq)
}

func keyMessages(id incident.ID, seq int) string {
	return keyIncident(id) + "M#" + keyNumber(seq) + "#"
}

func keyMessage(id incident.ID, seq int, a incident.Audience, l incident.Locale) string {
	return keyMessages(id, seq) + string(a) + "#" + string(l)
}

func keyMemo(id incident.ID, slot string) string { return keyIncident(id) + "MEMO#" + slot }

func keyNotes(id incident.ID) string { return keyIncident(id) + "N#" }
func keyNote(n announce.Note) string {
	return keyNotes(n.Incident) + keyTime(n.At) + "#" + n.ID
}

// keyEvidences holds no signal's incident where there is none: those stand
// under [deliver.NoIncident].
func keyEvidences(id incident.ID) string {
	if id == "" {
		id = deliver.NoIncident
	}
	return keyIncident(id) + "E#"
}

func keyEvidence(e announce.Evidence) string {
	return keyEvidences(e.Incident) + keySignal(e.Signal)
}

// keySignal is newest first by when a signal reached us, so that each arrival
// of a repeated signal is kept with what became of it.
func keySignal(s incident.Signal) string {
	return keyTimeDown(s.ReceivedAt) + "#" + s.ID
}

func keyJoins(id incident.ID) string { return keyIncident(id) + "A#" }
func keyJoin(id incident.ID, fingerprint string) string {
	return keyJoins(id) + fingerprint
}

func keyDraftsOf(id incident.ID) string { return keyIncident(id) + "R#" }
func keyDraftOf(d announce.Draft) string {
	return keyDraftsOf(d.Incident) + keyTime(d.At) + "#" + string(d.ID)
}

// keyOpenDraftsOf begin the drafts that wait, apart from all there ever were.
func keyOpenDraftsOf(id incident.ID) string { return keyIncident(id) + "W#" }

func keyOpenDraftOf(d announce.Draft) string {
	return keyOpenDraftsOf(d.Incident) + keyTime(d.At) + "#" + string(d.ID)
}

func keyJob(id incident.ID, seq int, c incident.Channel) string {
	return keyIncident(id) + "J#" + keyNumber(seq) + "#" + string(c)
}

// Table incidents: what stands by itself.

func keyDraft(id announce.DraftID) string { return lead("R", string(id)) + sep + "DRAFT" }
func keyGroup(group string) string        { return lead("G", group) + sep + "OPEN" }
func keyAlarm(fingerprint string) string  { return lead("A", fingerprint) + sep + "STATE" }
func keyAnswer(key string) string         { return lead("K", key) }
func keyDue(id announce.DueID) string     { return "V#" + string(id) }
func keyPlans() string                    { return "P#" }

// keyPlan is newest first.
func keyPlan(version int) string { return keyPlans() + keyNumber(lastPlan-version) }

// lastPlan is the last version that there can be.
const lastPlan = 999_999

// planVersion answers the version of a key.
func planVersion(key string) (int, error) {
	n, err := strconv.Atoi(strings.TrimPrefix(key, keyPlans()))
	if err != nil {
		return 0, fmt.Errorf("key of a plan: %w", err)
	}
	return lastPlan - n, nil
}

func keyStatus(id incident.ComponentID) string { return "Z#" + string(id) }

// keyAPIKeys begin the keys of the API.
const keyAPIKeys = "Y#"

func keyAPIKey(id string) string { return keyAPIKeys + id }

// keyLives begin the items of live incidents: one prefix for the real ones and
// one for drills.
func keyLives() []string { return []string{"C#", incident.DrillPrefix + "C#"} }

func keyLive(c incident.ComponentID, id incident.ID) string {
	k := keyLives()[0]
	if id.Drill() {
		k = keyLives()[1]
	}
	return k + string(c) + sep + string(id)
}

// outboxName names an outbox item by what it points to.
func outboxName(p deliver.Pointer) string {
	return strings.Join([]string{string(p.Incident), strconv.Itoa(p.Seq), p.Slot, string(p.Late), string(p.Channel)}, sep)
}

func keyOutbox(p deliver.Pointer) string { return "O#" + outboxName(p) }

// Table work.

const (
	workDue    = "DUE#"
	workOutbox = "OUT#"
	workExpiry = "END#"
	workBook   = "SUB#"
)

func keyWorkDue(d announce.Due) string { return workDue + keyTime(d.At) + "#" + string(d.ID) }

func keyWorkOutbox(at time.Time, p deliver.Pointer) string {
	return workOutbox + keyTime(at) + "#" + outboxName(p)
}

func keyWorkExpiry(at time.Time, t Table, key string) string {
	return workExpiry + keyTime(at) + "#" + string(t) + "#" + key
}

// Table list, newest first.

const (
	listIncidents = "I#"
	listSignals   = "E#"
)

func keyListIncident(s incident.Snapshot) string {
	return listIncidents + keyTimeDown(s.OpenedAt) + "#" + string(s.ID)
}

func keyListSignal(e announce.Evidence) string { return listSignals + keySignal(e.Signal) }

// Table deliveries. One machine has no hot partitions, so that a ledger needs
// no shards. Where it does, the shard must come from the recipient id's own
// digits, never from shardOf: a fan-out reads the book shard by shard, so that
// with the same hash all claims of a while fall on one shard of the ledger, 32
// times the mean of 64 shards.

func keyLedger(id incident.ID) string { return "D#" + string(id) + sep }

func keyLine(k deliver.Key) string {
	s := keyLedger(k.Incident) + string(k.Channel) + "#" + string(k.Recipient)
	if k.Slot != "" {
		s += "#" + k.Slot
	}
	return s
}

// parseLine reads what follows the prefix of a ledger key. Neither channels nor
// recipients hold a #.
func parseLine(id incident.ID, key string) deliver.Key {
	parts := strings.SplitN(strings.TrimPrefix(key, keyLedger(id)), "#", 3)
	k := deliver.Key{Incident: id, Channel: incident.Channel(parts[0])}
	if len(parts) > 1 {
		k.Recipient = incident.RecipientID(parts[1])
	}
	if len(parts) > 2 {
		k.Slot = parts[2]
	}
	return k
}

// Table subscribers.

func keyShard(a incident.Audience, shard int) string {
	return "S#" + string(a) + "#" + strconv.Itoa(shard) + sep
}

func keyShardOn(a incident.Audience, shard int, c incident.Channel) string {
	return keyShard(a, shard) + string(c) + "#"
}

func keySubscriber(k subscribe.Key, shards int) string {
	return keyShardOn(k.Audience, shardOf(k.ID, shards), k.Channel) + string(k.ID)
}

// shardOf spreads recipients over the shards of an audience.
func shardOf(id incident.RecipientID, shards int) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(id)) // never fails
	return int(h.Sum32() % uint32(shards))
}

func keyTwins(c incident.Channel, id incident.RecipientID) string {
	return "E#" + string(c) + "#" + string(id) + sep
}

func keyTwin(k subscribe.Key) string { return keyTwins(k.Channel, k.ID) + string(k.Audience) }

func keyConsent(c subscribe.Consent, n int) string {
	return "L#" + string(c.Key.Audience) + "#" + string(c.Key.Channel) + "#" + string(c.Key.ID) + sep +
		keyTime(c.At) + "#" + keyNumber(n)
}

func keySuppression(c incident.Channel, id incident.RecipientID) string {
	return "X#" + string(c) + "#" + string(id)
}

func keyLimit(key string) string { return "Q#" + key }
func keyWork(id string) string   { return "W#" + id }

func keyWorkBook(at time.Time, id string) string { return workBook + keyTime(at) + "#" + id }

// Table queues.

const (
	keyTurns  = "TURN"
	keyParks  = "PARK#"
	queueMark = "Q#" // begins whatever belongs to a queue
)

func keyQueue(q QueueName) string           { return queueMark + string(q) + sep }
func keyQueued(q QueueName) string          { return keyQueue(q) + "M#" }
func keyMail(q QueueName, id string) string { return keyQueued(q) + id }
func keyReadies(q QueueName) string         { return keyQueue(q) + "R#" }

func keyReady(q QueueName, at time.Time, turn string) string {
	return keyReadies(q) + keyTime(at) + "#" + turn
}

func keyQueueGroup(q QueueName, group string) string { return keyQueue(q) + "G#" + group }
func keyGrouped(q QueueName, group string) string    { return keyQueue(q) + "L#" + group + sep }

func keyGroupedMail(q QueueName, m mail) string {
	return keyGrouped(q, m.Group) + keyTime(m.Visible) + "#" + m.Turn
}

func keyPark(queue string, body []byte) string {
	h := sha256.New()
	h.Write([]byte(strconv.Itoa(len(queue)) + ":" + queue))
	h.Write(body)
	return keyParks + hex.EncodeToString(h.Sum(nil))
}

// Table inbox.

const keyEntries = "M#"

func keyEntry(n int) string        { return fmt.Sprintf("%s%09d", keyEntries, n) }
func keySeen(key string) string    { return "K#" + key }
func keyThread(root string) string { return "T#" + root }

func keyChannels() []string                { return []string{"B#", incident.DrillPrefix + "B#"} }
func keyChannel(c incident.Channel) string { return lead("B", string(c)) }
