package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"shirase/internal/announce"
	"shirase/internal/incident"
	"shirase/internal/plan"
)

// Plan is the communication plan as it is kept.
type Plan struct {
	Version int    `json:"version"`
	Source  string `json:"source" doc:"The plan file, byte for byte."`
}

// Checked is what a look at a plan found.
type Checked struct {
	OK     bool     `json:"ok"`
	Faults []Fault  `json:"faults" doc:"What keeps the plan from being used."`
	Advice []Advice `json:"advice" doc:"What a good plan would have."`
}

// Fault is one thing that is wrong with a plan, with its place in the file.
type Fault struct {
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Path    string `json:"path,omitempty"`
	Problem string `json:"problem"`
	Drawing string `json:"drawing" doc:"The line with a caret under the place."`
}

// Advice is something a plan may declare but should think about.
type Advice struct {
	Path    string `json:"path"`
	Problem string `json:"problem"`
}

func faults(e *plan.FileError) []Fault {
	out := make([]Fault, len(e.Faults))
	for n, f := range e.Faults {
		out[n] = Fault{Line: f.Line, Column: f.Column, Path: f.Path, Problem: f.Problem, Drawing: f.String()}
	}
	return out
}

func advice(p *plan.Plan) []Advice {
	out := []Advice{}
	for _, a := range plan.Check(p) {
		out = append(out, Advice(a))
	}
	return out
}

// maxPlan is the largest plan in bytes.
const maxPlan = 1 << 20

// YAMLBody is a plan file as the body itself.
type YAMLBody struct {
	RawBody []byte `contentType:"application/yaml"`
}

func large(op *huma.Operation) { op.MaxBodyBytes = maxPlan }

func (s *server) plan() {
	route(s, Viewer, http.MethodGet, "/v1/plan", "read-plan", "Read the current plan",
		http.StatusOK, func(ctx context.Context, _ *struct{}) (*tagged[Plan], error) {
			p, err := s.Announce.Plans.Current(ctx)
			if err != nil {
				return nil, fmt.Errorf("read plan: %w", err)
			}
			return &tagged[Plan]{etag(p.Version), Plan{p.Version, string(p.Source)}}, nil
		})
	route(s, Admin, http.MethodPut, "/v1/plan", "save-plan", "Replace the plan; incidents under way keep the texts and cadence they began with",
		http.StatusOK, func(ctx context.Context, in *struct {
			Conditions
			YAMLBody
		},
		) (*tagged[Plan], error) {
			next, err := s.Parse(in.RawBody)
			if err != nil {
				return nil, err
			}
			who, err := in.actor(ctx, "save-plan", in.RawBody)
			if err != nil {
				return nil, err
			}
			now, err := s.Announce.Plans.Current(ctx)
			if errors.Is(err, incident.ErrNotFound) { // the first, at version 0 so far
				now, err = &plan.Plan{}, nil
			}
			if err != nil {
				return nil, fmt.Errorf("read plan: %w", err)
			}
			if string(now.Source) == string(in.RawBody) {
				return &tagged[Plan]{etag(now.Version), Plan{now.Version, string(now.Source)}}, nil
			}
			if who.IfMatch != 0 && who.IfMatch != now.Version {
				return nil, &announce.VersionError{Want: who.IfMatch, Have: now.Version}
			}
			v, err := s.Announce.Plans.SavePlan(ctx, now.Version, next)
			if err != nil {
				return nil, fmt.Errorf("save plan: %w", err)
			}
			return &tagged[Plan]{etag(v), Plan{v, string(in.RawBody)}}, nil
		}, large)
	route(s, Viewer, http.MethodPost, "/v1/plan/check", "check-plan", "Look at a plan without keeping it",
		http.StatusOK, func(_ context.Context, in *YAMLBody) (*body[Checked], error) {
			p, err := s.Parse(in.RawBody)
			if err != nil {
				e, ok := errors.AsType[*plan.FileError](err)
				if !ok {
					return nil, err
				}
				return &body[Checked]{Checked{Faults: faults(e), Advice: []Advice{}}}, nil
			}
			return &body[Checked]{Checked{OK: true, Faults: []Fault{}, Advice: advice(p)}}, nil
		}, large)
}
