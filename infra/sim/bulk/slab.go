package bulk

import (
	"encoding/binary"
	"errors"
)

// slotSizes are how long a record may be; each is kept in the shortest slot
// that it fits in.
var slotSizes = [...]int{32, 48, 64, 96, 160, 288, 544, 1056}

// pageSlots is how many slots are made at once.
const pageSlots = 1 << 14

// errLong says that a record fits in no slot.
var errLong = errors.New("record is too long")

// A handle names a record: the size of its slot and the place of it. The zero
// handle is none.
type handle uint32

// sizeBits is how much of a handle names the size.
const sizeBits = 3

// A slab keeps many short records without a pointer to each, so that the
// collector has nothing to look through however many there are.
type slab struct {
	pages [len(slotSizes)][][]byte
	used  [len(slotSizes)]uint32
	free  [len(slotSizes)][]uint32
}

// slot answers the bytes of a record's slot.
func (s *slab) slot(h handle) []byte {
	size, n := int(h&(1<<sizeBits-1)), uint32(h>>sizeBits)-1
	at := int(n%pageSlots) * slotSizes[size]
	return s.pages[size][n/pageSlots][at : at+slotSizes[size]]
}

// get answers a record; none for the zero handle.
func (s *slab) get(h handle) []byte {
	if h == 0 {
		return nil
	}
	b := s.slot(h)
	n, size := binary.Uvarint(b)
	return b[size : size+int(n)]
}

// put keeps a record in place of another and answers where.
func (s *slab) put(was handle, record []byte) (handle, error) {
	var head [binary.MaxVarintLen16]byte
	lead := binary.PutUvarint(head[:], uint64(len(record)))
	size := 0
	for slotSizes[size] < lead+len(record) {
		if size++; size == len(slotSizes) {
			return was, errLong
		}
	}
	h := was
	if was == 0 || int(was&(1<<sizeBits-1)) != size {
		s.drop(was)
		h = s.take(size)
	}
	b := s.slot(h)
	copy(b, head[:lead])
	copy(b[lead:], record)
	return h, nil
}

func (s *slab) take(size int) handle {
	var n uint32
	if last := len(s.free[size]) - 1; last >= 0 {
		n = s.free[size][last]
		s.free[size] = s.free[size][:last]
	} else {
		n = s.used[size]
		s.used[size]++
		if int(n/pageSlots) == len(s.pages[size]) {
			s.pages[size] = append(s.pages[size], make([]byte, pageSlots*slotSizes[size]))
		}
	}
	return handle(n+1)<<sizeBits | handle(size)
}

func (s *slab) drop(h handle) {
	if h != 0 {
		size := int(h & (1<<sizeBits - 1))
		s.free[size] = append(s.free[size], uint32(h>>sizeBits)-1)
	}
}

// bytes answers how much the slab holds.
func (s *slab) bytes() uint64 {
	sum := 0
	for n, pages := range s.pages {
		sum += len(pages)*pageSlots*slotSizes[n] + cap(s.free[n])*4
	}
	return uint64(sum)
}
