package deliver

import (
	"slices"

	"shirase/internal/incident"
)

// timelineLength is how many of the last stages a text with a timeline names,
// its own included.
const timelineLength = 5

// A Pick is what a recipient is to be told next.
type Pick struct {
	// Seq is the sequence to claim.
	Seq int
	// Text is the update whose text is sent.
	Text int
	// Plain asks for the text of a correction that mentions no mistake, since
	// this recipient never got the wrong one.
	Plain bool
}

// Choose says what a recipient is to be told next, given the incident and what
// the ledger knows; ok is false where there is nothing. It is pure.
//
// What is owed goes first: a retraction or correction is owed to everyone who
// was, or may have been, told the update it speaks of, unless a newer text that
// was or will be sent names it in its own timeline. Then the newest update that
// stands. Where the newest word is a retraction, the newest standing update is
// claimed under the retraction's number, so that nothing older can come after it.
//
// A text whose own number lies below the highest claimed is claimed under that
// one: so a retraction that left its place to a newer text is still told when
// that text is taken back before it went out. A text that is being tried keeps
// its number, and with it its backoff.
func Choose(s incident.Snapshot, it Item, timeline bool) (p Pick, ok bool) {
	if it.Seq > len(s.Lines) {
		return Pick{}, false // the snapshot is older than the claim: whoever claimed knows more
	}
	newest := newestStanding(s.Lines)
	for _, l := range s.Lines {
		if it.owed(l) && (!timeline || !it.named(l.Seq, newest)) {
			return Pick{Seq: max(l.Seq, it.Seq), Text: l.Seq}, true
		}
	}
	if newest == 0 || it.over(newest) || s.End == incident.EndMerged && !it.ToldAny() {
		return Pick{}, false
	}
	p = Pick{Seq: max(newest, it.Seq), Text: newest}
	if head := s.Lines[len(s.Lines)-1]; head.Kind == incident.Retraction && !it.working(newest) {
		p.Seq = max(head.Seq, it.Seq)
	}
	if l := s.Lines[newest-1]; l.Kind == incident.Correction {
		p.Plain = !it.Told(l.Of)
	}
	return p, true
}

// owed reports whether the recipient must still hear of a correction or
// retraction.
func (it Item) owed(l incident.Line) bool {
	return l.Kind.Mends() && !l.Withdrawn() && it.Told(l.Of) && !it.over(l.Seq)
}

// named reports whether a text with a timeline that was told, or the newest one
// which is yet to be sent, names update seq among its last stages.
func (it Item) named(seq, newest int) bool {
	for n := seq + 1; n < seq+timelineLength; n++ {
		if it.Told(n) || n == newest && !it.over(newest) {
			return true
		}
	}
	return false
}

// newestStanding answers the number of the newest update that may be told to
// anybody, 0 where there is none.
func newestStanding(lines []incident.Line) int {
	for _, l := range slices.Backward(lines) {
		if !l.Withdrawn() && l.Kind != incident.Retraction {
			return l.Seq
		}
	}
	return 0
}
