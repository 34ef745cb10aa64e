//go:build contract

package queue_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/go-cmp/cmp"

	"shirase/internal/announce"
	"shirase/internal/aws/enginetest"
	"shirase/internal/aws/queue"
	"shirase/internal/deliver"
	"shirase/internal/handler"
	"shirase/internal/incident"
	"shirase/internal/porttest"
)

// onEngines runs a test on each engine.
func onEngines(t *testing.T, fn func(t *testing.T, client *sqs.Client)) {
	t.Helper()
	for name, config := range enginetest.All(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fn(t, sqs.NewFromConfig(config))
		})
	}
}

var made atomic.Int64

// create makes an empty queue.
func create(t *testing.T, client *sqs.Client, name string) (url string) {
	t.Helper()
	out, err := client.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String(fmt.Sprintf("%s-%d", name, made.Add(1)))})
	if err != nil {
		t.Fatal(err)
	}
	return *out.QueueUrl
}

// sendQueues makes every send queue.
func sendQueues(t *testing.T, client *sqs.Client) queue.Addresses {
	t.Helper()
	return queue.Addresses{
		Email: create(t, client, "email"), EmailTwin: create(t, client, "email-twin"),
		SMS: create(t, client, "sms"), SMSTwin: create(t, client, "sms-twin"),
		Webhook: create(t, client, "webhook"), WebhookTwin: create(t, client, "webhook-twin"),
		Post: create(t, client, "post"),
	}
}

// take receives what is visible on a queue and leaves it hidden. It may hold
// doubles: the engines now and then close a connection before the answer, so that
// the client sends again.
func take(t *testing.T, client *sqs.Client, url string) (out []types.Message) {
	t.Helper()
	for {
		got, err := client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{
			QueueUrl: &url, MaxNumberOfMessages: 10, VisibilityTimeout: 600,
			MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll},
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(got.Messages) == 0 {
			return out
		}
		out = append(out, got.Messages...)
	}
}

func chunks(t *testing.T, ms []types.Message) (out []deliver.Chunk) {
	t.Helper()
	for _, m := range ms {
		var c deliver.Chunk
		if err := json.Unmarshal([]byte(*m.Body), &c); err != nil {
			t.Fatal(err)
		}
		out = append(out, c)
	}
	return out
}

func TestQueuePort(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, client *sqs.Client) {
		t.Helper()
		porttest.Queue(t, func(t *testing.T) (deliver.Queue, func() []deliver.Chunk) {
			t.Helper()
			at := sendQueues(t, client)
			return queue.NewChunks(client, at, families, memos{}), func() (out []deliver.Chunk) {
				for _, url := range []string{at.Email, at.EmailTwin, at.SMS, at.SMSTwin, at.Webhook, at.WebhookTwin, at.Post} {
					out = append(out, chunks(t, take(t, client, url))...)
				}
				return out
			}
		})
	})
}

func TestManyChunksArrive(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, client *sqs.Client) {
		t.Helper()
		at := sendQueues(t, client)
		var sent []deliver.Chunk
		for n := range 33 {
			sent = append(sent, deliver.Chunk{
				Incident: "i-1", Channel: incident.Webhook, FromSeq: 1, Group: fmt.Sprintf("hook%d.example", n),
				Recipients: []incident.RecipientID{incident.RecipientID(fmt.Sprintf("w%02d", n))},
			})
		}
		if err := queue.NewChunks(client, at, families, memos{}).Send(t.Context(), sent); err != nil {
			t.Fatal(err)
		}
		got := take(t, client, at.Webhook)
		for _, m := range got {
			if c := chunks(t, []types.Message{m})[0]; m.Attributes["MessageGroupId"] != c.Group {
				t.Errorf("group of the message for %s = %q, want the chunk's", c.Group, m.Attributes["MessageGroupId"])
			}
		}
		arrived := chunks(t, got)
		slices.SortFunc(arrived, func(a, b deliver.Chunk) int { return strings.Compare(string(a.Recipients[0]), string(b.Recipients[0])) })
		arrived = slices.CompactFunc(arrived, func(a, b deliver.Chunk) bool { return a.Group == b.Group })
		if d := cmp.Diff(sent, arrived); d != "" {
			t.Errorf("chunks differ (-sent +arrived):\n%s", d)
		}
	})
}

