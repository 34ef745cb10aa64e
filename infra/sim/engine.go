package main

import (
	"fmt"
	"iter"
	"runtime/debug"
	"time"
)

// An event is something that happens at a moment of virtual time.
type event struct {
	at time.Time
	n  int // the order among events of one moment
	do func()
}

// heap holds the events to come, the next one first. It is a binary heap of
// values: container/heap would box each one.
type heap []event

func (h heap) less(a, b int) bool {
	if h[a].at.Equal(h[b].at) {
		return h[a].n < h[b].n
	}
	return h[a].at.Before(h[b].at)
}

func (h *heap) push(e event) {
	*h = append(*h, e)
	s := *h
	for n := len(s) - 1; n > 0; {
		up := (n - 1) / 2
		if !s.less(n, up) {
			return
		}
		s[n], s[up] = s[up], s[n]
		n = up
	}
}

func (h *heap) pop() event {
	s := *h
	first, last := s[0], len(s)-1
	s[0] = s[last]
	s[last] = event{}
	s = s[:last]
	*h = s
	for n := 0; ; {
		down := 2*n + 1
		if down >= last {
			return first
		}
		if down+1 < last && s.less(down+1, down) {
			down++
		}
		if !s.less(down, n) {
			return first
		}
		s[n], s[down] = s[down], s[n]
		n = down
	}
}

// engine is virtual time: one heap of events, and tasks that take turns. Only
// one thing ever runs, so a run is decided by the order of the heap alone.
type engine struct {
	now     time.Time
	events  heap
	count   int
	current *task
	threads *threads
}

// at schedules something; what is past happens next.
func (g *engine) at(t time.Time, do func()) {
	if t.Before(g.now) {
		t = g.now
	}
	g.count++
	g.events.push(event{t, g.count, do})
}

func (g *engine) after(d time.Duration, do func()) { g.at(g.now.Add(d), do) }

// step lets the next event happen, and answers false where there is none until
// the limit.
func (g *engine) step(limit time.Time) bool {
	if len(g.events) == 0 || g.events[0].at.After(limit) {
		return false
	}
	e := g.events.pop()
	g.now = e.at
	e.do()
	return true
}

// killed unwinds a task that has been killed. Nothing of what a killed task
// still does on its way out has an effect: every port refuses it.
type killed struct{}

// task is one run of a function, which takes a turn between two port calls.
type task struct {
	function string
	// skew is how far the clock of its machine is off.
	skew time.Duration
	// dead tells that it was killed, over that it has come to its end.
	dead, over bool
	// zombie tells that whoever ran it has given it up and it runs on.
	zombie bool
	run    func()
	on     *thread
	ended  func(died bool)
	read   reading
}

// thread runs one task after the other, so that not each begins with a new
// stack. It is a coroutine: it and the engine never run at once.
type thread struct {
	task  *task
	next  func() (time.Duration, bool)
	stop  func()
	yield func(time.Duration) bool
	broke any
}

// idle tells the engine that a thread's task is over.
const idle = time.Duration(-1)

func newThread() *thread {
	th := &thread{}
	th.next, th.stop = iter.Pull(func(yield func(time.Duration) bool) {
		th.yield = yield
		for {
			th.work()
			if !yield(idle) {
				return
			}
		}
	})
	return th
}

// work runs the thread's task to its end, whether it answers or is killed.
func (th *thread) work() {
	defer func() {
		if p := recover(); p != nil && !th.task.dead {
			th.broke = fmt.Sprintf("%v\n%s", p, debug.Stack())
		}
	}()
	th.task.run()
}

// spawn starts a task; ended is called once it is over.
func (g *engine) spawn(function string, skew time.Duration, run func()) *task {
	t := &task{function: function, skew: skew, run: run}
	g.after(0, func() { g.resume(t) })
	return t
}

// resume gives a task its turn.
func (g *engine) resume(t *task) {
	if t.over {
		return
	}
	if t.on == nil {
		if t.dead { // before it began
			t.over = true
			t.ended(true)
			return
		}
		t.on = g.threads.take()
		t.on.task = t
	}
	g.current = t
	d, _ := t.on.next()
	g.current = nil
	if t.on.broke != nil {
		panic(t.on.broke)
	}
	if d != idle {
		g.after(d, func() { g.resume(t) })
		return
	}
	g.threads.give(t.on)
	t.on, t.over = nil, true
	t.ended(t.dead)
}

// threads are those that wait for work.
type threads struct{ idle []*thread }

func (p *threads) take() *thread {
	n := len(p.idle) - 1
	if n < 0 {
		return newThread()
	}
	th := p.idle[n]
	p.idle = p.idle[:n]
	return th
}

func (p *threads) give(th *thread) {
	th.task = nil
	p.idle = append(p.idle, th)
}

// close ends the threads.
func (p *threads) close() {
	for _, th := range p.idle {
		th.stop()
	}
	p.idle = nil
}

// kill ends a task that is waiting for its turn, as when its machine dies.
func (g *engine) kill(t *task) {
	if t.over || t.dead {
		return
	}
	t.dead = true
	g.resume(t)
}

// pause lets others have their turn for a while. It does not come back to a task
// that was killed meanwhile.
func (g *engine) pause(d time.Duration) {
	t := g.current
	if t.dead {
		panic(killed{})
	}
	t.on.yield(d)
	if t.dead {
		panic(killed{})
	}
}

// die kills the task that runs, at this very point.
func (g *engine) die() {
	g.current.dead = true
	panic(killed{})
}
