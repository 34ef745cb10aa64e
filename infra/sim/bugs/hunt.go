package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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

// faultLine is how the simulator says that it found something.
var faultLine = regexp.MustCompile(`^FAULT seed=(\d+) code=(\S+)`)

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
	args := append([]string{"build", "-ldflags=-w", "-o", out}, flags...) // without what only a debugger reads
	cmd := exec.CommandContext(ctx, "go", append(args, "./infra/sim")...) //nolint:gosec // our own words
	cmd.Dir = h.root
	if said, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build: %w\n%s", err, said)
	}
	return nil
}

// run lets a simulator go through the seeds, in order, until it finds something
// or errMissed.
func (h hunt) run(ctx context.Context, sim string) (found, error) {
	ctx, cancel := context.WithTimeout(ctx, h.limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, sim, "-seeds", strconv.Itoa(h.seeds), "-workers", "1", "-quiet") //nolint:gosec // built here just now
	cmd.Dir = h.root
	said, err := cmd.StdoutPipe()
	if err != nil {
		return found{}, fmt.Errorf("run the simulator: %w", err)
	}
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	if err := cmd.Start(); err != nil {
		return found{}, fmt.Errorf("run the simulator: %w", err)
	}
	f, ok := read(said)
	if ok {
		cancel() // the seeds that follow say no more
		_ = cmd.Wait()
		return f, nil
	}
	switch err := cmd.Wait(); {
	case ctx.Err() != nil:
		return found{}, fmt.Errorf("run the simulator: %w", ctx.Err())
	case err != nil:
		return found{}, fmt.Errorf("run the simulator: %w\n%s", err, tail(complaint.Bytes()))
	}
	return found{}, errMissed
}

// read answers the first fault that a simulator prints.
func read(said io.Reader) (found, bool) {
	lines := bufio.NewScanner(said)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		m := faultLine.FindStringSubmatch(lines.Text())
		if m == nil {
			continue
		}
		if seed, err := strconv.Atoi(m[1]); err == nil {
			return found{seed, m[2]}, true
		}
	}
	return found{}, false
}

// tail cuts what a program printed to what is worth showing.
func tail(said []byte) string {
	const most = 2000
	if len(said) > most {
		said = said[len(said)-most:]
	}
	return strings.TrimSpace(string(said))
}
