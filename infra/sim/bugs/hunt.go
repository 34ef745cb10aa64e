package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// hunt builds simulators and runs them.
type hunt struct {
	root  string // of the module
	temp  string
	seeds int
	// limit ends a simulator that a bug keeps from coming to an end.
	limit time.Duration
}

// found is where the simulator found a bug: at a seed, by an invariant.
type found struct {
	seed int
	code string
}

// exitFault is how the simulator says that it found something.
const exitFault = 1

var faultLine = regexp.MustCompile(`(?m)^FAULT seed=(\d+) code=(\S+)`)

// errMissed says that a bug was planted and not found.
var errMissed = errors.New("not found")

// control runs the simulator on the program as it is, in which there is nothing to find.
func (h hunt) control(ctx context.Context) error {
	sim := filepath.Join(h.temp, "control")
	if err := h.build(ctx, sim); err != nil {
		return err
	}
	f, err := h.run(ctx, sim)
	if errors.Is(err, errMissed) {
		return nil
	}
	if err != nil {
		return err
	}
	return fmt.Errorf("without any bug the simulator finds %s at seed %d", f.code, f.seed)
}

// plant builds the simulator over a program with the bug, and runs it.
func (h hunt) plant(ctx context.Context, b bug) (found, error) {
	dir := filepath.Join(h.temp, b.name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return found{}, fmt.Errorf("make a folder: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }() // the whole folder goes at the end
	overlay, err := h.overlay(b, dir)
	if err != nil {
		return found{}, err
	}
	sim := filepath.Join(dir, "sim")
	if err := h.build(ctx, sim, "-overlay", overlay); err != nil {
		return found{}, err
	}
	return h.run(ctx, sim)
}

// overlay writes the patched file, and the file that tells the compiler of it.
func (h hunt) overlay(b bug, dir string) (string, error) {
	file := filepath.Join(h.root, filepath.FromSlash(b.file))
	source, err := os.ReadFile(file) //nolint:gosec // our own table names it
	if err != nil {
		return "", fmt.Errorf("read what to patch: %w", err)
	}
	patched, err := b.apply(string(source))
	if err != nil {
		return "", err
	}
	instead := filepath.Join(dir, filepath.Base(b.file))
	if err := os.WriteFile(instead, []byte(patched), 0o600); err != nil { //nolint:gosec // in a folder of our own
		return "", fmt.Errorf("write the patched file: %w", err)
	}
	data, err := json.Marshal(map[string]any{"Replace": map[string]string{file: instead}})
	if err != nil {
		return "", fmt.Errorf("encode overlay: %w", err)
	}
	overlay := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(overlay, data, 0o600); err != nil {
		return "", fmt.Errorf("write overlay: %w", err)
	}
	return overlay, nil
}

// build makes a simulator.
func (h hunt) build(ctx context.Context, out string, flags ...string) error {
	args := append([]string{"build", "-o", out}, flags...)
	cmd := exec.CommandContext(ctx, "go", append(args, "./infra/sim")...) //nolint:gosec // our own words
	cmd.Dir = h.root
	if said, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build: %w\n%s", err, said)
	}
	return nil
}

// run lets a simulator go through the seeds and answers what it found, or
// errMissed.
func (h hunt) run(ctx context.Context, sim string) (found, error) {
	ctx, cancel := context.WithTimeout(ctx, h.limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, sim, "-seeds", strconv.Itoa(h.seeds), "-quiet") //nolint:gosec // built here just now
	cmd.Dir = h.root
	said, err := cmd.CombinedOutput()
	if err == nil {
		return found{}, errMissed
	}
	if ctx.Err() != nil {
		return found{}, fmt.Errorf("run the simulator: %w", ctx.Err())
	}
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok || exit.ExitCode() != exitFault {
		return found{}, fmt.Errorf("run the simulator: %w\n%s", err, tail(said))
	}
	return read(said)
}

// read answers the first fault that a simulator has printed.
func read(said []byte) (found, error) {
	m := faultLine.FindSubmatch(said)
	if m == nil {
		return found{}, fmt.Errorf("the simulator names no fault:\n%s", tail(said))
	}
	seed, err := strconv.Atoi(string(m[1]))
	if err != nil {
		return found{}, fmt.Errorf("read the seed of a fault: %w", err)
	}
	return found{seed, string(m[2])}, nil
}

// tail cuts what a program printed to what is worth showing.
func tail(said []byte) string {
	const most = 2000
	if len(said) > most {
		said = said[len(said)-most:]
	}
	return strings.TrimSpace(string(said))
}
