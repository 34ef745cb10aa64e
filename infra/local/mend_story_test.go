package main

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"shirase/internal/config"
	"shirase/internal/embedded"
)

// mend corrects or retracts an update and lets it settle.
func (r *running) mend(id, verb, body string) opened {
	r.t.Helper()
	var o opened
	r.must(http.MethodPost, "/v1/incidents/"+id+"/"+verb, body, &o)
	r.settle()
	return o
}

// last answers the newest update that somebody got.
func (r *running) last(address string) embedded.Entry {
	r.t.Helper()
	es := received(r.inbox(), address, "update")
	if len(es) == 0 {
		r.t.Fatalf("%s got nothing", address)
	}
	return es[len(es)-1]
}

// gotten answers who got an update of a number, sorted.
func (r *running) gotten(seq int) (out []string) {
	r.t.Helper()
	for _, e := range r.updates() {
		if e.Seq == seq {
			out = append(out, string(e.Channel)+" "+e.To)
		}
	}
	slices.Sort(out)
	return out
}

// wrong is an update that ought not to have been sent.
const wrong = `{"stage":"identified","text":{"ja":"倉庫の棚が倒れました。","en":"A shelf fell over in the warehouse."}}`

const alice, hana, phoneEn = "alice@reader.test", "hana@reader.test", "+447700900202"

func TestRetractionReachesWhoeverWasToldAndNobodyElse(t *testing.T) {
	t.Parallel()
	r := launch(t, config.Config{}, noon)
	const mia = "mia@reader.test"
	o := r.open(three)
	r.settle()
	r.advance("1m")
	r.update(o.ID, wrong)
	told := r.gotten(2)
	if !slices.Contains(told, "email "+alice) || slices.Contains(told, "sms "+phoneEn) || !strings.Contains(r.last(alice).Text, "warehouse") {
		t.Fatalf("told of the second update: %v; want alice among them and no phone", told)
	}
	r.advance("1m")
	r.mend(o.ID, "retract", `{"of":2}`)
	if took := r.gotten(3); !slices.Equal(took, told) {
		t.Errorf("the retraction reached\n%v, want whoever was told the update:\n%v", took, told)
	}
	if e := r.last(alice); !strings.Contains(e.Subject, "Withdrawn") {
		t.Errorf("alice got %q, want that it is withdrawn:\n%s", e.Subject, e.Text)
	}

	r.join(person("email", mia, "en", ""))
	got := received(r.inbox(), mia, "update")
	if len(got) != 1 || strings.Contains(got[0].Subject, "Withdrawn") || strings.Contains(got[0].Text, "warehouse") ||
		!strings.Contains(got[0].Text, "Invoices cannot be sent") {
		t.Errorf("who came after the retraction got %+v, want the first update", got)
	}

	r.advance("1m")
	r.update(o.ID, `{"stage":"resolved"}`)
	for _, who := range []string{alice, hana, mia, phoneEn} {
		e := r.last(who)
		if e.Stage != "resolved" || strings.Contains(e.Text, "warehouse") || strings.Contains(e.Text, "倉庫") {
			t.Errorf("%s got %s last, want the end without what was taken back:\n%s", who, e.Stage, e.Text)
		}
	}
	if e := r.last(alice); !strings.Contains(e.Text, "withdrawn at 14:09") {
		t.Errorf("the timeline does not say that the update was withdrawn at 14:09:\n%s", e.Text)
	}
	if e := r.last(hana); !strings.Contains(e.Text, "14:09に取り消しました") {
		t.Errorf("the timeline does not say that the update was withdrawn at 14:09:\n%s", e.Text)
	}
	if got, want := r.seqs(alice), "[1 2 3 4]"; got != want {
		t.Errorf("alice has %s, want %s", got, want)
	}
	if got, want := r.seqs(phoneEn), "[1 4]"; got != want {
		t.Errorf("a phone has %s, want %s", got, want)
	}
	_, page := r.do(http.MethodGet, "/i/"+o.ID, "")
	if strings.Contains(string(page), "warehouse") || strings.Contains(string(page), "倉庫") {
		t.Errorf("the page repeats what was taken back:\n%s", page)
	}
}

