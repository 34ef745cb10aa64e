package access_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"shirase/internal/access"
	"shirase/internal/embedded"
	"shirase/internal/incident"
)

var noon = time.Date(2026, 9, 15, 12, 0, 0, 0, time.UTC)

// counting is the embedded store, with its reads counted and faults to order.
type counting struct {
	*embedded.Access
	loads int
	fail  error
}

func (c *counting) Load(ctx context.Context, id string) (access.Key, error) {
	c.loads++
	if c.fail != nil {
		return access.Key{}, c.fail
	}
	return c.Access.Load(ctx, id)
}

func service(t *testing.T) (*access.Service, *counting) {
	t.Helper()
	kv := embedded.NewMemory()
	t.Cleanup(func() { _ = kv.Close() })
	store := &counting{Access: embedded.NewAccess(kv)}
	return &access.Service{
		Store: store, First: "shk_root_first", FirstName: "root", Random: rand.New(rand.NewSource(1)),
		Now: func() time.Time { return noon },
	}, store
}

func issue(t *testing.T, s *access.Service, label string, r access.Role) (access.Key, string) {
	t.Helper()
	k, tok, err := s.Issue(t.Context(), label, r, "root")
	if err != nil {
		t.Fatalf("Issue(%q, %s) = %v, want a key", label, r, err)
	}
	return k, tok.Reveal()
}

func TestAKeyIsKnownUntilItIsRevoked(t *testing.T) {
	t.Parallel()
	s, _ := service(t)
	k, tok := issue(t, s, " ci pipeline ", access.Responder)
	if want := (access.Principal{Name: "ci pipeline", Role: access.Responder}); !knows(t, s, tok, want) {
		t.Errorf("Key(its token), want %+v", want)
	}
	if !strings.HasPrefix(tok, "shk_"+k.ID+"_") || k.Hash != sha256.Sum256([]byte(tok[len("shk_"+k.ID+"_"):])) {
		t.Errorf("Issue = %+v, want the id and the hash of what stands in the token", k)
	}
	if want := (access.Key{ID: k.ID, Label: "ci pipeline", Role: access.Responder, Hash: k.Hash, At: noon, By: "root"}); k != want {
		t.Errorf("Issue = %+v, want %+v", k, want)
	}
	ks, err := s.Keys(t.Context())
	if d := cmp.Diff([]access.Key{k}, ks); d != "" || err != nil {
		t.Errorf("Keys, %v (-want +got):\n%s", err, d)
	}
	if err := s.Revoke(t.Context(), k.ID); err != nil {
		t.Errorf("Revoke = %v, want nil", err)
	}
	if knows(t, s, tok, access.Principal{Name: "ci pipeline", Role: access.Responder}) {
		t.Error("Key of the revoked = known, want unknown")
	}
	for _, id := range []string{k.ID, "", "x", "../../x", strings.Repeat("a", 9)} {
		if err := s.Revoke(t.Context(), id); !errors.Is(err, incident.ErrNotFound) {
			t.Errorf("Revoke(%q) = %v, want ErrNotFound", id, err)
		}
	}
}

// knows reports whether a token is known, and fails where it is somebody else's.
func knows(t *testing.T, s *access.Service, tok string, want access.Principal) bool {
	t.Helper()
	p, ok, err := s.Key(t.Context(), tok)
	if err != nil {
		t.Fatal(err)
	}
	if ok && p != want || !ok && p != (access.Principal{}) {
		t.Errorf("Key = %+v, %t, want %+v or nobody", p, ok, want)
	}
	return ok
}

