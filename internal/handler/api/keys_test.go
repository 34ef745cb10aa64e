package api_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

func TestAKeyIsMadeUsedAndRevoked(t *testing.T) {
	t.Parallel()
	s := serve(t)
	made := s.ask("admin", http.MethodPost, "/v1/keys", `{"label":"deploy bot","role":"responder"}`)
	if made.status != http.StatusCreated || made.header.Get("Cache-Control") != "no-store" {
		t.Fatalf("POST /v1/keys = %d %s, Cache-Control %q, want 201 and no-store", made.status, made.raw, made.header.Get("Cache-Control"))
	}
	key, id := made.body["key"].(string), made.body["id"].(string)
	if !strings.HasPrefix(key, "shk_"+id+"_") || made.body["by"] != "admin" || made.body["label"] != "deploy bot" || made.body["role"] != "responder" {
		t.Errorf("POST /v1/keys = %s, want the key, its label, its role and who made it", made.raw)
	}
	opened := s.ask(key, http.MethodPost, "/v1/incidents", three)
	if opened.status != http.StatusCreated {
		t.Fatalf("POST with the key = %d %s, want 201", opened.status, opened.raw)
	}
	at := "/v1/incidents/" + opened.body["id"].(string)
	if a := s.ask(key, http.MethodPost, at+"/ack", ""); a.body["acked_by"] != "deploy bot" {
		t.Errorf("acked by %v, want the key's label", a.body["acked_by"])
	}
	if a := s.ask(key, http.MethodGet, "/v1/keys", ""); a.status != http.StatusForbidden {
		t.Errorf("GET /v1/keys by a responder = %d, want 403", a.status)
	}
	list := s.ask("admin", http.MethodGet, "/v1/keys", "")
	if items := list.body["items"].([]any); len(items) != 1 || strings.Contains(list.raw, key[len("shk_"+id+"_"):]) || strings.Contains(list.raw, "hash") {
		t.Errorf("GET /v1/keys = %s, want one key without its secret", list.raw)
	}
	if a := s.ask("admin", http.MethodDelete, "/v1/keys/"+id, ""); a.status != http.StatusNoContent || a.raw != "" {
		t.Errorf("DELETE = %d %s, want 204", a.status, a.raw)
	}
	if a := s.ask(key, http.MethodGet, at, ""); a.status != http.StatusUnauthorized {
		t.Errorf("GET with the revoked key = %d, want 401", a.status)
	}
	if a := s.ask("admin", http.MethodDelete, "/v1/keys/"+id, ""); a.status != http.StatusNotFound {
		t.Errorf("DELETE again = %d, want 404", a.status)
	}
}

func TestAKeyThatCannotBeMade(t *testing.T) {
	t.Parallel()
	s := serve(t)
	if a := s.ask("admin", http.MethodPost, "/v1/keys", `{"label":"one","role":"viewer"}`, "Idempotency-Key", "k1"); a.status != 201 {
		t.Fatal(a.raw)
	}
	for _, c := range []struct {
		body   string
		status int
		want   string
	}{
		{`{"label":"one","role":"viewer"}`, 409, "conflict"}, // also with the same Idempotency-Key
		{`{"label":"root","role":"viewer"}`, 409, "conflict"},
		{`{"label":"two","role":"owner"}`, 422, `"/role"`},
		{`{"label":"a\nb","role":"viewer"}`, 422, `"/label"`},
		{`{}`, 422, "role"},
	} {
		a := s.ask("admin", http.MethodPost, "/v1/keys", c.body, "Idempotency-Key", "k1")
		if a.status != c.status || !strings.Contains(a.raw, c.want) || strings.Contains(a.raw, "shk_") {
			t.Errorf("POST /v1/keys %s = %d %s, want %d with %s", c.body, a.status, a.raw, c.status, c.want)
		}
	}
}

// TestTheDocumentNamesWhoMayDoWhat looks for the new routes, and that none of
// them is open to less than it should be.
func TestTheDocumentNamesWhoMayDoWhat(t *testing.T) {
	t.Parallel()
	s := serve(t)
	doc := s.document()
	for _, c := range []struct{ method, path, role string }{
		{http.MethodGet, "/v1/keys", "admin"},
		{http.MethodPost, "/v1/keys", "admin"},
		{http.MethodDelete, "/v1/keys/{id}", "admin"},
		{http.MethodGet, "/v1/readiness", "responder"},
	} {
		item := doc.Paths.Value(c.path)
		if item == nil || item.GetOperation(c.method) == nil {
			t.Errorf("the document has no %s %s", c.method, c.path)
			continue
		}
		if d := item.GetOperation(c.method).Description; !strings.Contains(d, "the role "+c.role) {
			t.Errorf("%s %s: %q, want the role %s", c.method, c.path, d, c.role)
		}
	}
	b, err := json.Marshal(doc.Components.Schemas["Key"])
	if err != nil || strings.Contains(string(b), "secret") || strings.Contains(string(b), "hash") || len(b) < 100 {
		t.Errorf("the schema of a key = %s, %v, want no secret in it", b, err)
	}
}
