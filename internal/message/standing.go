package message

import (
	"time"

	"shirase/internal/incident"
)

// standing answers the facts of the update without those that were first told
// in an update that has been taken back. A retraction withdraws the words, and
// the facts behind them stay with the incident; nobody is to be told them again
// until somebody states them anew.
func standing(in Input) incident.Facts {
	f := in.Update.Facts.Clone()
	keep(&f.Effect, in.Incident.Lines)
	keep(&f.Scope, in.Incident.Lines)
	keep(&f.StartedAt, in.Incident.Lines)
	keep(&f.FixedAt, in.Incident.Lines)
	keep(&f.EndedAt, in.Incident.Lines)
	keep(&f.Workaround, in.Incident.Lines)
	keep(&f.Outlook, in.Incident.Lines)
	keep(&f.Cause, in.Incident.Lines)
	keep(&f.Prevention, in.Incident.Lines)
	keep(&f.Data, in.Incident.Lines)
	return f
}

// keep empties a fact that was first told in a withdrawn update.
func keep[T any](f *incident.Fact[T], lines []incident.Line) {
	if withdrawn(f.At, lines) {
		*f = incident.Fact[T]{}
	}
}

// withdrawn reports whether the first update after a fact was stated, which is
// the one that told it, has been taken back.
func withdrawn(stated time.Time, lines []incident.Line) bool {
	if stated.IsZero() {
		return false
	}
	for _, l := range lines {
		if !l.At.Before(stated) {
			return l.Withdrawn()
		}
	}
	return false
}
