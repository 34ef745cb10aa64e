package dynamo

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"shirase/internal/incident"
)

// waits makes a db whose waits are noted and take no time.
func waits(d db) (db, *[]time.Duration) {
	var got []time.Duration
	d.sleep = func(_ context.Context, w time.Duration) error {
		got = append(got, w)
		return nil
	}
	return d, &got
}

func someKeys(n int) (ks []key) {
	for i := range n {
		ks = append(ks, key{"P", fmt.Sprintf("%03d", i)})
	}
	return ks
}

// DynamoDB leaves keys out of an answer that would be too large, or for want of
// capacity.
func TestBatchAsksAgainForWhatWasLeft(t *testing.T) {
	t.Parallel()
	gone := key{"P", "001"}
	api, s := stubbed(t, func(n int, call stubCall) (int, object) {
		ks := call.asked(t)
		if n == 1 { // nothing at all
			return 200, object{"UnprocessedKeys": object{"tab": object{"Keys": []object{row(ks[0], "")}}}}
		}
		rows := []object{}
		for _, k := range ks[1:] {
			if k != gone {
				rows = append(rows, row(k, `"`+k.sk+`"`))
			}
		}
		if len(ks) == 1 {
			return 200, object{"Responses": object{"tab": []object{row(ks[0], `"`+ks[0].sk+`"`)}}}
		}
		return 200, object{
			"Responses":       object{"tab": rows},
			"UnprocessedKeys": object{"tab": object{"Keys": []object{row(ks[0], "")}}},
		}
	})
	d, slept := waits(newDB(api))
	ks := someKeys(4)
	ks = append(ks, ks[2], ks[0]) // twice
	its, err := d.batch(t.Context(), "tab", ks)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, it := range its {
		v, _, err := decode[string](it)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, v)
	}
	if want := []string{"000", "", "002", "003", "002", "000"}; !slices.Equal(got, want) {
		t.Errorf("batch() = %q, want %q", got, want)
	}
	if want := []time.Duration{firstWait, 2 * firstWait}; !slices.Equal(*slept, want) {
		t.Errorf("batch() waited %v, want %v", *slept, want)
	}
	if n := len(s.seen()[0].asked(t)); n != 4 {
		t.Errorf("the first call asks for %d keys, want 4: none twice", n)
	}
}

func TestBatchGivesUp(t *testing.T) {
	t.Parallel()
	api, s := stubbed(t, func(_ int, call stubCall) (int, object) {
		return 200, object{"UnprocessedKeys": call.input["RequestItems"]}
	})
	d, slept := waits(newDB(api))
	its, err := d.batch(t.Context(), "tab", someKeys(2))
	if err == nil || its != nil {
		t.Errorf("batch() of what is never read = %v, %v, want an error", its, err)
	}
	if len(s.seen()) != batchTries || len(*slept) != batchTries-1 {
		t.Errorf("batch() called %d times and waited %d times, want %d and %d", len(s.seen()), len(*slept), batchTries, batchTries-1)
	}
	d.sleep = func(context.Context, time.Duration) error { return context.Canceled }
	if _, err := d.batch(t.Context(), "tab", someKeys(2)); !errors.Is(err, context.Canceled) {
		t.Errorf("batch() of a caller who has left = %v, want %v", err, context.Canceled)
	}
}

// An answer of 16 MB holds 40 of our largest items, so a hundred take several.
func TestBatchGoesOnWhileSomeComes(t *testing.T) {
	t.Parallel()
	const n = 3 * batchTries
	api, s := stubbed(t, func(_ int, call stubCall) (int, object) {
		left, ks := []object{}, call.asked(t)
		for _, k := range ks[1:] {
			left = append(left, row(k, ""))
		}
		out := object{"Responses": object{"tab": []object{row(ks[0], "")}}}
		if len(left) > 0 {
			out["UnprocessedKeys"] = object{"tab": object{"Keys": left}}
		}
		return 200, out
	})
	d, _ := waits(newDB(api))
	if _, err := d.batch(t.Context(), "tab", someKeys(n)); err != nil || len(s.seen()) != n {
		t.Errorf("batch() of one item a call = %v after %d calls, want none after %d", err, len(s.seen()), n)
	}
}

func TestBatchAsksForAHundredAtOnce(t *testing.T) {
	t.Parallel()
	api, s := stubbed(t, func(_ int, call stubCall) (int, object) {
		rows := []object{}
		for _, k := range slices.Backward(call.asked(t)) { // in no order
			rows = append(rows, row(k, ""))
		}
		return 200, object{"Responses": object{"tab": rows}}
	})
	ks := someKeys(250)
	its, err := newDB(api).batch(t.Context(), "tab", ks)
	if err != nil {
		t.Fatal(err)
	}
	for n, it := range its {
		if keyOf(it) != ks[n] {
			t.Fatalf("batch()[%d] = %v, want %v", n, keyOf(it), ks[n])
		}
	}
	var sizes []int
	for _, c := range s.seen() {
		sizes = append(sizes, len(c.asked(t)))
	}
	if want := []int{100, 100, 50}; !slices.Equal(sizes, want) {
		t.Errorf("batch(250 keys) asks for %v, want %v", sizes, want)
	}
}

