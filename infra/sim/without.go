package main

// without is what a run leaves out of its seed, to find the least that still
// breaks a promise.
type without struct {
	// acts and faults are left out by number; kinds are faults left out whole.
	acts, faults map[int]bool
	kinds        map[fault]bool
	// after leaves out every fault with a higher number; 0 leaves out none.
	after int
}

func (c without) act(n int) bool { return c.acts[n] }

func (c without) fault(n int, f fault) bool {
	return c.faults[n] || c.kinds[f] || c.after > 0 && n > c.after
}

// point is one place in a run at which one thing goes wrong, and nothing else.
type point struct {
	call  int
	what  fault
	hit   bool
	where boundary
	op    string
}

// draw is world.draw where only the point counts.
func (p *point) draw(w *world, b boundary, op string, call int) fault {
	if call != p.call || p.hit {
		return noFault
	}
	p.hit, p.where, p.op = true, b, op
	return w.inject(b, p.what, op)
}
