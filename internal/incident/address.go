package incident

import (
	"fmt"
	"io"
	"log/slog"
)

// Address is where a message goes: a mail address, a phone number in E.164, a
// URL, an account. It prints masked everywhere, so that no log, error or trace
// carries one; [Address.Reveal] gives it to the code that sends.
type Address string

// mask is all that a log or an error ever shows of an address.
const mask = "[address]"

// Reveal answers the address itself. Only senders, stores and the pages of the
// person concerned call it.
func (a Address) Reveal() string { return string(a) }

// String masks the address.
func (a Address) String() string {
	if a == "" {
		return ""
	}
	return mask
}

// Format masks the address for every verb, also those that do not fit a text,
// for which package fmt would otherwise print the value as it is.
func (a Address) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, a.String()) }

// LogValue masks the address in structured logs.
func (a Address) LogValue() slog.Value { return slog.StringValue(a.String()) }

// MarshalJSON masks the address, so that an encoder that was handed a domain
// value by mistake leaks nothing. Adapters that must keep it use Reveal.
func (a Address) MarshalJSON() ([]byte, error) { return []byte(`"` + a.String() + `"`), nil }
