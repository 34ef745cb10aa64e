package slack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"shirase/internal/channel"
	"shirase/internal/deliver"
)

// limit is how many rooms are posted to at once.
const limit = 4

// maxText is how long a text may be. Slack promises more, and refuses some
// posts above this.
const maxText = 12_000

// API is where the Web API is.
const API = "https://slack.com/api"

// Sender posts to rooms. It implements deliver.Sender.
type Sender struct {
	client  *channel.Client
	secrets channel.Secrets
	api     string
	now     func() time.Time
}

// New makes a sender. The credential of a target is the URL of an incoming
// webhook, or a bot token with the scope chat:write; api is where tokens are
// used, usually [API].
func New(c *channel.Client, s channel.Secrets, api string, now func() time.Time) *Sender {
	return &Sender{client: c, secrets: s, api: strings.TrimRight(api, "/"), now: now}
}

// Keyed answers false: Slack takes no key, so a repeat may be seen twice.
func (*Sender) Keyed() bool { return false }

// Send posts each envelope to the room of its target.
func (s *Sender) Send(ctx context.Context, es []deliver.Envelope, deadline time.Time) []deliver.Outcome {
	return channel.Wave(ctx, es, deadline, s.now, limit, s.one)
}

func (s *Sender) one(ctx context.Context, e deliver.Envelope) deliver.Outcome {
	if utf8.RuneCountInString(e.Content.Text) > maxText {
		return channel.Refuse(fmt.Sprintf("text is longer than %d characters", maxText))
	}
	credential, f := channel.Credential(ctx, s.secrets, e.Target.Secret)
	switch {
	case f != nil:
		return deliver.Outcome{Failure: f}
	case strings.HasPrefix(credential, "https://"), strings.HasPrefix(credential, "http://"):
		return deliver.Outcome{Failure: s.hook(ctx, credential, e)}
	case strings.HasPrefix(credential, "xox"):
		return s.stage(ctx, credential, e)
	}
	return channel.Fail(deliver.Unauthorised, errors.New("credential is neither a webhook URL nor a token"))
}

// post is the body of every call. Links are not unfolded: the text says it all.
type post struct {
	Channel     string `json:"channel,omitempty"`
	TS          string `json:"ts,omitempty"`
	Thread      string `json:"thread_ts,omitempty"`
	Broadcast   bool   `json:"reply_broadcast,omitempty"`
	Text        string `json:"text"`
	UnfurlLinks bool   `json:"unfurl_links"`
	UnfurlMedia bool   `json:"unfurl_media"`
}

func (s *Sender) call(ctx context.Context, to, token string, p post) (channel.Answer, *deliver.Failure) {
	body, err := json.Marshal(p)
	if err != nil {
		return channel.Answer{}, &deliver.Failure{Reason: deliver.Rejected, Err: fmt.Errorf("encode post: %w", err)}
	}
	h := http.Header{"Content-Type": {"application/json; charset=utf-8"}}
	if token != "" {
		h.Set("Authorization", "Bearer "+token)
	}
	a, err := s.client.Post(ctx, to, h, body)
	if err != nil {
		return a, channel.Broken(err)
	}
	return a, nil
}

// hook posts by an incoming webhook, which answers "ok" and no id.
func (s *Sender) hook(ctx context.Context, hook string, e deliver.Envelope) *deliver.Failure {
	a, f := s.call(ctx, hook, "", post{Text: e.Content.Text})
	switch {
	case f != nil:
		return f
	case a.OK() && strings.TrimSpace(string(a.Body)) == "ok":
		return nil
	case a.OK():
		return &deliver.Failure{Reason: deliver.TimedOut, Err: errors.New("answer is not ok")}
	}
	return s.refused(a, word(strings.TrimSpace(string(a.Body))))
}

// stage posts by the Web API: the first stage as a post, each further one into
// that post and its thread.
func (s *Sender) stage(ctx context.Context, token string, e deliver.Envelope) deliver.Outcome {
	room := channel.Address(e)
	if e.Root == "" {
		return s.write(ctx, token, "chat.postMessage", post{Channel: room, Text: e.Content.Text})
	}
	root := parseID(e.Root, room)
	o := s.write(ctx, token, "chat.update", post{Channel: root.channel, TS: root.ts, Text: e.Content.Text})
	var broadcast bool
	switch {
	case o.Failure == nil:
	case errors.Is(o.Failure, errGone):
		return s.write(ctx, token, "chat.postMessage", post{Channel: room, Text: e.Content.Text})
	case errors.Is(o.Failure, errFixed):
		broadcast = true // the room must see it though the post cannot change
	default:
		return o
	}
	return s.write(ctx, token, "chat.postMessage", post{
		Channel: root.channel, Thread: root.ts, Broadcast: broadcast, Text: e.Content.Text,
	})
}

func (s *Sender) write(ctx context.Context, token, method string, p post) deliver.Outcome {
	a, f := s.call(ctx, s.api+"/"+method, token, p)
	if f != nil {
		return deliver.Outcome{Failure: f}
	}
	r, err := decode(a.Body)
	switch {
	case err == nil && !r.OK:
		return deliver.Outcome{Failure: s.refused(a, word(r.Error))}
	case !a.OK():
		return deliver.Outcome{Failure: s.refused(a, "")}
	case err != nil:
		return channel.Fail(deliver.TimedOut, err)
	}
	return deliver.Outcome{ID: id{channel: r.Channel, ts: r.TS}.String()}
}
