package queue_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"shirase/internal/aws/queue"
	"shirase/internal/deliver"
	"shirase/internal/handler"
	"shirase/internal/incident"
)

var sendAt = queue.Addresses{
	Email: "https://q.test/email", EmailTwin: "https://q.test/email-twin",
	SMS: "https://q.test/sms", SMSTwin: "https://q.test/sms-twin",
	Webhook: "https://q.test/webhook", WebhookTwin: "https://q.test/webhook-twin",
	Post: "https://q.test/post",
}

func TestRefusedEntriesAreTriedOnceMore(t *testing.T) {
	t.Parallel()
	a, b, c := body(t, chunk("a")), body(t, chunk("b")), body(t, chunk("c"))
	tests := []struct {
		name    string
		say     func(c call, n int) answer
		want    [][]string // the bodies of each call
		problem string
	}{
		{
			name: "the second time taken",
			say: func(c call, n int) answer {
				if n == 0 {
					return taken(c, b)
				}
				return taken(c)
			},
			want: [][]string{{a, b, c}, {b}},
		},
		{
			name:    "refused twice",
			say:     func(c call, _ int) answer { return taken(c, a, c.Entries[len(c.Entries)-1].MessageBody) },
			want:    [][]string{{a, b, c}, {a, c}},
			problem: "send 3 messages: 2 were refused: InternalError",
		},
		{
			name: "not spoken of", // neither taken nor refused
			say: func(c call, n int) answer {
				if n == 0 {
					c.Entries = c.Entries[1:]
				}
				return taken(c)
			},
			want: [][]string{{a, b, c}, {a}},
		},
		{
			name: "throttled",
			say: func(c call, n int) answer {
				if n == 0 {
					return answer{fault: "RequestThrottled"}
				}
				return taken(c)
			},
			want: [][]string{{a, b, c}, {a, b, c}},
		},
		{
			name: "unavailable",
			say: func(c call, n int) answer {
				if n == 0 {
					return answer{fault: "ServiceUnavailable"}
				}
				return taken(c)
			},
			want: [][]string{{a, b, c}, {a, b, c}},
		},
		{
			name: "taken, but the answer is lost", // they arrive twice
			say: func(c call, n int) answer {
				if n == 0 {
					return answer{fault: "drop"}
				}
				return taken(c)
			},
			want: [][]string{{a, b, c}, {a, b, c}},
		},
		{
			name: "the queue takes less than a batch may hold",
			say: func(c call, _ int) answer {
				if len(c.Entries) > 1 {
					return answer{fault: "BatchRequestTooLong"}
				}
				return taken(c)
			},
			want: [][]string{{a, b, c}, {a}, {b, c}, {b}, {c}},
		},
		{
			name:    "too long by itself",
			say:     func(call, int) answer { return answer{fault: "BatchRequestTooLong"} },
			want:    [][]string{{a, b, c}, {a}, {b, c}, {b}, {c}},
			problem: "BatchRequestTooLong",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var s stub
			q := queue.NewChunks(s.client(t, tt.say), sendAt, families, memos{})
			err := q.Send(t.Context(), []deliver.Chunk{chunk("a"), chunk("b"), chunk("c")})
			if (err != nil) != (tt.problem != "") || err != nil && !strings.Contains(err.Error(), tt.problem) {
				t.Errorf("Send() = %v, want %q", err, tt.problem)
			}
			if err != nil && !handler.Leave(err) {
				t.Errorf("Leave(%v) = false, want it tried again", err)
			}
			var got [][]string
			for _, c := range s.seen() {
				var bodies []string
				ids := map[string]bool{}
				for _, e := range c.Entries {
					bodies, ids[e.Id] = append(bodies, e.MessageBody), true
				}
				if len(ids) != len(bodies) {
					t.Errorf("a call has %d ids for %d entries", len(ids), len(bodies))
				}
				got = append(got, bodies)
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("calls differ (-want +got):\n%s", d)
			}
		})
	}
}

func TestSendGivesUpWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	var s stub
	q := queue.NewChunks(s.client(t, func(c call, _ int) answer {
		cancel() // while the call is under way
		return taken(c)
	}), sendAt, families, memos{})
	// The answer may still overtake the cancellation; what must not happen is a
	// second call.
	if err := q.Send(ctx, []deliver.Chunk{chunk("a")}); err != nil && !errors.Is(err, context.Canceled) {
		t.Errorf("Send() = %v, want context.Canceled", err)
	}
	if err := q.Send(ctx, []deliver.Chunk{chunk("b")}); !errors.Is(err, context.Canceled) {
		t.Errorf("Send() after the end = %v, want context.Canceled", err)
	}
	if n := len(s.seen()); n != 1 {
		t.Errorf("%d calls, want 1", n)
	}
}

func TestBatchesKeepTheLimits(t *testing.T) {
	t.Parallel()
	var chunks []deliver.Chunk
	for n := range 25 { // small ones
		chunks = append(chunks, chunk(incident.RecipientID(fmt.Sprint(n))))
	}
	for range 5 { // of which two and a half fill a call
		chunks = append(chunks, chunk(incident.RecipientID(strings.Repeat("r", 400<<10))))
	}
	var s stub
	q := queue.NewChunks(s.client(t, func(c call, _ int) answer { return taken(c) }), sendAt, families, memos{})
	if err := q.Send(t.Context(), chunks); err != nil {
		t.Fatal(err)
	}
	var sizes []int
	sent := 0
	for _, c := range s.seen() {
		bytes := 0
		for _, e := range c.Entries {
			bytes += len(e.MessageBody)
		}
		if len(c.Entries) > 10 || bytes > 1<<20 {
			t.Errorf("a call has %d entries of %d bytes together, want at most 10 and 1 MiB", len(c.Entries), bytes)
		}
		sizes, sent = append(sizes, len(c.Entries)), sent+len(c.Entries)
	}
	slices.Sort(sizes)
	if want := []int{1, 2, 7, 10, 10}; sent != len(chunks) || !slices.Equal(sizes, want) {
		t.Errorf("calls of %v entries, %d in all, want %v and %d", sizes, sent, want, len(chunks))
	}
	chunks = append(chunks, chunk(incident.RecipientID(strings.Repeat("r", 1<<20))))
	before := len(s.seen())
	if err := q.Send(t.Context(), chunks); !errors.Is(err, incident.ErrInvalid) {
		t.Errorf("Send(longer than a message) = %v, want ErrInvalid", err)
	}
	if n := len(s.seen()); n != before {
		t.Errorf("%d calls for chunks of which one is too long, want none", n-before)
	}
}
