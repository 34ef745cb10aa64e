package token_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"shirase/internal/token"
)

var (
	now = time.Date(2026, 9, 15, 5, 12, 0, 0, time.UTC)
	k1  = token.Key{ID: "k1", Secret: bytes.Repeat([]byte{1}, 32)}
	k2  = token.Key{ID: "k2", Secret: bytes.Repeat([]byte{2}, 32)}
)

func codec(tb testing.TB, keys ...token.Key) *token.Codec {
	tb.Helper()
	c, err := token.New(keys...)
	if err != nil {
		tb.Fatalf("New() = %v, want no error", err)
	}
	return c
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	c := codec(t, k1)
	rapid.Check(t, func(t *rapid.T) {
		purpose := rapid.String().Draw(t, "purpose")
		claims := rapid.SliceOfN(rapid.StringN(0, 10, 20), 0, 10).Draw(t, "claims")
		tok := c.Sign(purpose, claims, now.Add(time.Hour))
		got, err := c.Verify(purpose, tok, now)
		if err != nil || !slices.Equal(got, claims) {
			t.Fatalf("Verify(Sign(%q)) = %q, %v, want the claims", claims, got, err)
		}
	})
}

func TestExpiry(t *testing.T) {
	t.Parallel()
	c := codec(t, k1)
	for _, tt := range []struct {
		name    string
		expires time.Time
		want    error
	}{
		{"never", time.Time{}, nil},
		{"a second left", now.Add(time.Second), nil},
		{"this very second", now, token.ErrExpired},
		{"a second over", now.Add(-time.Second), token.ErrExpired},
		{"before 1970", time.Unix(-5, 0), token.ErrExpired},
		{"year 9999", time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC), nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := c.Verify("confirm", c.Sign("confirm", []string{"a"}, tt.expires), now)
			if !errors.Is(err, tt.want) {
				t.Errorf("Verify(expires %v) = %v, want %v", tt.expires, err, tt.want)
			}
		})
	}
}

func TestMisuse(t *testing.T) {
	t.Parallel()
	c := codec(t, k1)
	tok := c.Sign("unsubscribe", []string{"customers", "email", "id"}, now.Add(-time.Hour))
	stranger := token.Key{ID: "k1", Secret: bytes.Repeat([]byte{9}, 32)}
	for _, tt := range []struct {
		name, purpose, tok string
		with               *token.Codec
	}{
		{"another purpose", "confirm", tok, c},
		{"no purpose", "", tok, c},
		{"another secret", "unsubscribe", tok, codec(t, stranger)},
		{"unknown key", "unsubscribe", tok, codec(t, k2)},
		{"empty", "unsubscribe", "", c},
		{"padded", "unsubscribe", tok + "=", c},
		{"newline", "unsubscribe", tok + "\n", c},
		{"space", "unsubscribe", " " + tok, c},
		{"too long", "unsubscribe", strings.Repeat("A", token.MaxLength+1), c},
		{"zeros", "unsubscribe", strings.Repeat("A", 100), c},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got, err := tt.with.Verify(tt.purpose, tt.tok, now); !errors.Is(err, token.ErrInvalid) {
				t.Errorf("Verify(%s) = %q, %v, want %v", tt.name, got, err, token.ErrInvalid)
			}
		})
	}
}

// Whatever is cut off or changed, even where the token has expired, the answer
// is invalid: a stranger learns nothing about expiry.
func TestEveryCharacterCounts(t *testing.T) {
	t.Parallel()
	c := codec(t, k1)
	tok := c.Sign("manage", []string{"customers", "sms", "0123456789abcdef"}, now.Add(-time.Second))
	for n := range tok {
		if _, err := c.Verify("manage", tok[:n], now); !errors.Is(err, token.ErrInvalid) {
			t.Errorf("Verify(first %d characters) = %v, want %v", n, err, token.ErrInvalid)
		}
		for _, r := range "AZaz09-_" {
			changed := tok[:n] + string(r) + tok[n+1:]
			if changed == tok {
				continue
			}
			if _, err := c.Verify("manage", changed, now); !errors.Is(err, token.ErrInvalid) {
				t.Errorf("Verify(character %d changed to %c) = %v, want %v", n, r, err, token.ErrInvalid)
			}
		}
	}
}

