package api_test

import (
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strings"

	"github.com/anishathalye/porcupine"
)

// request is one call of the API, as the model understands it.
type request struct {
	verb string // open, update, correct, retract, note, facts, ack, merge, read, told, preview; seed is the test's own
	id   string
	who  string
	// key is the Idempotency-Key, match the If-Match; empty and 0 where not sent.
	key   string
	match int
	// body is what was sent, byte for byte; the rest is what it says.
	body       string
	kind       string
	stage      string
	severity   string
	components []string
	of, next   int
	text, hash string
	into       string
	seq        int
	made       *inc // what a seed finds
}

// reply is what a call was answered with, as far as the model can tell it.
type reply struct {
	status int
	// problem is the last part of the problem's type; empty for a success.
	problem string
	// version is the ETag, or the version a 412 tells.
	version int
	// allowed are the stages that a 409 allows.
	allowed string
	// id is the new incident's; hash is that of a preview.
	id, hash string
	// view is the incident or update that came back, in the model's own form.
	view string
}

// unknown reports whether the caller cannot know what became of the request.
func (r reply) unknown() bool { return r.status >= 500 }

// inc is an incident as anybody could keep it on paper.
type inc struct {
	Kind, Stage, Severity string
	Version, Seq          int
	Components            []string
	Lines                 []told
	// By is when the next update is promised, in minutes from the only moment
	// there is; From is the update that promised it. Both are 0 if none is open.
	By, From int
	Acked    string
	End      string
	Into     string
	Absorbed []string
}

// told is one update.
type told struct {
	Seq         int
	Stage, Kind string
	Of          int
	Withdrawn   bool
}

// paper is the state of the model. It is never changed, only replaced.
type paper struct {
	incs map[string]inc
	// said are the answers that idempotency keys stand for, with the bodies they
	// were used with.
	said map[string]said
	// seen are the previews that were shown, by hash.
	seen map[string]string
	text string
}

type said struct {
	body string
	reply
}

func (p paper) sealed() paper {
	var b strings.Builder
	for _, id := range slices.Sorted(maps.Keys(p.incs)) {
		fmt.Fprintf(&b, "%s %+v\n", id, p.incs[id])
	}
	for _, k := range slices.Sorted(maps.Keys(p.said)) {
		fmt.Fprintf(&b, "%s %+v\n", k, p.said[k])
	}
	for _, h := range slices.Sorted(maps.Keys(p.seen)) {
		fmt.Fprintf(&b, "%s %s\n", h, p.seen[h])
	}
	p.text = b.String()
	return p
}

func (p paper) with(id string, i inc) paper {
	p.incs = maps.Clone(p.incs)
	p.incs[id] = i
	return p
}

// model is the API one request at a time.
func model() porcupine.Model {
	return porcupine.Model{
		Partition: partition,
		Init:      func() any { return paper{incs: map[string]inc{}, said: map[string]said{}, seen: map[string]string{}} },
		Step: func(state, input, output any) (bool, any) {
			p, in, out := state.(paper), input.(request), output.(reply)
			if in.verb == "seed" {
				return true, p.with(in.id, *in.made).sealed()
			}
			want, next := p.answer(in, out)
			if in.verb == "preview" && want.status == 200 {
				// Which hash names a text is the program's own affair, as long as
				// another text has another and the same has the same.
				was, known := p.seen[out.hash]
				if known && was != want.hash || out.hash == "" {
					return false, p
				}
				next.seen = maps.Clone(p.seen)
				next.seen[out.hash] = want.hash
				want.hash = out.hash
			}
			if want.status == 412 && in.verb == "merge" && out == conflict && p.incs[in.into].refuses(p.incs[in.id]) {
				return true, p // two refusals are due, and the incidents are read one after the other
			}
			return out.unknown() || want == out, next.sealed()
		},
		Equal:             func(a, b any) bool { return a.(paper).text == b.(paper).text },
		Hash:              func(s any) uint64 { h := fnv.New64a(); _, _ = h.Write([]byte(s.(paper).text)); return h.Sum64() },
		DescribeOperation: func(in, out any) string { return fmt.Sprintf("%+v -> %+v", in, out) },
	}
}

// answer says what a request must be answered with, and what it changes. Of
// what really came it takes only the id of a new incident.
func (p paper) answer(in request, out reply) (reply, paper) {
	key := ""
	if in.key != "" {
		route := in.verb + "/" + in.id
		key = in.who + " " + route + " " + in.key
		if s, ok := p.said[key]; ok {
			if s.body != in.body {
				return reply{status: 422, problem: "key-reused"}, p
			}
			return s.reply, p
		}
	}
	r, next := p.fresh(in, out)
	if r.status < 300 && key != "" {
		next.said = maps.Clone(next.said)
		next.said[key] = said{in.body, r}
	}
	return r, next
}

