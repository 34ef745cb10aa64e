package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"shirase/internal/ready"
)

// table prints a report for a person: what is wrong with what to do about it,
// who would be told, and what one update takes.
func table(out io.Writer, r ready.Report) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, c := range r.Checks {
		fmt.Fprintf(w, "%s\t%s\t%s\n", c.State, c.Name, plain(c.Detail))
		if c.Next != "" {
			fmt.Fprintf(w, "\t\t→ %s\n", plain(c.Next))
		}
	}
	if len(r.Audiences) > 0 {
		fmt.Fprint(w, "\naudience\tchannel\tsubscribers\tof the plan\n")
	}
	for _, a := range r.Audiences {
		fmt.Fprintf(w, "%s\t%s\t%d\t%d\n", a.Audience, a.Channel, a.Subscribers, a.Plan)
	}
	if len(r.Update) > 0 {
		fmt.Fprint(w, "\none update by\tto\ttakes\tcosts\n")
	}
	for _, e := range r.Update {
		fmt.Fprintf(w, "%s\t%d\t%s\t%s\n", e.Channel, e.Recipients, takes(e), costs(e))
	}
	if len(r.Prices) > 0 {
		fmt.Fprint(w, "\nprice\tUSD\tas of\tsource\n")
	}
	for _, p := range r.Prices {
		about := ""
		if p.About {
			about = "about "
		}
		fmt.Fprintf(w, "%s\t%s%g a %s\t%s\t%s\n", plain(p.Name), about, p.USD, p.Unit, p.AsOf, plain(p.Source))
	}
	fmt.Fprintf(w, "\n%s at %s\n", r.State, r.At.Format("2006-01-02 15:04 MST"))
	_ = w.Flush() // whoever reads has gone if this fails
}

func takes(e ready.Estimate) string {
	if e.Minutes == nil {
		return "unknown"
	}
	return fmt.Sprintf("%.1f min", *e.Minutes)
}

func costs(e ready.Estimate) string {
	var parts []string
	for _, c := range e.Costs {
		s := fmt.Sprintf("$%.2f", c.USD)
		if c.If != "" {
			s += " if " + plain(c.If)
		}
		parts = append(parts, s)
	}
	switch {
	case len(parts) == 0 && e.Note != "":
		return plain(e.Note)
	case len(parts) == 0:
		return "unknown"
	case e.Note != "":
		parts = append(parts, plain(e.Note))
	}
	return strings.Join(parts, "; ")
}

// plain drops what would move a terminal's cursor or break the table.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
}
