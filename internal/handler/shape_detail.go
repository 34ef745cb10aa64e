package handler

import "encoding/json"

// The details of EventBridge's events; all others are of no interest here.
const (
	detailAlarm       = "CloudWatch Alarm State Change"
	detailContributor = "CloudWatch Alarm Contributor State Change"
)

// sourceCloudWatch is the source of both shapes. Nobody but AWS can send
// EventBridge an event whose source begins with "aws.".
const sourceCloudWatch = "aws.cloudwatch"

// alarmEvent is an event of EventBridge about an alarm.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html
type alarmEvent struct {
	DetailType string      `json:"detail-type"`
	Source     string      `json:"source"`
	Account    string      `json:"account"`
	Region     string      `json:"region"`
	Resources  []string    `json:"resources"`
	Detail     alarmDetail `json:"detail"`
}

// alarmAction is what an alarm's Lambda action hands over: the same detail in
// another envelope.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-actions-Lambda.html
type alarmAction struct {
	Source    string      `json:"source"`
	AlarmARN  string      `json:"alarmArn"`
	AccountID string      `json:"accountId"`
	Region    string      `json:"region"`
	AlarmTags labels      `json:"alarmTags"`
	AlarmData alarmDetail `json:"alarmData"`
}

type alarmDetail struct {
	AlarmName     string     `json:"alarmName"`
	State         alarmState `json:"state"`
	PreviousState alarmState `json:"previousState"`
	Configuration struct {
		Description        string          `json:"description"`
		AlarmRule          string          `json:"alarmRule"`
		EvaluationCriteria json.RawMessage `json:"evaluationCriteria"`
		Metrics            []struct {
			Expression string `json:"expression"`
		} `json:"metrics"`
	} `json:"configuration"`
	AlarmContributor *struct {
		ID         string `json:"id"`
		Attributes labels `json:"attributes"`
	} `json:"alarmContributor"`
	MuteDetail json.RawMessage `json:"muteDetail"`
	AlarmTags  labels          `json:"alarmTags"`
}

type alarmState struct {
	Value               string     `json:"value"`
	Reason              string     `json:"reason"`
	ReasonData          reasonData `json:"reasonData"`
	Timestamp           string     `json:"timestamp"`
	ActionsSuppressedBy string     `json:"actionsSuppressedBy"`
}

// reasonData is JSON in a string. Only a composite alarm's names of children
// are read from it, and left out where they cannot be.
type reasonData struct {
	TriggeringAlarms []struct {
		ARN string `json:"arn"`
	} `json:"triggeringAlarms"`
}

// UnmarshalJSON never fails on valid JSON.
func (d *reasonData) UnmarshalJSON(b []byte) error {
	type plain reasonData
	var text string
	var p plain
	if json.Unmarshal(b, &text) == nil && json.Unmarshal([]byte(text), &p) == nil {
		*d = reasonData(p)
	}
	return nil
}

func decodeEvent(raw []byte) (said, error) {
	var e alarmEvent
	if err := unmarshal(raw, &e); err != nil {
		return said{}, err
	}
	switch {
	case e.DetailType != detailAlarm && e.DetailType != detailContributor:
		return said{}, errShape
	case e.Source != sourceCloudWatch:
		return said{}, errSource
	}
	w := e.Detail.said()
	w.path, w.account, w.region = pathEventBridge, e.Account, e.Region
	if len(e.Resources) == 1 {
		w.arn = e.Resources[0]
	}
	if e.DetailType == detailContributor {
		w.form = formContributor
	}
	return w, nil
}

func decodeAction(raw []byte) (said, error) {
	var a alarmAction
	if err := unmarshal(raw, &a); err != nil {
		return said{}, err
	}
	if a.Source != sourceCloudWatch {
		return said{}, errSource
	}
	w := a.AlarmData.said()
	w.path, w.arn, w.account, w.region = pathLambda, a.AlarmARN, a.AccountID, a.Region
	if w.tags == nil {
		w.tags = a.AlarmTags
	}
	return w, nil
}

func (d alarmDetail) said() said {
	w := said{
		form: d.form(), alarm: d.AlarmName,
		state: d.State.Value, previous: d.PreviousState.Value, reason: d.State.Reason, at: d.State.Timestamp,
		suppressed: d.State.ActionsSuppressedBy != "", muted: present(d.MuteDetail),
		wasSuppressed: d.PreviousState.ActionsSuppressedBy != "",
		description:   d.Configuration.Description, tags: d.AlarmTags,
	}
	for _, c := range d.State.ReasonData.TriggeringAlarms {
		w.children = append(w.children, c.ARN)
	}
	if c := d.AlarmContributor; c != nil {
		w.contributor, w.attributes = c.ID, c.Attributes
	}
	return w
}

func (d alarmDetail) form() string {
	c := d.Configuration
	switch {
	case d.AlarmContributor != nil:
		return formContributor
	case c.AlarmRule != "":
		return formComposite
	case present(c.EvaluationCriteria), len(c.Metrics) == 0 && d.State.Reason == "":
		// Only PromQL alarms neither name a metric nor give a reason.
		return formPromQL
	}
	for _, m := range c.Metrics {
		if m.Expression != "" {
			return formMath
		}
	}
	return formMetric
}

// present reports whether a value is there and not null.
func present(v json.RawMessage) bool { return len(v) > 0 && string(v) != "null" }
