package api

import (
	"context"
	"net/http"
	"time"

	"shirase/internal/access"
)

// Key is an API key, without its secret.
type Key struct {
	ID    string    `json:"id" doc:"The middle part of the key."`
	Label string    `json:"label" doc:"Whose it is. It stands beside what is done with it."`
	Role  Role      `json:"role" enum:"viewer,responder,approver,admin"`
	At    time.Time `json:"at"`
	By    string    `json:"by" doc:"The label of the key it was made with."`
}

// NewKey is a key in the one answer that shows it.
type NewKey struct {
	Key
	Token string `json:"key" doc:"The key itself. It is shown this once and cannot be read again."`
}

// KeyBody asks for a key.
type KeyBody struct {
	Label string `json:"label" minLength:"1" maxLength:"64" doc:"Whose it is; no two keys have the same."`
	Role  Role   `json:"role" enum:"viewer,responder,approver,admin" doc:"Each role may do what those before it may."`
}

func keyView(k access.Key) Key { return Key{k.ID, k.Label, k.Role, k.At, k.By} }

// keys adds the routes of keys. An Idempotency-Key means nothing here: keeping
// the answer for a repeat would keep the secret. A repeat finds its label taken.
func (s *server) keys() {
	route(s, Admin, http.MethodGet, "/v1/keys", "list-keys", "List the keys, without their secrets",
		http.StatusOK, func(ctx context.Context, _ *struct{}) (*body[List[Key]], error) {
			ks, err := s.Access.Keys(ctx)
			if err != nil {
				return nil, err
			}
			out := List[Key]{Items: []Key{}}
			for _, k := range ks {
				out.Items = append(out.Items, keyView(k))
			}
			return &body[List[Key]]{out}, nil
		})
	route(s, Admin, http.MethodPost, "/v1/keys", "make-key", "Make a key, which is shown this once",
		http.StatusCreated, func(ctx context.Context, in *struct{ Body KeyBody }) (*unkept[NewKey], error) {
			k, token, err := s.Access.Issue(ctx, in.Body.Label, in.Body.Role, principal(ctx).Name)
			if err != nil {
				return nil, err
			}
			return &unkept[NewKey]{"no-store", NewKey{keyView(k), token.Reveal()}}, nil
		})
	route(s, Admin, http.MethodDelete, "/v1/keys/{id}", "revoke-key", "Revoke a key; it is worthless at once",
		http.StatusNoContent, func(ctx context.Context, in *struct {
			ID string `path:"id" maxLength:"64"`
		},
		) (*struct{}, error) {
			return nil, s.Access.Revoke(ctx, in.ID)
		})
}

// unkept is an answer that nobody on the way may keep.
type unkept[T any] struct {
	CacheControl string `header:"Cache-Control"`
	Body         T
}
