package record_test

import (
	"crypto/sha256"
	"encoding/json"
	"testing"
	"time"

	"shirase/internal/access"
	"shirase/internal/record"
)

func TestKeyIsKeptWhole(t *testing.T) {
	t.Parallel()
	k := access.Key{
		ID: "mzxw6ytb", Label: "deploy bot", Role: access.Responder, Hash: sha256.Sum256([]byte("secret")),
		At: time.Date(2026, 9, 15, 12, 0, 0, 0, time.UTC), By: "root",
	}
	b, err := json.Marshal(record.NewKey(k))
	if err != nil {
		t.Fatal(err)
	}
	var r record.Key
	if err := json.Unmarshal(b, &r); err != nil {
		t.Fatal(err)
	}
	if got, err := r.Key(); got != k || err != nil {
		t.Errorf("Key() = %+v, %v, want %+v", got, err, k)
	}
}

// TestADamagedHashIsNoKey cuts a hash short, which must not become one that is
// partly zero.
func TestADamagedHashIsNoKey(t *testing.T) {
	t.Parallel()
	good := record.NewKey(access.Key{ID: "a", Role: access.Admin, Hash: sha256.Sum256([]byte("secret"))})
	for _, hash := range []string{"", "zz" + good.Hash[2:], good.Hash[:62], good.Hash + "00"} {
		bad := good
		bad.Hash = hash
		if k, err := bad.Key(); err == nil {
			t.Errorf("Key() with the hash %q = %+v, want an error", hash, k)
		}
		if ks, err := record.Keys([]record.Key{good, bad}); err == nil {
			t.Errorf("Keys() = %d keys with a damaged one, want an error", len(ks))
		}
	}
}
