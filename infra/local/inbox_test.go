package main

import (
	"html/template"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"shirase/internal/config"
	"shirase/internal/deliver"
	"shirase/internal/embedded"
	"shirase/internal/incident"
	"shirase/internal/message"
	"shirase/internal/plan"
)

// quietPlan tells nobody anything at night by SMS.
const quietPlan = `
organisation:
  name: {ja: ミナト, en: Minato}
  contact: https://minato.test/help
  from: notice@minato.test
  zone: Asia/Tokyo
  locales: [ja, en]
components:
  - {id: pay, name: {ja: 支払い, en: Paying}, effect: {ja: 支払えません。, en: Paying fails.}}
  - {id: mail, name: {ja: 通知, en: Mail}, effect: {ja: 届きません。, en: No mail.}}
audiences: [engineering, customers]
members:
  - {id: sato, name: 佐藤, audiences: [engineering], email: sato@minato.test, sms: "+44 7700 900101"}
oncall: [sato]
drill_recipients: [sato]
quiet: 23:00-07:00
`

func planOf(t *testing.T, source string) *plan.Plan {
	t.Helper()
	p, err := parsePlan([]byte(source))
	if err != nil {
		t.Fatal(unusable("plan", err))
	}
	return p
}

func hashOf(c incident.Channel, a incident.Address) incident.RecipientID {
	return incident.NewRecipientID([]byte("key"), c, a)
}

// seen is a sight of an incident with three updates, the second of which SMS
// leaves out and the third retracts the first.
func seen(t *testing.T) sight {
	t.Helper()
	at := func(m int) time.Time { return noon.Add(time.Duration(m) * time.Minute) }
	mails := []incident.Route{{Audience: incident.Customers, Channel: incident.Email}}
	all := append(slices.Clone(mails), incident.Route{Audience: incident.Customers, Channel: incident.SMS})
	pay, both := []incident.ComponentID{"pay"}, []incident.ComponentID{"pay", "mail"}
	s := sight{
		now: at(40), plan: planOf(t, quietPlan), families: message.Families(), items: map[seat]deliver.Item{},
		chosen: incident.Snapshot{
			ID: "one", Kind: incident.Outage, Stage: incident.Identified, Severity: incident.Major, Seq: 3,
			Components: both, Named: both, OpenedAt: noon,
			Lines: []incident.Line{
				{Seq: 1, Stage: incident.Investigating, Kind: incident.Notice, At: at(0), WithdrawnAt: at(30)},
				{Seq: 2, Stage: incident.Identified, Kind: incident.Notice, At: at(10)},
				{Seq: 3, Stage: incident.Identified, Kind: incident.Retraction, Of: 1, At: at(30)},
			},
		},
		updates: []incident.Update{
			{Incident: "one", Seq: 1, Kind: incident.Notice, Stage: incident.Investigating, At: at(0), Components: pay, Routes: all},
			{Incident: "one", Seq: 2, Kind: incident.Notice, Stage: incident.Identified, At: at(10), Components: both, Routes: mails},
			{Incident: "one", Seq: 3, Kind: incident.Retraction, Of: 1, Stage: incident.Identified, At: at(30), Components: both, Routes: all},
		},
	}
	return s
}

func customer(c incident.Channel, state incident.SubscriberState, since time.Time, only ...incident.ComponentID) reader {
	return reader{
		channel: c, id: "r", address: "a@reader.test", audience: incident.Customers, audiences: []incident.Audience{incident.Customers},
		subscriptions: []incident.Subscriber{{ID: "r", Audience: incident.Customers, Channel: c, State: state, ConfirmedAt: since, Components: only}},
	}
}

