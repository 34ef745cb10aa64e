package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"shirase/events"
	"shirase/internal/embedded"
)

// demo plays an outage through the public interfaces only: an alarm comes in by
// /invoke, the on-call engineer follows the link in the mail, everything else
// is the API, time is moved by /clock, and what everybody got is read from
// /inbox.json. It fails if anything that was to be told is missing there.
func demo(ctx context.Context, base, key string, slow bool, out io.Writer) error {
	d := &player{ctx: ctx, base: base, key: key, out: out, pause: 0}
	if slow {
		d.pause = 900 * time.Millisecond
	}
	acts := []func() error{d.alarm, d.draft, d.identified, d.monitoring, d.resolved}
	for _, act := range acts {
		if err := act(); err != nil {
			return fmt.Errorf("demo: %w", err)
		}
		if err := d.wait(); err != nil {
			return err
		}
	}
	return d.close()
}

// player is who plays the demo.
type player struct {
	ctx   context.Context //nolint:containedctx // one player plays one demo
	base  string
	key   string
	out   io.Writer
	pause time.Duration
	now   time.Time

	incident string
	alarmAt  time.Time
}

func (d *player) say(format string, args ...any) { fmt.Fprintf(d.out, format+"\n", args...) }

// tell says what happens at the time of the story.
func (d *player) tell(format string, args ...any) {
	d.say("%s  %s", d.now.In(tokyo).Format("15:04:05"), fmt.Sprintf(format, args...))
}

// tokyo is where the sample company is.
var tokyo = time.FixedZone("JST", 9*60*60)

func (d *player) wait() error {
	if d.pause == 0 {
		return nil
	}
	select {
	case <-d.ctx.Done():
		return d.ctx.Err()
	case <-time.After(d.pause):
		return nil
	}
}

// call makes a request and decodes its JSON answer.
func (d *player) call(method, path string, body, into any) error {
	var b []byte
	var err error
	switch v := body.(type) {
	case nil:
	case []byte:
		b = v
	default:
		if b, err = json.Marshal(v); err != nil {
			return err
		}
	}
	req, err := http.NewRequestWithContext(d.ctx, method, d.base+path, bytes.NewReader(b))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+d.key)
	req.Header.Set("Content-Type", "application/json")
	return d.do(req, into)
}

