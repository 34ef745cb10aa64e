package queue_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"shirase/internal/aws/queue"
	"shirase/internal/handler"
	"shirase/internal/incident"
)

const parkURL = "https://q.test/parking"

func TestPostponeRoundsUpAndStaysWithinTheLimit(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		wait time.Duration
		want int
	}{
		{-time.Hour, 0},
		{0, 0},
		{time.Nanosecond, 1},
		{time.Second, 1},
		{1001 * time.Millisecond, 2},
		{15 * time.Minute, 900},
		{12 * time.Hour, 42300},
		{1 << 62, 42300},
	} {
		var s stub
		q := queue.NewOwn(s.client(t, func(call, int) answer { return answer{} }), sendAt.Email)
		if err := q.Postpone(t.Context(), "r", tt.wait); err != nil {
			t.Fatal(err)
		}
		want := []call{{Op: "ChangeMessageVisibility", QueueUrl: sendAt.Email, ReceiptHandle: "r", VisibilityTimeout: tt.want}}
		if d := cmp.Diff(want, s.seen()); d != "" {
			t.Errorf("Postpone(%s) differs (-want +got):\n%s", tt.wait, d)
		}
	}
}

func TestPostponeAsksTheOwnQueuesInTurn(t *testing.T) {
	t.Parallel()
	own := []string{sendAt.Email, sendAt.EmailTwin}
	for _, tt := range []struct {
		name  string
		fault func(c call) string
		urls  []string
		want  error // nil means any that is no kind of ours
		ok    bool
	}{
		{"the first knows it", func(call) string { return "" }, own[:1], nil, true},
		{"the second knows it", second("ReceiptHandleIsInvalid"), own, nil, true},
		{"not in flight on the first", second("MessageNotInflight"), own, nil, true},
		{"a parameter at fault on the first", second("InvalidParameterValue"), own, nil, true},
		{"none knows it", func(call) string { return "ReceiptHandleIsInvalid" }, own, incident.ErrInvalid, false},
		{"throttled", func(call) string { return "RequestThrottled" }, []string{own[0], own[0], own[0]}, nil, false},
		{"the queue is gone", func(call) string { return "QueueDoesNotExist" }, own[:1], nil, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var s stub
			q := queue.NewOwn(s.client(t, func(c call, _ int) answer { return answer{fault: tt.fault(c)} }), own...)
			err := q.Postpone(t.Context(), "r", time.Second)
			if (err == nil) != tt.ok || errors.Is(err, incident.ErrInvalid) != (tt.want != nil) {
				t.Errorf("Postpone() = %v, want ok=%t, %v", err, tt.ok, tt.want)
			}
			var got []string
			for _, c := range s.seen() {
				got = append(got, c.QueueUrl)
			}
			if d := cmp.Diff(tt.urls, got); d != "" {
				t.Errorf("asked queues differ (-want +got):\n%s", d)
			}
		})
	}
}

// second is the fault of every queue but the last.
func second(fault string) func(c call) string {
	return func(c call) string {
		if c.QueueUrl == sendAt.EmailTwin {
			return ""
		}
		return fault
	}
}

func TestParkThatFailsLeavesTheMessage(t *testing.T) {
	t.Parallel()
	var s stub
	q := queue.NewParking(s.client(t, func(call, int) answer { return answer{fault: "QueueDoesNotExist"} }), parkURL)
	if err := q.Park(t.Context(), "arn", []byte("secret body"), "why"); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("Park() = %v, want an error that says nothing of the body", err)
	}
}

