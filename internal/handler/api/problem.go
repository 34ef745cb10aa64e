package api

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"

	"shirase/internal/announce"
	"shirase/internal/handler"
	"shirase/internal/message"
	"shirase/internal/plan"
)

// Problem is a fault as RFC 9457 has it, with what helps to mend it.
type Problem struct {
	handler.Problem
	// Version is where the incident stands, if the caller had seen another.
	Version int `json:"version,omitempty"`
	// Findings are what must be changed in the texts.
	Findings []message.Finding `json:"findings,omitempty"`
	// Preview holds the fresh texts, if those that were seen are no longer sent.
	Preview *Preview `json:"preview,omitempty"`
	// Faults are the faults of a plan, with line and column.
	Faults []Fault `json:"faults,omitempty"`
}

// Error makes a Problem what huma takes for an error.
func (p *Problem) Error() string { return p.Title }

// GetStatus answers the status to huma.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType answers the media type to huma.
func (p *Problem) ContentType(string) string { return handler.ProblemType }

// problem turns an error of a use case into what the caller reads of it.
func (s *server) problem(ctx context.Context, err error) error {
	p := &Problem{Problem: handler.ProblemOf(err)}
	for n := range p.Errors {
		// The API has facts beside the other fields, not in an object of their own.
		p.Errors[n].Pointer = strings.Replace(p.Errors[n].Pointer, "/facts/", "/", 1)
	}
	if e, ok := errors.AsType[*announce.VersionError](err); ok {
		p.Status, p.Version = http.StatusPreconditionFailed, e.Have
		p.Type, p.Title = "urn:shirase:problem:version", "It has moved on since you saw it."
		p.Detail = "Read it again and decide anew."
	}
	if e, ok := errors.AsType[*announce.BlockedError](err); ok {
		p.Status, p.Findings = http.StatusUnprocessableEntity, e.Findings
		p.Type, p.Title = "urn:shirase:problem:blocked", "The texts must not be sent as they are."
		p.Detail = "See findings for what must be changed."
	}
	if e, ok := errors.AsType[*announce.StaleError](err); ok {
		v := previewView(e.Fresh)
		p.Preview = &v
		p.Type, p.Title = "urn:shirase:problem:stale", "The texts have changed since they were seen."
		p.Detail = "See preview for the texts that would be sent now, and send its hash."
	}
	if e, ok := errors.AsType[*plan.FileError](err); ok {
		p.Faults = faults(e)
		p.Status = http.StatusUnprocessableEntity
		p.Type, p.Title = "urn:shirase:problem:plan", "The plan cannot be used as it is."
		p.Detail = "See faults for each line."
	}
	if errors.Is(err, announce.ErrReused) {
		p.Problem = handler.NewProblem(http.StatusUnprocessableEntity)
		p.Type, p.Title = "urn:shirase:problem:key-reused", "This Idempotency-Key was used for another request."
		p.Detail = "Use a new key for a new request."
	}
	if p.Status == http.StatusInternalServerError {
		s.Log.ErrorContext(ctx, "request failed", "error", err)
	}
	return p
}

// problems makes huma's own faults, such as a body that does not fit its type,
// problems of ours. They echo nothing that was sent.
var problems = sync.OnceFunc(func() {
	huma.NewError = func(status int, msg string, errs ...error) huma.StatusError {
		p := &Problem{Problem: handler.NewProblem(status)}
		if p.Detail == "" || status == http.StatusUnauthorized || status == http.StatusForbidden {
			p.Detail = msg
		}
		for _, err := range errs {
			d, ok := err.(huma.ErrorDetailer)
			if !ok {
				continue
			}
			f := fault(d.ErrorDetail())
			if strings.Contains(f.Detail, "unmarshal") || strings.Contains(f.Detail, "invalid character") {
				f.Detail = "is not the JSON that is expected here"
			}
			p.Errors = append(p.Errors, f)
		}
		return p
	}
})

// fault says where in the body a detail of huma's is. What is in the path, the
// query or a header has no place there, and is named in words.
func fault(d *huma.ErrorDetail) handler.Fault {
	rest, ok := strings.CutPrefix(d.Location, "body")
	if !ok {
		return handler.Fault{Detail: strings.TrimPrefix(d.Location+": "+d.Message, ": ")}
	}
	return handler.Fault{Pointer: pointer(rest), Detail: d.Message}
}

// pointer turns huma's ".facts[0].x" into a JSON Pointer (RFC 6901).
func pointer(rest string) string {
	rest = strings.NewReplacer("[", ".", "]", "").Replace(strings.TrimPrefix(rest, "."))
	if rest == "" {
		return ""
	}
	return "/" + strings.ReplaceAll(rest, ".", "/")
}
