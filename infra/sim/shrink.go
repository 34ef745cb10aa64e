package main

import (
	"maps"
	"slices"
)

// maxShrink is how often a failing seed is run anew to shorten it.
const maxShrink = 600

// shrink leaves out of a failing seed whatever can be left out so that the same
// promise is still broken, and answers the world of the shortest run.
func shrink(r *rig, res result) *world {
	s := &shrinking{rig: r, seed: res.seed, code: res.found[0].code}
	return s.run()
}

func (s *shrinking) run() *world {
	if !s.try(without{}) {
		return nil // cannot be, since the same seed gives the same run
	}
	for f := crashBefore; f < faults; f++ {
		s.try(s.cut.with(func(c *without) { c.kinds[f] = true }))
	}
	// Fewer and fewer faults, from the end.
	last := s.best.drawn
	for step := max(1, last/2); step > 0; step /= 2 {
		for last > step && s.try(s.cut.with(func(c *without) { c.after = last - step })) {
			last -= step
		}
	}
	for _, a := range slices.Backward(slices.Clone(s.best.acts)) {
		s.try(s.cut.with(func(c *without) { c.acts[a.n] = true }))
	}
	for _, i := range slices.Backward(slices.Clone(s.best.happened)) {
		s.try(s.cut.with(func(c *without) { c.faults[i.n] = true }))
	}
	return s.best
}

type shrinking struct {
	rig  *rig
	seed uint64
	code string
	cut  without
	best *world
	runs int
	// planted is world.planted.
	planted string
}

// try keeps a cut if the run still fails in the same way.
func (s *shrinking) try(cut without) bool {
	if s.runs++; s.runs > maxShrink {
		return false
	}
	w := newWorld(s.rig, s.seed, cut)
	w.planted = s.planted
	found := w.run()
	if len(found) == 0 || found[0].code != s.code {
		return false
	}
	s.cut, s.best = cut, w
	return true
}

// with answers a copy that leaves out something more.
func (c without) with(change func(*without)) without {
	out := without{acts: map[int]bool{}, faults: map[int]bool{}, kinds: map[fault]bool{}, after: c.after}
	maps.Copy(out.acts, c.acts)
	maps.Copy(out.faults, c.faults)
	maps.Copy(out.kinds, c.kinds)
	change(&out)
	return out
}
