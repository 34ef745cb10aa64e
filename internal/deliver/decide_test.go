package deliver

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var noon = time.Date(2026, 9, 15, 12, 0, 0, 0, time.UTC)

// wanted is the rule of design §5 once more, as a list in which the first line
// that holds decides. It shares nothing with Decide.
func wanted(it Item, a Ask) Verdict {
	ms := func(t time.Time) int64 { return t.Sub(a.Now).Milliseconds() }
	sameText := it.Text == a.Text
	job := it.Seq == a.Seq && sameText
	lostAt, doubt, done := int64(0), false, false
	for _, m := range it.Marks {
		if m.Text == a.Text && m.Result == Unknown {
			lostAt, doubt = ms(m.At), true
		}
		done = done || m.Text == a.Text && (m.Result == Sent || m.Result == Failed || m.Result == Unknown && sameText && it.State == Done)
	}
	if it.State == Claimed && sameText {
		lostAt, doubt = ms(it.LeaseUntil), true
	}
	for _, rule := range []struct {
		holds bool
		is    Verdict
	}{
		{it.Seq > a.Seq, Older},
		{job && it.State == Done, Final},
		{done, Final},
		{it.State == Claimed && ms(it.LeaseUntil) > 0, Busy},
		{!it.NotBefore.IsZero() && ms(it.NotBefore) > 0, Later},
		{job && !it.RetryAt.IsZero() && ms(it.RetryAt) > 0, Later},
		{doubt && !a.Keyed && lostAt > -60_000, Later},
		{doubt && !a.Keyed && job && it.Repeats > 0, Final},
	} {
		if rule.holds {
			return rule.is
		}
	}
	return Granted
}

// everyItem calls f with every item of a small domain.
func everyItem(f func(Item)) {
	f(Item{})
	at := func(ms int) time.Time { return noon.Add(time.Duration(ms) * time.Millisecond) }
	waits := []time.Time{{}, at(-1), at(0), at(1)}
	for seq := 1; seq <= 3; seq++ {
		for text := 1; text <= seq; text++ {
			for _, state := range []State{Claimed, Waiting, Done} {
				for _, lease := range []int{-60_001, -60_000, -59_999, -1, 0, 1} {
					for _, notBefore := range waits {
						for _, retryAt := range waits {
							for repeats := range 2 {
								for _, marks := range everyMarks(seq, text) {
									f(Item{
										Seq: seq, Text: text, State: state, Lease: "old", LeaseUntil: at(lease),
										NotBefore: notBefore, RetryAt: retryAt, Repeats: repeats, Attempts: 2, Marks: marks,
									})
								}
							}
						}
					}
				}
			}
		}
	}
}

func everyMarks(seq, text int) [][]Mark {
	return [][]Mark{
		nil,
		{{Seq: seq, Text: text, Result: Unknown, Reason: TimedOut, At: noon.Add(-60 * time.Second)}},
		{{Seq: seq, Text: text, Result: Unknown, Reason: TimedOut, At: noon.Add(-60*time.Second + time.Millisecond)}},
		{{Seq: seq, Text: text, Result: Superseded, Winner: seq + 1}},
		{{Seq: 1, Text: 1, Result: Sent}},
		{{Seq: 1, Text: 1, Result: Failed}, {Seq: 2, Text: 2, Result: Unknown, Reason: TimedOut, At: noon.Add(-time.Hour)}},
	}
}

