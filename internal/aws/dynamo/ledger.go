package dynamo

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"golang.org/x/sync/errgroup"

	"shirase/internal/deliver"
	"shirase/internal/incident"
)

// ledgerLife is how long a line is kept after its last write. An incident may
// go on for long, and whoever was told its beginning is told its end, so this
// is twice as long as anybody needs the line after the end.
const ledgerLife = 2 * deliver.LedgerLife

// A line outlives its memo, which is written before it: less does not compile.
const _ = uint64(ledgerLife - deliver.MemoLife)

// ledgerWave is how many lines are written at once.
const ledgerWave = 16

// againAfter is when a recipient is tried again whose claim could not be written.
const againAfter = 5 * time.Second

// Ledger keeps who was told what, one item for each line, in the table
// deliveries. It implements [deliver.Ledger] and [deliver.Listing].
//
// A line is written on the condition that it is as it was read. It is read once
// for each delivery: Items remembers what it answered, so that Claim need not
// read it again, and Claim what it wrote, for Settle. What is remembered is only
// ever the ground of such a write; an answer that writes nothing rests on a read.
type Ledger struct {
	db     db
	marked marked
	table  string
	shards int
	known  *memory
}

// NewLedger makes a ledger whose incidents have a number of shards each, from 1
// to 64, which must stay the same for as long as the data is kept. Each shard
// takes about 500 deliveries a second.
func NewLedger(api *dynamodb.Client, tables Tables, shards int) (*Ledger, error) {
	if err := checkShards(shards); err != nil {
		return nil, err
	}
	return &Ledger{db: newDB(api), marked: newMarked(api), table: tables.Deliveries, shards: shards, known: newMemory(memorySize)}, nil
}

// checkShards answers why there cannot be so many shards.
func checkShards(n int) error {
	if n < 1 || n > 64 {
		return incident.Invalid("shards", "must be from 1 to 64")
	}
	return nil
}

// Items implements [deliver.Ledger].
func (l *Ledger) Items(ctx context.Context, keys []deliver.Key) ([]deliver.Item, error) {
	rs, err := l.read(ctx, keys)
	if err != nil {
		return nil, err
	}
	items := make([]deliver.Item, len(rs))
	for n, r := range rs {
		items[n] = clone(r).value
	}
	return items, nil
}

// read reads lines strongly and remembers them.
func (l *Ledger) read(ctx context.Context, keys []deliver.Key) ([]revision[deliver.Item], error) {
	ks := make([]key, len(keys))
	for n, k := range keys {
		ks[n] = keyLine(k, l.shards)
	}
	its, err := l.db.batch(ctx, l.table, ks)
	if err != nil {
		return nil, err
	}
	rs := make([]revision[deliver.Item], len(keys))
	for n, it := range its {
		if rs[n], err = revisionOf[deliver.Item](it); err != nil {
			return nil, err
		}
		l.known.put(keys[n], rs[n])
	}
	return rs, nil
}

// Claim implements [deliver.Ledger]. A recipient whose line could not be written
// is [deliver.Later], so that the others can be sent to: what is granted and
// then left alone would count as perhaps told. Only where all fail is that an
// error. It may have been written all the same; the next claim then finds its
// lease, and waits for its end.
func (l *Ledger) Claim(ctx context.Context, asks []deliver.Ask) ([]deliver.Decision, error) {
	ds := make([]deliver.Decision, len(asks))
	failed, err := l.each(ctx, len(asks), ledgerWork{
		key: func(n int) deliver.Key { return asks[n].Key },
		now: func(n int) time.Time { return asks[n].Now },
		decide: func(n int, it deliver.Item) (deliver.Item, bool) {
			ds[n] = deliver.Decide(it, asks[n])
			return ds[n].Item, ds[n].Changed
		},
	})
	if len(failed) == len(asks) && err != nil {
		return nil, err
	}
	for _, n := range failed {
		ds[n] = deliver.Decision{Verdict: deliver.Later, Wait: asks[n].Now.Add(againAfter)}
	}
	return ds, nil
}

