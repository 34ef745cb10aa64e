package api_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/anishathalye/porcupine"
)

// windowFrom and windowTo are when planned work takes place, in minutes from noon.
const windowFrom, windowTo = 120, 240

// bench is where several clients work on the same incidents and write down
// what they asked and were answered.
type bench struct {
	h     http.Handler
	clock atomic.Int64

	mu      sync.Mutex
	history []porcupine.Operation
	ids     []string
	// work are the incidents that are planned work.
	work map[string]bool
	// keyed are the requests that carried a key, for others to repeat.
	keyed []request
	keys  int
	// raws are the bodies that keys were answered with.
	raws map[string]string
	// faults are what no model is needed for.
	faults []string
}

func newBench(h http.Handler) *bench {
	return &bench{h: h, work: map[string]bool{}, raws: map[string]string{}}
}

// client is one caller, with what it remembers.
type client struct {
	*bench
	n    int
	rng  *rand.Rand
	seen map[string]int      // the version of each incident that was seen last
	shot map[string][]viewed // previews, by incident
}

// viewed is a preview: what was asked and its hash.
type viewed struct {
	request
	hash string
}

// ask makes n requests, and repeats those of which it cannot know what became.
func (c *client) ask(n int) {
	for range n {
		r := c.draw()
		got := c.call(r)
		for tries := 0; got.unknown() && r.key != "" && tries < 4; tries++ {
			got = c.call(r)
		}
		if got.version != 0 && r.id != "" {
			c.seen[r.id] = got.version
		}
		if r.verb == "preview" && got.status == 200 {
			c.shot[r.id] = append(c.shot[r.id], viewed{r, got.hash})
		}
	}
}

// pick answers one of several.
func pick[T any](c *client, of ...T) T { return of[c.rng.IntN(len(of))] }

func (c *client) draw() request {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.keyed) > 0 && c.rng.IntN(8) == 0 {
		r := c.keyed[c.rng.IntN(len(c.keyed))]
		if c.rng.IntN(3) == 0 && r.verb != "ack" {
			r.text = "Something else."
			switch r.verb {
			case "merge":
				r.text, r.into = "", c.ids[c.rng.IntN(len(c.ids))]
			case "note":
			default:
				r.next = 59
			}
			r.body = r.json()
		}
		return r
	}
	r := request{
		verb: pick(c, "update", "update", "update", "update", "update", "correct", "retract", "retract", "note", "facts", "ack", "merge",
			"preview", "preview", "preview", "read", "read", "read", "told", "open"),
		id: c.ids[c.rng.IntN(len(c.ids))], who: pick(c, "responder", "approver", "admin"),
	}
	if c.rng.IntN(40) == 0 {
		r.id = "nowhere"
	}
	c.fill(&r)
	if r.verb == "read" || r.verb == "told" || r.verb == "preview" {
		r.who = "viewer"
	} else if c.rng.IntN(2) == 0 {
		c.keys++
		r.key = fmt.Sprintf("k%d", c.keys)
	}
	if v := c.seen[r.id]; v > 0 && r.verb != "read" && r.verb != "told" && r.verb != "open" && c.rng.IntN(3) == 0 {
		r.match = v
	}
	r.body = r.json()
	if r.key != "" {
		c.keyed = append(c.keyed, r)
	}
	return r
}

// fill draws what a verb needs.
func (c *client) fill(r *request) {
	switch r.verb {
	case "open":
		if len(c.ids) > 5 {
			r.verb = "read"
			return
		}
		r.id, r.kind = "", pick(c, "incident", "incident", "maintenance")
		r.severity = pick(c, "critical", "major", "minor", "internal")
		r.components = pick(c, []string{"invoices"}, []string{"search", "login"})
		r.stage = pick(c, "", "", "monitoring", "in_progress")
	case "preview":
		if c.rng.IntN(4) == 0 {
			r.kind, r.of = pick(c, "correction", "retraction"), c.rng.IntN(3)
			r.text = "Viewing works."
			return
		}
		c.update(r)
	case "update":
		if vs := c.shot[r.id]; len(vs) > 0 && c.rng.IntN(2) == 0 {
			v := vs[len(vs)-1]
			*r = v.request
			r.verb, r.hash, r.match, r.who = "update", v.hash, 0, "admin"
			if r.kind == "correction" || r.kind == "retraction" {
				r.verb = map[string]string{"correction": "correct", "retraction": "retract"}[r.kind]
			}
			return
		}
		c.update(r)
	case "correct":
		r.kind, r.of, r.text = "correction", c.rng.IntN(4), "Viewing works."
	case "retract":
		r.kind, r.of = "retraction", c.rng.IntN(4)
	case "note":
		r.text = pick(c, "Looking.", "Still looking.")
	case "merge":
		r.into = c.ids[c.rng.IntN(len(c.ids))]
		if c.rng.IntN(20) == 0 {
			r.into = "nowhere"
		}
	case "told":
		r.seq = 1 + c.rng.IntN(6)
	}
}