func (d *player) do(req *http.Request, into any) error {
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close() //nolint:errcheck // it was only read
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode >= 400 {
		return fmt.Errorf("%s %s: %s: %s", req.Method, req.URL.Path, resp.Status, answer)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(answer, into)
}

// advance moves the clock and waits until everything has settled.
func (d *player) advance(by string) error {
	var at struct {
		Now time.Time `json:"now"`
	}
	if err := d.call(http.MethodPost, "/clock", map[string]string{"advance": by}, &at); err != nil {
		return err
	}
	d.now = at.Now
	return nil
}

// inbox reads what everybody got.
func (d *player) inbox() (es []embedded.Entry, err error) {
	return es, d.call(http.MethodGet, "/inbox.json", nil, &es)
}

// alarm sends the sample alarm, with its times moved to now.
func (d *player) alarm() error {
	if err := d.advance("0s"); err != nil {
		return err
	}
	event, err := events.Files.ReadFile("alarm/five/invoice-send-errors.json")
	if err != nil {
		return err
	}
	d.alarmAt = d.now
	stamp := []byte(d.now.UTC().Format("2006-01-02T15:04:05.000+0000"))
	event = regexp.MustCompile(`2026-08-20T10:[0-9:.]+(\+0000|Z)`).ReplaceAll(event, stamp)
	if err := d.call(http.MethodPost, "/invoke/alarm", event, nil); err != nil {
		return err
	}
	d.tell("CloudWatch raises invoice-send-errors. Nobody outside hears yet: the plan holds it for a minute.")
	return d.advance("61s")
}

var (
	actionLink = regexp.MustCompile(`/act/[A-Za-z0-9_.~-]+`)
	digestOf   = regexp.MustCompile(`name="digest" value="([0-9a-f]+)"`)
)

// draft follows the link in the on-call engineer's mail and publishes.
func (d *player) draft() error {
	es, err := d.inbox()
	if err != nil {
		return err
	}
	var link string
	for _, e := range es {
		if e.Kind == "operator" && e.Channel == "email" {
			link = actionLink.FindString(e.Text)
			d.tell("On call gets a mail: %s", e.Subject)
		}
	}
	if link == "" {
		return errors.New("no mail with a signed link reached the on-call engineer")
	}
	req, err := http.NewRequestWithContext(d.ctx, http.MethodGet, d.base+link, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	page, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close() // it was only read
	if err != nil {
		return err
	}
	m := digestOf.FindSubmatch(page)
	if m == nil {
		return fmt.Errorf("the page of the draft has no texts to publish: %s", resp.Status)
	}
	form := url.Values{"do": {"publish"}, "digest": {string(m[1])}}
	post, err := http.NewRequestWithContext(d.ctx, http.MethodPost, d.base+link, strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	post.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if err := d.do(post, nil); err != nil {
		return err
	}
	var list struct {
		Items []struct {
			ID string `json:"id"`
		} `json:"items"`
	}
	if err := d.call(http.MethodGet, "/v1/incidents", nil, &list); err != nil {
		return err
	}
	if len(list.Items) != 1 {
		return fmt.Errorf("there are %d incidents, want 1", len(list.Items))
	}
	d.incident = list.Items[0].ID
	d.tell("She opens the link on her phone, reads the texts and presses Publish. Incident %s is public.", d.incident)
	if err := d.advance("0s"); err != nil {
		return err
	}
	return d.quote()
}

// update publishes a further stage after a while.
func (d *player) update(after, what string, body map[string]any) error {
	if err := d.advance(after); err != nil {
		return err
	}
	if err := d.call(http.MethodPost, "/v1/incidents/"+d.incident+"/updates", body, nil); err != nil {
		return err
	}
	d.tell("%s", what)
	if err := d.advance("0s"); err != nil {
		return err
	}
	return d.quote()
}

func (d *player) identified() error {
	from := d.now.Add(40 * time.Minute).Truncate(5 * time.Minute)
	return d.update("18m", "The cause is found; customers get it with an outlook.", map[string]any{
		"stage": "identified",
		"cause": map[string]string{
			"ja": "当社が行った設定の変更で、請求書が送られなくなっていました。いま元に戻しています。",
			"en": "A setting that we changed stopped invoices from going out. We are changing it back.",
		},
		"scope": map[string]string{
			"ja": "お客さまの約30%が請求書を送信できません。作成・保存・閲覧はできます。",
			"en": "About 30% of customers cannot send invoices. Creating, saving and viewing still work.",
		},
		"outlook": map[string]any{"kind": "window", "from": from, "to": from.Add(30 * time.Minute)},
	})
}

func (d *player) monitoring() error {
	return d.update("20m", "The setting is back; we watch.", map[string]any{
		"stage": "monitoring",
		"text": map[string]string{
			"ja": "設定を元に戻し、請求書を送信できるようになりました。送られずに残っていた請求書は当社から送りますので、もう一度送る必要はありません。",
			"en": "The setting is back and invoices can be sent again. We are sending the waiting invoices ourselves, so please do not send them again.",
		},
		"outlook": map[string]any{"kind": "restored"}, "fixed_at": d.now.Add(15 * time.Minute),
	})
}

func (d *player) resolved() error {
	return d.update("45m", "All is well; the last word goes out.", map[string]any{
		"stage": "resolved", "data_effect": "none",
		"text": map[string]string{
			"ja": "残っていた請求書はすべて送り終えました。",
			"en": "All waiting invoices have been sent.",
		},
	})
}

// quote shows what one Japanese and one English reader just got.
func (d *player) quote() error {
	es, err := d.inbox()
	if err != nil {
		return err
	}
	last := 0
	for _, e := range es {
		last = max(last, e.Seq)
	}
	told := 0
	quoted := map[string]bool{}
	for _, e := range es {
		if e.Seq != last {
			continue
		}
		told++
		locale := string(e.Locale)
		if e.Audience != "customers" || e.Channel != "mastodon" || quoted[locale] {
			continue
		}
		quoted[locale] = true
		d.say("    %s  %s", locale, strings.ReplaceAll(e.Text, "\n", " "))
	}
	d.say("    → %d messages", told)
	return nil
}

// close prints figures computed from the inbox and fails if anything is missing.
func (d *player) close() error {
	es, err := d.inbox()
	if err != nil {
		return err
	}
	var inc struct {
		Promises []struct {
			By        time.Time `json:"by"`
			SettledAt time.Time `json:"settled_at"`
		} `json:"promises"`
	}
	if err := d.call(http.MethodGet, "/v1/incidents/"+d.incident, nil, &inc); err != nil {
		return err
	}
	kept := 0
	for _, p := range inc.Promises {
		if !p.SettledAt.IsZero() && !p.SettledAt.After(p.By) {
			kept++
		}
	}
	r := judge(es)
	d.say("")
	d.say("From the inbox:")
	d.say("  %d messages to %d recipients on %d channels, in %s", r.messages, r.recipients, len(r.channels), strings.Join(r.locales, " and "))
	d.say("  first notice %s after the alarm, of which the hold is 1m", r.first.Sub(d.alarmAt).Round(time.Second))
	d.say("  stages: %s", strings.Join(r.stages, " → "))
	d.say("  promises kept: %d of %d", kept, len(inc.Promises))
	d.say("  told twice: %d, older after newer: %d, missing: %d", r.doubled, r.disorder, len(r.missing))
	if kept != len(inc.Promises) {
		r.missing = append(r.missing, fmt.Sprintf("%d promises were not kept", len(inc.Promises)-kept))
	}
	if r.doubled+r.disorder+len(r.missing) > 0 {
		return fmt.Errorf("demo: the inbox is not as it must be: %s", strings.Join(r.missing, "; "))
	}
	return nil
}
