package dynamo

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/google/go-cmp/cmp"

	"shirase/internal/announce"
	"shirase/internal/deliver"
	"shirase/internal/incident"
	"shirase/internal/message"
)

var (
	noon   = time.Date(2026, 9, 15, 12, 0, 0, 0, time.UTC)
	tables = Tables{Incidents: "incidents", Subscribers: "subscribers", Deliveries: "deliveries"}
)

func storeOf(api *dynamodb.Client) *Store {
	return New(api, tables, func() time.Time { return noon })
}

// lagging answers an index that still holds what was handled or moved, and the
// items as they are now.
func lagging(t *testing.T, index []string, now map[string]any) *Agenda {
	t.Helper()
	api, _ := stubbed(t, func(_ int, call stubCall) (int, object) {
		if call.op == "Query" {
			rows := []object{}
			after, more := call.input["ExpressionAttributeValues"].(object)[":after"].(object)
			for _, name := range index {
				r := row(key{name, "X"}, "")
				r[attrGSK] = str(name)
				if !more || name > after["S"].(string) {
					rows = append(rows, r)
				}
			}
			return http.StatusOK, object{"Items": rows}
		}
		rows := []object{}
		for _, k := range call.asked(t) {
			if v, ok := now[k.pk]; ok {
				b, err := json.Marshal(v)
				if err != nil {
					t.Error(err)
				}
				rows = append(rows, row(k, string(b)))
			}
		}
		return http.StatusOK, object{"Responses": object{"incidents": rows}}
	})
	return NewAgenda(api, tables)
}

func TestDueIsJudgedByTheItemItself(t *testing.T) {
	t.Parallel()
	due := func(id announce.DueID, after time.Duration) announce.Due {
		return announce.Due{ID: id, At: noon.Add(after)}
	}
	a := lagging(t, []string{"1-handled", "2-put-off", "3-later-now", "4-due", "5-due"}, map[string]any{
		"2-put-off":   due("put off", time.Nanosecond),
		"3-later-now": due("later now", 0),
		"4-due":       due("due", -time.Minute),
		"5-due":       due("last", -time.Second),
	})
	for limit, want := range map[int][]announce.Due{
		0: {due("due", -time.Minute), due("last", -time.Second), due("later now", 0)},
		2: {due("due", -time.Minute), due("later now", 0)}, // two of them, though the first two are gone
	} {
		got, err := a.Due(t.Context(), noon, limit)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("Due(limit %d) differs (-want +got):\n%s", limit, d)
		}
	}
}

func TestOutboxIsJudgedByTheItemItself(t *testing.T) {
	t.Parallel()
	at := func(seq int, after time.Duration) outboxItem {
		return outboxItem{deliver.Pointer{Incident: "i", Seq: seq}, noon.Add(after)}
	}
	a := lagging(t, []string{"1-published", "2-again", "3"}, map[string]any{"2-again": at(2, 0), "3": at(3, -time.Second)})
	got, err := a.Outbox(t.Context(), noon, 1)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]deliver.Pointer{{Incident: "i", Seq: 3}}, got); d != "" {
		t.Errorf("Outbox() differs (-want +got):\n%s", d)
	}
}

// What is read in two steps may have moved on between them.
func TestWhatEndsBetweenTwoReads(t *testing.T) {
	t.Parallel()
	i, err := incident.Open(incident.Opening{
		ID: "i-1", Kind: incident.Outage, Severity: incident.Major, Components: []incident.ComponentID{"checkout"},
		DetectedAt: noon, At: noon, By: "sato", Plan: 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	over, err := i.Dismiss(noon)
	if err != nil {
		t.Fatal(err)
	}
	meta, err := json.Marshal(over.Snapshot())
	if err != nil {
		t.Fatal(err)
	}
	api, _ := stubbed(t, func(_ int, call stubCall) (int, object) {
		if call.op == "Query" {
			values := call.input["ExpressionAttributeValues"].(object)
			if pk := values[":pk"].(object)["S"]; pk == "LIVE" {
				return http.StatusOK, object{"Items": []object{row(keyLive("i-1"), "")}}
			}
			return http.StatusOK, found(call, `"d-1"`)
		}
		rows := []object{}
		for _, k := range call.asked(t) {
			body := string(meta)
			if k == keyDraft("d-1") {
				body = `{"id":"d-1","state":"published"}`
			}
			rows = append(rows, row(k, body))
		}
		return http.StatusOK, object{"Responses": object{"incidents": rows}}
	})
	s := storeOf(api)
	if is, err := s.Live(t.Context()); err != nil || len(is) != 0 {
		t.Errorf("Live() = %d incidents, %v, want none: it is over", len(is), err)
	}
	if ds, err := s.Drafts(t.Context(), "i-1"); err != nil || len(ds) != 1 {
		t.Errorf("Drafts() = %d, %v, want the one", len(ds), err)
	}
	if ds, err := s.OpenDrafts(t.Context(), "i-1"); err != nil || len(ds) != 0 {
		t.Errorf("OpenDrafts() = %d drafts, %v, want none: it is published", len(ds), err)
	}
}

// DynamoDB deletes what is over up to two days late.
func TestMemosThatAreOver(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		id   incident.ID
		age  time.Duration
		ok   bool
	}{
		{"in time", deliver.NoIncident, deliver.MemoLife - time.Nanosecond, true},
		{"over", deliver.NoIncident, deliver.MemoLife, false},
		{"of an incident", "i-1", 2 * deliver.MemoLife, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			m := deliver.Memo{Incident: c.id, Slot: "s", At: noon.Add(-c.age), Content: message.Content{Text: "t"}}
			b, err := json.Marshal(m)
			if err != nil {
				t.Fatal(err)
			}
			api, _ := stubbed(t, func(int, stubCall) (int, object) {
				return http.StatusOK, object{"Item": row(keyMemo(c.id, "s"), string(b))}
			})
			_, err = storeOf(api).Memo(t.Context(), c.id, "s")
			if (err == nil) != c.ok || err != nil && !errors.Is(err, incident.ErrNotFound) {
				t.Errorf("Memo() after %s = %v, want it found: %t", c.age, err, c.ok)
			}
		})
	}
}