func TestOtherTokensAreNobodys(t *testing.T) {
	t.Parallel()
	s, store := service(t)
	k, tok := issue(t, s, "one", access.Admin)
	other, otherTok := issue(t, s, "two", access.Viewer)
	secret := tok[len("shk_"+k.ID+"_"):]
	flipped := []byte(tok)
	flipped[len(flipped)-1] ^= 'a' ^ 'b'
	for name, c := range map[string]struct {
		tok   string
		reads int
	}{
		"empty":                   {"", 0},
		"no prefix":               {strings.TrimPrefix(tok, "shk_"), 0},
		"another prefix":          {"sk_" + strings.TrimPrefix(tok, "shk_"), 0},
		"no secret":               {"shk_" + k.ID + "_", 0},
		"half a secret":           {tok[:len(tok)-1], 0},
		"more than a secret":      {tok + "a", 0},
		"a secret in capitals":    {strings.ToUpper(tok), 0},
		"the id of all":           {"shk__" + secret, 0},
		"a cursor for an id":      {"shk_" + "aaaa\x00bb" + "_" + secret, 0},
		"a megabyte":              {tok + strings.Repeat("a", 1<<20), 0},
		"a hash for the secret":   {fmt.Sprintf("shk_%s_%x", k.ID, k.Hash), 0},
		"one sign is another":     {string(flipped), 1},
		"the secret of another":   {"shk_" + other.ID + "_" + secret, 1},
		"an id that is not there": {"shk_aaaaaaaa_" + secret, 1},
		"nearly the first":        {"shk_root_firs", 0},
		"more than the first":     {"shk_root_first2", 0},
	} {
		store.loads = 0
		if p, ok, err := s.Key(t.Context(), c.tok); ok || err != nil || p != (access.Principal{}) {
			t.Errorf("Key(%s) = %+v, %t, %v, want nobody", name, p, ok, err)
		}
		if store.loads != c.reads {
			t.Errorf("Key(%s) read the store %d times, want %d", name, store.loads, c.reads)
		}
	}
	if !knows(t, s, otherTok, access.Principal{Name: "two", Role: access.Viewer}) {
		t.Error("Key(the other's token) = unknown, want it known")
	}
}

// TestAKeyOfNoRoleIsNobodys keeps a key by hand, as a newer program might have.
func TestAKeyOfNoRoleIsNobodys(t *testing.T) {
	t.Parallel()
	s, store := service(t)
	k, tok := issue(t, s, "one", access.Admin)
	k.Role = "owner"
	if err := errors.Join(store.Delete(t.Context(), k.ID), store.Add(t.Context(), k)); err != nil {
		t.Fatal(err)
	}
	if p, ok, err := s.Key(t.Context(), tok); ok || err != nil {
		t.Errorf("Key(of a role there is not) = %+v, %t, %v, want nobody", p, ok, err)
	}
}

func TestTheFirstKeyNeedsNoStore(t *testing.T) {
	t.Parallel()
	s, store := service(t)
	_, tok := issue(t, s, "one", access.Admin)
	store.fail = errors.New("away")
	if !knows(t, s, "shk_root_first", access.Principal{Name: "root", Role: access.Admin}) {
		t.Error("Key(first) = unknown while the store is away, want it known")
	}
	if _, ok, err := s.Key(t.Context(), tok); ok || err == nil {
		t.Errorf("Key while the store is away = %t, %v, want an error: nobody may be let in or told to go", ok, err)
	}
	s.First = ""
	if _, ok, _ := s.Key(t.Context(), ""); ok {
		t.Error("Key(empty) without a first key = known, want nobody")
	}
}

