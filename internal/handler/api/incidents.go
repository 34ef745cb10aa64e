package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"shirase/internal/announce"
	"shirase/internal/deliver"
	"shirase/internal/incident"
	"shirase/internal/message"
)

// Named names an incident in a route.
type Named struct {
	ID incident.ID `path:"id" maxLength:"64"`
}

// Page is a place in a list.
type Page struct {
	Cursor string `query:"cursor" maxLength:"512"`
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
}

// List is a page of anything.
type List[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next" doc:"The cursor of the next page; empty at the end."`
}

type body[T any] struct{ Body T }

type tagged[T any] struct {
	ETag string `header:"ETag"`
	Body T
}

func (s *server) incidents() {
	route(s, Responder, http.MethodPost, "/v1/incidents", "open-incident", "Open an incident and tell everyone who has to know",
		http.StatusCreated, func(ctx context.Context, in *struct {
			Conditions
			Body    OpenBody
			RawBody []byte
		},
		) (*tagged[Detail], error) {
			open, err := s.open(ctx, in.Body)
			if err != nil {
				return nil, s.everyFault(ctx, open, err)
			}
			who, err := in.actor(ctx, "open-incident", in.RawBody)
			if err != nil {
				return nil, err
			}
			return s.answer(s.Announce.Open(ctx, open, who))
		})
	route(s, Viewer, http.MethodPost, "/v1/preview", "preview-incident", "Show what opening an incident would say, without any effect",
		http.StatusOK, func(ctx context.Context, in *body[OpenBody]) (*body[Preview], error) {
			open, err := s.open(ctx, in.Body)
			if err != nil {
				return nil, s.everyFault(ctx, open, err)
			}
			p, err := s.Announce.PreviewOpen(ctx, open, announce.Actor{Name: principal(ctx).Name})
			return previewed(p, err)
		})
	route(s, Viewer, http.MethodGet, "/v1/incidents", "list-incidents", "List incidents, newest first",
		http.StatusOK, func(ctx context.Context, in *struct {
			Page
			Live bool `query:"live" doc:"Only those that go on, all of them at once, by id."`
		},
		) (*body[List[Incident]], error) {
			list := func() ([]incident.Incident, string, error) {
				if in.Live {
					is, err := s.Announce.Incidents.Live(ctx)
					return is, "", err
				}
				return s.Announce.History.Incidents(ctx, in.Cursor, in.Limit)
			}
			is, next, err := list()
			if err != nil {
				return nil, fmt.Errorf("list incidents: %w", err)
			}
			out := List[Incident]{Items: []Incident{}, Next: next}
			for _, i := range is {
				out.Items = append(out.Items, s.view(i.Snapshot()))
			}
			return &body[List[Incident]]{out}, nil
		})
	route(s, Viewer, http.MethodGet, "/v1/incidents/{id}", "read-incident", "Read an incident with all that is known of it",
		http.StatusOK, func(ctx context.Context, in *Named) (*tagged[Detail], error) {
			inc, err := s.Announce.Incidents.Incident(ctx, in.ID)
			if err != nil {
				return nil, fmt.Errorf("read incident: %w", err)
			}
			return s.detail(ctx, inc.Snapshot())
		})
	route(s, Viewer, http.MethodGet, "/v1/incidents/{id}/deliveries", "list-deliveries", "List who was told what, and what became of it",
		http.StatusOK, func(ctx context.Context, in *struct {
			Named
			Page
		},
		) (*body[Deliveries], error) {
			return s.deliveries(ctx, in.ID, in.Page)
		})
	route(s, Viewer, http.MethodGet, "/v1/signals", "list-signals", "List what monitors said and what became of it, newest first",
		http.StatusOK, func(ctx context.Context, in *struct {
			Page
			Incident incident.ID `query:"incident" maxLength:"64" doc:"Only the evidence of one incident."`
		},
		) (*body[List[announce.Evidence]], error) {
			es, next, err := s.Announce.History.Signals(ctx, in.Incident, in.Cursor, in.Limit)
			if err != nil {
				return nil, fmt.Errorf("list signals: %w", err)
			}
			return &body[List[announce.Evidence]]{List[announce.Evidence]{Items: orEmpty(es), Next: next}}, nil
		})
}

// everyFault adds what else is wrong with an opening that cannot be read whole,
// so that all faults are told at once.
func (s *server) everyFault(ctx context.Context, in announce.OpenInput, err error) error {
	_, more := s.Announce.PreviewOpen(ctx, in, announce.Actor{Name: principal(ctx).Name})
	return errors.Join(err, more)
}

