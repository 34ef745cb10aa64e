package deliver

import (
	"slices"
	"testing"
	"time"

	"shirase/internal/incident"
)

// Update 2 is refused for a reader and then taken back. Update 1 stands again, so
// they hear of it, although they were never told the one that is retracted.
func TestRetractionReachesWhoWasRefused(t *testing.T) {
	t.Parallel()
	w := newTwin()
	w.shards = 1
	id := w.subscribe(incident.Email, "reader@minato.test")
	w.plan.Members = nil
	w.open(theOne)
	box := &outbox{w: w}
	box.answer = func(e Envelope) (Outcome, bool) {
		if textOfEnvelope(e) == 2 {
			return Outcome{Failure: &Failure{Reason: Rejected}}, false
		}
		return Outcome{ID: "post"}, true
	}
	snd, fan := w.send(map[incident.Channel]Sender{incident.Email: box, mastodon: &outbox{w: w}}), w.fanOut()
	tell := func(seqs ...int) {
		for _, seq := range seqs {
			if _, err := fan.Pointer(bg, Pointer{Incident: theOne, Seq: seq}, w.now.Add(time.Hour)); err != nil {
				t.Fatal(err)
			}
		}
		for _, c := range w.queued {
			if c.Channel != incident.Email {
				continue
			}
			if _, err := snd.Chunk(bg, c, w.now.Add(90*time.Second)); err != nil {
				t.Fatal(err)
			}
		}
		w.queued = nil
	}
	one, two := w.notice(theOne, incident.Investigating), w.notice(theOne, incident.Identified)
	tell(one, two)
	tell(w.mend(theOne, incident.Retraction, 2))
	if got := box.texts(id); !slices.Equal(got, []string{"1"}) {
		t.Errorf("texts = %v, want [1]: it stands and is the newest", got)
	}
}