func TestIssueRefuses(t *testing.T) {
	t.Parallel()
	s, _ := service(t)
	issue(t, s, "one", access.Admin)
	for _, c := range []struct {
		name, label string
		role        access.Role
		kind        error
		faults      int
	}{
		{"a label that is taken", "one", access.Viewer, incident.ErrConflict, 0},
		{"the name of the first", "root", access.Viewer, incident.ErrConflict, 0},
		{"no label", "  ", access.Viewer, incident.ErrInvalid, 1},
		{"a long label", strings.Repeat("長", 65), access.Viewer, incident.ErrInvalid, 1},
		{"a label of two lines", "a\nb", access.Viewer, incident.ErrInvalid, 1},
		{"a label of broken text", "a\xffb", access.Viewer, incident.ErrInvalid, 1},
		{"no role", "two", "", incident.ErrInvalid, 1},
		{"a role there is not", "two", "root", incident.ErrInvalid, 1},
		{"nothing right", "", "", incident.ErrInvalid, 2},
	} {
		_, tok, err := s.Issue(t.Context(), c.label, c.role, "root")
		if !errors.Is(err, c.kind) || tok != "" {
			t.Errorf("Issue(%s) = %q, %v, want %v", c.name, tok.Reveal(), err, c.kind)
		}
		if n := strings.Count(fmt.Sprint(err), "must"); n != c.faults {
			t.Errorf("Issue(%s) names %d faults in %v, want %d", c.name, n, err, c.faults)
		}
	}
}

func TestThereIsAnEndToKeys(t *testing.T) {
	t.Parallel()
	s, _ := service(t)
	for n := range access.MaxKeys {
		issue(t, s, fmt.Sprint("key ", n), access.Viewer)
	}
	if _, _, err := s.Issue(t.Context(), "one more", access.Viewer, "root"); !errors.Is(err, incident.ErrConflict) {
		t.Errorf("Issue of one too many = %v, want ErrConflict", err)
	}
}

func TestWithoutChanceThereIsNoKey(t *testing.T) {
	t.Parallel()
	s, _ := service(t)
	s.Random = bytes.NewReader(make([]byte, 33)) // a secret, and less than an id
	if _, _, err := s.Issue(t.Context(), "one", access.Viewer, "root"); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("Issue without chance = %v, want an error", err)
	}
	if ks, err := s.Keys(t.Context()); len(ks) != 0 || err != nil {
		t.Errorf("Keys = %v, %v, want none", ks, err)
	}
}

// TestAnIDThatIsTakenIsMadeAnew gives the same chance twice for the id.
func TestAnIDThatIsTakenIsMadeAnew(t *testing.T) {
	t.Parallel()
	s, _ := service(t)
	secret, id, next := bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, 5), bytes.Repeat([]byte{3}, 5)
	s.Random = bytes.NewReader(bytes.Join([][]byte{secret, id, secret, id, next}, nil))
	first, _ := issue(t, s, "one", access.Viewer)
	second, tok := issue(t, s, "two", access.Viewer)
	if first.ID == second.ID || !knows(t, s, tok, access.Principal{Name: "two", Role: access.Viewer}) {
		t.Errorf("Issue = ids %s and %s, want two keys", first.ID, second.ID)
	}
}

func TestRoles(t *testing.T) {
	t.Parallel()
	all := []access.Role{access.Viewer, access.Responder, access.Approver, access.Admin}
	for n, r := range all {
		for m, need := range all {
			if got := r.May(need); got != (n >= m) {
				t.Errorf("%s.May(%s) = %t, want %t", r, need, got, n >= m)
			}
		}
		if r.May("") || r.May("owner") || access.Role("").May(r) || access.Role("owner").May(r) {
			t.Errorf("what is no role may do something beside %s", r)
		}
	}
	if access.Role("").May("") {
		t.Error(`Role("").May("") = true, want false`)
	}
}

func TestATokenPrintsMasked(t *testing.T) {
	t.Parallel()
	const canary = "shk_aaaaaaaa_canary"
	tok := access.Token(canary)
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("key", "token", tok)
	b, err := json.Marshal(map[string]any{"token": tok})
	if err != nil {
		t.Fatal(err)
	}
	if all := log.String() + string(b) + fmt.Sprintf("%v %s %+v %#v %q", tok, tok, tok, tok, tok) + fmt.Sprintf("%"+"d", tok); strings.Contains(all, "canary") {
		t.Errorf("a token shows itself in %s", all)
	}
	if tok.Reveal() != canary {
		t.Errorf("Reveal = %q, want the token", tok.Reveal())
	}
}
