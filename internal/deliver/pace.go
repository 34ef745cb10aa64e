package deliver

import "time"

// switchWait is how long a chunk waits for a channel that is switched off. It
// is short, so that opening the switch takes effect soon.
const switchWait = 15 * time.Second

// KeptForConfirmations is the part of a channel's rate that updates leave for
// confirmations.
const KeptForConfirmations = 0.1

// Pace is the rate, the switch and the breaker of a channel, as a store keeps
// them. Its methods are pure; a store runs them inside a conditional write. The
// zero Pace has no limit.
type Pace struct {
	// Rate is how many slots a second the provider allows; 0 means no limit.
	Rate float64 `json:"rate,omitempty"`
	// Burst is how many slots there are at most; 0 means those of one second.
	Burst float64 `json:"burst,omitempty"`
	// Used is how many slots of the burst are taken.
	Used float64 `json:"used,omitempty"`
	// At is when Used was right.
	At time.Time `json:"at,omitzero"`
	// Off is the kill switch.
	Off     bool    `json:"off,omitempty"`
	Breaker Breaker `json:"breaker,omitzero"`
}

// Reserve takes n slots, or none and answers how long to wait. Kept is the part
// of the burst that must be left for others: [KeptForConfirmations] for all but
// confirmations. A switch that is off or an open breaker is [ErrClosed]. A wave
// larger than the burst is let in when the burst is whole, and paid back after.
func (p Pace) Reserve(n int, kept float64, now time.Time) (Pace, time.Duration, error) {
	if p.Off {
		return p, switchWait, ErrClosed
	}
	if p.Rate > 0 {
		p = p.refilled(now)
		if short := p.Used - p.room(n, kept); short > 0 {
			return p, time.Duration(short/p.Rate*float64(time.Second)).Round(time.Millisecond) + time.Millisecond, nil
		}
	}
	breaker, wait, ok := p.Breaker.admit(n, now)
	if !ok {
		return p, wait, ErrClosed
	}
	p.Breaker = breaker
	if p.Rate > 0 {
		p.Used += float64(n)
	}
	return p, 0, nil
}

// Report answers the pace after a wave: how many calls the provider answered,
// and how many it could not.
func (p Pace) Report(answered, unavailable int, now time.Time) Pace {
	p.Breaker = p.Breaker.report(answered, unavailable, now)
	return p
}

// refilled gives back the slots that time has freed. A clock that goes back
// frees none.
func (p Pace) refilled(now time.Time) Pace {
	if d := now.Sub(p.At); !p.At.IsZero() && d > 0 {
		p.Used = max(0, p.Used-p.Rate*d.Seconds())
	}
	if now.After(p.At) {
		p.At = now
	}
	return p
}

// room answers how much may be used before n more are let in.
func (p Pace) room(n int, kept float64) float64 {
	burst := p.Burst
	if burst <= 0 {
		burst = max(p.Rate, 1)
	}
	return max(0, burst*(1-kept)-float64(n))
}

// The rules of the breaker.
const (
	// breakAfter is how many calls in a row must fail to open it.
	breakAfter = 5
	// firstBreak is how long it stays open at first, maxBreak at most.
	firstBreak = 5 * time.Second
	maxBreak   = 5 * time.Minute
	// probeTime is how long a probe may take to be reported.
	probeTime = 60 * time.Second
)

// Breaker stops calls to a provider that answers none, and lets one through at
// a time to find out whether it does again. The zero Breaker is closed.
type Breaker struct {
	// Failed counts calls in a row without an answer.
	Failed int `json:"failed,omitempty"`
	// Opened counts how often it opened in a row.
	Opened int `json:"opened,omitempty"`
	// Until is when it may be probed; zero while it is closed.
	Until time.Time `json:"until,omitzero"`
	// Probe is until when a probe is under way.
	Probe time.Time `json:"probe,omitzero"`
}

// admit answers whether n calls may be made. A wait of 0 asks for one alone.
func (b Breaker) admit(n int, now time.Time) (Breaker, time.Duration, bool) {
	switch {
	case b.Until.IsZero():
		return b, 0, true
	case now.Before(b.Until):
		return b, b.Until.Sub(now), false
	case now.Before(b.Probe):
		return b, b.Probe.Sub(now), false
	case n > 1:
		return b, 0, false
	}
	b.Probe = now.Add(probeTime)
	return b, 0, true
}

// report answers the breaker after calls were made. One answer closes it.
func (b Breaker) report(answered, unavailable int, now time.Time) Breaker {
	switch {
	case answered > 0:
		return Breaker{}
	case unavailable <= 0 || now.Before(b.Until): // nothing new, or calls from before it opened
		return b
	}
	b.Failed += unavailable
	if b.Failed < breakAfter && b.Until.IsZero() {
		return b
	}
	wait := firstBreak
	for range b.Opened {
		wait = min(2*wait, maxBreak)
	}
	b.Opened++
	b.Until, b.Probe = now.Add(wait), time.Time{}
	return b
}
