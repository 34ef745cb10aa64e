package porttest

import (
	"testing"

	"shirase/internal/announce"
	"shirase/internal/incident"
)

// Plans is the suite of the versions of the plan. Good are two sources that can
// be read, bad is one that cannot.
func Plans(t *testing.T, open func(t *testing.T) announce.Plans, good [2][]byte, bad []byte) {
	t.Helper()
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
			if pl.Version != n+1 || string(pl.Source) != string(good[n%2]) {
				t.Errorf("Current = version %d of %d bytes, want version %d of %d", pl.Version, len(pl.Source), n+1, len(good[n%2]))
			}
		}
		old := must1(p.Version(ctx, 1))(t)
		if old.Version != 1 || string(old.Source) != string(good[0]) {
			t.Errorf("Version(1) = version %d of %d bytes, want the first", old.Version, len(old.Source))
		}
		_, err = p.SavePlan(ctx, 3, good[0])
		wantErr(t, "SavePlan after an old version", err, incident.ErrConflict)
		_, err = p.SavePlan(ctx, 13, good[0])
		wantErr(t, "SavePlan after a version to come", err, incident.ErrConflict)
	})
	t.Run("refuses what cannot be read", func(t *testing.T) {
		t.Parallel()
		ctx, p := t.Context(), open(t)
		if _, err := p.SavePlan(ctx, 0, bad); err == nil {
			t.Error("SavePlan took a plan that cannot be read")
		}
		_, err := p.Current(ctx)
		wantErr(t, "Current of none", err, incident.ErrNotFound)
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