// orEmpty makes a list that encodes as [] and not as null.
func orEmpty[T any](ts []T) []T {
	if ts == nil {
		return []T{}
	}
	return ts
}

// answer shows what a change made of an incident.
func (s *server) answer(r announce.Result, err error) (*tagged[Detail], error) {
	if err != nil {
		return nil, err
	}
	// Only what the result itself holds, so that a repeat answers the same.
	return &tagged[Detail]{etag(r.Incident.Version), s.detailView(r.Incident)}, nil
}

func (s *server) detailView(n incident.Snapshot) Detail {
	return Detail{
		Incident: s.view(n), Updates: lines(n), Facts: factsView(n.Facts), Promises: orEmpty(n.Promises),
		Checklist: checklist(n), Notes: []announce.Note{}, Drafts: []Draft{}, Absorbed: n.Absorbed,
	}
}

// detail adds what lies beside the incident.
func (s *server) detail(ctx context.Context, n incident.Snapshot) (*tagged[Detail], error) {
	v := s.detailView(n)
	notes, err := s.Announce.History.Notes(ctx, n.ID)
	if err != nil {
		return nil, fmt.Errorf("list notes: %w", err)
	}
	v.Notes = orEmpty(notes)
	ds, err := s.Announce.Drafts.Drafts(ctx, n.ID)
	if err != nil {
		return nil, fmt.Errorf("list drafts: %w", err)
	}
	for _, d := range ds {
		v.Drafts = append(v.Drafts, Draft{ID: d.ID, State: d.State, Hash: d.Digest, At: d.At, AutoAt: d.AutoAt, Called: d.Called})
	}
	return &tagged[Detail]{etag(n.Version), v}, nil
}

// Deliveries are who was told what.
type Deliveries struct {
	List[Delivery]
	// Tally counts results by update and channel.
	Tally []deliver.Sum `json:"tally"`
}

// Delivery is one recipient on one channel. The recipient is named by a keyed
// hash, never by the address.
type Delivery struct {
	Recipient incident.RecipientID `json:"recipient"`
	Channel   incident.Channel     `json:"channel"`
	Slot      string               `json:"slot,omitempty"`
	State     deliver.State        `json:"state"`
	Seq       int                  `json:"seq"`
	Attempts  int                  `json:"attempts,omitempty"`
	Results   []deliver.Mark       `json:"results"`
}

func (s *server) deliveries(ctx context.Context, id incident.ID, at Page) (*body[Deliveries], error) {
	if _, err := s.Announce.Incidents.Incident(ctx, id); err != nil {
		return nil, fmt.Errorf("read incident: %w", err)
	}
	ds, next, err := s.Listing.Deliveries(ctx, id, at.Cursor, at.Limit)
	if err != nil {
		return nil, fmt.Errorf("list deliveries: %w", err)
	}
	tally, err := deliver.Tally(ctx, s.Listing, id)
	if err != nil {
		return nil, err
	}
	out := Deliveries{List: List[Delivery]{Items: []Delivery{}, Next: next}, Tally: orEmpty(tally)}
	for _, d := range ds {
		out.Items = append(out.Items, Delivery{
			Recipient: d.Key.Recipient, Channel: d.Key.Channel, Slot: d.Key.Slot, State: d.Item.State,
			Seq: d.Item.Seq, Attempts: d.Item.Attempts, Results: orEmpty(d.Item.Marks),
		})
	}
	return &body[Deliveries]{out}, nil
}

// Preview is what an update would say.
type Preview struct {
	Stage    incident.Stage      `json:"stage"`
	Kind     incident.UpdateKind `json:"kind"`
	Next     *Promise            `json:"promise,omitempty"`
	Routes   []incident.Route    `json:"routes" doc:"Who would be told at once; others get it only if they are late or new."`
	Messages []message.Message   `json:"messages" doc:"The exact texts."`
	Findings []message.Finding   `json:"findings" doc:"What blocks, and what should be looked at."`
	Hash     string              `json:"hash" doc:"Send it with the update, and it says exactly this or nothing."`
}

func previewed(p announce.Preview, err error) (*body[Preview], error) {
	if err != nil {
		return nil, err
	}
	return &body[Preview]{previewView(p)}, nil
}

func previewView(p announce.Preview) Preview {
	v := Preview{
		Stage: p.Update.Stage, Kind: p.Update.Kind, Routes: orEmpty(p.Update.Routes), Messages: orEmpty(p.Messages),
		Findings: orEmpty(p.Findings), Hash: p.Hash,
	}
	if !p.Update.Next.IsZero() {
		v.Next = &Promise{By: p.Update.Next, Seq: p.Update.Seq}
	}
	return v
}
