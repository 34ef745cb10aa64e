package plan

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/goccy/go-yaml/ast"

	"shirase/internal/incident"
)

// reader walks the nodes of a plan file. Each of its methods notes what is
// wrong and carries on, so that one pass finds every fault.
type reader struct {
	*source
	families map[incident.Channel]incident.Family
	plan     *Plan
	// wide tells that references cannot be judged, since what they refer to is at fault.
	wide map[string]bool
}

// item is a node with the path to it.
type item struct {
	node ast.Node
	path string
}

// child answers the path of a key within. Keys come from outside and paths go
// to logs, so a key that is no plain word is not repeated.
func (i item) child(key string) string {
	if !plainKey().MatchString(key) {
		key = "(key)"
	}
	if i.path == "" {
		return key
	}
	return i.path + "." + key
}

var plainKey = lazy(`^[A-Za-z][A-Za-z0-9_-]{0,39}$`)

// lazy compiles an expression when it is first asked for: most programs have
// plans and never parse one.
func lazy(expr string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expr) })
}

func (r *reader) fault(i item, format string, args ...any) {
	line, column := place(i.node)
	r.add(line, column, i.path, fmt.Sprintf(format, args...))
}

// pair is one key of a mapping with its value.
type pair struct {
	key   string
	name  item // the key itself
	value item
}

// pairs reads a mapping whose keys are free. Keys that stand twice are faults.
func (r *reader) pairs(i item, want string) ([]pair, bool) {
	var values []*ast.MappingValueNode
	switch v := i.node.(type) {
	case *ast.MappingNode:
		values = v.Values
	case *ast.MappingValueNode:
		values = []*ast.MappingValueNode{v}
	default:
		r.fault(i, "must be %s", want)
		return nil, false
	}
	seen := map[string]bool{}
	out := make([]pair, 0, len(values))
	for _, v := range values {
		key, ok := scalar(v.Key)
		if !ok {
			r.fault(item{v.Key, i.path}, "this key is no word")
			continue
		}
		p := pair{key: key, name: item{v.Key, i.child(key)}, value: item{v.Value, i.child(key)}}
		if seen[key] {
			r.fault(p.name, "stands here a second time")
			continue
		}
		seen[key] = true
		if _, null := v.Value.(*ast.NullNode); null {
			r.fault(p.name, "has no value; give it one or leave the key out")
			continue
		}
		out = append(out, p)
	}
	return out, true
}

// fields is a mapping whose keys the format knows.
type fields struct {
	at item
	m  map[string]item
	// rest holds the pairs whose keys the section does not list, if it allows them.
	rest []pair
}

// fields reads a mapping of a section of the format. Other keys are faults,
// unless extra allows them.
func (r *reader) fields(i item, section string, extra ...string) (fields, bool) {
	ps, ok := r.pairs(i, "a mapping with keys such as "+format[section][0]+":")
	f := fields{at: i, m: make(map[string]item, len(ps))}
	for _, p := range ps {
		switch {
		case slices.Contains(format[section], p.key):
			f.m[p.key] = p.value
		case slices.Contains(extra, p.key):
			f.rest = append(f.rest, p)
		default:
			r.fault(p.name, "is not a key here; %s", hint(p.key, slices.Concat(format[section], extra)))
		}
	}
	return f, ok
}

// hint names the key that was meant, or all there are.
func hint(key string, keys []string) string {
	for _, k := range keys {
		if near(key, k) {
			return "did you mean " + k + "?"
		}
	}
	return "there are " + strings.Join(keys, ", ")
}

// near reports whether two words differ by one letter left out, put in, changed
// or, with its neighbour, swapped.
func near(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	n := 0
	for n < len(a) && a[n] == b[n] {
		n++
	}
	switch a, b = a[n:], b[n:]; len(b) - len(a) {
	case 0:
		return len(a) > 0 && a[1:] == b[1:] || len(a) > 1 && a[0] == b[1] && a[1] == b[0] && a[2:] == b[2:]
	case 1:
		return a == b[1:]
	}
	return false
}

func (f fields) get(key string) (item, bool) {
	i, ok := f.m[key]
	return i, ok
}

// need answers a value that must be there.
func (r *reader) need(f fields, key string) (item, bool) {
	i, ok := f.m[key]
	if !ok && !r.faulty(f.at.child(key)) {
		r.fault(item{f.at.node, f.at.child(key)}, "is missing")
	}
	return i, ok
}

// faulty reports whether a fault was noted at the path.
func (r *reader) faulty(path string) bool {
	return slices.ContainsFunc(r.faults, func(f Fault) bool { return f.Path == path })
}

// list reads a sequence.
func (r *reader) list(i item) ([]item, bool) {
	s, ok := i.node.(*ast.SequenceNode)
	if !ok {
		r.fault(i, "must be a list")
		return nil, false
	}
	out := make([]item, 0, len(s.Values))
	for n, v := range s.Values {
		e := item{v, fmt.Sprintf("%s[%d]", i.path, n)}
		if _, null := v.(*ast.NullNode); v == nil || null {
			r.fault(item{s, e.path}, "has no value")
			continue
		}
		out = append(out, e)
	}
	return out, true
}

// words reads a list of words, or one word alone.
func (r *reader) words(i item) []pair {
	elements := []item{i}
	if _, ok := i.node.(*ast.SequenceNode); ok {
		elements, _ = r.list(i)
	}
	var out []pair
	seen := map[string]bool{}
	for _, e := range elements {
		s, ok := r.word(e)
		switch {
		case !ok:
		case seen[s]:
			r.fault(e, "stands here a second time")
		default:
			seen[s] = true
			out = append(out, pair{key: s, name: e, value: e})
		}
	}
	return out
}
