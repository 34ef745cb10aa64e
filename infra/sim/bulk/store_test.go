package bulk

import (
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"shirase/internal/deliver"
	"shirase/internal/embedded"
	"shirase/internal/incident"
	"shirase/internal/porttest"
	"shirase/internal/subscribe"
)

// A roll numbers whoever comes, as the suites name people as they like.
type roll struct {
	mu    sync.Mutex
	names []incident.RecipientID
}

func (r *roll) number(id incident.RecipientID) (int, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if n := slices.Index(r.names, id); n >= 0 {
		return n, true
	}
	r.names = append(r.names, id)
	return len(r.names) - 1, true
}

func (r *roll) id(n int) incident.RecipientID {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.names[n]
}

func TestLedgerKeepsThePorts(t *testing.T) {
	t.Parallel()
	porttest.Ledger(t, func(*testing.T) porttest.LedgerStore { return newLedger(&roll{}, 0) })
	porttest.Jobs(t, func(*testing.T) deliver.Jobs { return newLedger(&roll{}, 0) })
}

func TestPackedItemsComeBackAsTheyWere(t *testing.T) {
	t.Parallel()
	moment := rapid.Custom(func(t *rapid.T) time.Time {
		if rapid.Bool().Draw(t, "zero") {
			return time.Time{}
		}
		return time.Unix(rapid.Int64Range(-1<<40, 1<<40).Draw(t, "seconds"), rapid.Int64Range(0, 999_999_999).Draw(t, "nanos")).UTC()
	})
	word := func(list []string) *rapid.Generator[string] {
		return rapid.OneOf(rapid.SampledFrom(list), rapid.String())
	}
	mark := rapid.Custom(func(t *rapid.T) deliver.Mark {
		return deliver.Mark{
			Seq: rapid.Int().Draw(t, "seq"), Result: deliver.Result(word(results).Draw(t, "result")),
			Reason: deliver.Reason(word(reasons).Draw(t, "reason")), Text: rapid.Int().Draw(t, "text"),
			Winner: rapid.Int().Draw(t, "winner"), At: moment.Draw(t, "at"),
		}
	})
	rapid.Check(t, func(rt *rapid.T) {
		want := deliver.Item{
			Seq: rapid.Int().Draw(rt, "seq"), State: deliver.State(word(states).Draw(rt, "state")), Lease: rapid.String().Draw(rt, "lease"),
			LeaseUntil: moment.Draw(rt, "until"), Text: rapid.Int().Draw(rt, "text"), NotBefore: moment.Draw(rt, "not before"),
			RetryAt: moment.Draw(rt, "retry"), Attempts: rapid.Int().Draw(rt, "attempts"), Repeats: rapid.Int().Draw(rt, "repeats"),
			Root: rapid.String().Draw(rt, "root"), Last: rapid.String().Draw(rt, "last"),
		}
		if ms := rapid.SliceOfN(mark, 0, 4).Draw(rt, "marks"); len(ms) > 0 {
			want.Marks = ms
		}
		if d := cmp.Diff(want, unpack(pack(nil, want))); d != "" {
			rt.Fatalf("unpack(pack(item)) differs (-want +got):\n%s", d)
		}
	})
}

func TestSlabKeepsRecordsApart(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		var s slab
		handles, model := map[int]handle{}, map[int]string{}
		for range rapid.IntRange(1, 60).Draw(rt, "writes") {
			n := rapid.IntRange(0, 5).Draw(rt, "who")
			record := rapid.StringOfN(rapid.RuneFrom([]rune("ab")), 0, 1100, -1).Draw(rt, "record")
			h, err := s.put(handles[n], []byte(record))
			if len(record) > 1054 {
				if err == nil {
					rt.Fatalf("put(%d bytes) = nil, want an error", len(record))
				}
				continue
			}
			if err != nil {
				rt.Fatal(err)
			}
			handles[n], model[n] = h, record
			for n, want := range model {
				if got := string(s.get(handles[n])); got != want {
					rt.Fatalf("get(%d) = %q, want %q", n, got, want)
				}
			}
		}
	})
}

