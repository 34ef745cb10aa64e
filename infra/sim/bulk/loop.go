package bulk

import (
	"container/heap"
	"iter"
	"time"
)

// begin is when every simulation begins.
var begin = time.Date(2026, 9, 15, 0, 0, 0, 0, time.UTC)

// A loop runs tasks in virtual time, one at a time: of all that sleep, the one
// that wakes first goes on; of those that wake together, the one that lay down
// first. Nothing else moves the clock.
type loop struct {
	at    time.Time
	tasks sleepers
	turns int
	awake *task
	over  bool
}

// task is a coroutine that gives the loop the time at which it wants to go on.
type task struct {
	wake  time.Time
	turn  int
	next  func() (time.Time, bool)
	stop  func()
	yield func(time.Time) bool
}

func newLoop() *loop { return &loop{at: begin} }

func (l *loop) now() time.Time { return l.at }

// spawn adds a task that begins at a time.
func (l *loop) spawn(at time.Time, run func()) {
	t := &task{wake: at}
	t.next, t.stop = iter.Pull(func(yield func(time.Time) bool) {
		t.yield = yield
		run()
	})
	l.push(t)
}

func (l *loop) push(t *task) {
	l.turns++
	t.turn = l.turns
	heap.Push(&l.tasks, t)
}

// until lets the task that runs sleep until a time. It answers false where the
// loop has come to its end, and the task should too.
func (l *loop) until(at time.Time) bool {
	if l.over {
		return false
	}
	return l.awake.yield(at)
}

// sleep lets the task that runs sleep for a while.
func (l *loop) sleep(d time.Duration) bool { return l.until(l.at.Add(d)) }

// run goes on until every task has ended, or the time is up.
func (l *loop) run(end time.Time) {
	for len(l.tasks) > 0 && !l.tasks[0].wake.After(end) {
		t := heap.Pop(&l.tasks).(*task)
		if t.wake.After(l.at) {
			l.at = t.wake
		}
		l.awake = t
		wake, more := t.next()
		if more {
			t.wake = wake
			l.push(t)
		}
	}
	l.over = true
	for _, t := range l.tasks {
		t.stop()
	}
	l.tasks = nil
}

// sleepers is a heap of tasks by when they wake.
type sleepers []*task

func (s sleepers) Len() int { return len(s) }

func (s sleepers) Less(i, j int) bool {
	if !s[i].wake.Equal(s[j].wake) {
		return s[i].wake.Before(s[j].wake)
	}
	return s[i].turn < s[j].turn
}

func (s sleepers) Swap(i, j int) { s[i], s[j] = s[j], s[i] }

func (s *sleepers) Push(x any) { *s = append(*s, x.(*task)) }

func (s *sleepers) Pop() any {
	last := len(*s) - 1
	t := (*s)[last]
	(*s)[last] = nil
	*s = (*s)[:last]
	return t
}
