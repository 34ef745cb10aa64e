package channel_test

import (
	"net/http"
	"testing"
	"time"

	"shirase/internal/channel"
)

var noon = time.Date(2026, 9, 15, 5, 7, 0, 0, time.UTC)

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		header http.Header
		status int
		want   time.Duration
	}{
		{"none", http.Header{}, 429, 0},
		{"seconds", http.Header{"Retry-After": {"30"}}, 429, 30 * time.Second},
		{"seconds with space", http.Header{"Retry-After": {" 30 "}}, 503, 30 * time.Second},
		{"broken seconds", http.Header{"Retry-After": {"0.3"}}, 429, 300 * time.Millisecond},
		{"broken seconds round up", http.Header{"Retry-After": {"1.0001"}}, 429, 1001 * time.Millisecond},
		{"zero", http.Header{"Retry-After": {"0"}}, 429, 0},
		{"negative", http.Header{"Retry-After": {"-5"}}, 429, 0},
		{"not a number", http.Header{"Retry-After": {"NaN"}}, 429, 0},
		{"infinite", http.Header{"Retry-After": {"+Inf"}}, 429, 24 * time.Hour},
		{"ten years", http.Header{"Retry-After": {"315360000"}}, 429, 24 * time.Hour},
		{"too long to read", http.Header{"Retry-After": {"99999999999999999999999999"}}, 429, 24 * time.Hour},
		{"date", http.Header{"Retry-After": {"Tue, 15 Sep 2026 05:09:00 GMT"}}, 503, 2 * time.Minute},
		{"old form of date", http.Header{"Retry-After": {"Tuesday, 15-Sep-26 05:09:00 GMT"}}, 503, 2 * time.Minute},
		{"date gone by", http.Header{"Retry-After": {"Tue, 15 Sep 2026 05:06:00 GMT"}}, 503, 0},
		{"date far ahead", http.Header{"Retry-After": {"Tue, 15 Sep 2099 05:06:00 GMT"}}, 503, 24 * time.Hour},
		{"words", http.Header{"Retry-After": {"soon"}}, 429, 0},
		{"reset as a time", http.Header{"X-Ratelimit-Reset": {"2026-09-15T05:10:00.019685Z"}}, 429, 3*time.Minute + 19685*time.Microsecond},
		{"reset as seconds of the epoch", http.Header{"X-Ratelimit-Reset": {"1789448880"}}, 429, time.Minute},
		{"reset as broken seconds of the epoch", http.Header{"X-Ratelimit-Reset": {"1789448879.2"}}, 429, time.Minute},
		{"reset from now", http.Header{"X-Ratelimit-Reset": {"12"}}, 429, 12 * time.Second},
		{"reset gone by", http.Header{"X-Ratelimit-Reset": {"2026-09-15T05:00:00Z"}}, 429, 0},
		{"reset of nonsense", http.Header{"X-Ratelimit-Reset": {"1e300"}}, 429, 24 * time.Hour},
		{"reset without a limit", http.Header{"X-Ratelimit-Reset": {"12"}}, 500, 0},
		{"both", http.Header{"Retry-After": {"7"}, "X-Ratelimit-Reset": {"12"}}, 429, 7 * time.Second},
		{"unreadable and reset", http.Header{"Retry-After": {"soon"}, "X-Ratelimit-Reset": {"12"}}, 429, 12 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := channel.RetryAfter(tt.header, tt.status, noon); got != tt.want {
				t.Errorf("RetryAfter(%v, %d) = %v, want %v", tt.header, tt.status, got, tt.want)
			}
		})
	}
}

func FuzzRetryAfter(f *testing.F) {
	f.Add("30", "2026-09-15T05:10:00Z")
	f.Add("Tue, 15 Sep 2026 05:09:00 GMT", "1789448880")
	f.Add("1e309", "-1e18")
	f.Add("0x1p-2", "9223372036854775807")
	f.Fuzz(func(t *testing.T, after, reset string) {
		h := http.Header{"Retry-After": {after}, "X-Ratelimit-Reset": {reset}}
		if got := channel.RetryAfter(h, 429, noon); got < 0 || got > 24*time.Hour {
			t.Errorf("RetryAfter(%v) = %v, want 0 to 24h", h, got)
		}
	})
}
