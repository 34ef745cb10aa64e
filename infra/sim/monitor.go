package main

import (
	"fmt"
	"time"
)

// alarmName are alarms of the plan's rules, and one that no rule matches.
var alarmNames = []string{"checkout-errors", "checkout-latency", "search-errors", "login-errors", "unknown-thing"}

// said is what a monitor has said: what must not get lost.
type said struct {
	alarm, state string
	at           time.Time
}

// alarms plans the alarms of a story: one or several begin to fire at about the
// same time, and flap, clear and fire again as alarms do.
func (w *world) alarms(s *story, at time.Time) {
	names := []string{alarmNames[w.rng.IntN(len(alarmNames))]}
	for w.rng.IntN(3) == 0 {
		names = append(names, alarmNames[w.rng.IntN(len(alarmNames))])
	}
	for _, name := range names {
		when := at
		if w.rng.IntN(2) == 0 { // the others all at once
			when = at.Add(time.Duration(w.rng.IntN(90)) * time.Second)
		}
		state := "ALARM"
		for range 1 + w.rng.IntN(4) {
			w.says(s, name, state, when)
			when = when.Add(time.Duration(1+w.rng.IntN(40)) * time.Minute / time.Duration(1+2*w.rng.IntN(10)))
			state = map[string][]string{"ALARM": {"OK", "OK", "INSUFFICIENT_DATA"}, "OK": {"ALARM"}, "INSUFFICIENT_DATA": {"ALARM", "OK"}}[state][0]
			if state == "OK" && w.rng.IntN(5) == 0 {
				state = "INSUFFICIENT_DATA"
			}
		}
	}
}

// says lets a monitor speak, by one of the three ways or by two of them.
func (w *world) says(s *story, name, state string, at time.Time) {
	w.do(at, func(d doing) string {
		stamp := d.now.UTC().Truncate(time.Millisecond)
		ways := d.rng.IntN(4)
		for _, other := range []string{"ALARM", "OK", "INSUFFICIENT_DATA"} {
			if other != state && d.monitored[said{name, other, stamp}] {
				return "" // no alarm has two states at one moment
			}
		}
		d.monitored[said{name, state, stamp}] = true
		if ways != 1 {
			d.put(d.queues["alarm"], bridged(name, state, stamp))
		}
		if ways > 0 {
			d.direct([]byte(acted(name, state, stamp)), 0)
		}
		d.after(time.Minute, func() { d.known(s) })
		return fmt.Sprintf("alarm %s says %s", name, state)
	})
}

// known finds the incident that a story's alarms have led to.
func (w *world) known(s *story) {
	if s.id != "" {
		return
	}
	is, err := w.store.Live(bg)
	if err != nil {
		panic(err)
	}
	for _, i := range is {
		if len(i.Snapshot().Groups) > 0 {
			s.id = i.ID()
		}
	}
}

// maxAsync is how often Lambda tries an asynchronous invocation before it hands
// the event to the on-failure destination, here the alarm queue.
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
const maxAsync = 3

// direct is an alarm's Lambda action.
func (w *world) direct(payload []byte, tried int) {
	if w.chance(atAlarm, duplicate, "asynchronous invocation") {
		w.invoke("alarm", payload, func(any, error, bool) {})
	}
	w.waiting++
	w.invoke("alarm", payload, func(_ any, err error, died bool) {
		w.waiting--
		switch {
		case !died && err == nil:
		case tried+1 < maxAsync:
			w.waiting++
			w.after(time.Duration(tried+1)*time.Minute, func() {
				w.waiting--
				w.direct(payload, tried+1)
			})
		default:
			w.rare("on-failure destination")
			w.put(w.queues["alarm"], string(payload))
		}
	})
}

// arn is the full name of an alarm.
func arn(name string) string { return "arn:aws:cloudwatch:us-east-1:111122223333:alarm:" + name }

// stampFormat is how CloudWatch writes a time.
const stampFormat = "2006-01-02T15:04:05.000-0700"

func detail(name, state string, at time.Time) string {
	return fmt.Sprintf(`{"alarmName":%q,"state":{"value":%q,"reason":"a threshold was crossed","timestamp":%q},"previousState":{"value":"OK"},`+
		`"configuration":{"metrics":[{"id":"m1","metricStat":{"stat":"Sum"}}]}}`, name, state, at.Format(stampFormat))
}

// bridged is the alarm as EventBridge sends it to the alarm queue.
func bridged(name, state string, at time.Time) string {
	return fmt.Sprintf(`{"version":"0","id":"c4c1c1c9","detail-type":"CloudWatch Alarm State Change","source":"aws.cloudwatch","account":"111122223333",`+
		`"time":%q,"region":"us-east-1","resources":[%q],"detail":%s}`, at.Format(time.RFC3339), arn(name), detail(name, state, at))
}

// acted is the same as the alarm's own Lambda action hands it over.
func acted(name, state string, at time.Time) string {
	return fmt.Sprintf(`{"source":"aws.cloudwatch","alarmArn":%q,"accountId":"111122223333","time":%q,"region":"us-east-1","alarmData":%s}`,
		arn(name), at.Format(stampFormat), detail(name, state, at))
}
