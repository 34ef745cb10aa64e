package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"time"

	"shirase/events"
	"shirase/infra/runtime"
)

// MiB is a unit of size in bytes.
const MiB = 1 << 20

// A door is a function with its budgets: how often the cold start of the
// smallest function its own may take, and how large its arm64 binary may be.
type door struct {
	name  string
	event string
	times float64
	size  int64
}

// doors are all functions. Those that render texts may take longer, and api and
// signup, which people ask, may be larger; docs/decisions/0011-small-binaries.md
// says what keeps them small.
func doors() []door {
	return []door{
		{"alarm", "alarm/metric-eventbridge.json", 6, 14 * MiB},
		{"api", "api/list-incidents.json", 6, 16 * MiB},
		{"due", "due/schedule.json", 6, 14 * MiB},
		{"fanout", "fanout/pointer.json", 3, 14 * MiB},
		{"delivery/email", "delivery/chunk.json", 3, 14 * MiB},
		{"delivery/sms", "delivery/chunk.json", 3, 14 * MiB},
		{"delivery/webhook", "delivery/webhook.json", 3, 14 * MiB},
		{"delivery/post", "delivery/chunk.json", 3, 14 * MiB},
		{"receipt", "receipt/bounce-permanent.json", 3, 14 * MiB},
		{"signup", "signup/manage.json", 6, 16 * MiB},
	}
}

func main() {
	runs := flag.Int("runs", 15, "how often each function is started")
	root := flag.String("root", ".", "the folder of go.mod")
	lenient := flag.Bool("report", false, "only report cold starts, as on a machine that does other things as well; sizes are judged always")
	flag.Parse()
	if err := run(context.Background(), os.Stdout, *root, *runs, *lenient); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// built is a door with its binaries.
type built struct {
	door
	binary string
	arm    int64 // bytes of the arm64 binary
	took   []time.Duration
}

func run(ctx context.Context, out io.Writer, root string, runs int, lenient bool) error {
	folder, err := os.MkdirTemp("", "shirase-bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder) //nolint:errcheck // it is of this run alone
	all := []*built{{door: door{name: "hello", times: 1, size: 14 * MiB}}}
	for _, d := range doors() {
		all = append(all, &built{door: d})
	}
	for _, b := range all {
		if err := b.build(ctx, root, folder); err != nil {
			return err
		}
	}
	server := httptest.NewServer(http.HandlerFunc(empty))
	defer server.Close()
	debug.SetGCPercent(-1) // we are not what is measured
	for range runs {       // turn by turn, so that a slow moment strikes all alike
		for _, b := range all {
			took, err := b.start(ctx, server.URL)
			if err != nil {
				return fmt.Errorf("%s: %w", b.name, err)
			}
			b.took = append(b.took, took)
		}
	}
	return report(out, all, lenient)
}

// build compiles a door for this machine, and for arm64 to know its size.
func (b *built) build(ctx context.Context, root, folder string) error {
	pkg := "./functions/" + b.name
	if b.name == "hello" {
		pkg = "./infra/bench/hello"
	}
	for _, arch := range []string{"arm64", "amd64"} {
		dir := filepath.Join(folder, b.name, arch)
		if err := os.MkdirAll(dir, 0o750); err != nil {
			return err
		}
		binary, err := runtime.Build(ctx, root, pkg, arch, dir)
		if err != nil {
			return err
		}
		info, err := os.Stat(binary)
		if err != nil {
			return err
		}
		if arch == "arm64" {
			b.arm = info.Size()
		}
		b.binary = binary
	}
	return nil
}

// start runs a door cold and answers how long its first answer took. What it
// answers is no matter: in an empty stack that may be an error.
func (b *built) start(ctx context.Context, endpoint string) (time.Duration, error) {
	event := []byte(`{}`)
	if b.event != "" {
		var err error
		if event, err = events.Files.ReadFile(b.event); err != nil {
			return 0, err
		}
	}
	cmd := exec.CommandContext(ctx, b.binary) //nolint:gosec // built here
	cmd.Env = environment(endpoint)
	cmd.Stderr, cmd.Stdout = io.Discard, io.Discard
	began := time.Now()
	f, err := runtime.Start(ctx, cmd, time.Minute)
	if err != nil {
		return 0, err
	}
	_, err = f.Invoke(ctx, event)
	took := time.Since(began)
	if errors.Is(err, runtime.ErrEnded) {
		return 0, err
	}
	return took, f.Close()
}

// environment is that of every function of a stack.
func environment(endpoint string) []string {
	env := []string{
		"AWS_REGION=ap-northeast-1", "AWS_ACCESS_KEY_ID=AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY=example", "SHIRASE_ENDPOINT=" + endpoint,
		"SHIRASE_STACK=bench", "SHIRASE_PUBLIC_URL=https://status.example", "SHIRASE_OWN_QUEUES=" + endpoint + "/123456789012/own",
		"SHIRASE_SECRETS=bench/", "SHIRASE_CONFIGURATION_SET=bench",
		"SHIRASE_UPDATES_TOPIC=arn:aws:sns:ap-northeast-1:123456789012:bench-updates",
		"SHIRASE_ROOT_SECRET=arn:aws:secretsmanager:ap-northeast-1:123456789012:secret:root",
	}
	for _, table := range []string{"INCIDENTS", "SUBSCRIBERS", "DELIVERIES"} {
		env = append(env, "SHIRASE_"+table+"_TABLE=bench-"+table)
	}
	for _, queue := range []string{
		"EMAIL", "EMAIL_TWIN", "SMS", "SMS_TWIN", "WEBHOOK", "WEBHOOK_TWIN", "POST", "NUDGE", "PARKING",
	} {
		env = append(env, "SHIRASE_"+queue+"_QUEUE="+endpoint+"/123456789012/bench-"+queue)
	}
	return env
}

// report prints what was measured and answers an error where a budget is not met.
func report(out io.Writer, all []*built, lenient bool) error {
	middle := func(ds []time.Duration) time.Duration {
		s := slices.Sorted(slices.Values(ds))
		return s[len(s)/2]
	}
	hello := middle(all[0].took)
	fmt.Fprintf(out, "%-16s %12s %8s %8s %12s %8s\n", "function", "first answer", "times", "budget", "arm64 MiB", "budget")
	var over []error
	for _, b := range all {
		took := middle(b.took)
		times := float64(took) / float64(hello)
		fmt.Fprintf(out, "%-16s %12s %8.1f %8.0f %12.1f %8d\n",
			b.name, took.Round(100*time.Microsecond), times, b.times, float64(b.arm)/MiB, b.size/MiB)
		if !lenient && times > b.times*1.05 && b.name != "hello" {
			over = append(over, fmt.Errorf("%s: a cold start takes %.1f times that of the smallest function, more than %.0f", b.name, times, b.times))
		}
		if b.arm > b.size {
			over = append(over, fmt.Errorf("%s: its binary has %d bytes, more than %d", b.name, b.arm, b.size))
		}
	}
	return errors.Join(over...)
}