func TestClaimsStayApart(t *testing.T) {
	t.Parallel()
	c := codec(t, k1)
	a, b := c.Sign("p", []string{"ab", "c"}, now), c.Sign("p", []string{"a", "bc"}, now)
	if a == b {
		t.Errorf("Sign(ab, c) = Sign(a, bc) = %q, want two tokens", a)
	}
	if a, b := c.Sign("px", nil, now), c.Sign("p", []string{"x"}, now); a[len(a)-20:] == b[len(b)-20:] {
		t.Errorf("Sign(px) and Sign(p, x) end alike, want two signatures")
	}
}

func TestRotation(t *testing.T) {
	t.Parallel()
	old := codec(t, k1).Sign("p", []string{"x"}, time.Time{})
	both := codec(t, k2, k1)
	if got, err := both.Verify("p", old, now); err != nil || !cmp.Equal(got, []string{"x"}) {
		t.Errorf("Verify(under the old key) = %q, %v, want the claim", got, err)
	}
	fresh := both.Sign("p", []string{"x"}, time.Time{})
	if _, err := codec(t, k1).Verify("p", fresh, now); !errors.Is(err, token.ErrInvalid) {
		t.Errorf("Verify(signed by the new key, with the old one) = %v, want %v", err, token.ErrInvalid)
	}
	if _, err := codec(t, k2).Verify("p", fresh, now); err != nil {
		t.Errorf("Verify(signed by the new key) = %v, want no error", err)
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		keys []token.Key
	}{
		{"no keys", nil},
		{"no id", []token.Key{{Secret: k1.Secret}}},
		{"long id", []token.Key{{ID: strings.Repeat("k", 17), Secret: k1.Secret}}},
		{"short secret", []token.Key{{ID: "k", Secret: []byte("short")}}},
		{"one id twice", []token.Key{k1, {ID: "k1", Secret: k2.Secret}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if _, err := token.New(tt.keys...); err == nil {
				t.Errorf("New(%s) = nil, want an error", tt.name)
			}
		})
	}
}

// The codec keeps its own copy of a key, so that a caller who wipes one
// afterwards breaks nothing.
func TestNewCopies(t *testing.T) {
	t.Parallel()
	secret := bytes.Repeat([]byte{7}, 32)
	c := codec(t, token.Key{ID: "k", Secret: secret})
	tok := c.Sign("p", nil, time.Time{})
	clear(secret)
	if _, err := c.Verify("p", tok, now); err != nil {
		t.Errorf("Verify(after the caller's key was wiped) = %v, want no error", err)
	}
}

func FuzzVerify(f *testing.F) {
	c := codec(f, k1, k2)
	f.Add("confirm", c.Sign("confirm", []string{"customers", "email", "0123"}, time.Time{}))
	f.Add("confirm", c.Sign("manage", []string{"customers"}, now.Add(-1)))
	f.Add("", "")
	f.Add("x", "AQJrMQ")
	stranger := codec(f, token.Key{ID: "k1", Secret: bytes.Repeat([]byte{3}, 32)})
	f.Fuzz(func(t *testing.T, purpose, tok string) {
		claims, err := c.Verify(purpose, tok, now)
		if err != nil {
			if !errors.Is(err, token.ErrInvalid) && !errors.Is(err, token.ErrExpired) {
				t.Errorf("Verify(%q) = %v, want a known error", tok, err)
			}
			return
		}
		if again, err := c.Verify(purpose, tok, now); err != nil || !slices.Equal(again, claims) {
			t.Errorf("Verify(%q) twice = %q, then %q, %v", tok, claims, again, err)
		}
		if _, err := stranger.Verify(purpose, tok, now); err == nil {
			t.Errorf("Verify(%q) under a stranger's key = nil, want an error", tok)
		}
	})
}
