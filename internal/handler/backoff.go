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

const (
	// maxReceiveCount is how often the queues of chunks let one be received.
	maxReceiveCount = 1000
	// patienceStep is how often one must be received to wait for a second.
	patienceStep = 70
)

// Patience answers the least that a chunk waits which is shown again although
// nothing failed: with the cube of how often it was received, and 15 minutes at
// most. Each reception counts against the queue's maxReceiveCount, also while a
// channel is busy, broken or switched off. The first hundred stay within three
// seconds, since in a drain each wave of a chunk takes some; half a day of
// waiting takes about 500, and all of them last for five days.
func Patience(received int) time.Duration {
	n := time.Duration(min(max(received, 0), maxReceiveCount))
	return min(n*n*n*time.Second/(patienceStep*patienceStep*patienceStep), maxBackoff)
}
