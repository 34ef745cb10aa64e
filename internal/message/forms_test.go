package message_test

import (
	"strings"
	"testing"
	"time"

	"shirase/internal/incident"
	"shirase/internal/message"
)

// The links of the forms: as an organisation has them, and as one machine does.
const (
	shortLink = "https://minato.test/i/7k2qm4"
	localLink = "http://127.0.0.1:36037/i/b31vwh"
)

// noticed spoils an input so that only the time of notice is known.
func noticed(in *message.Input) {
	in.Update.Facts = incident.Facts{}
	in.Update.Next = in.Incident.DetectedAt.Add(30 * time.Minute)
}

func TestFormsOfAShortMessage(t *testing.T) {
	resolved := func(in *message.Input, data incident.DataEffect) {
		at := in.Update.At
		in.Update.Stage, in.Update.Next = incident.Resolved, time.Time{}
		in.Update.Facts = incident.Facts{
			StartedAt: sure(at.Add(-7*time.Minute), at), EndedAt: sure(at.Add(-2*time.Minute), at), Data: sure(data, at),
		}
	}
	for _, c := range []struct {
		name  string
		id    incident.ID
		link  string
		spoil func(*message.Input)
		to    incident.Audience
		in    incident.Locale
		want  string
	}{
		{"full, noticed", "7k2qm4", "https://minato.test/7K2Q", noticed, incident.Customers, "ja", "ミナト請求【障害発生】請求書を送信できません(14:07検知)。次は14:37までに "},
		{"no brackets, noticed", "7k2qm4", shortLink, noticed, incident.Customers, "ja", "ミナト請求:請求書を送信できません(14:07検知)。次は14:37までに "},
		{"one machine, noticed", "b31vwh", localLink, noticed, incident.Customers, "ja", "ミナト請求:請求書を送信できません(14:07検知)。次は14:37までに "},
		{"one machine, begun", "b31vwh", localLink, nil, incident.Customers, "ja", "ミナト請求:14:05ごろから請求書を送信できません。次は14:30までに "},
		{"by severity", "b31vwh", localLink, noticed, incident.Engineering, "ja", "障害・高:請求書を送信できません(14:07検知)。次は14:37までに "},
		{"a drill has no room for the name", "drill-b31vwh", localLink, noticed, incident.Customers, "ja", "【訓練】障害:請求書を送信できません(14:07検知)。次は14:37までに "},
		{"a longer effect", "b31vwh", localLink, func(in *message.Input) {
			noticed(in)
			in.Update.Facts.Effect = sure(both("オンラインでのお支払いができません。", "Online payments cannot be made."), in.Update.At)
		}, incident.Customers, "ja", "障害(14:07):オンラインでのお支払いができません。次は14:37までに "},
		{"an effect with no room gives way to its topic", "b31vwh", localLink, func(in *message.Input) {
			noticed(in)
			in.Update.Facts.Effect = sure(both("オンラインでのお支払いと、請求書の送信と、支払いの記録ができません。", "x"), in.Update.At)
		}, incident.Engineering, "ja", "【障害・重大度高】請求書の送信に問題(14:07検知)。次は14:37までに "},
		{"several effects", "7k2qm4", shortLink, func(in *message.Input) {
			noticed(in)
			in.Update.Components = []incident.ComponentID{"send", "pay", "search", "export", "login"}
		}, incident.Customers, "ja", "ミナト請求:請求書の送信など5件に問題(14:07検知)。次は14:37までに "},
		{"straight to the cause", "b31vwh", localLink, func(in *message.Input) {
			noticed(in)
			in.Update.Stage = incident.Identified
		}, incident.Customers, "ja", "ミナト請求:請求書を送信できません(14:07検知)。次は14:37までに "},
		{"resolved", "b31vwh", localLink, func(in *message.Input) { resolved(in, incident.DataNone) }, incident.Customers, "ja", "ミナト請求:請求書の送信は復旧しました(15日14:05〜14:10)。 "},
		{"resolved, with word of lost data", "b31vwh", localLink, func(in *message.Input) { resolved(in, incident.DataLost) }, incident.Customers, "ja", "復旧:請求書の送信。失われたデータがあります。 "},
		{"English, noticed", "b31vwh", localLink, noticed, incident.Customers, "en", "[Investigating] Minato Billing: Invoices cannot be sent. Noticed at 14:07 JST. Next update by 14:37 JST. "},
		{"English, a longer effect", "b31vwh", localLink, func(in *message.Input) {
			noticed(in)
			in.Update.Facts.Effect = sure(both("x", "Invoices cannot be sent by email or post."), in.Update.At)
		}, incident.Support, "en", "Major. Minato Billing: Invoices cannot be sent by email or post. Noticed at 14:07 JST. Next update by 14:37 JST. "},
		{"English, resolved", "b31vwh", localLink, func(in *message.Input) { resolved(in, "") }, incident.Customers, "en", "[Resolved] Minato Billing: The problem with Sending invoices (14:05-14:10 JST on 15 Sep) is over. "},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := firstNotice(t, c.id)
			in.Link = c.link
			if c.spoil != nil {
				c.spoil(&in)
			}
			ms, _ := render(t, in)
			got := textFor(t, ms, c.to, c.in).Contents[incident.FamilySMS].Text
			if want := c.want + c.link; got != want {
				t.Errorf("SMS = %q, want %q", got, want)
			}
			if parts, _ := message.Parts(got); parts != 1 {
				t.Errorf("Parts(%q) = %d, want 1", got, parts)
			}
		})
	}
}

