package deliver

import (
	"testing"
	"time"

	"shirase/internal/plan"
)

func TestQuietEnd(t *testing.T) {
	t.Parallel()
	tokyo := time.FixedZone("JST", 9*60*60)
	night := plan.Quiet{From: "23:00", To: "07:00", Set: true}
	noonish := plan.Quiet{From: "12:00", To: "13:30", Set: true}
	for _, c := range []struct {
		name  string
		quiet plan.Quiet
		at    string // in Tokyo
		want  string
	}{
		{"no quiet hours", plan.Quiet{}, "2026-09-15 23:30", ""},
		{"not set", plan.Quiet{From: "23:00", To: "07:00"}, "2026-09-15 23:30", ""},
		{"the same time twice", plan.Quiet{From: "07:00", To: "07:00", Set: true}, "2026-09-15 07:00", ""},
		{"just before", night, "2026-09-15 22:59", ""},
		{"at the beginning", night, "2026-09-15 23:00", "2026-09-16 07:00"},
		{"after midnight", night, "2026-09-16 00:10", "2026-09-16 07:00"},
		{"the last minute", night, "2026-09-16 06:59", "2026-09-16 07:00"},
		{"at the end", night, "2026-09-16 07:00", ""},
		{"the last night of a month", night, "2026-09-30 23:30", "2026-10-01 07:00"},
		{"by day", noonish, "2026-09-15 12:15", "2026-09-15 13:30"},
		{"by day, before", noonish, "2026-09-15 11:59", ""},
		{"by day, at the end", noonish, "2026-09-15 13:30", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			at, err := time.ParseInLocation("2006-01-02 15:04", c.at, tokyo)
			if err != nil {
				t.Fatal(err)
			}
			end, quiet := quietEnd(c.quiet, tokyo, at.UTC())
			got := ""
			if quiet {
				got = end.In(tokyo).Format("2006-01-02 15:04")
			}
			if got != c.want {
				t.Errorf("quietEnd(%s) = %q, want %q", c.at, got, c.want)
			}
		})
	}
}

// Quiet hours end after now, also when the clocks change.
func TestQuietEndsLater(t *testing.T) {
	t.Parallel()
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	q := plan.Quiet{From: "01:00", To: "02:30", Set: true}
	for at := time.Date(2026, 10, 24, 12, 0, 0, 0, berlin); at.Day() != 26; at = at.Add(10 * time.Minute) {
		if end, quiet := quietEnd(q, berlin, at); quiet && (!end.After(at) || end.Sub(at) > 3*time.Hour) {
			t.Errorf("quietEnd(%s) = %s, want it soon after", at, end.In(berlin))
		}
	}
}
