package bulk

import (
	"strings"
	"testing"
	"time"

	"shirase/internal/incident"
)

// TestStormFindsTheRuleThatPublishes: one alarm of thirty may publish by itself,
// and it fires steadily while the others flap.
func TestStormFindsTheRuleThatPublishes(t *testing.T) {
	t.Parallel()
	p := strings.Replace(string(forecast), "    - {name: payments-*, component: payments, severity: critical, group: payments, publish: auto, after: 1m}",
		"    - {name: payments-00, component: payments, severity: critical, group: payments, publish: auto, after: 1m}\n"+
			"    - {name: payments-*, component: payments, severity: critical, group: payments}", 1)
	w, err := Storm(t.Context(), StormOptions{Seed: 1, Alarms: 6_000, Length: 3 * time.Minute, Plan: []byte(p)})
	if err != nil {
		t.Fatal(err)
	}
	t.Log(w)
	if err := w.Check(); err != nil {
		t.Error(err)
	}
}

// TestLoneFlappingAlarm flaps one alarm twice a second for three minutes, once
// its notice is out.
func TestLoneFlappingAlarm(t *testing.T) {
	t.Parallel()
	var ds []drop
	for n, f := range fronts[:3] {
		at := begin.Add(time.Duration(n) * time.Second)
		ds = append(ds, drop{change: change{alarmName(f.group, 0), incident.SignalAlarm, at}, visible: at})
	}
	w := watch{name: alarmName("mail", 0), state: incident.SignalOK}
	ds = append(ds, drop{change: w.turn(begin), visible: begin.Add(10 * time.Second)})
	for n := range 360 {
		at := begin.Add(3*time.Minute + time.Duration(n)*500*time.Millisecond)
		ds = append(ds, drop{change: w.turn(at), visible: at})
	}
	x, err := rain(t.Context(), StormOptions{Alarms: len(ds), Length: 6 * time.Minute}, ds)
	if err != nil {
		t.Fatal(err)
	}
	t.Log(x)
	if err := x.Check(); err != nil {
		t.Error(err)
	}
	if x.Most > 4 {
		t.Errorf("an operator was sent %d messages in a minute about one alarm that flaps, want a few", x.Most)
	}
}

// TestFewReadersOutliveTwelveHours: the provider is away for 12 h; nobody is
// given up, and no chunk is taken from its queue more than 1,000 times.
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

// TestManyWorkersWearNoChunkOut: more senders than the rate needs.
func TestManyWorkersWearNoChunkOut(t *testing.T) {
	t.Parallel()
	o := fresh(10_000)
	o.Workers = 50
	f, err := Drain(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Log(f)
	if f.Dead > 0 {
		t.Errorf("Drain() = %s, want no chunk dead", f)
	}
}
