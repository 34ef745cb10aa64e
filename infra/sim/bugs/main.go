package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

func main() {
	if err := run(context.Background(), os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "bugs:", err)
		os.Exit(1)
	}
}

// errBlind says that not every bug was found.
var errBlind = errors.New("not every planted bug was found")

func run(ctx context.Context, args []string, out io.Writer) error {
	f := flag.NewFlagSet("bugs", flag.ContinueOnError)
	which := f.String("run", "", "plant only bugs whose name `matches`")
	seeds := f.Int("seeds", 2000, "how many seeds a bug may take to be found")
	jobs := f.Int("j", 1, "how many bugs to plant at once")
	limit := f.Duration("limit", 5*time.Minute, "how long one simulator may run")
	if err := f.Parse(args); err != nil {
		return fmt.Errorf("read flags: %w", err)
	}
	match, err := regexp.Compile(*which)
	if err != nil {
		return fmt.Errorf("read -run: %w", err)
	}
	bugs, err := load()
	if err != nil {
		return err
	}
	bugs = slices.DeleteFunc(bugs, func(b bug) bool { return !match.MatchString(b.name) })
	if len(bugs) == 0 {
		return fmt.Errorf("no bug matches %q", *which)
	}
	root, err := moduleRoot(ctx)
	if err != nil {
		return err
	}
	temp, err := os.MkdirTemp("", "bugs-")
	if err != nil {
		return fmt.Errorf("make a folder: %w", err)
	}
	defer func() { _ = os.RemoveAll(temp) }() // a folder left behind does no harm
	h := hunt{root: root, temp: temp, seeds: *seeds, limit: *limit}
	if err := h.control(ctx, max(*jobs, 1)); err != nil {
		return err
	}
	return report(out, plantAll(ctx, h, bugs, *jobs, out))
}

// moduleRoot answers the folder of the module that is worked in.
func moduleRoot(ctx context.Context) (string, error) {
	mod, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("find the module: %w", err)
	}
	return filepath.Dir(strings.TrimSpace(string(mod))), nil
}

// planted is a bug with what became of it.
type planted struct {
	bug
	found
	err error
}

// plantAll plants the bugs, a few at once, and prints each as soon as those
// before it are printed.
func plantAll(ctx context.Context, h hunt, bugs []bug, jobs int, out io.Writer) []planted {
	results := make([]planted, len(bugs))
	ready := make([]chan struct{}, len(bugs))
	var group errgroup.Group
	group.SetLimit(max(jobs, 1) + 1) // one of them prints
	for n := range ready {
		ready[n] = make(chan struct{})
	}
	group.Go(func() error {
		for n := range ready {
			<-ready[n]
			fmt.Fprintln(out, results[n])
		}
		return nil
	})
	for n, b := range bugs {
		group.Go(func() error {
			defer close(ready[n])
			f, err := h.plant(ctx, b)
			results[n] = planted{b, f, err}
			return nil
		})
	}
	_ = group.Wait() // what went wrong stands in the results
	return results
}

// String answers a line of the report.
func (p planted) String() string {
	switch {
	case errors.Is(p.err, errMissed):
		return fmt.Sprintf("MISSED %-32s %s %s", p.name, p.bug.code, p.why)
	case p.err != nil:
		return fmt.Sprintf("BROKEN %-32s %v", p.name, p.err)
	}
	return fmt.Sprintf("found  %-32s after %4d seeds, %-3s at seed %s; planted: %s %s", p.name, p.after, p.found.code, p.seed, p.bug.code, p.why)
}

// report sums up. A seed's number there says how many were run until it found
// the bug, those that failed once first.
func report(out io.Writer, all []planted) error {
	var hits []planted
	for _, p := range all {
		if p.err == nil {
			hits = append(hits, p)
		}
	}
	slices.SortStableFunc(hits, func(a, b planted) int { return cmp.Compare(a.after, b.after) })
	line := fmt.Sprintf("planted bugs: %d of %d found", len(hits), len(all))
	if n := len(hits); n > 0 {
		line += fmt.Sprintf(", median seed %d, latest seed %d (%s)", hits[n/2].after, hits[n-1].after, hits[n-1].name)
	}
	fmt.Fprintln(out, line)
	if len(hits) < len(all) {
		return errBlind
	}
	return nil
}
