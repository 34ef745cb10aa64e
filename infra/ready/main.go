// Command ready asks a program that runs, on one machine or on AWS, what would
// keep updates from their readers, and prints it as a table:
//
//	SHIRASE_KEY=shk_… go run ./infra/ready -url https://status.example.com
//
// The key is that of a responder or above; in a variable it is not seen by others
// on the machine, as -key is. The command ends with status 1 if a check fails and
// 2 if there is no answer; a warning alone is 0.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"time"

	"shirase/internal/ready"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	status := run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr) //nolint:forbidigo // the key of a person, not a setting of ours
	stop()
	os.Exit(status)
}

// The statuses of the command.
const (
	statusReady = iota
	statusFails
	statusUnknown
)

// timeout is more than API Gateway waits for the function.
const timeout = 40 * time.Second

// run is the whole command; it answers its status.
func run(ctx context.Context, args []string, env func(string) string, out, errs io.Writer) int {
	f := flag.NewFlagSet("ready", flag.ContinueOnError)
	f.SetOutput(errs)
	base := f.String("url", "http://127.0.0.1:8420", "where the program is reached, without a path")
	key := f.String("key", env("SHIRASE_KEY"), "a responder's key; better in SHIRASE_KEY")
	f.Lookup("key").DefValue = "" // which help prints
	asJSON := f.Bool("json", false, "print the answer as it came")
	if err := f.Parse(args); err != nil {
		return statusUnknown
	}
	if f.NArg() > 0 {
		fmt.Fprintln(errs, "ready: it takes flags only")
		return statusUnknown
	}
	body, err := fetch(ctx, *base, *key)
	if err != nil {
		fmt.Fprintln(errs, "ready:", err)
		return statusUnknown
	}
	var r ready.Report
	if err := json.Unmarshal(body, &r); err != nil || len(r.Checks) == 0 {
		fmt.Fprintln(errs, "ready: the answer is no readiness; is the URL right?")
		return statusUnknown
	}
	if *asJSON {
		fmt.Fprintf(out, "%s\n", body)
	} else {
		table(out, r)
	}
	if r.State == ready.Fail {
		return statusFails
	}
	return statusReady
}

// maxAnswer bounds what is read.
const maxAnswer = 1 << 20

// fetch asks for the readiness. It follows no redirect, which would take the key
// elsewhere, and sends a key in the clear to this machine only.
func fetch(ctx context.Context, base, key string) ([]byte, error) {
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, errors.New("-url must be a URL such as https://status.example.com")
	}
	if host := u.Hostname(); u.Scheme == "http" && host != "127.0.0.1" && host != "localhost" && host != "::1" {
		return nil, errors.New("-url must begin with https://, or the key could be read on the way")
	}
	if key == "" {
		return nil, errors.New("a key is missing: set SHIRASE_KEY")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.JoinPath("v1/readiness").String(), nil)
	if err != nil {
		return nil, fmt.Errorf("make the request: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+key)
	client := &http.Client{
		Timeout:       timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask for readiness: %w", err)
	}
	defer func() { _ = resp.Body.Close() }() // nothing was written
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("read the answer: %w", err)
	}
	switch resp.StatusCode {
	case http.StatusOK:
		return body, nil
	case http.StatusUnauthorized:
		return nil, errors.New("the key is not known there")
	case http.StatusForbidden:
		return nil, errors.New("the key is a viewer's; a responder's is needed")
	}
	return nil, fmt.Errorf("the answer was %s", resp.Status)
}
