package message

import (
	"testing"
	"time"

	"shirase/internal/incident"
)

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

// bare leaves no place for a reader's time.
func bare(c clock) clock {
	c.bare = true
	return c
}

func TestStamp(t *testing.T) {
	at := func(s string) time.Time {
		got, err := time.Parse(time.RFC3339, s)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	now := at("2026-09-15T14:12:00+09:00")
	for _, c := range []struct {
		name, zone             string
		now, at                time.Time
		jaNear, jaDay, jaShort string
		enNear, enDay, enShort string
	}{
		{
			"the same day", "Asia/Tokyo", now, at("2026-09-15T14:30:00+09:00"),
			"14:30", "9月15日(火)14:30", "14:30",
			"14:30 JST (05:30 UTC)", "14:30 JST (05:30 UTC) on Tue 15 Sep", "14:30 JST",
		},
		{
			"after midnight", "Asia/Tokyo", at("2026-09-15T23:50:00+09:00"), at("2026-09-16T00:10:00+09:00"),
			"9月16日(水)00:10", "9月16日(水)00:10", "16日00:10",
			"00:10 JST on Wed 16 Sep (15:10 UTC on Tue 15 Sep)", "00:10 JST on Wed 16 Sep (15:10 UTC on Tue 15 Sep)", "00:10 JST on 16 Sep",
		},
		{
			"a morning that is yesterday in UTC", "Asia/Tokyo", at("2026-09-15T08:00:00+09:00"), at("2026-09-15T08:30:00+09:00"),
			"08:30", "9月15日(火)08:30", "08:30",
			"08:30 JST on Tue 15 Sep (23:30 UTC on Mon 14 Sep)", "08:30 JST on Tue 15 Sep (23:30 UTC on Mon 14 Sep)", "08:30 JST",
		},
		{
			"another month", "Asia/Tokyo", at("2026-09-30T23:50:00+09:00"), at("2026-10-01T00:20:00+09:00"),
			"10月1日(木)00:20", "10月1日(木)00:20", "10月1日00:20",
			"00:20 JST on Thu 1 Oct (15:20 UTC on Wed 30 Sep)", "00:20 JST on Thu 1 Oct (15:20 UTC on Wed 30 Sep)", "00:20 JST on 1 Oct",
		},
		{
			"another year", "Asia/Tokyo", at("2026-12-31T23:50:00+09:00"), at("2027-01-01T09:20:00+09:00"),
			"2027年1月1日(金)09:20", "2027年1月1日(金)09:20", "1月1日09:20",
			"09:20 JST (00:20 UTC) on Fri 1 Jan 2027", "09:20 JST (00:20 UTC) on Fri 1 Jan 2027", "09:20 JST on 1 Jan",
		},
		{
			"UTC itself", "UTC", now, at("2026-09-15T05:30:00Z"),
			"05:30", "9月15日(火)05:30", "05:30",
			"05:30 UTC", "05:30 UTC on Tue 15 Sep", "05:30 UTC",
		},
		{
			"a zone without a name", "America/Sao_Paulo", at("2026-09-15T11:00:00-03:00"), at("2026-09-15T11:30:00-03:00"),
			"11:30", "9月15日(火)11:30", "11:30",
			"11:30 UTC-3 (14:30 UTC)", "11:30 UTC-3 (14:30 UTC) on Tue 15 Sep", "11:30 UTC-3",
		},
		{
			"a zone of half an hour", "Asia/Kathmandu", at("2026-09-15T11:00:00Z"), at("2026-09-15T11:30:00Z"),
			"17:15", "9月15日(火)17:15", "17:15",
			"17:15 UTC+5:45 (11:30 UTC)", "17:15 UTC+5:45 (11:30 UTC) on Tue 15 Sep", "17:15 UTC+5:45",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			for l, want := range map[incident.Locale][3]string{"ja": {c.jaNear, c.jaDay, c.jaShort}, "en": {c.enNear, c.enDay, c.enShort}} {
				la, err := languageOf(l)
				if err != nil {
					t.Fatal(err)
				}
				s := bare(newClock(la, zone(t, c.zone), c.now)).at(c.at)
				if got := [3]string{s.Near(), s.Day(), s.Short()}; got != want {
					t.Errorf("%s: near, day and short of %s = %q, want %q", l, c.at, got, want)
				}
			}
		})
	}
}

