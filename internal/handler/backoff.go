package handler

import "time"

// The backoff of a message that failed: 2 s, 4 s, 8 s … and 15 minutes at most.
const (
	firstBackoff = 2 * time.Second
	maxBackoff   = 15 * time.Minute
)

// backoff answers how long a message waits that has failed this many times:
// min(15m, 2s × 2^(attempt-1)), varied by jitter where there is one, and never
// outside 0 to 15 minutes.
func backoff(attempt int, jitter func(time.Duration) time.Duration) time.Duration {
	wait := firstBackoff
	for range attempt - 1 {
		if wait *= 2; wait >= maxBackoff {
			wait = maxBackoff
			break
		}
	}
	if jitter != nil {
		wait = min(max(jitter(wait), 0), maxBackoff)
	}
	return wait
}
