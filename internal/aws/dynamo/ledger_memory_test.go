package dynamo

import (
	"fmt"
	"slices"
	"testing"

	"shirase/internal/deliver"
	"shirase/internal/incident"
)

func TestMemoryForgetsTheOldest(t *testing.T) {
	t.Parallel()
	m := newMemory(3)
	name := func(n int) deliver.Key { return deliver.Key{Recipient: incident.RecipientID(fmt.Sprint(n))} }
	for n := range 5 {
		for range 2 {
			m.put(name(n), revision[deliver.Item]{rev: int64(n)})
		}
	}
	for n := range 5 {
		if r, ok := m.get(name(n)); ok != (n >= 2) || ok && r.rev != int64(n) {
			t.Errorf("get(%d) = %d, %t, want the last three", n, r.rev, ok)
		}
	}
	m.forget(name(4))
	if _, ok := m.get(name(4)); ok {
		t.Error("get of what is forgotten = true, want false")
	}
	if len(m.lines) > 3 || len(m.ring) != 3 {
		t.Errorf("it holds %d lines in a ring of %d, want at most 3", len(m.lines), len(m.ring))
	}
}

func TestMemorySharesNothing(t *testing.T) {
	t.Parallel()
	m := newMemory(1)
	marks := []deliver.Mark{{Seq: 1}}
	m.put(deliver.Key{}, revision[deliver.Item]{value: deliver.Item{Marks: marks}})
	marks[0].Seq = 2
	first, _ := m.get(deliver.Key{})
	first.value.Marks[0].Seq = 3
	if again, _ := m.get(deliver.Key{}); again.value.Marks[0].Seq != 1 {
		t.Errorf("get = %+v, want what was put", again.value.Marks)
	}
}

// TestAFanOutMeetsEveryShardOfTheLedger takes the people as a fan-out does: a
// shard of the book, in the order of the ids, a page at a time.
func TestAFanOutMeetsEveryShardOfTheLedger(t *testing.T) {
	t.Parallel()
	const shards, people, page = 64, 200_000, 500
	var ids []incident.RecipientID
	for n := range people {
		id := incident.NewRecipientID([]byte("key"), incident.Email, incident.Address(fmt.Sprintf("r%d@reader.example", n)))
		if bookShard(id, shards) == 0 {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	if len(ids) < page {
		t.Fatalf("%d of %d fall on the first shard of the book, want about %d", len(ids), people, people/shards)
	}
	for p := range slices.Chunk(ids[:len(ids)/page*page], page) {
		var met [shards]int
		for _, id := range p {
			met[ledgerShard(id, shards)]++
		}
		if most := slices.Max(met[:]); most > 4*page/shards {
			t.Errorf("%d of a page of %d fall on one of %d shards, want about %d", most, page, shards, page/shards)
		}
	}
}

func TestLineKeysReadBack(t *testing.T) {
	t.Parallel()
	for _, k := range []deliver.Key{
		{Incident: "i-1", Channel: "email", Recipient: "0af3"},
		{Incident: "drill-i-1", Channel: "slack", Recipient: "r", Slot: "remind/i-1/#1"},
	} {
		at := keyLine(k, 64)
		if got := parseLine(k.Incident, at.sk); got != k {
			t.Errorf("parseLine(%q) = %+v, want %+v", at.sk, got, k)
		}
	}
	if got, want := keyLine(deliver.Key{Incident: "i-1", Channel: "email", Recipient: "00000000000000000000000000000041"}, 64).pk, "D#i-1#1"; got != want {
		t.Errorf("the line of a recipient that ends in 41 stands in %s, want %s", got, want)
	}
}
