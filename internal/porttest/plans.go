package porttest

import (
	"testing"

	"shirase/internal/announce"
	"shirase/internal/incident"
	"shirase/internal/message"
	"shirase/internal/plan"
)

// Plans is the suite of the versions of the plan. Open answers an empty store.
func Plans(t *testing.T, open func(t *testing.T) announce.Plans) {
	t.Helper()
	good := [2]*plan.Plan{readPlan(t, "team"), readPlan(t, "company")}
	t.Run("counts versions up", func(t *testing.T) {
		t.Parallel()
		ctx, p := t.Context(), open(t)
		_, err := p.Current(ctx)
		wantErr(t, "Current of none", err, incident.ErrNotFound)
		_, err = p.Version(ctx, 1)
		wantErr(t, "Version(1) of none", err, incident.ErrNotFound)
		for n := range 12 { // so that versions of two digits are newer than those of one
			if got := must1(p.SavePlan(ctx, n, good[n%2]))(t); got != n+1 {
				t.Fatalf("SavePlan(%d) = %d, want %d", n, got, n+1)
			}
			pl := must1(p.Current(ctx))(t)
			if pl.Version != n+1 || encoded(t, pl) != encoded(t, good[n%2]) {
				t.Errorf("Current = version %d of %s, want version %d of %s", pl.Version, pl.Organisation.Name, n+1, good[n%2].Organisation.Name)
			}
		}
		old := must1(p.Version(ctx, 1))(t)
		if old.Version != 1 || encoded(t, old) != encoded(t, good[0]) {
			t.Errorf("Version(1) = version %d of %s, want the first", old.Version, old.Organisation.Name)
		}
		_, err = p.SavePlan(ctx, 3, good[0])
		wantErr(t, "SavePlan after an old version", err, incident.ErrConflict)
		_, err = p.SavePlan(ctx, 13, good[0])
		wantErr(t, "SavePlan after a version to come", err, incident.ErrConflict)
	})
	t.Run("lets one of many save", func(t *testing.T) {
		t.Parallel()
		ctx, p := t.Context(), open(t)
		wantOneWinner(t, race(func(n int) error {
			_, err := p.SavePlan(ctx, 0, good[n%2])
			return err
		}))
		if v := must1(p.Current(ctx))(t).Version; v != 1 {
			t.Errorf("Current is version %d, want 1", v)
		}
	})
}

// readPlan reads one of the plans that come with the program.
func readPlan(t *testing.T, name string) *plan.Plan {
	t.Helper()
	source, err := plan.Embedded(name)
	if err != nil {
		t.Fatal(err)
	}
	p, err := plan.Parse(source, message.Families())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// encoded answers all of a plan but its version.
func encoded(t *testing.T, p *plan.Plan) string {
	t.Helper()
	b, err := p.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
