package message

import (
	"fmt"
	"strings"
	"time"
)

// A clock writes times for one language in the organisation's zone, beside the
// day of the update that is written. Unless bare, it leaves a place after each
// time for the reader's own zone, which closes in everything but mail.
type clock struct {
	*language
	zone  *time.Location
	today time.Time
	bare  bool
}

func newClock(la *language, zone *time.Location, now time.Time) clock {
	if zone == nil {
		zone = time.UTC
	}
	return clock{language: la, zone: zone, today: now.In(zone)}
}

func sameDay(a, b time.Time) bool {
	ay, am, ad := a.Date()
	by, bm, bd := b.Date()
	return ay == by && am == bm && ad == bd
}

func hm(t time.Time) string { return t.Format("15:04") }

// date writes a day with its weekday, and with its year where it is another one.
func (c clock) date(t time.Time) string {
	p := c.Time.Date
	if t.Year() != c.today.Year() {
		p = c.Time.DateYear
	}
	return fill(p, "year", fmt.Sprint(t.Year()), "month", c.Months[t.Month()-1], "day", fmt.Sprint(t.Day()),
		"weekday", c.Weekdays[t.Weekday()])
}

// zoneOf names the zone of a time as its abbreviation or offset.
func zoneOf(t time.Time) string {
	name, offset := t.Zone()
	if name != "" && strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == "" {
		return name
	}
	sign := "+"
	if offset < 0 {
		sign, offset = "-", -offset
	}
	if m := offset / 60 % 60; m != 0 {
		return fmt.Sprintf("UTC%s%d:%02d", sign, offset/3600, m)
	}
	return fmt.Sprintf("UTC%s%d", sign, offset/3600)
}

// A stamp is a point in time as the templates write it. The zero stamp is not known.
type stamp struct {
	c clock
	t time.Time
}

func (c clock) at(t time.Time) stamp {
	if t.IsZero() {
		return stamp{c: c}
	}
	return stamp{c, t.In(c.zone)}
}

// Known reports whether there is a time.
func (s stamp) Known() bool { return !s.t.IsZero() }

// Zone names the organisation's zone at that time, as a remark.
func (s stamp) Zone() string {
	name, ok := s.c.Time.Zones[s.c.zone.String()]
	if !ok {
		name = zoneOf(s.t)
	}
	return fill(s.c.Time.Zone, "zone", name)
}

// Day writes the time with its date.
func (s stamp) Day() string {
	p := s.c.Time.AtDay
	if s.c.astray(s.t) {
		p = s.c.Time.AtDayOff
	}
	return s.write(p)
}

// Near writes the time, with its date where that is not the day of the update.
func (s stamp) Near() string {
	if !sameDay(s.t, s.c.today) || s.c.astray(s.t) {
		return s.Day()
	}
	return s.write(s.c.Time.At)
}

// astray reports whether a time stands beside the same in UTC on another day:
// then both must name their day.
func (c clock) astray(t time.Time) bool {
	return strings.Contains(c.Time.Aside, "{utc}") && !sameDay(t, t.UTC())
}

// Date writes the day alone.
func (s stamp) Date() string { return s.c.date(s.t) }

// Short writes the time for where there is little room, with its day where
// that is not the day of the update.
func (s stamp) Short() string {
	if !sameDay(s.t, s.c.today) {
		return s.ShortDay()
	}
	return s.write(s.c.Time.Short)
}

// ShortDay writes time and day for where there is little room.
func (s stamp) ShortDay() string {
	if s.t.Month() != s.c.today.Month() || s.t.Year() != s.c.today.Year() {
		return s.write(s.c.Time.ShortDate)
	}
	return s.write(s.c.Time.ShortDay)
}

func (s stamp) write(pattern string) string {
	return fill(pattern, "time", hm(s.t), "zone", zoneOf(s.t), "date", s.c.date(s.t), "day", fmt.Sprint(s.t.Day()),
		"month", s.c.Months[s.t.Month()-1], "aside", s.c.aside(s.t, s.t))
}

