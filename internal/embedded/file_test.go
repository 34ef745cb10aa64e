package embedded_test

import (
	"bufio"
	"context"
	"errors"
	"os"
	"os/exec"
	"strconv"
	"testing"

	"shirase/internal/embedded"
	"shirase/internal/incident"
	"shirase/internal/plan"
	"shirase/internal/subscribe"
)

// crashFolder names the folder that the re-executed test binary works in.
const crashFolder = "SHIRASE_TEST_CRASH_FOLDER"

// TestMain lets the test binary play the process that is killed.
func TestMain(m *testing.M) {
	if folder := os.Getenv(crashFolder); folder != "" {
		os.Exit(writeForever(folder))
	}
	os.Exit(m.Run())
}

// writeForever suppresses one recipient after the other, and says which once the
// store has answered.
func writeForever(folder string) int {
	f, err := embedded.OpenFile(folder)
	if err != nil {
		return 1
	}
	b, err := embedded.NewBook(f, 4)
	if err != nil {
		return 1
	}
	for n := 0; ; n++ {
		s := subscribe.Suppression{Channel: incident.Email, ID: incident.RecipientID(strconv.Itoa(n)), Reason: subscribe.Bounced}
		if b.Suppress(context.Background(), s) != nil {
			return 1
		}
		if _, err := os.Stdout.WriteString(strconv.Itoa(n) + "\n"); err != nil {
			return 1
		}
	}
}

// What was answered yes to survives a process that is killed in the middle.
func TestKilledProcessLosesNothing(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), crashFolder+"="+folder)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	last := ""
	for n := 0; n < 200 && lines.Scan(); n++ {
		last = lines.Text()
	}
	if _, err := embedded.OpenFile(folder); !errors.Is(err, embedded.ErrInUse) {
		t.Errorf("OpenFile of a folder in use = %v, want ErrInUse", err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	for lines.Scan() {
		last = lines.Text()
	}
	if err := cmd.Wait(); err == nil {
		t.Fatal("the process ended well, want killed")
	}
	said, err := strconv.Atoi(last)
	if err != nil || said < 199 {
		t.Fatalf("the process said %q last, want at least 199", last)
	}
	b, err := embedded.NewBook(openFile(t, folder), 4)
	if err != nil {
		t.Fatal(err)
	}
	for n := range said + 1 {
		ok, err := b.Suppressed(t.Context(), incident.Email, incident.RecipientID(strconv.Itoa(n)))
		if err != nil || !ok {
			t.Fatalf("Suppressed(%d) = %t, %v after the process said so, want true", n, ok, err)
		}
	}
}

func TestReopenedFileKeepsAll(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	for n := range 3 {
		f, err := embedded.OpenFile(folder)
		if err != nil {
			t.Fatal(err)
		}
		version, err := embedded.New(f, still).SavePlan(t.Context(), n, &plan.Plan{Source: []byte("plan")})
		if err != nil || version != n+1 {
			t.Errorf("SavePlan(%d) = %d, %v, want %d", n, version, err, n+1)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
