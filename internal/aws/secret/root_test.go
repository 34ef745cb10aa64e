package secret_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"shirase/internal/aws/secret"
	"shirase/internal/incident"
)

const arn = "arn:aws:secretsmanager:ap-northeast-1:111122223333:secret:root"

func root(s *store) *secret.Root { return secret.NewRoot(secretsmanager.NewFromConfig(config(s)), arn) }

func TestRootIsReadAsItIsStored(t *testing.T) {
	t.Parallel()
	s := &store{}
	s.answer(200, kept(canary))
	if got, err := root(s).Key(t.Context()); string(got) != canary || err != nil {
		t.Errorf("Key = %q, %v, want the canary", got, err)
	}
	if got := s.asked[0]["SecretId"]; got != arn {
		t.Errorf("Key asked for %v, want %s", got, arn)
	}
}

func TestRootFails(t *testing.T) {
	t.Parallel()
	for _, r := range []struct {
		name   string
		status int
		body   string
		kind   error
	}{
		{"no secret", 400, notFound, incident.ErrNotFound},
		{"no right", 400, denied, incident.ErrDenied},
		{"away", 500, fault, nil},
		{"too short", 200, kept("canary-short"), nil},
	} {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			s := &store{}
			s.answer(r.status, r.body)
			key, err := root(s).Key(t.Context())
			if key != nil || err == nil || r.kind != nil && !errors.Is(err, r.kind) || strings.Contains(fmt.Sprint(err), "canary") {
				t.Errorf("Key = %q, %v, want %v without a value", key, err, r.kind)
			}
		})
	}
}

func TestMissingReadsNone(t *testing.T) {
	t.Parallel()
	s := &store{}
	names := secret.NewNames(secretsmanager.NewFromConfig(config(s)), "shirase/prod")
	s.answer(200, `{"Name":"shirase/prod/slack"}`)
	if got, err := names.Missing(t.Context(), []string{"slack", "a b"}); err != nil || !slices.Equal(got, []string{"a b"}) {
		t.Errorf("Missing = %v, %v, want the one that cannot be", got, err)
	}
	if in := s.asked[0]; in["SecretId"] != "shirase/prod/slack" || len(s.asked) != 1 {
		t.Errorf("Missing asked %v, want once for the other", s.asked)
	}
	for _, body := range []string{notFound, `{"Name":"shirase/prod/slack","DeletedDate":1790000000}`} {
		status := 200
		if body == notFound {
			status = 400
		}
		s.answer(status, body)
		if got, err := names.Missing(t.Context(), []string{"slack"}); err != nil || !slices.Equal(got, []string{"slack"}) {
			t.Errorf("Missing, answered %s = %v, %v, want it", body, got, err)
		}
	}
	s.answer(400, denied)
	if got, err := names.Missing(t.Context(), []string{"slack"}); got != nil || !errors.Is(err, incident.ErrDenied) {
		t.Errorf("Missing without the right = %v, %v, want denied", got, err)
	}
}
