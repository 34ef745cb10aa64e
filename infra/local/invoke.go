package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/aws/aws-lambda-go/lambda"
)

// function makes a handler that may be invoked by many at once. Lambda invokes
// one at a time in a process, and its runtime library counts on that: the JSON
// that its Invoke answers lies in a buffer that the next invocation writes over.
// What is answered as a reader is the caller's own, so that is what it gets.
func function(handle func(context.Context, json.RawMessage) (any, error)) lambda.Handler {
	return lambda.NewHandler(func(ctx context.Context, event json.RawMessage) (io.Reader, error) {
		answer, err := handle(ctx, event)
		if err != nil {
			return nil, err
		}
		b, err := json.Marshal(answer)
		if err != nil {
			return nil, fmt.Errorf("encode answer: %w", err)
		}
		return bytes.NewBuffer(b), nil
	})
}
