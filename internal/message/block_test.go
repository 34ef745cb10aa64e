package message_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"shirase/internal/incident"
	"shirase/internal/message"
)

// firstNotice is the input of an ordinary first notice, to be spoilt.
func firstNotice(tb testing.TB, id incident.ID) message.Input {
	tb.Helper()
	return told(tb, minato(tb), outage(tb, id))[0]
}

func found(fs []message.Finding, id string) []message.Finding {
	return slices.DeleteFunc(slices.Clone(fs), func(f message.Finding) bool { return f.ID != id })
}

func TestBlockingRules(t *testing.T) {
	for _, c := range []struct {
		name, text, rule string
	}{
		{"an AWS key", "The key is AKIAIOSFODNN7EXAMPLE.", "SEC-02"},
		{"a token of JSON", "Use eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.abc for now.", "SEC-02"},
		{"a private key", "-----BEGIN RSA PRIVATE KEY----- abc", "SEC-02"},
		{"a password", "Sign in with password=hunter2 for now.", "SEC-02"},
		{"a Japanese password", "パスワード:abc12345 でお試しください。", "SEC-02"},
		{"a key of ours", "Call it with shk_01_abcdef.", "SEC-02"},
		{"a secret in a link", "See https://user:pass1@minato.test/x", "SEC-02"},
		{"an ARN", "arn:aws:rds:ap-northeast-1:123456789012:db:main failed.", "SEC-01"},
		{"an address of a machine", "The machine 10.0.3.17 failed.", "SEC-01"},
		{"an IPv6 address", "The machine 2001:db8::17 failed.", "SEC-01"},
		{"an instance", "i-0abcd1234ef567890 stopped.", "SEC-01"},
		{"a host", "ip-10-0-3-17 does not answer.", "SEC-01"},
		{"an internal host", "db.prod.internal does not answer.", "SEC-01"},
		{"a stack trace", "panic: nil map at main.go:41", "SEC-01"},
		{"a ticket", "See OPS-123.", "SEC-01"},
		{"a mail address", "Write to taro@example.test.", "SEC-03"},
		{"a phone number", "お電話は 03-1234-5678 まで。", "SEC-03"},
		{"an international number", "Call +81 90 1234 5678 now.", "SEC-03"},
		{"a place in braces", "Fixed by {{time}}.", "HOLE-01"},
		{"a place in dollars", "Fixed by ${time}.", "HOLE-01"},
		{"a place in angles", "Fixed by <TBD>.", "HOLE-01"},
		{"circles", "○○の問題です。", "HOLE-01"},
		{"a time to be filled in", "XX:XXごろから。", "HOLE-01"},
		{"a machine", "The service db01 is down.", "SEC-01"},
		{"a machine with a dash", "web-3が止まりました。", "SEC-01"},
		{"a guess", "This was probably a bad release.", "FACT-02"},
		{"a guess of the past", "Data may have been lost.", "FACT-02"},
		{"a Japanese guess", "おそらく設定の誤りです。", "FACT-02"},
		{"a Japanese hope", "まもなく直るはずです。", "FACT-02"},
		{"a turn of direction", "Now\u202efixed.", "HOLE-03"},
		{"a bell", "Now\afixed.", "HOLE-03"},
		{"the mark of a drill", "【訓練】これは訓練です。", "DRILL-01"},
		{"the English mark of a drill", "[DRILL] Only a test.", "DRILL-01"},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := firstNotice(t, "01KBLOCK")
			in.Update.Text = both(c.text, c.text)
			_, fs := render(t, in)
			got := found(fs, c.rule)
			if len(got) != 2 || got[0].Field != "text" || got[0].Level != message.Block || got[0].In != "ja" || got[1].In != "en" {
				t.Errorf("Render(%q) found %+v, want %s to block the text in each locale", c.text, fs, c.rule)
			}
			for _, f := range fs {
				if strings.Contains(f.Problem, c.text) {
					t.Errorf("problem %q repeats the text, want it to keep the secret", f.Problem)
				}
			}
		})
	}
}

