package bulk

import (
	"errors"
	"fmt"
	"time"
)

// Figures are what a drain came to.
type Figures struct {
	Recipients, Sends int
	// Fresh is when everyone had the newest update; 0 if somebody never did.
	Fresh time.Duration
	// Ended is when the last chunk was done.
	Ended time.Duration
	// Older counts texts shown after newer ones, Again those shown twice, Stale
	// the readers who have not seen the newest.
	Older, Again, Stale int
	// Told counts what operators were told is undelivered, Dead the people on
	// chunks that were taken from the queue too often.
	Told, Dead int
	// Queue is a queue of messages in order, as most programs have.
	Queue Naive
	// Chunks is how many there were, Waiting how many at once; Receives is how
	// often any was taken from the queue, Most how often the same one was.
	Chunks, Waiting, Receives, Most int
	// Burst is by how many calls the provider was ever ahead of its rate, and
	// Minute the most calls of any minute.
	Burst  float64
	Minute int
	// Page and Wave are the most keys that a use case had in hand at once.
	Page, Wave int
	// Live is the most bytes that an invocation held, Heap those of the process.
	Live, Heap uint64
	// Hottest is how much more than the mean the largest shard of the ledger
	// holds; Moment is the same for the claims of a short while, with the shard
	// computed as the book does it, and Own with one of the ledger's own.
	Hottest, Moment, Own float64
}

// Naive is what a queue of messages in order needs for the same.
type Naive struct {
	Sends int
	Fresh time.Duration
}

// naive puts a message to each reader on a queue for each update, and sends
// them in order.
func naive(o Options) (n Naive) {
	for _, at := range o.Updates {
		n.Fresh = max(n.Fresh, at)
		n.Sends += o.Recipients
		n.Fresh += time.Duration(float64(o.Recipients) / o.Rate * float64(time.Second))
	}
	return n
}

func (d *drain) figures() Figures {
	f := Figures{
		Recipients: d.Recipients, Sends: d.provider.sends, Older: d.provider.older, Again: d.provider.again, Dead: d.queue.dead,
		Queue: naive(d.Options), Chunks: d.queue.sent, Receives: d.queue.receives, Most: d.queue.often, Waiting: d.queue.long,
		Burst: d.provider.peak, Minute: d.provider.minute.most, Page: d.crowd.most, Wave: d.ledger.most,
		Live: uint64(max(d.gauge.most, d.pages.most, 0)), Heap: max(d.gauge.heap, d.pages.heap),
		Hottest: ratio(d.held()), Moment: d.ledger.heat.book.hottest, Own: d.ledger.heat.own.hottest,
		Ended: d.ended.Sub(begin),
	}
	for _, seen := range d.provider.seen {
		if int(seen) != len(d.Updates) {
			f.Stale++
		}
	}
	for _, n := range d.told {
		f.Told += n
	}
	if f.Stale == 0 {
		f.Fresh = d.provider.fresh.Sub(begin)
	}
	return f
}

// held counts the lines of the ledger by shard.
func (d *drain) held() []int {
	counts := make([]int, d.Shards)
	if s := d.ledger.sheets[sheetKey{incident: outage, channel: "email"}]; s != nil {
		for n, h := range s.lines {
			if h != 0 {
				counts[bookShard(d.crowd.id(n), d.Shards)]++
			}
		}
	}
	return counts
}

// String writes one line.
func (f Figures) String() string {
	return fmt.Sprintf(
		"recipients=%d sends=%d hours=%.2f (in order: sends=%d hours=%.2f) older=%d again=%d stale=%d told=%d dead=%d "+
			"chunks=%d waiting=%d receives=%.1f most=%d burst=%.0f minute=%d page=%d wave=%d live=%dKiB heap=%dMiB shard=%.3f moment=%.2f own=%.2f",
		f.Recipients, f.Sends, f.Fresh.Hours(), f.Queue.Sends, f.Queue.Fresh.Hours(), f.Older, f.Again, f.Stale, f.Told, f.Dead,
		f.Chunks, f.Waiting, float64(f.Receives)/float64(max(1, f.Chunks)), f.Most, f.Burst, f.Minute, f.Page, f.Wave, f.Live>>10, f.Heap>>20,
		f.Hottest, f.Moment, f.Own)
}

// The bounds that every drain must keep.
const (
	hotShard = 1.3
	maxLive  = 64 << 20
)

// Check answers what is wrong with a drain, whatever its options: a text after
// a newer one or twice, a reader without the newest, calls above the rate, a hot
// shard, or an invocation that holds too much.
func (f Figures) Check(o Options) error {
	var faults []error
	wrong := func(is bool, format string, args ...any) {
		if is {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	wrong(f.Older > 0, "%d texts came after newer ones", f.Older)
	wrong(f.Again > 0, "%d texts were shown twice", f.Again)
	wrong(f.Stale > 0, "%d readers have not seen the newest update", f.Stale)
	wrong(f.Told > 0, "%d deliveries were given up", f.Told)
	wrong(f.Dead > 0, "%d places on chunks died, since the chunks were taken more than %d times", f.Dead, maxReceives)
	wrong(f.Burst > max(o.Rate, waveSize)+1, "the provider was called %.0f times ahead of its rate of %g/s", f.Burst, o.Rate)
	wrong(f.Hottest > hotShard, "the hottest shard holds %.2f times the mean", f.Hottest)
	wrong(f.Live > maxLive, "an invocation held %d bytes", f.Live)
	return errors.Join(faults...)
}

// waveSize is how many calls a sender makes at once.
const waveSize = 16
