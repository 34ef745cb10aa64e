package handler

import "encoding/json"

// snsAlarm is the message of an alarm's SNS action, as far as it matters here.
// Region is left out: it is a display name. A composite alarm has no Trigger.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-actions.html
type snsAlarm struct {
	AlarmName                  string `json:"AlarmName"`
	AlarmDescription           string `json:"AlarmDescription"`
	AWSAccountID               string `json:"AWSAccountId"`
	NewStateValue              string `json:"NewStateValue"`
	NewStateReason             string `json:"NewStateReason"`
	StateChangeTime            string `json:"StateChangeTime"`
	AlarmARN                   string `json:"AlarmArn"`
	OldStateValue              string `json:"OldStateValue"`
	AlarmContributorID         string `json:"AlarmContributorId"`
	AlarmContributorAttributes labels `json:"AlarmContributorAttributes"`
	AlarmTags                  labels `json:"AlarmTags"`
	AlarmRule                  string `json:"AlarmRule"`
	TriggeringChildren         []struct {
		ARN string `json:"Arn"`
	} `json:"TriggeringChildren"`
	Trigger struct {
		Metrics            []snsMetric     `json:"Metrics"`
		EvaluationCriteria json.RawMessage `json:"EvaluationCriteria"`
	} `json:"Trigger"`
}

type snsMetric struct {
	Expression string `json:"Expression"`
}

func decodeSNS(raw []byte) (said, error) {
	var a snsAlarm
	if err := unmarshal(raw, &a); err != nil {
		return said{}, err
	}
	w := said{
		path: pathSNS, form: formMetric,
		alarm: a.AlarmName, arn: a.AlarmARN, account: a.AWSAccountID,
		contributor: a.AlarmContributorID, attributes: a.AlarmContributorAttributes,
		state: a.NewStateValue, previous: a.OldStateValue, reason: a.NewStateReason, at: a.StateChangeTime,
		description: a.AlarmDescription, tags: a.AlarmTags,
	}
	for _, c := range a.TriggeringChildren {
		w.children = append(w.children, c.ARN)
	}
	switch {
	case a.AlarmContributorID != "":
		w.form = formContributor
	case a.AlarmRule != "":
		w.form = formComposite
	case present(a.Trigger.EvaluationCriteria):
		w.form = formPromQL
	default:
		for _, m := range a.Trigger.Metrics {
			if m.Expression != "" {
				w.form = formMath
			}
		}
	}
	return w, nil
}
