package embedded

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func open(t *testing.T, name string) KV {
	t.Helper()
	if name == "memory" {
		return NewMemory()
	}
	f, err := OpenFile(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	return f
}

var bothBackends = []string{"memory", "file"}

// dump answers everything in a table from from to before to.
func dump(kv KV, t Table, from, to string) (out []string, err error) {
	err = kv.View(func(tx Tx) error {
		tx.Scan(t, from, to, func(key string, value []byte) bool {
			out = append(out, key+"="+string(value))
			return true
		})
		return nil
	})
	return out, err
}

var errUndo = errors.New("undo")

// Any series of transactions leaves the same in memory, in a file and in a map,
// whether they end well, with an error or in a panic.
func TestBackendsAgree(t *testing.T) {
	t.Parallel()
	memory, file := open(t, "memory"), open(t, "file")
	run := 0
	rapid.Check(t, func(rt *rapid.T) {
		run++
		prefix := fmt.Sprintf("run%06d/", run)
		model := map[string]string{}
		key := rapid.StringMatching(`[a-c\x00\xff]{0,3}`)
		for range rapid.IntRange(1, 6).Draw(rt, "transactions") {
			type op struct {
				key, value string
			}
			ops := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) op {
				return op{prefix + key.Draw(rt, "key"), rapid.SampledFrom([]string{"", "x", "y"}).Draw(rt, "value")}
			}), 0, 8).Draw(rt, "ops")
			end := rapid.SampledFrom([]string{"well", "error", "panic"}).Draw(rt, "end")
			for _, kv := range []KV{memory, file} {
				err := attempt(kv, func(tx Tx) error {
					for _, o := range ops {
						var err error
						if o.value == "" {
							err = tx.Delete(tableWork, o.key)
						} else {
							err = tx.Put(tableWork, o.key, []byte(o.value))
						}
						if err != nil {
							return err
						}
						if got := string(tx.Get(tableWork, o.key)); got != o.value {
							return fmt.Errorf("Get after a write = %q, want %q", got, o.value)
						}
					}
					switch end {
					case "error":
						return errUndo
					case "panic":
						panic(errUndo)
					}
					return nil
				})
				if (end == "well") != (err == nil) || err != nil && !errors.Is(err, errUndo) {
					rt.Fatalf("transaction that ends in %s = %v", end, err)
				}
			}
			if end != "well" {
				continue
			}
			for _, o := range ops {
				model[o.key] = o.value
				if o.value == "" {
					delete(model, o.key)
				}
			}
		}
		from, to := prefix+key.Draw(rt, "from"), prefix+key.Draw(rt, "to")
		var want []string
		for k, v := range model {
			if from <= k && k < to {
				want = append(want, k+"="+v)
			}
		}
		slices.SortFunc(want, func(a, b string) int { return strings.Compare(a[:len(a)-2], b[:len(b)-2]) })
		for _, kv := range []KV{memory, file} {
			got, err := dump(kv, tableWork, from, to)
			if err != nil {
				rt.Fatal(err)
			}
			if d := cmp.Diff(want, got); d != "" {
				rt.Fatalf("scan of %T differs (-want +got):\n%s", kv, d)
			}
		}
	})
}

// attempt runs a transaction and answers its panic as an error.
func attempt(kv KV, fn func(Tx) error) (err error) {
	defer func() {
		if p, ok := recover().(error); ok {
			err = p
		}
	}()
	return kv.Update(fn)
}

