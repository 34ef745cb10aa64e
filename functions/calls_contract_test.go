//go:build contract

package functions_test

import (
	"fmt"
	"net/http"
	goruntime "runtime"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"golang.org/x/sync/errgroup"

	"shirase/internal/aws/dynamo"
	"shirase/internal/incident"
	"shirase/internal/plan"
	"shirase/internal/subscribe"
)

// readers is how many are told. They stand in the four shards of a stack, whose
// last chunks are not full, so that fewer readers cost more SQS each.
const readers = 600

// shared is what of the reads that many readers share falls to each: of a wave the
// incident before the claims and after them, the plan with each, and the pace
// before and after sending; of a chunk its texts; and the pages of readers.
// docs/decisions/0013-strong-reads.md says why they are made.
const shared = 0.65

// TestCallsPerRecipient tells an update through the shipped binaries, first to
// those alone whom the plan names, then to many subscribers as well. The first is
// what an update costs whoever hears it, above all a job and a list for each
// channel; what the second costs more, a subscriber costs, and is held to the
// budget of the design. What is counted is everything that fan-out and the
// delivery of mail ask of AWS.
func TestCallsPerRecipient(t *testing.T) {
	t.Parallel()
	s := makeStack(t, "calls")
	c := s.count("fanout", "delivery/email")
	for _, door := range []string{"api", "fanout", "delivery/email"} {
		s.start(door, goruntime.GOARCH, nil)
	}
	source, err := plan.Embedded("company")
	s.must(err)
	if code, body := s.ask("api", http.MethodPut, "/v1/plan", string(source), "Authorization", firstKey(), "Content-Type", "application/yaml"); code != http.StatusOK {
		t.Fatalf("PUT /v1/plan = %d %s, want 200", code, body)
	}
	s.tell(c) // so that neither function is new
	few := s.tell(c)
	s.enrol(readers)
	more := s.tell(c).minus(few)

	t.Logf("calls: each update: %s", few.per(1))
	t.Logf("calls: %d recipients: %s", readers, more.per(readers))
	if more.sends != readers {
		t.Errorf("%d subscribers cost %d mails, want one each", readers, more.sends)
	}
	for _, b := range []struct {
		what string
		got  int
		most float64
	}{
		{"DynamoDB writes", more.writes, 2.1},
		{"strong reads", more.strong, 2 + shared},
		{"SQS calls", more.sqs, 3.0 / 50},
	} {
		if got := float64(b.got) / readers; got > b.most {
			t.Errorf("%s per recipient = %.3f, want at most %.2f", b.what, got, b.most)
		}
	}
	if t.Failed() {
		t.Logf("calls in all:\n%s", c)
	}
}

// tell opens an incident, takes its first update to everyone, and answers what
// that took.
func (s *stack) tell(c *counter) tally {
	s.t.Helper()
	began, handed := c.sum(), s.handed["fanout"]+s.handed["delivery/email"]
	if code, body := s.ask("api", http.MethodPost, "/v1/incidents",
		`{"components":["checkout"],"severity":"major","effect":{"ja":"カードでお支払いができません。","en":"Card payments cannot be made."}}`,
		"Authorization", firstKey(), "Content-Type", "application/json"); code != http.StatusCreated {
		s.t.Fatalf("POST /v1/incidents = %d %s, want 201", code, body)
	}
	for _, door := range []string{"fanout", "delivery/email"} {
		for _, q := range reads[door] {
			for s.deliver(door, q) {
			}
		}
	}
	took := c.sum().minus(began)
	// Lambda itself receives and deletes, not the function. It may take several
	// messages at once, but need not, so each message counts as one call to receive
	// it and one to delete it. Polls that find nothing belong to the idle month.
	// https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
	took.sqs += 2 * (s.handed["fanout"] + s.handed["delivery/email"] - handed)
	return took
}

// enrol keeps active subscribers, as an import does.
func (s *stack) enrol(n int) {
	s.t.Helper()
	kept, err := dynamo.NewSubscriptions(dynamodb.NewFromConfig(s.config), s.tables, 4)
	s.must(err)
	var g errgroup.Group
	g.SetLimit(8)
	for at := range n {
		address := incident.Address(fmt.Sprintf("reader-%04d@reader.example", at))
		g.Go(func() error {
			return kept.Commit(s.t.Context(), subscribe.Change{Record: subscribe.Record{Subscriber: incident.Subscriber{
				ID:       incident.NewRecipientID([]byte(secret), incident.Email, address),
				Audience: incident.Customers, Channel: incident.Email, Address: address, Locale: "en",
				State: incident.Active, Epoch: 1, CreatedAt: time.Now(), ConfirmedAt: time.Now(),
			}}})
		})
	}
	s.must(g.Wait())
}
