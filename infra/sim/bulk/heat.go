package bulk

import (
	"slices"
	"strconv"

	"shirase/internal/incident"
)

// heat counts how evenly claims fall on the shards of the ledger. One machine
// has none, so the shard is computed here, in two ways: as the book does it, and
// by the id's own digits, which are a hash already.
type heat struct {
	book, own spread
}

func newHeat(shards int) *heat {
	return &heat{book: newSpread(shards), own: newSpread(shards)}
}

func (h *heat) add(id incident.RecipientID) {
	h.book.add(bookShard(id, len(h.book.total)))
	h.own.add(ownShard(id, len(h.own.total)))
}

// ownShard spreads recipients by the last digits of their ids.
func ownShard(id incident.RecipientID, shards int) int {
	n, err := strconv.ParseUint(string(id[max(0, len(id)-8):]), 16, 64)
	if err != nil {
		return bookShard(id, shards)
	}
	return int(n % uint64(shards))
}

// windowClaims is how many claims a shard has on average in a window.
const windowClaims = 250

// spread counts by shard: over the whole run, and in windows of so many claims.
type spread struct {
	total, window []int
	in            int
	hottest       float64
}

func newSpread(shards int) spread {
	return spread{total: make([]int, shards), window: make([]int, shards)}
}

func (s *spread) add(shard int) {
	s.total[shard]++
	s.window[shard]++
	if s.in++; s.in == windowClaims*len(s.window) {
		s.hottest = max(s.hottest, ratio(s.window))
		clear(s.window)
		s.in = 0
	}
}

// ratio is how much more the hottest has than the mean.
func ratio(counts []int) float64 {
	sum := 0
	for _, n := range counts {
		sum += n
	}
	if sum == 0 {
		return 0
	}
	return float64(slices.Max(counts)) * float64(len(counts)) / float64(sum)
}
