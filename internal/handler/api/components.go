package api

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"shirase/internal/incident"
	"shirase/internal/plan"
)

// Component is a service as users know it, with how it is doing.
type Component struct {
	ID     incident.ComponentID     `json:"id"`
	Name   Words                    `json:"name"`
	Status incident.ComponentStatus `json:"status"`
	// Set is what an operator said; it holds where it is worse than the incidents say.
	Set       incident.ComponentStatus `json:"set,omitempty"`
	Incidents []incident.ID            `json:"incidents"`
}

// StatusBody sets a component's status by hand.
type StatusBody struct {
	Status incident.ComponentStatus `json:"status" enum:"operational,degraded_performance,partial_outage,major_outage,under_maintenance" doc:"operational leaves it to the incidents."`
}

// ComponentPath names a component in a route.
type ComponentPath struct {
	ID incident.ComponentID `path:"id" maxLength:"64"`
}

func (s *server) components() {
	route(s, Viewer, http.MethodGet, "/v1/components", "list-components", "List the components of the plan and how they are doing",
		http.StatusOK, func(ctx context.Context, _ *struct{}) (*body[List[Component]], error) {
			p, err := s.Announce.Plans.Current(ctx)
			if err != nil {
				return nil, fmt.Errorf("read plan: %w", err)
			}
			out := List[Component]{Items: []Component{}}
			for _, c := range p.Components {
				v, err := s.component(ctx, c)
				if err != nil {
					return nil, err
				}
				out.Items = append(out.Items, v)
			}
			return &body[List[Component]]{out}, nil
		})
	route(s, Viewer, http.MethodGet, "/v1/components/{id}", "read-component", "Read how a component is doing",
		http.StatusOK, func(ctx context.Context, in *ComponentPath) (*body[Component], error) {
			return s.lookUp(ctx, in.ID)
		})
	route(s, Responder, http.MethodPut, "/v1/components/{id}", "set-component", "Say by hand how a component is doing; this tells nobody",
		http.StatusOK, func(ctx context.Context, in *struct {
			ComponentPath
			Body StatusBody
		},
		) (*body[Component], error) {
			if _, err := s.lookUp(ctx, in.ID); err != nil {
				return nil, err
			}
			set := in.Body.Status
			if set == incident.Operational {
				set = ""
			}
			if err := s.Status.SetComponentStatus(ctx, in.ID, set); err != nil {
				return nil, fmt.Errorf("set component status: %w", err)
			}
			return s.lookUp(ctx, in.ID)
		})
}

func (s *server) lookUp(ctx context.Context, id incident.ComponentID) (*body[Component], error) {
	p, err := s.Announce.Plans.Current(ctx)
	if err != nil {
		return nil, fmt.Errorf("read plan: %w", err)
	}
	c, ok := p.Component(id)
	if !ok {
		return nil, fmt.Errorf("component: %w", incident.ErrNotFound)
	}
	v, err := s.component(ctx, c)
	return &body[Component]{v}, err
}

// component answers the worst of what live incidents and operators say.
func (s *server) component(ctx context.Context, c plan.Component) (Component, error) {
	v := Component{ID: c.ID, Name: words(c.Name), Status: incident.Operational, Incidents: []incident.ID{}}
	live, err := s.Announce.Incidents.Live(ctx)
	if err != nil {
		return v, fmt.Errorf("read live incidents: %w", err)
	}
	for _, inc := range live {
		n := inc.Snapshot()
		if n.Seq == 0 || !slices.Contains(n.Components, c.ID) {
			continue
		}
		v.Incidents = append(v.Incidents, n.ID)
		v.Status = worse(v.Status, statusIn(n))
	}
	if v.Set, err = s.Status.ComponentStatus(ctx, c.ID); err != nil {
		return v, fmt.Errorf("read component status: %w", err)
	}
	if v.Set != "" {
		v.Status = worse(v.Status, v.Set)
	}
	return v, nil
}

// statusIn is what a live incident means for its components.
func statusIn(n incident.Snapshot) incident.ComponentStatus {
	if n.Kind == incident.Maintenance {
		if n.Stage == incident.Scheduled {
			return incident.Operational
		}
		return incident.UnderMaintenance
	}
	switch n.Severity {
	case incident.Critical:
		return incident.MajorOutage
	case incident.Major:
		return incident.PartialOutage
	case incident.Minor:
		return incident.DegradedPerformance
	case incident.Internal:
		return incident.Operational
	}
	return incident.Operational
}

func worse(a, b incident.ComponentStatus) incident.ComponentStatus {
	order := incident.ComponentStatuses()
	if slices.Index(order, b) > slices.Index(order, a) {
		return b
	}
	return a
}
