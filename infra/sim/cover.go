package main

import (
	"fmt"
	"strings"
)

// never says why a fault is not put in at a boundary; all others must happen in
// every campaign, or nobody knows whether they are survived.
func never(b boundary, f fault) string {
	const (
		noCall    = "nobody waits for an answer here"
		elsewhere = "is a fault of another boundary"
	)
	switch f {
	case noFault, faults:
		return "no fault"
	case crashBefore, crashAfter, timeoutKept, throttled, serverError, zombieBefore, zombieAfter:
		if b == atTopic {
			return noCall
		}
	case timeoutLost: // at SNS to SQS: a delete that is lost
	case duplicate:
		if b != atTopic && b != atAlarm && b != atSchedule {
			return "comes by the queue"
		}
	case reorder:
		if b != atTopic {
			return "comes by the queue"
		}
	case late:
		if b != atTopic && b != atSchedule && b != atAPI && b != atSignUp {
			return "comes by the queue"
		}
	case poison:
		if b != atAlarm && b != atFanOut && b != atDelivery && b != atProvider {
			return "answered with a problem; see the fuzz tests of the handlers"
		}
	case stall:
		if b != atAlarm && b != atFanOut && b != atDelivery {
			return "has no poller"
		}
	case skewed:
		if b == atPublish || b == atTopic || b == atProvider {
			return "has the clock of its caller"
		}
	case outageHour, outageDay, revoked:
		if b != atProvider {
			return "see throttle and 5xx; the store and the queues keep what they have"
		}
	case partial:
		if b != atAlarm && b != atFanOut && b != atDelivery {
			return "has no batches"
		}
	case timeoutKilled:
		if b == atPublish || b == atTopic || b == atProvider {
			return elsewhere
		}
	}
	return ""
}

// rareStates are states that every campaign must come to.
var rareStates = []string{
	"absorbed by key", "another body under the same key", "answered again by key", "breaker open", "breaker probed", "claim busy", "claim final", "claim granted", "claim later", "claim older",
	"client tries again", "confirmed in flight", "draft: ack", "draft: dismiss", "draft: publish", "end dismissed", "end merged", "end stage", "end withdrawn",
	"fate refused", "fate sent", "fate superseded", "fate unknown", "fate unsubscribed", "fate withdrawn",
	"filter changed", "gone", "kill switch", "lost a race", "memo confirmation", "memo escalation", "memo operator", "memo reminder",
	"not begun", "on-failure destination", "plain correction", "poison parked", "promise missed and said so",
	"reader of a merged incident", "real words", "reopened", "repeat without a key", "retraction shown", "settle refused",
	"settled superseded", "settled unknown", "settled withdrawn", "shown twice without a key", "signal cleared", "signal joined",
	"signal old", "signal opened", "signal unmatched", "stale preview refused", "subscriber pending", "subscriber unsubscribed",
	"suppressed", "unsubscribed in flight", "update automatic", "update correction", "update holding", "update notice",
	"update progress", "update retraction", "update scope", "zombie's settle refused",
}

// coveredFrom is how many seeds it takes to expect that everything happens.
const coveredFrom = 5000

// uncovered answers the cells and rare states that a campaign never came to.
func (t total) uncovered() (cells, missing []string) {
	for b := range boundaries {
		for f := fault(1); f < faults; f++ {
			switch {
			case never(b, f) != "":
			case t.cells[b][f] == 0:
				missing = append(missing, fmt.Sprintf("%s at %s", f, b))
			default:
				cells = append(cells, fmt.Sprintf("%s at %s", f, b))
			}
		}
	}
	for _, s := range rareStates {
		if t.rares[s] == 0 {
			missing = append(missing, s)
		}
	}
	return cells, missing
}

// coverLine writes in one line how much of the matrix a campaign came to.
func (t total) coverLine() string {
	cells, missing := t.uncovered()
	line := fmt.Sprintf("matrix: %d cells and %d rare states reached", len(cells), len(rareStates))
	if len(missing) > 0 {
		line += fmt.Sprintf("; never: %s", strings.Join(missing, ", "))
	}
	return line
}