// waiting answers receptions of a parking queue that holds each of n messages as
// often as it was parked, seven at a time, the newest first.
func waiting(n, times int) func(c call, _ int) answer {
	next := times * n
	return func(c call, _ int) answer {
		if c.Op != "ReceiveMessage" {
			return answer{}
		}
		var ms []map[string]any
		for ; next > 0 && len(ms) < 7; next-- {
			k := (next - 1) / times
			ms = append(ms, map[string]any{
				"MessageId": fmt.Sprint(next), "ReceiptHandle": fmt.Sprint("r", next), "Body": fmt.Sprint("b", k),
				"Attributes":        map[string]string{"SentTimestamp": fmt.Sprint(noon.UnixMilli() + int64(next))},
				"MessageAttributes": map[string]any{"id": map[string]string{"DataType": "String", "StringValue": fmt.Sprint(k)}},
			})
		}
		return answer{body: map[string]any{"Messages": ms}}
	}
}

func TestParkedListsDoublesOnceAndGivesAllBack(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ there, times, want, receptions, seen int }{
		{there: 0, times: 1, want: 0, receptions: 1, seen: 0},
		{there: 3, times: 2, want: 3, receptions: 2, seen: 6},
		{there: 40, times: 2, want: 40, receptions: 13, seen: 80},
		{there: 150, times: 2, want: 70, receptions: 20, seen: 140},  // it looks so often and no more
		{there: 150, times: 1, want: 100, receptions: 15, seen: 105}, // it lists so many and no more
	} {
		var s stub
		got, err := queue.NewLot(s.client(t, waiting(tt.there, tt.times)), parkURL).Parked(t.Context())
		if err != nil || len(got) != tt.want {
			t.Errorf("Parked() of %+v = %d, %v, want %d", tt, len(got), err, tt.want)
		}
		for n := 1; n < len(got); n++ {
			if !got[n-1].At.Before(got[n].At) {
				t.Errorf("Parked() has %s at %s before %s at %s, want the oldest first", got[n-1].Body, got[n-1].At, got[n].Body, got[n].At)
			}
		}
		if tt.there == 40 && !got[0].At.Equal(noon.Add(time.Millisecond)) {
			t.Errorf("Parked() begins at %s, want the time of the first of two doubles", got[0].At)
		}
		received, back := 0, 0
		for _, c := range s.seen() {
			if c.Op == "ReceiveMessage" {
				received++
			}
			if c.Op == "ChangeMessageVisibilityBatch" {
				back += len(c.Entries)
			}
		}
		if received != tt.receptions || back != tt.seen {
			t.Errorf("Parked() of %+v received %d times and gave back %d", tt, received, back)
		}
	}
}

// No engine names the source of what it moved, as SQS does.
func TestParkedTellsOfDeadLetters(t *testing.T) {
	t.Parallel()
	var s stub
	q := queue.NewLot(s.client(t, func(c call, n int) answer {
		if n > 0 {
			return answer{}
		}
		return answer{body: map[string]any{"Messages": []map[string]any{{
			"MessageId": "m", "ReceiptHandle": "r", "Body": "poison",
			"Attributes": map[string]string{"SentTimestamp": fmt.Sprint(noon.UnixMilli()), "DeadLetterQueueSourceArn": "arn:source"},
		}}}}
	}), parkURL)
	got, err := q.Parked(t.Context())
	want := []handler.Parked{{Queue: "arn:source", Why: "it was received too often", At: noon, Body: "poison"}}
	if d := cmp.Diff(want, got); err != nil || d != "" {
		t.Errorf("Parked() = %v, differs (-want +got):\n%s", err, d)
	}
	if c := s.seen()[0]; !slices.Contains(c.MessageSystemAttributeNames, "DeadLetterQueueSourceArn") || c.WaitTimeSeconds != 1 || c.VisibilityTimeout != 30 {
		t.Errorf("Parked() asked %+v, want the source, after a second's wait, hidden for 30", c)
	}
}

func TestParkedOfAQueueThatFails(t *testing.T) {
	t.Parallel()
	var s stub
	q := queue.NewLot(s.client(t, func(call, int) answer { return answer{fault: "QueueDoesNotExist"} }), parkURL)
	if got, err := q.Parked(t.Context()); err == nil {
		t.Errorf("Parked() = %v, want an error", got)
	}
}
