package bulk

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"sync"

	"shirase/internal/deliver"
	"shirase/internal/incident"
)

// register gives recipients numbers, and their ids back.
type register interface {
	number(incident.RecipientID) (n int, ok bool)
	id(n int) incident.RecipientID
}

// A ledger implements deliver.Ledger, deliver.Listing and deliver.Jobs. The
// items of an incident on a channel stand on one sheet, each at the number of
// its recipient.
type ledger struct {
	people register
	// size is how many recipients a new sheet has room for.
	size int

	mu     sync.Mutex
	sheets map[sheetKey]*sheet
	slab   slab
	buffer []byte
	jobs   map[jobKey]deliver.Cursor
	// most is the largest number of keys, asks or settlements that came at once.
	most int
	// heat hears of each claim that was granted; nil hears nothing.
	heat *heat
}

type sheetKey struct {
	incident incident.ID
	channel  incident.Channel
	slot     string
}

// sheet holds a handle for each recipient.
type sheet struct{ lines []handle }

type jobKey struct {
	incident incident.ID
	seq      int
	channel  incident.Channel
}

func newLedger(people register, size int) *ledger {
	return &ledger{people: people, size: size, sheets: map[sheetKey]*sheet{}, jobs: map[jobKey]deliver.Cursor{}}
}

// line finds the place of a key; with build it makes one. It is nil for whom
// nobody knows.
func (l *ledger) line(k deliver.Key, build bool) *handle {
	n, ok := l.people.number(k.Recipient)
	if !ok {
		return nil
	}
	key := sheetKey{k.Incident, k.Channel, k.Slot}
	s := l.sheets[key]
	switch {
	case s == nil && !build, s != nil && n >= len(s.lines) && !build:
		return nil
	case s == nil:
		s = &sheet{lines: make([]handle, l.size)}
		l.sheets[key] = s
	}
	if n >= len(s.lines) {
		s.lines = append(s.lines, make([]handle, n+1-len(s.lines))...)
	}
	return &s.lines[n]
}

func (l *ledger) read(k deliver.Key) deliver.Item {
	h := l.line(k, false)
	if h == nil || *h == 0 {
		return deliver.Item{}
	}
	return unpack(l.slab.get(*h))
}

func (l *ledger) write(k deliver.Key, it deliver.Item) (err error) {
	h := l.line(k, true)
	if h == nil {
		return incident.Invalid("recipient", "must be one of the crowd")
	}
	l.buffer = pack(l.buffer[:0], it)
	*h, err = l.slab.put(*h, l.buffer)
	return err
}

// Items implements deliver.Ledger.
func (l *ledger) Items(_ context.Context, keys []deliver.Key) ([]deliver.Item, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.most = max(l.most, len(keys))
	items := make([]deliver.Item, len(keys))
	for n, k := range keys {
		items[n] = l.read(k)
	}
	return items, nil
}

// Claim implements deliver.Ledger.
func (l *ledger) Claim(_ context.Context, asks []deliver.Ask) ([]deliver.Decision, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.most = max(l.most, len(asks))
	ds := make([]deliver.Decision, len(asks))
	for n, a := range asks {
		ds[n] = deliver.Decide(l.read(a.Key), a)
		if !ds[n].Changed {
			continue
		}
		if err := l.write(a.Key, ds[n].Item); err != nil {
			return nil, err
		}
		if l.heat != nil {
			l.heat.add(a.Key.Recipient)
		}
	}
	return ds, nil
}

// Settle implements deliver.Ledger.
func (l *ledger) Settle(_ context.Context, ss []deliver.Settlement) ([]bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.most = max(l.most, len(ss))
	taken := make([]bool, len(ss))
	for n, s := range ss {
		it, ok := s.Apply(l.read(s.Key))
		if !ok {
			continue
		}
		if err := l.write(s.Key, it); err != nil {
			return nil, err
		}
		taken[n] = true
	}
	return taken, nil
}

// Told implements deliver.Listing. A cursor is the number that comes next.
func (l *ledger) Told(_ context.Context, id incident.ID, c incident.Channel, cursor string, limit int) (rs []incident.RecipientID, next string, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	from, err := place(cursor)
	if err != nil {
		return nil, "", err
	}
	s := l.sheets[sheetKey{incident: id, channel: c}]
	if s == nil {
		return nil, "", nil
	}
	for ; from < len(s.lines); from++ {
		switch {
		case s.lines[from] == 0:
		case len(rs) == limit:
			return rs, strconv.Itoa(from), nil
		default:
			rs = append(rs, l.people.id(from))
		}
	}
	return rs, "", nil
}

// Deliveries implements deliver.Listing. A cursor is the channel, the number
// and the slot of what comes next.
func (l *ledger) Deliveries(_ context.Context, id incident.ID, cursor string, limit int) (ds []deliver.Delivery, next string, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var from int
	var at sheetKey
	if cursor != "" {
		parts := strings.SplitN(cursor, "#", 3)
		if len(parts) < 3 {
			return nil, "", incident.Invalid("cursor", "must be one that was answered")
		}
		at = sheetKey{id, incident.Channel(parts[0]), parts[2]}
		if from, err = place(parts[1]); err != nil {
			return nil, "", err
		}
	}
	var keys []sheetKey
	for k := range l.sheets {
		if k.incident == id && byChannel(k, at) >= 0 {
			keys = append(keys, k)
		}
	}
	slices.SortFunc(keys, byChannel)
	for _, k := range keys {
		if k != at {
			from = 0
		}
		for n, h := range l.sheets[k].lines[from:] {
			switch {
			case h == 0:
			case len(ds) == limit:
				return ds, strings.Join([]string{string(k.channel), strconv.Itoa(from + n), k.slot}, "#"), nil
			default:
				key := deliver.Key{Incident: id, Channel: k.channel, Recipient: l.people.id(from + n), Slot: k.slot}
				ds = append(ds, deliver.Delivery{Key: key, Item: unpack(l.slab.get(h))})
			}
		}
	}
	return ds, "", nil
}

func byChannel(a, b sheetKey) int {
	return cmp.Or(cmp.Compare(a.channel, b.channel), cmp.Compare(a.slot, b.slot))
}

// Job implements deliver.Jobs.
func (l *ledger) Job(_ context.Context, id incident.ID, seq int, c incident.Channel) (deliver.Cursor, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.jobs[jobKey{id, seq, c}], nil
}

// SaveJob implements deliver.Jobs.
func (l *ledger) SaveJob(_ context.Context, id incident.ID, seq int, c incident.Channel, cur deliver.Cursor) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.jobs[jobKey{id, seq, c}] = cur
	return nil
}

// bytes answers how much the ledger holds.
func (l *ledger) bytes() uint64 {
	sum := l.slab.bytes()
	for _, s := range l.sheets {
		sum += uint64(cap(s.lines)) * 4
	}
	return sum
}