func TestRetractedBehindAClosedSwitchIsNeverSent(t *testing.T) {
	t.Parallel()
	r := launch(t, config.Config{}, noon)
	o := r.open(three)
	r.settle()
	r.must(http.MethodPut, "/v1/channels/email", `{"off":true}`, nil)
	r.update(o.ID, wrong)
	r.advance("1m")
	r.mend(o.ID, "retract", `{}`)
	r.advance("1m")
	if got := r.seqs(alice); got != "[1]" {
		t.Errorf("through a closed switch alice got %s, want [1]", got)
	}
	r.must(http.MethodPut, "/v1/channels/email", `{"off":false}`, nil)
	r.advance("1m")
	for _, e := range r.updates() {
		if e.Channel == "email" && e.Seq > 1 {
			t.Errorf("%s got %d after the switch was opened: %q", e.To, e.Seq, e.Subject)
		}
	}
	r.update(o.ID, `{"stage":"resolved"}`)
	if got := r.seqs(alice); got != "[1 4]" {
		t.Errorf("in the end alice has %s, want [1 4]", got)
	}
	if got := r.seqs("#minato-status"); got != "[1 2 3 4]" {
		t.Errorf("a room whose channel stayed open has %s, want [1 2 3 4]", got)
	}
}

func TestCorrectedBehindAClosedSwitchSaysWhatHoldsAndNothingOfAMistake(t *testing.T) {
	t.Parallel()
	r := launch(t, config.Config{}, noon)
	o := r.open(three)
	r.settle()
	r.must(http.MethodPut, "/v1/channels/email", `{"off":true}`, nil)
	r.update(o.ID, wrong)
	r.mend(o.ID, "correct", `{"text":{"ja":"先のお知らせは誤りでした。","en":"What we wrote about a shelf was wrong."}}`)
	r.must(http.MethodPut, "/v1/channels/email", `{"off":false}`, nil)
	r.advance("1m")
	if got := r.seqs(alice); got != "[1 3]" {
		t.Errorf("alice has %s, want [1 3]", got)
	}
	if e := r.last(alice); strings.Contains(e.Subject+e.Text, "Correction") || strings.Contains(e.Text, "shelf") {
		t.Errorf("alice never got the wrong text and reads of a mistake: %q\n%s", e.Subject, e.Text)
	}
	if e := r.last("#minato-status"); !strings.Contains(e.Text, "Correction") {
		t.Errorf("a room that was told reads no correction:\n%s", e.Text)
	}
}

func TestRetractingAllThatWasSaidEndsTheIncidentForEveryone(t *testing.T) {
	t.Parallel()
	r := launch(t, config.Config{}, noon)
	const mia = "mia@reader.test"
	o := r.open(three)
	r.settle()
	told := r.gotten(1)
	r.mend(o.ID, "retract", `{}`)
	if got := r.gotten(2); !slices.Equal(got, told) {
		t.Errorf("the retraction reached\n%v, want everyone who was told, on the same channel:\n%v", got, told)
	}
	r.join(person("email", mia, "en", ""))
	n := len(r.inbox())
	r.advance("3h")
	if got := len(r.inbox()); got != n {
		t.Errorf("%d messages after all was taken back: %+v", got-n, r.inbox()[n:])
	}
	if got := r.seqs(mia); got != "[]" {
		t.Errorf("who came after the end has %s, want nothing", got)
	}
	if is := r.incidents(); len(is) != 1 || is[0].Live {
		t.Errorf("incidents = %+v, want one that is over", is)
	}
	if status, _ := r.do(http.MethodPost, "/v1/incidents/"+o.ID+"/retract", `{}`); status != http.StatusConflict {
		t.Errorf("retracting once more = %d, want 409", status)
	}
}

