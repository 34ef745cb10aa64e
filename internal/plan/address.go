package plan

import (
	"net/mail"
	"net/url"
	"strings"
	"unicode/utf8"

	"shirase/internal/incident"
)

// The shapes of addresses. They catch slips of the pen; whether an address
// exists only its provider knows.
var (
	phone  = lazy(`^\+[1-9][0-9]{7,14}$`)
	room   = lazy(`^(#[\p{L}\p{N}_-]+|[A-Z][A-Z0-9]{8,})$`)
	handle = lazy(`^@?([\p{L}\p{N}_.-]+)(@[A-Za-z0-9.-]+\.[A-Za-z]{2,})?$`)
)

// The most characters of a room and of an account's name. They are counted apart:
// repeated that often in an expression, the letters of all scripts would make
// every program that reads plans start late.
const (
	maxRoom   = 80
	maxHandle = 64
)

func isRoom(s string) bool {
	return room().MatchString(s) && utf8.RuneCountInString(strings.TrimPrefix(s, "#")) <= maxRoom
}

func isHandle(s string) bool {
	m := handle().FindStringSubmatch(s)
	return m != nil && utf8.RuneCountInString(m[1]) <= maxHandle
}

// address reads an address as its channel has it.
func (r *reader) address(i item, c incident.Channel, f incident.Family) (incident.Address, bool) {
	s, ok := r.word(i)
	if !ok {
		return "", false
	}
	switch f {
	case incident.FamilyEmail:
		s, ok = r.mail(i)
	case incident.FamilySMS:
		s = strings.NewReplacer(" ", "", "-", "", "(", "", ")", "").Replace(s)
		if ok = phone().MatchString(s); !ok {
			r.fault(i, "must be a phone number that begins with + and the country code, in quotes")
		}
	case incident.FamilyWebhook:
		if ok = isURL(s, false); !ok {
			r.fault(i, "must be a URL that begins with https://, without a user or a #")
		}
	case incident.FamilyChat:
		if ok = c != slack || isRoom(s); !ok {
			r.fault(i, `must be a room such as "#incident" in quotes, or the id of one`)
		}
	case incident.FamilySocial:
		if ok = isHandle(s); !ok {
			r.fault(i, `must be an account such as "@name@server.example" in quotes`)
		}
	}
	return incident.Address(s), ok
}

// The channels whose targets need more than others of their family.
const (
	slack    incident.Channel = "slack"
	mastodon incident.Channel = "mastodon"
)

func (r *reader) mail(i item) (string, bool) {
	s, ok := r.word(i)
	if ok && !isMail(s) {
		r.fault(i, "must be a mail address, such as help@example.test")
		return "", false
	}
	return s, ok
}

func isMail(s string) bool {
	a, err := mail.ParseAddress(s)
	if err != nil || !ascii(s) || a.Address != s || a.Name != "" || len(s) > 254 {
		return false
	}
	domain := s[strings.LastIndexByte(s, '@')+1:]
	return strings.Contains(domain, ".") && !strings.HasPrefix(domain, ".") && !strings.HasSuffix(domain, ".")
}

// contact reads where readers turn: a mail address or a page.
func (r *reader) contact(i item) (string, bool) {
	s, ok := r.word(i)
	if ok && !isMail(s) && !isURL(s, false) {
		r.fault(i, "must be a mail address or a URL that begins with https://")
		return "", false
	}
	return s, ok
}

// origin reads a URL that others are built on, and answers it without a slash
// at the end. Plain http is for trying things out on one machine.
func (r *reader) origin(i item, plain bool) (string, bool) {
	s, ok := r.word(i)
	if !ok {
		return "", false
	}
	if u, err := url.Parse(s); !isURL(s, plain) || err != nil || u.RawQuery != "" || u.ForceQuery {
		r.fault(i, "must be a URL that begins with https://, without a user, a ? or a #")
		return "", false
	}
	return strings.TrimRight(s, "/"), true
}

func isURL(s string, plain bool) bool {
	u, err := url.Parse(s)
	if err != nil || u.Hostname() == "" || u.User != nil || !ascii(s) || strings.ContainsAny(s, "# \\") {
		return false
	}
	return u.Scheme == "https" || plain && u.Scheme == "http"
}

func ascii(s string) bool { return !strings.ContainsFunc(s, func(c rune) bool { return c > 0x7e }) }
