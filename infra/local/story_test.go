package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"shirase/events"
	"shirase/internal/config"
	"shirase/internal/embedded"
)

func TestDemo(t *testing.T) {
	t.Parallel()
	r := launch(t, config.Config{}, time.Time{})
	var out bytes.Buffer
	if err := demo(t.Context(), r.url, "local", false, &out); err != nil {
		t.Fatalf("demo: %v\n%s", err, out.String())
	}
	if n := strings.Count(out.String(), "\n"); n > 60 {
		t.Errorf("the transcript has %d lines, want at most 60", n)
	}
}

// TestJudgeFindsWhatIsWrong takes messages away from a good inbox, doubles one
// and swaps two, and expects each to be named.
func TestJudgeFindsWhatIsWrong(t *testing.T) {
	t.Parallel()
	r := launch(t, config.Config{}, time.Time{})
	if err := demo(t.Context(), r.url, "local", false, &bytes.Buffer{}); err != nil {
		t.Fatal(err)
	}
	good := r.inbox()
	if j := judge(good); len(j.missing)+j.doubled+j.disorder != 0 {
		t.Fatalf("judge(good) = %+v, want nothing wrong", j)
	}
	if j := judge(append(slices.Clone(good), good[len(good)-1])); j.doubled != 1 {
		t.Errorf("judge(one twice) = %d doubled, want 1", j.doubled)
	}
	back := slices.Clone(good)
	slices.Reverse(back)
	if j := judge(back); j.disorder == 0 {
		t.Error("judge(backwards) found no disorder")
	}
	less := slices.DeleteFunc(slices.Clone(good), func(e embedded.Entry) bool {
		return e.Channel == "sms" && e.Locale == "ja" && e.Stage == "resolved"
	})
	if j := judge(less); !slices.Contains(j.missing, "sms/ja/resolved") {
		t.Errorf("judge(without one) = missing %v, want sms/ja/resolved", j.missing)
	}
}

func TestThreeInputsReachEveryChannel(t *testing.T) {
	t.Parallel()
	r := launch(t, config.Config{}, noon)
	o := r.open(three)
	r.settle()
	got := map[string]bool{}
	for _, e := range r.updates() {
		got[string(e.Channel)] = true
		if e.Audience != "customers" {
			continue
		}
		what, noticed, next := "Invoices cannot be sent", "14:07", "14:37"
		if e.Locale == "ja" {
			what = "請求書を送信できません"
		}
		for _, want := range []string{what, noticed, next} {
			if !strings.Contains(e.Text, want) {
				t.Errorf("%s in %s does not say %q:\n%s", e.Channel, e.Locale, want, e.Text)
			}
		}
		if !strings.Contains(e.Text, "/i/"+o.ID) {
			t.Errorf("%s in %s has no link to the incident:\n%s", e.Channel, e.Locale, e.Text)
		}
	}
	for _, c := range []string{"email", "sms", "mastodon", "slack", "webhook"} {
		if !got[c] {
			t.Errorf("nothing reached %s", c)
		}
	}
}

