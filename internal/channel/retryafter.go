package channel

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxWait is the longest wait we let anybody ask for, since an incident is over
// by then.
const maxWait = 24 * time.Hour

// RetryAfter answers how long a sender of this header asks us to wait, 0 if it
// does not. Retry-After may be whole or broken seconds or an HTTP date; where a
// 429 has none, X-RateLimit-Reset may be a time or seconds, since the epoch or
// from now.
func RetryAfter(h http.Header, status int, now time.Time) time.Duration {
	if v := strings.TrimSpace(h.Get("Retry-After")); v != "" {
		if d, ok := seconds(v); ok {
			return within(d)
		}
		if t, err := http.ParseTime(v); err == nil {
			return within(t.Sub(now))
		}
	}
	if status != http.StatusTooManyRequests {
		return 0
	}
	v := strings.TrimSpace(h.Get("X-RateLimit-Reset"))
	if t, err := time.Parse(time.RFC3339, v); err == nil {
		return within(t.Sub(now))
	}
	if f, err := strconv.ParseFloat(v, 64); err == nil && f > epochish && f < farOff {
		return within(time.Unix(int64(math.Ceil(f)), 0).Sub(now))
	}
	d, _ := seconds(v)
	return within(d)
}

// epochish is where seconds are taken as a time and no longer as a wait: about
// thirty years. farOff is the end of the year 9999.
const (
	epochish = 1e9
	farOff   = 253402300799
)

// seconds reads a number of seconds, rounding up to whole milliseconds.
func seconds(v string) (time.Duration, bool) {
	f, err := strconv.ParseFloat(v, 64)
	if err != nil || math.IsNaN(f) || f < 0 {
		return 0, false
	}
	if f > maxWait.Seconds() {
		return maxWait, true
	}
	return time.Duration(math.Ceil(f*1000)) * time.Millisecond, true
}

func within(d time.Duration) time.Duration { return min(max(d, 0), maxWait) }
