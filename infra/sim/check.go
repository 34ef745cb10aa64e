package main

import (
	"fmt"
	"time"

	"shirase/internal/deliver"
	"shirase/internal/incident"
	"shirase/internal/subscribe"
)

// A finding is a promise that was broken: the invariant of design §5 and
// docs/reliability.md, and how.
type finding struct {
	code string
	at   time.Time
	what string
}

// recipient is somebody on a channel.
type recipient struct {
	channel incident.Channel
	id      incident.RecipientID
}

// sight is a text that a recipient has come to see.
type sight struct {
	key   deliver.Key
	at    time.Time
	seq   int // of the text; 0 for memos
	plain bool
	kind  string
}

// checker holds what is known of the truth beside the store.
type checker struct {
	found   []finding
	tracing bool
	closing bool
	// planted is a rare state that is to count as a fault, to try the checker.
	planted  string
	planned  int
	finished int
	// waiting are the asynchronous invocations that are to be tried again.
	waiting int
	people  []subscribe.Entry

	// sights are in the order in which they were seen; seen are those of one line.
	sights []sight
	seen   map[deliver.Key][]sight
	// tries counts the calls for one text.
	tries map[deliver.Key]map[int]int
	// ever are those who were to hear of an incident at some moment.
	ever map[incident.ID]map[recipient]bool
	// expected are those an update was routed to when it was accepted.
	expected map[incident.ID]map[int][]recipient
	// routes are those of all updates of an incident so far.
	routes map[incident.ID]map[incident.Route]bool
	memos  []deliver.Memo
	// answers are what each request was answered with.
	answers map[string]string
	// monitored are the signals that were sent, unreadable the bodies that are none.
	monitored  map[said]bool
	unreadable map[string]bool
	// broken are the messages that nobody can read.
	broken map[string]bool
	off    map[incident.Channel]time.Time
	// worked tells that there was planned work.
	worked bool
	// left are those who were no readers at some moment, moved those who have
	// changed what they want to hear of.
	left, moved map[recipient]bool
	// late are those who confirmed while an incident went on, and when.
	late map[recipient]map[incident.ID]time.Time
	// named are all components that an incident ever had.
	named map[incident.ID]map[incident.ComponentID]bool
	// reopened are the incidents that were over at some moment and went on.
	reopened map[incident.ID]bool
	// made are the idempotency keys under which a change was made.
	made map[string]bool
	// undead are the lines whose newest claim is a zombie's.
	undead map[deliver.Key]bool
	// refused are the texts that a provider refused for good.
	refused map[deliver.Key]map[int]bool
	// called is what a recipient's provider was called for last. Asked is until
	// when it wants to be left alone, as far as that was settled.
	called map[deliver.Key]calledAt
	asked  map[deliver.Key]time.Time
	gates  map[incident.Channel]gate
}

func newChecker() checker {
	return checker{
		seen: map[deliver.Key][]sight{}, tries: map[deliver.Key]map[int]int{}, ever: map[incident.ID]map[recipient]bool{},
		expected: map[incident.ID]map[int][]recipient{}, routes: map[incident.ID]map[incident.Route]bool{},
		answers: map[string]string{}, monitored: map[said]bool{}, unreadable: map[string]bool{}, broken: map[string]bool{}, off: map[incident.Channel]time.Time{},
		left: map[recipient]bool{}, moved: map[recipient]bool{},
		late: map[recipient]map[incident.ID]time.Time{}, named: map[incident.ID]map[incident.ComponentID]bool{}, made: map[string]bool{}, reopened: map[incident.ID]bool{},
		undead: map[deliver.Key]bool{}, refused: map[deliver.Key]map[int]bool{}, called: map[deliver.Key]calledAt{}, asked: map[deliver.Key]time.Time{},
		gates: map[incident.Channel]gate{},
	}
}

// fault records that a promise was broken.
func (w *world) fault(code, format string, args ...any) {
	if w.closing || len(w.found) > 0 { // what follows a fault says little
		return
	}
	f := finding{code, w.now, fmt.Sprintf(format, args...)}
	w.found = append(w.found, f)
	w.tracef("FAULT %s %s", f.code, f.what)
}

func line(k deliver.Key) string {
	s := fmt.Sprintf("%s %s %s", k.Incident, k.Channel, short(k.Recipient))
	if k.Slot != "" {
		s += " (" + k.Slot + ")"
	}
	return s
}
