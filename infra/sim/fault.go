package main

import (
	"errors"
	"fmt"
	"time"
)

// A boundary is where one part of the system meets another, and may be failed by it.
type boundary int

// The boundaries: the columns of the fault matrix.
const (
	atAPI      boundary = iota // API and action page ↔ store
	atAlarm                    // alarm function ↔ store
	atPublish                  // whoever committed ↔ SNS
	atTopic                    // SNS ↔ SQS
	atFanOut                   // fan-out ↔ store and queues
	atDelivery                 // sender ↔ ledger, store and book
	atProvider                 // sender ↔ provider
	atSchedule                 // schedule ↔ sweep ↔ store
	atSignUp                   // sign-up pages ↔ book
	boundaries
)

var boundaryNames = [boundaries]string{
	"API", "alarm intake", "commit to SNS", "SNS to SQS", "fan-out", "sender", "provider", "schedule", "sign-up",
}

func (b boundary) String() string { return boundaryNames[b] }

// boundaryOf answers where the calls of a function belong.
var boundaryOf = map[string]boundary{
	"api": atAPI, "alarm": atAlarm, "fanout": atFanOut, "delivery": atDelivery, "due": atSchedule, "signup": atSignUp,
}

// A fault is one way in which a boundary misbehaves.
type fault int

// The faults: the rows of the matrix.
const (
	noFault fault = iota
	crashBefore
	crashAfter
	timeoutLost // no answer, no effect
	timeoutKept // no answer, and the effect took place
	throttled
	serverError
	zombieBefore // falls asleep for longer than its lease, then goes on with the call
	zombieAfter  // makes the call, then falls asleep
	duplicate
	reorder
	late // up to a day
	poison
	stall
	skewed
	outageHour
	outageDay
	revoked
	partial
	timeoutKilled // the function ran out of its time
	faults
)

var faultNames = [faults]string{
	"none", "crash before the effect", "crash after the effect", "timeout, effect lost", "timeout, effect applied", "throttle", "5xx",
	"zombie before the call", "zombie after the call", "duplicate", "reorder", "late by hours", "poison", "stalled poller", "clock skew",
	"down for 1 h", "down for 12 h", "credential revoked", "partial batch", "function timeout",
}

func (f fault) String() string { return faultNames[f] }

// portFaults are those that any port call may meet.
var portFaults = []fault{crashBefore, crashAfter, timeoutLost, timeoutKept, throttled, serverError, zombieBefore, zombieAfter}

// The errors that a port answers in bad times: temporary, and of no kind.
var (
	errThrottled = errors.New("throttled")
	errServer    = errors.New("service unavailable")
	errTimeout   = errors.New("no answer in time")
)

// injected is a fault that was put in, for the printed schedule.
type injected struct {
	n     int
	at    time.Time
	where boundary
	what  fault
	op    string
	who   string
}

func (i injected) String() string {
	return fmt.Sprintf("%s  fault %3d  %-24s %-13s %s (%s)", clock(i.at), i.n, i.what, i.where, i.op, i.who)
}

// odds are the chances of each fault at each boundary, in 1/10,000.
type odds [boundaries][faults]int

// draw decides which fault a port call meets, by its number.
func (w *world) draw(b boundary, op string, call int) fault {
	if w.point != nil {
		return w.point.draw(w, b, op, call)
	}
	if w.calm {
		return noFault
	}
	n := w.luck.IntN(10_000)
	for _, f := range portFaults {
		if n -= w.odds[b][f]; n < 0 {
			return w.inject(b, f, op)
		}
	}
	return noFault
}

// chance decides whether a fault that is no port fault happens.
func (w *world) chance(b boundary, f fault, op string) bool {
	if w.calm || w.point != nil {
		return false
	}
	return w.luck.IntN(10_000) < w.odds[b][f] && w.inject(b, f, op) != noFault
}

// inject counts a fault, unless the shortened run leaves it out.
func (w *world) inject(b boundary, f fault, op string) fault {
	w.drawn++
	if w.without.fault(w.drawn, f) {
		return noFault
	}
	w.cells[b][f]++
	who := "service"
	if w.current != nil {
		who = w.current.function
	}
	w.happened = append(w.happened, injected{w.drawn, w.now, b, f, op, who})
	w.tracef("fault %s at %s: %s", f, b, op)
	return f
}

// port makes a call through a boundary. Whatever a real service may do to the
// call happens here, and to the caller too.
func (w *world) port(b boundary, op string, call func() error) error {
	if w.current == nil { // the simulation itself looks or sets up
		return call()
	}
	w.calls++
	n := w.calls // others may call while this one waits
	w.pause(w.latency())
	switch f := w.draw(b, op, n); f { //nolint:exhaustive // the others are no faults of a call
	case crashBefore:
		w.die()
	case throttled:
		return errThrottled
	case serverError:
		return errServer
	case timeoutLost:
		w.pause(w.span(time.Second, 5*time.Second))
		return errTimeout
	case timeoutKept, crashAfter:
		if err := w.call(op, call); err != nil {
			return err
		}
		if f == crashAfter {
			w.die()
		}
		w.pause(w.span(time.Second, 5*time.Second))
		return errTimeout
	case zombieBefore:
		w.current.zombie = true
		w.pause(w.span(65*time.Second, 3*time.Hour))
	case zombieAfter:
		if err := w.call(op, call); err != nil {
			return err
		}
		w.current.zombie = true
		w.pause(w.span(65*time.Second, 3*time.Hour))
		return nil
	}
	return w.call(op, call)
}

// call carries the call out and traces it.
func (w *world) call(op string, call func() error) error {
	err := call()
	w.tracef("%s: %s = %v", w.current.function, op, err)
	return err
}
