package handler_test

import (
	"context"
	"encoding/json"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"shirase/internal/handler"
	"shirase/internal/incident"
)

var update = flag.Bool("update", false, "write the golden files anew")

var noon = time.Date(2026, 8, 20, 12, 0, 0, 0, time.UTC)

func atNoon() time.Time { return noon }

// intake records what it is given, and fails where told to.
type intake struct {
	signals    []incident.Signal
	unreadable []unread
	fail       func(incident.Signal) error
	failRaw    func([]byte) error
}

type unread struct {
	Why string `json:"why"`
	Raw string `json:"-"`
}

func (i *intake) Signal(_ context.Context, s incident.Signal) error {
	i.signals = append(i.signals, s)
	if i.fail != nil {
		return i.fail(s)
	}
	return nil
}

func (i *intake) Unreadable(_ context.Context, raw []byte, why string) error {
	i.unreadable = append(i.unreadable, unread{Why: why, Raw: string(raw)})
	if i.failRaw != nil {
		return i.failRaw(raw)
	}
	return nil
}

// hidden records by receipt for how long messages were postponed.
type hidden struct {
	waits map[string]time.Duration
	err   error
}

func (h *hidden) Postpone(_ context.Context, receipt string, wait time.Duration) error {
	if h.waits == nil {
		h.waits = map[string]time.Duration{}
	}
	h.waits[receipt] = wait
	return h.err
}

// lot records what was parked.
type lot struct {
	bodies, queues, whys []string
	err                  error
}

func (l *lot) Park(_ context.Context, queue string, body []byte, why string) error {
	l.bodies, l.queues, l.whys = append(l.bodies, string(body)), append(l.queues, queue), append(l.whys, why)
	return l.err
}

func newAlarm() (handler.Alarm, *intake, *hidden) {
	i, v := &intake{}, &hidden{}
	return handler.Alarm{Intake: i, Visibility: v, Now: atNoon}, i, v
}

// samples answers the files of a folder, by path below it.
func samples(tb testing.TB, root string) map[string][]byte {
	tb.Helper()
	out := map[string][]byte{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".json") {
			return err
		}
		b, err := os.ReadFile(path)
		name, _ := filepath.Rel(root, path)
		out[filepath.ToSlash(name)] = b
		return err
	})
	if err != nil {
		tb.Fatal(err)
	}
	if len(out) == 0 {
		tb.Fatalf("samples(%q) = none, want some", root)
	}
	return out
}

const eventsRoot = "../../events"

func sample(tb testing.TB, name string) []byte {
	tb.Helper()
	b, err := os.ReadFile(filepath.Join(eventsRoot, name))
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// message makes a message of a queue, with the number in its ids.
func message(id, body string) events.SQSMessage {
	return events.SQSMessage{
		MessageId: id, ReceiptHandle: "receipt-" + id, Body: body, EventSource: "aws:sqs",
		EventSourceARN: "arn:aws:sqs:ap-northeast-1:111122223333:queue",
		Attributes:     map[string]string{"ApproximateReceiveCount": "1"},
	}
}

func batchOf(tb testing.TB, ms ...events.SQSMessage) json.RawMessage {
	tb.Helper()
	b, err := json.Marshal(events.SQSEvent{Records: ms})
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// failedIDs answers the ids that an answer reports.
func failedIDs(tb testing.TB, answer any) []string {
	tb.Helper()
	r, ok := answer.(events.SQSEventResponse)
	if !ok {
		tb.Fatalf("answer = %T, want events.SQSEventResponse", answer)
	}
	ids := []string{}
	for _, f := range r.BatchItemFailures {
		ids = append(ids, f.ItemIdentifier)
	}
	return ids
}