func TestWhyACellIsEmpty(t *testing.T) {
	t.Parallel()
	before := noon.Add(-time.Hour)
	mark := func(m deliver.Mark) deliver.Item {
		return deliver.Item{Seq: m.Seq, Text: m.Text, State: deliver.Done, Marks: []deliver.Mark{m}}
	}
	mail := customer(incident.Email, incident.Active, before)
	gone := reader{channel: incident.Email, id: "r", audiences: []incident.Audience{incident.Customers}}
	tests := []struct {
		name   string
		reader reader
		seq    int
		item   deliver.Item
		closed incident.Channel
		short  string
		long   string // a part of the sentence
		tone   string
	}{
		{name: "superseded by a number", reader: mail, seq: 1, item: mark(deliver.Mark{Seq: 1, Text: 1, Result: deliver.Superseded, Winner: 2}), short: "→ #2", long: "update 2", tone: tonePlain},
		{name: "overtaken without a mark", reader: mail, seq: 1, item: mark(deliver.Mark{Seq: 2, Text: 2, Result: deliver.Sent}), short: "→ #2", long: "update 2", tone: tonePlain},
		{name: "withdrawn at its turn", reader: mail, seq: 1, item: mark(deliver.Mark{Seq: 1, Text: 1, Result: deliver.Withdrawn}), short: "withdrawn", long: "Taken back", tone: tonePlain},
		{name: "refused for good", reader: mail, seq: 2, item: mark(deliver.Mark{Seq: 2, Text: 2, Result: deliver.Refused, Reason: deliver.Rejected}), short: "refused", long: "rejected", tone: toneBad},
		{name: "given up", reader: mail, seq: 2, item: mark(deliver.Mark{Seq: 2, Text: 2, Result: deliver.Failed, Reason: deliver.Exhausted}), short: "failed", long: "as often as we do", tone: toneBad},
		{name: "unsubscribed at its turn", reader: mail, seq: 2, item: mark(deliver.Mark{Seq: 2, Text: 2, Result: deliver.Unsubscribed}), short: "unsubscribed", long: "before it was sent", tone: tonePlain},
		{name: "no answer", reader: mail, seq: 2, item: mark(deliver.Mark{Seq: 2, Text: 2, Result: deliver.Unknown}), short: "unknown", long: "may have arrived", tone: toneBad},
		{name: "its text under another number", reader: mail, seq: 2, item: mark(deliver.Mark{Seq: 3, Text: 2, Result: deliver.Sent}), short: "in #3", long: "number 3", tone: tonePlain},
		{name: "being sent", reader: mail, seq: 2, item: deliver.Item{Seq: 2, Text: 2, State: deliver.Claimed, LeaseUntil: noon}, short: "sending", long: "14:07", tone: toneWait},
		{name: "tried again later", reader: mail, seq: 2, item: deliver.Item{Seq: 2, Text: 2, State: deliver.Waiting, Attempts: 1, RetryAt: noon, NotBefore: noon.Add(time.Hour)}, short: "retry 15:07", long: "1 try", tone: toneWait},
		{name: "not in the plan", reader: customer(incident.SMS, incident.Active, before), seq: 2, short: "not in plan", long: "customers this on sms", tone: tonePlain},
		{name: "not in the plan though told later", reader: customer(incident.SMS, incident.Active, before), seq: 2, item: mark(deliver.Mark{Seq: 3, Text: 3, Result: deliver.Sent}), short: "not in plan", long: "sms", tone: tonePlain},
		{name: "retraction of what was never told", reader: mail, seq: 3, short: "not owed", long: "told update 1", tone: tonePlain},
		{name: "retraction that is owed", reader: mail, seq: 3, item: mark(deliver.Mark{Seq: 1, Text: 1, Result: deliver.Sent}), short: "waiting", long: "turn", tone: toneWait},
		{name: "other components only", reader: customer(incident.Email, incident.Active, before, "login"), seq: 2, short: "filtered", long: "login only", tone: tonePlain},
		{name: "component named later", reader: customer(incident.Email, incident.Active, before, "mail"), seq: 1, short: "not yet", long: "named later", tone: tonePlain},
		{name: "subscribed later", reader: customer(incident.Email, incident.Active, noon.Add(5*time.Minute)), seq: 1, short: "joined later", long: "14:12", tone: tonePlain},
		{name: "left before", reader: customer(incident.Email, incident.Unsubscribed, before), seq: 2, short: "unsubscribed", long: "Has unsubscribed", tone: tonePlain},
		{name: "suppressed", reader: customer(incident.Email, incident.Suppressed, before), seq: 2, short: "suppressed", long: "bounced", tone: toneBad},
		{name: "not confirmed", reader: customer(incident.Email, incident.Pending, before), seq: 2, short: "unconfirmed", long: "not confirmed", tone: toneWait},
		{name: "nobody knows the address", reader: gone, seq: 2, short: "gone", long: "any more", tone: tonePlain},
		{name: "withdrawn before anything", reader: mail, seq: 1, short: "withdrawn", long: "Taken back", tone: tonePlain},
		{name: "channel closed", reader: mail, seq: 2, closed: incident.Email, short: "switched off", long: "email", tone: toneWait},
		{name: "missed", reader: mail, seq: 2, short: "nothing", long: "newest", tone: tonePlain},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := seen(t)
			s.items[tt.reader.seat()] = tt.item
			if tt.closed != "" {
				s.closed = []incident.Channel{tt.closed}
			}
			got := s.why(tt.reader, s.updates[tt.seq-1])
			if got.Short != tt.short || got.Tone != tt.tone || !strings.Contains(got.Long, tt.long) {
				t.Errorf("why(%s, #%d) = %+v, want %q, %q with %q", tt.reader.channel, tt.seq, got, tt.short, tt.tone, tt.long)
			}
		})
	}
}

