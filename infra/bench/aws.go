package main

import (
	"fmt"
	"io"
	"net/http"
	"strings"
)

// rootSecret is what the stack would have generated.
const rootSecret = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

// empty answers as AWS does for a stack in which nothing has happened yet: no
// item, no plan, and a root secret.
func empty(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body) // so that the connection can be used again
	_, call, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	answer := "{}"
	switch call {
	case "GetSecretValue":
		answer = fmt.Sprintf(`{"Name":"root","SecretString":%q}`, rootSecret)
	case "Query":
		answer = `{"Items":[],"Count":0,"ScannedCount":0}`
	case "BatchGetItem":
		answer = `{"Responses":{},"UnprocessedKeys":{}}`
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	w.Header().Set("Content-Length", fmt.Sprint(len(answer)))
	_, _ = io.WriteString(w, answer) // the caller has gone if this fails
}