func TestCorrectionHasOneTextForTheToldAndAnotherForTheRest(t *testing.T) {
	t.Parallel()
	r := launch(t, config.Config{}, noon)
	const mia = "mia@reader.test"
	o := r.open(three)
	r.settle()
	r.advance("1m")
	r.update(o.ID, wrong)
	r.advance("1m")
	r.mend(o.ID, "correct", `{"of":2,"text":{"ja":"先のお知らせは誤りでした。","en":"What we wrote about a shelf was wrong."},
		"workaround":{"ja":"アプリから送信できます。","en":"Invoices can be sent from the app."}}`)
	r.join(person("email", mia, "en", ""))

	if e := r.last(alice); e.Seq != 3 || !strings.Contains(e.Subject, "Correction") || !strings.Contains(e.Text, "about a shelf was wrong") {
		t.Errorf("alice, who was told, got %d %q:\n%s", e.Seq, e.Subject, e.Text)
	}
	for _, who := range []string{mia, phoneEn} {
		e := r.last(who)
		if strings.Contains(e.Subject+e.Text, "Correction") || strings.Contains(e.Text, "warehouse") || strings.Contains(e.Text, "shelf") {
			t.Errorf("%s never got the wrong text and reads of a mistake: %q\n%s", who, e.Subject, e.Text)
		}
	}
	if e := r.last(mia); e.Seq != 3 || !strings.Contains(e.Text, "sent from the app") {
		t.Errorf("who came later got %d:\n%s", e.Seq, e.Text)
	}
}

func TestWhoWasToldTheBeginningIsToldTheEnd(t *testing.T) {
	t.Parallel()
	r := launch(t, config.Config{}, noon)
	o := r.open(`{"components":["invoices","search"],"severity":"major","effect":{"ja":"いま使えません。","en":"It cannot be used at the moment."}}`)
	r.settle()
	// Keiko asked for invoices and editor. Bob asked for invoices and checkout,
	// and changes that while the outage goes on.
	manage := regexp.MustCompile(`/manage\?t=[A-Za-z0-9_.~-]+`).FindString(r.last("bob@reader.test").Text)
	v := url.Values{"locale": {"en"}, "zone": {"America/New_York"}, "component": {"login"}}
	if status, body := postForm(t, r.url+manage, v); status != http.StatusOK {
		t.Fatalf("POST %s = %d %s", manage, status, body)
	}
	r.update(o.ID, `{"stage":"identified","components":["search"]}`)
	r.update(o.ID, `{"stage":"resolved"}`)
	for _, who := range []string{hana, "keiko@reader.test", "bob@reader.test", phoneEn} {
		got := received(r.inbox(), who, "update")
		if got[0].Seq != 1 || got[len(got)-1].Stage != "resolved" {
			t.Errorf("%s has %s, want the beginning and the end", who, r.seqs(who))
		}
	}
}

func TestWhoWasToldOfWhatTurnsInternalIsToldTheEnd(t *testing.T) {
	t.Parallel()
	r := launch(t, config.Config{}, noon)
	o := r.open(three)
	r.settle()
	before := map[string]bool{}
	for _, e := range r.updates() {
		before[string(e.Channel)+" "+e.To] = true
	}
	r.update(o.ID, `{"severity":"internal","text":{"ja":"社内だけの問題でした。","en":"Only our own tools are affected."}}`)
	for _, who := range r.gotten(2) {
		if !before[who] {
			t.Errorf("an internal update reached %s, who had not heard of it before", who)
		}
	}
	if got := r.gotten(2); !slices.Contains(got, "email clarke@minato.test") || slices.Contains(got, "sms "+phoneEn) {
		t.Errorf("an internal update reached %v, want engineers and no phone of a customer", got)
	}
	r.update(o.ID, `{"stage":"resolved"}`)
	after := map[string]int{}
	for _, e := range r.updates() {
		if e.Stage == "resolved" {
			after[string(e.Channel)+" "+e.To]++
		}
	}
	for who := range before {
		if after[who] != 1 {
			t.Errorf("%s was told the beginning, and the end %d times", who, after[who])
		}
	}
}

