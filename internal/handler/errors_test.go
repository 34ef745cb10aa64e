package handler_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"shirase/internal/handler"
	"shirase/internal/incident"
)

const secret = "dial tcp 10.0.0.7: token=canary"

func TestKindsOfError(t *testing.T) {
	t.Parallel()
	inner := errors.New(secret)
	field := incident.Invalid("effect", "must not be empty")
	for _, c := range []struct {
		name   string
		err    error
		status int
		leave  bool
	}{
		{"none", nil, http.StatusOK, false},
		{"unknown", inner, http.StatusInternalServerError, true},
		{"not found", fmt.Errorf("%w: %w", inner, incident.ErrNotFound), http.StatusNotFound, true},
		{"conflict", fmt.Errorf("commit: %w", incident.ErrConflict), http.StatusConflict, true},
		{"stage", fmt.Errorf("move: %w", &incident.StageError{From: incident.Resolved, To: incident.Identified}), http.StatusConflict, true},
		{"denied", incident.ErrDenied, http.StatusForbidden, true},
		{"malformed", fmt.Errorf("%s: %w", secret, incident.ErrInvalid), http.StatusBadRequest, false},
		{"field", fmt.Errorf("open: %w", field), http.StatusUnprocessableEntity, false},
		{"fields", errors.Join(field, fmt.Errorf("%w", errors.Join(field))), http.StatusUnprocessableEntity, false},
		{"time up", fmt.Errorf("send: %w", context.DeadlineExceeded), http.StatusServiceUnavailable, true},
		{"gone away", context.Canceled, http.StatusServiceUnavailable, true},
		{"denied before found", errors.Join(incident.ErrNotFound, incident.ErrDenied), http.StatusForbidden, true},
	} {
		if got := handler.Status(c.err); got != c.status {
			t.Errorf("Status(%s) = %d, want %d", c.name, got, c.status)
		}
		if got := handler.Leave(c.err); got != c.leave {
			t.Errorf("Leave(%s) = %v, want %v", c.name, got, c.leave)
		}
		p := handler.ProblemOf(c.err)
		b, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		if p.Status != c.status || strings.Contains(string(b), "canary") || p.Title == "" || !strings.HasPrefix(p.Type, "urn:shirase:problem:") {
			t.Errorf("ProblemOf(%s) = %s, want status %d and no inner error", c.name, b, c.status)
		}
	}
}

func TestProblemNamesEveryFault(t *testing.T) {
	t.Parallel()
	err := fmt.Errorf("open: %w", errors.Join(
		incident.Invalid("effect", "must not be empty"),
		errors.New(secret),
		fmt.Errorf("facts: %w", errors.Join(
			incident.Invalid("facts.outlook.to", "must be after from"),
			incident.Invalid("effect", "must not be empty"),
		)),
		incident.Invalid("components[1]", "is not in the plan"),
	))
	want := []handler.Fault{
		{Pointer: "/effect", Detail: "must not be empty"},
		{Pointer: "/facts/outlook/to", Detail: "must be after from"},
		{Pointer: "/components/1", Detail: "is not in the plan"},
	}
	if d := cmp.Diff(want, handler.ProblemOf(err).Errors); d != "" {
		t.Errorf("ProblemOf(tree).Errors (-want +got):\n%s", d)
	}
	many := make([]error, 300)
	for i := range many {
		many[i] = incident.Invalid(fmt.Sprintf("components[%d]", i), "is not in the plan")
	}
	if got := len(handler.ProblemOf(errors.Join(many...)).Errors); got != 100 {
		t.Errorf("ProblemOf(300 faults).Errors = %d, want 100", got)
	}
}

func TestProblemListsStages(t *testing.T) {
	t.Parallel()
	allowed := incident.Next(incident.Outage, incident.Resolved)
	w := httptest.NewRecorder()
	handler.WriteProblem(w, handler.ProblemOf(&incident.StageError{From: incident.Resolved, To: incident.Identified, Allowed: allowed}))
	var got struct {
		Status  int
		Allowed []incident.Stage
	}
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if w.Code != http.StatusConflict || got.Status != w.Code || w.Header().Get("Content-Type") != handler.ProblemType {
		t.Errorf("WriteProblem = %d %v, want 409 as a problem", w.Code, w.Header())
	}
	if d := cmp.Diff(allowed, got.Allowed); d != "" {
		t.Errorf("allowed (-want +got):\n%s", d)
	}
}
