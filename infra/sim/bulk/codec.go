package bulk

import (
	"encoding/binary"
	"slices"
	"time"

	"shirase/internal/deliver"
)

// The closed lists of an item; a word that is in none is written out.
var (
	states  = []string{string(deliver.Claimed), string(deliver.Waiting), string(deliver.Done)}
	results = []string{
		string(deliver.Sent), string(deliver.Superseded), string(deliver.Withdrawn), string(deliver.Refused),
		string(deliver.Failed), string(deliver.Unsubscribed), string(deliver.Unknown),
	}
	reasons = []string{
		"", string(deliver.Throttled), string(deliver.Unavailable), string(deliver.TimedOut), string(deliver.NotBegun),
		string(deliver.Rejected), string(deliver.Gone), string(deliver.Unauthorised), string(deliver.Exhausted),
		string(deliver.TooLate), string(deliver.Forbidden),
	}
)

// A packer writes an item in few bytes and an unpacker reads it again, times to
// the nanosecond.
type packer struct{ b []byte }

// pack appends an item to b.
func pack(b []byte, it deliver.Item) []byte {
	p := packer{b}
	p.int(it.Seq)
	p.word(states, string(it.State))
	p.text(it.Lease)
	p.time(it.LeaseUntil)
	p.int(it.Text)
	p.time(it.NotBefore)
	p.time(it.RetryAt)
	p.int(it.Attempts)
	p.int(it.Repeats)
	p.text(it.Root)
	if it.Last == it.Root {
		p.int(0)
	} else {
		p.int(1)
		p.text(it.Last)
	}
	p.int(len(it.Marks))
	for _, m := range it.Marks {
		p.int(m.Seq)
		p.word(results, string(m.Result))
		p.word(reasons, string(m.Reason))
		p.int(m.Text)
		p.int(m.Winner)
		p.time(m.At)
	}
	return p.b
}

func (p *packer) int(n int) { p.b = binary.AppendVarint(p.b, int64(n)) }

func (p *packer) text(s string) {
	p.int(len(s))
	p.b = append(p.b, s...)
}

func (p *packer) word(list []string, s string) {
	n := slices.Index(list, s)
	p.int(n + 1)
	if n < 0 {
		p.text(s)
	}
}

// time writes 0 for the zero time, else 1, the seconds since the simulation
// began, and the nanoseconds.
func (p *packer) time(t time.Time) {
	if t.IsZero() {
		p.b = append(p.b, 0)
		return
	}
	p.b = append(p.b, 1)
	p.b = binary.AppendVarint(p.b, t.Unix()-begin.Unix())
	p.b = binary.AppendUvarint(p.b, uint64(t.Nanosecond()))
}

type unpacker struct{ b []byte }

// unpack reads the item at the beginning of b.
func unpack(b []byte) (it deliver.Item) {
	u := unpacker{b}
	it.Seq = u.int()
	it.State = deliver.State(u.word(states))
	it.Lease = u.text()
	it.LeaseUntil = u.time()
	it.Text = u.int()
	it.NotBefore = u.time()
	it.RetryAt = u.time()
	it.Attempts = u.int()
	it.Repeats = u.int()
	it.Root = u.text()
	if it.Last = it.Root; u.int() == 1 {
		it.Last = u.text()
	}
	if n := u.int(); n > 0 {
		it.Marks = make([]deliver.Mark, n)
	}
	for n := range it.Marks {
		it.Marks[n] = deliver.Mark{
			Seq: u.int(), Result: deliver.Result(u.word(results)), Reason: deliver.Reason(u.word(reasons)),
			Text: u.int(), Winner: u.int(), At: u.time(),
		}
	}
	return it
}

func (u *unpacker) int() int {
	n, size := binary.Varint(u.b)
	u.b = u.b[size:]
	return int(n)
}

func (u *unpacker) text() string {
	n := u.int()
	s := string(u.b[:n])
	u.b = u.b[n:]
	return s
}

func (u *unpacker) word(list []string) string {
	if n := u.int(); n > 0 {
		return list[n-1]
	}
	return u.text()
}

func (u *unpacker) time() time.Time {
	there := u.b[0] == 1
	u.b = u.b[1:]
	if !there {
		return time.Time{}
	}
	seconds := u.int()
	nanos, size := binary.Uvarint(u.b)
	u.b = u.b[size:]
	return time.Unix(begin.Unix()+int64(seconds), int64(nanos)).UTC()
}
