package deliver

import (
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// Everything at once takes minutes: go test -run 'TestModel$' -wide -timeout 1h ./internal/deliver.
var wide = flag.Bool("wide", false, "let the adversary of the model do more, on every kind of channel")

// adversaries answers what may go wrong in a story on a medium. Usually each
// story is told on one kind of channel without a key and one with, one with a
// timeline and one without, in turn.
func adversaries(story, medium int) []adversary {
	if *wide {
		return []adversary{
			{zombie: 1, skew: leaseMargin},
			{zombie: 1, leave: 1},
			{zombie: 1, unsure: 1},
			{crash: 1, repeat: 1, leave: 1},
			{crash: 2, unsure: 1},
			{crash: 1, fault: 1},
			{unsure: 2, repeat: 1},
			{unsure: 1, refuse: 1, leave: 1},
			{fault: 2},
		}
	}
	switch one := story % 4; medium {
	case one:
		if story == 5 {
			return []adversary{{unsure: 1}, {refuse: 1, leave: 1}, {repeat: 1}}
		}
		return []adversary{{zombie: 1}, {refuse: 1, leave: 1}, {repeat: 1}}
	case 3 - one:
		switch story {
		case 0:
			return []adversary{{crash: 1}, {zombie: 1, skew: leaseMargin}, {fault: 1}}
		case 1:
			return []adversary{{crash: 1, unsure: 1}, {fault: 1}}
		}
		return []adversary{{crash: 1}, {unsure: 1, leave: 1}, {fault: 1}}
	}
	return nil
}

func TestModel(t *testing.T) {
	t.Parallel()
	states, transitions, configurations := 0, 0, 0
	rare := map[string]int{}
	for n, st := range stories() {
		for k, on := range media() {
			m := newModel(st, on)
			for _, may := range adversaries(n, k) {
				r := m.search(may, variant{})
				if r.fault != "" {
					t.Fatalf("%s, %+v: %s\n%s", m.name, may, r.fault, r.trace)
				}
				if r.ends == 0 {
					t.Errorf("%s, %+v: ends = 0, want some", m.name, may)
				}
				if *wide {
					t.Logf("%s, %+v: %d states, %d transitions, %d ends", m.name, may, r.states, r.transitions, r.ends)
				}
				states, transitions, configurations = states+r.states, transitions+r.transitions, configurations+1
			}
			for what, n := range m.rare {
				rare[what] += n
			}
		}
	}
	t.Logf("model: %d states, %d transitions, %d configurations", states, transitions, configurations)
	for _, want := range []string{
		string(Older), string(Final), string(Busy), string(Later), string(Granted),
		string(Sent), string(Superseded), string(Withdrawn), string(Refused), string(Unsubscribed), string(Unknown),
		"settle refused", "takeover after the lease", "repeat after unknown", "claimed under another number", "given up",
		"absorbed by the key", "shown twice", "shown retraction", "shown correction", "shown to one who left after the check",
		"a message came back from one who stood still", "not begun", string(TimedOut),
		crashes[atItems], crashes[atClaim], crashes[atIncident], crashes[atFind], crashes[atSend], crashes[atSettle], crashes[atEnd],
	} {
		if rare[want] == 0 {
			t.Errorf("the model never came to %q", want)
		}
	}
}

// TestModelFinds plants bugs in the model's own steps. One that is not found
// says that the model is blind.
func TestModelFinds(t *testing.T) {
	t.Parallel()
	const email, sms, webhook, social = 0, 1, 2, 3
	for _, tc := range []struct {
		name   string
		story  string
		medium int
		may    adversary
		bug    variant
		want   string
	}{
		{"claim dropped", "three notices", email, adversary{}, variant{claimDropped: true}, "1 is shown and the ledger does not know"},
		{"settle not fenced", "three notices", social, adversary{zombie: 1}, variant{apply: unfenced}, "the ledger says"},
		{"busy acknowledged", "three notices", sms, adversary{crash: 1}, variant{busyDone: true}, "never heard"},
		{"busy given back at once", "three notices", sms, adversary{}, variant{busyAtOnce: true}, "goes round in circles"},
		{"lease not honoured", "three notices", social, adversary{}, variant{decide: leaseless}, "two senders call the provider"},
		{"older granted", "three notices", email, adversary{}, variant{decide: orderless, checkFirst: true}, "1 is shown after 2"},
		{"deadline beyond the lease", "three notices", email, adversary{zombie: 1}, variant{late: true}, "two senders call the provider"},
		{"check before claim", "retracted, then a notice", sms, adversary{}, variant{checkFirst: true}, "1 is shown though it was withdrawn"},
		{"consent read once", "three notices", webhook, adversary{leave: 1}, variant{consentOnce: true}, "after an unsubscribe"},
		{"acknowledged first", "three notices", webhook, adversary{crash: 1}, variant{ackFirst: true}, "at rest and not done"},
		{"settled before sending", "three notices", email, adversary{}, variant{sentFirst: true}, "the ledger says that 1 is sent"},
		{"a key for each try", "three notices", webhook, adversary{unsure: 1}, variant{key: fresh}, "1 is shown 2 times in spite of the key"},
		{"takeover forgets", "three notices", email, adversary{crash: 1}, variant{decide: forgetful}, "the ledger does not know"},
		{"no answer taken for no effect", "three notices", sms, adversary{unsure: 1}, variant{apply: optimistic}, "the ledger does not know"},
		{"unsure repeated for ever", "three notices", sms, adversary{unsure: 2}, variant{decide: tireless}, "1 is shown 3 times"},
		{"every end is final", "retracted, then a notice", email, adversary{refuse: 1}, variant{apply: hasty}, "goes round in circles"},
		{"retraction told to nobody", "the first retracted late", sms, adversary{}, variant{retractionLost: true}, "never that it is retracted"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			all := stories()
			st := all[slices.IndexFunc(all, func(st story) bool { return st.name == tc.story })]
			m := newModel(st, media()[tc.medium])
			r := m.search(tc.may, tc.bug)
			if !strings.Contains(r.fault, tc.want) {
				t.Errorf("search(%s) = %q after %d states, want %q", m.name, r.fault, r.states, tc.want)
			}
			if lines := strings.Count(r.trace, "\n"); lines < 3 || lines > 60 {
				t.Errorf("search(%s) tells %d lines, want a short trace:\n%s", m.name, lines, r.trace)
			}
		})
	}
}

// The planted rules.

func unfenced(s Settlement, it Item) (Item, bool) {
	it.State, it.Lease = Claimed, s.Lease
	return s.Apply(it)
}

func leaseless(it Item, a Ask) Decision {
	if it.State == Claimed {
		it.LeaseUntil = a.Now
	}
	return Decide(it, a)
}

func orderless(it Item, a Ask) Decision {
	if a.Seq < it.Seq && it.State == Done {
		it.Seq = a.Seq
	}
	return Decide(it, a)
}

func forgetful(it Item, a Ask) Decision {
	d := Decide(it, a)
	if it.State == Claimed && d.Verdict == Granted {
		d.Item.Marks = it.clone().Marks
	}
	return d
}

func tireless(it Item, a Ask) Decision {
	it.Repeats = 0
	return Decide(it, a)
}

func optimistic(s Settlement, it Item) (Item, bool) {
	if s.Result == Unknown {
		s.Result, s.Reason = "", ""
	}
	return s.Apply(it)
}

func hasty(s Settlement, it Item) (Item, bool) {
	s.Done = true
	return s.Apply(it)
}

func fresh(e Envelope, h *hand) string { return fmt.Sprint(e.Key[:8], h.began) }
