package api

import (
	"context"
	"fmt"
	"net/http"

	"shirase/internal/announce"
	"shirase/internal/incident"
	"shirase/internal/message"
)

// changing is what every request that changes an incident carries.
type changing[T any] struct {
	Named
	Conditions
	Body    T
	RawBody []byte
}

// NoteBody is a note for operators.
type NoteBody struct {
	Text string `json:"text" minLength:"1" maxLength:"10000"`
}

// MergeBody names the incident that goes on.
type MergeBody struct {
	Into incident.ID `json:"into" minLength:"1" maxLength:"64"`
}

// Told is an update with the texts that were sent.
type Told struct {
	Line
	By       string            `json:"by"`
	Next     *Promise          `json:"promise,omitempty"`
	Routes   []incident.Route  `json:"routes"`
	Messages []message.Message `json:"messages"`
}

func (s *server) updates() {
	route(s, Responder, http.MethodPost, "/v1/incidents/{id}/updates", "publish-update", "Publish an update",
		http.StatusCreated, func(ctx context.Context, in *changing[UpdateBody]) (*tagged[Detail], error) {
			return s.change(ctx, in.Conditions, "publish-update", in.ID, in.RawBody, func(who announce.Actor) (announce.Result, error) {
				u, err := s.update(ctx, in.Body)
				if err != nil {
					return announce.Result{}, err
				}
				return s.Announce.Update(ctx, in.ID, u, who)
			})
		})
	route(s, Viewer, http.MethodPost, "/v1/incidents/{id}/preview", "preview-update", "Show what an update, a correction or a retraction would say, without any effect",
		http.StatusOK, func(ctx context.Context, in *changing[PreviewBody]) (*body[Preview], error) {
			u, err := s.preview(ctx, in.Body)
			if err != nil {
				return nil, err
			}
			who, err := in.actor(ctx, "preview-update", in.RawBody)
			if err != nil {
				return nil, err
			}
			return previewed(s.Announce.Preview(ctx, in.ID, u, who))
		})
	for _, m := range []struct {
		kind       incident.UpdateKind
		verb, tell string
	}{
		{incident.Correction, "correct", "Correct an earlier update"},
		{incident.Retraction, "retract", "Take back an earlier update"},
	} {
		route(s, Responder, http.MethodPost, "/v1/incidents/{id}/"+m.verb, m.verb+"-update", m.tell,
			http.StatusCreated, func(ctx context.Context, in *changing[MendBody]) (*tagged[Detail], error) {
				return s.change(ctx, in.Conditions, m.verb, in.ID, in.RawBody, func(who announce.Actor) (announce.Result, error) {
					u, err := s.mend(ctx, m.kind, in.Body)
					if err != nil {
						return announce.Result{}, err
					}
					return s.Announce.Update(ctx, in.ID, u, who)
				})
			})
	}
	route(s, Responder, http.MethodPost, "/v1/incidents/{id}/notes", "add-note", "Write something down for operators",
		http.StatusCreated, func(ctx context.Context, in *changing[NoteBody]) (*tagged[announce.Note], error) {
			who, err := in.actor(ctx, "add-note/"+string(in.ID), in.RawBody)
			if err != nil {
				return nil, err
			}
			r, err := s.Announce.AddNote(ctx, in.ID, in.Body.Text, who)
			if err != nil {
				return nil, err
			}
			return &tagged[announce.Note]{etag(r.Incident.Version), *r.Note}, nil
		})
	route(s, Responder, http.MethodPost, "/v1/incidents/{id}/ack", "ack-incident", "Take the incident on, which ends escalation",
		http.StatusOK, func(ctx context.Context, in *struct {
			Named
			Conditions
		},
		) (*tagged[Detail], error) {
			return s.change(ctx, in.Conditions, "ack", in.ID, nil, func(who announce.Actor) (announce.Result, error) {
				return s.Announce.Ack(ctx, in.ID, who)
			})
		})
	route(s, Responder, http.MethodPost, "/v1/incidents/{id}/merge", "merge-incident", "End the incident because it goes on in another",
		http.StatusOK, func(ctx context.Context, in *changing[MergeBody]) (*tagged[Detail], error) {
			return s.change(ctx, in.Conditions, "merge", in.ID, in.RawBody, func(who announce.Actor) (announce.Result, error) {
				return s.Announce.Merge(ctx, in.ID, in.Body.Into, who)
			})
		})
	route(s, Responder, http.MethodPatch, "/v1/incidents/{id}/facts", "know-facts", "Record facts without telling anybody outside",
		http.StatusOK, func(ctx context.Context, in *changing[Facts]) (*tagged[Detail], error) {
			return s.change(ctx, in.Conditions, "facts", in.ID, in.RawBody, func(who announce.Actor) (announce.Result, error) {
				l, err := s.locale(ctx)
				if err != nil {
					return announce.Result{}, err
				}
				f, err := in.Body.facts(l)
				if err != nil {
					return announce.Result{}, err
				}
				return s.Announce.Know(ctx, in.ID, f, who)
			})
		})
	route(s, Viewer, http.MethodGet, "/v1/incidents/{id}/updates/{seq}", "read-update", "Read an update with the texts that were sent",
		http.StatusOK, func(ctx context.Context, in *struct {
			Named
			Seq int `path:"seq" minimum:"1"`
		},
		) (*body[Told], error) {
			u, err := s.Announce.Incidents.Update(ctx, in.ID, in.Seq)
			if err != nil {
				return nil, fmt.Errorf("read update: %w", err)
			}
			ms, err := s.Announce.History.Messages(ctx, in.ID, in.Seq)
			if err != nil {
				return nil, fmt.Errorf("list messages: %w", err)
			}
			t := Told{
				Line: Line{Seq: u.Seq, Stage: u.Stage, Kind: u.Kind, At: u.At, Of: u.Of}, By: u.By,
				Routes: orEmpty(u.Routes), Messages: orEmpty(ms),
			}
			if !u.Next.IsZero() {
				t.Next = &Promise{By: u.Next, Seq: u.Seq}
			}
			return &body[Told]{t}, nil
		})
}

// change runs a change of one incident with the caller's Conditions. The
// incident is part of what an idempotency key is remembered by.
func (s *server) change(ctx context.Context, c Conditions, route string, id incident.ID, raw []byte, fn func(announce.Actor) (announce.Result, error)) (*tagged[Detail], error) {
	who, err := c.actor(ctx, route+"/"+string(id), raw)
	if err != nil {
		return nil, err
	}
	return s.answer(fn(who))
}