func TestWhySMSWaitsAtNight(t *testing.T) {
	t.Parallel()
	s := seen(t)
	s.chosen.Seq, s.chosen.Lines, s.updates = 1, s.chosen.Lines[:1], s.updates[:1]
	s.chosen.Lines[0].WithdrawnAt = time.Time{}
	s.now = noon.Add(10 * time.Hour) // 00:07 in Tokyo
	got := s.why(customer(incident.SMS, incident.Active, noon.Add(-time.Hour)), s.updates[0])
	if want := "until 16 Sep 07:00"; got.Short != want || got.Tone != toneWait {
		t.Errorf("why(sms at night) = %+v, want %q", got, want)
	}
}

func TestRollHoldsEveryRecipientOnce(t *testing.T) {
	t.Parallel()
	p := planOf(t, quietPlan)
	r := newRoll(p, hashOf, 4)
	told := []incident.Audience{incident.Engineering, incident.Customers}
	for _, c := range []incident.Channel{incident.Email, incident.SMS} {
		r.contacts(c, told, false)
	}
	sub := incident.Subscriber{Audience: incident.Customers, Channel: incident.Email, Address: "sato@minato.test", State: incident.Active}
	sub.ID = hashOf(sub.Channel, sub.Address)
	r.subscriber(sub)
	r.subscriber(sub)
	r.recipients("one", []embedded.Entry{
		{Channel: incident.Email, To: "x@reader.test", Audience: incident.Customers, Locale: "en", Incident: "one"},
		{Channel: incident.Email, To: "y@reader.test", Audience: incident.Customers, Incident: "another"},
	})
	if r.full {
		t.Error("the roll is full with three readers, want room for one more")
	}
	for _, a := range []incident.Address{"1@reader.test", "2@reader.test"} {
		r.subscriber(incident.Subscriber{ID: hashOf(incident.Email, a), Audience: incident.Customers, Channel: incident.Email, Address: a})
	}
	var got []string
	for _, rd := range r.sorted() {
		got = append(got, strings.Join([]string{string(rd.audience), string(rd.channel), rd.address, words(rd.audiences)}, " "))
	}
	want := []string{
		"engineering email sato@minato.test engineering and customers",
		"engineering sms +447700900101 engineering",
		"customers email 1@reader.test customers",
		"customers email x@reader.test customers",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("roll (-want +got):\n%s", diff)
	}
	if !r.full {
		t.Error("the roll has room after five readers, want it full with four")
	}
}

func TestRollOfADrillHasItsOwnRecipientsOnly(t *testing.T) {
	t.Parallel()
	p := planOf(t, strings.Replace(quietPlan, "oncall:", "  - {id: mori, name: 森, audiences: [engineering], email: mori@minato.test}\noncall:", 1))
	r := newRoll(p, hashOf, 10)
	r.contacts(incident.Email, []incident.Audience{incident.Engineering}, true)
	if len(r.readers) != 1 || r.readers[0].address != "sato@minato.test" {
		t.Errorf("roll of a drill = %v, want sato only", r.readers)
	}
}

func TestStretchesLinkOnlyTheWeb(t *testing.T) {
	t.Parallel()
	tests := []struct {
		text string
		want []stretch
	}{
		{"no link", []stretch{{"no link", false}}},
		{"See https://minato.test/i/1.", []stretch{{"See ", false}, {"https://minato.test/i/1", true}, {".", false}}},
		{"状況 https://minato.test/i/1\nまた", []stretch{{"状況 ", false}, {"https://minato.test/i/1", true}, {"\nまた", false}}},
		{"(http://a.test/x?y=1&z=2)", []stretch{{"(", false}, {"http://a.test/x?y=1&z=2", true}, {")", false}}},
		{`https://a.test/"><script>alert(1)</script>`, []stretch{{"https://a.test/", true}, {`"><script>alert(1)</script>`, false}}},
		{"javascript:alert(1) data:text/html,x ftp://a.test", []stretch{{"javascript:alert(1) data:text/html,x ftp://a.test", false}}},
		{"https:// https://? http://[", []stretch{{"https:// https://? http://[", false}}},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, stretches(tt.text)); diff != "" {
			t.Errorf("stretches(%q) (-want +got):\n%s", tt.text, diff)
		}
	}
}

