package bulk

import (
	"cmp"
	"context"
	"encoding/binary"
	"encoding/hex"
	"hash/fnv"
	"slices"
	"strconv"

	"shirase/internal/incident"
)

// component is the one that fails.
const component incident.ComponentID = "invoices"

// A crowd is a number of subscribers who are computed, not kept: number n is
// always the same reader. It implements deliver.Book on one audience and channel.
type crowd struct {
	size int
	// shards lists the readers of each shard by id, as the store sorts them.
	shards [][]uint32
	// gone are those who are suppressed.
	gone map[int]bool
	// most is the largest page that was asked for.
	most int
}

func newCrowd(size, shards int) *crowd {
	c := &crowd{size: size, shards: make([][]uint32, shards), gone: map[int]bool{}}
	for s := range c.shards {
		c.shards[s] = make([]uint32, 0, size/shards+size/shards/8+16)
	}
	for n := range size {
		s := bookShard(c.id(n), shards)
		c.shards[s] = append(c.shards[s], uint32(n))
	}
	for _, ns := range c.shards {
		slices.SortFunc(ns, func(a, b uint32) int { return cmp.Compare(mix(uint64(a)), mix(uint64(b))) })
	}
	return c
}

// bookShard spreads recipients as the stores spread subscribers.
func bookShard(id incident.RecipientID, shards int) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(id)) // never fails
	return int(h.Sum32() % uint32(shards))
}

// mix scatters numbers; no two come to the same one. It is the end of
// SplitMix64, https://prng.di.unimi.it/splitmix64.c
func mix(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// unmix takes mix back.
func unmix(z uint64) uint64 {
	z = (z ^ z>>31 ^ z>>62) * 0x319642b2d24d8ec3
	z = (z ^ z>>27 ^ z>>54) * 0x96de1b173f119089
	return z ^ z>>30 ^ z>>60
}

// id names a reader as a keyed hash would: 32 hexadecimal digits.
func (c *crowd) id(n int) incident.RecipientID {
	var b [16]byte
	z := mix(uint64(n))
	binary.BigEndian.PutUint64(b[:8], z)
	binary.BigEndian.PutUint64(b[8:], mix(z))
	var text [32]byte
	hex.Encode(text[:], b[:])
	return incident.RecipientID(text[:])
}

// number answers which reader an id names, and whether it is one of the crowd.
func (c *crowd) number(id incident.RecipientID) (n int, ok bool) {
	if len(id) != 32 {
		return 0, false
	}
	z, err := strconv.ParseUint(string(id[:16]), 16, 64)
	if err != nil || unmix(z) >= uint64(c.size) {
		return 0, false
	}
	return int(unmix(z)), true
}

// reader answers a subscriber. Every third one has a filter, which lets the
// incident through.
func (c *crowd) reader(n int) incident.Subscriber {
	s := incident.Subscriber{
		ID: c.id(n), Audience: incident.Customers, Channel: incident.Email, Address: incident.Address("r" + strconv.Itoa(n) + "@readers.example"),
		Locale: "en", State: incident.Active, CreatedAt: begin, ConfirmedAt: begin,
	}
	if n%3 == 0 {
		s.Components = []incident.ComponentID{component}
	}
	return s
}

// Shards implements deliver.Book.
func (c *crowd) Shards() int { return len(c.shards) }

// Page implements deliver.Book. A cursor is a place in the list of a shard.
func (c *crowd) Page(_ context.Context, a incident.Audience, ch incident.Channel, shard int, cursor string, limit int) (ss []incident.Subscriber, next string, err error) {
	if a != incident.Customers || ch != incident.Email {
		return nil, "", nil
	}
	from, err := place(cursor)
	if err != nil {
		return nil, "", err
	}
	c.most = max(c.most, limit)
	list := c.shards[shard]
	to := min(from+limit, len(list))
	for _, n := range list[min(from, to):to] {
		ss = append(ss, c.reader(int(n)))
	}
	if to < len(list) {
		next = strconv.Itoa(to)
	}
	return ss, next, nil
}

// place reads a cursor; an empty one is the beginning.
func place(cursor string) (int, error) {
	if cursor == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(cursor)
	if err != nil || n < 0 {
		return 0, incident.Invalid("cursor", "must be one that was answered")
	}
	return n, nil
}

// Find implements deliver.Book.
func (c *crowd) Find(_ context.Context, ch incident.Channel, ids []incident.RecipientID) (map[incident.RecipientID][]incident.Subscriber, error) {
	found := make(map[incident.RecipientID][]incident.Subscriber, len(ids))
	for _, id := range ids {
		n, ok := c.number(id)
		if !ok || ch != incident.Email {
			continue
		}
		s := c.reader(n)
		if c.gone[n] {
			s.State = incident.Suppressed
		}
		found[id] = []incident.Subscriber{s}
	}
	return found, nil
}

// Gone implements deliver.Farewells.
func (c *crowd) Gone(_ context.Context, ch incident.Channel, id incident.RecipientID) error {
	if n, ok := c.number(id); ok && ch == incident.Email {
		c.gone[n] = true
	}
	return nil
}
