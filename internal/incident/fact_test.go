package incident_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"shirase/internal/incident"
)

func TestMergePutsKnownFactsOverOthers(t *testing.T) {
	t.Parallel()
	text := func(s string, st incident.FactState) incident.Fact[incident.Text] {
		return incident.Fact[incident.Text]{Value: incident.Text{"en": s}, State: st}
	}
	old := incident.Facts{Effect: text("old", incident.Confirmed), Scope: text("old", incident.Confirmed), StartedAt: when(t0)}
	put := incident.Facts{Effect: text("new", incident.Hypothesis), Cause: text("new", incident.Reported), Scope: text("no state", "")}
	got := old.Merge(put)
	want := incident.Facts{
		Effect: text("new", incident.Hypothesis), Scope: text("old", incident.Confirmed), Cause: text("new", incident.Reported), StartedAt: when(t0),
	}
	if d := cmp.Diff(want, got, cmp.Comparer(incident.Outlook.Equal)); d != "" {
		t.Errorf("Merge() differs:\n%s", d)
	}
	got.Effect.Value["en"], got.Scope.Value["en"] = "spoilt", "spoilt"
	if old.Effect.Value["en"] != "old" || old.Scope.Value["en"] != "old" || put.Effect.Value["en"] != "new" {
		t.Error("Merge() shares memory with what it merged")
	}
	if _, ok := got.Effect.Confirmed(); ok {
		t.Error("a hypothesis counts as confirmed")
	}
	states := map[string]incident.FactState{"effect": incident.Hypothesis, "scope": incident.Confirmed, "cause": incident.Reported, "started_at": incident.Confirmed}
	if d := cmp.Diff(states, got.States()); d != "" {
		t.Errorf("States() differs:\n%s", d)
	}
}

func TestCheckListsEveryFault(t *testing.T) {
	t.Parallel()
	f := incident.Facts{
		Effect: incident.Fact[incident.Text]{State: "sure"}, EndedAt: when(t0), StartedAt: when(t0.Add(time.Second)), FixedAt: when(t0),
		Data: incident.Fact[incident.DataEffect]{State: incident.Confirmed}, Outlook: incident.Fact[incident.Outlook]{State: incident.Confirmed},
	}
	err := f.Check()
	for _, want := range []string{"facts.effect.state", "facts.ended_at.value", "facts.fixed_at.value", "facts.data.value", "facts.outlook.value"} {
		if !hasField(err, want) {
			t.Errorf("Check() = %v, want a fault of %s", err, want)
		}
	}
	if err := (incident.Facts{}).Check(); err != nil {
		t.Errorf("Check() of no facts = %v, want nil", err)
	}
}

func TestGraveEffects(t *testing.T) {
	t.Parallel()
	for d, want := range map[incident.DataEffect]bool{
		incident.DataNone: false, incident.DataDelayed: false, incident.DataWrong: false, incident.DataLost: true, incident.DataExposed: true,
	} {
		if got := d.Grave(); got != want || !d.Valid() {
			t.Errorf("%s.Grave() = %v, valid %v, want %v, true", d, got, d.Valid(), want)
		}
	}
}

func TestWindowRules(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name            string
		from, to, until time.Time
		ok              bool
	}{
		{"an hour", t0, t0.Add(time.Hour), time.Time{}, true},
		{"fifteen minutes", t0, t0.Add(15 * time.Minute), time.Time{}, true},
		{"a second less", t0, t0.Add(15*time.Minute - time.Second), time.Time{}, false},
		{"backwards", t0.Add(time.Hour), t0, t0.Add(time.Hour), false},
		{"no from", time.Time{}, t0, t0, false},
		{"no to", t0, time.Time{}, t0, false},
		{"valid to the end", t0, t0.Add(time.Hour), t0.Add(time.Hour), true},
		{"valid for longer", t0, t0.Add(time.Hour), t0.Add(2 * time.Hour), true},
		{"valid for less", t0, t0.Add(time.Hour), t0.Add(59 * time.Minute), false},
		{"out of all years", t0, time.Date(9999, 12, 31, 23, 59, 0, 0, time.FixedZone("", -3600)), time.Time{}, false},
	}
	for _, tt := range tests {
		o, err := incident.NewWindow(tt.from, tt.to, incident.Text{"en": "x"}, tt.until)
		if (err == nil) != tt.ok || err != nil && !errors.Is(err, incident.ErrInvalid) {
			t.Errorf("NewWindow(%s) = %v, want ok %v", tt.name, err, tt.ok)
		}
		if err != nil {
			continue
		}
		until := o.ValidUntil()
		if from, to := o.Window(); !from.Equal(tt.from) || !to.Equal(tt.to) || until.Before(to) {
			t.Errorf("NewWindow(%s) is %s to %s until %s", tt.name, from, to, until)
		}
		if !o.ValidAt(until.Add(-1)) || o.ValidAt(until) {
			t.Errorf("NewWindow(%s): ValidAt() does not end at %s", tt.name, until)
		}
		o.Basis()["en"] = "spoilt"
		if o.Basis()["en"] != "x" {
			t.Errorf("NewWindow(%s): Basis() shares memory", tt.name)
		}
	}
	if (incident.Outlook{}).ValidAt(t0) || !incident.UnknownOutlook().ValidAt(t0) || !incident.RestoredOutlook().ValidAt(t0) {
		t.Error("ValidAt() of no outlook, unknown, restored: want false, true, true")
	}
	if window(t0).Equal(window(t0.Add(time.Minute))) || window(t0).Equal(incident.UnknownOutlook()) || !window(t0).Equal(window(t0)) {
		t.Error("Equal() confuses outlooks")
	}
}

