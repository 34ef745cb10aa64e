package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"shirase/internal/embedded"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"shirase": main})
}

// TestScripts plays the stories under testdata/script against the command.
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{Dir: "testdata/script"})
}

// process is the command, running over a data folder.
type process struct {
	t   *testing.T
	cmd *exec.Cmd
	url string
}

var servesOn = regexp.MustCompile(`http://127\.0\.0\.1:\d+`)

func start(t *testing.T, data string) *process {
	t.Helper()
	cmd := exec.Command("shirase", "-data", data, "-addr", "127.0.0.1:0")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &process{t: t, cmd: cmd}
	t.Cleanup(p.kill)
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the program said nothing: %v", err)
	}
	p.url = servesOn.FindString(line)
	return p
}

// kill ends the process as kill -9 does.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // it may be gone already
	_ = p.cmd.Wait()
}

func (p *process) ask(method, path, body string, into any) {
	p.t.Helper()
	req, err := http.NewRequestWithContext(p.t.Context(), method, p.url+path, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer local")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode >= 300 {
		p.t.Fatalf("%s %s = %s %s, %v", method, path, resp.Status, b, err)
	}
	if into != nil {
		if err := json.Unmarshal(b, into); err != nil {
			p.t.Fatal(err)
		}
	}
}

// TestKilledAfterEachUpdate kills the program right after each of 20 updates
// that it accepted. In the end every recipient has the last word, in order, and
// nobody has one twice.
func TestKilledAfterEachUpdate(t *testing.T) {
	t.Parallel()
	const rounds = 20
	data := t.TempDir()
	var o struct {
		ID  string `json:"id"`
		Seq int    `json:"seq"`
	}
	for n := range rounds {
		p := start(t, data)
		if n == 0 {
			p.ask(http.MethodPost, "/v1/incidents", three, &o)
		} else {
			stage := []string{"investigating", "identified", "monitoring"}[n%3]
			p.ask(http.MethodPost, "/v1/incidents/"+o.ID+"/updates", `{"stage":"`+stage+`"}`, &o)
		}
		p.kill()
	}
	if o.Seq != rounds {
		t.Fatalf("the last answer has seq %d, want %d", o.Seq, rounds)
	}
	p := start(t, data)
	p.ask(http.MethodPost, "/clock", `{"advance":"20m"}`, nil)
	var es []embedded.Entry
	p.ask(http.MethodGet, "/inbox.json", "", &es)
	newest, seen := map[string]int{}, map[string]bool{}
	for _, e := range es {
		if e.Kind != "update" {
			continue
		}
		to := string(e.Channel) + " " + e.To
		if e.Seq < newest[to] {
			t.Errorf("%s got %d after %d", to, e.Seq, newest[to])
		}
		newest[to] = max(newest[to], e.Seq)
		if once := fmt.Sprint(to, e.Seq); seen[once] {
			t.Errorf("%s got %d twice", to, e.Seq)
		} else {
			seen[once] = true
		}
	}
	// Four people by mail, two rooms and four endpoints hear every stage.
	told := 0
	for to, seq := range newest {
		if strings.HasPrefix(to, "sms") {
			continue // hears the first and the last only
		}
		if told++; seq != rounds {
			t.Errorf("%s has %d as the newest, want %d", to, seq, rounds)
		}
	}
	if told < 20 {
		t.Errorf("only %d recipients were told", told)
	}
}
