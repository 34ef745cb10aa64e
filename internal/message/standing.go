package message

import (
	"slices"
	"time"

	"shirase/internal/incident"
)

// standing answers the facts of the update without those that were first told
// in an update that has been taken back or put right. Such an update loses its
// words, and the facts behind them stay with the incident; nobody is to be told
// them again until somebody states them anew.
func standing(in Input) incident.Facts {
	f := in.Update.Facts.Clone()
	keep(&f.Effect, in)
	keep(&f.Scope, in)
	keep(&f.StartedAt, in)
	keep(&f.FixedAt, in)
	keep(&f.EndedAt, in)
	keep(&f.Workaround, in)
	keep(&f.Outlook, in)
	keep(&f.Cause, in)
	keep(&f.Prevention, in)
	keep(&f.Data, in)
	return f
}

// keep empties a fact that was first told in an update that no longer holds.
func keep[T any](f *incident.Fact[T], in Input) {
	if l, ok := teller(f.At, in.Incident.Lines); ok && (l.Withdrawn() || corrected(in, l.Seq) && !restated(in, f.At)) {
		*f = incident.Fact[T]{}
	}
}

// teller answers the first update after a fact was stated, which is the one
// that told it.
func teller(stated time.Time, lines []incident.Line) (incident.Line, bool) {
	if stated.IsZero() {
		return incident.Line{}, false
	}
	for _, l := range lines {
		if !l.At.Before(stated) {
			return l, true
		}
	}
	return incident.Line{}, false
}

// corrected reports whether an update is put right, by the one at hand or by
// another that stands.
func corrected(in Input, seq int) bool {
	if in.Update.Kind == incident.Correction && in.Update.Of == seq {
		return true
	}
	return slices.ContainsFunc(in.Incident.Lines, func(l incident.Line) bool {
		return l.Kind == incident.Correction && l.Of == seq && !l.Withdrawn()
	})
}

// restated reports whether the update is a correction that states the fact anew.
func restated(in Input, stated time.Time) bool {
	if in.Update.Kind != incident.Correction || stated.IsZero() {
		return false
	}
	l, ok := teller(stated, in.Incident.Lines)
	return !stated.Before(in.Update.At) || !ok || l.Seq >= in.Update.Seq
}

// right reports whether an update says what is right: by a confirmed fact
// stated anew or in its author's own words.
func right(in Input) bool {
	f := in.Update.Facts
	return !in.Update.Text.Empty() || anew(in, f.Effect) || anew(in, f.Scope) || anew(in, f.StartedAt) || anew(in, f.FixedAt) ||
		anew(in, f.EndedAt) || anew(in, f.Workaround) || anew(in, f.Outlook) || anew(in, f.Cause) || anew(in, f.Prevention) || anew(in, f.Data)
}

func anew[T any](in Input, f incident.Fact[T]) bool {
	return f.State == incident.Confirmed && restated(in, f.At)
}