func TestDecideEverywhere(t *testing.T) {
	t.Parallel()
	type outcome struct {
		is              Verdict
		repeat, changed bool
	}
	seen := map[outcome]int{}
	everyItem(func(it Item) {
		before := it.clone()
		for seq := 1; seq <= 3; seq++ {
			for text := 1; text <= seq; text++ {
				for _, keyed := range []bool{true, false} {
					a := Ask{Seq: seq, Text: text, Lease: "new", Now: noon, Until: noon.Add(time.Minute), Keyed: keyed}
					d := Decide(it, a)
					if want := wanted(it, a); d.Verdict != want {
						t.Fatalf("Decide(%+v, %+v) = %s, want %s", it, a, d.Verdict, want)
					}
					if problem := checkDecision(it, a, d); problem != "" {
						t.Fatalf("Decide(%+v, %+v) = %+v: %s", it, a, d, problem)
					}
					seen[outcome{d.Verdict, d.Repeat, d.Changed}]++
				}
			}
		}
		if !reflect.DeepEqual(before, it) {
			t.Fatalf("Decide changed what it was given: %+v, was %+v", it, before)
		}
	})
	for _, want := range []outcome{
		{Older, false, false},
		{Final, false, false},
		{Final, false, true},
		{Busy, false, false},
		{Later, false, false},
		{Granted, false, true},
		{Granted, true, true},
	} {
		if seen[want] == 0 {
			t.Errorf("no case came to %+v", want)
		}
	}
}

// checkDecision answers what is wrong with a decision, beyond its verdict.
func checkDecision(it Item, a Ask, d Decision) string {
	for seq := 1; seq <= 3; seq++ {
		if it.Told(seq) && !d.Item.Told(seq) {
			return fmt.Sprintf("it forgets that %d may have been told", seq)
		}
	}
	switch m, ok := d.Item.find(it.Text); {
	case d.Item.Seq < it.Seq:
		return "the sequence falls"
	case (d.Verdict == Busy || d.Verdict == Later) != d.Wait.After(a.Now):
		return "the time to wait does not fit"
	case !d.Changed && !reflect.DeepEqual(d.Item, it):
		return "it is not changed and answers another item"
	case d.Verdict != Granted:
		return ""
	case d.Item.Seq != a.Seq || d.Item.Text != a.Text || d.Item.State != Claimed || d.Item.Lease != a.Lease || !d.Item.LeaseUntil.Equal(a.Until):
		return "the lease is not the one asked for"
	case it.State == Claimed && (!ok || !m.told()):
		return "the lost lease is not unknown"
	}
	attempts := 0
	if it.Seq == a.Seq && it.Text == a.Text {
		attempts = it.Attempts
		if it.State == Claimed { // lost leases count, or what kills its sender is tried for ever
			attempts++
		}
	}
	if d.Item.Attempts != attempts {
		return fmt.Sprintf("want %d attempts", attempts)
	}
	return ""
}

// A lease with no time left, or less, is over: it must never be read as one
// that has no end.
func TestDecideAtTheEndOfALease(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		left time.Duration
		want Verdict
	}{
		{"a millisecond left", time.Millisecond, Busy},
		{"nothing left", 0, Granted},
		{"a millisecond over", -time.Millisecond, Granted},
		{"no end was written", -noon.Sub(time.Time{}), Granted},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			it := Item{Seq: 1, Text: 1, State: Claimed, Lease: "old", LeaseUntil: noon.Add(c.left)}
			d := Decide(it, Ask{Seq: 1, Text: 1, Lease: "new", Now: noon, Until: noon.Add(time.Minute), Keyed: true})
			if d.Verdict != c.want {
				t.Errorf("Decide(lease %s left) = %s, want %s", c.left, d.Verdict, c.want)
			}
		})
	}
}

// A repeat that was used up stays used up when another text comes between.
func TestDecideRemembersItsRepeat(t *testing.T) {
	t.Parallel()
	it := Item{Seq: 1, Text: 1, State: Waiting, Repeats: maxRepeats, Marks: []Mark{{Seq: 1, Text: 1, Result: Unknown, Reason: TimedOut, At: noon}}}
	d := Decide(it, Ask{Seq: 2, Text: 2, Lease: "a", Now: noon, Until: noon.Add(time.Minute)})
	if !d.Item.Told(1) || !d.Item.over(1) {
		t.Errorf("Decide(another text) leaves %+v, want text 1 told and over", d.Item.Marks)
	}
}

