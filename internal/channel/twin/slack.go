package twin

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
)

// Post is a message in a room of a Slack twin.
type Post struct {
	Channel, TS, Thread, Text string
	Broadcast                 bool
	// Edits counts how often it was changed.
	Edits int
}

// Slack is a workspace with one room, one token and one incoming webhook.
type Slack struct {
	server

	token, room, id string
	posts           []Post
}

// NewSlack starts a workspace. Its room is known by name and by an id that its
// answers use.
func NewSlack(token, room, id string) *Slack {
	s := &Slack{token: token, room: room, id: id}
	s.start(s.handle)
	s.http.Start()
	return s
}

// API is where the Web API is.
func (s *Slack) API() string { return s.URL() + "/api" }

// Hook is the incoming webhook.
func (s *Slack) Hook() string { return s.URL() + "/services/T0/B0/secret" }

// Posts answers what stands in the room, oldest first.
func (s *Slack) Posts() []Post {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.posts)
}

// Delete removes a post, as people in the room may.
func (s *Slack) Delete(ts string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.posts = slices.DeleteFunc(s.posts, func(p Post) bool { return p.TS == ts })
}

// call is the body of every method.
type call struct {
	Channel   string `json:"channel"`
	TS        string `json:"ts"`
	Thread    string `json:"thread_ts"`
	Broadcast bool   `json:"reply_broadcast"`
	Text      string `json:"text"`
}

func (s *Slack) handle(w http.ResponseWriter, r Request) {
	var c call
	err := json.Unmarshal(r.Body, &c)
	if r.Path == "/services/T0/B0/secret" {
		if err != nil || c.Text == "" {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, "invalid_payload")
			return
		}
		s.add(Post{Text: c.Text})
		_, _ = io.WriteString(w, "ok")
		return
	}
	p, code := s.method(r, c, err)
	if code != "" {
		writeJSON(w, http.StatusOK, map[string]any{"ok": false, "error": code})
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{"ok": true, "channel": p.Channel, "ts": p.TS})
}

// method runs a method and answers the post, or Slack's code of what is wrong.
func (s *Slack) method(r Request, c call, err error) (p Post, code string) {
	switch {
	case r.Header.Get("Authorization") != "Bearer "+s.token:
		return Post{}, "invalid_auth"
	case err != nil:
		return Post{}, "invalid_json"
	case c.Text == "":
		return Post{}, "no_text"
	case c.Channel != s.room && c.Channel != s.id:
		return Post{}, "channel_not_found"
	}
	switch r.Path {
	case "/api/chat.postMessage":
		return s.add(Post{Text: c.Text, Thread: c.Thread, Broadcast: c.Broadcast}), ""
	case "/api/chat.update":
		n := slices.IndexFunc(s.posts, func(p Post) bool { return p.TS == c.TS })
		if n < 0 || c.Channel != s.id {
			return Post{}, "message_not_found"
		}
		s.posts[n].Text = c.Text
		s.posts[n].Edits++
		return s.posts[n], ""
	}
	return Post{}, "unknown_method"
}

func (s *Slack) add(p Post) Post {
	p.Channel, p.TS = s.id, fmt.Sprintf("1789442520.%06d", len(s.requests))
	s.posts = append(s.posts, p)
	return p
}
