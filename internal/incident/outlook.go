package incident

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"time"
)

// OutlookKind says which sort of outlook we have.
type OutlookKind string

// The kinds of outlook.
const (
	OutlookUnknown  OutlookKind = "unknown"
	OutlookWindow   OutlookKind = "window"
	OutlookRestored OutlookKind = "restored"
)

// minWindow is the narrowest window that is an estimate and not a promise to
// the minute (VAL-05).
const minWindow = 15 * time.Minute

// An Outlook says when things are expected to work again: not known, a window
// of time with what it rests on and until when it may be told, or restored. It
// is built by [NewWindow], [UnknownOutlook] or [RestoredOutlook]; the zero
// Outlook says nothing. Its JSON form is checked when it is read.
type Outlook struct {
	kind     OutlookKind
	from, to time.Time
	basis    Text
	until    time.Time
}

// UnknownOutlook says that nobody can tell yet.
func UnknownOutlook() Outlook { return Outlook{kind: OutlookUnknown} }

// RestoredOutlook says that it works again.
func RestoredOutlook() Outlook { return Outlook{kind: OutlookRestored} }

// NewWindow expects recovery between from and to. Basis says what that rests
// on, per locale; validUntil is when the statement must be renewed, and the
// zero time means the end of the window. Windows under 15 minutes are refused
// as false precision.
func NewWindow(from, to time.Time, basis Text, validUntil time.Time) (Outlook, error) {
	if validUntil.IsZero() {
		validUntil = to
	}
	var faults []error
	if from.IsZero() || to.IsZero() {
		faults = append(faults, Invalid("outlook", "needs from and to"))
	} else if to.Sub(from) < minWindow {
		faults = append(faults, Invalid("outlook.to", "must be at least 15 minutes after from"))
	}
	if !to.IsZero() && validUntil.Before(to) {
		faults = append(faults, Invalid("outlook.valid_until", "must not be before to"))
	}
	for _, t := range []time.Time{from, to, validUntil} {
		if y := t.UTC().Year(); y < 1 || y > 9999 {
			faults = append(faults, Invalid("outlook", "must lie in the years 1 to 9999"))
			break
		}
	}
	if err := join(faults); err != nil {
		return Outlook{}, err
	}
	return Outlook{kind: OutlookWindow, from: from.UTC(), to: to.UTC(), basis: maps.Clone(basis), until: validUntil.UTC()}, nil
}

// Kind answers the sort of outlook; empty for the zero Outlook.
func (o Outlook) Kind() OutlookKind { return o.kind }

// Window answers the window; zero times unless the kind is window.
func (o Outlook) Window() (from, to time.Time) { return o.from, o.to }

// Basis answers what the window rests on.
func (o Outlook) Basis() Text { return maps.Clone(o.basis) }

// ValidUntil answers when the statement must be renewed; zero unless a window.
func (o Outlook) ValidUntil() time.Time { return o.until }

// ValidAt reports whether the outlook may be told at now. An expired window may
// not; the other kinds do not expire.
func (o Outlook) ValidAt(now time.Time) bool {
	return o.kind == OutlookUnknown || o.kind == OutlookRestored ||
		o.kind == OutlookWindow && now.Before(o.until)
}

// Equal reports whether two outlooks say the same window or state.
func (o Outlook) Equal(p Outlook) bool {
	return o.kind == p.kind && o.from.Equal(p.from) && o.to.Equal(p.to)
}

type outlookJSON struct {
	Kind       OutlookKind `json:"kind"`
	From       time.Time   `json:"from,omitzero"`
	To         time.Time   `json:"to,omitzero"`
	Basis      Text        `json:"basis,omitempty"`
	ValidUntil time.Time   `json:"valid_until,omitzero"`
}

// MarshalJSON writes the outlook as the API shows it.
func (o Outlook) MarshalJSON() ([]byte, error) {
	return json.Marshal(outlookJSON{o.kind, o.from, o.to, o.basis, o.until})
}

// UnmarshalJSON reads and checks an outlook.
func (o *Outlook) UnmarshalJSON(b []byte) error {
	var j outlookJSON
	if err := json.Unmarshal(b, &j); err != nil {
		return fmt.Errorf("outlook: %w", errors.Join(ErrInvalid, err))
	}
	switch j.Kind {
	case "":
		*o = Outlook{}
	case OutlookUnknown:
		*o = UnknownOutlook()
	case OutlookRestored:
		*o = RestoredOutlook()
	case OutlookWindow:
		w, err := NewWindow(j.From, j.To, j.Basis, j.ValidUntil)
		if err != nil {
			return err
		}
		*o = w
	default:
		return Invalid("outlook.kind", "must be unknown, window or restored")
	}
	return nil
}
