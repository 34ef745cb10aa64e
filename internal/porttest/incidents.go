package porttest

import (
	"testing"
	"time"

	"shirase/internal/incident"
	"shirase/internal/message"
)

// opened answers an incident that was just recorded.
func opened(t *testing.T, id incident.ID, at time.Time) incident.Incident {
	t.Helper()
	return must1(incident.Open(incident.Opening{
		ID: id, Kind: incident.Outage, Severity: incident.Major, Components: []incident.ComponentID{"checkout", "invoices"},
		Groups: []string{"all"}, DetectedAt: at, At: at, By: "alarm", Plan: 1, Facts: facts(t, at),
	}))(t)
}

// facts answers facts of every kind, so that a store that loses one is found out.
func facts(t *testing.T, at time.Time) incident.Facts {
	t.Helper()
	window := must1(incident.NewWindow(at.Add(time.Hour), at.Add(2*time.Hour), incident.Text{"en": "A rollback runs."}, time.Time{}))(t)
	return incident.Facts{
		Effect:    incident.Fact[incident.Text]{Value: incident.Text{"ja": "請求書を送信できません。", "en": "Invoices cannot be sent."}, State: incident.Confirmed, Source: "sato", At: at},
		StartedAt: incident.Fact[time.Time]{Value: at.Add(-2 * time.Minute), State: incident.Reported, At: at},
		Outlook:   incident.Fact[incident.Outlook]{Value: window, State: incident.Hypothesis, At: at},
		Data:      incident.Fact[incident.DataEffect]{Value: incident.DataNone, State: incident.Confirmed, At: at},
	}
}

// announced answers the incident with one more update.
func announced(t *testing.T, i incident.Incident, stage incident.Stage, at time.Time) (incident.Incident, incident.Update) {
	t.Helper()
	p := incident.Proposal{
		Kind: incident.Notice, Stage: stage, By: "sato", Text: incident.Text{"en": "We are on it."},
		Routes: []incident.Route{{Audience: incident.Customers, Channel: incident.Email}},
	}
	if !stage.Final() {
		p.Next = at.Add(30 * time.Minute)
	}
	after, u, err := i.Accept(p, at)
	must(t, err)
	return after, u
}

func text(id incident.ID, seq int, a incident.Audience, l incident.Locale) message.Message {
	return message.Message{
		Incident: id, Seq: seq, Audience: a, Locale: l,
		Contents: map[incident.Family]message.Content{
			incident.FamilyEmail: {Subject: "障害発生 <&>", Text: "続けてお知らせします。\n", HTML: "<p>続けて</p>"},
			incident.FamilySMS:   {Text: "Next update by 14:30 JST."},
		},
		Plain: map[incident.Family]message.Content{incident.FamilyEmail: {Subject: "plain", Text: "plain"}},
	}
}

func signal(alarm string, at time.Time) incident.Signal {
	return incident.Signal{
		ID: alarm + "@" + at.Format(time.RFC3339Nano), Alarm: alarm, ARN: "arn:aws:cloudwatch:eu-west-1:000000000000:alarm:" + alarm,
		Account: "000000000000", Region: "eu-west-1", Form: "metric", Path: "sns", State: incident.SignalAlarm,
		At: at.Add(-time.Second), ReceivedAt: at, Tags: map[string]string{"team": "billing"}, Children: []string{"a", "b"},
	}
}
