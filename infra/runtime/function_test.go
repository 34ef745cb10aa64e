package runtime_test

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	goruntime "runtime"
	"testing"
	"time"

	"shirase/infra/runtime"
)

const echo = `package main

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/aws/aws-lambda-go/lambda"
)

func main() {
	lambda.Start(func(_ context.Context, in map[string]string) (json.RawMessage, error) {
		switch in["do"] {
		case "fail":
			return nil, errors.New("as asked")
		case "panic":
			panic("as asked")
		}
		return json.Marshal(in)
	})
}
`

// start builds a small function and runs it.
func start(t *testing.T) *runtime.Function {
	t.Helper()
	dir := t.TempDir()
	source := filepath.Join(dir, "main.go")
	if err := os.WriteFile(source, []byte(echo), 0o600); err != nil {
		t.Fatal(err)
	}
	binary, err := runtime.Build(t.Context(), filepath.Join("..", ".."), source, goruntime.GOARCH, dir)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(binary)
	cmd.Stderr, cmd.Env = io.Discard, []string{}
	f, err := runtime.Start(t.Context(), cmd, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	return f
}

func TestFunctionAnswersAndFailsAsLambdaHasIt(t *testing.T) {
	t.Parallel()
	f := start(t)
	for _, want := range []string{`{"a":"1"}`, `{"b":"2"}`} {
		if got, err := f.Invoke(t.Context(), []byte(want)); err != nil || string(got) != want {
			t.Errorf("Invoke(%s) = %s, %v, want it back", want, got, err)
		}
	}
	_, err := f.Invoke(t.Context(), []byte(`{"do":"fail"}`))
	if e, ok := errors.AsType[*runtime.InvocationError](err); !ok || e.Message != "as asked" {
		t.Errorf("Invoke(fail) = %v, want the function's error", err)
	}
	if _, err := f.Invoke(t.Context(), []byte(`{"do":"panic"}`)); err == nil {
		t.Error("Invoke(panic) = nil, want an error")
	}
	if _, err := f.Invoke(t.Context(), []byte(`{}`)); !errors.Is(err, runtime.ErrEnded) {
		t.Errorf("Invoke() after a panic = %v, want ErrEnded", err)
	}
}