// inTwos answers rows two at a time, as DynamoDB does where a page of theirs is
// full before ours is.
func inTwos(t *testing.T, rows []object) func(int, stubCall) (int, object) {
	t.Helper()
	return func(_ int, call stubCall) (int, object) {
		from := 0
		if start, ok := call.input["ExclusiveStartKey"].(object); ok {
			last := start[attrSK].(object)["S"]
			from = 1 + slices.IndexFunc(rows, func(r object) bool { return r[attrSK].(object)["S"] == last })
		}
		if from >= len(rows) {
			t.Error("a page is asked for after the last")
			return 200, object{"Items": []object{}}
		}
		to := min(from+2, len(rows))
		out := object{"Items": rows[from:to]}
		if to < len(rows) {
			out["LastEvaluatedKey"] = row(key{"P", rows[to-1][attrSK].(object)["S"].(string)}, "")
		}
		return 200, out
	}
}

func TestListGoesThroughPages(t *testing.T) {
	t.Parallel()
	var rows []object
	for n := range 7 {
		rows = append(rows, row(key{"P", fmt.Sprintf("U#%d", n)}, ""))
	}
	rows = append(rows, row(key{"P", "U$"}, "")) // the end of the range, which BETWEEN holds
	odd := func(it item) bool { return strings.ContainsAny(keyOf(it).sk, "135") }
	for _, c := range []struct {
		name  string
		limit int
		keep  func(item) bool
		want  []string
		next  string
	}{
		{"all", 0, nil, []string{"U#0", "U#1", "U#2", "U#3", "U#4", "U#5", "U#6"}, ""},
		{"some", 3, nil, []string{"U#0", "U#1", "U#2"}, "2"},
		{"just all", 7, nil, []string{"U#0", "U#1", "U#2", "U#3", "U#4", "U#5", "U#6"}, ""},
		{"kept", 2, odd, []string{"U#1", "U#3"}, "3"},
		{"just all kept", 3, odd, []string{"U#1", "U#3", "U#5"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			api, s := stubbed(t, inTwos(t, rows))
			its, next, err := newDB(api).list(t.Context(), "tab", "P", "U#", "", c.limit, c.keep)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, it := range its {
				got = append(got, keyOf(it).sk)
			}
			if !slices.Equal(got, c.want) || next != c.next {
				t.Errorf("list(limit %d) = %q, %q, want %q, %q", c.limit, got, next, c.want, c.next)
			}
			for _, call := range s.seen() {
				if call.input["ConsistentRead"] != true {
					t.Error("list() reads a page that may be old")
				}
			}
		})
	}
}

func TestIndexGoesThroughPages(t *testing.T) {
	t.Parallel()
	var rows []object
	for n := range 5 {
		r := row(key{"P", fmt.Sprintf("%d", n)}, "")
		r[attrGPK], r[attrGSK] = str("G"), str(fmt.Sprintf("at-%d", n))
		rows = append(rows, r)
	}
	for _, c := range []struct {
		limit int
		want  int
		next  string
	}{{0, 5, ""}, {3, 3, "at-2"}, {5, 5, ""}} {
		api, _ := stubbed(t, inTwos(t, rows))
		ks, next, err := newDB(api).index(t.Context(), "tab", "G", "", "", c.limit)
		if err != nil || len(ks) != c.want || next != c.next {
			t.Errorf("index(limit %d) = %d keys, %q, %v, want %d, %q", c.limit, len(ks), next, err, c.want, c.next)
		}
	}
	// Between holds both ends, and neither is meant.
	api, _ := stubbed(t, func(int, stubCall) (int, object) { return 200, object{"Items": rows} })
	ks, _, err := newDB(api).index(t.Context(), "tab", "G", "at-0", "at-4", 0)
	if err != nil || len(ks) != 3 || ks[0].sk != "1" || ks[2].sk != "3" {
		t.Errorf("index(after at-0, before at-4) = %v, %v, want 1 to 3", ks, err)
	}
}

// A cursor comes from outside.
func TestCursorsThatNobodyGaveOut(t *testing.T) {
	t.Parallel()
	api, _ := stubbed(t, func(int, stubCall) (int, object) { return 200, object{} })
	long := strings.Repeat("x", maxKey)
	_, _, err := newDB(api).list(t.Context(), "tab", "P", "U#", long, 1, nil)
	if !errors.Is(err, incident.ErrInvalid) {
		t.Errorf("list(long cursor) = %v, want ErrInvalid", err)
	}
	_, _, err = newDB(api).index(t.Context(), "tab", "G", long, "", 1)
	if !errors.Is(err, incident.ErrInvalid) {
		t.Errorf("index(long cursor) = %v, want ErrInvalid", err)
	}
}