func TestMeasureCountsAsAPhoneDoes(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, text string
		want       shortMessage
	}{
		{"empty", "", shortMessage{1, "GSM-7", 0, 160, 160}},
		{"plain", "hello", shortMessage{1, "GSM-7", 5, 160, 155}},
		{"two septets", "{}", shortMessage{1, "GSM-7", 4, 160, 156}},
		{"full", strings.Repeat("a", 160), shortMessage{1, "GSM-7", 160, 160, 0}},
		{"one too many", strings.Repeat("a", 161), shortMessage{2, "GSM-7", 161, 306, 145}},
		{"Japanese", "復旧しました", shortMessage{1, "UCS-2", 6, 70, 64}},
		{"outside the plane", "𠮟る", shortMessage{1, "UCS-2", 3, 70, 67}},
		{"two Japanese parts", strings.Repeat("あ", 71), shortMessage{2, "UCS-2", 71, 134, 63}},
	}
	for _, tt := range tests {
		if got := measure(tt.text); got != tt.want {
			t.Errorf("%s: measure(%q) = %+v, want %+v", tt.name, tt.text, got, tt.want)
		}
	}
}

func TestEditsAreOnePost(t *testing.T) {
	t.Parallel()
	es := []embedded.Entry{{ID: "1"}, {ID: "2"}, {ID: "3", Replaces: "1"}, {ID: "4", Replaces: "3"}}
	for _, tt := range []struct {
		id   string
		want []string
	}{{"1", []string{"1", "3", "4"}}, {"3", []string{"1", "3", "4"}}, {"4", []string{"1", "3", "4"}}, {"2", []string{"2"}}} {
		e, _ := entryByID(es, tt.id)
		var got []string
		for _, o := range edits(es, e) {
			got = append(got, o.ID)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("edits(%s) (-want +got):\n%s", tt.id, diff)
		}
	}
	ring := []embedded.Entry{{ID: "1", Replaces: "2"}, {ID: "2", Replaces: "1"}}
	if got := len(edits(ring, ring[0])); got != 2 {
		t.Errorf("edits(ring) has %d records, want 2", got)
	}
	lost := embedded.Entry{ID: "9", Replaces: "8"}
	if got := edits([]embedded.Entry{lost}, lost); len(got) != 1 {
		t.Errorf("edits(first record lost) = %v, want the entry alone", got)
	}
}

