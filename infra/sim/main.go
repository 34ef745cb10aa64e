// Command sim proves the promise of delivery: it runs the handlers that ship on
// a store in memory, in virtual time, and lets everything go wrong that can. See
// docs/reliability.md.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"time"

	"shirase/infra/sim/bulk"
)

// collectAt is how much memory is used before anything is collected, in bytes.
const collectAt = 600 << 20

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// options are what the command line says.
type options struct {
	seeds, seed uint64
	trace       bool
	quiet       bool
	points      bool
	table       bool
	drain       string
	storm       bool
	workers     int
	log         string
}

func run(args []string, out io.Writer) error {
	var o options
	flags := flag.NewFlagSet("sim", flag.ContinueOnError)
	flags.Uint64Var(&o.seeds, "seeds", 1000, "how many seeds to run")
	flags.Uint64Var(&o.seed, "seed", 0, "the first of them; alone, the only one")
	flags.BoolVar(&o.trace, "trace", false, "print all that happens in one seed")
	flags.BoolVar(&o.quiet, "quiet", false, "end at the first failing seed and do not shorten it")
	flags.BoolVar(&o.points, "points", false, "try each fault at each port call of the small story instead")
	flags.BoolVar(&o.table, "table", false, "print the fault matrix instead")
	flags.StringVar(&o.drain, "drain", "", "drain a full queue instead: the name of the run, or all")
	flags.BoolVar(&o.storm, "storm", false, "let 100,000 alarms come in ten minutes instead")
	flags.StringVar(&o.log, "log", "", "add a line about the campaign to this file")
	flags.IntVar(&o.workers, "workers", runtime.GOMAXPROCS(0), "how many seeds to run at once")
	if err := flags.Parse(args); err != nil {
		return err
	}
	alone := true
	flags.Visit(func(f *flag.Flag) { alone = alone && f.Name != "seeds" })
	// Most of what a seed makes dies with it, so collecting seldom is cheapest.
	debug.SetGCPercent(-1)
	debug.SetMemoryLimit(collectAt)
	switch {
	case o.table:
		writeTable(out)
		return nil
	case o.drain != "":
		return runDrain(out, o.drain)
	case o.storm:
		return runStorm(out)
	case o.points:
		return runPoints(out)
	case o.trace:
		return traceSeed(out, o.seed)
	case alone && o.seed > 0:
		o.seeds = 1
	}
	return runCampaign(out, o)
}

// traceSeed prints all that happens in a seed.
func traceSeed(out io.Writer, seed uint64) error {
	r, err := newRig()
	if err != nil {
		return err
	}
	w := newWorld(r, seed, without{})
	w.tracing, w.trace = true, func(line string) { fmt.Fprintln(out, line) }
	if found := w.run(); len(found) > 0 {
		return fmt.Errorf("FAULT seed=%d code=%s %s", seed, found[0].code, found[0].what)
	}
	return nil
}

// runDrain plays the drains of a name, or all of them.
func runDrain(out io.Writer, name string) error {
	var names []string
	for _, r := range bulk.Runs() {
		names = append(names, r.Name)
		if name != "all" && name != r.Name {
			continue
		}
		if err := r.Play(bg, out); err != nil {
			return err
		}
	}
	if name != "all" && !slices.Contains(names, name) {
		return fmt.Errorf("there is no drain %q, but %q", name, names)
	}
	return nil
}

// runStorm plays the storm of alarms.
func runStorm(out io.Writer) error {
	w, err := bulk.Storm(bg, bulk.FullStorm())
	if err != nil {
		return fmt.Errorf("storm: %w", err)
	}
	fmt.Fprintln(out, "storm:", w)
	if err := w.Check(); err != nil {
		return fmt.Errorf("storm: %w", err)
	}
	return nil
}

// runPoints runs the small story with every single fault.
func runPoints(out io.Writer) error {
	r, err := newRig()
	if err != nil {
		return err
	}
	points, failed := exhaust(r)
	for _, f := range failed {
		fmt.Fprintln(out, f)
	}
	fmt.Fprintf(out, "exhaustive points: %d tried, %d failed\n", points, len(failed))
	if len(failed) > 0 {
		return fmt.Errorf("%d points break a promise", len(failed))
	}
	return nil
}

// runCampaign runs seeds and says what came of them.
func runCampaign(out io.Writer, o options) error {
	failures := maxFailures
	if o.quiet {
		failures = 1
	}
	all, err := campaign(append(ever(), seedsFrom(o.seed, o.seeds)...), o.workers, failures, func(r result) {
		fmt.Fprintf(out, "FAULT seed=%d code=%s at %s: %s\n", r.seed, r.found[0].code, clock(r.found[0].at), r.found[0].what)
	})
	if err != nil {
		return err
	}
	if len(all.failures) > 0 && !o.quiet {
		r, err := newRig()
		if err != nil {
			return err
		}
		if w := shrink(r, all.failures[0]); w != nil {
			explain(out, w)
		}
	}
	fmt.Fprintln(out, all.line())
	if o.log != "" {
		if err := logCampaign(o.log, time.Now(), o.seed, all); err != nil { //nolint:forbidigo // this is a main
			return err
		}
	}
	if all.seeds >= coveredFrom && !o.quiet {
		fmt.Fprintln(out, all.coverLine())
		if _, missing := all.uncovered(); len(missing) > 0 {
			return fmt.Errorf("%d cells or states were never reached", len(missing))
		}
	}
	if n := len(all.failures); n > 0 {
		return fmt.Errorf("%d seeds break a promise", n)
	}
	return nil
}
