package message_test

import (
	"testing"
	"time"

	"shirase/internal/incident"
	"shirase/internal/message"
	"shirase/internal/plan"
)

// tokyo is the zone of the samples' organisation.
func tokyo(tb testing.TB) *time.Location {
	tb.Helper()
	loc, err := time.LoadLocation("Asia/Tokyo")
	if err != nil {
		tb.Fatalf("load the zone: %v", err)
	}
	return loc
}

// clock answers a time of Tuesday, 15 September 2026 in Tokyo.
func clock(tb testing.TB, h, m int) time.Time {
	tb.Helper()
	return time.Date(2026, 9, 15, h, m, 0, 0, tokyo(tb))
}

func both(ja, en string) incident.Text { return incident.Text{"ja": ja, "en": en} }

func sure[T any](v T, at time.Time) incident.Fact[T] {
	return incident.Fact[T]{Value: v, State: incident.Confirmed, Source: "sato", At: at}
}

func guessed[T any](v T, at time.Time) incident.Fact[T] {
	return incident.Fact[T]{Value: v, State: incident.Hypothesis, Source: "sato", At: at}
}

func reported[T any](v T, at time.Time) incident.Fact[T] {
	return incident.Fact[T]{Value: v, State: incident.Reported, Source: "support", At: at}
}

// minato is the plan of the samples: six audiences, five components, two locales.
func minato(tb testing.TB) *plan.Plan {
	tb.Helper()
	return &plan.Plan{
		Version: 1,
		Organisation: plan.Organisation{
			Name: both("ミナト請求", "Minato Billing"), Contact: "https://minato.test/help", From: "notice@minato.test",
			Zone: tokyo(tb), Locales: []incident.Locale{"ja", "en"}, URL: "https://minato.test",
		},
		Components: []plan.Component{
			{ID: "send", Name: both("請求書の送信", "Sending invoices"), Effect: both("請求書を送信できません。", "Invoices cannot be sent.")},
			{ID: "pay", Name: both("支払いの記録", "Payment records"), Effect: both("支払いを記録できません。", "Payments cannot be recorded.")},
			{ID: "search", Name: both("検索", "Search"), Effect: both("検索の結果が表示されません。", "Search shows no results.")},
			{ID: "export", Name: both("帳票の出力", "Exports"), Effect: both("帳票を出力できません。", "Exports cannot be made.")},
			{ID: "login", Name: both("ログイン", "Signing in"), Effect: both("ログインできません。", "Nobody can sign in.")},
		},
		Audiences: []plan.Audience{
			{ID: incident.Engineering, Name: both("開発", "Engineering"), Texts: incident.Engineering},
			{ID: incident.Support, Name: both("サポート", "Support"), Texts: incident.Support},
			{ID: incident.Management, Name: both("経営", "Management"), Texts: incident.Management},
			{ID: incident.Marketing, Name: both("広報", "Marketing"), Texts: incident.Marketing},
			{ID: incident.Staff, Name: both("社員", "Staff"), Texts: incident.Staff},
			{ID: incident.Customers, Name: both("お客さま", "Customers"), Texts: incident.Customers, Public: true},
		},
		Members: []plan.Member{{
			ID: "sato", Name: "佐藤 (Sato)", Audiences: []incident.Audience{incident.Engineering}, Locale: "ja",
			Addresses: map[incident.Channel]incident.Address{incident.Email: "sato@minato.test"},
		}},
		OnCall: []plan.MemberID{"sato"},
		Cadence: []plan.Rule{
			{Family: incident.FamilySMS, Tell: []plan.Event{plan.EventFirst, plan.EventFinal}},
			{Tell: []plan.Event{plan.EventStage, plan.EventMend}},
		},
		Timing: plan.Timing{Escalate: 5 * time.Minute, Hold: time.Minute},
	}
}

// A step is one update of a story.
type step struct {
	name     string
	proposal incident.Proposal
	at       time.Time
	// ack tells that somebody takes the incident on just before.
	ack bool
	// merge ends the incident in another.
	merge bool
	// signals are the alarms that engineers read of.
	signals []incident.Signal
}

// A story is an incident from its opening on.
type story struct {
	name    string
	opening incident.Opening
	steps   []step
}