// TestEveryShapeInAnyWrappingOpensOneIncident hands every sample alarm to the
// function, twenty at once and each of them twice.
func TestEveryShapeInAnyWrappingOpensOneIncident(t *testing.T) {
	t.Parallel()
	r := launch(t, config.Config{}, noon)
	var names []string
	err := fs.WalkDir(events.Files, "alarm", func(p string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			names = append(names, p, p)
		}
		return err
	})
	if err != nil || len(names) < 60 {
		t.Fatalf("found %d samples, %v", len(names), err)
	}
	var g errgroup.Group
	g.SetLimit(20)
	for n, name := range names {
		if n%2 == 1 {
			slices.Reverse(names[n:]) // the second time in another order
		}
		g.Go(func() error {
			if status, b := r.do(http.MethodPost, "/invoke/alarm", event(t, name, noon.Add(-time.Hour))); status != 200 {
				return fmt.Errorf("%s = %d %s", name, status, b)
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	r.advance("2m")
	if is := r.incidents(); len(is) != 1 {
		t.Errorf("%d incidents, want 1: the alarms are of one group", len(is))
	}
}

func TestFiveComponentsOneNotice(t *testing.T) {
	t.Parallel()
	r := launch(t, config.Config{}, noon)
	r.must(http.MethodPost, "/invoke/alarm", event(t, "alarm/five-components.json", noon), nil)
	r.advance("61s")
	link := draftLink(t, r)
	r.publish(link)
	r.settle()
	want := map[string]string{
		"en": `("[^"]+"|[A-Z][a-z ]+), ("[^"]+"|[A-Z][a-z ]+), ("[^"]+"|[A-Z][a-z ]+), ("[^"]+"|[A-Z][a-z ]+),? and ("[^"]+"|[A-Z][a-z ]+)`,
		"ja": `[^、。]+、[^、。]+、[^、。]+、[^、。]+、[^、。]+`,
	}
	seen := map[string]bool{}
	for _, e := range r.updates() {
		if e.Audience != "customers" || e.Channel != "email" {
			continue
		}
		if e.Seq != 1 {
			t.Errorf("an update %d, want one notice", e.Seq)
		}
		seen[string(e.Locale)] = true
		if !regexp.MustCompile(want[string(e.Locale)]).MatchString(e.Text) {
			t.Errorf("the notice in %s does not list five:\n%s", e.Locale, e.Text)
		}
	}
	if len(seen) != 2 {
		t.Errorf("the notice reached %v, want both languages", seen)
	}
}

func TestBrokenAlarmIsKeptAndTold(t *testing.T) {
	t.Parallel()
	r := launch(t, config.Config{}, noon)
	for _, body := range []string{
		`{"Records":[{"eventSource":"aws:sqs","messageId":"1","body":"{\"AlarmName\":"}]}`,
		`{"source":"aws.cloudwatch","detail":{"AlarmName":"checkout-do`,
	} {
		if status, b := r.do(http.MethodPost, "/invoke/alarm", body); status != http.StatusOK {
			t.Fatalf("a broken body = %d %s, want 200: it is kept and done with", status, b)
		}
	}
	r.settle()
	var list struct {
		Items []struct {
			Outcome, Raw string
		} `json:"items"`
	}
	r.must(http.MethodGet, "/v1/signals", "", &list)
	if len(list.Items) != 2 {
		t.Fatalf("signals = %+v, want both", list.Items)
	}
	for _, s := range list.Items {
		if s.Outcome != "unreadable" || !strings.Contains(s.Raw, "AlarmName") {
			t.Errorf("signal = %+v, want the raw bytes kept", s)
		}
	}
	told := slices.ContainsFunc(r.inbox(), func(e embedded.Entry) bool { return e.Kind == "operator" && e.Channel == "email" })
	if !told {
		t.Error("no operator was told")
	}
}

// TestThreeHoursAtOnceOrByTheMinute moves two programs over the same three
// hours and compares what everybody got.
func TestThreeHoursAtOnceOrByTheMinute(t *testing.T) {
	t.Parallel()
	story := func(steps int, by string) []string {
		r := launch(t, config.Config{PublicURL: "http://status.test"}, noon)
		r.open(strings.Replace(three, `"major"`, `"critical"`, 1))
		r.must(http.MethodPost, "/invoke/alarm", event(t, "alarm/five/login-failures.json", noon), nil)
		r.settle()
		for range steps {
			r.advance(by)
		}
		var names []string
		for _, i := range r.incidents() {
			names = append(names, i.ID)
		}
		return flatten(r.inbox(), names)
	}
	once, byMinute := story(1, "3h"), story(180, "1m")
	if len(once) < 100 {
		t.Fatalf("only %d messages in three hours, the story is too thin", len(once))
	}
	if !slices.Equal(once, byMinute) {
		t.Errorf("%d messages at once, %d by the minute; only at once:\n%s\nonly by the minute:\n%s",
			len(once), len(byMinute), without(once, byMinute), without(byMinute, once))
	}
}

// without answers the first lines of the messages of a that are not among b.
func without(a, b []string) string {
	left := map[string]int{}
	for _, s := range b {
		left[s]++
	}
	var out strings.Builder
	for _, s := range a {
		if left[s]--; left[s] < 0 {
			out.WriteString("  " + s + "\n")
		}
	}
	return out.String()
}

// tokens are what differs between two runs beside the names of incidents.
var tokens = regexp.MustCompile(`/act/\S+|[?&]t=[A-Za-z0-9_-]+`)

// flatten makes lines of an inbox without what must differ, in an order that
// does not depend on which of two workers was first.
func flatten(es []embedded.Entry, names []string) []string {
	out := make([]string, len(es))
	for n, e := range es {
		line := fmt.Sprintf("%s %s %s %s %s %s %d %s %s\n%s", e.SentAt.Format(time.RFC3339), e.Kind, e.Channel,
			e.To, e.Audience, e.Locale, e.Seq, e.Stage, e.Subject, e.Text)
		for _, name := range names {
			line = strings.ReplaceAll(line, name, "#")
		}
		out[n] = tokens.ReplaceAllString(line, "#")
	}
	slices.Sort(out)
	return out
}

func TestRealStopOverALapsedPromiseIsOneLateMessage(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := launch(t, config.Config{Data: dir}, noon)
	r.open(three)
	r.settle()
	r.stop()
	r = launch(t, config.Config{Data: dir}, noon.Add(3*time.Hour))
	r.settle()
	late := 0
	for _, e := range r.updates() {
		if e.To == "hana@reader.test" && e.Seq > 1 {
			late++
		}
	}
	if late != 1 {
		t.Errorf("one reader got %d late messages, want 1", late)
	}
}

func TestOnlyOneProcessPerFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	launch(t, config.Config{Data: dir}, noon)
	_, err := build(t.Context(), config.Config{Data: dir, Shards: 4}, "127.0.0.1:1", nil)
	if err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("a second program over the folder = %v, want that it is in use", err)
	}
}

func TestForeignHostAndOriginAreRefused(t *testing.T) {
	t.Parallel()
	r := launch(t, config.Config{}, noon)
	ask := func(host, origin string) int {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.url+"/v1/incidents", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer local")
		if host != "" {
			req.Host = host
		}
		if origin != "" {
			req.Header.Set("Origin", origin)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		return resp.StatusCode
	}
	if got := ask("evil.test", ""); got != http.StatusMisdirectedRequest {
		t.Errorf("a foreign Host = %d, want 421", got)
	}
	if got := ask("", "https://evil.test"); got != http.StatusForbidden {
		t.Errorf("a foreign Origin = %d, want 403", got)
	}
	if got := ask("", r.url); got != http.StatusOK {
		t.Errorf("its own Origin = %d, want 200", got)
	}
}

func TestInvoke(t *testing.T) {
	t.Parallel()
	r := launch(t, config.Config{}, noon)
	if status, b := r.do(http.MethodPost, "/invoke/delivery", `{"not":"a batch"}`); status != http.StatusBadGateway ||
		!bytes.Contains(b, []byte(`"errorMessage"`)) || !bytes.Contains(b, []byte(`"errorType"`)) {
		t.Errorf("an event of no shape = %d %s, want 502 with the error", status, b)
	}
	if status, _ := r.do(http.MethodPost, "/invoke/nothing", `{}`); status != http.StatusNotFound {
		t.Errorf("an unknown function = %d, want 404", status)
	}
	var answer struct {
		BatchItemFailures []any `json:"batchItemFailures"`
	}
	r.must(http.MethodPost, "/invoke/fanout", event(t, "fanout/pointer.json", noon), &answer)
}

func TestParkedMessagesAreListed(t *testing.T) {
	t.Parallel()
	r := launch(t, config.Config{}, noon)
	r.must(http.MethodPost, "/invoke/delivery", event(t, "delivery/batch.json", noon), nil)
	var list struct {
		Items []struct{ Queue, Why, Body string } `json:"items"`
	}
	r.must(http.MethodGet, "/v1/parked", "", &list)
	if len(list.Items) != 2 || list.Items[0].Why == "" {
		t.Errorf("parked = %+v, want the two that can never be delivered, with the reason", list.Items)
	}
}

func TestClockAnswersTheTimeAndRefusesNonsense(t *testing.T) {
	t.Parallel()
	r := launch(t, config.Config{}, noon)
	var at struct {
		Now time.Time `json:"now"`
	}
	r.must(http.MethodPost, "/clock", `{"advance":"31m"}`, &at)
	if want := noon.Add(31 * time.Minute); !at.Now.Equal(want) {
		t.Errorf("now = %s, want %s", at.Now, want)
	}
	for _, body := range []string{``, `{"advance":"-1m"}`, `{"advance":"soon"}`, `{"to":"x"}`, `{"advance":"99999h"}`} {
		if status, _ := r.do(http.MethodPost, "/clock", body); status != http.StatusUnprocessableEntity {
			t.Errorf("POST /clock %s = %d, want 422", body, status)
		}
	}
}

// draftLink finds the signed link in the on-call engineer's mail.
func draftLink(t *testing.T, r *running) string {
	t.Helper()
	for _, e := range r.inbox() {
		if l := actionLink.FindString(e.Text); l != "" && e.Channel == "email" {
			return l
		}
	}
	t.Fatal("no mail with a signed link")
	return ""
}

// publish presses the button on a draft's page.
func (r *running) publish(link string) {
	r.t.Helper()
	_, page := r.do(http.MethodGet, link, "")
	m := digestOf.FindSubmatch(page)
	if m == nil {
		r.t.Fatalf("the page has no digest:\n%s", page)
	}
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodPost, r.url+link, strings.NewReader("do=publish&digest="+string(m[1])))
	if err != nil {
		r.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		r.t.Fatalf("POST publish = %s", resp.Status)
	}
}

// TestInboxJSONHasEveryField holds the field names that others read.
func TestInboxJSONHasEveryField(t *testing.T) {
	t.Parallel()
	r := launch(t, config.Config{}, noon)
	r.open(three)
	r.settle()
	var es []map[string]json.RawMessage
	r.must(http.MethodGet, "/inbox.json", "", &es)
	for _, f := range []string{"id", "kind", "channel", "to", "audience", "locale", "incident", "seq", "stage", "drill", "text", "headers", "sent_at"} {
		if _, ok := es[0][f]; !ok {
			t.Errorf("an entry has no %q: %v", f, es[0])
		}
	}
}
