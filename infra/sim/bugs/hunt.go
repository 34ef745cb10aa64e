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

// found is how the simulator found a bug: by an invariant, at a seed, after so
// many seeds. Those that failed once are run first, whatever their number.
type found struct {
	code, seed string
	after      int
}

// The lines by which the simulator says what it found, and when it ended.
var (
	faultLine = regexp.MustCompile(`^FAULT seed=(\d+) code=(\w+)`)
	endLine   = regexp.MustCompile(`^seeds: (\d+) run, (\d+) failed`)
)

// errMissed says that a bug was planted and not found.
var errMissed = errors.New("not found")

// control runs the simulator on the program as it is, in which there is nothing
// to find. As nothing else runs yet, it may use all the workers.
func (h hunt) control(ctx context.Context, workers int) error {
	sim := filepath.Join(h.temp, "control")
	if err := h.build(ctx, sim); err != nil {
		return err
	}
	f, err := h.run(ctx, sim, workers)
	if errors.Is(err, errMissed) {
		return nil
	}
	if err != nil {
		return err
	}
	return fmt.Errorf("without any bug the simulator finds %s at seed %s", f.code, f.seed)
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
	return h.run(ctx, sim, 1)
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
	// Without what only a debugger and a release read, which takes long to make.
	args := append([]string{"build", "-ldflags=-w", "-buildvcs=false", "-o", out}, flags...)
	cmd := exec.CommandContext(ctx, "go", append(args, "./infra/sim")...) //nolint:gosec // our own words
	cmd.Dir = h.root
	if said, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build: %w\n%s", err, said)
	}
	return nil
}

// run lets a simulator go through the seeds until it finds something; errMissed
// where it does not. With one worker it runs them one after the other.
func (h hunt) run(ctx context.Context, sim string, workers int) (found, error) {
	ctx, cancel := context.WithTimeout(ctx, h.limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, sim, "-seeds", strconv.Itoa(h.seeds), "-workers", strconv.Itoa(workers), "-quiet") //nolint:gosec // built here just now
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
	f, end := read(said)
	err = cmd.Wait()
	switch {
	case ctx.Err() != nil:
		return found{}, fmt.Errorf("run the simulator: %w", ctx.Err())
	case errors.Is(end, errStopped):
		return found{}, fmt.Errorf("run the simulator: %w: %w\n%s", end, err, tail(complaint.Bytes()))
	}
	return f, end
}

// errStopped says that a simulator did not come to an end.
var errStopped = errors.New("it stopped half-way")

// read answers the first fault that a simulator prints and after how many seeds;
// errMissed where it went through all seeds without one.
func read(said io.Reader) (found, error) {
	var f found
	lines := bufio.NewScanner(said)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if m := faultLine.FindStringSubmatch(lines.Text()); m != nil && f.code == "" {
			f.seed, f.code = m[1], m[2]
		}
		m := endLine.FindStringSubmatch(lines.Text())
		if m == nil {
			continue
		}
		var err error
		switch f.after, err = strconv.Atoi(m[1]); {
		case err != nil:
			return found{}, fmt.Errorf("read how many seeds were run: %w", err)
		case m[2] == "0":
			return found{}, errMissed
		case f.code != "":
			return f, nil
		}
	}
	return found{}, errStopped
}

// tail cuts what a program printed to what is worth showing.
func tail(said []byte) string {
	const most = 2000
	if len(said) > most {
		said = said[len(said)-most:]
	}
	return strings.TrimSpace(string(said))
}
