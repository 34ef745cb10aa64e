package bulk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// A Run is a drain with what it must come to.
type Run struct {
	Name    string
	Options Options
	// Within is when everyone must have the newest update, Sends how many mails
	// that may cost.
	Within time.Duration
	Sends  int
}

// promised are the updates of the promise.
func promised() []time.Duration {
	return []time.Duration{0, 30 * time.Minute, 60 * time.Minute, 90 * time.Minute}
}

// Runs lists the drains, small ones first.
func Runs() []Run {
	hours := func(h float64) time.Duration { return time.Duration(h * float64(time.Hour)) }
	million := func(n float64) Options {
		return Options{Recipients: int(n * 1e6), Rate: 300, Updates: promised(), Shards: 64, Measure: 50_000}
	}
	// What is sent at all is what fits before the last update, and then one to each.
	most := func(o Options) int { return o.Recipients + int(o.Rate*o.Updates[len(o.Updates)-1].Seconds()) }
	stalled := func(n int, down, stall []Span) Options {
		return Options{Recipients: n, Rate: 14, Updates: promised(), Down: down, Stall: stall}
	}
	// The provider is away from the first update on, in the middle of it.
	away := func(h float64) []Span { return []Span{{time.Minute, time.Minute + hours(h)}} }
	poller := stalled(3000, nil, []Span{{time.Minute, hours(3) + time.Minute}})
	short, long := stalled(3000, away(1), nil), stalled(3000, away(12), nil)
	thousand := Options{Recipients: 100_000, Rate: 14, Updates: promised(), Measure: 20_000}
	one, ten := million(1), million(10)
	return []Run{
		{"poller stalled 3 h", poller, hours(3.2), 3000 + 14*60 + waveSize},
		{"provider down 1 h", short, hours(1.6), 2*3000 + 14*60 + waveSize},
		{"provider down 12 h", long, hours(12.2), 3000 + 14*60 + waveSize},
		{"100 thousand", thousand, hours(3.6), 180_000},
		{"1 million", one, hours(1.5 + 1.1*1e6/300/3600), most(one)},
		{"10 million", ten, hours(1.5 + 1.1*1e7/300/3600), most(ten)},
	}
}

// Play runs a drain, writes its line, and answers what is wrong with it.
func (r Run) Play(ctx context.Context, w io.Writer) error {
	f, err := Drain(ctx, r.Options)
	if err != nil {
		return fmt.Errorf("drain %s: %w", r.Name, err)
	}
	_, err = fmt.Fprintf(w, "drain %s: %s\n", r.Name, f)
	if err = errors.Join(err, r.check(f)); err != nil {
		return fmt.Errorf("drain %s: %w", r.Name, err)
	}
	return nil
}

// check answers what is wrong with a run.
func (r Run) check(f Figures) error {
	faults := []error{f.Check(r.Options)}
	if f.Fresh > r.Within {
		faults = append(faults, fmt.Errorf("everyone had the newest after %.2f h, want %.2f h", f.Fresh.Hours(), r.Within.Hours()))
	}
	if f.Sends > r.Sends {
		faults = append(faults, fmt.Errorf("%d sends, want up to %d", f.Sends, r.Sends))
	}
	return errors.Join(faults...)
}
