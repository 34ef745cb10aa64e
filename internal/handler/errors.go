package handler

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"shirase/internal/incident"
)

// Leave reports whether a message whose handling ended in err stays on the
// queue to be tried again. What can never be accepted does not; it is parked.
func Leave(err error) bool { return err != nil && !errors.Is(err, incident.ErrInvalid) }

// Status answers the HTTP status of an error: of its kind if it has one of
// [incident]'s, 503 if the time was up, 500 otherwise.
func Status(err error) int {
	switch {
	case err == nil:
		return http.StatusOK
	case errors.Is(err, incident.ErrDenied):
		return http.StatusForbidden
	case errors.Is(err, incident.ErrNotFound):
		return http.StatusNotFound
	case errors.Is(err, incident.ErrConflict):
		return http.StatusConflict
	case errors.Is(err, incident.ErrInvalid):
		if len(fieldErrors(err, nil)) > 0 {
			return http.StatusUnprocessableEntity
		}
		return http.StatusBadRequest
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// ProblemType is the media type of a [Problem].
const ProblemType = "application/problem+json"

// A Problem is what a caller of the API reads of an error, as RFC 9457 has it.
// It holds no words of an inner error.
type Problem struct {
	// Type is stable and tells the kinds apart, for programs.
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail,omitempty"`
	// Instance names the request, where it has a name.
	Instance string `json:"instance,omitempty"`
	// Errors are all faults of the input at once.
	Errors []Fault `json:"errors,omitempty"`
	// Allowed are the stages that may come next, where another was asked for.
	Allowed []incident.Stage `json:"allowed,omitempty"`
}

// A Fault is one fault of an input.
type Fault struct {
	// Pointer is the JSON Pointer of the value, such as "/facts/outlook/to".
	Pointer string `json:"pointer"`
	Detail  string `json:"detail"`
}

// maxFaults bounds the faults of one problem.
const maxFaults = 100

type kind struct{ name, title, detail string }

var kinds = map[int]kind{
	http.StatusBadRequest:            {"malformed", "The request cannot be read.", ""},
	http.StatusUnauthorized:          {"unauthorised", "A key is needed for this.", "Send it as Authorization: Bearer."},
	http.StatusForbidden:             {"denied", "This is not allowed with this key.", ""},
	http.StatusNotFound:              {"not-found", "There is no such thing here.", ""},
	http.StatusConflict:              {"conflict", "It has changed, or its state does not allow this.", "Read it again and decide anew."},
	http.StatusRequestEntityTooLarge: {"too-large", "The request is too large.", ""},
	http.StatusUnsupportedMediaType:  {"media-type", "A body of this kind is not taken.", "Send JSON as it is, without a content encoding."},
	http.StatusUnprocessableEntity:   {"invalid", "Some values cannot be accepted.", "See errors for each of them."},
	http.StatusServiceUnavailable:    {"busy", "There was not enough time.", "Send the same request again; with the same Idempotency-Key it takes effect once."},
	http.StatusInternalServerError:   {"internal", "Something went wrong on our side.", "Send the same request again; with the same Idempotency-Key it takes effect once."},
}

// NewProblem makes the problem of a status alone.
func NewProblem(status int) Problem {
	k, ok := kinds[status]
	if !ok {
		k = kind{name: fmt.Sprintf("status-%d", status), title: http.StatusText(status)}
	}
	return Problem{Type: "urn:shirase:problem:" + k.name, Title: k.title, Status: status, Detail: k.detail}
}

// ProblemOf makes the problem of an error, with every [incident.FieldError] in
// its tree, in order and each once, and the stages that an
// [incident.StageError] allows.
func ProblemOf(err error) Problem {
	p := NewProblem(Status(err))
	switch p.Status {
	case http.StatusUnprocessableEntity:
		for _, e := range fieldErrors(err, nil) {
			f := Fault{Pointer: pointer(e.Field), Detail: e.Problem}
			if len(p.Errors) < maxFaults && !slices.Contains(p.Errors, f) {
				p.Errors = append(p.Errors, f)
			}
		}
	case http.StatusConflict:
		if e, ok := errors.AsType[*incident.StageError](err); ok {
			p.Detail = fmt.Sprintf("The incident is %s; see allowed for what may come next.", e.From)
			p.Allowed = slices.Clone(e.Allowed)
			if p.Allowed == nil {
				p.Allowed = []incident.Stage{}
			}
		}
	}
	return p
}

// fieldErrors collects the field errors of a tree, in order.
func fieldErrors(err error, found []*incident.FieldError) []*incident.FieldError {
	switch e := err.(type) { //nolint:errorlint // this walks the tree itself, to find all of them
	case nil:
	case *incident.FieldError:
		found = append(found, e)
	case interface{ Unwrap() []error }:
		for _, inner := range e.Unwrap() {
			found = fieldErrors(inner, found)
		}
	case interface{ Unwrap() error }:
		found = fieldErrors(e.Unwrap(), found)
	}
	return found
}

// pointer turns a field's path into a JSON Pointer (RFC 6901):
// "facts.outlook.to" into "/facts/outlook/to", "components[2]" into
// "/components/2". The empty path is the whole document.
func pointer(field string) string {
	if field == "" {
		return ""
	}
	field = strings.NewReplacer("~", "~0", "/", "~1", "[", ".", "]", "").Replace(field)
	return "/" + strings.ReplaceAll(strings.TrimPrefix(field, "."), ".", "/")
}

// WriteProblem answers a request with a problem. Its fields are plain data, so
// that encoding it cannot fail.
func WriteProblem(w http.ResponseWriter, p Problem) {
	body, err := json.Marshal(p)
	if err != nil {
		body = []byte("{}")
	}
	w.Header().Set("Content-Type", ProblemType)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(p.Status)
	_, _ = w.Write(body) // the reader has gone if this fails
}