func TestMergedIncidentGoesOnAsTheOther(t *testing.T) {
	t.Parallel()
	r := launch(t, config.Config{}, noon)
	const pay, find = "pay@reader.test", "find@reader.test"
	r.join(person("email", pay, "en", "", "checkout"))
	r.join(person("email", find, "en", "", "search"))
	a := r.open(about("search", "major"))
	r.settle()
	b := r.open(about("checkout", "minor"))
	r.settle()
	r.must(http.MethodPost, "/v1/incidents/"+b.ID+"/merge", `{"into":"`+a.ID+`"}`, nil)
	r.settle()

	of := func(who string) string {
		var out []string
		for _, e := range received(r.inbox(), who, "update") {
			name := map[string]string{a.ID: "a", b.ID: "b"}[string(e.Incident)]
			out = append(out, fmt.Sprintf("%s%d", name, e.Seq))
		}
		return strings.Join(out, " ")
	}
	if got := of(pay); got != "b1 b2" {
		t.Errorf("who heard of b only has %q, want b1 b2", got)
	}
	if e := r.last(pay); !strings.Contains(e.Text, "/i/"+a.ID) {
		t.Errorf("the end of b does not lead to a:\n%s", e.Text)
	}
	if got := of(find); got != "a1" {
		t.Errorf("who heard of a only has %q, want a1", got)
	}
	r.update(a.ID, `{"stage":"identified"}`)
	r.update(a.ID, `{"stage":"resolved"}`)
	r.advance("2h")
	for who, want := range map[string]string{pay: "b1 b2 a2 a3", find: "a1 a2 a3", hana: "a1 b1 b2 a2 a3"} {
		if got := of(who); got != want {
			t.Errorf("%s has %q, want %q", who, got, want)
		}
	}
}

func TestDrillReachesItsRecipientsOnlyAndIsMarked(t *testing.T) {
	t.Parallel()
	r := launch(t, config.Config{}, noon)
	o := r.open(`{"drill":true,"components":["invoices"],"severity":"critical","effect":"請求書を送信できません。"}`)
	r.settle()
	r.update(o.ID, `{"stage":"identified"}`)
	r.mend(o.ID, "correct", `{"text":{"ja":"原因は電源です。","en":"The cause is the power supply."}}`)
	r.join(person("email", "mia@reader.test", "en", ""))
	r.advance("1h") // also what is due by itself
	r.update(o.ID, `{"stage":"resolved"}`)
	oncall := []string{
		"sato@minato.test", "mori@minato.test", "clarke@minato.test", "+447700900101", "+447700900102", "+447700900103",
	}
	kinds := map[string]bool{}
	for _, e := range r.inbox() {
		if e.Kind == "confirmation" {
			continue
		}
		kinds[e.Kind] = true
		if !slices.Contains(oncall, e.To) || !e.Drill {
			t.Errorf("%s %s reached %s, drill %t", e.Channel, e.Kind, e.To, e.Drill)
		}
		mark := map[string]string{"ja": "【訓練】", "en": "[DRILL]"}[string(e.Locale)]
		if !strings.Contains(e.Text, mark) || e.Channel == "email" && !strings.HasPrefix(e.Subject, mark) {
			t.Errorf("a %s by %s in %s is not marked: %q\n%s", e.Kind, e.Channel, e.Locale, e.Subject, e.Text)
		}
	}
	if !kinds["update"] || len(r.seqs("sato@minato.test")) < len("[1 2 3 4]") {
		t.Errorf("the drill sent %v, and %s to one who takes part", kinds, r.seqs("sato@minato.test"))
	}
	var health struct {
		Status string `json:"status"`
	}
	r.must(http.MethodGet, "/v1/components/invoices", "", &health)
	if health.Status != "operational" {
		t.Errorf("after a drill invoices are %s, want operational", health.Status)
	}
}

var versionOf = regexp.MustCompile(`name="version" value="([0-9]+)"`)

// press presses a button on a draft's page, with what was typed.
func (r *running) press(link, do string, typed url.Values) (int, string) {
	r.t.Helper()
	_, page := r.do(http.MethodGet, link, "")
	m := versionOf.FindSubmatch(page)
	if m == nil {
		r.t.Fatalf("the page has no version:\n%s", page)
	}
	v := url.Values{"do": {do}, "version": {string(m[1])}}
	maps.Copy(v, typed)
	status, body := postForm(r.t, r.url+link, v)
	r.settle()
	return status, body
}