func TestWhatIsNotBlocked(t *testing.T) {
	for _, text := range []string{
		"送られずに残っていた842通は15:36までに送り終えました。再発防止策は9月18日(金)までにご報告します。",
		"If an invoice is urgent, save the PDF and send it from your own email. This worked from 14:05-15:12 JST (05:05-06:12 UTC).",
		"Files in UTF-8 and Shift-JIS 2022 are affected, as are versions 1.2 and 3.14. It is 100% fixed since 2026-09-15 14:05:30.",
		"二〇二六年九月。合計1,234,567,890円の請求が対象です。",
		"You may have to sign in again.\r\nPlease wait. はずれた設定を手はずどおりに戻しました。",
		"Please change your password: it takes a minute.",
		"Contact: https://minato.test/help",
	} {
		in := firstNotice(t, "01KFINE")
		in.Update.Text = both(text, text)
		if _, fs := render(t, in); message.Blocks(fs) {
			t.Errorf("Render(%q) found %+v, want nothing that blocks", text, fs)
		}
	}
}

func TestComponentNamesAreAllowed(t *testing.T) {
	p := minato(t)
	p.Components[0].Name = both("OPS-123 連携", "OPS-123 link")
	p.Organisation.Contact = "help@minato.test"
	in := told(t, p, outage(t, "01KNAMES"))[3]
	if _, fs := render(t, in); message.Blocks(fs) {
		t.Errorf("Render() found %+v, want a component and the contact to be called what they are called", fs)
	}
}

func TestUnconfirmedFactsStayInside(t *testing.T) {
	in := firstNotice(t, "01KFACTS")
	ms, fs := render(t, in)
	if message.Blocks(fs) {
		t.Fatalf("Render() found %+v, want nothing that blocks", fs)
	}
	for _, m := range ms {
		for f, c := range m.Contents {
			all := c.Subject + c.Text + c.HTML
			hypothesis := strings.Contains(all, "設定の変更が関係") || strings.Contains(all, "sending settings is involved")
			report := strings.Contains(all, "約30%が失敗") || strings.Contains(all, "30% of sends fail")
			outside := m.Audience == incident.Customers || m.Audience == incident.Staff || f == incident.FamilySocial || f == incident.FamilyWebhook
			if hypothesis && (outside || m.Audience != incident.Engineering) {
				t.Errorf("%s, %s, %s tells a hypothesis: %s", m.Audience, m.Locale, f, all)
			}
			if report && outside {
				t.Errorf("%s, %s, %s tells an unconfirmed report: %s", m.Audience, m.Locale, f, all)
			}
		}
	}
	mail := textFor(t, ms, incident.Engineering, "en").Contents[incident.FamilyEmail].Text
	if !strings.Contains(mail, "Cause (hypothesis): A change of the sending settings is involved.") {
		t.Errorf("engineers read %q, want the hypothesis, marked", mail)
	}
	in.Update.Text = both("送信の設定の変更が関係しています。", "a change of the sending settings is involved, we think")
	if _, fs = render(t, in); len(found(fs, "FACT-01")) != 2 {
		t.Errorf("Render() found %+v, want FACT-01 to block the hypothesis in the text", fs)
	}
	if got := found(fs, "FACT-02"); len(got) != 1 || got[0].In != "en" || got[0].Level != message.Block {
		t.Errorf("Render() found %+v, want FACT-02 to block of the guess in English", fs)
	}
}

func TestMissingWords(t *testing.T) {
	in := firstNotice(t, "01KWORDS")
	at := in.Update.At
	in.Update.Facts.Effect = sure(incident.Text{"ja": "請求書がまったく送れません。"}, at)
	in.Update.Facts.Workaround = sure(incident.Text{"en": "Please wait."}, at)
	ms, fs := render(t, in)
	if got := found(fs, "LOC-01"); len(got) != 1 || got[0].In != "en" || got[0].Field != "effect" || got[0].Level != message.Warn {
		t.Errorf("Render() found %+v, want LOC-01 for the English effect", fs)
	}
	if got := found(fs, "LOC-02"); len(got) != 1 || got[0].In != "ja" || got[0].Field != "workaround" {
		t.Errorf("Render() found %+v, want LOC-02 for the Japanese workaround", fs)
	}
	if mail := textFor(t, ms, incident.Customers, "en").Contents[incident.FamilyEmail].Text; !strings.Contains(mail, "Invoices cannot be sent.") {
		t.Errorf("English mail = %q, want the plan's own sentence", mail)
	}
	if mail := textFor(t, ms, incident.Customers, "ja").Contents[incident.FamilyEmail].Text; !strings.Contains(mail, "請求書がまったく送れません。") {
		t.Errorf("Japanese mail = %q, want the operator's sentence", mail)
	}
}

