package template

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// A metric is what an alarm looks at: namespace, name and the resource, or else
// the word, that its first dimension names.
type metric struct{ space, name, of string }

// watched answers the metrics that an alarm looks at, and how many it pays for.
func watched(a Resource) []metric {
	read := func(m any) metric {
		var of string
		for _, d := range items(at(m, "Dimensions")) {
			value := text(at(d, "Value"))
			of = cmp.Or(of, named(value), value)
		}
		return metric{text(at(m, "Namespace")), text(at(m, "MetricName")), of}
	}
	if a.Get("MetricName") != nil {
		return []metric{read(a.Get())}
	}
	var out []metric
	for _, m := range items(a.Get("Metrics")) {
		if s := at(m, "MetricStat", "Metric"); s != nil {
			out = append(out, read(s))
		}
	}
	return out
}

// alarms: P9.
func alarms(s *Stack, found report) {
	seen := map[metric]bool{}
	for _, a := range s.Of("AWS::CloudWatch::Alarm") {
		if !strings.HasPrefix(a.Text("AlarmName"), Name+"-") {
			found(a.Name, "does not begin with the stack's name, by which the intake knows our own")
		}
		if !reaches(s, a) {
			found(a.Name, "reaches nobody, or goes through a pipeline of ours")
		}
		for _, m := range watched(a) {
			seen[m] = true
		}
		if fills(a) && (a.Number("DatapointsToAlarm") < 1 || a.Number("DatapointsToAlarm") >= a.Number("EvaluationPeriods")) {
			found(a.Name, "may see nothing but what FILL fills in")
		}
	}
	want := func(of, space, name string) {
		m := metric{space, name, of}
		if !seen[m] {
			found(cmp.Or(of, "the stack"), "nobody watches %s", name)
		}
	}
	fed := map[string]bool{}
	for _, m := range s.mappings() {
		fed[m.queue] = true
	}
	for _, q := range s.Of("AWS::SQS::Queue") {
		if fed[q.Name] {
			want(q.Name, "AWS/SQS", "ApproximateAgeOfOldestMessage")
		} else {
			want(q.Name, "AWS/SQS", "ApproximateNumberOfMessagesVisible")
		}
	}
	for _, w := range [][2]string{{"AlarmFunction", "alarm"}, {"FanOutFunction", "fanout"}, {"DeliveryEmailFunction", "delivery"}} {
		if _, there := s.resources[w[0]]; there {
			want(w[1], "Shirase", "waited_ms") // what SQS's own age leaves out
		}
	}
	for _, f := range slices.Sorted(maps.Keys(s.asyncs())) {
		want(f, "AWS/Lambda", "AsyncEventsDropped")
		want(f, "AWS/Lambda", "Errors")
	}
	for _, sub := range s.Of("AWS::SNS::Subscription") {
		if sub.Get("FilterPolicy") != nil {
			want(named(sub.Text("TopicArn")), "AWS/SNS", "NumberOfNotificationsFilteredOut-InvalidAttributes")
		}
	}
	for _, schedule := range s.Of("AWS::Scheduler::Schedule") {
		want(named(schedule.Text("Target", "Arn")), "AWS/Lambda", "Invocations")
	}
	if len(s.Functions()) > 0 {
		want("", "AWS/Lambda", "Throttles")
	}
	if len(s.Of("AWS::SES::ConfigurationSet")) > 0 {
		want("", "AWS/SES", "Reputation.BounceRate")
		want("", "AWS/SES", "Reputation.ComplaintRate")
	}
	spends(s, seen, found)
}

// fills reports whether an alarm is on an expression that fills in what is
// missing. The newest minute is, as long as its metrics are late.
func fills(a Resource) bool {
	return slices.ContainsFunc(items(a.Get("Metrics")), func(m any) bool { return strings.Contains(text(at(m, "Expression")), "FILL(") })
}

// reaches reports whether an alarm goes to a topic that a person reads and
// nothing of ours does.
func reaches(s *Stack, a Resource) bool {
	to := texts(a.Get("AlarmActions"))
	for _, topic := range to {
		people, others := 0, 0
		for _, sub := range s.Of("AWS::SNS::Subscription") {
			switch {
			case named(sub.Text("TopicArn")) != named(topic):
			case sub.Text("Protocol") == "email":
				people++
			default:
				others++
			}
		}
		if people == 0 || others > 0 {
			return false
		}
	}
	return len(to) > 0
}

// spends looks whether somebody watches the month's spend where SMS are sent.
func spends(s *Stack, seen map[metric]bool, found report) {
	for _, role := range s.ours() {
		for _, st := range s.grants(role) {
			if phones(st) && !seen[metric{"AWS/SNS", "SMSMonthToDateSpentUSD", ""}] &&
				!seen[metric{"AWS/SMSVoice", "TextMessageMonthlySpend", ""}] {
				found(role, "nobody watches what SMS cost")
			}
		}
	}
}

// longest is how many days a log may be kept: that of an audit.
const longest = 400

// logGroups: P10.
func logGroups(s *Stack, found report) {
	for _, g := range s.Of("AWS::Logs::LogGroup") {
		if days := g.Number("RetentionInDays"); days < 1 || days > longest {
			found(g.Name, "keeps logs for ever, or too long")
		}
	}
	declared := func(r Resource, to string) {
		if s.resources[named(to)].Type != "AWS::Logs::LogGroup" {
			found(r.Name, "logs to a group that is not of this template")
		}
	}
	for _, f := range s.Functions() {
		declared(f, f.Text("LoggingConfig", "LogGroup"))
	}
	for _, st := range s.Of("AWS::ApiGatewayV2::Stage") {
		if to := st.Text("AccessLogSettings", "DestinationArn"); to != "" {
			declared(st, to)
		}
	}
}

// logFormat: P11. That no address is logged is for the types of the code to see to.
func logFormat(s *Stack, found report) {
	for _, f := range s.Functions() {
		if f.Text("LoggingConfig", "LogFormat") != "JSON" {
			found(f.Name, "logs text")
		}
	}
}
