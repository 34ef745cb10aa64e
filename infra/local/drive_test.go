package main

import (
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"shirase/internal/embedded"
	"shirase/internal/incident"
	"shirase/internal/plan"
	"shirase/internal/subscribe"
)

// publicURL begins the links of the driven program, so that they stay the same
// though each process listens on another port.
const publicURL = "https://status.minato.test"

// driver uses the program as people and monitors do, over HTTP, and restarts it
// on the same folder whenever it was killed.
type driver struct {
	t    *testing.T
	seed uint64
	data string
	p    *process
	http *http.Client
	key  string // of the administrator
	root []byte // of recipient ids

	plan  *plan.Plan
	began []time.Time // when each process was started
	loud  []string

	calls  int
	words  int
	asked  []*call // that were answered, and can be repeated
	flying *call   // nobody knows what became of it
	tales  []*tale
	people []*follower
	rang   []rung
	notes  map[incident.ID]int
	broken []broken
	// unanswered counts requests that were repeated for want of an answer,
	// renumbered records that carry another update's text than their number's.
	unanswered, renumbered int
}

// call is a request.
type call struct {
	method, path, body string
	// kind is the type of the body, JSON unless given.
	kind string
	// key makes it safe to repeat; what has none is harmless to repeat.
	key string
	// from is the address a proxy saw it come from.
	from string
	// answer is what it was answered with first.
	answer []byte
	then   func(body []byte)
}

func (c *call) String() string { return c.method + " " + c.path + " " + c.body }

// newDriver starts the program on an empty folder with the sample plan and its
// readers, and has an operator put the alarms of these stories in the plan.
func newDriver(t *testing.T, seed uint64, alarms string) *driver {
	t.Helper()
	d := &driver{t: t, seed: seed, data: t.TempDir(), notes: map[incident.ID]int{}}
	d.start()
	source, err := plan.Embedded(samplePlan)
	if err != nil {
		t.Fatal(err)
	}
	text, _, ok := strings.Cut(string(source), "\nalarms:\n")
	if !ok {
		t.Fatal("the sample plan has no alarms")
	}
	text += "\n" + alarms
	if d.plan, err = parsePlan([]byte(text)); err != nil {
		t.Fatal(err)
	}
	d.must(&call{method: http.MethodPut, path: "/v1/plan", body: text, kind: "application/yaml"})
	for _, e := range sampleReaders() {
		d.people = append(d.people, &follower{
			channel: e.Channel, address: e.Address.Reveal(), audience: e.Audience, components: e.Prefs.Components, confirmed: d.began[0],
		})
	}
	return d
}

// start starts a process on the folder.
func (d *driver) start() {
	d.t.Helper()
	d.began = append(d.began, time.Now())
	d.p = start(d.t, d.data, "-public-url", publicURL)
	d.http = &http.Client{Transport: &http.Transport{}}
	if d.key != "" {
		return
	}
	read := func(name string) string {
		b, err := os.ReadFile(filepath.Join(d.data, name))
		if err != nil {
			d.t.Fatal(err)
		}
		return strings.TrimSpace(string(b))
	}
	d.key = "shk_admin_" + read("admin.key")
	root, err := hex.DecodeString(read("root.key"))
	if err != nil {
		d.t.Fatal(err)
	}
	d.root = root
}

// kill ends the process in the midst of whatever it does.
func (d *driver) kill() {
	d.p.kill()
	d.http.CloseIdleConnections()
	d.loud = append(d.loud, d.p.log.said()...)
}

// recipient answers the name that the ledger has for somebody.
func (d *driver) recipient(c incident.Channel, address string) incident.RecipientID {
	a := incident.Address(address)
	if n, err := subscribe.Normalise(c, a); err == nil {
		a = n
	}
	return incident.NewRecipientID(d.root, c, a)
}

// send makes a request and answers what came back, if anything.
func (d *driver) send(c *call) (int, []byte, error) {
	req, err := http.NewRequestWithContext(d.t.Context(), c.method, d.p.url+c.path, strings.NewReader(c.body))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Authorization", "Bearer "+d.key)
	req.Header.Set("Content-Type", "application/json")
	for name, v := range map[string]string{"Content-Type": c.kind, "Idempotency-Key": c.key, "X-Forwarded-For": c.from} {
		if v != "" {
			req.Header.Set(name, v)
		}
	}
	resp, err := d.http.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	return resp.StatusCode, b, err
}

// must makes a request that has to succeed.
func (d *driver) must(c *call) []byte {
	d.t.Helper()
	status, b, err := d.send(c)
	if err != nil || status >= 300 {
		d.t.Fatalf("seed %d: %s = %d %s, %v", d.seed, c, status, b, err)
	}
	return b
}

// read decodes what a path answers.
func (d *driver) read(path string, into any) {
	d.t.Helper()
	if err := json.Unmarshal(d.must(&call{method: http.MethodGet, path: path}), into); err != nil {
		d.t.Fatalf("GET %s: %v", path, err)
	}
}

// ask makes a change and remembers its answer.
func (d *driver) ask(c *call) {
	d.t.Helper()
	d.answered(c, d.must(c))
}

func (d *driver) answered(c *call, b []byte) {
	c.answer = b
	if c.key != "" {
		d.asked = append(d.asked, c)
	}
	if c.then != nil {
		c.then(b)
	}
}

// repeat is what a careful client does when the program is there again: it
// repeats what got no answer, and here also what got the last one, which is the
// same again.
func (d *driver) repeat() {
	d.t.Helper()
	if c := d.flying; c != nil {
		d.flying = nil
		d.ask(c)
	}
	if len(d.asked) == 0 {
		return
	}
	c := d.asked[len(d.asked)-1]
	if b := d.must(c); string(b) != string(c.answer) {
		d.breaks("I1", "%s was answered with\n%s\nand then with\n%s", c, c.answer, b)
	}
}

// inbox answers all that anybody got, oldest first.
func (d *driver) inbox() (es []embedded.Entry) {
	d.t.Helper()
	d.read("/inbox.json", &es)
	return es
}