func TestZoneNames(t *testing.T) {
	la, err := languageOf("ja")
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 9, 15, 5, 0, 0, 0, time.UTC)
	for name, want := range map[string]string{
		"Asia/Tokyo": "(日本時間)", "America/New_York": "(米国東部時間)", "America/Sao_Paulo": "(UTC-3)", "Africa/Nairobi": "(EAT)",
	} {
		if got := newClock(la, zone(t, name), at).at(at).Zone(); got != want {
			t.Errorf("Zone(%s) = %q, want %q", name, got, want)
		}
	}
}

func TestSpan(t *testing.T) {
	jst := func(d, h, m int) time.Time { return time.Date(2026, 9, d, h, m, 0, 0, zone(t, "Asia/Tokyo")) }
	for _, c := range []struct {
		name                       string
		from, to                   time.Time
		jaBetween, jaThrough, long string
		enBetween, enThrough, enL  string
	}{
		{
			"the same day", jst(15, 14, 5), jst(15, 15, 12), "14:05から15:12の間", "9月15日(火)14:05から15:12まで", "67分",
			"between 14:05 and 15:12 JST (05:05-06:12 UTC)", "from 14:05 to 15:12 JST (05:05-06:12 UTC) on Tue 15 Sep", "67 minutes",
		},
		{
			"across midnight", jst(15, 23, 50), jst(16, 0, 20), "9月15日(火)23:50から9月16日(水)00:20の間", "9月15日(火)23:50から9月16日(水)00:20まで", "30分",
			"between 23:50 JST on Tue 15 Sep and 00:20 JST on Wed 16 Sep (14:50-15:20 UTC on Tue 15 Sep)",
			"from 23:50 JST on Tue 15 Sep to 00:20 JST on Wed 16 Sep (14:50-15:20 UTC on Tue 15 Sep)", "30 minutes",
		},
		{
			"another day, yesterday in UTC", jst(20, 1, 0), jst(20, 3, 0), "9月20日(日)01:00から03:00の間", "9月20日(日)01:00から03:00まで", "2時間",
			"between 01:00 and 03:00 JST on Sun 20 Sep (16:00-18:00 UTC on Sat 19 Sep)",
			"from 01:00 to 03:00 JST on Sun 20 Sep (16:00-18:00 UTC on Sat 19 Sep)", "2 hours",
		},
		{
			"today, yesterday in UTC", jst(15, 5, 0), jst(15, 6, 0), "05:00から06:00の間", "9月15日(火)05:00から06:00まで", "60分",
			"between 05:00 and 06:00 JST on Tue 15 Sep (20:00-21:00 UTC on Mon 14 Sep)",
			"from 05:00 to 06:00 JST on Tue 15 Sep (20:00-21:00 UTC on Mon 14 Sep)", "60 minutes",
		},
		{
			"today, across midnight in UTC", jst(15, 8, 50), jst(15, 9, 20), "08:50から09:20の間", "9月15日(火)08:50から09:20まで", "30分",
			"between 08:50 and 09:20 JST on Tue 15 Sep (23:50 UTC on Mon 14 Sep-00:20 UTC on Tue 15 Sep)",
			"from 08:50 to 09:20 JST on Tue 15 Sep (23:50 UTC on Mon 14 Sep-00:20 UTC on Tue 15 Sep)", "30 minutes",
		},
		{
			"hours and minutes", jst(15, 10, 0), jst(15, 12, 5), "10:00から12:05の間", "9月15日(火)10:00から12:05まで", "2時間5分",
			"between 10:00 and 12:05 JST (01:00-03:05 UTC)", "from 10:00 to 12:05 JST (01:00-03:05 UTC) on Tue 15 Sep", "2 h 5 min",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			for l, want := range map[incident.Locale][3]string{"ja": {c.jaBetween, c.jaThrough, c.long}, "en": {c.enBetween, c.enThrough, c.enL}} {
				la, err := languageOf(l)
				if err != nil {
					t.Fatal(err)
				}
				p := bare(newClock(la, zone(t, "Asia/Tokyo"), jst(15, 14, 12))).span(c.from, c.to)
				if got := [3]string{p.Between(), p.Through(), p.Length()}; got != want {
					t.Errorf("%s: between, through and length = %q, want %q", l, got, want)
				}
			}
		})
	}
}
