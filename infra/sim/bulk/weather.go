package bulk

import (
	"fmt"
	"slices"
	"time"

	"shirase/internal/incident"
)

// fronts are the outages of a storm: each fails the alarms of one group. The
// first alarm of a front is its anchor, which fires at the beginning and stays
// until the notice must be out; the others come and go as they like. The last
// front is one alarm alone, so that all of it flaps.
var fronts = []struct {
	group  string
	alarms int
}{{"payments", 29}, {"portal", 20}, {"search", 10}, {"mail", 1}}

// anchored is how long an anchor stays.
const anchored = 3 * time.Minute

// alarmName names alarm n of a front.
func alarmName(group string, n int) string { return fmt.Sprintf("%s-%02d", group, n) }

// A change is a state that an alarm took.
type change struct {
	alarm string
	state incident.SignalState
	at    time.Time
}

// A drop is one message on the alarm queue: a change, by one of the ways that
// CloudWatch tells it, visible from a time on.
type drop struct {
	change  change
	visible time.Time
	sns     bool
}

// watch is an alarm of the storm.
type watch struct {
	name   string
	state  incident.SignalState
	at     time.Time
	anchor bool
}

// weather makes the drops of a storm, in the order in which they become visible:
// so many in the time, a third of them changes, the others repeats of changes by
// either way, some of them late and so out of order.
func weather(seed uint64, total int, length time.Duration) []drop {
	c := chance{seed}
	var watches []*watch
	for _, f := range fronts {
		for n := range f.alarms {
			watches = append(watches, &watch{name: alarmName(f.group, n), state: incident.SignalOK, anchor: n == 0})
		}
	}
	drops := make([]drop, 0, total)
	var changes []change
	for n := range total {
		at := begin.Add(length * time.Duration(n) / time.Duration(total)).Truncate(time.Millisecond)
		w := watches[c.below(len(watches))]
		switch {
		case n < len(watches): // everything fails at once
			changes = append(changes, watches[n].turn(at))
		case c.one(3) && (!w.anchor || at.Sub(begin) > anchored):
			changes = append(changes, w.turn(at))
		}
		d := drop{change: changes[len(changes)-1-c.below(min(len(changes), 200))], visible: at, sns: c.one(4)}
		if n < len(watches) {
			d.change = changes[n]
		}
		switch {
		case n < len(watches):
		case c.one(100):
			d.visible = at.Add(time.Duration(c.below(60_000)) * time.Millisecond)
		default:
			d.visible = at.Add(time.Duration(c.below(2_000)) * time.Millisecond)
		}
		drops = append(drops, d)
	}
	slices.SortStableFunc(drops, func(a, b drop) int { return a.visible.Compare(b.visible) })
	return drops
}

// turn changes the state of an alarm.
func (w *watch) turn(at time.Time) change {
	if w.state == incident.SignalAlarm {
		w.state = incident.SignalOK
	} else {
		w.state = incident.SignalAlarm
	}
	if !at.After(w.at) {
		at = w.at.Add(time.Millisecond)
	}
	w.at = at
	return change{w.name, w.state, at}
}

// The shapes in which an alarm reaches the queue: an event of EventBridge, and a
// message of SNS with raw delivery.
const (
	eventShape = `{"version":"0","id":"%s","detail-type":"CloudWatch Alarm State Change","source":"aws.cloudwatch",` +
		`"account":"111122223333","time":"%s","region":"ap-northeast-1","resources":["%s"],"detail":{"alarmName":"%s",` +
		`"configuration":{"description":"Errors of a service","metrics":[{"id":"m1","metricStat":{"metric":{"namespace":"AWS/ApiGateway",` +
		`"name":"5xx","dimensions":{"ApiId":"abc123"}},"period":60,"stat":"Sum"},"returnData":true}]},` +
		`"state":{"value":"%s","reason":"Threshold Crossed: 1 datapoint.","timestamp":"%s"}}}`
	snsShape = `{"AlarmName":"%s","AlarmDescription":"Errors of a service","AWSAccountId":"111122223333","NewStateValue":"%s",` +
		`"NewStateReason":"Threshold Crossed: 1 datapoint.","StateChangeTime":"%s","Region":"Asia Pacific (Tokyo)","AlarmArn":"%s",` +
		`"OldStateValue":"INSUFFICIENT_DATA","Trigger":{"MetricName":"5xx","Namespace":"AWS/ApiGateway","Statistic":"SUM","Period":60}}`
	stamp = "2006-01-02T15:04:05.000-0700"
)

// body writes a drop as CloudWatch would.
func (d drop) body() string {
	arn := "arn:aws:cloudwatch:ap-northeast-1:111122223333:alarm:" + d.change.alarm
	value := "ALARM"
	if d.change.state == incident.SignalOK {
		value = "OK"
	}
	at := d.change.at.Format(stamp)
	if d.sns {
		return fmt.Sprintf(snsShape, d.change.alarm, value, at, arn)
	}
	id := fmt.Sprintf("%s-%d", d.change.alarm, d.change.at.UnixMilli())
	return fmt.Sprintf(eventShape, id, d.change.at.Format(time.RFC3339), arn, d.change.alarm, value, at)
}