func TestNextTimeIsOwed(t *testing.T) {
	in := firstNotice(t, "01KNEXT")
	in.Update.Next = time.Time{}
	if _, fs := render(t, in); len(found(fs, "NEXT-01")) != 1 {
		t.Errorf("Render() without a next time found %+v, want NEXT-01", fs)
	}
	in = firstNotice(t, "01KNEXT")
	in.Link = "https://status.minato.test/i/01K5B3V0QJ8R2M4N6P8S0T2V4XYZ01"
	if _, fs := render(t, in); message.Blocks(fs) || len(found(fs, "SMS-01")) == 0 {
		t.Errorf("Render() with a long link found %+v, want SMS-01 to warn and nothing to block", fs)
	}
	in.Link = "https://abcdefghij.execute-api.ap-northeast-1.amazonaws.com/i/01K5B3V0QJ8R2M4N6P8S0T2V4X"
	ms, fs := render(t, in)
	if message.Blocks(fs) || len(found(fs, "SMS-02")) == 0 {
		t.Errorf("Render() with a link longer than a short message found %+v, want SMS-02 to warn and nothing to block", fs)
	}
	if got := textFor(t, ms, incident.Customers, "ja").Contents[incident.FamilySMS].Text; !strings.Contains(got, "14:30") || strings.Contains(got, "https") {
		t.Errorf("SMS = %q, want it without the link and with the next time", got)
	}
}

func TestDrillsAreMarkedEverywhere(t *testing.T) {
	for _, in := range told(t, minato(t), outage(t, "drill-01KDRILL")) {
		ms, fs := render(t, in)
		if message.Blocks(fs) {
			t.Errorf("Render() found %+v, want nothing that blocks", fs)
		}
		for _, m := range ms {
			mark := map[incident.Locale]string{"ja": "【訓練】", "en": "[DRILL]"}[m.Locale]
			for f, c := range m.Contents {
				if !strings.Contains(c.Text, mark) || f == incident.FamilyEmail && (!strings.HasPrefix(c.Subject, mark) || !strings.Contains(c.HTML, mark)) {
					t.Errorf("%s, %s, %s lacks the mark: %+v", m.Audience, m.Locale, f, c)
				}
			}
		}
	}
}

func TestGuessesBlockInEveryField(t *testing.T) {
	in := firstNotice(t, "01KGUESS")
	guess := sure(both("たぶん設定の誤りです。", "It seems to be a setting."), in.Update.At)
	f := &in.Update.Facts
	f.Effect, f.Scope, f.Workaround, f.Cause, f.Prevention = guess, guess, guess, guess, guess
	_, fs := render(t, in)
	if got := found(fs, "FACT-02"); len(got) != 10 || !message.Blocks(got) {
		t.Errorf("Render() found %+v, want FACT-02 to block five fields in two languages", got)
	}
}

func TestPlaceWithoutCauseClaimsNoCause(t *testing.T) {
	in := told(t, minato(t), outage(t, "01KPLACE"))[2]
	in.Update.Facts.Cause = incident.Fact[incident.Text]{}
	ms, _ := render(t, in)
	for _, m := range ms {
		for f, c := range m.Contents {
			for _, never := range []string{"ause found", "found the cause", "know the cause", "cause of the problem", "原因がわかり", "原因判明"} {
				if strings.Contains(c.Subject+c.Text, never) {
					t.Errorf("%s, %s, %s claims a cause: %s", m.Audience, m.Locale, f, c.Subject+c.Text)
				}
			}
		}
	}
}

func TestCorrectionTellsNothingOfTheWrongUpdate(t *testing.T) {
	ins := told(t, minato(t), others(t)[2])
	in := ins[2]
	in.Update.Facts = ins[1].Update.Facts // nothing is stated anew
	ms, fs := render(t, in)
	if len(found(fs, "HOLE-02")) != 0 {
		t.Errorf("Render() found %+v, want words of the author to be enough", fs)
	}
	for _, m := range ms {
		for _, contents := range []map[incident.Family]message.Content{m.Contents, m.Plain} {
			for f, c := range contents {
				if strings.Contains(c.Text, "No customer can") || strings.Contains(c.Text, "すべてのお客さまが") {
					t.Errorf("%s, %s, %s repeats what was wrong: %s", m.Audience, m.Locale, f, c.Text)
				}
			}
		}
	}
	in.Update.Text = nil
	if _, fs = render(t, in); len(found(fs, "HOLE-02")) != 1 || !message.Blocks(fs) {
		t.Errorf("Render() found %+v, want HOLE-02 to block", fs)
	}
}
