package handler_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"shirase/internal/handler"
	"shirase/internal/incident"
)

// golden is what one event comes to.
type golden struct {
	Signals    []incident.Signal `json:"signals"`
	Unreadable []unread          `json:"unreadable"`
	Answer     any               `json:"answer"`
}

func TestAlarmDecodesEverySample(t *testing.T) {
	t.Parallel()
	for _, root := range []string{eventsRoot + "/alarm", "testdata/odd"} {
		for name, raw := range samples(t, root) {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				h, in, _ := newAlarm()
				answer, err := h.Handle(t.Context(), raw)
				if err != nil {
					t.Fatalf("Handle(%s) = %v, want no error", name, err)
				}
				if len(in.signals) == 0 {
					t.Errorf("Handle(%s) took no signal, want at least one", name)
				}
				got, err := json.MarshalIndent(golden{in.signals, in.unreadable, answer}, "", "  ")
				if err != nil {
					t.Fatal(err)
				}
				compareGolden(t, filepath.Join("testdata/golden", filepath.Base(root), name), append(got, '\n'))
			})
		}
	}
}

func compareGolden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(got)); d != "" {
		t.Errorf("%s (-want +got):\n%s", path, d)
	}
}

func TestAlarmKeepsWhatIsBroken(t *testing.T) {
	t.Parallel()
	broken := samples(t, "testdata/broken")
	broken["huge.json"] = []byte(`{"AlarmName":"` + strings.Repeat("あ", handler.MaxBody/3+1) + `"}`)
	whys := map[string]string{}
	for name, raw := range broken {
		for _, way := range []string{"direct", "queue"} {
			h, in, _ := newAlarm()
			event := json.RawMessage(raw)
			if way == "queue" {
				event = batchOf(t, message("1", string(raw)))
			}
			answer, err := h.Handle(t.Context(), event)
			if err != nil {
				t.Errorf("Handle(%s, %s) = %v, want no error", name, way, err)
			}
			if way == "queue" {
				if ids := failedIDs(t, answer); len(ids) > 0 {
					t.Errorf("Handle(%s, %s) failed %v, want none", name, way, ids)
				}
			}
			if len(in.signals) > 0 || len(in.unreadable) != 1 {
				t.Errorf("Handle(%s, %s) = %d signals, %d unreadable, want 0 and 1", name, way, len(in.signals), len(in.unreadable))
				continue
			}
			u := in.unreadable[0]
			if len(u.Raw) > handler.MaxBody || !strings.Contains(string(raw), u.Raw[:min(len(u.Raw), 20)]) && !wrapped(name) {
				t.Errorf("Handle(%s, %s) kept %d bytes, want the first of what arrived", name, way, len(u.Raw))
			}
			if utf8.Valid(raw) != utf8.ValidString(u.Raw) {
				t.Errorf("Handle(%s, %s) cut a character", name, way)
			}
			whys[name] = u.Why
		}
	}
	got, err := json.MarshalIndent(whys, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	compareGolden(t, "testdata/golden/broken.json", append(got, '\n'))
}

// wrapped tells the samples of which only the inside is kept.
func wrapped(name string) bool {
	return strings.HasPrefix(name, "envelope-")
}

func TestOneStateChangeByEveryPath(t *testing.T) {
	t.Parallel()
	for _, form := range []string{"metric", "math", "composite", "contributor", "promql", "ok", "tags"} {
		type identity struct {
			ID, Fingerprint string
			State           incident.SignalState
			At              time.Time
			Region, Form    string
			Tags            string
		}
		seen := map[identity][]string{}
		for _, path := range []string{"eventbridge", "sns", "lambda"} {
			h, in, _ := newAlarm()
			if _, err := h.Handle(t.Context(), sample(t, "alarm/"+form+"-"+path+".json")); err != nil {
				t.Fatal(err)
			}
			if len(in.signals) != 1 {
				t.Fatalf("Handle(%s-%s) = %d signals, want 1", form, path, len(in.signals))
			}
			s := in.signals[0]
			if s.Path != path {
				t.Errorf("Handle(%s-%s).Path = %s, want %s", form, path, s.Path, path)
			}
			id := identity{s.ID, s.Fingerprint(), s.State, s.At, s.Region, s.Form, fmt.Sprint(s.Tags)}
			seen[id] = append(seen[id], path)
		}
		if len(seen) != 1 {
			t.Errorf("identities of %s = %v, want one for all paths", form, seen)
		}
	}
}

func TestWrappingChangesNothing(t *testing.T) {
	t.Parallel()
	want := map[string]string{
		"sqs-eventbridge": "metric-eventbridge", "sqs-sns-envelope-eventbridge": "metric-eventbridge",
		"sqs-sns-raw": "metric-sns", "sqs-sns-envelope": "metric-sns",
		"sqs-lambda": "metric-lambda", "sqs-failed-invocation": "metric-lambda",
	}
	for name, plain := range want {
		h, in, _ := newAlarm()
		for _, n := range []string{plain, name} {
			if _, err := h.Handle(t.Context(), sample(t, "alarm/"+n+".json")); err != nil {
				t.Fatal(err)
			}
		}
		if len(in.signals) != 2 {
			t.Fatalf("Handle(%s, %s) = %d signals, want 2", plain, name, len(in.signals))
		}
		if d := cmp.Diff(in.signals[0], in.signals[1]); d != "" {
			t.Errorf("Handle(%s) differs from %s:\n%s", name, plain, d)
		}
	}
}

func TestQuietStateHasAnotherID(t *testing.T) {
	t.Parallel()
	h, in, _ := newAlarm()
	raw := sample(t, "alarm/muted-eventbridge.json")
	loud := bytes.Replace(raw, []byte(`"muteDetail"`), []byte(`"elsewhere"`), 1)
	for _, r := range [][]byte{raw, loud} {
		if _, err := h.Handle(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	a, b := in.signals[0], in.signals[1]
	if !a.Muted || b.Muted || a.ID == b.ID || a.Fingerprint() != b.Fingerprint() || !a.At.Equal(b.At) {
		t.Errorf("muted %+v and loud %+v, want the same change under two ids", a, b)
	}
}

func TestAlarmOfOtherAccountIsKeptOnly(t *testing.T) {
	t.Parallel()
	h, in, _ := newAlarm()
	h.Accounts = []string{"444455556666"}
	if _, err := h.Handle(t.Context(), sample(t, "alarm/metric-eventbridge.json")); err != nil {
		t.Fatal(err)
	}
	if len(in.signals) != 0 || len(in.unreadable) != 1 {
		t.Errorf("Handle(other account) = %d signals, %d unreadable, want 0 and 1", len(in.signals), len(in.unreadable))
	}
}

func TestAlarmFailsTemporarily(t *testing.T) {
	t.Parallel()
	boom := errors.New("store is away")
	for _, name := range []string{"metric-eventbridge", "metric-sns", "metric-lambda"} {
		h, in, _ := newAlarm()
		in.fail = func(incident.Signal) error { return boom }
		if _, err := h.Handle(t.Context(), sample(t, "alarm/"+name+".json")); !errors.Is(err, boom) {
			t.Errorf("Handle(%s) = %v, want %v", name, err, boom)
		}
	}
	h, in, v := newAlarm()
	in.fail = func(s incident.Signal) error {
		if s.Alarm == "invoice-send-errors" {
			return boom
		}
		return nil
	}
	in.failRaw = func(raw []byte) error {
		if bytes.Contains(raw, []byte("hello")) {
			return boom
		}
		return nil
	}
	raw := sample(t, "alarm/sqs-mixed.json")
	var e struct {
		Records []struct{ MessageID, ReceiptHandle string }
	}
	if err := json.Unmarshal(raw, &e); err != nil {
		t.Fatal(err)
	}
	answer, err := h.Handle(t.Context(), raw)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{e.Records[2].MessageID, e.Records[5].MessageID}
	if d := cmp.Diff(want, failedIDs(t, answer)); d != "" {
		t.Errorf("failed ids (-want +got):\n%s", d)
	}
	waits := map[string]time.Duration{e.Records[2].ReceiptHandle: 2 * time.Second, e.Records[5].ReceiptHandle: 2 * time.Second}
	if d := cmp.Diff(waits, v.waits); d != "" {
		t.Errorf("postponed (-want +got):\n%s", d)
	}
}

func TestSignalRefusedForGoodIsKeptRaw(t *testing.T) {
	t.Parallel()
	h, in, _ := newAlarm()
	in.fail = func(incident.Signal) error { return incident.Invalid("alarm", "cannot be") }
	answer, err := h.Handle(t.Context(), sample(t, "alarm/sqs-eventbridge.json"))
	if err != nil || len(failedIDs(t, answer)) != 0 || len(in.unreadable) != 1 {
		t.Errorf("Handle = %v, %v, %d unreadable, want it kept once and done with", answer, err, len(in.unreadable))
	}
}

func TestTruncatedAtEveryByte(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"metric-eventbridge", "composite-sns", "metric-lambda"} {
		raw := bytes.TrimSpace(sample(t, "alarm/"+name+".json"))
		for n := range raw {
			h, in, _ := newAlarm()
			if _, err := h.Handle(t.Context(), raw[:n]); err != nil || len(in.signals) != 0 || len(in.unreadable) != 1 {
				t.Fatalf("Handle(%s[:%d]) = %v, %d signals, %d unreadable, want it kept once", name, n, err, len(in.signals), len(in.unreadable))
			}
		}
	}
}
