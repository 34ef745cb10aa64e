package deliver

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
)

// found is what a search came to.
type searched struct {
	states, transitions, ends int
	// fault is empty where all is well; trace is a shortest way to it.
	fault string
	trace string
}

// search visits every state there is, nearest first, and judges each.
func (m *model) search(may adversary, v variant) (r searched) {
	m.may, m.skew[1], m.variant, m.fault = may, may.skew, v.orHonest(), ""
	type parent struct {
		from int32
		nth  uint8 // of the moves from there
	}
	var (
		seen    = map[[16]byte]int32{}
		parents []parent
		line    []*world // states to go on from, nearest first
		edges   []int32  // where each state leads
		offsets []int32  // where the edges of each begin
		buf     []byte
	)
	visit := func(from int32, nth uint8, w *world) int32 {
		buf = w.encode(buf, m.alike())
		sum := sha256.Sum256(buf)
		key := [16]byte(sum[:16])
		id, ok := seen[key]
		if !ok {
			id = int32(len(parents))
			seen[key] = id
			parents = append(parents, parent{from, nth})
			kept := *w
			line = append(line, &kept)
		}
		return id
	}
	fail := func(id int32, last ...uint8) searched {
		var path []uint8
		for ; parents[id].from >= 0; id = parents[id].from {
			path = append(path, parents[id].nth)
		}
		slices.Reverse(path)
		r.states, r.fault = len(parents), m.fault
		r.trace = m.tell(append(path, last...))
		return r
	}
	visit(-1, 0, m.begin())
	for at := int32(0); int(at) < len(line); at++ {
		w := line[at]
		line[at] = nil
		offsets = append(offsets, int32(len(edges)))
		nth, wrong := uint8(0), -1
		m.moves(w, func(_ move, next *world) {
			if m.judge(next); m.fault != "" && wrong < 0 {
				wrong = int(nth)
			}
			if wrong < 0 {
				edges = append(edges, visit(at, nth, next))
			}
			nth++
		})
		if wrong >= 0 {
			return fail(at, uint8(wrong))
		}
		switch {
		case m.atRest(w):
			r.ends++
			m.judgeEnd(w)
		case len(edges) == int(offsets[at]):
			m.blame("nothing can go on and not everything is done")
		}
		if m.fault != "" {
			return fail(at)
		}
	}
	r.states, r.transitions = len(parents), len(edges)
	if at, ok := circle(offsets, edges); ok {
		m.blame("goes round in circles and never comes to rest")
		return fail(at)
	}
	return r
}

// circle answers a state from which one can come back to it, if there is any.
func circle(offsets, edges []int32) (at int32, ok bool) {
	into := make([]int32, len(offsets))
	for _, to := range edges {
		into[to]++
	}
	free := []int32{0}
	left := len(offsets)
	for len(free) > 0 {
		at := free[len(free)-1]
		free = free[:len(free)-1]
		left--
		end := int32(len(edges))
		if int(at)+1 < len(offsets) {
			end = offsets[at+1]
		}
		for _, to := range edges[offsets[at]:end] {
			if into[to]--; into[to] == 0 {
				free = append(free, to)
			}
		}
	}
	if left == 0 {
		return 0, false
	}
	return int32(slices.IndexFunc(into, func(n int32) bool { return n > 0 })), true
}

// begin is where everything begins: the first update is accepted.
func (m *model) begin() *world {
	w := &world{item: &Item{}, may: m.may}
	m.accept(w)
	return w
}

// tell writes a path down, with what is in the ledger and what the reader saw.
func (m *model) tell(path []uint8) string {
	var out strings.Builder
	w := m.begin()
	for _, nth := range path {
		var (
			next *world
			by   move
			n    uint8
		)
		m.moves(w, func(mv move, to *world) {
			if n == nth {
				kept := *to
				next, by = &kept, mv
			}
			n++
		})
		fmt.Fprintf(&out, "%7s  %-44s", next.now, by)
		if it := next.item; it.Seq > 0 && fmt.Sprint(*it) != fmt.Sprint(*w.item) {
			fmt.Fprintf(&out, "  %d/%d %s %s", it.Seq, it.Text, it.State, it.Lease)
			for _, mk := range it.Marks {
				fmt.Fprintf(&out, " [%d %s %s]", mk.Text, mk.Result, mk.Reason)
			}
		}
		if len(next.shown) > len(w.shown) {
			fmt.Fprintf(&out, "  the reader sees %d", next.shown[len(next.shown)-1].text)
		}
		out.WriteString("\n")
		w = next
	}
	return out.String()
}
