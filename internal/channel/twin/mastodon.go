package twin

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"html"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Status is a post on a Mastodon twin.
type Status struct {
	ID         string
	Text       string
	Language   string
	Visibility string
	InReplyTo  string
	Created    time.Time
}

// Mastodon is a Mastodon server with one account.
type Mastodon struct {
	server

	token    string
	now      func() time.Time
	statuses []Status
	keys     map[string]key
	last     int
}

// key is what the server remembers of an idempotency key.
type key struct {
	status string
	until  time.Time
}

// keyLife is how long a server remembers a key.
const keyLife = time.Hour

// NewMastodon starts a server whose account has the token.
func NewMastodon(token string, now func() time.Time) *Mastodon {
	m := &Mastodon{token: token, now: now, keys: map[string]key{}}
	m.start(m.handle)
	m.http.Start()
	return m
}

// Statuses answers the posts of the account, oldest first.
func (m *Mastodon) Statuses() []Status {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.statuses)
}

// Delete removes a post, as its owner may.
func (m *Mastodon) Delete(id string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.statuses = slices.DeleteFunc(m.statuses, func(s Status) bool { return s.ID == id })
}

func (m *Mastodon) handle(w http.ResponseWriter, r Request) {
	path, _, _ := strings.Cut(r.Path, "?")
	switch {
	case r.Header.Get("Authorization") != "Bearer "+m.token:
		writeJSON(w, http.StatusUnauthorized, map[string]string{"error": "The access token is invalid"})
	case r.Method == http.MethodPost && path == "/api/v1/statuses":
		m.post(w, r)
	case r.Method == http.MethodGet && path == "/api/v1/accounts/verify_credentials":
		writeJSON(w, http.StatusOK, map[string]string{"id": "1", "username": "status"})
	case r.Method == http.MethodGet && path == "/api/v1/accounts/1/statuses":
		out := make([]map[string]string, 0, len(m.statuses))
		for _, s := range slices.Backward(m.statuses) {
			out = append(out, s.entity())
		}
		writeJSON(w, http.StatusOK, out)
	default:
		writeJSON(w, http.StatusNotFound, map[string]string{"error": "Record not found"})
	}
}

func (m *Mastodon) post(w http.ResponseWriter, r Request) {
	var body struct {
		Status     string `json:"status"`
		Visibility string `json:"visibility"`
		Language   string `json:"language"`
		InReplyTo  string `json:"in_reply_to_id"`
	}
	if json.Unmarshal(r.Body, &body) != nil || body.Status == "" {
		writeJSON(w, http.StatusUnprocessableEntity, map[string]string{"error": "Validation failed: Text can't be blank"})
		return
	}
	k := r.Header.Get("Idempotency-Key")
	if old, ok := m.keys[k]; ok && k != "" && m.now().Before(old.until) {
		if n := m.index(old.status); n >= 0 {
			writeJSON(w, http.StatusOK, m.statuses[n].entity())
			return
		}
	}
	if body.InReplyTo != "" && m.index(body.InReplyTo) < 0 {
		writeJSON(w, http.StatusNotFound, map[string]string{"error": "The post you are trying to reply to does not appear to exist."})
		return
	}
	m.last++
	s := Status{
		ID: strconv.Itoa(1000 + m.last), Text: body.Status, Language: body.Language,
		Visibility: body.Visibility, InReplyTo: body.InReplyTo, Created: m.now(),
	}
	m.statuses = append(m.statuses, s)
	if k != "" {
		m.keys[k] = key{status: s.ID, until: m.now().Add(keyLife)}
	}
	writeJSON(w, http.StatusOK, s.entity())
}

func (m *Mastodon) index(id string) int {
	return slices.IndexFunc(m.statuses, func(s Status) bool { return s.ID == id })
}

// entity is a status as the API shows it: text as HTML, links with parts that
// the eye does not see.
func (s Status) entity() map[string]string {
	words := strings.Split(html.EscapeString(s.Text), " ")
	for i, v := range words {
		if rest, ok := strings.CutPrefix(v, "https://"); ok {
			words[i] = `<a href="` + v + `"><span class="invisible">https://</span><span>` + rest + `</span></a>`
		}
	}
	content := "<p>" + strings.ReplaceAll(strings.Join(words, " "), "\n", "<br />") + "</p>"
	sum := sha256.Sum256([]byte(s.ID))
	return map[string]string{
		"id": s.ID, "content": content, "created_at": s.Created.UTC().Format("2006-01-02T15:04:05.000Z"),
		"uri": "https://social.example/users/status/statuses/" + hex.EncodeToString(sum[:4]),
	}
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}
