package main

import (
	"cmp"
	"fmt"
	"slices"
	"sync"

	"shirase/internal/deliver"
	"shirase/internal/incident"
)

// result is what came of one seed.
type result struct {
	seed  uint64
	found []finding
	tally tally
}

// runSeed runs one seed on a rig.
func runSeed(r *rig, seed uint64, cut without) result {
	w := newWorld(r, seed, cut)
	found := w.run()
	return result{seed, found, w.tally}
}

// total is what a campaign counts.
type total struct {
	seeds    int
	failures []result
	calls    int
	cells    [boundaries][faults]int
	rares    map[string]int
	ticks    map[deliver.Tick]int
	sends    map[incident.Channel]int
}

func newTotal() total {
	return total{rares: map[string]int{}, ticks: map[deliver.Tick]int{}, sends: map[incident.Channel]int{}}
}

func (t *total) add(r result) {
	t.seeds++
	t.calls += r.tally.calls
	for b := range boundaries {
		for f := range faults {
			t.cells[b][f] += r.tally.cells[b][f]
		}
	}
	for k, n := range r.tally.rares {
		t.rares[k] += n
	}
	for k, n := range r.tally.ticks {
		t.ticks[k] += n
	}
	for k, n := range r.tally.sends {
		t.sends[k] += n
	}
	if len(r.found) > 0 {
		t.failures = append(t.failures, r)
	}
}

// maxFailures is how many failing seeds end a campaign.
const maxFailures = 20

// campaign runs seeds on several workers, each with a rig of its own, until so
// many have failed. Report is called for each of those as it is found.
func campaign(seeds []uint64, workers, failures int, report func(result)) (total, error) {
	var (
		mu   sync.Mutex
		next int
		all  = newTotal()
		g    sync.WaitGroup
		errs []error
	)
	for range workers {
		g.Go(func() {
			r, err := newRig()
			if err != nil {
				mu.Lock()
				errs = append(errs, err)
				mu.Unlock()
				return
			}
			defer r.threads.close()
			for {
				mu.Lock()
				if next == len(seeds) || len(all.failures) >= failures {
					mu.Unlock()
					return
				}
				seed := seeds[next]
				next++
				mu.Unlock()
				res := runSeed(r, seed, without{})
				mu.Lock()
				all.add(res)
				if len(res.found) > 0 && report != nil {
					report(res)
				}
				mu.Unlock()
			}
		})
	}
	g.Wait()
	if len(errs) > 0 {
		return total{}, errs[0]
	}
	slices.SortFunc(all.failures, func(a, b result) int { return cmp.Compare(a.seed, b.seed) })
	return all, nil
}

// told counts the texts that were, or may have been, told.
func (t total) told() int {
	return t.rares["fate "+string(deliver.Sent)] + t.rares["fate "+string(deliver.Unknown)]
}

// line writes a campaign in one line.
func (t total) line() string {
	keyless := 0
	for c, n := range t.sends {
		if !slices.Contains(keyedChannels, c) {
			keyless += n
		}
	}
	faulty := 0
	for b := range boundaries {
		for f := range faults {
			faulty += t.cells[b][f]
		}
	}
	return fmt.Sprintf("seeds: %d run, %d failed; %d port calls, %d faults, %d texts told, %d shown twice on channels without keys (%.3f %% of %d sends there)",
		t.seeds, len(t.failures), t.calls, faulty, t.told(), t.rares[shownTwice], 100*float64(t.rares[shownTwice])/float64(max(1, keyless)), keyless)
}

// seedsFrom answers the seeds from one on.
func seedsFrom(first, n uint64) []uint64 {
	out := make([]uint64, 0, n)
	for s := first; s < first+n; s++ {
		out = append(out, s)
	}
	return out
}