// What DynamoDB is to delete by itself says when.
func TestWhatHasATimeToLive(t *testing.T) {
	t.Parallel()
	api, s := stubbed(t, func(int, stubCall) (int, object) { return http.StatusOK, object{} })
	memo := func(id incident.ID) deliver.Memo { return deliver.Memo{Incident: id, Slot: "s", At: noon} }
	err := storeOf(api).Commit(t.Context(), announce.Change{
		Memos: []deliver.Memo{memo(deliver.NoIncident), memo("i-1")}, Answer: &announce.Answer{Key: "k", At: noon},
	})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]any{}
	for _, w := range s.seen()[0].input["TransactItems"].([]any) {
		if p, ok := w.(object)["Put"].(object); ok {
			it := p["Item"].(object)
			got[it[attrPK].(object)["S"].(string)] = it[TTL]
		}
	}
	want := map[string]any{"MEMO#s": object{"N": "1797249600"}, "I#i-1": nil, "K#k": object{"N": "1789646400"}}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("times to live differ (-want +got):\n%s", d)
	}
}

// Pages go on after an index sort key, so that no two items may have one.
func TestIndexSortKeysAreOfOneItem(t *testing.T) {
	t.Parallel()
	api, s := stubbed(t, func(int, stubCall) (int, object) { return http.StatusOK, object{} })
	sig := incident.Signal{ID: "s", ReceivedAt: noon}
	c := announce.Change{
		Due:      []announce.Due{{ID: "a", At: noon}, {ID: "b", At: noon}},
		Outbox:   []deliver.Pointer{{Incident: "i-1", Seq: 1}, {Incident: "i-1", Seq: 2}},
		Evidence: []announce.Evidence{{Incident: "i-1", Signal: sig}, {Signal: sig}},
	}
	for _, id := range []incident.ID{"i-1", "i-2"} {
		i, err := incident.Open(incident.Opening{
			ID: id, Kind: incident.Outage, Severity: incident.Major, Components: []incident.ComponentID{"checkout"},
			DetectedAt: noon, At: noon, By: "sato", Plan: 1,
		})
		if err != nil {
			t.Fatal(err)
		}
		c.Incidents = append(c.Incidents, announce.Versioned{Incident: i})
	}
	if err := storeOf(api).Commit(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	places := map[string]int{}
	for _, w := range s.seen()[0].input["TransactItems"].([]any) {
		var gpk, gsk any
		if p, ok := w.(object)["Put"].(object); ok {
			gpk, gsk = p["Item"].(object)[attrGPK], p["Item"].(object)[attrGSK]
		} else {
			values := w.(object)["Update"].(object)["ExpressionAttributeValues"].(object)
			gpk, gsk = values[":"+attrGPK], values[":"+attrGSK]
		}
		if gpk != nil {
			places[fmt.Sprint(gpk, gsk)]++
		}
	}
	if len(places) != 8 {
		t.Errorf("8 items have %d places in the index, want one each: %v", len(places), places)
	}
}

// A change that cannot be written is refused whole, and says why.
func TestChangesThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	api, s := stubbed(t, func(int, stubCall) (int, object) { return http.StatusOK, object{} })
	var notes []announce.Note
	for n := range maxActions + 1 {
		notes = append(notes, announce.Note{ID: keyNumber(n), Incident: "i-1", At: noon})
	}
	for _, c := range []struct {
		name   string
		change announce.Change
		says   string
	}{
		{"too many writes", announce.Change{Notes: notes}, "101 writes"},
		{"too large a draft", announce.Change{Notes: notes[:1], Drafts: []announce.Draft{{ID: "d", Revision: 1, Digest: noise(600_000)}}}, "R record"},
		{"two conditions", announce.Change{Groups: []announce.GroupSlot{{Group: "g", Set: "i-1"}, {Group: "g", Was: "i-1"}}}, "two conditions on one G"},
	} {
		err := storeOf(api).Commit(t.Context(), c.change)
		if !errors.Is(err, incident.ErrInvalid) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("Commit(%s) = %v, want ErrInvalid that says %q", c.name, err, c.says)
		}
	}
	if err := storeOf(api).Commit(t.Context(), announce.Change{}); err != nil {
		t.Errorf("Commit(nothing) = %v, want none", err)
	}
	if n := len(s.seen()); n != 0 {
		t.Errorf("DynamoDB was called %d times, want never", n)
	}
}