func TestDecideTakesTheTextFromTheSequence(t *testing.T) {
	t.Parallel()
	d := Decide(Item{}, Ask{Seq: 3, Lease: "a", Now: noon, Until: noon.Add(time.Minute)})
	if d.Item.Text != 3 {
		t.Errorf("Decide(ask without text) claims text %d, want 3", d.Item.Text)
	}
}

func TestApply(t *testing.T) {
	t.Parallel()
	claimed := Item{
		Seq: 2, Text: 2, State: Claimed, Lease: "mine", LeaseUntil: noon.Add(time.Minute), Attempts: 1, Root: "r", Last: "l",
		NotBefore: noon.Add(time.Hour),
		Marks:     []Mark{{Seq: 1, Text: 1, Result: Sent, At: noon}},
	}
	doubt := claimed.clone()
	doubt.Marks = append(doubt.Marks, Mark{Seq: 2, Text: 2, Result: Unknown, Reason: TimedOut, At: noon})
	for _, c := range []struct {
		name string
		item Item
		how  Settlement
		want func(*Item)
		no   bool
	}{
		{
			name: "another lease", item: claimed, how: Settlement{Lease: "theirs", Result: Sent, Done: true}, no: true,
		},
		{
			name: "settled already", item: Item{Seq: 2, State: Done, Lease: "mine"}, how: Settlement{Lease: "mine"}, no: true,
		},
		{
			name: "sent", item: claimed, how: Settlement{Lease: "mine", Now: noon, Result: Sent, Done: true, Attempt: true, Post: "p"},
			want: func(it *Item) {
				it.State, it.Attempts, it.Last = Done, 2, "p"
				it.Marks = append(it.Marks, Mark{Seq: 2, Text: 2, Result: Sent, At: noon})
			},
		},
		{
			name: "not begun", item: claimed, how: Settlement{Lease: "mine", Now: noon},
			want: func(it *Item) { it.State = Waiting },
		},
		{
			name: "an earlier wait of the recipient stays", item: claimed,
			how: Settlement{Lease: "mine", Now: noon, Attempt: true, RetryAt: noon.Add(2), NotBefore: noon.Add(1)},
			want: func(it *Item) {
				it.State, it.Attempts, it.RetryAt = Waiting, 2, noon.Add(2)
			},
		},
		{
			name: "a longer wait of the recipient counts", item: claimed,
			how: Settlement{Lease: "mine", Now: noon, Attempt: true, NotBefore: noon.Add(2 * time.Hour)},
			want: func(it *Item) {
				it.State, it.Attempts, it.NotBefore = Waiting, 2, noon.Add(2*time.Hour)
			},
		},
		{
			name: "what may have been told stays told", item: doubt,
			how: Settlement{Lease: "mine", Now: noon, Result: Withdrawn, Done: true},
			want: func(it *Item) {
				it.State = Done
				it.Marks = append(it.Marks, Mark{Seq: 2, Text: 2, Result: Unknown, Reason: TimedOut, At: noon})
			},
		},
		{
			name: "given up in doubt", item: doubt,
			how: Settlement{Lease: "mine", Now: noon, Result: Failed, Reason: Exhausted, Done: true},
			want: func(it *Item) {
				it.State = Done
				it.Marks = append(it.Marks, Mark{Seq: 2, Text: 2, Result: Unknown, Reason: Exhausted, At: noon})
			},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			before := c.item.clone()
			got, ok := c.how.Apply(c.item)
			want := c.item.clone()
			if c.no {
				if ok || !cmp.Equal(got, want) {
					t.Errorf("Apply(%+v) = %+v, %t, want it refused", c.how, got, ok)
				}
				return
			}
			want.Lease = ""
			want.Marks = append([]Mark(nil), claimed.Marks...)
			c.want(&want)
			if diff := cmp.Diff(want, got); !ok || diff != "" {
				t.Errorf("Apply(%+v) = %t (-want +got):\n%s", c.how, ok, diff)
			}
			if diff := cmp.Diff(before, c.item); diff != "" {
				t.Errorf("Apply changed what it was given (-before +after):\n%s", diff)
			}
		})
	}
}
