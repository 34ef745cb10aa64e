package email

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	netmail "net/mail"
	"slices"
	"strings"
	"unicode"

	"github.com/wneessen/go-mail"

	"shirase/internal/deliver"
	"shirase/internal/incident"
)

// From is who a mail is from, as its reader sees it.
type From struct {
	// Address is the mail address updates come from.
	Address string
	// Name is the name readers know, per locale.
	Name incident.Text
	// ReplyTo is where answers go; empty, or no mail address, means that the
	// mail has no Reply-To.
	ReplyTo string
}

// A Mail is a message ready to be handed over.
type Mail struct {
	// From and To are bare addresses, for the transport.
	From, To string
	// ID is the Message-ID without its brackets.
	ID string
	// Bytes is the message itself, with CRLF line ends.
	Bytes []byte
}

// Build makes the message of an envelope. The same envelope gives the same
// bytes. An error is incident.ErrInvalid: such an envelope can never be sent.
func Build(e deliver.Envelope, f From) ([]byte, error) {
	m, err := Compose(e, f)
	return m.Bytes, err
}

// Compose is [Build] with what a transport needs beside the message.
func Compose(e deliver.Envelope, f From) (Mail, error) {
	from, err := bare("from", f.Address)
	if err != nil {
		return Mail{}, err
	}
	to, err := bare("to", e.To.Reveal())
	if err != nil {
		return Mail{}, err
	}
	if e.At.IsZero() {
		return Mail{}, incident.Invalid("at", "the time of the update is missing")
	}
	domain := from[strings.LastIndexByte(from, '@')+1:]
	name := digest("message", e.Key)
	id := name + "@" + domain

	m := mail.NewMsg(mail.WithNoDefaultUserAgent(), mail.WithEncoding(mail.EncodingB64), mail.WithBoundary("_"+name))
	m.FromMailAddress(&netmail.Address{Name: line(nameIn(f.Name, e.Locale)), Address: from})
	m.ToMailAddress(&netmail.Address{Address: to})
	if reply, err := bare("reply_to", f.ReplyTo); err == nil {
		m.ReplyToMailAddress(&netmail.Address{Address: reply})
	}
	m.Subject(line(e.Content.Subject))
	m.SetDateWithValue(e.At.UTC())
	m.SetMessageIDWithValue(id)
	if e.Incident != "" && e.Incident != deliver.NoIncident {
		root := "<" + digest("incident", string(e.Incident)) + "@" + domain + ">"
		m.SetGenHeader("References", root)
		m.SetGenHeader("In-Reply-To", root)
	}
	m.SetGenHeader("X-Entity-Ref-ID", name)
	m.SetGenHeader("Auto-Submitted", "auto-generated")
	m.SetGenHeader("X-Auto-Response-Suppress", "All")
	if l := language(e.Locale); l != "" {
		m.SetGenHeader("Content-Language", l)
	}
	if err := extra(m, e.Headers); err != nil {
		return Mail{}, err
	}
	body(m, e)
	var b bytes.Buffer
	if _, err := m.WriteTo(&b); err != nil {
		return Mail{}, fmt.Errorf("write message: %w", err)
	}
	return Mail{From: from, To: to, ID: id, Bytes: b.Bytes()}, nil
}

// body sets the text, and the HTML as its alternative where there is one.
func body(m *mail.Msg, e deliver.Envelope) {
	text := crlf(e.Content.Text)
	m.SetBodyString(mail.TypeTextPlain, text, mail.WithPartEncoding(encoding(text)))
	if e.Content.HTML != "" {
		html := crlf(e.Content.HTML)
		m.AddAlternativeString(mail.TypeTextHTML, html, mail.WithPartEncoding(encoding(html)))
	}
}

// encoding chooses the shorter one: quoted-printable while few bytes need
// quoting, base64 otherwise.
func encoding(s string) mail.Encoding {
	var quoted int
	for _, b := range []byte(s) {
		if b >= 0x80 {
			quoted++
		}
	}
	if quoted*6 > len(s) {
		return mail.EncodingB64
	}
	return mail.EncodingQP
}

// crlf makes every line end CRLF.
func crlf(s string) string {
	s = strings.ReplaceAll(s, "\r\n", "\n")
	return strings.ReplaceAll(strings.ReplaceAll(s, "\r", "\n"), "\n", "\r\n")
}

// extra adds the headers an envelope brings along, and only such as cannot
// change who the mail is from or to, or what it holds.
func extra(m *mail.Msg, hs map[string]string) error {
	for name, value := range hs {
		if !allowed(name) {
			return incident.Invalid("headers", "this header is not ours to add")
		}
		for _, r := range value {
			if r < ' ' || r > '~' || len(value) > maxLine {
				return incident.Invalid("headers", "a value must be one line of ASCII, not too long")
			}
		}
		m.SetGenHeader(mail.Header(name), strings.Join(strings.Fields(value), " "))
	}
	return nil
}

// allowed reports whether an envelope may bring this header.
func allowed(name string) bool {
	rest, list := strings.CutPrefix(name, "List-")
	if !list {
		rest = strings.TrimPrefix(name, "X-Shirase-")
	}
	if rest == name || rest == "" || len(name) > 60 {
		return false
	}
	for _, b := range []byte(rest) {
		if (b|0x20 < 'a' || b|0x20 > 'z') && b != '-' {
			return false
		}
	}
	return true
}

// bare checks that a string is one mail address and nothing else.
func bare(field, s string) (string, error) {
	a, err := netmail.ParseAddress(s)
	if err != nil || a.Name != "" || a.Address != s || len(s) > 254 || strings.ContainsFunc(s, unicode.IsControl) {
		return "", incident.Invalid(field, "not one plain mail address")
	}
	return s, nil
}

// line makes a text fit for a header: one line, without controls and marks that
// turn the direction of text, and nothing that a reader would decode again.
func line(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r) || unicode.IsControl(r) || r == '\u2028' || r == '\u2029':
			return ' '
		case r >= '\u202a' && r <= '\u202e', r >= '\u2066' && r <= '\u2069', r == '\u200e', r == '\u200f', r == unicode.ReplacementChar:
			return -1
		}
		return r
	}, s)
	s = strings.ReplaceAll(strings.Join(strings.Fields(s), " "), "=?", "= ?")
	if len(s) > maxLine {
		s = strings.ToValidUTF8(s[:maxLine], "")
	}
	return s
}

// maxLine is how long a header may be; RFC 5322 allows lines of 998 with the
// name before it.
const maxLine = 900

// nameIn answers a name in a locale, or in the first that has one.
func nameIn(t incident.Text, l incident.Locale) string {
	if s, ok := t.In(l); ok {
		return s
	}
	ls := make([]incident.Locale, 0, len(t))
	for l := range t {
		ls = append(ls, l)
	}
	slices.Sort(ls)
	for _, l := range ls {
		if s, ok := t.In(l); ok {
			return s
		}
	}
	return ""
}

// language answers a locale as a language tag, empty if it is none.
func language(l incident.Locale) string {
	for _, b := range []byte(l) {
		if (b|0x20 < 'a' || b|0x20 > 'z') && b != '-' && (b < '0' || b > '9') {
			return ""
		}
	}
	return string(l)
}

// digest names a thing within its domain, the same at every try.
func digest(kind, s string) string {
	sum := sha256.Sum256([]byte(kind + "\x00" + s))
	return hex.EncodeToString(sum[:16])
}
