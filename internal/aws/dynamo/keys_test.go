package dynamo

import (
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"shirase/internal/announce"
	"shirase/internal/deliver"
	"shirase/internal/incident"
)

// incidentKeys are keys of every kind, with their index sort keys, made from
// one value.
func incidentKeys(s string) []key {
	id, at := incident.ID(s), time.Date(2026, 9, 15, 5, 7, 0, 0, time.UTC)
	e := announce.Evidence{Incident: id, Signal: incident.Signal{ID: s, ReceivedAt: at}}
	p := deliver.Pointer{Incident: id, Slot: s}
	return []key{
		keyMeta(id), keyUpdate(id, 1), keyMessage(id, 1, "customers", "ja"), keyMemo(id, s),
		keyNote(announce.Note{Incident: id, ID: s, At: at}), keyEvidence(e), keyJoin(id, s),
		keyDraftOf(announce.Draft{Incident: id, ID: "d"}), keyOpenDraftOf(announce.Draft{Incident: id, ID: "d"}),
		keyJob(id, 1, incident.Email), keyLive(id), keyDraft(announce.DraftID(s)), keyGroup(s), keyAlarm(s), keyAnswer(s),
		keyDue(announce.DueID(s)), keyStatus("checkout"), keyOutbox(p), keyPlan(1), keyNewestPlan(),
	}
}

func TestKeysAreDistinct(t *testing.T) {
	t.Parallel()
	seen := map[key]bool{}
	for _, s := range []string{"a", "drill-a"} {
		for _, k := range incidentKeys(s) {
			if seen[k] && !strings.HasPrefix(k.pk, "P#") && !strings.HasPrefix(k.pk, "Z#") {
				t.Errorf("key %v stands for two things", k)
			}
			seen[k] = true
			if k.pk == "" || k.sk == "" {
				t.Errorf("key %v has an empty part, which DynamoDB refuses", k)
			}
		}
	}
}

// What a rehearsal writes is told apart by its keys alone.
func TestKeysOfDrills(t *testing.T) {
	t.Parallel()
	for _, k := range incidentKeys("drill-a") {
		shared := strings.HasPrefix(k.pk, "P#") || strings.HasPrefix(k.pk, "Z#")
		if strings.Contains(k.pk, incident.DrillPrefix) == shared {
			t.Errorf("key %v of a drill, want %q in its partition: %t", k, incident.DrillPrefix, !shared)
		}
	}
	for kind, k := range map[string]key{"drill-G#": keyGroup("drill-all"), "drill-A#": keyAlarm("drill-f"), "drill-LIVE": keyLive("drill-1")} {
		if !strings.HasPrefix(k.pk, kind) {
			t.Errorf("key %v, want it to begin %q", k, kind)
		}
	}
}

// An alarm's name alone may have 1,020 bytes.
func TestKeysFit(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("あ", 600)
	at := time.Date(2026, 9, 15, 5, 7, 0, 0, time.UTC)
	e := announce.Evidence{Incident: "i-1", Signal: incident.Signal{ID: long, ReceivedAt: at}}
	p := deliver.Pointer{Incident: "i-1", Slot: long}
	for _, k := range []key{
		keyMemo("i-1", long), keyMemo(deliver.NoIncident, long), keyEvidence(e), keyJoin("i-1", long), keyGroup(long), keyAlarm(long),
		keyDue(announce.DueID(long)), keyOutbox(p),
	} {
		if len(k.sk) >= maxKey || len(k.pk) > 2*maxKey {
			t.Errorf("key of %s has %d and %d bytes, want at most %d and %d", k.kind(), len(k.pk), len(k.sk), 2*maxKey, maxKey)
		}
	}
	for _, s := range []string{sortListedSignal(e), sortDue(announce.Due{ID: announce.DueID(long)}), sortOutbox(at, p)} {
		if len(s) >= maxKey {
			t.Errorf("a sort key of the index has %d bytes, want under %d", len(s), maxKey)
		}
	}
	if part(long) == part(long+"あ") {
		t.Error("part() makes two long values one")
	}
}

// The same signal may stand under two incidents, and each has its own place in
// the list.
func TestListedSignalsAreApart(t *testing.T) {
	t.Parallel()
	sig := incident.Signal{ID: "s"}
	a, b := announce.Evidence{Incident: "i-1", Signal: sig}, announce.Evidence{Incident: "i-2", Signal: sig}
	if sortListedSignal(a) == sortListedSignal(b) {
		t.Error("sortListedSignal() is one for two incidents")
	}
}

func TestTimesSort(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		draw := func(name string) time.Time {
			return time.Unix(rapid.Int64Range(-10, 9e9).Draw(t, name), rapid.Int64Range(0, 999_999_999).Draw(t, name+" nanos"))
		}
		a, b := draw("a"), draw("b")
		if a.Unix() <= 0 && b.Unix() <= 0 {
			return // all of them are the same
		}
		up, down := strings.Compare(keyTime(a), keyTime(b)), strings.Compare(keyTimeDown(a), keyTimeDown(b))
		if want := a.Compare(b); up != want || down != -want {
			t.Errorf("keys of %s and %s compare %d up and %d down, want %d and %d", a, b, up, down, want, -want)
		}
	})
	ts := []string{keyTime(time.Time{}), keyTime(time.Unix(1, 0)), keyTime(time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC))}
	if !slices.IsSorted(ts) || len(ts[0]) != len(ts[2]) {
		t.Errorf("keyTime() = %q, want them in order and of one length", ts)
	}
}

// A slot holds a #, and pointers must not become one because of it.
func TestOutboxNamesAreApart(t *testing.T) {
	t.Parallel()
	seen := map[string]deliver.Pointer{}
	for _, slot := range []string{"", "1", "a#b", "#"} {
		for _, late := range []incident.RecipientID{"", "r"} {
			for _, c := range []incident.Channel{"", "email"} {
				for seq := range 2 {
					p := deliver.Pointer{Incident: "i-1", Seq: seq, Slot: slot, Late: late, Channel: c}
					if was, ok := seen[outboxName(p)]; ok {
						t.Errorf("outboxName(%v) is that of %v", p, was)
					}
					seen[outboxName(p)] = p
				}
			}
		}
	}
}