// told plays a story and answers what each step is rendered from.
func told(tb testing.TB, p *plan.Plan, s story) []message.Input {
	tb.Helper()
	inc, err := incident.Open(s.opening)
	if err != nil {
		tb.Fatalf("open %s: %v", s.name, err)
	}
	var updates []incident.Update
	var out []message.Input
	for _, st := range s.steps {
		if st.ack {
			if inc, err = inc.Ack("sato", st.at); err != nil {
				tb.Fatalf("%s, %s: acknowledge: %v", s.name, st.name, err)
			}
		}
		var u incident.Update
		if st.merge {
			inc, u, _, err = inc.MergeInto("01KMERGED", st.proposal, st.at)
		} else {
			inc, u, err = inc.Accept(st.proposal, st.at)
		}
		if err != nil {
			tb.Fatalf("%s, %s: %v", s.name, st.name, err)
		}
		updates = append(updates, u)
		in := message.Input{Plan: p, Incident: inc.Snapshot(), Update: u, Link: "https://minato.test/i/7k2qm4", Signals: st.signals}
		if u.Of > 0 {
			in.Wrong = &updates[u.Of-1]
		}
		if st.merge {
			in.Into = "https://minato.test/i/9p4rx2"
		}
		out = append(out, in)
	}
	return out
}

func window(tb testing.TB, from, to time.Time, basis incident.Text) incident.Outlook {
	tb.Helper()
	o, err := incident.NewWindow(from, to, basis, time.Time{})
	if err != nil {
		tb.Fatalf("make a window: %v", err)
	}
	return o
}

func opening(tb testing.TB, id incident.ID, components ...incident.ComponentID) incident.Opening {
	tb.Helper()
	return incident.Opening{
		ID: id, Kind: incident.Outage, Severity: incident.Major, Components: components,
		DetectedAt: clock(tb, 14, 7), At: clock(tb, 14, 8), By: "alarm", Plan: 1,
	}
}

// outage is the story of the samples, from the first notice to the follow-up.
func outage(tb testing.TB, id incident.ID) story {
	tb.Helper()
	at := func(h, m int) time.Time { return clock(tb, h, m) }
	day := func(d, h, m int) time.Time { return at(h, m).AddDate(0, 0, d) }
	return story{name: "outage", opening: opening(tb, id, "send"), steps: []step{
		{name: "first", at: at(14, 12), ack: true, signals: []incident.Signal{{
			Alarm: "send-failures", State: incident.SignalAlarm, Reason: "3 datapoints were above 5 %", At: at(14, 7),
		}}, proposal: incident.Proposal{
			Kind: incident.Notice, Stage: incident.Investigating, By: "sato", Next: at(14, 30),
			Facts: incident.Facts{
				StartedAt: sure(at(14, 5), at(14, 11)),
				Cause:     guessed(both("送信の設定の変更が関係しています", "A change of the sending settings is involved"), at(14, 11)),
				Scope:     reported(both("送信の約30%が失敗しています", "About 30% of sends fail"), at(14, 11)),
			},
		}},
		{name: "scope", at: at(14, 26), proposal: incident.Proposal{
			Kind: incident.ScopeUpdate, Stage: incident.Investigating, By: "sato", Next: at(14, 55),
			Facts: incident.Facts{
				Scope: sure(both("お客さまの約30%が請求書を送信できませんが、作成・保存・閲覧はできます。",
					"About 30% of customers cannot send invoices; creating, saving and viewing still work."), at(14, 26)),
				Workaround: sure(both("お急ぎのときは、請求書のPDFを保存して、ご自身のメールでお送りください。",
					"If an invoice is urgent, save the PDF and send it from your own email."), at(14, 26)),
			},
		}},
		{name: "identified", at: at(14, 50), proposal: incident.Proposal{
			Kind: incident.Notice, Stage: incident.Identified, By: "sato", Next: at(15, 20),
			Facts: incident.Facts{
				Cause: sure(both("当社が13:58に変えた設定によるもので、いま元に戻しています。",
					"A setting that we changed at 13:58 JST stopped invoices from going out, and we are changing it back."), at(14, 50)),
				Outlook: sure(window(tb, at(15, 10), at(15, 40), both("設定を戻す作業の進み方から見込んでいます。",
					"This is based on how fast the change is being undone.")), at(14, 50)),
			},
		}},
		{name: "monitoring", at: at(15, 18), proposal: incident.Proposal{
			Kind: incident.Notice, Stage: incident.Monitoring, By: "sato", Next: at(16, 15),
			Facts: incident.Facts{FixedAt: sure(at(15, 12), at(15, 18))},
			Text: both("請求書を送信できるようになりました。送られずに残っていた842通は当社から自動で送りますので、もう一度送る必要はありません。",
				"Invoices can be sent again. We are sending the 842 waiting invoices ourselves, so please do not send them again."),
		}},
		{name: "resolved", at: at(16, 12), proposal: incident.Proposal{
			Kind: incident.Notice, Stage: incident.Resolved, By: "sato",
			Facts: incident.Facts{
				EndedAt: sure(at(15, 12), at(16, 10)), Data: sure(incident.DataNone, at(16, 10)),
				Scope: sure(both("お客さまの約30%が請求書を送信できませんでした。", "About 30% of customers could not send invoices."), at(16, 10)),
				Cause: sure(both("当社が13:58に変えた設定によるものでした。", "A setting that we changed at 13:58 JST stopped invoices from going out."), at(16, 10)),
			},
			Text: both("残っていた842通は15:36までに送り終えました。再発防止策は9月18日(金)までにご報告します。",
				"All 842 waiting invoices went out by 15:36 JST. We will report what we are changing by Fri 18 Sep."),
		}},
		{name: "report", at: day(3, 11, 0), proposal: incident.Proposal{
			Kind: incident.Report, Stage: incident.Postmortem, By: "sato",
			Facts: incident.Facts{
				Cause: sure(both("13:58に変えた設定の誤りで、事前の試験でも見つけられませんでした。",
					"The cause was an error in a setting that we changed at 13:58 JST, which our tests did not catch."), day(3, 10, 0)),
				Prevention: sure(both("異常があれば設定を自動で元に戻す仕組みを、9月25日(金)までに入れます。",
					"By Fri 25 Sep, such changes will undo themselves if sending fails."), day(3, 10, 0)),
			},
			Text: both("対策の効果は、10月26日(月)にご報告します。", "On Mon 26 Oct we will report whether this works."),
		}},
	}}
}

