//go:build contract

package dynamo_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"shirase/internal/announce"
	"shirase/internal/deliver"
	"shirase/internal/incident"
	"shirase/internal/porttest"
)

// view is all that a store answers, by what was asked.
type view struct {
	t   *testing.T
	out map[string]string
}

// add notes an answer. That there is none is an answer too.
func (v view) add(what string, got any, err error) {
	v.t.Helper()
	if errors.Is(err, incident.ErrNotFound) {
		v.out[what] = "none"
		return
	}
	if err != nil {
		v.t.Fatalf("%s: %v", what, err)
	}
	b, err := json.Marshal(got)
	if err != nil {
		v.t.Fatal(err)
	}
	if v.out[what] = string(b); v.out[what] == "[]" {
		v.out[what] = "null"
	}
}

// everything asks a store all there is to ask. The outbox is sorted by text,
// since pointers of one moment come in no order.
func everything(t *testing.T, s porttest.AnnounceStore, now time.Time) map[string]string {
	t.Helper()
	v, ctx := view{t, map[string]string{}}, t.Context()
	add := func(what string, got any, err error) { t.Helper(); v.add(what, got, err) }
	snaps := func(is []incident.Incident) (out []incident.Snapshot) {
		for _, i := range is {
			out = append(out, i.Snapshot())
		}
		return out
	}
	live, err := s.Live(ctx)
	add("live", snaps(live), err)
	for cursor, page := "", 0; page == 0 || cursor != ""; page++ {
		is, next, err := s.Incidents(ctx, cursor, 2)
		add(fmt.Sprint("incidents ", page), snaps(is), err)
		cursor = next
	}
	for _, id := range append(slices.Clone(ids), "") {
		for cursor, page := "", 0; page == 0 || cursor != ""; page++ {
			es, next, err := s.Signals(ctx, id, cursor, 4)
			add(fmt.Sprint("signals of ", id, " ", page), es, err)
			cursor = next
		}
	}
	for _, id := range ids {
		ofIncident(t, v, s, id)
	}
	for _, d := range []announce.DraftID{"d-1", "d-2"} {
		got, err := s.Draft(ctx, d)
		add("draft "+string(d), got, err)
	}
	for _, f := range []string{"f-1", "f-2"} {
		got, err := s.Alarm(ctx, f)
		add("alarm "+f, got, err)
	}
	for _, g := range []string{"all", "drill-all"} {
		got, err := s.Group(ctx, g)
		add("group "+g, got, err)
	}
	for _, k := range []string{"k-1", "k-2"} {
		got, ok, err := s.Answer(ctx, k, now)
		add("answer "+k, []any{got, ok}, err)
	}
	for _, d := range []announce.DueID{"due-1", "due-2", "due-3"} {
		got, err := s.Awaits(ctx, d)
		add("awaits "+string(d), got, err)
	}
	for name, at := range map[string]time.Time{"now": now, "later": now.Add(1000 * time.Hour)} {
		ds, err := s.Due(ctx, at, 0)
		add("due "+name, ds, err)
		ps, err := s.Outbox(ctx, at, 0)
		slices.SortFunc(ps, func(a, b deliver.Pointer) int { return slices.Compare([]byte(fmt.Sprint(a)), []byte(fmt.Sprint(b))) })
		add("outbox "+name, ps, err)
	}
	first, err := s.Due(ctx, now.Add(1000*time.Hour), 1)
	add("first due", first, err)
	st, err := s.ComponentStatus(ctx, "checkout")
	add("status", st, err)
	return v.out
}

// ofIncident asks what hangs on one incident.
func ofIncident(t *testing.T, v view, s porttest.AnnounceStore, id incident.ID) {
	t.Helper()
	ctx := t.Context()
	add := func(what string, got any, err error) { t.Helper(); v.add(what+" "+string(id), got, err) }
	i, err := s.Incident(ctx, id)
	add("incident", i.Snapshot(), err)
	us, err := s.Updates(ctx, id)
	add("updates", us, err)
	for seq := 1; seq <= len(us); seq++ {
		u, err := s.Update(ctx, id, seq)
		add(fmt.Sprint("update ", seq), u, err)
		ms, err := s.Messages(ctx, id, seq)
		add(fmt.Sprint("messages ", seq), ms, err)
		m, err := s.Message(ctx, id, seq, incident.Customers, "en")
		add(fmt.Sprint("message ", seq), m, err)
	}
	ns, err := s.Notes(ctx, id)
	add("notes", ns, err)
	ds, err := s.Drafts(ctx, id)
	add("drafts", ds, err)
	ds, err = s.OpenDrafts(ctx, id)
	add("open drafts", ds, err)
	as, err := s.Alarms(ctx, id)
	add("alarms", as, err)
	for _, slot := range []string{"a/1", "b#2"} {
		for _, of := range []incident.ID{id, deliver.NoIncident} {
			m, err := s.Memo(ctx, of, slot)
			v.add(fmt.Sprint("memo ", of, " ", slot), m, err)
		}
	}
}