func (p paper) fresh(in request, out reply) (reply, paper) {
	if in.verb == "open" {
		return p.open(in, out)
	}
	i, ok := p.incs[in.id]
	if !ok {
		return reply{status: 404, problem: "not-found"}, p
	}
	if in.match != 0 && in.match != i.Version {
		return reply{status: 412, problem: "version", version: i.Version}, p
	}
	status := 201
	switch in.verb {
	case "read":
		return i.reply(200), p
	case "told":
		if in.seq > i.Seq {
			return reply{status: 404, problem: "not-found"}, p
		}
		l := i.Lines[in.seq-1]
		l.Withdrawn = false
		return reply{status: 200, view: fmt.Sprintf("%+v", l)}, p
	case "note":
		i.Version++
		return reply{status: 201, version: i.Version, view: in.text}, p.with(in.id, i)
	case "facts":
		i.Version++
		status = 200
	case "ack":
		if i.Acked == "" && i.End == "" {
			i.Version++
			i.Acked = in.who
		}
		status = 200
	case "merge":
		return p.merge(in, i)
	default:
		u, bad := i.publish(in)
		if bad.status != 0 {
			return bad, p
		}
		l := u.inc.Lines[u.inc.Seq-1]
		print := fmt.Sprintln(l, u.inc.Severity, u.inc.Components, u.inc.By, u.text, "after", u.inc.Lines[:u.inc.Seq-1])
		if in.verb == "preview" {
			return reply{status: 200, hash: print, view: fmt.Sprintf("%s %s %d", l.Stage, l.Kind, u.inc.By)}, p
		}
		if in.hash != "" && p.seen[in.hash] != print {
			return reply{status: 409, problem: "stale"}, p
		}
		i = u.inc
		if i.Acked == "" {
			// Whoever publishes takes it on: two changes in one.
			i.Version++
			i.Acked = in.who
		}
	}
	return i.reply(status), p.with(in.id, i)
}

func (i inc) reply(status int) reply {
	return reply{status: status, version: i.Version, view: fmt.Sprintf("%+v", i)}
}

var conflict = reply{status: 409, problem: "conflict"}

var invalid = reply{status: 422, problem: "invalid"}

func (p paper) open(in request, out reply) (reply, paper) {
	i := inc{Kind: in.kind, Stage: "detected", Severity: in.severity, Components: in.components, Version: 2, Acked: in.who}
	in.severity, in.components, in.kind = "", nil, "notice"
	if in.stage == "" {
		in.stage = map[string]string{"incident": "investigating", "maintenance": "scheduled"}[i.Kind]
	}
	u, bad := i.publish(in)
	if bad.status != 0 {
		return bad, p
	}
	if _, taken := p.incs[out.id]; taken {
		return reply{}, p // not an answer to this, whatever it is
	}
	r := u.inc.reply(201)
	r.id = out.id
	return r, p.with(out.id, u.inc)
}

// partition parts a history by incident. Two that were merged, and all that one
// key was used for, stay together.
func partition(history []porcupine.Operation) [][]porcupine.Operation {
	parent := map[string]string{}
	var find func(string) string
	find = func(x string) string {
		if parent[x] == "" || parent[x] == x {
			return x
		}
		return find(parent[x])
	}
	first := make([]string, len(history))
	for n, op := range history {
		in, out := op.Input.(request), op.Output.(reply)
		names := []string{}
		for _, s := range []string{in.id, out.id, in.into} {
			if s != "" {
				names = append(names, s)
			}
		}
		if in.verb == "open" && in.key != "" {
			names = append(names, "key "+in.who+" "+in.key)
		}
		if len(names) == 0 {
			names = append(names, fmt.Sprintf("alone %d", n))
		}
		first[n] = names[0]
		for _, s := range names[1:] {
			if a, b := find(names[0]), find(s); a != b {
				parent[b] = a
			}
		}
	}
	groups := map[string][]porcupine.Operation{}
	for n, op := range history {
		r := find(first[n])
		groups[r] = append(groups[r], op)
	}
	out := make([][]porcupine.Operation, 0, len(groups))
	for _, r := range slices.Sorted(maps.Keys(groups)) {
		out = append(out, groups[r])
	}
	return out
}
