package deliver

import (
	"time"

	"shirase/internal/plan"
)

// quietEnd answers when the quiet hours end that now lies in, and whether it
// does. They may span midnight; the same time twice is no quiet at all.
func quietEnd(q plan.Quiet, zone *time.Location, now time.Time) (end time.Time, quiet bool) {
	from, err := time.Parse("15:04", q.From)
	to, err2 := time.Parse("15:04", q.To)
	if !q.Set || err != nil || err2 != nil || from.Equal(to) {
		return time.Time{}, false
	}
	if zone == nil {
		zone = time.UTC
	}
	local := now.In(zone)
	at := minutes(local)
	overnight := minutes(to) < minutes(from)
	switch after, before := at >= minutes(from), at < minutes(to); {
	case overnight && !after && !before, !overnight && (!after || !before):
		return time.Time{}, false
	}
	day := local.Day()
	if at >= minutes(to) {
		day++
	}
	end = time.Date(local.Year(), local.Month(), day, to.Hour(), to.Minute(), 0, 0, zone)
	if !end.After(now) { // the clock goes back, and this hour comes twice
		end = now.Add(time.Minute)
	}
	return end.UTC(), true
}

func minutes(t time.Time) int { return t.Hour()*60 + t.Minute() }
