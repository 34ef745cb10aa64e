//go:build contract

package enginetest

import (
	"bufio"
	"context"
	_ "embed"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

// Region is where the engines pretend to be.
const Region = "ap-northeast-1"

//go:embed moto.py
var motoScript []byte

//go:embed ministack.py
var ministackScript []byte

// Moto answers the settings of clients of a moto that this test binary shares.
// Its DynamoDB takes one call at a time, since moto undoes other callers' writes
// when it rolls a transaction back.
func Moto(tb testing.TB) aws.Config {
	tb.Helper()
	return moto.config(tb)
}

// Ministack answers the settings of clients of a ministack that this test binary
// shares.
func Ministack(tb testing.TB) aws.Config {
	tb.Helper()
	return ministack.config(tb)
}

// All answers the settings of every engine, by its name.
func All(tb testing.TB) map[string]aws.Config {
	tb.Helper()
	return map[string]aws.Config{"moto": Moto(tb), "ministack": Ministack(tb)}
}

// An engine is a process that is started once and ends with the test binary,
// since its standard input ends then.
type engine struct {
	name   string
	script []byte

	once sync.Once
	url  string
	err  error
	hold io.Closer // keeps standard input open
}

var (
	moto      = &engine{name: "moto", script: motoScript}
	ministack = &engine{name: "ministack", script: ministackScript}
)

func (e *engine) config(tb testing.TB) aws.Config {
	tb.Helper()
	e.once.Do(func() { e.url, e.err = e.start() })
	if e.err != nil {
		tb.Fatalf("start %s: %v", e.name, e.err)
	}
	return aws.Config{
		Region:       Region,
		Credentials:  credentials.NewStaticCredentialsProvider("test", "test", ""),
		BaseEndpoint: aws.String(e.url),
	}
}

// start runs the script and reads the port it listens on.
func (e *engine) start() (url string, err error) {
	folder, err := os.MkdirTemp("", "shirase-"+e.name)
	if err != nil {
		return "", err
	}
	file := filepath.Join(folder, "engine.py") // not by its name: Python would take it for the package
	if err := os.WriteFile(file, e.script, 0o600); err != nil {
		return "", err
	}
	log, err := os.Create(filepath.Join(folder, "log")) //nolint:gosec // the folder is ours
	if err != nil {
		return "", err
	}
	cmd := exec.CommandContext(context.Background(), "python3", file) //nolint:gosec // it outlives the test that starts it
	cmd.Dir, cmd.Stderr = folder, log
	in, err := cmd.StdinPipe()
	if err != nil {
		return "", err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return "", err
	}
	if err := cmd.Start(); err != nil {
		return "", err
	}
	e.hold = in
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if port, ok := strings.CutPrefix(lines.Text(), "ready "); ok {
			go func() { _, _ = io.Copy(io.Discard, out) }() // lest it wait for us to read
			return "http://127.0.0.1:" + port, nil
		}
	}
	said, _ := os.ReadFile(log.Name())
	return "", fmt.Errorf("it ended before it was ready: %s", said)
}