func TestEachReaderHasANumber(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		z := rapid.Uint64().Draw(rt, "z")
		if got := unmix(mix(z)); got != z {
			rt.Errorf("unmix(mix(%d)) = %d, want the same", z, got)
		}
	})
	c := newCrowd(1000, 4)
	for _, n := range []int{0, 1, 999} {
		if got, ok := c.number(c.id(n)); !ok || got != n {
			t.Errorf("number(id(%d)) = %d, %t, want the same", n, got, ok)
		}
	}
	for _, id := range []incident.RecipientID{"", c.id(1000), "zz00000000000000zz00000000000000"} {
		if n, ok := c.number(id); ok {
			t.Errorf("number(%q) = %d, want nobody", id, n)
		}
	}
}

// TestCrowdIsTheBook puts the same people in a real book: whatever is read of
// them must be the same, in the same order.
func TestCrowdIsTheBook(t *testing.T) {
	t.Parallel()
	const size, shards = 700, 4
	ctx := t.Context()
	c := newCrowd(size, shards)
	book, err := embedded.NewBook(embedded.NewMemory(), shards)
	if err != nil {
		t.Fatal(err)
	}
	var ids []incident.RecipientID
	for n := range size {
		s := c.reader(n)
		ids = append(ids, s.ID)
		if err := book.Commit(ctx, subscribe.Change{Record: subscribe.Record{Subscriber: s}}); err != nil {
			t.Fatal(err)
		}
	}
	list := func(b deliver.Book, a incident.Audience, ch incident.Channel, shard, limit int) (out []incident.Subscriber) {
		for cursor := ""; ; {
			ss, next, err := b.Page(ctx, a, ch, shard, cursor, limit)
			if err != nil || len(ss) > limit {
				t.Fatalf("Page() = %d subscribers, %v, want up to %d", len(ss), err, limit)
			}
			out = append(out, ss...)
			if cursor = next; next == "" {
				return out
			}
		}
	}
	compare := func(what string, got, want any) {
		t.Helper()
		if d := cmp.Diff(want, got, cmp.Comparer(func(a, b incident.Address) bool { return a.Reveal() == b.Reveal() })); d != "" {
			t.Errorf("%s differs from the book's (-want +got):\n%s", what, d)
		}
	}
	for shard := range shards {
		for _, limit := range []int{1, 7, 500} {
			compare("Page of shard "+strconv.Itoa(shard), list(c, incident.Customers, incident.Email, shard, limit),
				list(book, incident.Customers, incident.Email, shard, limit))
		}
		compare("Page of staff", list(c, incident.Staff, incident.Email, shard, 7), list(book, incident.Staff, incident.Email, shard, 7))
		compare("Page of SMS", list(c, incident.Customers, incident.SMS, shard, 7), list(book, incident.Customers, incident.SMS, shard, 7))
	}
	for _, id := range []incident.RecipientID{ids[3], ids[600]} {
		if err := c.Gone(ctx, incident.Email, id); err != nil {
			t.Fatal(err)
		}
		if err := book.Suppress(ctx, subscribe.Suppression{Channel: incident.Email, ID: id, Reason: subscribe.OptedOut, At: begin}); err != nil {
			t.Fatal(err)
		}
	}
	asked := append(slices.Clone(ids[:20]), ids[600], "nobody", c.id(size))
	for _, ch := range []incident.Channel{incident.Email, incident.SMS} {
		got, err := c.Find(ctx, ch, asked)
		if err != nil {
			t.Fatal(err)
		}
		want, err := book.Find(ctx, ch, asked)
		if err != nil {
			t.Fatal(err)
		}
		compare("Find on "+string(ch), got, want)
	}
}