// outside answers who heard of anything but drafts, reminders and calls.
func (r *running) outside() (out []string) {
	r.t.Helper()
	for _, e := range r.updates() {
		out = append(out, e.To)
	}
	return out
}

func (r *running) alarm(name string) {
	r.t.Helper()
	r.must(http.MethodPost, "/invoke/alarm", event(r.t, name, noon), nil)
	r.advance("61s")
}

func TestDraftIsEditedAndSaysWhatThePersonWrote(t *testing.T) {
	t.Parallel()
	r := launch(t, config.Config{}, noon)
	r.alarm("alarm/five/invoice-send-errors.json")
	if got := r.outside(); len(got) > 0 {
		t.Fatalf("a draft reached %v", got)
	}
	link := draftLink(t, r)
	typed := url.Values{"effect_ja": {"月末の請求書を送信できません。"}, "effect_en": {"Month-end invoices cannot be sent."}}
	if status, body := r.press(link, "edit", typed); status != http.StatusOK {
		t.Fatalf("edit = %d %s", status, body)
	}
	if got := r.outside(); len(got) > 0 {
		t.Fatalf("an edited draft reached %v", got)
	}
	_, page := r.do(http.MethodGet, link, "")
	m := digestOf.FindSubmatch(page)
	if m == nil {
		t.Fatalf("the page has no digest:\n%s", page)
	}
	press := url.Values{"do": {"publish"}, "digest": {string(m[1])}}
	if status, body := postForm(t, r.url+link, press); status != http.StatusOK {
		t.Fatalf("publish = %d %s", status, body)
	}
	r.settle()
	if e := r.last(alice); !strings.Contains(e.Text, "Month-end invoices cannot be sent.") {
		t.Errorf("alice got\n%s", e.Text)
	}
	if e := r.last(hana); !strings.Contains(e.Text, "月末の請求書を送信できません。") {
		t.Errorf("hana got\n%s", e.Text)
	}
	n := len(r.outside())
	if status, body := postForm(t, r.url+link, press); status != http.StatusOK {
		t.Errorf("publishing twice = %d %s, want the page as before", status, body)
	}
	r.settle()
	if got := len(r.outside()); got != n {
		t.Errorf("publishing twice sent %d more", got-n)
	}
}

func TestDismissedDraftTellsNobody(t *testing.T) {
	t.Parallel()
	r := launch(t, config.Config{}, noon)
	r.alarm("alarm/five/checkout-down.json") // would publish itself
	link := draftLink(t, r)
	if status, body := r.press(link, "dismiss", nil); status != http.StatusOK {
		t.Fatalf("dismiss = %d %s", status, body)
	}
	calls := len(r.inbox())
	r.advance("1h")
	if got := r.outside(); len(got) > 0 {
		t.Errorf("a dismissed draft reached %v", got)
	}
	if got := len(r.inbox()); got != calls {
		t.Errorf("%d messages after the draft was dismissed", got-calls)
	}
	if is := r.incidents(); len(is) != 1 || is[0].Live {
		t.Errorf("incidents = %+v, want one that is over", is)
	}
}

// called answers which members were sent a draft or a call by mail, in order.
func (r *running) called() (out []string) {
	r.t.Helper()
	for _, e := range r.inbox() {
		if e.Channel == "email" && actionLink.MatchString(e.Text) {
			out = append(out, strings.TrimSuffix(e.To, "@minato.test"))
		}
	}
	return out
}