// Settle implements [deliver.Ledger]. It tries all of them before it answers
// an error; those that it has taken are then refused the next time.
func (l *Ledger) Settle(ctx context.Context, ss []deliver.Settlement) ([]bool, error) {
	taken := make([]bool, len(ss))
	_, err := l.each(ctx, len(ss), ledgerWork{
		key: func(n int) deliver.Key { return ss[n].Key },
		now: func(n int) time.Time { return ss[n].Now },
		decide: func(n int, it deliver.Item) (deliver.Item, bool) {
			it, taken[n] = ss[n].Apply(it)
			return it, taken[n]
		},
	})
	if err != nil {
		return nil, err
	}
	return taken, nil
}

// ledgerWork is what is to be done to a number of lines. Decide must be pure but
// for what it notes under its own number.
type ledgerWork struct {
	key    func(n int) deliver.Key
	now    func(n int) time.Time
	decide func(n int, it deliver.Item) (is deliver.Item, changed bool)
}

// each does the work, a wave at a time, and in order where several are of one
// line. It answers the numbers of those that failed, in order, with one of their
// errors. An error without numbers is of all.
func (l *Ledger) each(ctx context.Context, count int, w ledgerWork) (failed []int, err error) {
	lines, err := l.lines(ctx, count, w)
	if err != nil {
		for n := range count {
			failed = append(failed, n)
		}
		return failed, err
	}
	errs := make([]error, count)
	var g errgroup.Group
	g.SetLimit(ledgerWave)
	for _, line := range lines {
		g.Go(func() error {
			l.work(ctx, line, w, errs)
			return nil
		})
	}
	_ = g.Wait() // each error stands with its number
	for n := range errs {
		if errs[n] == nil {
			continue
		}
		failed = append(failed, n)
		err = errs[n]
	}
	if err != nil {
		err = fmt.Errorf("%d of %d lines: %w", len(failed), count, err)
	}
	return failed, err
}

// work does what is to be done to one line, up to the first error.
func (l *Ledger) work(ctx context.Context, line ledgerLine, w ledgerWork, errs []error) {
	was := line.was
	for at, n := range line.numbers {
		is, err := amend(ctx, l.marked, l.place(line.key, w.now(n)), was, func(it deliver.Item) (deliver.Item, bool) {
			return w.decide(n, it)
		})
		if err != nil {
			l.known.forget(line.key) // it may have been written
			for _, n := range line.numbers[at:] {
				errs[n] = err
			}
			return
		}
		l.known.put(line.key, is)
		was = is
	}
}

func (l *Ledger) place(k deliver.Key, now time.Time) place {
	return place{l.table, keyLine(k, l.shards), now.Add(ledgerLife)}
}

// A ledgerLine is a line as it is known, with the numbers of what is to be done.
type ledgerLine struct {
	key     deliver.Key
	was     revision[deliver.Item]
	numbers []int
}

// lines answers the lines that the work is about, in its order. Those that are
// not remembered, or of which nothing would be written, are read.
func (l *Ledger) lines(ctx context.Context, count int, w ledgerWork) ([]ledgerLine, error) {
	var lines []ledgerLine
	at := map[deliver.Key]int{}
	for n := range count {
		k := w.key(n)
		if _, ok := at[k]; !ok {
			at[k] = len(lines)
			lines = append(lines, ledgerLine{key: k})
		}
		lines[at[k]].numbers = append(lines[at[k]].numbers, n)
	}
	var unread []deliver.Key
	for n := range lines {
		was, ok := l.known.get(lines[n].key)
		if ok {
			_, ok = w.decide(lines[n].numbers[0], was.value)
		}
		if lines[n].was = was; !ok {
			unread = append(unread, lines[n].key)
		}
	}
	if len(unread) == 0 {
		return lines, nil
	}
	rs, err := l.read(ctx, unread)
	if err != nil {
		return nil, err
	}
	for n, k := range unread {
		lines[at[k]].was = rs[n]
	}
	return lines, nil
}
