package plan_test

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"shirase/internal/incident"
	"shirase/internal/plan"
)

// same compares plans whole: zones by name, addresses by themselves.
var same = cmp.Options{
	cmp.AllowUnexported(plan.Plan{}),
	cmp.Comparer(func(a, b *time.Location) bool { return a.String() == b.String() }),
	cmp.Comparer(func(a, b incident.Address) bool { return a.Reveal() == b.Reveal() }),
}

func encode(t *testing.T, p *plan.Plan) []byte {
	t.Helper()
	b, err := p.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestDecodeAnswersWhatWasEncoded(t *testing.T) {
	t.Parallel()
	plans := map[string]*plan.Plan{"team": embedded(t, "team"), "company": embedded(t, "company"), "all": all(t)}
	for name, p := range plans {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := plan.Decode(encode(t, p))
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(p, got, same); d != "" {
				t.Errorf("Decode(Encode(%s)) differs (-want +got):\n%s", name, d)
			}
		})
	}
}

// all answers a plan in which every field says something.
func all(t *testing.T) *plan.Plan {
	t.Helper()
	p := embedded(t, "team") // for the channels it was read with
	version := p.Version
	fill(t, reflect.ValueOf(p).Elem())
	p.Version = version
	return p
}

// fill gives every exported field a value that is not its zero.
func fill(t *testing.T, v reflect.Value) {
	t.Helper()
	if v.Type() == reflect.TypeFor[*time.Location]() {
		zone, err := time.LoadLocation("Asia/Tokyo")
		if err != nil {
			t.Fatal(err)
		}
		v.Set(reflect.ValueOf(zone))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString("あ<b>")
	case reflect.Int, reflect.Int64:
		v.SetInt(3)
	case reflect.Uint8:
		v.SetUint('x')
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(t, v.Index(0))
		fill(t, v.Index(1))
	case reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(t, key)
		fill(t, value)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	case reflect.Struct:
		for n := range v.NumField() {
			if v.Type().Field(n).IsExported() {
				fill(t, v.Field(n))
			}
		}
	default:
		t.Fatalf("a plan has a %s, which this test does not know", v.Type())
	}
}

// What programs of an older version kept must still be read. If this fails, see
// form: a new field is added to the file if its zero means what held before it.
func TestEncodedFormStaysReadable(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	if err := json.Indent(&b, encode(t, all(t)), "", "  "); err != nil {
		t.Fatal(err)
	}
	golden(t, filepath.Join("stored", "form-1.json"), b.String()+"\n")
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	good := string(encode(t, embedded(t, "team")))
	for _, tt := range []struct{ name, in, want string }{
		{"nothing", "", "unexpected end"},
		{"what is no plan", `[]`, "decode plan"},
		{"a form to come", strings.Replace(good, `"form":1`, `"form":2`, 1), "form 2"},
		{"no form", `{}`, "form 0"},
		{"a zone that is none", strings.Replace(good, `"zone":"`, `"zone":"Mars/`, 1), "Mars"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if p, err := plan.Decode([]byte(tt.in)); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Decode(%s) = %v, %v, want an error with %q", tt.name, p != nil, err, tt.want)
			}
		})
	}
	newer := strings.Replace(good, `"form":1`, `"form":1,"tides":"high"`, 1)
	if _, err := plan.Decode([]byte(newer)); err != nil {
		t.Errorf("Decode(a name to come) = %v, want it passed over", err)
	}
}

func BenchmarkReadAPlan(b *testing.B) {
	source, err := plan.Embedded("company")
	if err != nil {
		b.Fatal(err)
	}
	p, err := plan.Parse(source, families)
	if err != nil {
		b.Fatal(err)
	}
	kept, err := p.Encode()
	if err != nil {
		b.Fatal(err)
	}
	b.Run("parse", func(b *testing.B) {
		for b.Loop() {
			if _, err := plan.Parse(source, families); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("decode", func(b *testing.B) {
		for b.Loop() {
			if _, err := plan.Decode(kept); err != nil {
				b.Fatal(err)
			}
		}
	})
}