func TestNextMemberIsCalledUntilSomebodyTakesItOn(t *testing.T) {
	t.Parallel()
	r := launch(t, config.Config{}, noon)
	r.alarm("alarm/five/invoice-send-errors.json")
	if got, want := r.called(), []string{"sato"}; !slices.Equal(got, want) {
		t.Errorf("at first %v were called, want %v", got, want)
	}
	r.advance("4m58s")
	if got, want := r.called(), []string{"sato"}; !slices.Equal(got, want) {
		t.Errorf("before five minutes %v were called, want %v", got, want)
	}
	r.advance("3s")
	if got, want := r.called(), []string{"sato", "mori"}; !slices.Equal(got, want) {
		t.Errorf("after five minutes %v were called, want %v", got, want)
	}
	r.advance("5m")
	if got, want := r.called(), []string{"sato", "mori", "clarke"}; !slices.Equal(got, want) {
		t.Errorf("after ten minutes %v were called, want %v", got, want)
	}
	if status, body := r.press(draftLink(t, r), "ack", nil); status != http.StatusOK {
		t.Fatalf("ack = %d %s", status, body)
	}
	r.advance("30m")
	if got, want := r.called(), []string{"sato", "mori", "clarke"}; !slices.Equal(got, want) {
		t.Errorf("after somebody took it on %v were called, want %v", got, want)
	}
	if got := r.outside(); len(got) > 0 {
		t.Errorf("a draft that nobody published reached %v", got)
	}
	r.publish(draftLink(t, r))
	r.settle()
	if e := r.last(alice); e.Seq != 1 {
		t.Errorf("alice has %d, want 1", e.Seq)
	}
}

func TestPaymentAlarmPublishesItselfAfterFiveMinutes(t *testing.T) {
	t.Parallel()
	r := launch(t, config.Config{}, noon)
	r.alarm("alarm/five/checkout-down.json")
	r.advance("4m50s")
	if got := r.outside(); len(got) > 0 {
		t.Fatalf("before five minutes it reached %v", got)
	}
	r.advance("15s")
	for who, want := range map[string]string{alice: "automatic", hana: "自動"} {
		e := r.last(who)
		if e.Seq != 1 || !strings.Contains(e.Text, want) {
			t.Errorf("%s got %d, want an automatic notice with %q:\n%s", who, e.Seq, want, e.Text)
		}
	}
	r.advance("2m")
	if got := r.seqs(alice); got != "[1]" {
		t.Errorf("alice has %s, want [1]", got)
	}
}

// TestKilledAroundARetraction kills the program right after it accepted a wrong
// update, and again right after it accepted its retraction, three times over.
// Nobody is left with a wrong text, and nobody has anything twice.
func TestKilledAroundARetraction(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	p := start(t, data)
	var o opened
	p.ask(http.MethodPost, "/v1/incidents", three, &o)
	for n := 2; n <= 6; n += 2 {
		p.ask(http.MethodPost, "/v1/incidents/"+o.ID+"/updates", wrong, nil)
		p.kill()
		p = start(t, data)
		p.ask(http.MethodPost, "/v1/incidents/"+o.ID+"/retract", fmt.Sprintf(`{"of":%d}`, n), nil)
		p.kill()
		p = start(t, data)
	}
	p.ask(http.MethodPost, "/clock", `{"advance":"3m"}`, nil)
	var es []embedded.Entry
	p.ask(http.MethodGet, "/inbox.json", "", &es)
	got := map[string][]string{}
	for _, e := range es {
		if e.Kind == "update" {
			who := string(e.Channel) + " " + e.To
			got[who] = append(got[who], fmt.Sprint(e.Seq, " ", beginning(e)))
		}
	}
	if len(got) < 20 {
		t.Errorf("only %d recipients were told", len(got))
	}
	isWrong := regexp.MustCompile(`原因判明|Cause found`)
	isWithdrawal := regexp.MustCompile(`取り消し|Withdrawn`)
	for who, heads := range got {
		owed := false
		for n, h := range heads {
			if slices.Contains(heads[:n], h) {
				t.Errorf("%s got %q twice: %q", who, h, heads)
			}
			owed = (owed || isWrong.MatchString(h)) && !isWithdrawal.MatchString(h)
		}
		if owed {
			t.Errorf("%s has the wrong text and no withdrawal after it: %q", who, heads)
		}
	}
}

// beginning answers the words that a message begins with.
func beginning(e embedded.Entry) string {
	if e.Subject != "" {
		return e.Subject
	}
	text := e.Text
	if _, title, ok := strings.Cut(text, `"title":"`); ok {
		text = title
	}
	return string([]rune(text)[:min(30, len([]rune(text)))])
}