func TestPostponeFindsTheQueueOfTheReceipt(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, client *sqs.Client) {
		t.Helper()
		main, twin := create(t, client, "main"), create(t, client, "twin")
		q := queue.NewOwn(client, main, twin)
		for _, url := range []string{main, twin} {
			if _, err := client.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &url, MessageBody: aws.String("x")}); err != nil {
				t.Fatal(err)
			}
			ms := take(t, client, url)
			if len(ms) == 0 {
				t.Fatal("received no message, want one")
			}
			postpone := func(wait time.Duration) {
				for _, m := range ms {
					if err := q.Postpone(t.Context(), *m.ReceiptHandle, wait); err != nil {
						t.Fatalf("Postpone for %s = %v", wait, err)
					}
				}
			}
			postpone(10 * time.Minute)
			if again := take(t, client, url); len(again) != 0 {
				t.Errorf("received %d messages that were put off, want none", len(again))
			}
			postpone(0)
			if again := take(t, client, url); len(again) != len(ms) {
				t.Errorf("received %d messages that were to be shown at once, want %d", len(again), len(ms))
			}
		}
		if err := q.Postpone(t.Context(), "unknown", time.Minute); !errors.Is(err, incident.ErrInvalid) {
			t.Errorf("Postpone(unknown) = %v, want ErrInvalid", err)
		}
	})
}

func TestParkedShowsWhatWasParked(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, client *sqs.Client) {
		t.Helper()
		url := create(t, client, "parking")
		p, lot := queue.NewParking(client, url), queue.NewLot(client, url)
		const from = "arn:aws:sqs:ap-northeast-1:111122223333:email"
		for _, m := range []struct{ body, why string }{
			{`{"incident":`, "unexpected end"},
			{`{"incident":`, "unexpected end"}, // twice is harmless
			{"\x00\xff", "no JSON"},
			{"", "empty"},
			{strings.Repeat("長", 400_000), "too\x00 long"},
		} {
			if err := p.Park(t.Context(), from, []byte(m.body), m.why); err != nil {
				t.Fatal(err)
			}
		}
		if err := p.Park(t.Context(), "", []byte("nobody's"), ""); err != nil {
			t.Fatal(err)
		}
		var first []handler.Parked
		for n := range 2 { // what was shown stays there, and is shown at once
			got, err := lot.Parked(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if n == 0 {
				first = slices.Clone(got)
			} else if d := cmp.Diff(first, got); d != "" {
				t.Errorf("Parked() again differs (-first +again):\n%s", d)
			}
			bodies := map[string]string{}
			for _, p := range got {
				bodies[p.Why] = p.Body
				if p.At.IsZero() {
					t.Errorf("Parked() = %q at no time", p.Why)
				}
				if p.Why != "" && p.Queue != from {
					t.Errorf("Parked() = %q of queue %q, want %q", p.Why, p.Queue, from)
				}
			}
			want := map[string]string{
				"unexpected end": `{"incident":`, "no JSON": "\x00\uFFFD", "empty": "", "": "nobody's",
				"too long": strings.Repeat("長", 8<<10/3) + "\uFFFD",
			}
			if d := cmp.Diff(want, bodies); d != "" {
				t.Errorf("Parked() differs (-want +got):\n%s", d)
			}
			if len(got) != len(want) {
				t.Errorf("len(Parked()) = %d, want %d", len(got), len(want))
			}
		}
	})
}

func TestNudgeArrivesWhenItIsDue(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, client *sqs.Client) {
		t.Helper()
		url := create(t, client, "nudge")
		began := time.Now()
		due := began.Add(1500 * time.Millisecond)
		n := queue.NewNudges(&store{}, client, url, time.Now, slog.New(slog.DiscardHandler))
		if err := n.Commit(t.Context(), announce.Change{Due: []announce.Due{{ID: "d", At: due}, {ID: "e", At: due.Add(time.Hour)}}}); err != nil {
			t.Fatal(err)
		}
		var got []types.Message
		for len(got) == 0 && t.Context().Err() == nil && time.Since(began) < time.Minute {
			out, err := client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &url, WaitTimeSeconds: 5})
			if err != nil {
				t.Fatal(err)
			}
			got = out.Messages
		}
		if len(got) != 1 {
			t.Fatalf("received %d nudges, want 1", len(got))
		}
		if at := time.Now(); at.Before(due) {
			t.Errorf("the nudge for %s arrived at %s, which is early", due, at)
		}
		for _, more := range take(t, client, url) {
			if *more.Body != *got[0].Body {
				t.Errorf("received another nudge %s, want none: it is an hour ahead", *more.Body)
			}
		}
	})
}
