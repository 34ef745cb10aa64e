//go:build contract

package dynamo_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"shirase/internal/announce"
	"shirase/internal/deliver"
	"shirase/internal/incident"
	"shirase/internal/plan"
	"shirase/internal/porttest"
)

// What only this store could get wrong, on every engine.
func TestStoreOnEngines(t *testing.T) {
	t.Parallel()
	for name, api := range clients(t) {
		for what, test := range map[string]func(*testing.T, wholeStore){
			"writes an update once":             updateOnce,
			"pages through signals of a moment": signalsOfAMoment,
			"orders what is due at one moment":  dueOfAMoment,
			"drops and puts in one change":      dropsAndPuts,
			"keeps large records":               largeRecords,
			"keeps long names":                  longNames,
			"refuses a second try":              secondTry,
			"forgets answers on the dot":        answerOnTheDot,
		} {
			t.Run(name+"/"+what, func(t *testing.T) {
				t.Parallel()
				test(t, openStore(t, api, still))
			})
		}
	}
}

func commit(t *testing.T, s wholeStore, c announce.Change) {
	t.Helper()
	if err := s.Commit(t.Context(), c); err != nil {
		t.Fatalf("Commit() = %v", err)
	}
}

func updateOnce(t *testing.T, s wholeStore) {
	t.Helper()
	u := incident.Update{Incident: "i-1", Seq: 1, Text: incident.Text{"en": "first"}}
	commit(t, s, announce.Change{Updates: []incident.Update{u}})
	u.Text = incident.Text{"en": "second"}
	if err := s.Commit(t.Context(), announce.Change{Updates: []incident.Update{u}}); !errors.Is(err, incident.ErrConflict) {
		t.Errorf("Commit(update that exists) = %v, want ErrConflict", err)
	}
	if got, err := s.Update(t.Context(), "i-1", 1); err != nil || got.Text["en"] != "first" {
		t.Errorf("Update() = %q, %v, want the first", got.Text["en"], err)
	}
}

func signalsOfAMoment(t *testing.T, s wholeStore) {
	t.Helper()
	var es []announce.Evidence
	for n := range 3 {
		for _, id := range []incident.ID{"i-1", ""} { // the same signal under both
			sig := incident.Signal{ID: fmt.Sprint("s", n), ReceivedAt: porttest.Start}
			es = append(es, announce.Evidence{Incident: id, Signal: sig})
		}
	}
	commit(t, s, announce.Change{Evidence: es})
	seen := map[string]bool{}
	for cursor, page := "", 0; page == 0 || cursor != ""; page++ {
		got, next, err := s.Signals(t.Context(), "", cursor, 1)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range got {
			seen[e.Signal.ID+" of "+string(e.Incident)] = true
		}
		cursor = next
	}
	if len(seen) != len(es) {
		t.Errorf("Signals() came to %d of %d: %v", len(seen), len(es), seen)
	}
}

func dueOfAMoment(t *testing.T, s wholeStore) {
	t.Helper()
	var c announce.Change
	for _, id := range []announce.DueID{"c", "a", "d", "b"} {
		c.Due = append(c.Due, announce.Due{ID: id, At: porttest.Start})
	}
	commit(t, s, c)
	got, err := s.Due(t.Context(), porttest.Start, 1)
	if err != nil || len(got) != 1 || got[0].ID != "a" {
		t.Errorf("Due(limit 1) = %v, %v, want a", got, err)
	}
}

func dropsAndPuts(t *testing.T, s wholeStore) {
	t.Helper()
	again := announce.Change{
		Drop: []announce.DueID{"d"}, Cancel: []announce.DueID{"d", "e"},
		Due: []announce.Due{{ID: "d", At: porttest.Start.Add(time.Minute)}},
	}
	if err := s.Commit(t.Context(), again); !errors.Is(err, incident.ErrConflict) {
		t.Errorf("Commit(drop of none) = %v, want ErrConflict", err)
	}
	commit(t, s, announce.Change{Due: []announce.Due{{ID: "d", At: porttest.Start}}})
	commit(t, s, again)
	got, err := s.Due(t.Context(), porttest.Start.Add(time.Hour), 0)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(again.Due, got); d != "" {
		t.Errorf("Due() differs (-want +got):\n%s", d)
	}
}

