package main

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
)

// TestAnswersAreApart keeps the answers of a function while it is invoked
// again: each stays what it was.
func TestAnswersAreApart(t *testing.T) {
	t.Parallel()
	echo := function(func(_ context.Context, event json.RawMessage) (any, error) { return event, nil })
	const many = 100
	var answers [many][]byte
	for n := range answers {
		answer, err := echo.Invoke(t.Context(), fmt.Append(nil, n))
		if err != nil {
			t.Fatal(err)
		}
		answers[n] = answer
	}
	for n, got := range answers {
		if want := fmt.Sprint(n); string(got) != want {
			t.Errorf("Invoke(%d) = %s after later invocations, want %s", n, got, want)
		}
	}
}

// TestInvocationErrors hands on what a function fails with, and refuses what is
// no JSON before it gets there.
func TestInvocationErrors(t *testing.T) {
	t.Parallel()
	calls := 0
	fail := function(func(context.Context, json.RawMessage) (any, error) { calls++; return nil, context.Canceled })
	if b, err := fail.Invoke(t.Context(), []byte(`{}`)); err != context.Canceled { //nolint:errorlint // the very error
		t.Errorf("Invoke({}) = %s, %v, want the function's own error", b, err)
	}
	if b, err := fail.Invoke(t.Context(), []byte(`{`)); err == nil || calls != 1 {
		t.Errorf("Invoke({) = %s, %v after %d calls, want an error and 1 call", b, err, calls)
	}
}