// aside is what stands beside a time, or beside both ends of a span: the same
// in UTC where the language says so, and the reader's own time in mail.
func (c clock) aside(from, to time.Time) string {
	var and, alone string
	if !c.bare {
		and, alone = readerToken(tokenAnd, from, to), readerToken(tokenTime, from, to)
	}
	if _, offset := from.Zone(); offset == 0 {
		return fill(c.Time.AsideUTC, "alone", alone)
	}
	return fill(c.Time.Aside, "utc", c.utc(from, to), "and", and, "alone", alone)
}

func (c clock) utc(from, to time.Time) string {
	one := func(local time.Time) string {
		u := local.UTC()
		p := c.Time.UTC
		if !sameDay(u, local) || !sameDay(from.UTC(), to.UTC()) {
			p = c.Time.UTCDay
		}
		return fill(p, "time", hm(u), "date", c.date(u))
	}
	if from.Equal(to) {
		return one(from)
	}
	a, b := from.UTC(), to.UTC()
	if !sameDay(a, b) {
		return one(from) + c.Time.Dash + one(to)
	}
	p := c.Time.UTC
	if !sameDay(a, from) || !sameDay(b, to) {
		p = c.Time.UTCDay
	}
	return fill(p, "time", fill(c.Time.UTCSpan, "from", hm(a), "to", hm(b)), "date", c.date(a))
}

// A span is the time between two points as the templates write it. The zero
// span is not known.
type span struct {
	c        clock
	from, to time.Time
}

func (c clock) span(from, to time.Time) span {
	if from.IsZero() || to.IsZero() {
		return span{c: c}
	}
	return span{c, from.In(c.zone), to.In(c.zone)}
}

// Known reports whether both ends are known.
func (p span) Known() bool { return !p.from.IsZero() }

// Zone names the organisation's zone as a remark.
func (p span) Zone() string { return stamp{p.c, p.to}.Zone() }

// Between writes the span as a window in which something will happen.
func (p span) Between() string { return p.write(p.c.Time.Between, false) }

// Through writes the span as a stretch that is filled, with its date.
func (p span) Through() string { return p.write(p.c.Time.Through, true) }

// Short writes the span for where there is little room.
func (p span) Short() string {
	s := stamp{p.c, p.from}
	return fill(p.c.Time.ShortSpan, "day", fmt.Sprint(p.from.Day()), "month", p.c.Months[p.from.Month()-1],
		"from", hm(p.from), "to", p.shortEnd(), "zone", zoneOf(s.t))
}

func (p span) shortEnd() string {
	if sameDay(p.from, p.to) {
		return hm(p.to)
	}
	return strings.TrimSpace(fill(p.c.Time.ShortDay, "day", fmt.Sprint(p.to.Day()), "month", p.c.Months[p.to.Month()-1],
		"time", hm(p.to), "zone", ""))
}

// Length writes how long the span is.
func (p span) Length() string { return p.c.length(p.to.Sub(p.from)) }

func (p span) write(pattern string, day bool) string {
	t := p.c.Time
	a, b := "{time}", t.At
	switch {
	case !sameDay(p.from, p.to):
		a, b = t.FromCross, t.ToCross
	case day || !sameDay(p.to, p.c.today) || p.c.astray(p.from) || p.c.astray(p.to):
		a, b = t.FromDay, t.ToDay
		if p.c.astray(p.from) || p.c.astray(p.to) {
			b = t.ToCross
			if a != "{time}" { // the date stands with the beginning
				b = t.ToDay
			}
		}
	}
	one := func(pattern string, at time.Time, aside string) string {
		return fill(pattern, "time", hm(at), "zone", zoneOf(at), "date", p.c.date(at), "aside", aside)
	}
	return fill(pattern, "a", one(a, p.from, ""), "b", one(b, p.to, p.c.aside(p.from, p.to)))
}

// length writes a duration in minutes, from two hours on in hours and minutes.
func (c clock) length(d time.Duration) string {
	m := int(d.Round(time.Minute) / time.Minute)
	if m == 1 {
		return c.Time.Minute
	}
	h, rest := m/60, m%60
	switch {
	case m < 120:
		return fill(c.Time.Minutes, "minutes", fmt.Sprint(m))
	case rest == 0:
		return fill(c.Time.Hours, "hours", fmt.Sprint(h))
	}
	return fill(c.Time.HourMin, "hours", fmt.Sprint(h), "minutes", fmt.Sprint(rest))
}