// TestFirstNoticeSaysWhatSinceWhenAndWhenNext holds every family to the three
// things that a first notice owes its readers, also where the start is not known.
func TestFirstNoticeSaysWhatSinceWhenAndWhenNext(t *testing.T) {
	for name, spoil := range map[string]func(*message.Input){
		"noticed": noticed,
		"identified at once": func(in *message.Input) {
			noticed(in)
			in.Update.Stage = incident.Identified
		},
		"automatic": func(in *message.Input) {
			noticed(in)
			in.Update.Kind, in.Update.By, in.Incident.AckedBy = incident.Automatic, "shirase", ""
		},
	} {
		for _, link := range []string{shortLink, localLink} {
			in := firstNotice(t, "b31vwh")
			in.Link = link
			spoil(&in)
			ms, _ := render(t, in)
			for _, m := range ms {
				what := map[incident.Locale]string{"ja": "請求書", "en": "nvoices"}[m.Locale]
				for f, c := range m.Contents {
					for _, want := range []string{what, "14:07", "14:37", link} {
						if !strings.Contains(c.Text, want) {
							t.Errorf("%s, %s, %s, %s does not say %q: %s", name, m.Audience, m.Locale, f, want, c.Text)
						}
					}
				}
			}
		}
	}
}

func TestWhoHasTakenItOn(t *testing.T) {
	for _, c := range []struct {
		name, by    string
		audience    incident.Audience
		in          incident.Locale
		want, never string
	}{
		{"a member", "sato", incident.Management, "ja", "対応の責任者:佐藤 (Sato)。", "当番"},
		{"a draft", "on-call", incident.Management, "ja", "対応の責任者:当番の担当者。", "on-call"},
		{"a draft", "on-call", incident.Management, "en", "Lead: the engineer on duty.", "on-call"},
		{"a draft", "on-call", incident.Engineering, "ja", "受領 当番の担当者", "on-call"},
		{"a draft", "on-call", incident.Engineering, "en", "acknowledged by the engineer on duty", "on-call"},
		{"a key", "local", incident.Management, "ja", "対応の責任者:当番の担当者。", "local"},
		{"a key", "local", incident.Management, "en", "Lead: the engineer on duty.", "local"},
		{"a key", "local", incident.Engineering, "en", "acknowledged by local", "engineer on duty"},
		{"nobody", "", incident.Management, "ja", "対応の責任者:当番の担当者(まだ受領していません)。", "佐藤"},
		{"nobody", "", incident.Management, "en", "Lead: the engineer on duty (not acknowledged yet).", "佐藤"},
		{"nobody", "", incident.Engineering, "en", "not acknowledged: engineer on duty, please acknowledge first", "acknowledged by"},
	} {
		t.Run(c.name+", "+string(c.audience)+" in "+string(c.in), func(t *testing.T) {
			in := firstNotice(t, "b31vwh")
			in.Incident.AckedBy, in.Signals = c.by, nil
			ms, _ := render(t, in)
			text := textFor(t, ms, c.audience, c.in).Contents[incident.FamilyEmail].Text
			head, _, _ := strings.Cut(text, "\n--\n")
			head, _, _ = strings.Cut(head, "14:30")
			if !strings.Contains(head, c.want) || strings.Contains(head, c.never) {
				t.Errorf("mail = %q, want %q and no %q", head, c.want, c.never)
			}
		})
	}
}
