// Package phone reads telephone numbers as people write them. It is apart from
// subscribe because the numbering plans of the world are larger than all the rest
// of us: only what signs people up links it.
package phone

import (
	"github.com/nyaruka/phonenumbers"

	"shirase/internal/incident"
	"shirase/internal/subscribe"
)

// Numbers implements [subscribe.Phones]. It may be used by several at once.
type Numbers struct{}

var _ subscribe.Phones = Numbers{}

// Number implements [subscribe.Phones].
func (Numbers) Number(s, region string) (string, bool) {
	n, err := phonenumbers.Parse(s, region)
	if err != nil || !phonenumbers.IsPossibleNumber(n) {
		return "", false
	}
	// A run of zeros can be a possible number that is read differently the
	// second time; one person must not have two names.
	out := phonenumbers.Format(n, phonenumbers.E164)
	again, err := phonenumbers.Parse(out, region)
	if err != nil || phonenumbers.Format(again, phonenumbers.E164) != out ||
		again.GetItalianLeadingZero() != n.GetItalianLeadingZero() || again.GetNumberOfLeadingZeros() != n.GetNumberOfLeadingZeros() {
		return "", false
	}
	if _, err := subscribe.Normalise(incident.SMS, incident.Address(out)); err != nil {
		return "", false
	}
	return out, true
}

// Kind implements [subscribe.Phones].
func (Numbers) Kind(number string) subscribe.Line {
	n, err := phonenumbers.Parse(number, "")
	if err != nil {
		return subscribe.Line{}
	}
	kind := phonenumbers.GetNumberType(n)
	return subscribe.Line{
		Valid: phonenumbers.IsValidNumber(n), Country: phonenumbers.GetRegionCodeForNumber(n),
		Mobile: kind == phonenumbers.MOBILE || kind == phonenumbers.FIXED_LINE_OR_MOBILE,
	}
}
