package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
	_ "time/tzdata" // zones, also on a machine that has none

	"golang.org/x/sync/errgroup"

	"shirase/internal/config"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	err := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	switch {
	case errors.Is(err, flag.ErrHelp):
		os.Exit(2)
	case err != nil:
		fmt.Fprintln(os.Stderr, "shirase:", err)
		os.Exit(1)
	}
}

// options are the settings and what to do with them.
type options struct {
	config config.Config
	demo   bool
	once   bool
}

// run is the whole program.
func run(ctx context.Context, args []string, in io.Reader, out, errs io.Writer) error {
	if len(args) > 0 && args[0] == "plan" {
		return planCommand(args[1:], in, out)
	}
	o, err := parse(args, errs)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(errs, &slog.HandlerOptions{Level: o.config.LogLevel}))
	if o.demo && !given(args, "data") {
		// A demo begins with nothing and leaves nothing behind.
		dir, err := os.MkdirTemp("", "shirase-demo-")
		if err != nil {
			return fmt.Errorf("make demo data: %w", err)
		}
		defer os.RemoveAll(dir) //nolint:errcheck // what is left is in the system's folder for it
		o.config.Data = dir
	}
	if o.demo && !given(args, "addr") && o.once {
		o.config.Addr = "127.0.0.1:0"
	}
	return serve(ctx, o, out, log)
}

// parse reads the environment and puts the flags over it.
func parse(args []string, errs io.Writer) (options, error) {
	c, err := config.Load()
	if err != nil {
		return options{}, err
	}
	o := options{config: c}
	f := flag.NewFlagSet("local", flag.ContinueOnError)
	f.SetOutput(errs)
	f.StringVar(&o.config.Addr, "addr", c.Addr, "address to listen on")
	f.StringVar(&o.config.Data, "data", c.Data, "folder for everything that is kept")
	f.StringVar(&o.config.Plan, "plan", c.Plan, "plan file; without it the kept plan, or the sample company's")
	f.StringVar(&o.config.PublicURL, "public-url", c.PublicURL, "what links in messages begin with")
	f.StringVar(&o.config.SMTP, "smtp", c.SMTP, "mail relay, such as smtp://user@mail.example.com:587; without it mail stays in the inbox")
	f.BoolVar(&o.demo, "demo", false, "play an outage from the first alarm to the last word")
	f.BoolVar(&o.once, "once", false, "with -demo: end after it, with status 1 if anything is missing")
	f.Usage = func() {
		fmt.Fprintln(errs, "usage: local [flags]\n       local plan init | check FILE | print [FILE]")
		f.PrintDefaults()
	}
	if err := f.Parse(args); err != nil {
		return options{}, flag.ErrHelp
	}
	if f.NArg() > 0 {
		return options{}, fmt.Errorf("what is %q? The only command is plan", f.Arg(0))
	}
	if o.once && !o.demo {
		return options{}, errors.New("-once goes with -demo")
	}
	return o, o.config.Check()
}

// given reports whether a flag is among the arguments.
func given(args []string, name string) bool {
	for _, a := range args {
		for _, form := range []string{"-" + name, "--" + name} {
			if a == form || len(a) > len(form) && a[:len(form)+1] == form+"=" {
				return true
			}
		}
	}
	return false
}

// serve runs the program until the context ends or the demo does.
func serve(ctx context.Context, o options, out io.Writer, log *slog.Logger) error {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", o.config.Addr)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	p, err := build(ctx, o.config, l.Addr().String(), log)
	if err != nil {
		return errors.Join(err, l.Close())
	}
	play := func(ctx context.Context) (over bool, err error) {
		if o.demo {
			if err := demo(ctx, "http://"+l.Addr().String(), p.key, !o.once, out); err != nil || o.once {
				return true, err
			}
		}
		p.announceSelf(out)
		return false, nil
	}
	return errors.Join(p.serve(ctx, l, play), p.kv.Close())
}

// parting is how long requests may take to come to their end once the program
// stops. It is shorter than the grace of queued work, so that both are over soon.
const parting = 3 * time.Second

// serve answers requests on a listener and works on what is queued, until the
// context ends or play, which runs beside it, says that it is over.
func (p *program) serve(ctx context.Context, l net.Listener, play func(context.Context) (over bool, err error)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if err := p.release(ctx); err != nil {
		return errors.Join(err, l.Close())
	}
	if err := p.greet(ctx); err != nil {
		return errors.Join(err, l.Close())
	}
	srv := &http.Server{Handler: p.routes(), ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute}
	var g errgroup.Group
	g.Go(func() error { return p.engine.run(ctx) })
	g.Go(func() error {
		if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			cancel()
			return err
		}
		return nil
	})
	g.Go(func() error {
		<-ctx.Done()
		stop, done := context.WithTimeout(context.WithoutCancel(ctx), parting)
		defer done()
		if err := srv.Shutdown(stop); !errors.Is(err, context.DeadlineExceeded) {
			return err
		}
		return srv.Close() // a client that stalls must not make the stop a failure
	})
	g.Go(func() error {
		over, err := play(ctx)
		if over || err != nil {
			cancel()
		}
		return err
	})
	return g.Wait()
}

// announceSelf tells where everything is.
func (p *program) announceSelf(out io.Writer) {
	fmt.Fprintf(out, "Shirase serves on http://%s; see /inbox for what readers got. Key: %s\n", p.addr, p.showKey())
}

// showKey is what to tell of the key: on loopback everybody may know it.
func (p *program) showKey() string {
	if p.private() {
		return p.key
	}
	return "in admin.key in the data folder, after shk_admin_"
}
