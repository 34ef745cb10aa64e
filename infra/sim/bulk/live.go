package bulk

import "runtime"

// A gauge measures how much memory a use case holds in one invocation: the heap
// at its fullest point, less what there was when it began and what the stores
// behind the ports have grown by. It collects garbage first, so only every so
// many invocations are measured.
type gauge struct {
	// every is how many invocations there are to one that is measured.
	every int
	// stores answers how much the stores hold.
	stores func() uint64

	calls, fills int
	on           bool
	before       int64
	most         int64
	heap         uint64
}

// enter begins an invocation.
func (g *gauge) enter() {
	g.calls++
	if g.on = g.every > 0 && (g.calls%g.every == 1 || g.every == 1); g.on {
		g.before = g.held()
	}
}

// full marks a point at which an invocation holds most. Of one that has many,
// such as a fan-out with its pages, some are measured.
func (g *gauge) full() {
	if !g.on {
		return
	}
	if g.fills++; g.fills%somePoints == 1 {
		g.most = max(g.most, g.held()-g.before)
	}
}

// somePoints is how many full points there are to one that is measured.
const somePoints = 29

// leave ends an invocation.
func (g *gauge) leave() { g.on = false }

// held answers what is alive beside the stores.
func (g *gauge) held() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	g.heap = max(g.heap, m.HeapAlloc)
	return int64(m.HeapAlloc) - int64(g.stores())
}
