package dynamo

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"shirase/internal/announce"
	"shirase/internal/deliver"
	"shirase/internal/incident"
)

// A key names an item of a table. All keys are made in this file and in those
// whose names begin with its own; docs/decisions/0010-dynamodb-keys.md says why
// they are as they are.
//
// A key that holds the id of an incident begins "drill-" in a rehearsal only
// through that id. One that holds none is given the prefix in front, wherever
// the value it is made from carries it.
type key struct{ pk, sk string }

// item answers the key as the SDK takes it.
func (k key) item() item { return item{attrPK: text(k.pk), attrSK: text(k.sk)} }

// The parts of the index of the table incidents.
const (
	indexIncidents = "INCIDENTS" // newest first
	indexSignals   = "SIGNALS"   // newest first
	indexDue       = "DUE"       // earliest first
	indexOutbox    = "OUTBOX"    // earliest first
)

// indexed puts an item in a part of the index. A sort key must be of one item
// only, since pages go on after it.
func indexed(it item, gpk, gsk string) {
	it[attrGPK], it[attrGSK] = text(gpk), text(gsk)
}

// lead puts the drill prefix in front of a key that is made from a drill's value.
func lead(kind, value string) string {
	if strings.HasPrefix(value, incident.DrillPrefix) {
		return incident.DrillPrefix + kind + "#" + value
	}
	return kind + "#" + value
}

// maxPart is the most bytes of a key that come from outside: a sort key may have
// 1,024, and an alarm's name alone has up to 1,020.
const maxPart = 512

// part answers s, or a digest of it where it is too long for a key.
func part(s string) string {
	if len(s) <= maxPart {
		return s
	}
	h := sha256.Sum256([]byte(s))
	return "~" + hex.EncodeToString(h[:])
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

func keyNumber(n int) string { return fmt.Sprintf("%06d", n) }

// What hangs on one incident stands in its partition, so that it can be listed
// strongly.

func pkIncident(id incident.ID) string { return "I#" + string(id) }

const (
	skUpdates    = "U#"
	skNotes      = "N#"
	skEvidence   = "E#"
	skJoins      = "A#"
	skDrafts     = "R#"
	skOpenDrafts = "W#" // the drafts that wait, apart from all there ever were
)

func keyMeta(id incident.ID) key { return key{pkIncident(id), "META"} }

func keyUpdate(id incident.ID, seq int) key {
	return key{pkIncident(id), skUpdates + keyNumber(seq)}
}

func skMessages(seq int) string { return "M#" + keyNumber(seq) + "#" }

func keyMessage(id incident.ID, seq int, a incident.Audience, l incident.Locale) key {
	return key{pkIncident(id), skMessages(seq) + string(a) + "#" + string(l)}
}

// keyMemo gives a memo that belongs to no incident a partition of its own: many
// sign up at once.
func keyMemo(id incident.ID, slot string) key {
	if id == deliver.NoIncident {
		return key{"MEMO#" + part(slot), "MEMO"}
	}
	return key{pkIncident(id), "MEMO#" + part(slot)}
}

func keyNote(n announce.Note) key {
	return key{pkIncident(n.Incident), skNotes + keyTime(n.At) + "#" + part(n.ID)}
}

// pkEvidence holds no signal's incident where there is none: those stand under
// [deliver.NoIncident].
func pkEvidence(id incident.ID) string {
	if id == "" {
		id = deliver.NoIncident
	}
	return pkIncident(id)
}

// sortSignal is newest first by when a signal reached us, so that each arrival
// of a repeated signal is kept with what became of it.
func sortSignal(s incident.Signal) string {
	return keyTimeDown(s.ReceivedAt) + "#" + part(s.ID)
}

func keyEvidence(e announce.Evidence) key {
	return key{pkEvidence(e.Incident), skEvidence + sortSignal(e.Signal)}
}

func keyJoin(id incident.ID, fingerprint string) key {
	return key{pkIncident(id), skJoins + part(fingerprint)}
}

func keyDraftOf(d announce.Draft) key {
	return key{pkIncident(d.Incident), skDrafts + string(d.ID)}
}

func keyOpenDraftOf(d announce.Draft) key {
	return key{pkIncident(d.Incident), skOpenDrafts + string(d.ID)}
}

func keyJob(id incident.ID, seq int, c incident.Channel) key {
	return key{pkIncident(id), "J#" + keyNumber(seq) + "#" + string(c)}
}

// What stands by itself.

func keyDraft(id announce.DraftID) key { return key{lead("R", string(id)), "DRAFT"} }
func keyGroup(group string) key        { return key{lead("G", part(group)), "OPEN"} }
func keyAlarm(fingerprint string) key  { return key{lead("A", part(fingerprint)), "STATE"} }
func keyAnswer(digest string) key      { return key{lead("K", digest), "ANSWER"} }
func keyDue(id announce.DueID) key     { return key{"V#" + part(string(id)), "DUE"} }
func keyPlan(version int) key          { return key{"P#", keyNumber(version)} }
func keyNewestPlan() key               { return key{"P#", "NEWEST"} }

func keyStatus(id incident.ComponentID) key { return key{"Z#" + string(id), "STATUS"} }

// pkLives are the partitions of what is live: one for the real incidents and one
// for drills.
func pkLives() []string { return []string{"LIVE", incident.DrillPrefix + "LIVE"} }

func keyLive(id incident.ID) key {
	if id.Drill() {
		return key{pkLives()[1], string(id)}
	}
	return key{pkLives()[0], string(id)}
}

// outboxName names an outbox item by what it points to. Only a slot may hold a
// #, so it comes last.
func outboxName(p deliver.Pointer) string {
	return strings.Join([]string{string(p.Incident), strconv.Itoa(p.Seq), string(p.Late), string(p.Channel), part(p.Slot)}, "#")
}

func keyOutbox(p deliver.Pointer) key { return key{"O#" + outboxName(p), "OUT"} }

// The sort keys of the index.

func sortListedIncident(s incident.Snapshot) string {
	return keyTimeDown(s.OpenedAt) + "#" + string(s.ID)
}

func sortListedSignal(e announce.Evidence) string {
	return sortSignal(e.Signal) + "#" + pkEvidence(e.Incident)
}

func sortDue(d announce.Due) string { return keyTime(d.At) + "#" + part(string(d.ID)) }

func sortOutbox(at time.Time, p deliver.Pointer) string { return keyTime(at) + "#" + outboxName(p) }
