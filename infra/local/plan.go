package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"shirase/internal/incident"
	"shirase/internal/plan"
	"shirase/internal/subscribe"
)

// maxPlan is the largest plan file that is read.
const maxPlan = 1 << 20

// planCommand runs plan init, plan check and plan print.
func planCommand(args []string, in io.Reader, out io.Writer) error {
	const usage = "usage: local plan init | check FILE | print [FILE]"
	if len(args) == 0 {
		return errors.New(usage)
	}
	switch verb, rest := args[0], args[1:]; {
	case verb == "init" && len(rest) == 0:
		file, err := plan.Init(in, os.Stderr)
		if err != nil {
			return err
		}
		_, err = out.Write(file)
		return err
	case verb == "check" && len(rest) == 1:
		return checkPlan(rest[0], out)
	case verb == "print" && len(rest) <= 1:
		name := samplePlan
		source, err := plan.Embedded(name)
		if len(rest) == 1 {
			name = rest[0]
			source, err = readPlan(name)
		}
		if err != nil {
			return err
		}
		p, err := parsePlan(source)
		if err != nil {
			return unusable(name, err)
		}
		return plan.Print(out, p)
	}
	return errors.New(usage)
}

func checkPlan(name string, out io.Writer) error {
	source, err := readPlan(name)
	if err != nil {
		return err
	}
	p, err := parsePlan(source)
	if err != nil {
		return unusable(name, err)
	}
	advice := plan.Check(p)
	for _, a := range advice {
		fmt.Fprintln(out, "advice:", a)
	}
	fmt.Fprintf(out, "%s is a plan: %d components, %d audiences, %d members, %d targets; %d pieces of advice\n",
		name, len(p.Components), len(p.Audiences), len(p.Members), len(p.Targets), len(advice))
	return nil
}

// unusable draws every fault of a plan for its author.
func unusable(name string, err error) error {
	e, ok := errors.AsType[*plan.FileError](err)
	if !ok {
		return err
	}
	var b strings.Builder
	for _, f := range e.Faults {
		b.WriteString("\n" + f.String())
	}
	return fmt.Errorf("%s cannot be used as it is:%s", name, b.String())
}

func readPlan(name string) ([]byte, error) {
	f, err := os.Open(name) //nolint:gosec // the operator names the file
	if err != nil {
		return nil, fmt.Errorf("read plan: %w", err)
	}
	defer f.Close() //nolint:errcheck // it was only read
	source, err := io.ReadAll(io.LimitReader(f, maxPlan+1))
	if err != nil {
		return nil, fmt.Errorf("read plan: %w", err)
	}
	if len(source) > maxPlan {
		return nil, fmt.Errorf("read plan: %s is longer than 1 MiB", name)
	}
	return source, nil
}

// samplePlan is the embedded plan that is used where there is none.
const samplePlan = "company"

// loadPlan puts a plan in the store: the file that was given, if it differs
// from what is there, or the sample plan in an empty store.
func (p *program) loadPlan(ctx context.Context) error {
	now, err := p.store.Current(ctx)
	if err != nil && !errors.Is(err, incident.ErrNotFound) {
		return fmt.Errorf("read plan: %w", err)
	}
	empty := err != nil
	var source []byte
	switch {
	case p.config.Plan != "":
		if source, err = readPlan(p.config.Plan); err != nil {
			return err
		}
	case empty:
		if source, err = plan.Embedded(samplePlan); err != nil {
			return err
		}
	default:
		return nil
	}
	next, err := parsePlan(source)
	if err != nil {
		return unusable(p.config.Plan, err)
	}
	base := 0
	if !empty {
		if string(now.Source) == string(source) {
			return nil
		}
		base = now.Version
	}
	if _, err := p.store.SavePlan(ctx, base, next); err != nil {
		return fmt.Errorf("save plan: %w", err)
	}
	return nil
}

// greet gives a store that runs the sample plan its sample readers, so that
// there is somebody to be told. Readers who left stay away.
func (p *program) greet(ctx context.Context) error {
	pl, err := p.store.Current(ctx)
	if err != nil {
		return fmt.Errorf("read plan: %w", err)
	}
	sample, err := plan.Embedded(samplePlan)
	if err != nil {
		return err
	}
	if string(pl.Source) != string(sample) {
		return nil
	}
	return p.subscribe.Import(ctx, sampleReaders(), "sample readers of the local program")
}

// sampleReaders are invented people and endpoints. Names under .test never
// exist, and the numbers are kept free for fiction.
func sampleReaders() []subscribe.Entry {
	entry := func(c incident.Channel, a incident.Address, l incident.Locale, zone string, components ...incident.ComponentID) subscribe.Entry {
		return subscribe.Entry{
			Audience: incident.Customers, Channel: c, Address: a,
			Prefs: subscribe.Prefs{Locale: l, Zone: zone, Components: components},
		}
	}
	return []subscribe.Entry{
		entry(incident.Email, "hana@reader.test", "ja", ""),
		entry(incident.Email, "keiko@reader.test", "ja", "", "invoices", "editor"),
		entry(incident.Email, "alice@reader.test", "en", "Europe/London"),
		entry(incident.Email, "bob@reader.test", "en", "America/New_York", "invoices", "checkout"),
		entry(incident.SMS, "+447700900201", "ja", ""),
		entry(incident.SMS, "+447700900202", "en", "Europe/London"),
		entry(incident.Webhook, "https://hooks.reader.test/ja", "ja", ""),
		entry(incident.Webhook, "https://hooks.reader.test/en", "en", ""),
	}
}