// Many keys, so that blocks and pages split and empty again.
func TestManyKeys(t *testing.T) {
	t.Parallel()
	for _, name := range bothBackends {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			kv := open(t, name)
			const n = 5000
			key := func(i int) string { return fmt.Sprintf("k%05d", i*7919%n) } // all of them, in no order
			err := kv.Update(func(tx Tx) error {
				for i := range n {
					if err := tx.Put(tableQueues, key(i), []byte("v")); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			all, err := dump(kv, tableQueues, "", "")
			if err != nil || len(all) != n || !slices.IsSorted(all) {
				t.Fatalf("scan answers %d keys, sorted %t, %v, want %d sorted", len(all), slices.IsSorted(all), err, n)
			}
			some, err := dump(kv, tableQueues, "k00255", "k00258")
			if err != nil || len(some) != 3 {
				t.Errorf("scan of a part = %v, %v, want 3 keys", some, err)
			}
			err = kv.Update(func(tx Tx) error {
				for i := range n {
					if err := tx.Delete(tableQueues, key(i)); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			if all, err := dump(kv, tableQueues, "", ""); err != nil || len(all) != 0 {
				t.Errorf("scan after all are deleted = %d keys, %v, want none", len(all), err)
			}
		})
	}
}

// Transactions that share a write to the disk stay apart: each counts once, and
// those that fail leave nothing.
func TestUpdatesAtOnce(t *testing.T) {
	t.Parallel()
	for _, name := range bothBackends {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			kv := open(t, name)
			var wg sync.WaitGroup
			for n := range 60 {
				wg.Go(func() {
					err := attempt(kv, func(tx Tx) error {
						v, _, err := get[int](tx, tableWork, "count")
						if err != nil {
							return err
						}
						if err := put(tx, tableWork, "count", v+1); err != nil {
							return err
						}
						switch n % 3 {
						case 1:
							return errUndo
						case 2:
							panic(errUndo)
						}
						return nil
					})
					if (n%3 == 0) != (err == nil) {
						t.Errorf("transaction %d = %v", n, err)
					}
				})
			}
			wg.Wait()
			if got, err := dump(kv, tableWork, "", ""); err != nil || !slices.Equal(got, []string{"count=20"}) {
				t.Errorf("scan = %v, %v, want count=20", got, err)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	for _, name := range bothBackends {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			kv := open(t, name)
			for what, fn := range map[string]func(Tx) error{
				"empty key":   func(tx Tx) error { return tx.Put(tableWork, "", []byte("v")) },
				"empty value": func(tx Tx) error { return tx.Put(tableWork, "k", nil) },
			} {
				if err := kv.Update(fn); !errors.Is(err, errEmpty) {
					t.Errorf("Put with an %s = %v, want errEmpty", what, err)
				}
			}
			if err := kv.View(func(tx Tx) error { return tx.Put(tableWork, "k", []byte("v")) }); err == nil {
				t.Error("Put in View succeeded, want an error")
			}
			if err := kv.View(func(tx Tx) error { return tx.Delete(tableWork, "k") }); err == nil {
				t.Error("Delete in View succeeded, want an error")
			}
			if err := kv.Close(); err != nil {
				t.Fatal(err)
			}
			for what, call := range map[string]func(func(Tx) error) error{"View": kv.View, "Update": kv.Update} {
				if err := call(func(Tx) error { return nil }); err == nil {
					t.Errorf("%s after Close succeeded, want an error", what)
				}
			}
		})
	}
}

func TestKeyTimesSort(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		draw := func(label string) time.Time {
			return time.Unix(rapid.Int64Range(1, 1<<32).Draw(rt, label), rapid.Int64Range(0, 999_999_999).Draw(rt, label)).UTC()
		}
		a, b := draw("a"), draw("b")
		if up := strings.Compare(keyTime(a), keyTime(b)); up != a.Compare(b) {
			rt.Errorf("keyTime orders %s and %s as %d, want %d", a, b, up, a.Compare(b))
		}
		if down := strings.Compare(keyTimeDown(a), keyTimeDown(b)); down != b.Compare(a) {
			rt.Errorf("keyTimeDown orders %s and %s as %d, want %d", a, b, down, b.Compare(a))
		}
		if back, ok := timeOfKey("P#", "P#"+keyTime(a)+"#x"); !ok || !back.Equal(a) {
			rt.Errorf("timeOfKey = %s, %t, want %s", back, ok, a)
		}
	})
	if keyTime(time.Time{}) > keyTime(time.Unix(1, 0)) || keyTime(time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)) < keyTime(time.Unix(1<<32, 0)) {
		t.Error("times out of range do not sort at the ends")
	}
}

func TestDrillKeysBeginWithDrill(t *testing.T) {
	t.Parallel()
	for _, key := range []string{
		keyGroup("drill-all"), keyLive("checkout", "drill-1"), keyAlarm("drill-f"), keyChannel("drill-email"), keyAnswer("drill-k"),
	} {
		if !strings.HasPrefix(key, "drill-") {
			t.Errorf("key %q of a drill does not begin with drill-", key)
		}
	}
	for _, key := range []string{keyGroup("all"), keyLive("checkout", "i-1"), keyAlarm("f"), keyChannel("email"), keyAnswer("k")} {
		if strings.HasPrefix(key, "drill-") {
			t.Errorf("key %q of no drill begins with drill-", key)
		}
	}
}
