package web

import (
	"embed"
	"fmt"
	"strconv"
	"strings"
	"time"

	"shirase/internal/incident"
)

//go:embed locales
var localeFiles embed.FS

var timeWords = Load(localeFiles)

// A Clock writes times for one locale in the organisation's zone.
type Clock struct {
	words Words
	zone  *time.Location
	mine  *time.Location
	year  bool
}

// NewClock makes a clock for a page that is read now: it leaves out the year.
// Mine is the reader's own zone, which stands beside the organisation's where
// the two show different times; nil for none.
func NewClock(l incident.Locale, zone, mine *time.Location) Clock {
	if zone == nil {
		zone = time.UTC
	}
	return Clock{words: timeWords(l), zone: zone, mine: mine}
}

// Years makes a clock for a page that is read for years.
func (c Clock) Years() Clock { c.year = true; return c }

// At writes a time with its day.
func (c Clock) At(t time.Time) string {
	local, key := t.In(c.zone), "at"
	if there := t.In(c.elsewhere()); !sameDay(local, there) {
		key = "at_off" // each time stands with its own day
	}
	return c.write(key, local, "date", c.date(local), "aside", c.aside(t))
}

// Machine writes a time for the datetime attribute.
func (c Clock) Machine(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

// Zone names the organisation's zone at a time, for the remark of a page.
func (c Clock) Zone(t time.Time) string {
	if p, ok := c.words.patterns["zone_"+c.zone.String()]; ok {
		return p
	}
	return abbreviation(t.In(c.zone))
}

func (c Clock) write(key string, t time.Time, pairs ...string) string {
	return fill(c.words.patterns[key], append(pairs, "time", t.Format("15:04"), "zone", abbreviation(t))...)
}

func (c Clock) date(t time.Time) string {
	key := "date"
	if c.year {
		key = "date_year"
	}
	return fill(c.words.patterns[key], "year", strconv.Itoa(t.Year()), "day", strconv.Itoa(t.Day()),
		"month", c.words.Name("month", int(t.Month())), "weekday", c.words.Name("weekday", int(t.Weekday())))
}

// aside is the same time for readers elsewhere: in their own zone if it is
// known, else in UTC where the locale is read around the world.
func (c Clock) aside(t time.Time) string {
	key := "aside_utc"
	if c.mine != nil {
		key = "aside_mine"
	}
	here, there := t.In(c.zone), t.In(c.elsewhere())
	if _, a := here.Zone(); a == offset(there) {
		return ""
	}
	if !sameDay(here, there) {
		key += "_day"
	}
	return c.write(key, there, "date", c.date(there))
}

// elsewhere is the zone that stands beside the organisation's.
func (c Clock) elsewhere() *time.Location {
	if c.mine != nil {
		return c.mine
	}
	return time.UTC
}

func offset(t time.Time) int { _, n := t.Zone(); return n }

func sameDay(a, b time.Time) bool {
	return a.Year() == b.Year() && a.YearDay() == b.YearDay()
}

// abbreviation names the zone of a time as readers of English know it, or by
// its offset.
func abbreviation(t time.Time) string {
	name, n := t.Zone()
	if name != "" && strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == "" {
		return name
	}
	sign := "+"
	if n < 0 {
		sign, n = "-", -n
	}
	if m := n / 60 % 60; m != 0 {
		return fmt.Sprintf("UTC%s%d:%02d", sign, n/3600, m)
	}
	return fmt.Sprintf("UTC%s%d", sign, n/3600)
}
