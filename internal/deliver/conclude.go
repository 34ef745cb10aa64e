package deliver

import (
	"hash/fnv"
	"time"
)

// How often a text is tried.
const (
	// maxAttempts is how often a text is tried that may have been taken.
	maxAttempts = 8
	// maxWaits is how often a text is tried that was not: for more than a day, so
	// that nobody is given up because a provider was away for half of one.
	maxWaits = 32
)

// The waits between tries.
const (
	firstWait = 5 * time.Second
	// waitFactor is by how much each wait is longer than the one before.
	waitFactor = 4
	// maxWait bounds both our backoff and what a provider may ask for: nobody
	// outside may keep a retraction from a reader for longer.
	maxWait = 2 * time.Hour
	// credentialWait is how long a channel rests whose credential is refused.
	credentialWait = time.Minute
)

// conclude is the rule of what an outcome means for its claim. It is pure.
func conclude(t turn, o Outcome, keyed bool, now time.Time) Settlement {
	f := o.Failure
	if f == nil {
		return Settlement{Result: Sent, Done: true, Attempt: true, Post: o.ID}
	}
	s := Settlement{Attempt: true, RetryAt: now.Add(backoff(t))}
	tries := maxWaits
	switch f.Reason {
	case Throttled, Unavailable:
		asked := now.Add(min(f.RetryAfter, maxWait))
		if f.Recipient {
			s.NotBefore = asked
		} else if asked.After(s.RetryAt) {
			s.RetryAt = asked
		}
	case NotBegun:
		return Settlement{}
	case Unauthorised:
		return Settlement{RetryAt: now.Add(credentialWait)}
	case Rejected, Forbidden, Gone, TooLate, Exhausted:
		return Settlement{Result: Refused, Reason: f.Reason, Done: true, Attempt: true}
	case TimedOut:
		s.unknown(keyed, now)
		tries = t.unsureTries()
	default: // an answer nobody knows is no answer
		s.unknown(keyed, now)
		tries = t.unsureTries()
	}
	if t.item.Attempts+1 >= tries {
		s.Done, s.RetryAt, s.Reason = true, time.Time{}, Exhausted
		if s.Result == "" {
			s.Result = Failed
		}
	}
	return s
}

// unsureTries answers how often a text is tried whose newest try had no answer. The
// first such end never is the last, however often the text was not taken before.
func (t turn) unsureTries() int {
	if m, _ := t.item.find(t.pick.Text); m.Result == Unknown {
		return maxAttempts
	}
	return maxWaits
}

// unknown makes the settlement one of a send that may have taken effect.
func (s *Settlement) unknown(keyed bool, now time.Time) {
	s.Result, s.Reason = Unknown, TimedOut
	if again := now.Add(repeatAfter); !keyed && again.After(s.RetryAt) {
		s.RetryAt = again
	}
}

// backoff answers how long to wait after one more failed try: longer each time,
// and spread by recipient, so that a crowd that failed together does not come
// back together.
func backoff(t turn) time.Duration {
	wait := firstWait
	for range t.item.Attempts {
		wait = min(wait*waitFactor, maxWait)
	}
	h := fnv.New32a()
	h.Write([]byte(t.key.Recipient))
	h.Write([]byte{byte(t.item.Attempts), byte(t.pick.Text)})
	return wait/2 + wait/2*time.Duration(h.Sum32()%1000)/1000
}