// draw lays out and writes the page of a sight.
func draw(t *testing.T, s sight, w wish) string {
	t.Helper()
	var b strings.Builder
	if err := inboxPages().ExecuteTemplate(&b, "page", newInboxPage(s, w)); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestHostileTextsStayText(t *testing.T) {
	t.Parallel()
	evil := `"><script>alert(1)</script><img src=x onerror=alert(1)> javascript:alert(1)`
	for c := range message.Families() {
		s := seen(t)
		e := embedded.Entry{
			ID: "1", Kind: kindUpdate, Channel: c, To: "x" + evil, Audience: incident.Customers, Locale: `ja" onload="x`, Incident: "one", Seq: 1,
			Stage: incident.Investigating, Subject: evil, Text: evil, Headers: map[string]string{"From": evil, evil: evil}, SentAt: noon,
		}
		memo := e
		memo.ID, memo.Kind, memo.Incident, memo.Seq = "2", deliver.KindOperator, "", 0
		s.entries = []embedded.Entry{e, memo}
		r := newRoll(s.plan, hashOf, maxReaders)
		r.recipients("one", s.entries)
		s.readers, s.ids = r.sorted(), r.ids
		for _, id := range []string{"1", "2"} {
			page := draw(t, s, wish{Message: id, As: "plain"})
			if strings.Contains(page, "<script") || strings.Contains(page, "<img") || strings.Contains(page, `lang="ja" onload`) || strings.Contains(page, `href="javascript`) {
				t.Errorf("the page with message %s on %s lets markup through", id, c)
			}
			if !strings.Contains(page, template.HTMLEscapeString(`<script>alert(1)`)) {
				t.Errorf("the page with message %s on %s does not show the text at all", id, c)
			}
		}
	}
}

func TestInboxPageShowsWhatReadersSaw(t *testing.T) {
	t.Parallel()
	r := launch(t, config.Config{}, noon)
	if status, page := r.do(http.MethodGet, "/inbox", ""); status != http.StatusOK || !strings.Contains(string(page), "Nothing has been sent yet") {
		t.Fatalf("GET /inbox while empty = %d %s", status, page)
	}
	if _, b := r.do(http.MethodGet, "/inbox.json", ""); strings.TrimSpace(string(b)) != "[]" {
		t.Errorf("GET /inbox.json while empty = %s, want []", b)
	}
	o := r.open(three)
	r.settle()
	r.advance("5m")
	r.must(http.MethodPost, "/v1/incidents/"+o.ID+"/updates", `{"stage":"identified"}`, nil)
	r.settle()
	es := r.updates()
	_, b := r.do(http.MethodGet, "/inbox?i="+o.ID, "")
	page := string(b)
	for _, e := range es {
		if !strings.Contains(page, "m="+e.ID+"#message") {
			t.Errorf("the page has no cell for message %s on %s", e.ID, e.Channel)
		}
	}
	if !strings.Contains(page, "The plan does not tell customers this on sms.") {
		t.Error("the page does not say why customers got no SMS")
	}
	n := slices.IndexFunc(es, func(e embedded.Entry) bool { return e.Channel == incident.Email && e.Audience == incident.Customers })
	if n < 0 {
		t.Fatal("no customer got a mail")
	}
	if _, b := r.do(http.MethodGet, "/inbox/"+es[n].ID+".html", ""); string(b) != es[n].HTML {
		t.Errorf("GET /inbox/%s.html = %s, want the mail byte for byte", es[n].ID, b)
	}
	for _, path := range []string{"/inbox/0.html", "/inbox/" + es[n].ID, "/inbox/page.html", "/inbox/..%2Finbox.go"} {
		if status, _ := r.do(http.MethodGet, path, ""); status != http.StatusNotFound {
			t.Errorf("GET %s = %d, want 404", path, status)
		}
	}
	if status, b := r.do(http.MethodGet, "/inbox?i=none&m=none", ""); status != http.StatusOK || !strings.Contains(string(b), o.ID) {
		t.Errorf("GET /inbox for what is not there = %d, want the newest incident", status)
	}
}

func TestInboxPolicies(t *testing.T) {
	t.Parallel()
	r := launch(t, config.Config{}, noon)
	r.open(three)
	r.settle()
	mail := slices.IndexFunc(r.inbox(), func(e embedded.Entry) bool { return e.HTML != "" })
	for path, want := range map[string]string{
		"/inbox": pagePolicy, "/inbox/inbox.css": pagePolicy, "/inbox/" + r.inbox()[mail].ID + ".html": mailPolicy,
	} {
		w := httptest.NewRecorder()
		req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, r.url+path, nil)
		r.p.routes().ServeHTTP(w, req)
		if got := w.Header().Get("Content-Security-Policy"); got != want || w.Code != http.StatusOK {
			t.Errorf("GET %s = %d with policy %q, want %q", path, w.Code, got, want)
		}
	}
}

func TestInboxAsksForTheKeyFromElsewhere(t *testing.T) {
	t.Parallel()
	r := launch(t, config.Config{PublicURL: "https://status.minato.test"}, noon)
	r.do(http.MethodGet, "/inbox", "") // it runs
	for _, path := range []string{"/inbox", "/inbox.json", "/inbox/1.html"} {
		for _, tt := range []struct {
			name   string
			header string
			refuse bool
		}{
			{"nothing", "", true},
			{"wrong key", "Bearer wrong", true},
			{"key", "Bearer " + r.p.key, false},
		} {
			w := httptest.NewRecorder()
			req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, r.url+path, nil)
			if tt.header != "" {
				req.Header.Set("Authorization", tt.header)
			}
			r.p.routes().ServeHTTP(w, req)
			if got := w.Code == http.StatusUnauthorized; got != tt.refuse {
				t.Errorf("GET %s with %s = %d, want refused %t", path, tt.name, w.Code, tt.refuse)
			}
		}
		w := httptest.NewRecorder()
		req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, r.url+path, nil)
		req.SetBasicAuth("anyone", r.p.key)
		if r.p.routes().ServeHTTP(w, req); w.Code == http.StatusUnauthorized {
			t.Errorf("GET %s with the key as password = %d", path, w.Code)
		}
	}
}
