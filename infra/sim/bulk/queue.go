package bulk

import (
	"container/heap"
	"context"
	"errors"
	"strconv"
	"time"

	"shirase/internal/deliver"
	"shirase/internal/incident"
)

// chunkRoom is how many recipients a chunk of mail names at most.
const chunkRoom = 50

// parcel is a chunk in few bytes: its update and the numbers of its people.
type parcel struct {
	seq      int32
	received int32
	count    int32
	people   [chunkRoom]uint32
}

// A queue is the send queue: chunks are shown in the order in which they become
// visible, and whoever takes one has it until it is deleted or put off.
type queue struct {
	people  register
	now     func() time.Time
	parcels []parcel
	free    []int32
	ready   ready
	turns   int64
	// out is how many are in somebody's hands, sent how many there ever were, and
	// receives how often any was taken.
	out, sent, receives int
	// often is how often one was taken at most, long how many there were at once,
	// and dead how many people were on chunks that were taken too often.
	often, long, dead int
	// worn is how often a chunk may be taken.
	worn int
	// before runs before chunks are taken in.
	before func()
}

var errWide = errors.New("chunk does not fit the queue of the drain")

// Send implements deliver.Queue.
func (q *queue) Send(_ context.Context, chunks []deliver.Chunk) error {
	q.before()
	for _, c := range chunks {
		if len(c.Recipients) > chunkRoom || c.FromSeq == 0 || c.Incident != outage {
			return errWide
		}
		p := parcel{seq: int32(c.FromSeq), count: int32(len(c.Recipients))}
		for n, r := range c.Recipients {
			number, ok := q.people.number(r)
			if !ok {
				return errWide
			}
			p.people[n] = uint32(number)
		}
		q.show(q.keep(p), q.now())
	}
	q.sent += len(chunks)
	q.long = max(q.long, len(q.ready)+q.out)
	return nil
}

func (q *queue) keep(p parcel) int32 {
	if last := len(q.free) - 1; last >= 0 {
		n := q.free[last]
		q.free = q.free[:last]
		q.parcels[n] = p
		return n
	}
	q.parcels = append(q.parcels, p)
	return int32(len(q.parcels) - 1)
}

func (q *queue) show(n int32, at time.Time) {
	q.turns++
	q.ready.add(visible{at.UnixNano(), q.turns, n})
}

// maxReceives is how often a chunk may be taken; then it is dead, and lies where
// a person has to look for it.
const maxReceives = 1000

// receive takes the chunk that has been visible longest, if there is any.
func (q *queue) receive() (n int32, ok bool) {
	for len(q.ready) > 0 && q.ready[0].at <= q.now().UnixNano() {
		n = q.ready.take().n
		p := &q.parcels[n]
		if int(p.received) == q.worn {
			q.dead += int(p.count)
			q.free = append(q.free, n)
			continue
		}
		p.received++
		q.often = max(q.often, int(p.received))
		q.out++
		q.receives++
		return n, true
	}
	return 0, false
}

// chunk answers what a parcel holds.
func (q *queue) chunk(n int32) deliver.Chunk {
	p := &q.parcels[n]
	c := deliver.Chunk{Incident: outage, Channel: incident.Email, FromSeq: int(p.seq), Recipients: make([]incident.RecipientID, p.count)}
	for k := range c.Recipients {
		c.Recipients[k] = q.people.id(int(p.people[k]))
	}
	return c
}

// remove deletes a chunk that is done.
func (q *queue) remove(n int32) {
	q.out--
	q.free = append(q.free, n)
}

// Postpone implements handler.Visibility, to whole seconds as SQS does.
func (q *queue) Postpone(_ context.Context, receipt string, wait time.Duration) error {
	n, err := strconv.ParseInt(receipt, 10, 32)
	if err != nil || n < 0 || int(n) >= len(q.parcels) {
		return incident.Invalid("receipt", "must be that of a received message")
	}
	q.postpone(int32(n), wait)
	return nil
}

// The longest that the handler puts a message off, and the step of SQS.
const (
	longestWait = 15 * time.Minute
	waitStep    = time.Second
)

func (q *queue) postpone(n int32, wait time.Duration) {
	wait = min(max(wait, 0), longestWait)
	q.out--
	q.show(n, q.now().Add((wait + waitStep - 1).Truncate(waitStep)))
}

// next answers when the next chunk becomes visible, and whether there is one.
func (q *queue) next() (time.Time, bool) {
	if len(q.ready) == 0 {
		return time.Time{}, false
	}
	return time.Unix(0, q.ready[0].at).UTC(), true
}

// empty reports whether nothing waits and nobody has anything.
func (q *queue) empty() bool { return len(q.ready) == 0 && q.out == 0 }

// bytes answers how much the queue holds.
func (q *queue) bytes() uint64 {
	return uint64(cap(q.parcels)*(12+4*chunkRoom) + cap(q.free)*4 + cap(q.ready)*24)
}

// visible is a chunk with the time from which it is shown.
type visible struct {
	at, turn int64
	n        int32
}

// ready is a heap by time, then by turn.
type ready []visible

func (r *ready) add(v visible) { heap.Push(r, v) }

func (r *ready) take() visible { return heap.Pop(r).(visible) }

func (r ready) Len() int { return len(r) }

func (r ready) Less(i, j int) bool {
	if r[i].at != r[j].at {
		return r[i].at < r[j].at
	}
	return r[i].turn < r[j].turn
}

func (r ready) Swap(i, j int) { r[i], r[j] = r[j], r[i] }

func (r *ready) Push(x any) { *r = append(*r, x.(visible)) }

func (r *ready) Pop() any {
	last := len(*r) - 1
	v := (*r)[last]
	*r = (*r)[:last]
	return v
}
