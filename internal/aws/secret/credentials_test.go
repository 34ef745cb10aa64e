package secret_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"shirase/internal/aws/secret"
	"shirase/internal/channel"
	"shirase/internal/incident"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// clock is a time that the test moves.
type clock struct{ at time.Time }

func (c *clock) now() time.Time          { return c.at }
func (c *clock) advance(d time.Duration) { c.at = c.at.Add(d) }

func kept(value string) string {
	return `{"Name":"shirase/prod/slack","SecretString":"` + value + `"}`
}

const (
	notFound = `{"__type":"ResourceNotFoundException"}`
	deleted  = `{"__type":"InvalidRequestException","message":"marked for deletion"}`
	denied   = `{"__type":"AccessDeniedException","message":"not authorized to perform secretsmanager:GetSecretValue"}`
	fault    = `{"__type":"InternalServiceError"}`
)

func credentials(s *store, c *clock) *secret.Credentials {
	return secret.NewCredentials(secretsmanager.NewFromConfig(config(s)), "shirase/prod", c.now)
}

func TestSecretIsReadBelowThePrefix(t *testing.T) {
	t.Parallel()
	s, c := &store{}, &clock{at: noon}
	s.answer(200, kept(" "+canary+`\n`))
	var secrets channel.Secrets = credentials(s, c)
	for range 3 {
		if got, err := secrets.Secret(t.Context(), "team/slack"); got != canary || err != nil {
			t.Fatalf("Secret = %q, %v, want the canary without the space around it", got, err)
		}
	}
	if s.count() != 1 {
		t.Errorf("Secret asked %d times, want once", s.count())
	}
	if in := s.asked[0]; in["SecretId"] != "shirase/prod/team/slack" {
		t.Errorf("Secret asked %v", in)
	}
}

func TestSecretIsAskedAnew(t *testing.T) {
	t.Parallel()
	s, c := &store{}, &clock{at: noon}
	p := credentials(s, c)
	step := func(wait time.Duration, status int, body, want string, kind error, asked int) {
		t.Helper()
		c.advance(wait)
		s.answer(status, body)
		before := s.count()
		got, err := p.Secret(t.Context(), "slack")
		if got != want || (kind == nil) != (err == nil) || !errors.Is(err, kind) {
			t.Errorf("at %s: Secret = %q, %v, want %q, %v", c.at.Format(time.TimeOnly), got, err, want, kind)
		}
		if n := s.count() - before; n != asked {
			t.Errorf("at %s: Secret asked %d times, want %d", c.at.Format(time.TimeOnly), n, asked)
		}
	}
	step(0, 400, notFound, "", incident.ErrNotFound, 1)
	step(9*time.Second, 200, kept("one"), "", incident.ErrNotFound, 0)
	step(time.Second, 200, kept("one"), "one", nil, 1)
	step(5*time.Minute-time.Second, 200, kept("two"), "one", nil, 0)
	step(time.Second, 200, kept("two"), "two", nil, 1)
	step(-time.Hour, 200, kept("three"), "three", nil, 1)   // a clock that went back
	step(6*time.Minute, 500, fault, "three", nil, 3)        // it does not answer: what we have is good
	step(9*time.Second, 200, kept("four"), "three", nil, 0) // it is left alone for a while
	step(time.Second, 0, "", "three", nil, 3)
	step(-5*time.Second, 500, fault, "three", nil, 3) // a clock that went back
	step(time.Hour-6*time.Minute-6*time.Second, 500, fault, "three", nil, 3)
	step(time.Second, 400, denied, "", incident.ErrDenied, 1)
	step(0, 200, kept("four"), "four", nil, 1)
	step(5*time.Minute, 400, notFound, "", incident.ErrNotFound, 1) // it was taken away
	step(10*time.Second, 400, deleted, "", incident.ErrNotFound, 1)
	step(10*time.Second, 200, kept("five"), "five", nil, 1)
	step(10*time.Second, 200, kept("six"), "five", nil, 0)
}

// TestSecretTakenAwayIsForgotten lets the role lose the right to a credential,
// and then the store go away.
func TestSecretTakenAwayIsForgotten(t *testing.T) {
	t.Parallel()
	for _, body := range []string{denied, notFound, deleted} {
		s, c := &store{}, &clock{at: noon}
		p := credentials(s, c)
		for _, answer := range []struct {
			status int
			body   string
		}{{200, kept(canary)}, {400, body}, {500, fault}} {
			s.answer(answer.status, answer.body)
			got, err := p.Secret(t.Context(), "slack")
			if (answer.status == 200) != (err == nil) || err != nil && got != "" {
				t.Errorf("Secret, answered %s = %q, %v", answer.body, got, err)
			}
			c.advance(5 * time.Minute)
		}
	}
}