// largeRecords are many times over what DynamoDB takes, until they are compressed.
func largeRecords(t *testing.T, s wholeStore) {
	t.Helper()
	d := announce.Draft{
		ID: "d-1", Incident: "i-1", Revision: 1, State: announce.DraftOpen, At: porttest.Start,
		Input: announce.UpdateInput{Text: incident.Text{"ja": strings.Repeat("続けてお知らせします。", 40_000)}},
	}
	commit(t, s, announce.Change{Drafts: []announce.Draft{d}})
	got, err := s.Draft(t.Context(), "d-1")
	if err != nil || got.Input.Text["ja"] != d.Input.Text["ja"] {
		t.Errorf("Draft() = %d bytes, %v, want %d", len(got.Input.Text["ja"]), err, len(d.Input.Text["ja"]))
	}
	source := []byte(strings.Repeat("# a comment in the plan\n", 40_000))
	if _, err := s.SavePlan(t.Context(), 0, &plan.Plan{Source: source}); err != nil {
		t.Fatal(err)
	}
	fresh, err := s.Current(t.Context())
	if err != nil || string(fresh.Source) != string(source) {
		t.Errorf("Current() differs from what was saved: %v", err)
	}
	if latest, err := s.Latest(t.Context()); err != nil || latest != fresh {
		t.Errorf("Latest() = %v, %v, want what Current() answered", latest != nil, err)
	}
}

func longNames(t *testing.T, s wholeStore) {
	t.Helper()
	long := func(first string) string { return first + strings.Repeat("あ", 900) }
	var as []announce.Alarm
	for _, f := range []string{"d", long("c"), "b", long("a")} {
		as = append(as, announce.Alarm{Fingerprint: f, At: porttest.Start, Incident: "i-1"})
	}
	p := deliver.Pointer{Incident: "i-1", Slot: long("s")}
	commit(t, s, announce.Change{
		Alarms: as, Outbox: []deliver.Pointer{p}, Due: []announce.Due{{ID: announce.DueID(long("d")), At: porttest.Start}},
		Memos:  []deliver.Memo{{Incident: deliver.NoIncident, Slot: long("m"), At: porttest.Start}},
		Groups: []announce.GroupSlot{{Group: long("g"), Set: "i-1"}},
		Evidence: []announce.Evidence{
			{Incident: "i-1", Signal: incident.Signal{ID: long("s"), ReceivedAt: porttest.Start}},
		},
	})
	got, err := s.Alarms(t.Context(), "i-1")
	if err != nil || len(got) != 4 || got[0].Fingerprint != long("a") || got[1].Fingerprint != "b" || got[2].Fingerprint != long("c") {
		t.Errorf("Alarms() = %d of them, %v, want four, by fingerprint", len(got), err)
	}
	if m, err := s.Memo(t.Context(), deliver.NoIncident, long("m")); err != nil || m.Slot != long("m") {
		t.Errorf("Memo(long slot) = %v", err)
	}
	if ps, err := s.Outbox(t.Context(), porttest.Start.Add(time.Hour), 0); err != nil || len(ps) != 2 {
		t.Errorf("Outbox() = %d pointers, %v, want that of the memo and the other", len(ps), err)
	}
}

// A commit whose answer was lost was made; the second try says so and changes
// nothing.
func secondTry(t *testing.T, s wholeStore) {
	t.Helper()
	i, err := incident.Open(incident.Opening{
		ID: "i-1", Kind: incident.Outage, Severity: incident.Major, Components: []incident.ComponentID{"checkout"},
		DetectedAt: porttest.Start, At: porttest.Start, By: "sato", Plan: 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	c := announce.Change{
		Incidents: []announce.Versioned{{Incident: i}}, Outbox: []deliver.Pointer{{Incident: "i-1", Seq: 1}},
		Answer: &announce.Answer{Key: "k", At: porttest.Start},
	}
	commit(t, s, c)
	if err := s.Published(t.Context(), c.Outbox[0]); err != nil {
		t.Fatal(err)
	}
	if err := s.Commit(t.Context(), c); !errors.Is(err, incident.ErrConflict) {
		t.Errorf("Commit(the same again) = %v, want ErrConflict", err)
	}
	if ps, err := s.Outbox(t.Context(), porttest.Start.Add(time.Hour), 0); err != nil || len(ps) != 0 {
		t.Errorf("Outbox() = %v, %v, want none: it was published", ps, err)
	}
}

func answerOnTheDot(t *testing.T, s wholeStore) {
	t.Helper()
	first := announce.Answer{Key: "k", At: porttest.Start}
	commit(t, s, announce.Change{Answer: &first})
	second := announce.Answer{Key: "k", At: porttest.Start.Add(announce.AnswerLife - 1)}
	if err := s.Commit(t.Context(), announce.Change{Answer: &second}); !errors.Is(err, incident.ErrConflict) {
		t.Errorf("Commit(key that is remembered) = %v, want ErrConflict", err)
	}
	second.At = second.At.Add(1)
	if _, ok, err := s.Answer(t.Context(), "k", second.At); ok || err != nil {
		t.Errorf("Answer() at the end of its life = %t, %v, want forgotten", ok, err)
	}
	commit(t, s, announce.Change{Answer: &second})
}
