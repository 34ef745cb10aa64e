package bulk

import (
	"context"
	"runtime"
	"strings"
	"testing"
	"time"

	"shirase/internal/deliver"
	"shirase/internal/incident"
)

// fresh is the drain of the promise at a tenth of its size and length, or less.
func fresh(recipients int) Options {
	step := time.Duration(recipients) * 18 * time.Millisecond // 30 minutes for 100,000
	return Options{Recipients: recipients, Rate: 14, Updates: []time.Duration{0, step, 2 * step, 3 * step}}
}

func TestFreshDrain(t *testing.T) {
	t.Parallel()
	o := fresh(10_000)
	f, err := Drain(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Log(f)
	if err := f.Check(o); err != nil {
		t.Error(err)
	}
	if want := 1296 * time.Second; f.Fresh > want || f.Sends > 18_000 {
		t.Errorf("Drain() = newest for everyone after %s with %d sends, want %s and 18000", f.Fresh, f.Sends, want)
	}
	if f.Queue.Sends != 40_000 || f.Queue.Fresh < 47*time.Minute {
		t.Errorf("naive() = %+v, want 40000 sends in 47 minutes", f.Queue)
	}
}

// TestHandlersDoTheSame passes the same drain through the handlers.
func TestHandlersDoTheSame(t *testing.T) {
	t.Parallel()
	o := fresh(600)
	direct, err := Drain(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	o.Wire = true
	wired, err := Drain(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if direct.String() != wired.String() {
		t.Errorf("Drain() by the handlers = %s, want %s", wired, direct)
	}
	if err := wired.Check(o); err != nil {
		t.Error(err)
	}
}

// TestFewReadersOutliveTwelveHours: the breaker takes the few as probes, and none
// of them is given up for it.
func TestFewReadersOutliveTwelveHours(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 60} {
		o := Options{Recipients: n, Rate: 14, Updates: []time.Duration{0, 2 * time.Minute}, Down: []Span{{0, 12 * time.Hour}}}
		f, err := Drain(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		t.Log(f)
		if f.Stale > 0 || f.Told > 0 || f.Dead > 0 {
			t.Errorf("Drain(%d) = %s, want nobody without the newest, given up or dead", n, f)
		}
	}
}

// TestManyWorkersWearNoChunkOut has more senders than the rate needs: a chunk is
// taken more often, and learns to wait.
func TestManyWorkersWearNoChunkOut(t *testing.T) {
	t.Parallel()
	o := fresh(4_000)
	o.Workers = 50
	f, err := Drain(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Log(f)
	if err := f.Check(o); err != nil {
		t.Error(err)
	}
	if f.Most > 250 {
		t.Errorf("Drain() = a chunk taken %d times, want up to 250", f.Most)
	}
}

// TestInvocationsHoldTheSame measures memory, so it runs alone: ten times the
// readers, and no more in anybody's hands.
func TestInvocationsHoldTheSame(t *testing.T) {
	var held []uint64
	for _, n := range []int{1_500, 15_000} {
		f, err := Drain(t.Context(), Options{Recipients: n, Rate: 1000, Updates: []time.Duration{0, 5 * time.Second}, Measure: 50})
		if err != nil {
			t.Fatal(err)
		}
		if f.Page != 500 || f.Wave > 500 {
			t.Errorf("Drain() of %d asks for pages of %d and %d keys, want up to 500", n, f.Page, f.Wave)
		}
		held = append(held, f.Live)
	}
	if held[0] == 0 || held[1] > 2*held[0]+512<<10 {
		t.Errorf("invocations hold %d bytes with 1500 readers and %d with 15000, want about the same", held[0], held[1])
	}
}

func TestGaugeMeasures(t *testing.T) {
	stores := uint64(0)
	g := gauge{every: 2, stores: func() uint64 { return stores }}
	for n, want := range []bool{true, false} {
		g.most = 0
		g.enter()
		held := make([]byte, 8<<20)
		g.full()
		runtime.KeepAlive(held)
		g.leave()
		if got := g.most > 7<<20 && g.most < 9<<20; got != want {
			t.Errorf("invocation %d holds %d bytes beside %d, want 8 MiB measured: %t", n, g.most, len(held), want)
		}
	}
	g.enter()
	stores = 8 << 20
	held := make([]byte, stores)
	g.fills, g.most = 0, 0
	g.full()
	runtime.KeepAlive(held)
	if g.most > 1<<20 {
		t.Errorf("what stores hold counts as %d bytes of %d, want none", g.most, len(held))
	}
}

// forgetful is a ledger that does not know what was before.
type forgetful struct{ *ledger }

func (forgetful) Items(_ context.Context, keys []deliver.Key) ([]deliver.Item, error) {
	return make([]deliver.Item, len(keys)), nil
}

func (f forgetful) Claim(ctx context.Context, asks []deliver.Ask) ([]deliver.Decision, error) {
	for _, a := range asks {
		if err := f.write(a.Key, deliver.Item{}); err != nil {
			return nil, err
		}
	}
	return f.ledger.Claim(ctx, asks)
}

// hasty lets everything through at once.
type hasty struct{ deliver.Rates }

func (hasty) Reserve(context.Context, incident.Channel, int, time.Time) (time.Duration, error) {
	return 0, nil
}

// lossy drops what is queued for the last update.
type lossy struct{ deliver.Queue }

func (l lossy) Send(ctx context.Context, cs []deliver.Chunk) error {
	if cs[0].FromSeq == 4 {
		return nil
	}
	return l.Queue.Send(ctx, cs)
}

// stale answers the incident as it was when it was first read.
type stale struct {
	*office
	was incident.Incident
}

func (s *stale) Incident(ctx context.Context, id incident.ID) (incident.Incident, error) {
	if s.was.Seq() == 0 {
		s.was, _ = s.office.Incident(ctx, id)
	}
	return s.was, nil
}

func TestDrainFindsPlantedFaults(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		plant func(*drain)
		want  string
	}{
		"ledger forgets":     {func(d *drain) { d.send.Ledger, d.queue.worn = forgetful{d.ledger}, 20 }, "shown twice"},
		"nobody paces":       {func(d *drain) { d.send.Rates = hasty{d.send.Rates} }, "ahead of its rate"},
		"chunks are lost":    {func(d *drain) { d.fanout.Queue = lossy{d.queue} }, "not seen the newest"},
		"incident is cached": {func(d *drain) { d.send.Incidents = &stale{office: d.office} }, "not seen the newest"},
		"chunks wear out":    {func(d *drain) { d.queue.worn = 5 }, "died"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := fresh(300)
			d, err := newDrain(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			c.plant(d)
			f, err := d.run()
			if err != nil {
				t.Fatal(err)
			}
			if err := f.Check(o); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("Check() = %v, want %q in it", err, c.want)
			}
		})
	}
}

func TestProviderSeesOlderAndFast(t *testing.T) {
	t.Parallel()
	l := newLoop()
	c := newCrowd(2, 1)
	p := &provider{people: c, loop: l, rate: 2, newest: func() int { return 2 }, seen: make([]uint8, 2), at: begin, before: func() {}}
	mail := func(n, seq int) deliver.Envelope { return deliver.Envelope{Recipient: c.id(n), Seq: seq} }
	l.spawn(begin, func() {
		for _, es := range [][]deliver.Envelope{{mail(0, 2), mail(1, 1)}, {mail(0, 1)}, {mail(1, 2)}} {
			p.Send(t.Context(), es, l.now().Add(time.Hour))
			l.sleep(time.Second)
		}
		if out := p.Send(t.Context(), []deliver.Envelope{mail(0, 2)}, l.now()); out[0].Failure == nil || out[0].Failure.Reason != deliver.NotBegun {
			t.Errorf("Send at its deadline = %+v, want not begun", out[0])
		}
	})
	l.run(begin.Add(time.Hour))
	if p.older != 1 || p.again != 0 || p.peak != 2 || p.sends != 4 {
		t.Errorf("provider saw %d older, %d again, a peak of %g in %d sends, want 1, 0, 2 in 4", p.older, p.again, p.peak, p.sends)
	}
	if want := begin.Add(2 * (time.Second + callTime)); !p.fresh.Equal(want) {
		t.Errorf("everyone had the newest at %s, want %s", p.fresh, want)
	}
}

func TestLoopWakesInOrder(t *testing.T) {
	t.Parallel()
	l := newLoop()
	var got []string
	for _, name := range []string{"a", "b"} {
		l.spawn(begin, func() {
			for l.sleep(time.Second) {
				got = append(got, name+l.now().Format("05"))
			}
			got = append(got, name+" ends")
		})
	}
	l.spawn(begin, func() { l.sleep(1500 * time.Millisecond); got = append(got, "c"+l.now().Format("05.0")) })
	l.run(begin.Add(2 * time.Second))
	if want := "a01 b01 c01.5 a02 b02 a ends b ends"; strings.Join(got, " ") != want {
		t.Errorf("run() = %s, want %s", strings.Join(got, " "), want)
	}
}

func TestShardsAreSpread(t *testing.T) {
	t.Parallel()
	c := newCrowd(20_000, 16)
	h := newHeat(16)
	for _, list := range c.shards { // as a fan-out reads them
		for _, n := range list {
			h.add(c.id(int(n)))
		}
	}
	if r := ratio(h.book.total); r > 1.1 {
		t.Errorf("the hottest shard holds %.2f times the mean, want up to 1.1", r)
	}
	if h.book.hottest < 4 || h.own.hottest > 1.35 {
		t.Errorf("in a short while the hottest is %.1f times the mean as the book spreads and %.1f as the ledger may, want over 4, and about 1", h.book.hottest, h.own.hottest)
	}
}
