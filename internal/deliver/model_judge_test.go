package deliver

import (
	"fmt"
	"slices"

	"shirase/internal/incident"
)

// blame keeps the first thing that must never be.
func (m *model) blame(format string, args ...any) {
	if m.fault == "" {
		m.fault = fmt.Sprintf(format, args...)
	}
}

// show lets the reader see a text, unless the provider knows it as a repeat,
// and judges what they see by what they saw before.
func (m *model) show(w *world, h *hand, s showing) {
	lines := m.snaps[w.head].Lines
	line := lines[s.text-1]
	times := 1
	for _, before := range w.shown {
		if m.sender.keyed && before.key == s.key {
			m.note("absorbed by the key")
			return
		}
		if before.text == s.text {
			times++
		}
		l := lines[before.text-1]
		if before.text > s.text && !line.Kind.Mends() && l.Kind != incident.Retraction && !l.Withdrawn() {
			m.blame("%d is shown after %d", s.text, before.text)
		}
		if s.plain && int(before.text) == line.Of {
			m.blame("plain correction %d to one who was told %d", s.text, line.Of)
		}
	}
	switch {
	case times > 1 && m.sender.keyed:
		m.blame("%d is shown %d times in spite of the key", s.text, times)
	case times > 1 && !w.doubtful(s.text):
		m.blame("%d is shown again though its first end was known", s.text)
	case times > 1+maxRepeats:
		m.blame("%d is shown %d times", s.text, times)
	case m.snaps[h.meta].Lines[s.text-1].Withdrawn(), m.snaps[h.claim].Lines[s.text-1].Withdrawn():
		m.blame("%d is shown though it was withdrawn before the check", s.text)
	case h.gone:
		m.blame("%d is shown after an unsubscribe accepted before the check", s.text)
	case line.Kind == incident.Retraction && w.handed>>line.Of&1 == 0 && !w.doubtful(uint8(line.Of)):
		m.blame("retraction %d of %d, which was never told", s.text, line.Of)
	}
	if times > 1 {
		m.note("shown twice")
	}
	if line.Kind.Mends() {
		m.note("shown " + string(line.Kind))
	}
	if w.left {
		m.note("shown to one who left after the check")
	}
	w.shown = append(slices.Clip(w.shown), s)
}

// judge tells what must hold in every state: the ledger knows of all that was
// shown, and calls nothing sent that was not.
func (m *model) judge(w *world) {
	for _, s := range w.shown {
		if !w.item.Told(int(s.text)) {
			m.blame("%d is shown and the ledger does not know", s.text)
		}
	}
	for _, mk := range w.item.Marks {
		if mk.Result == Sent && !w.saw(mk.Text) {
			m.blame("the ledger says that %d is sent, but nobody saw it", mk.Text)
		}
	}
	if w.item.Seq > w.head {
		m.blame("%d is claimed and not accepted", w.item.Seq)
	}
	if w.hands[0].flight && w.hands[1].flight && m.inTime(w, 0) && m.inTime(w, 1) {
		m.blame("two senders call the provider for one reader at once")
	}
}

// saw reports whether the reader saw a text.
func (w *world) saw(text int) bool {
	for _, s := range w.shown {
		if int(s.text) == text {
			return true
		}
	}
	return false
}

// heard reports whether a text was seen, or given up with a mark that says so.
func (w *world) heard(text int) bool {
	mk, ok := w.item.find(text)
	return w.saw(text) || ok && (mk.Result == Refused || mk.Result == Failed || mk.Result == Unknown)
}

// atRest reports whether nothing is left to do. The reader may still leave.
func (m *model) atRest(w *world) bool {
	return w.head == len(m.updates) && w.fanned == 1<<w.head-1 && len(w.queue) == 0 && !w.hands[0].busy && !w.hands[1].busy
}

// judgeEnd tells what must hold once everything is at rest.
func (m *model) judgeEnd(w *world) {
	if w.item.Seq > 0 && w.item.State != Done {
		m.blame("at rest and not done")
	}
	if w.left {
		return
	}
	snap := m.snaps[w.head]
	for _, l := range snap.Lines {
		if l.Kind != incident.Retraction || !w.saw(l.Of) || w.heard(l.Seq) {
			continue
		}
		named := false
		for n := l.Seq + 1; m.family.Timeline() && n < l.Seq+timelineLength; n++ {
			named = named || w.heard(n)
		}
		if !named {
			m.blame("%d was shown and never that it is retracted", l.Of)
		}
	}
	newest := newestStanding(snap.Lines)
	concerned := len(w.shown) > 0 || snap.End != incident.EndMerged
	if newest > 0 && concerned && !w.heard(newest) {
		m.blame("the newest, %d, is never heard", newest)
	}
}
