package deliver

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"shirase/internal/incident"
)

func TestTally(t *testing.T) {
	t.Parallel()
	w := newTwin()
	put := func(n int, c incident.Channel, slot string, it Item) {
		w.items[Key{Incident: theOne, Channel: c, Recipient: incident.RecipientID(fmt.Sprintf("%04d", n)), Slot: slot}] = it
	}
	for n := range 2*tallyPage + 1 { // more than one page
		put(n, incident.Email, "", Item{Seq: 1, Text: 1, State: Done, Marks: []Mark{{Seq: 1, Text: 1, Result: Sent}}})
	}
	put(1, incident.SMS, "", Item{Seq: 3, Text: 2, State: Waiting, Marks: []Mark{{Seq: 1, Text: 1, Result: Unknown}}})
	put(2, incident.SMS, "", Item{Seq: 3, Text: 2, State: Waiting, Marks: []Mark{{Seq: 3, Text: 2, Result: Unknown}}})
	put(3, incident.SMS, "", Item{Seq: 3, Text: 2, State: Done, Marks: []Mark{{Seq: 3, Text: 2, Result: Refused, Reason: Rejected}}})
	put(4, incident.SMS, "draft", Item{Seq: 1, Text: 1, State: Done, Marks: []Mark{{Seq: 1, Text: 1, Result: Sent}}})
	got, err := Tally(t.Context(), w, theOne)
	want := []Sum{
		{1, incident.Email, Sent, 2*tallyPage + 1},
		{1, incident.SMS, Unknown, 1},
		{2, incident.SMS, Open, 1},
		{2, incident.SMS, Refused, 1},
		{2, incident.SMS, Unknown, 1},
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("Tally = %v (-want +got):\n%s", err, diff)
	}
}