func TestSecretTooOldIsNotUsed(t *testing.T) {
	t.Parallel()
	s, c := &store{}, &clock{at: noon}
	p := credentials(s, c)
	s.answer(200, kept(canary))
	if _, err := p.Secret(t.Context(), "slack"); err != nil {
		t.Fatal(err)
	}
	c.advance(time.Hour)
	s.answer(500, fault)
	got, err := p.Secret(t.Context(), "slack")
	if got != "" || err == nil || errors.Is(err, incident.ErrNotFound) || errors.Is(err, incident.ErrDenied) {
		t.Errorf("Secret after an hour without an answer = %q, %v, want an error worth another try", got, err)
	}
}

// TestSecretIsNotWaitedForWhereOneIsKept lets the store hang while a wave wants a
// credential that the program has, for longer than it is fresh.
func TestSecretIsNotWaitedForWhereOneIsKept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, began := &store{}, time.Now() // the bubble's own clock
		p := secret.NewCredentials(secretsmanager.NewFromConfig(config(s)), "shirase/prod", time.Now)
		s.answer(200, kept(canary))
		if _, err := p.Secret(t.Context(), "slack"); err != nil {
			t.Fatal(err)
		}
		hang := func(ctx context.Context, _ map[string]any) (int, string) { <-ctx.Done(); return 0, "" }
		for _, r := range []struct {
			at, took time.Duration // since the beginning; the longest of the wave
			asked    int
		}{
			{5 * time.Minute, 2 * time.Second, 1},
			{5*time.Minute + 9*time.Second, 0, 0},
			{5*time.Minute + 10*time.Second, 2 * time.Second, 1},
			{time.Hour - 3*time.Second, 2 * time.Second, 1},
		} {
			time.Sleep(r.at - time.Since(began))
			s.mu.Lock()
			s.reply, s.asked = hang, nil
			s.mu.Unlock()
			var wave sync.WaitGroup
			for range 16 {
				wave.Go(func() {
					ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
					defer cancel()
					if got, err := p.Secret(ctx, "slack"); got != canary || err != nil || ctx.Err() != nil {
						t.Errorf("Secret after %s = set %t, %v, want the one that is kept while there is time", r.at, got != "", err)
					}
				})
			}
			wave.Wait()
			if took := time.Since(began) - r.at; took != r.took || s.count() != r.asked {
				t.Errorf("Secret after %s took a wave %s and asked %d times, want %s and %d", r.at, took, s.count(), r.took, r.asked)
			}
		}
		time.Sleep(time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		if got, err := p.Secret(ctx, "slack"); got != "" || err == nil {
			t.Errorf("Secret after an hour without an answer = set %t, %v, want an error", got != "", err)
		}
	})
}

func TestSecretNames(t *testing.T) {
	t.Parallel()
	s, c := &store{}, &clock{at: noon}
	s.answer(200, kept(canary))
	for _, name := range []string{"", "/slack", "slack/", "a//b", "a@b", "a:1", "../x y", strings.Repeat("n", 401)} {
		if got, err := credentials(s, c).Secret(t.Context(), name); got != "" || !errors.Is(err, incident.ErrNotFound) {
			t.Errorf("Secret(%q) = %q, %v, want not found", name, got, err)
		}
	}
	if s.count() != 0 {
		t.Errorf("Secret asked %d times, want never", s.count())
	}
}

// TestSecretIsFetchedOnce lets a wave ask for one credential at once, and holds
// the answer back until one of them gave up.
func TestSecretIsFetchedOnce(t *testing.T) {
	t.Parallel()
	s, c := &store{}, &clock{at: noon}
	asked, release := make(chan struct{}), make(chan struct{})
	s.reply = func(context.Context, map[string]any) (int, string) {
		close(asked)
		<-release
		return 200, kept(canary)
	}
	p := credentials(s, c)
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			if got, err := p.Secret(t.Context(), "slack"); got != canary || err != nil {
				t.Errorf("Secret = %q, %v, want the canary", got, err)
			}
		})
	}
	<-asked
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.Secret(ended, "slack"); !errors.Is(err, context.Canceled) {
		t.Errorf("Secret after its context ended = %v, want canceled", err)
	}
	close(release)
	wg.Wait()
	if s.count() != 1 {
		t.Errorf("Secret asked %d times, want once", s.count())
	}
}

func TestSecretErrorsHoldNoValue(t *testing.T) {
	t.Parallel()
	rows := []struct {
		name   string
		status int
		body   string
	}{
		{"answer cut", 200, `{"SecretString":"` + canary},
		{"answer of the wrong type", 200, `{"SecretString":["` + canary + `"]}`},
		{"message", 400, `{"__type":"ValidationException","message":"` + canary + `"}`},
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			s, c := &store{}, &clock{at: noon}
			s.answer(r.status, r.body)
			got, err := credentials(s, c).Secret(t.Context(), "slack")
			if got != "" || err == nil || strings.Contains(err.Error(), "canary") {
				t.Errorf("Secret = %q, %v, want an error without the value", got, err)
			}
		})
	}
}