func (c *client) update(r *request) {
	r.stage = pick(c, "", "investigating", "identified", "monitoring", "resolved", "resolved", "investigating", "postmortem")
	if c.work[r.id] != (c.rng.IntN(20) == 0) {
		r.stage = pick(c, "", "scheduled", "in_progress", "in_progress", "verifying", "completed")
	}
	r.kind = pick(c, "", "", "", "progress", "scope", "report", "follow_up")
	r.severity = pick(c, "", "", "critical", "minor")
	r.components = pick(c, nil, nil, []string{"login"}, []string{"invoices", "search"})
	r.text = pick(c, "", "We know more.")
	if !isFinal(r.stage) && r.stage != "" || c.rng.IntN(8) == 0 {
		r.next = 15 + c.rng.IntN(40)
	}
}

// json is the body of a request.
func (r request) json() string {
	b := map[string]any{}
	put := func(name string, v any, given bool) {
		if given {
			b[name] = v
		}
	}
	switch r.verb {
	case "read", "told", "ack":
		return ""
	case "facts":
		return `{"cause":{"value":"` + r.text + `設定の変更。","state":"hypothesis"}}`
	case "merge":
		b["into"] = r.into
	case "open":
		b["effect"] = "請求書を送信できません。"
		put("window", map[string]string{"from": at(windowFrom), "to": at(windowTo)}, r.kind == "maintenance")
		put("kind", r.kind, true)
	case "correct", "retract":
		put("of", r.of, r.of != 0)
	case "preview":
		put("of", r.of, r.of != 0)
		put("kind", r.kind, r.kind != "")
	case "update":
		put("kind", r.kind, r.kind != "")
	}
	put("stage", r.stage, r.stage != "")
	put("severity", r.severity, r.severity != "")
	put("components", r.components, r.components != nil)
	put("text", r.text, r.text != "")
	put("next", fmt.Sprintf("%dm", r.next), r.next != 0)
	put("hash", r.hash, r.hash != "")
	raw, err := json.Marshal(b)
	if err != nil {
		panic(err) // plain data
	}
	return string(raw)
}

func at(minutes int) string {
	return noon.Add(time.Duration(minutes) * time.Minute).Format(time.RFC3339)
}

// call makes a request and writes it down.
func (c *client) call(r request) reply {
	path, method := "/v1/incidents/"+r.id, http.MethodPost
	switch r.verb {
	case "open":
		path = "/v1/incidents"
	case "read":
		method = http.MethodGet
	case "told":
		path, method = path+"/updates/"+strconv.Itoa(r.seq), http.MethodGet
	case "facts":
		path, method = path+"/facts", http.MethodPatch
	case "update", "note":
		path += "/" + r.verb + "s"
	default:
		path += "/" + r.verb
	}
	q := httptest.NewRequest(method, path, strings.NewReader(r.body))
	q.Header.Set("Authorization", "Bearer "+r.who)
	q.Header.Set("Content-Type", "application/json")
	if r.key != "" {
		q.Header.Set("Idempotency-Key", r.key)
	}
	if r.match != 0 {
		q.Header.Set("If-Match", strconv.Quote(strconv.Itoa(r.match)))
	}
	w := httptest.NewRecorder()
	began := c.clock.Add(1)
	c.h.ServeHTTP(w, q)
	ended := c.clock.Add(1)
	got, _ := understand(r, w)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.history = append(c.history, porcupine.Operation{ClientId: c.n, Input: r, Call: began, Output: got, Return: ended})
	if got.id != "" {
		c.known(got.id)
		c.work[got.id] = r.kind == "maintenance"
	}
	if k := r.who + " " + r.verb + " " + r.id + " " + r.key; r.key != "" && got.status < 300 {
		if was, ok := c.raws[k]; ok && was != w.Body.String() {
			c.faults = append(c.faults, fmt.Sprintf("the key %s was answered %s, then %s", k, was, w.Body))
		}
		c.raws[k] = w.Body.String()
	}
	return got
}

// known adds an incident to those that anybody may work on.
func (b *bench) known(id string) {
	if !slices.Contains(b.ids, id) {
		b.ids = append(b.ids, id)
	}
}
