package deliver

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"shirase/internal/incident"
)

func TestConclude(t *testing.T) {
	t.Parallel()
	in := func(tries int) turn {
		return turn{key: Key{Recipient: "r"}, pick: Pick{Seq: 1, Text: 1}, item: Item{Attempts: tries}}
	}
	first := noon.Add(backoff(in(0)))
	fail := func(r Reason) *Failure { return &Failure{Reason: r} }
	for _, c := range []struct {
		name    string
		tries   int
		unsure  bool
		outcome Outcome
		keyless bool
		want    Settlement
	}{
		{name: "accepted", outcome: Outcome{ID: "p"}, want: Settlement{Result: Sent, Done: true, Attempt: true, Post: "p"}},
		{name: "throttled", outcome: Outcome{Failure: fail(Throttled)}, want: Settlement{Attempt: true, RetryAt: first}},
		{name: "unavailable", outcome: Outcome{Failure: fail(Unavailable)}, want: Settlement{Attempt: true, RetryAt: first}},
		{
			name: "the channel asks for time", outcome: Outcome{Failure: &Failure{Reason: Throttled, RetryAfter: time.Minute}},
			want: Settlement{Attempt: true, RetryAt: noon.Add(time.Minute)},
		},
		{
			name: "the recipient asks for time", outcome: Outcome{Failure: &Failure{Reason: Throttled, RetryAfter: time.Minute, Recipient: true}},
			want: Settlement{Attempt: true, RetryAt: first, NotBefore: noon.Add(time.Minute)},
		},
		{
			name: "the recipient asks for a year", outcome: Outcome{Failure: &Failure{Reason: Throttled, RetryAfter: 365 * 24 * time.Hour, Recipient: true}},
			want: Settlement{Attempt: true, RetryAt: first, NotBefore: noon.Add(maxWait)},
		},
		{
			name: "no answer", outcome: Outcome{Failure: fail(TimedOut)},
			want: Settlement{Result: Unknown, Reason: TimedOut, Attempt: true, RetryAt: first},
		},
		{
			name: "no answer, no key", outcome: Outcome{Failure: fail(TimedOut)}, keyless: true,
			want: Settlement{Result: Unknown, Reason: TimedOut, Attempt: true, RetryAt: noon.Add(repeatAfter)},
		},
		{
			name: "an answer nobody knows", outcome: Outcome{Failure: fail("teapot")},
			want: Settlement{Result: Unknown, Reason: TimedOut, Attempt: true, RetryAt: first},
		},
		{name: "not begun", outcome: Outcome{Failure: fail(NotBegun)}, tries: maxWaits, want: Settlement{}},
		{
			name: "unauthorised", outcome: Outcome{Failure: fail(Unauthorised)}, tries: maxWaits,
			want: Settlement{RetryAt: noon.Add(credentialWait)},
		},
		{name: "rejected", outcome: Outcome{Failure: fail(Rejected)}, want: Settlement{Result: Refused, Reason: Rejected, Done: true, Attempt: true}},
		{name: "forbidden", outcome: Outcome{Failure: fail(Forbidden)}, want: Settlement{Result: Refused, Reason: Forbidden, Done: true, Attempt: true}},
		{name: "gone", outcome: Outcome{Failure: fail(Gone)}, want: Settlement{Result: Refused, Reason: Gone, Done: true, Attempt: true}},
		{
			name: "not taken for hours", outcome: Outcome{Failure: fail(Unavailable)}, tries: maxAttempts,
			want: Settlement{Attempt: true, RetryAt: noon.Add(backoff(in(maxAttempts)))},
		},
		{
			name: "the last try", outcome: Outcome{Failure: fail(Unavailable)}, tries: maxWaits - 1,
			want: Settlement{Result: Failed, Reason: Exhausted, Done: true, Attempt: true},
		},
		{
			name: "the last try, throttled", outcome: Outcome{Failure: fail(Throttled)}, tries: maxWaits - 1,
			want: Settlement{Result: Failed, Reason: Exhausted, Done: true, Attempt: true},
		},
		{
			name: "no answer for the first time, after hours", outcome: Outcome{Failure: fail(TimedOut)}, tries: maxAttempts,
			want: Settlement{Result: Unknown, Reason: TimedOut, Attempt: true, RetryAt: noon.Add(backoff(in(maxAttempts)))},
		},
		{
			name: "the last try, no answer", outcome: Outcome{Failure: fail(TimedOut)}, tries: maxAttempts - 1, unsure: true,
			want: Settlement{Result: Unknown, Reason: Exhausted, Done: true, Attempt: true},
		},
		{
			name: "the last try, an answer nobody knows", outcome: Outcome{Failure: fail("teapot")}, tries: maxAttempts - 1, unsure: true,
			want: Settlement{Result: Unknown, Reason: Exhausted, Done: true, Attempt: true},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			of := in(c.tries)
			if c.unsure {
				of.item.mark(Mark{Seq: 1, Text: 1, Result: Unknown})
			}
			got := conclude(of, c.outcome, !c.keyless, noon)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("conclude (-want +got):\n%s", diff)
			}
		})
	}
}

func TestBackoff(t *testing.T) {
	t.Parallel()
	waits := map[time.Duration]bool{}
	for _, id := range []incident.RecipientID{"a", "b", "c", "d"} {
		before := time.Duration(0)
		for tries := range maxWaits {
			got := backoff(turn{key: Key{Recipient: id}, item: Item{Attempts: tries}})
			if got < before/2 || got > maxWait || got < firstWait/2 {
				t.Errorf("backoff(%s, %d) = %s after %s", id, tries, got, before)
			}
			before = got
		}
		waits[backoff(turn{key: Key{Recipient: id}})] = true
	}
	if len(waits) < 2 {
		t.Error("backoff brings all recipients back at once")
	}
}

func TestEnvelopeKey(t *testing.T) {
	t.Parallel()
	k := Key{Incident: "i", Channel: incident.Email, Recipient: "r"}
	seen := map[string]string{EnvelopeKey(k, 1): "the first"}
	for name, other := range map[string]string{
		"another text":      EnvelopeKey(k, 2),
		"another recipient": EnvelopeKey(Key{Incident: "i", Channel: incident.Email, Recipient: "s"}, 1),
		"another channel":   EnvelopeKey(Key{Incident: "i", Channel: incident.SMS, Recipient: "r"}, 1),
		"another incident":  EnvelopeKey(Key{Incident: "j", Channel: incident.Email, Recipient: "r"}, 1),
		"a memo":            EnvelopeKey(Key{Incident: "i", Channel: incident.Email, Recipient: "r", Slot: "s"}, 1),
	} {
		if twin, ok := seen[other]; ok {
			t.Errorf("EnvelopeKey(%s) = EnvelopeKey(%s)", name, twin)
		}
		seen[other] = name
	}
	if got, again := EnvelopeKey(k, 1), EnvelopeKey(k, 1); got != again {
		t.Errorf("EnvelopeKey = %s, then %s", got, again)
	}
}
