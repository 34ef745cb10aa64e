package mastodon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"shirase/internal/channel"
	"shirase/internal/deliver"
	"shirase/internal/incident"
)

// limit is how many posts are sent at once.
const limit = 4

// keyLife is how long we trust a server to remember a key: an hour, less what
// clocks may differ by.
const keyLife = 55 * time.Minute

// Sender posts statuses. It implements deliver.Sender.
type Sender struct {
	client  *channel.Client
	secrets channel.Secrets
	now     func() time.Time
}

// New makes a sender. The credential of a target is its access token, with the
// scope write:statuses; with read:accounts and read:statuses besides, late
// repeats are recognised.
func New(c *channel.Client, s channel.Secrets, now func() time.Time) *Sender {
	return &Sender{client: c, secrets: s, now: now}
}

// Keyed answers true.
func (*Sender) Keyed() bool { return true }

// Send posts each envelope to the account of its target.
func (s *Sender) Send(ctx context.Context, es []deliver.Envelope, deadline time.Time) []deliver.Outcome {
	return channel.Wave(ctx, es, deadline, s.now, limit, s.one)
}

// account is where a wave posts.
type account struct {
	server, token string
}

func (a account) header() http.Header {
	return http.Header{"Authorization": {"Bearer " + a.token}, "Accept": {"application/json"}}
}

// status is the body of a post.
type status struct {
	Status     string `json:"status"`
	Visibility string `json:"visibility"`
	Language   string `json:"language,omitempty"`
	InReplyTo  string `json:"in_reply_to_id,omitempty"`
}

func (s *Sender) one(ctx context.Context, e deliver.Envelope) deliver.Outcome {
	server, ok := origin(e)
	if !ok {
		return channel.Refuse("target names no server")
	}
	token, f := channel.Credential(ctx, s.secrets, e.Target.Secret)
	if f != nil {
		return deliver.Outcome{Failure: f}
	}
	a := account{server: server, token: token}
	if s.now().Sub(e.At) > keyLife {
		if id, f := s.find(ctx, a, e); f != nil || id != "" {
			return deliver.Outcome{ID: id, Failure: f}
		}
	}
	o := s.post(ctx, a, e, e.Last)
	if o.Failure != nil && e.Last != "" && errors.Is(o.Failure, errNotFound) {
		// The post we answer was deleted: the news goes out all the same.
		return s.post(ctx, a, e, "")
	}
	return o
}

// errNotFound marks an answer of 404.
var errNotFound = errors.New("not found")

func (s *Sender) post(ctx context.Context, a account, e deliver.Envelope, last string) deliver.Outcome {
	body, err := json.Marshal(status{
		Status: e.Content.Text, Visibility: "public", Language: language(e.Locale), InReplyTo: last,
	})
	if err != nil {
		return channel.Fail(deliver.Rejected, fmt.Errorf("encode status: %w", err))
	}
	h := a.header()
	h.Set("Content-Type", "application/json")
	h.Set("Idempotency-Key", e.Key)
	answer, err := s.client.Post(ctx, a.server+"/api/v1/statuses", h, body)
	if err != nil {
		return deliver.Outcome{Failure: channel.Broken(err)}
	}
	if !answer.OK() {
		return deliver.Outcome{Failure: s.judge(answer)}
	}
	id, err := posted(answer.Body)
	if err != nil {
		// It was probably posted; the same key will tell.
		return channel.Fail(deliver.TimedOut, err)
	}
	return deliver.Outcome{ID: id}
}

// judge says what a refusal means. A server's limit is about this account.
func (s *Sender) judge(a channel.Answer) *deliver.Failure {
	f := channel.Judge(a, channel.Provider, s.now())
	switch {
	case a.Status == http.StatusNotFound:
		f.Err = fmt.Errorf("status %d: %w", a.Status, errNotFound)
	case f.Reason == deliver.Throttled:
		f.Recipient = true
	}
	return f
}

// posted reads the id of the status that a server answers with.
func posted(body []byte) (string, error) {
	var v struct {
		ID string `json:"id"`
	}
	if err := json.Unmarshal(body, &v); err != nil || !plain(v.ID) {
		return "", errors.New("answer is no status")
	}
	return v.ID, nil
}

// plain reports whether a server's id can be what we keep and put in an URL.
func plain(id string) bool {
	for _, b := range []byte(id) {
		if (b|0x20 < 'a' || b|0x20 > 'z') && (b < '0' || b > '9') && b != '-' && b != '_' {
			return false
		}
	}
	return id != "" && len(id) <= 64
}

// origin answers the server of a target: the one the plan names, or the one in
// its address, as in @status@social.example.
func origin(e deliver.Envelope) (string, bool) {
	if s := strings.TrimRight(e.Target.Server, "/"); s != "" {
		u, err := url.Parse(s)
		return s, err == nil && u.Host != "" && u.Path == "" && u.RawQuery == "" && (u.Scheme == "https" || u.Scheme == "http")
	}
	_, host, ok := strings.Cut(strings.TrimPrefix(channel.Address(e), "@"), "@")
	if !ok || host == "" || strings.ContainsAny(host, "/@?#\\ ") {
		return "", false
	}
	return "https://" + host, true
}

// language answers the two letters that servers take.
func language(l incident.Locale) string {
	s, _, _ := strings.Cut(string(l), "-")
	return strings.ToLower(s)
}
