package deliver

import "shirase/internal/incident"

// timelineLength is how many of the last stages a text with a timeline names.
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
// was, or may have been, told the update it speaks of, unless a newer text
// that will be sent names it in its own timeline. Then the newest update that
// stands. Where the newest word is a retraction of something this recipient
// never got, the newest standing update is claimed under the retraction's
// number, so that nothing older can come after it.
func Choose(s incident.Snapshot, it Item, timeline bool) (p Pick, ok bool) {
	newest := newestStanding(s.Lines)
	for _, l := range s.Lines {
		if !l.Kind.Mends() || l.Withdrawn() || l.Seq < it.Seq || !it.Told(l.Of) || it.settled(l.Seq) {
			continue
		}
		if timeline && newest > l.Seq && l.Seq > newest-timelineLength && !it.Told(newest) {
			continue
		}
		return Pick{Seq: l.Seq, Text: l.Seq}, true
	}
	if newest == 0 || it.Told(newest) && it.settled(newest) {
		return Pick{}, false
	}
	p = Pick{Seq: newest, Text: newest}
	if head := s.Lines[len(s.Lines)-1]; head.Kind == incident.Retraction && head.Seq > newest {
		if it.Told(newest) {
			return Pick{}, false
		}
		p.Seq = head.Seq
	}
	if p.Seq < it.Seq || it.settled(p.Seq) {
		return Pick{}, false
	}
	if s.End == incident.EndMerged && !it.ToldAny() {
		return Pick{}, false
	}
	if l := s.Lines[newest-1]; l.Kind == incident.Correction {
		p.Plain = !it.Told(l.Of)
	}
	return p, true
}

// settled reports whether the item is final for a sequence.
func (it Item) settled(seq int) bool {
	return seq < it.Seq || seq == it.Seq && it.State == Done
}

// newestStanding answers the number of the newest update that may be told to
// anybody, 0 where there is none.
func newestStanding(lines []incident.Line) int {
	for n := len(lines) - 1; n >= 0; n-- {
		if l := lines[n]; !l.Withdrawn() && l.Kind != incident.Retraction {
			return l.Seq
		}
	}
	return 0
}
