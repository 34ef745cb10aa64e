package deliver

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWireCountsWhatSaysSomethingOfTheProvider(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		failure *Failure
		own     bool
		want    wire
	}{
		{name: "accepted", want: wire{answered: 1}},
		{name: "down", failure: &Failure{Reason: Unavailable}, want: wire{unavailable: 1}},
		{name: "silent", failure: &Failure{Reason: TimedOut}, want: wire{unavailable: 1}},
		{name: "one recipient's server is down", failure: &Failure{Reason: Unavailable, Recipient: true}, want: wire{answered: 1}},
		{name: "the channel's credential", failure: &Failure{Reason: Unauthorised}, want: wire{unavailable: 1}},
		{name: "one target's credential", failure: &Failure{Reason: Unauthorised}, own: true, want: wire{}},
		{name: "throttled", failure: &Failure{Reason: Throttled}, want: wire{answered: 1}},
		{name: "refused", failure: &Failure{Reason: Rejected}, want: wire{answered: 1}},
		{name: "not begun", failure: &Failure{Reason: NotBegun}, want: wire{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var got wire
			got.add(Outcome{Failure: c.failure}, c.own)
			if diff := cmp.Diff(c.want, got, cmp.AllowUnexported(wire{})); diff != "" {
				t.Errorf("add(%v, %t) (-want +got):\n%s", c.failure, c.own, diff)
			}
		})
	}
}
