package porttest

import (
	"crypto/sha256"
	"testing"
	"time"

	"shirase/internal/access"
	"shirase/internal/incident"
)

// Access is the suite of the store of API keys.
func Access(t *testing.T, open func(t *testing.T) access.Store) {
	t.Helper()
	for name, test := range map[string]func(t *testing.T, s access.Store){
		"reads what was added":     accessReadsBack,
		"replaces no key":          accessReplacesNone,
		"lets one of many be kept": accessRace,
		"forgets what is deleted":  accessForgets,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t))
		})
	}
}

func apiKey(id string) access.Key {
	return access.Key{
		ID: id, Label: "label of " + id, Role: access.Responder, Hash: sha256.Sum256([]byte(id)),
		At: Start.Add(123 * time.Millisecond), By: "root",
	}
}

func accessReadsBack(t *testing.T, s access.Store) {
	t.Helper()
	ctx := t.Context()
	_, err := s.Load(ctx, "a")
	wantErr(t, "Load of none", err, incident.ErrNotFound)
	same(t, "List of none", must1(s.List(ctx))(t), nil)
	for _, id := range []string{"b", "c", "a"} {
		must(t, s.Add(ctx, apiKey(id)))
	}
	same(t, "Load", must1(s.Load(ctx, "b"))(t), apiKey("b"))
	same(t, "List", must1(s.List(ctx))(t), []access.Key{apiKey("a"), apiKey("b"), apiKey("c")})
	_, err = s.Load(ctx, "") // which must not be read as all
	wantErr(t, "Load of an empty id", err, incident.ErrNotFound)
}

func accessReplacesNone(t *testing.T, s access.Store) {
	t.Helper()
	ctx := t.Context()
	must(t, s.Add(ctx, apiKey("a")))
	other := apiKey("a")
	other.Role, other.Hash = access.Admin, sha256.Sum256([]byte("other"))
	wantErr(t, "Add of an id that is taken", s.Add(ctx, other), incident.ErrConflict)
	same(t, "Load", must1(s.Load(ctx, "a"))(t), apiKey("a"))
}

func accessRace(t *testing.T, s access.Store) {
	t.Helper()
	wantOneWinner(t, race(func(n int) error {
		k := apiKey("a")
		k.Label = numbered("label", n)
		return s.Add(t.Context(), k)
	}))
	if n := len(must1(s.List(t.Context()))(t)); n != 1 {
		t.Errorf("List = %d keys, want 1", n)
	}
}

func accessForgets(t *testing.T, s access.Store) {
	t.Helper()
	ctx := t.Context()
	must(t, s.Add(ctx, apiKey("a")))
	must(t, s.Add(ctx, apiKey("b")))
	for range 2 {
		must(t, s.Delete(ctx, "a"))
	}
	_, err := s.Load(ctx, "a")
	wantErr(t, "Load of the deleted", err, incident.ErrNotFound)
	same(t, "List", must1(s.List(ctx))(t), []access.Key{apiKey("b")})
}
