package subscribe

import (
	"fmt"
	"time"

	"shirase/internal/incident"
)

var (
	// ErrLink says that a link was not made by us for this use.
	ErrLink = fmt.Errorf("link not valid: %w", incident.ErrDenied)
	// ErrLapsed says that a link was ours once, but its time is over or a newer
	// one has taken its place.
	ErrLapsed = fmt.Errorf("link no longer valid: %w", incident.ErrNotFound)
	// ErrClosed says that the plan has no audience that takes subscribers.
	ErrClosed = fmt.Errorf("no audience takes subscribers: %w", incident.ErrNotFound)
)

// A LimitError says that too much was asked for. It never depends on whether an
// address is known. It is ErrDenied.
type LimitError struct{ RetryAfter time.Duration }

func (e *LimitError) Error() string {
	return fmt.Sprintf("too many sign-ups, wait %s", e.RetryAfter)
}

// Unwrap makes errors.Is(err, ErrDenied) true.
func (e *LimitError) Unwrap() error { return incident.ErrDenied }

// Code names a fault of an input. Pages have words for each.
type Code string

// The faults of an input.
const (
	ChannelUnknown   Code = "channel_unknown"
	AddressMissing   Code = "address_missing"
	AddressLong      Code = "address_long"
	AddressCharacter Code = "address_character"
	EmailForm        Code = "email_form"
	EmailDomain      Code = "email_domain"
	EmailIDN         Code = "email_idn"
	PhoneForm        Code = "phone_form"
	PhoneCountry     Code = "phone_country"
	PhoneKind        Code = "phone_kind"
	WebhookForm      Code = "webhook_form"
	WebhookSecure    Code = "webhook_secure"
	WebhookPort      Code = "webhook_port"
	WebhookHost      Code = "webhook_host"
	LocaleUnknown    Code = "locale_unknown"
	ZoneUnknown      Code = "zone_unknown"
	ComponentUnknown Code = "component_unknown"
	CodeWrong        Code = "code_wrong"
	BasisMissing     Code = "basis_missing"
	AudienceUnknown  Code = "audience_unknown"
)

// problems says each fault in English, for logs and integrations.
var problems = map[Code]string{
	ChannelUnknown:   "must be a channel that takes sign-ups",
	AddressMissing:   "must be given",
	AddressLong:      "is too long",
	AddressCharacter: "holds a character that an address cannot hold",
	EmailForm:        "must be a mail address such as name@company.example, without a display name",
	EmailDomain:      "has a domain that is not one",
	EmailIDN:         "has a domain in letters beyond ASCII; write it in its xn-- form",
	PhoneForm:        "must be a phone number, with its country code or in the form used at home",
	PhoneCountry:     "is in a country that we send no SMS to",
	PhoneKind:        "must be a mobile number",
	WebhookForm:      "must be a URL without user name and fragment",
	WebhookSecure:    "must begin with https://",
	WebhookPort:      "must use port 443",
	WebhookHost:      "must name a public host, not a number",
	LocaleUnknown:    "must be a language of the organisation",
	ZoneUnknown:      "must be a time zone such as Asia/Tokyo",
	ComponentUnknown: "must be a component of the plan",
	CodeWrong:        "is not the code that was sent, or its time is over",
	BasisMissing:     "must say why these may be told",
	AudienceUnknown:  "must be an audience of the plan",
}

// Codes answers every fault there is, so that pages can be checked for words.
func Codes() []Code {
	return []Code{
		ChannelUnknown, AddressMissing, AddressLong, AddressCharacter, EmailForm, EmailDomain, EmailIDN,
		PhoneForm, PhoneCountry, PhoneKind, WebhookForm, WebhookSecure, WebhookPort, WebhookHost,
		LocaleUnknown, ZoneUnknown, ComponentUnknown, CodeWrong, BasisMissing, AudienceUnknown,
	}
}

// A Fault is one thing wrong with an input, in a form that pages can put into
// words. It never holds the input itself. It is ErrInvalid.
type Fault struct {
	// Field is the path of the value, such as "components.2".
	Field string
	Code  Code
}

func (f *Fault) Error() string { return f.Unwrap().Error() }

// Problem says what is wrong, in English.
func (f *Fault) Problem() string { return problems[f.Code] }

// Unwrap answers the fault as the rest of the program knows faults.
func (f *Fault) Unwrap() error { return incident.Invalid(f.Field, "%s", f.Problem()) }

// Faults answers every [Fault] in an error, in order.
func Faults(err error) []*Fault {
	var out []*Fault
	switch e := err.(type) { //nolint:errorlint // this walks the tree itself
	case *Fault:
		out = []*Fault{e}
	case interface{ Unwrap() []error }:
		for _, inner := range e.Unwrap() {
			out = append(out, Faults(inner)...)
		}
	case interface{ Unwrap() error }:
		out = Faults(e.Unwrap())
	}
	return out
}