// others are the stories beside the outage.
func others(tb testing.TB) []story {
	tb.Helper()
	at := func(h, m int) time.Time { return clock(tb, h, m) }
	first := incident.Proposal{
		Kind: incident.Notice, Stage: incident.Investigating, By: "sato", Next: at(14, 30),
		Facts: incident.Facts{StartedAt: sure(at(14, 5), at(14, 11))},
	}
	wrongScope := incident.Proposal{
		Kind: incident.ScopeUpdate, Stage: incident.Investigating, By: "sato", Next: at(14, 55),
		Facts: incident.Facts{Scope: sure(both("すべてのお客さまが請求書を送信できません。", "No customer can send invoices."), at(14, 26))},
	}
	automatic := incident.Proposal{Kind: incident.Automatic, Stage: incident.Investigating, By: "shirase", Next: at(14, 37)}
	maintenance := opening(tb, "01KMAINTENANCE", "send", "export")
	maintenance.Kind, maintenance.Severity, maintenance.By = incident.Maintenance, incident.Minor, "sato"
	from := time.Date(2026, 9, 20, 1, 0, 0, 0, tokyo(tb))
	maintenance.Window = incident.Window{From: from, To: from.Add(2 * time.Hour)}
	return []story{
		{name: "automatic", opening: opening(tb, "01KAUTOMATIC", "send"), steps: []step{
			{name: "automatic", at: at(14, 12), proposal: automatic},
			{name: "holding_unconfirmed", at: at(14, 39), proposal: incident.Proposal{
				Kind: incident.Holding, Stage: incident.Investigating, By: "shirase", Next: at(15, 9),
			}},
			{name: "confirmed", at: at(14, 50), ack: true, proposal: incident.Proposal{
				Kind: incident.Notice, Stage: incident.Investigating, By: "sato", Next: at(15, 20),
			}},
		}},
		{name: "late", opening: opening(tb, "01KLATE", "send"), steps: []step{
			{name: "first", at: at(14, 12), ack: true, proposal: first},
			{name: "holding_late", at: at(14, 42), proposal: incident.Proposal{
				Kind: incident.Holding, Stage: incident.Investigating, By: "shirase", Next: at(15, 12),
			}},
			{name: "resolved_after_midnight", at: at(23, 58), proposal: incident.Proposal{
				Kind: incident.Notice, Stage: incident.Monitoring, By: "sato", Next: at(23, 58).Add(12 * time.Minute),
				Facts: incident.Facts{FixedAt: sure(at(23, 50), at(23, 55))},
			}},
			{name: "reopened", at: at(23, 59), proposal: incident.Proposal{
				Kind: incident.Notice, Stage: incident.Investigating, By: "sato", Next: at(23, 59).Add(30 * time.Minute),
			}},
		}},
		{name: "correction", opening: opening(tb, "01KMENDED", "send"), steps: []step{
			{name: "first", at: at(14, 12), ack: true, proposal: first},
			{name: "scope", at: at(14, 26), proposal: wrongScope},
			{name: "correction", at: at(14, 40), proposal: incident.Proposal{
				Kind: incident.Correction, Stage: incident.Investigating, By: "sato", Of: 2, Next: at(15, 10),
				Facts: incident.Facts{Scope: sure(both("請求書を送信できないのは、お客さまの約30%です。", "About 30% of customers cannot send invoices."), at(14, 40))},
				Text:  both("すべてのお客さまと書きましたが、誤りでした。", "We wrote that no customer can send invoices, which is not so."),
			}},
		}},
		{name: "retraction", opening: opening(tb, "01KRETRACTION", "send"), steps: []step{
			{name: "first", at: at(14, 12), ack: true, proposal: first},
			{name: "scope", at: at(14, 26), proposal: wrongScope},
			{name: "retraction_of_one", at: at(14, 40), proposal: incident.Proposal{
				Kind: incident.Retraction, Stage: incident.Investigating, By: "sato", Of: 2, Next: at(15, 10),
			}},
			{name: "retraction_of_all", at: at(14, 58), proposal: incident.Proposal{
				Kind: incident.Retraction, Stage: incident.Investigating, By: "sato", Of: 1,
				Text: both("調べた結果、この問題は起きていませんでした。", "We checked, and the problem did not happen."),
			}},
		}},
		{name: "merge", opening: opening(tb, "01KMERGE", "search"), steps: []step{
			{name: "first", at: at(14, 12), ack: true, proposal: first},
			{name: "merged", at: at(14, 20), merge: true, proposal: incident.Proposal{By: "sato"}},
		}},
		{name: "five", opening: opening(tb, "01KFIVE", "send", "pay", "search", "export", "login"), steps: []step{
			{name: "first", at: at(14, 12), ack: true, proposal: first},
			{name: "resolved", at: at(15, 30), proposal: incident.Proposal{
				Kind: incident.Notice, Stage: incident.Resolved, By: "sato", Facts: incident.Facts{EndedAt: sure(at(15, 20), at(15, 28))},
			}},
		}},
		{name: "drill", opening: opening(tb, "drill-01KDRILL", "send"), steps: []step{
			{name: "first", at: at(14, 12), ack: true, proposal: first},
			{name: "resolved", at: at(15, 30), proposal: incident.Proposal{
				Kind: incident.Notice, Stage: incident.Resolved, By: "sato", Facts: incident.Facts{EndedAt: sure(at(15, 20), at(15, 28))},
			}},
		}},
		{name: "maintenance", opening: maintenance, steps: []step{
			{name: "scheduled", at: at(15, 0), proposal: incident.Proposal{
				Kind: incident.Notice, Stage: incident.Scheduled, By: "sato", Next: from,
			}},
			{name: "in_progress", at: from, proposal: incident.Proposal{
				Kind: incident.Notice, Stage: incident.InProgress, By: "sato", Next: from.Add(2 * time.Hour),
			}},
			{name: "verifying", at: from.Add(100 * time.Minute), proposal: incident.Proposal{
				Kind: incident.Notice, Stage: incident.Verifying, By: "sato", Next: from.Add(2 * time.Hour),
			}},
			{name: "completed", at: from.Add(110 * time.Minute), proposal: incident.Proposal{
				Kind: incident.Notice, Stage: incident.Completed, By: "sato",
			}},
		}},
	}
}

// stories are all of them.
func stories(tb testing.TB) []story {
	tb.Helper()
	return append([]story{outage(tb, "01KOUTAGE")}, others(tb)...)
}

// render renders and fails the test if that fails.
func render(tb testing.TB, in message.Input) ([]message.Message, []message.Finding) {
	tb.Helper()
	ms, fs, err := message.Render(in)
	if err != nil {
		tb.Fatalf("Render(%s) = %v, want no error", in.Update.Incident, err)
	}
	return ms, fs
}

// textFor answers the text of one audience and locale.
func textFor(tb testing.TB, ms []message.Message, a incident.Audience, l incident.Locale) message.Message {
	tb.Helper()
	for _, m := range ms {
		if m.Audience == a && m.Locale == l {
			return m
		}
	}
	tb.Fatalf("there is no text for %s in %s", a, l)
	return message.Message{}
}
