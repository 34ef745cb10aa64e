package bulk

import (
	"strings"
	"testing"
	"time"

	"shirase/internal/incident"
)

func TestStorm(t *testing.T) {
	t.Parallel()
	o := StormOptions{Seed: 1, Alarms: 6_000, Length: 6 * time.Minute}
	if *full {
		o = FullStorm()
	}
	w, err := Storm(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Log(w)
	if err := w.Check(); err != nil {
		t.Error(err)
	}
	if w.Old == 0 || w.Repeats == 0 || w.Fresh == 0 {
		t.Errorf("Storm() = %s, want fresh, old and repeated signals", w)
	}
}

func TestStormIsTheSameForASeed(t *testing.T) {
	t.Parallel()
	var lines []string
	for _, seed := range []uint64{2, 2, 3} {
		w, err := Storm(t.Context(), StormOptions{Seed: seed, Alarms: 400, Length: 3 * time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, w.String())
	}
	if lines[0] != lines[1] || lines[0] == lines[2] {
		t.Errorf("Storm() of seeds 2, 2, 3 = %q, want the first two alike, the third not", lines)
	}
}

// TestStormFindsTheRuleThatPublishes: one alarm of thirty may publish by itself,
// and it fires steadily while the others flap.
func TestStormFindsTheRuleThatPublishes(t *testing.T) {
	t.Parallel()
	p := strings.Replace(string(forecast), "    - {name: payments-*, component: payments, severity: critical, group: payments, publish: auto, after: 1m}",
		"    - {name: payments-00, component: payments, severity: critical, group: payments, publish: auto, after: 1m}\n"+
			"    - {name: payments-*, component: payments, severity: critical, group: payments}", 1)
	w, err := Storm(t.Context(), StormOptions{Seed: 1, Alarms: 3_000, Length: 3 * time.Minute, Plan: []byte(p)})
	if err != nil {
		t.Fatal(err)
	}
	t.Log(w)
	if err := w.Check(); err != nil {
		t.Error(err)
	}
}

// TestLoneFlappingAlarm flaps one alarm twice a second for two minutes, once its
// notice is out.
func TestLoneFlappingAlarm(t *testing.T) {
	t.Parallel()
	var ds []drop
	for n, f := range fronts[:3] {
		at := begin.Add(time.Duration(n) * time.Second)
		ds = append(ds, drop{change: change{alarmName(f.group, 0), incident.SignalAlarm, at}, visible: at})
	}
	w := watch{name: alarmName("mail", 0), state: incident.SignalOK}
	ds = append(ds, drop{change: w.turn(begin), visible: begin.Add(10 * time.Second)})
	for n := range 240 {
		at := begin.Add(3*time.Minute + time.Duration(n)*500*time.Millisecond)
		ds = append(ds, drop{change: w.turn(at), visible: at})
	}
	x, err := rain(t.Context(), StormOptions{Alarms: len(ds), Length: 5 * time.Minute}, ds)
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

// TestStormCheckFinds gives each fault to the check.
func TestStormCheckFinds(t *testing.T) {
	t.Parallel()
	good := func() Weather {
		w := Weather{Alarms: 10, Signals: 10, Fresh: 6, Old: 2, Repeats: 2, Evidence: 8, Incidents: map[string]int{}}
		for _, f := range fronts {
			w.Incidents[f.group] = 1
		}
		return w
	}
	if err := good().Check(); err != nil {
		t.Fatalf("Check() of a good one = %v, want nothing", err)
	}
	for want, plant := range map[string]func(*Weather){
		"taken in":           func(w *Weather) { w.Signals-- },
		"are left":           func(w *Weather) { w.Left = 1 },
		"could not be read":  func(w *Weather) { w.Unreadable = 1 },
		"are kept":           func(w *Weather) { w.Evidence-- },
		"opened 2 incidents": func(w *Weather) { w.Incidents["mail"] = 2 },
		"became incidents":   func(w *Weather) { delete(w.Incidents, "mail") },
		"nobody was told":    func(w *Weather) { w.Silent = []string{"mail"} },
		"after the hold":     func(w *Weather) { w.Late = noticeWithin + 1 },
		"in a minute":        func(w *Weather) { w.Most = operatorRate + 1 },
	} {
		w := good()
		plant(&w)
		if err := w.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Check() = %v, want %q in it", err, want)
		}
	}
}

// TestWeather looks at the drops: every alarm fires first, changes of one alarm
// take turns, and the anchors stay.
func TestWeather(t *testing.T) {
	t.Parallel()
	drops := weather(1, 5000, 5*time.Minute)
	if len(drops) != 5000 {
		t.Errorf("weather() = %d drops, want 5000", len(drops))
	}
	states := map[string]map[time.Time]incident.SignalState{}
	late, sns := 0, 0
	for n, d := range drops {
		if n > 0 && d.visible.Before(drops[n-1].visible) {
			t.Fatalf("drop %d is visible before the one in front of it", n)
		}
		if d.visible.Before(d.change.at) {
			t.Errorf("drop %d is visible before it happens", n)
		}
		if n > 0 && d.change.at.Before(drops[n-1].change.at) {
			late++
		}
		if d.sns {
			sns++
		}
		if states[d.change.alarm] == nil {
			states[d.change.alarm] = map[time.Time]incident.SignalState{}
		}
		states[d.change.alarm][d.change.at] = d.change.state
		if strings.HasSuffix(d.change.alarm, "-00") && d.change.state == incident.SignalOK && d.change.at.Sub(begin) <= anchored {
			t.Errorf("anchor %s clears after %s, want it to stay for %s", d.change.alarm, d.change.at.Sub(begin), anchored)
		}
	}
	if len(states) != 60 || late == 0 || sns == 0 {
		t.Errorf("weather() = %d alarms, %d out of order, %d by SNS, want 60 and some of each", len(states), late, sns)
	}
}
