//go:build contract

package functions_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"os/exec"
	"regexp"
	goruntime "runtime"
	"strings"
	"testing"

	"shirase/events"
	"shirase/internal/plan"
)

// TestShippedBinaries plays an outage through the binaries of every function, as
// they are built for this machine.
func TestShippedBinaries(t *testing.T) {
	t.Parallel()
	story(newStack(t, "host", goruntime.GOARCH))
}

// TestShippedBinariesOnARM plays it through the very binaries that the template
// ships, on the processor they are built for, or under its emulator.
func TestShippedBinariesOnARM(t *testing.T) {
	t.Parallel()
	if goruntime.GOARCH == "arm64" {
		story(newStack(t, "arm", "arm64"))
		return
	}
	qemu, err := exec.LookPath("qemu-aarch64-static")
	if err != nil {
		t.Fatal(err)
	}
	story(newStack(t, "arm", "arm64", qemu))
}

// story is an outage from the first sign-up to the end, with a bounce in between.
func story(s *stack) {
	t := s.t
	t.Helper()
	source, err := plan.Embedded("company")
	if err != nil {
		t.Fatal(err)
	}
	key := firstKey()
	if code, body := s.ask("api", http.MethodPut, "/v1/plan", string(source), "Authorization", key, "Content-Type", "application/yaml"); code != http.StatusOK {
		t.Fatalf("PUT /v1/plan = %d %s, want 200", code, body)
	}
	stays, bounces := "stays-"+s.name+"@reader.example", "bounces-"+s.name+"@reader.example"
	for _, reader := range []string{stays, bounces} {
		s.subscribe(reader)
	}

	code, body := s.ask("api", http.MethodPost, "/v1/incidents",
		`{"components":["checkout"],"severity":"major","effect":{"ja":"カードでお支払いができません。","en":"Card payments cannot be made."}}`,
		"Authorization", key, "Content-Type", "application/json")
	if code != http.StatusCreated {
		t.Fatalf("POST /v1/incidents = %d %s, want 201", code, body)
	}
	var opened struct{ ID string }
	if err := json.Unmarshal([]byte(body), &opened); err != nil {
		t.Fatal(err)
	}
	s.settle()
	for _, reader := range []string{stays, bounces} {
		if got := s.mail(reader); len(got) != 2 || !strings.Contains(got[1], "Card payments cannot be made.") {
			t.Fatalf("%s got %d mails, want the confirmation and the notice: %s", reader, len(got), got)
		}
	}

	s.invoke("receipt", queued(s.arn("receipt"), bounce(bounces)))
	code, body = s.ask("api", http.MethodPost, "/v1/incidents/"+opened.ID+"/updates", `{"stage":"resolved"}`,
		"Authorization", key, "Content-Type", "application/json")
	if code != http.StatusOK && code != http.StatusCreated {
		t.Fatalf("POST …/updates = %d %s, want it taken", code, body)
	}
	s.settle()
	if got := s.mail(stays); len(got) != 3 {
		t.Errorf("%s got %d mails, want 3 with the end", stays, len(got))
	}
	if got := s.mail(bounces); len(got) != 2 {
		t.Errorf("%s got %d mails, want 2: it bounced before the end", bounces, len(got))
	}

	alarm, err := events.Files.ReadFile("alarm/metric-eventbridge.json")
	if err != nil {
		t.Fatal(err)
	}
	s.invoke("alarm", alarm)
	if code, body := s.ask("api", http.MethodGet, "/v1/signals", "", "Authorization", key); code != http.StatusOK || strings.Count(body, `"alarm":`) != 1 {
		t.Errorf("GET /v1/signals = %d %s, want the one alarm", code, body)
	}
	tick, err := events.Files.ReadFile("due/schedule.json")
	if err != nil {
		t.Fatal(err)
	}
	s.invoke("due", tick)
	for _, door := range []string{"delivery/sms", "delivery/webhook", "delivery/post"} {
		if got := string(s.invoke(door, queued(s.arn("sms"), `{"incident":"none","channel":"sms","from_seq":1,"recipients":["x"]}`))); !strings.Contains(got, "batchItemFailures") {
			t.Errorf("%s of a chunk of no incident = %s, want an answer to a batch", door, got)
		}
	}
	if code, body := s.ask("api", http.MethodGet, "/i/"+opened.ID, "", "Accept-Language", "en"); code != http.StatusOK || !strings.Contains(body, "Card payments cannot be made.") {
		t.Errorf("GET /i/%s = %d, want the page", opened.ID, code)
	}
	if code, _ := s.ask("api", http.MethodGet, "/v1/incidents", "", "Authorization", "Bearer shk_first_0"); code != http.StatusUnauthorized {
		t.Errorf("GET /v1/incidents with a false key = %d, want 401", code)
	}
}

// confirmLink is the link of a confirmation.
var confirmLink = regexp.MustCompile(regexp.QuoteMeta(publicURL) + `(/confirm\?t=[A-Za-z0-9_.\-]+)`)

// subscribe signs a reader up and follows the link of the mail.
func (s *stack) subscribe(reader string) {
	s.t.Helper()
	form := url.Values{"channel": {"email"}, "address": {reader}, "locale": {"en"}}
	code, body := s.ask("signup", http.MethodPost, "/subscribe", form.Encode(),
		"Content-Type", "application/x-www-form-urlencoded", "Origin", publicURL)
	if code >= http.StatusBadRequest {
		s.t.Fatalf("POST /subscribe = %d %s, want it taken", code, body)
	}
	s.settle()
	mails := s.mail(reader)
	if len(mails) != 1 {
		s.t.Fatalf("%s got %d mails, want the confirmation", reader, len(mails))
	}
	found := confirmLink.FindStringSubmatch(html.UnescapeString(mails[0]))
	if found == nil {
		s.t.Fatalf("the confirmation holds no link: %s", mails[0])
	}
	code, body = s.ask("signup", http.MethodPost, found[1], "", "Content-Type", "application/x-www-form-urlencoded", "Origin", publicURL)
	if code >= http.StatusBadRequest {
		s.t.Fatalf("POST /confirm = %d %s, want it taken", code, body)
	}
	s.settle()
}

// firstKey makes the first key as docs/aws.md does.
func firstKey() string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte("first key"))
	return "Bearer shk_first_" + hex.EncodeToString(mac.Sum(nil))
}

// bounce is what SES says of an address that does not exist.
func bounce(to string) string {
	return fmt.Sprintf(`{"eventType":"Bounce","bounce":{"bounceType":"Permanent","bounceSubType":"General",
		"bouncedRecipients":[{"emailAddress":%q,"action":"failed","status":"5.1.1"}],"timestamp":"2026-09-15T05:07:00.000Z","feedbackId":"1"},
		"mail":{"timestamp":"2026-09-15T05:07:00.000Z","messageId":"1","source":"status@minato.example","destination":[%q]}}`, to, to)
}

// queued is a batch of one message of a queue.
func queued(arn, body string) []byte {
	text, _ := json.Marshal(body) // a string always encodes
	return fmt.Appendf(nil, `{"Records":[{"messageId":"1","receiptHandle":"r","body":%s,"attributes":{"ApproximateReceiveCount":"1","SentTimestamp":"1790000000000"},
		"eventSource":"aws:sqs","eventSourceARN":%q,"awsRegion":"ap-northeast-1"}]}`, text, arn)
}