func TestHostileOutlooksAreRefused(t *testing.T) {
	t.Parallel()
	for _, in := range []string{
		`"soon"`, `{"kind":"soon"}`, `{"kind":"window"}`, `{"kind":"window","from":"2026-09-15T05:00:00Z","to":"2026-09-15T05:10:00Z"}`,
		`{"kind":"window","from":"2026-09-15T05:00:00Z","to":"2026-09-15T06:00:00Z","valid_until":"2026-09-15T05:30:00Z"}`,
		`{"kind":"window","from":"yesterday","to":"2026-09-15T05:10:00Z"}`,
		`{"kind":"window","from":"2026-09-15T05:00:00Z","to":"9999-12-31T23:59:59-01:00"}`,
	} {
		o := incident.RestoredOutlook()
		if err := json.Unmarshal([]byte(in), &o); !errors.Is(err, incident.ErrInvalid) {
			t.Errorf("Unmarshal(%s) = %v, want ErrInvalid", in, err)
		}
		if o.Kind() != incident.OutlookRestored {
			t.Errorf("Unmarshal(%s) has changed the outlook to %q", in, o.Kind())
		}
	}
	// What is no window has no times, whatever else is said.
	var o incident.Outlook
	err := json.Unmarshal([]byte(`{"kind":"unknown","from":"2026-09-15T05:00:00Z"}`), &o)
	if from, _ := o.Window(); err != nil || o.Kind() != incident.OutlookUnknown || !from.IsZero() {
		t.Errorf("Unmarshal(unknown with a time) = %q from %s, %v, want unknown from nowhere", o.Kind(), from, err)
	}
}

func FuzzOutlookJSON(f *testing.F) {
	for _, o := range []incident.Outlook{{}, incident.UnknownOutlook(), incident.RestoredOutlook(), window(t0)} {
		b, err := json.Marshal(o)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte(`{"kind":"window","from":"0001-01-01T00:00:01+01:00","to":"9999-12-31T23:59:59-01:00"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var o incident.Outlook
		if json.Unmarshal(b, &o) != nil {
			return
		}
		from, to := o.Window()
		if o.Kind() == incident.OutlookWindow && (to.Sub(from) < 15*time.Minute || o.ValidUntil().Before(to)) {
			t.Errorf("Unmarshal(%s) takes a window of %s", b, to.Sub(from))
		}
		out, err := json.Marshal(o)
		if err != nil {
			t.Fatalf("Marshal() of what came from %s = %v", b, err)
		}
		var again incident.Outlook
		if err := json.Unmarshal(out, &again); err != nil || !again.Equal(o) || !again.ValidUntil().Equal(o.ValidUntil()) {
			t.Errorf("round trip of %s = %s, %v", b, out, err)
		}
	})
}

func TestTextIn(t *testing.T) {
	t.Parallel()
	text := incident.Text{"en": " words ", "ja": "  "}
	if s, ok := text.In("en"); s != "words" || !ok {
		t.Errorf("In(en) = %q, %v, want words, true", s, ok)
	}
	for _, l := range []incident.Locale{"ja", "de"} {
		if s, ok := text.In(l); s != "" || ok {
			t.Errorf("In(%s) = %q, %v, want none", l, s, ok)
		}
	}
	if text.Empty() || !(incident.Text{"ja": strings.Repeat(" ", 3)}).Empty() || !incident.Text(nil).Empty() {
		t.Error("Empty() confuses words and blanks")
	}
}
