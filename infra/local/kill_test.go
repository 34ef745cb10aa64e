package main

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
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
	log *logged
}

var servesOn = regexp.MustCompile(`http://127\.0\.0\.1:\d+`)

func start(t *testing.T, data string, args ...string) *process {
	t.Helper()
	cmd := exec.Command("shirase", append([]string{"-data", data, "-addr", "127.0.0.1:0"}, args...)...)
	log := &logged{more: make(chan struct{}, 1)}
	cmd.Env = append(os.Environ(), "SHIRASE_LOG_LEVEL=info")
	cmd.Stderr = log
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &process{t: t, cmd: cmd, log: log}
	t.Cleanup(func() {
		p.kill()
		for _, l := range log.said() {
			t.Log(l)
		}
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the program said nothing: %v\n%s", err, strings.Join(log.said(), "\n"))
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

// TestKilledAtAFewMoments is a short story of [kills]; the long one runs with
// the build tag process.
func TestKilledAtAFewMoments(t *testing.T) {
	t.Parallel()
	kills(t, 1, 3)
}
