package main

import (
	"fmt"
	"net/http"
	"time"
)

// groupedAlarms are the rules of the driven program: three outages that may
// happen at once. Two groups publish by themselves, one waits for a person.
const groupedAlarms = `alarms:
  hold: 1s
  rules:
    - {name: checkout*, component: checkout, severity: critical, group: pay, publish: auto, after: 1s}
    - {name: invoice*, component: invoices, severity: major, group: pay, publish: auto, after: 1s}
    - {name: login*, component: login, severity: critical, group: login, publish: auto, after: 1s}
    - {name: search*, component: search, severity: minor, group: search}
    - {name: report*, component: reports, severity: minor, group: search}
`

// alarmNames are alarms of those rules and one of none.
var alarmNames = []string{
	"checkout-errors", "checkout-latency", "invoice-send-errors", "login-failures", "search-latency", "report-queue-age", "disk-full",
}

// rung is what a monitor said.
type rung struct {
	Alarm, State string
	At           time.Time
}

// cloudWatch is how the three states are called there and with us.
var cloudWatch = map[string]string{"alarm": "ALARM", "ok": "OK", "insufficient_data": "INSUFFICIENT_DATA"}

// event is a rung as EventBridge hands it over.
func (r rung) event() string {
	return fmt.Sprintf(`{"version":"0","id":"6f2c1d0a","detail-type":"CloudWatch Alarm State Change","source":"aws.cloudwatch","account":"111122223333",`+
		`"time":%q,"region":"ap-northeast-1","resources":["arn:aws:cloudwatch:ap-northeast-1:111122223333:alarm:%s"],`+
		`"detail":{"alarmName":%q,"state":{"value":%q,"reason":"a threshold was crossed","timestamp":%q},"previousState":{"value":"OK"},`+
		`"configuration":{"metrics":[{"id":"m1","metricStat":{"stat":"Sum"}}]}}}`,
		r.At.Format(time.RFC3339), r.Alarm, r.Alarm, cloudWatch[r.State], r.At.Format("2006-01-02T15:04:05.000-0700"))
}

func (r rung) call() *call {
	return &call{method: http.MethodPost, path: "/invoke/alarm", body: r.event()}
}

// now is the time to the millisecond, as monitors give it.
func now() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }
