package message_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"shirase/internal/incident"
	"shirase/internal/message"
)

// memos are one memo of each kind, in one locale.
func memos(tb testing.TB, l incident.Locale, id incident.ID) []message.MemoInput {
	tb.Helper()
	first := told(tb, minato(tb), outage(tb, id))[0]
	ms, _ := render(tb, first)
	var drafts []message.Message
	for _, m := range ms {
		if m.Audience == incident.Customers {
			drafts = append(drafts, m)
		}
	}
	cleared, _ := render(tb, told(tb, minato(tb), outage(tb, id))[3])
	var watching []message.Message
	for _, m := range cleared {
		if m.Audience == incident.Customers {
			watching = append(watching, m)
		}
	}
	inc, err := incident.Open(opening(tb, id, "send"))
	if err != nil {
		tb.Fatal(err)
	}
	detected, open := inc.Snapshot(), first.Incident
	alarms := []incident.Signal{{Alarm: "send-failures", State: incident.SignalAlarm, Reason: "3 datapoints were above 5 %", At: clock(tb, 14, 7)}}
	clear := []incident.Signal{{Alarm: "send-failures", State: incident.SignalOK, At: clock(tb, 15, 12)}}
	signed := "https://minato.test/d/01KDRAFT?m=sato&e=1789000000&s=abcdefghijklmnopqrstuvwxyz"
	page := "https://minato.test/7K2Q"
	now := clock(tb, 14, 8)
	out := []message.MemoInput{
		{Kind: message.MemoDraft, Incident: &detected, Draft: drafts, Signals: alarms, Link: signed, Due: clock(tb, 14, 38), Now: now},
		{Kind: message.MemoDraft, Incident: &detected, Draft: drafts, Signals: alarms, Link: signed, Due: clock(tb, 14, 13), Auto: true, Now: now},
		{Kind: message.MemoJoined, Incident: &open, Signals: alarms, Link: page, Now: now},
		{Kind: message.MemoCleared, Incident: &open, Draft: watching, Signals: clear, Link: signed, Now: clock(tb, 15, 13)},
		{Kind: message.MemoEscalation, Incident: &detected, Draft: drafts, Signals: alarms, Link: signed, Now: clock(tb, 14, 13)},
		{Kind: message.MemoReminder, Incident: &open, Link: page, Due: clock(tb, 14, 30), Now: clock(tb, 14, 20)},
		{Kind: message.MemoOutlook, Incident: &open, Link: page, Due: clock(tb, 15, 40), Now: clock(tb, 15, 30)},
		{Kind: message.MemoUnreadable, Reason: "the event is no alarm that we know", Now: now},
		{Kind: message.MemoUndelivered, Incident: &open, Link: page, Channel: incident.Email, Count: 3, Reason: "rejected", Now: now},
		{Kind: message.MemoConfirm, Link: "https://minato.test/confirm?t=abcdefghijklmnopqrstuvwxyz", Due: clock(tb, 14, 8).AddDate(0, 0, 1), Now: now},
		{Kind: message.MemoConfirm, Code: "482913", Due: clock(tb, 14, 18), Now: now},
	}
	for n := range out {
		out[n].Plan, out[n].Locale, out[n].Drill = minato(tb), l, id.Drill()
	}
	return out
}

func TestMemoSamples(t *testing.T) {
	for _, l := range []incident.Locale{"ja", "en"} {
		var b strings.Builder
		fmt.Fprintf(&b, "# Memos, %s\n\nWhat operators and new subscribers get beside updates. Written by the tests of package message.\n\n", l)
		for _, in := range memos(t, l, "01KOUTAGE") {
			got, err := message.RenderMemo(in)
			if err != nil {
				t.Fatalf("RenderMemo(%s) = %v, want no error", in.Kind, err)
			}
			name := string(in.Kind)
			switch {
			case in.Auto:
				name += ", publishing itself"
			case in.Code != "":
				name += ", by code"
			}
			fmt.Fprintf(&b, "## %s\n\n", name)
			shown(&b, l, got, false, in.Plan.Organisation.Zone)
			fence(&b, "Chat:", got[incident.FamilyChat].Text)
		}
		golden(t, filepath.Join(string(l), "memos.md"), b.String())
	}
}

func TestMemos(t *testing.T) {
	nothing := map[incident.Locale]string{"ja": "何も", "en": "do nothing"}
	for _, l := range []incident.Locale{"ja", "en"} {
		for _, id := range []incident.ID{"01KMEMO", "drill-01KMEMO"} {
			for _, in := range memos(t, l, id) {
				got, err := message.RenderMemo(in)
				if err != nil {
					t.Fatalf("RenderMemo(%s) = %v, want no error", in.Kind, err)
				}
				mail, sms, chat := got[incident.FamilyEmail], got[incident.FamilySMS].Text, got[incident.FamilyChat].Text
				checkHTML(t, mail.HTML)
				if in.Kind != message.MemoJoined && !strings.Contains(strings.ToLower(mail.Text), nothing[l]) {
					t.Errorf("%s in %s does not tell what happens if nothing is done:\n%s", in.Kind, l, mail.Text)
				}
				for f, text := range map[string]string{"mail": mail.Text, "SMS": sms, "chat": chat} {
					if in.Link != "" && in.Code == "" && !strings.Contains(strings.ReplaceAll(text, "&amp;", "&"), in.Link) {
						t.Errorf("%s in %s: %s lacks the link %q: %q", in.Kind, l, f, in.Link, text)
					}
					if in.Code != "" && !strings.Contains(text, in.Code) {
						t.Errorf("%s in %s: %s lacks the code: %q", in.Kind, l, f, text)
					}
					if marked := strings.Contains(text, "【訓練】") || strings.Contains(text, "[DRILL]"); marked != id.Drill() {
						t.Errorf("%s in %s: %s carries a drill's mark: %v, want %v: %q", in.Kind, l, f, marked, id.Drill(), text)
					}
					if strings.ContainsAny(text, "⟦⟧") {
						t.Errorf("%s in %s: %s holds a token: %q", in.Kind, l, f, text)
					}
				}
				parts, _ := message.Parts(sms)
				if in.Kind == message.MemoConfirm && in.Code != "" && parts != 1 {
					t.Errorf("Parts(%q) = %d, want a code in 1", sms, parts)
				}
				if parts > 3 {
					t.Errorf("Parts(%q) = %d, want no more than its link needs", sms, parts)
				}
			}
		}
	}
}

func TestDraftMemoShowsTheExactTexts(t *testing.T) {
	in := memos(t, "ja", "01KDRAFTS")[0]
	got, err := message.RenderMemo(in)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range in.Draft {
		mail := message.Resolve(d.Contents[incident.FamilyEmail], incident.FamilyEmail, d.Locale, message.Reader{}, tokyo(t))
		body, _, _ := strings.Cut(mail.Text, "\n--\n")
		body = strings.ReplaceAll(body, "\n\n\n", "\n\n")
		for _, want := range []string{mail.Subject, strings.TrimSpace(body), d.Contents[incident.FamilySMS].Text} {
			if !strings.Contains(got[incident.FamilyEmail].Text, want) {
				t.Errorf("the draft's memo lacks %q:\n%s", want, got[incident.FamilyEmail].Text)
			}
		}
	}
	if text := got[incident.FamilyEmail].Text; !strings.Contains(text, "・お客さま:") {
		t.Errorf("the draft's memo does not say who is told:\n%s", text)
	}
}

func TestMemoErrors(t *testing.T) {
	in := memos(t, "ja", "01KERRORS")[0]
	for name, spoil := range map[string]func(*message.MemoInput){
		"no plan":           func(m *message.MemoInput) { m.Plan = nil },
		"an unknown kind":   func(m *message.MemoInput) { m.Kind = "greeting" },
		"an unknown locale": func(m *message.MemoInput) { m.Locale = "xx" },
	} {
		bad := in
		spoil(&bad)
		if _, err := message.RenderMemo(bad); !errors.Is(err, incident.ErrInvalid) {
			t.Errorf("RenderMemo(%s) = %v, want %v", name, err, incident.ErrInvalid)
		}
	}
}
