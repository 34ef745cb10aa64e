package secret_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"shirase/internal/aws/secret"
	"shirase/internal/incident"
	"shirase/internal/token"
)

// versions answers the stages of a secret; a stage without a value is not found.
func versions(values map[string]string) *store {
	return &store{reply: func(_ context.Context, in map[string]any) (int, string) {
		stage, _ := in["VersionStage"].(string)
		switch v := values[stage]; v {
		case "":
			return 400, `{"__type":"ResourceNotFoundException"}`
		case "fault":
			return 500, `{"__type":"InternalServiceError"}`
		case "denied":
			return 400, `{"__type":"AccessDeniedException"}`
		default:
			b, _ := json.Marshal(map[string]string{"VersionId": "version of " + v, "SecretString": v})
			return 200, string(b)
		}
	}}
}

func root(s *store) *secret.Root {
	return secret.NewRoot(secretsmanager.NewFromConfig(config(s)), "arn:aws:secretsmanager:ap-northeast-1:111122223333:secret:root")
}

const old = "canary-old-00000000000000000000000000000000"

func TestKeysAreBothVersions(t *testing.T) {
	t.Parallel()
	s := versions(map[string]string{"AWSCURRENT": canary, "AWSPREVIOUS": old})
	r := root(s)
	for range 2 {
		keys, err := r.Keys(t.Context())
		if err != nil || len(keys) != 2 || string(keys[0].Secret) != canary || string(keys[1].Secret) != old {
			t.Fatalf("Keys = %d of them, %v, want the current one and the one before", len(keys), err)
		}
		keys[0].Secret[0] = 'X' // what is handed out is a copy
	}
	if s.count() != 2 {
		t.Errorf("Keys asked %d times, want once for each version", s.count())
	}
	if got := s.asked[0]["SecretId"]; got != "arn:aws:secretsmanager:ap-northeast-1:111122223333:secret:root" {
		t.Errorf("Keys asked for %v", got)
	}
}

// TestLinksOutliveARotation signs before a rotation and verifies after it.
func TestLinksOutliveARotation(t *testing.T) {
	t.Parallel()
	before, err := root(versions(map[string]string{"AWSCURRENT": old})).Keys(t.Context())
	if err != nil || len(before) != 1 {
		t.Fatalf("Keys = %d of them, %v, want one", len(before), err)
	}
	after, err := root(versions(map[string]string{"AWSCURRENT": canary, "AWSPREVIOUS": old})).Keys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	codec := func(keys []secret.Key) *token.Codec {
		var ks []token.Key
		for _, k := range keys {
			ks = append(ks, token.Key{ID: k.ID, Secret: k.Secret})
		}
		c, err := token.New(ks...)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	link := codec(before).Sign("unsubscribe", []string{"r1"}, time.Time{})
	if got, err := codec(after).Verify("unsubscribe", link, noon); err != nil || got[0] != "r1" {
		t.Errorf("Verify = %v, %v, want the link to hold", got, err)
	}
	if before[0].ID != after[1].ID || after[0].ID == after[1].ID {
		t.Errorf("ids = %s, then %s and %s, want each version to keep its own", before[0].ID, after[0].ID, after[1].ID)
	}
}

func TestKeysFail(t *testing.T) {
	t.Parallel()
	rows := []struct {
		name              string
		current, previous string
		kind              error
	}{
		{"no secret", "", "", incident.ErrNotFound},
		{"no right", "denied", "", incident.ErrDenied},
		{"away", "fault", "", nil},
		{"away half way", canary, "fault", nil},
		{"too short", "canary-short", "", nil},
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			s := versions(map[string]string{"AWSCURRENT": r.current, "AWSPREVIOUS": r.previous})
			keys, err := root(s).Keys(t.Context())
			if keys != nil || err == nil || r.kind != nil && !errors.Is(err, r.kind) || strings.Contains(fmt.Sprint(err), "canary") {
				t.Errorf("Keys = %v, %v, want %v without a value", keys, err, r.kind)
			}
		})
	}
}

func TestKeyShowsNothing(t *testing.T) {
	t.Parallel()
	k := secret.Key{ID: "0a1b2c3d", Secret: []byte(canary)}
	var b bytes.Buffer
	slog.New(slog.NewJSONHandler(&b, nil)).Info("key", slog.Any("key", k), slog.Any("keys", []secret.Key{k}))
	j, err := json.Marshal(k)
	if err != nil {
		t.Fatal(err)
	}
	for _, shown := range []string{
		b.String(), string(j), k.String(), fmt.Sprintf("%v %+v %#v %s %q %x %d", k, k, k, k, k, k, k), fmt.Sprint(&k, []secret.Key{k}),
	} {
		if strings.Contains(shown, "canary") || strings.Contains(shown, fmt.Sprintf("%x", "canary")) || strings.Contains(shown, "99 97 110") {
			t.Errorf("Key shows itself: %s", shown)
		}
	}
}
