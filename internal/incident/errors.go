package incident

import (
	"errors"
	"fmt"
	"strings"
)

// The kinds of error that callers decide by, with [errors.Is].
var (
	// ErrNotFound says that the thing named does not exist.
	ErrNotFound = errors.New("not found")
	// ErrConflict says that the thing has moved on since it was read, or that
	// its state does not allow what was asked.
	ErrConflict = errors.New("conflict")
	// ErrInvalid says that the input can never be accepted as it is.
	ErrInvalid = errors.New("invalid")
	// ErrDenied says that the caller may not do this.
	ErrDenied = errors.New("denied")
)

// A FieldError is one fault of an input. It is [ErrInvalid].
type FieldError struct {
	// Field is the path of the value at fault, such as "facts.outlook.to".
	Field string
	// Problem says what is wrong and what would be right, without echoing the value.
	Problem string
}

func (e *FieldError) Error() string { return e.Field + ": " + e.Problem }

// Unwrap makes errors.Is(err, ErrInvalid) true.
func (e *FieldError) Unwrap() error { return ErrInvalid }

// Invalid makes a [FieldError].
func Invalid(field, format string, args ...any) error {
	return &FieldError{Field: field, Problem: fmt.Sprintf(format, args...)}
}

// A StageError says that an incident may not go from one stage to another.
// It is [ErrConflict].
type StageError struct {
	From, To Stage
	// Allowed lists the stages that may come next, in order.
	Allowed []Stage
}

func (e *StageError) Error() string {
	names := make([]string, len(e.Allowed))
	for i, s := range e.Allowed {
		names[i] = string(s)
	}
	return fmt.Sprintf("stage %s cannot follow %s; allowed: %s", e.To, e.From, strings.Join(names, ", "))
}

// Unwrap makes errors.Is(err, ErrConflict) true.
func (e *StageError) Unwrap() error { return ErrConflict }
